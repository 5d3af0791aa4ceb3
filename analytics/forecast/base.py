"""What a family of models offers, the scale it sees, and the series it gets."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_SMALL = 10.0
"""log1p is a logarithm only well above 1: series of smaller typical size are scaled up to this."""
_LEAST_UNIT = 1e-200
"""Nothing real is smaller, and dividing by less overflows."""


class ModelFamily(Protocol):
    """Models that are fitted together, each with a name."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models, as in the tables."""

    def forecast(self, history: Array, horizon: int, seasons: tuple[int, ...]) -> dict[str, Array]:
        """Median paths by name: `horizon` values after a gapless history, on its scale.

        `seasons` are period lengths in steps, ascending; a model that cannot use one ignores it.
        """


@dataclass(frozen=True)
class Series:
    """One series, oldest value first; y is NaN where a period was not observed.

    `ds` are the labels of the periods (dates, times or integers) and `next_ds` those to forecast.
    """

    unique_id: str
    ds: list[Any]
    y: Array
    next_ds: list[Any]

    def filled(self) -> Array:
        """The values with every unobserved period carrying the last observed one."""
        return fill_forward(self.y)


@dataclass(frozen=True)
class Scale:
    """The model scale: log1p of value / unit, or the value itself when values may be negative."""

    unit: float
    is_log: bool

    @classmethod
    def of(cls, history: Array) -> "Scale":
        """The scale for a history: unit 1, or less where typical values are below 10."""
        seen = history[~np.isnan(history)]
        if seen.size and seen.min() < 0:
            return cls(1.0, is_log=False)
        positive = seen[seen > 0]
        is_count = bool(np.all(seen == np.round(seen)))
        typical = float(np.median(positive)) if positive.size else 1.0
        return cls(1.0 if is_count else min(1.0, max(typical / _SMALL, _LEAST_UNIT)), is_log=True)

    def forward(self, values: Array) -> Array:
        """Values on the model scale."""
        return np.log1p(values / self.unit) if self.is_log else values

    def back(self, values: Array) -> Array:
        """Values in the unit of the series; never negative on the log scale."""
        if not self.is_log:
            return values
        return np.maximum(np.expm1(np.minimum(values, 700.0)), 0.0) * self.unit


def fill_forward(values: Array) -> Array:
    """The values with NaN replaced by the last value before; leading NaN by the first value."""
    known = np.flatnonzero(~np.isnan(values))
    if known.size == 0:
        return np.zeros_like(values)
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(values.size)))
    return np.asarray(values[np.where(last < 0, known[0], last)], dtype=np.float64)
