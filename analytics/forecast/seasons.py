"""Season lengths: named by the user, or found in the history by its autocorrelation."""

import numpy as np

from analytics.forecast.base import Array

NATURAL_SEASONS = {
    "hour": (24, 168),
    "day": (7, 365),
    "week": (4, 13, 52),
    "month": (12,),
    "quarter": (4,),
    "step": (4, 7, 12, 24, 52, 168),
}
"""Periods that may repeat, by the step between two values; the first is the one of naive."""
_MIN_CYCLES = 3
_Z_90 = 1.645
"""Two-sided 10 % point of the normal: the seasonality test of the M4 Theta benchmark."""


def baseline_season(step: str, seasons: tuple[int, ...] | None) -> int:
    """The season of seasonal naive: the first one named, else the step's natural one."""
    return seasons[0] if seasons else NATURAL_SEASONS[step][0]


def find_seasons(history: Array, step: str) -> tuple[int, ...]:
    """Natural season lengths that the history shows over at least three cycles, ascending.

    A length is shown when its autocorrelation, after differencing away the trend, is positive
    and outside the 90 % band of Bartlett's formula (Makridakis et al. 2020, the M4 competition).
    """
    return tuple(
        season
        for season in NATURAL_SEASONS[step]
        if history.size >= _MIN_CYCLES * season + 1 and _is_seasonal(np.diff(history), season)
    )


def usable_seasons(seasons: tuple[int, ...], length: int) -> tuple[int, ...]:
    """The seasons, ascending, that a history covers at least twice, as decomposing them needs."""
    return tuple(sorted(season for season in seasons if 1 < season <= (length - 1) // 2))


def _is_seasonal(changes: Array, season: int) -> bool:
    centred = changes - changes.mean()
    power = float(centred @ centred)
    if power <= 1e-12 * changes.size:
        return False
    lags = np.array([centred[lag:] @ centred[:-lag] / power for lag in range(1, season + 1)])
    band = _Z_90 * np.sqrt((1 + 2 * float(np.sum(lags[:-1] ** 2))) / changes.size)
    return bool(lags[-1] > band)
