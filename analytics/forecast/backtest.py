"""Rolling-origin backtest: what each model would have said, standing in the past."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.forecast.base import Array, ModelFamily, Scale, fill_forward
from analytics.forecast.naive import NAIVE
from analytics.forecast.seasons import find_seasons

logger = logging.getLogger(__name__)

MIN_POINTS = 10
"""Fewer observed values carry no forecast."""
MIN_TRAINING = 7
"""Exponential smoothing cannot be chosen on fewer values."""
MIN_WINDOWS = 2
MAX_WINDOWS = 10
MIN_LONG_WINDOWS = 3
TARGET_ERRORS = 80
"""Windows times steps that a long horizon asks for; more cost time and tell little."""
MAX_GROWTH = 5.0
"""A path beyond this many times the highest value ever seen is a broken fit."""


@dataclass(frozen=True)
class Setting:
    """What to forecast with: families, steps ahead, step name, and seasons if they were named."""

    families: Sequence[ModelFamily]
    horizon: int
    step: str
    seasons: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Backtest:
    """Outcomes and paths over the windows, each of shape (windows, steps), and naive scales.

    origins: index of the first value forecast; outcomes: NaN where nothing was observed; paths by
    model, in the unit of the series; naive_errors: per window the in-sample error of naive.
    """

    origins: tuple[int, ...]
    outcomes: Array
    paths: dict[str, Array]
    naive_errors: Array

    def errors(self, model: str, scale: Scale) -> Array:
        """Outcome - forecast on the model scale, of shape (windows, steps)."""
        return scale.forward(self.outcomes) - scale.forward(self.paths[model])

    def outcome_places(self) -> NDArray[np.int64]:
        """Index in the series of every outcome, of shape (windows, steps)."""
        places = np.array(self.origins)[:, None] + np.arange(self.outcomes.shape[1])[None, :]
        return np.asarray(places, dtype=np.int64)


def count_independent(places: NDArray[np.int64], horizon: int) -> float:
    """How many independent errors those of overlapping windows are worth, about.

    An error k steps ahead overlaps k periods; so the distinct periods, over the mean step.
    """
    return float(np.unique(places).size / ((horizon + 1) / 2))


def plan_origins(length: int, horizon: int) -> tuple[int, ...]:
    """Origins of the windows, ascending; empty where the series cannot carry two of them.

    The first half of the series is for training only. Short horizons get up to ten windows one
    step apart; long ones, whose every window brings many errors, at least three, one horizon
    apart where there is room.
    """
    wanted = int(np.clip(round(TARGET_ERRORS / horizon), MIN_LONG_WINDOWS, MAX_WINDOWS))
    last = length - horizon
    room = last - max(MIN_TRAINING, length // 2)
    if room < MIN_WINDOWS - 1:
        return ()
    stride = int(np.clip(room // max(wanted - 1, 1), 1, horizon))
    count = min(wanted, room // stride + 1)
    return tuple(last - stride * back for back in reversed(range(count)))


def backtest(y: Array, setting: Setting, naive_season: int = 1) -> Backtest:
    """The backtest of a series (NaN: not observed); empty windows where it is too short.

    A window sees the values before its origin and nothing else: scale, seasons and fit are made
    anew from them. A model that fails in any window is left out, with a warning.
    """
    origins = plan_origins(y.size, setting.horizon)
    outcomes = [y[origin : origin + setting.horizon] for origin in origins]
    windows = [forecast_paths(y[:origin], setting) for origin in origins]
    names = [name for name in (windows[0] if windows else {}) if all(name in w for w in windows)]
    return Backtest(
        origins,
        np.array(outcomes).reshape(len(origins), setting.horizon),
        {name: np.vstack([window[name] for window in windows]) for name in names},
        np.array([_naive_error(y[:origin], naive_season) for origin in origins]),
    )


def forecast_paths(history: Array, setting: Setting) -> dict[str, Array]:
    """Median paths by model after a history (NaN: not observed), in the unit of the series.

    A path that is not finite or leaves five times the range seen so far is replaced by naive,
    with a warning.
    """
    scale = Scale.of(history)
    values = scale.forward(fill_forward(history))
    seasons = setting.seasons or find_seasons(values, setting.step)
    naive = np.full(setting.horizon, fill_forward(history)[-1])
    limit = MAX_GROWTH * float(np.nanmax(np.abs(history), initial=0.0))
    paths: dict[str, Array] = {}
    for family in setting.families:
        for name, path in _fit(family, values, setting.horizon, seasons).items():
            back = scale.back(path)
            if name != NAIVE and not np.all(np.abs(back) <= limit):
                logger.warning(
                    "model %s left %.4g, five times the highest value seen; naive instead",
                    name,
                    limit,
                )
                back = naive
            paths[name] = back
    return paths


def _fit(
    family: ModelFamily, values: Array, horizon: int, seasons: tuple[int, ...]
) -> dict[str, Array]:
    try:
        return family.forecast(values, horizon, seasons)
    except (ArithmeticError, ValueError, RuntimeError, np.linalg.LinAlgError) as error:
        logger.warning("models %s failed, left out: %s", ", ".join(family.names), error)
        return {}


def _naive_error(history: Array, season: int) -> float:
    lag = season if history.size > season else 1
    changes = np.abs(history[lag:] - history[:-lag])
    seen = changes[~np.isnan(changes)]
    return float(seen.mean()) if seen.size else float("nan")
