"""True demand: how many works of each style the market wants on each day.

The logarithm of demand is a sum of parts, each from a random stream of its own:

    level + trend + week + quarter + year + fashion + noise

A longer horizon starts with the shorter one: day d is the same number however many days are asked.
"""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from contracts.chain import GENESIS_TIME
from data.styles import style_names

if TYPE_CHECKING:
    import polars as pl

Matrix = NDArray[np.float64]

GENESIS_DAY = datetime.fromtimestamp(GENESIS_TIME, UTC).date()

MEAN_SALES_PER_DAY = 11.0
"""All styles together on an average first day; 8 styles come to about 14 sales a style and week
over half a year, because fashions only ever add."""

_WEEK = np.log([0.84, 0.82, 0.88, 0.98, 1.14, 1.32, 1.10])  # Monday first: people buy at weekends
_TREND_DAYS = 270.0
_QUARTER_DAYS = 91.25
_YEAR_DAYS = 365.25
_SHOCK_EVERY_DAYS = 75.0
_NOISE_SIGMA = 0.10
_NOISE_MEMORY = 0.6
_INDEX_DAYS = 10.0
_INDEX_ELASTICITY = 0.35
_LONGEST_DAYS = 20_000

# One stream per part: changing how one is drawn leaves the others as they were.
_LEVEL, _TREND, _SEASON, _FASHION, _NOISE = range(5)


def true_demand(seed: int, days: int) -> Matrix:
    """Expected sales of each style on each day: shape (styles, days), both in their order."""
    styles = len(style_names())
    log_demand = (
        _level(seed, styles)[:, None]
        + _trend(seed, styles, days)
        + _season(seed, styles, days)
        + np.vstack([_fashion(seed, style, days) for style in range(styles)])
        + np.vstack([_noise(seed, style, days) for style in range(styles)])
    )
    demand: Matrix = np.exp(log_demand)
    return demand


def price_index(demand: Matrix) -> Matrix:
    """What demand does to prices: (styles, days) around 1, from the days up to each day only.

    An exponential mean over ten days, relative to the style's first day, to the power 0.35:
    prices follow demand late and less than in proportion.
    """
    keep = 1.0 - 1.0 / _INDEX_DAYS
    smooth = np.empty_like(demand)
    smooth[:, 0] = demand[:, 0]
    for day in range(1, demand.shape[1]):
        smooth[:, day] = keep * smooth[:, day - 1] + (1.0 - keep) * demand[:, day]
    index: Matrix = (smooth / smooth[:, :1]) ** _INDEX_ELASTICITY
    return index


def demand_frame(demand: Matrix, first_day: int = 0) -> "pl.DataFrame":
    """The ground truth as rows: style, day (date), demand (expected sales); by style and day."""
    import polars as pl

    names = style_names()
    dates = [calendar_day(day) for day in range(first_day, demand.shape[1])]
    return pl.DataFrame(
        {
            "style": [name for name in names for _ in dates],
            "day": dates * len(names),
            "demand": demand[:, first_day:].ravel(),
        },
        schema={"style": pl.String, "day": pl.Date, "demand": pl.Float64},
    ).sort("style", "day")


def calendar_day(day: int) -> date:
    """The UTC date of a day of the simulation; day 0 is the Monday of the chain's genesis."""
    return GENESIS_DAY + timedelta(days=day)


def _level(seed: int, styles: int) -> NDArray[np.float64]:
    rng = np.random.default_rng([seed, _LEVEL])
    share = np.exp(rng.normal(0.0, 0.30, styles))
    level: NDArray[np.float64] = np.log(MEAN_SALES_PER_DAY * share / share.sum())
    return level


def _trend(seed: int, styles: int, days: int) -> Matrix:
    """Each style its own drift, from losing half to more than doubling, that flattens out."""
    rng = np.random.default_rng([seed, _TREND])
    drift = rng.permutation(np.linspace(-0.9, 1.0, styles))
    trend: Matrix = drift[:, None] * np.tanh(np.arange(days) / _TREND_DAYS)[None, :]
    return trend


def _season(seed: int, styles: int, days: int) -> Matrix:
    rng = np.random.default_rng([seed, _SEASON])
    week_strength = rng.uniform(0.7, 1.3, styles)
    quarter, year = rng.uniform(0.06, 0.18, styles), rng.uniform(0.08, 0.28, styles)
    quarter_start, year_start = rng.uniform(0.0, 1.0, styles), rng.uniform(0.0, 1.0, styles)
    day = np.arange(days)[None, :]
    week: Matrix = week_strength[:, None] * (_WEEK - _WEEK.mean())[day % 7]
    seasons = _wave(day, _QUARTER_DAYS, quarter, quarter_start)
    seasons += _wave(day, _YEAR_DAYS, year, year_start)
    return week + seasons


def _wave(
    day: NDArray[np.int_],
    period_days: float,
    strength: NDArray[np.float64],
    start: NDArray[np.float64],
) -> Matrix:
    phase: Matrix = day / period_days + start[:, None]
    wave: Matrix = strength[:, None] * np.sin(2.0 * np.pi * phase)
    return wave


def _fashion(seed: int, style: int, days: int) -> NDArray[np.float64]:
    """Shocks at random times: a style takes off within days and is forgotten within weeks."""
    rng = np.random.default_rng([seed, _FASHION, style])
    day = np.arange(days, dtype=np.float64)
    total = np.zeros(days)
    start = rng.exponential(_SHOCK_EVERY_DAYS)
    while start < min(days, _LONGEST_DAYS):
        height = float(np.clip(rng.lognormal(-0.25, 0.45), 0.3, 1.5))
        rise_days, decay_days = rng.uniform(2.0, 5.0), rng.uniform(10.0, 28.0)
        age = np.maximum(day - start, 0.0)
        total += height * (1.0 - np.exp(-age / rise_days)) * np.exp(-age / decay_days)
        start += rng.exponential(_SHOCK_EVERY_DAYS)
    return total


def _noise(seed: int, style: int, days: int) -> NDArray[np.float64]:
    """A first-order autoregression: what is liked today is liked tomorrow."""
    shocks = np.random.default_rng([seed, _NOISE, style]).normal(0.0, _NOISE_SIGMA, days)
    noise = np.empty(days)
    level = 0.0
    for day, shock in enumerate(shocks):
        level = _NOISE_MEMORY * level + shock
        noise[day] = level
    return noise
