"""Series with known behaviour, by seed."""

from datetime import date, timedelta

import numpy as np

from analytics.forecast.base import Series

MONDAY = date(2024, 1, 1)


def weekly(y, horizon: int = 4, name: str = "rings/clean_sales") -> Series:
    """A series of Mondays."""
    weeks = [MONDAY + timedelta(weeks=number) for number in range(len(y) + horizon)]
    return Series(name, weeks[: len(y)], np.asarray(y, dtype=float), weeks[len(y) :])


def random_walk(seed: int, length: int, step: float = 0.1) -> np.ndarray:
    """A price whose log is a random walk."""
    return np.exp(np.cumsum(np.random.default_rng(seed).normal(0, step, length)))


def seasonal(seed: int, length: int, season: int = 4) -> np.ndarray:
    """Counts around a strong season."""
    rng = np.random.default_rng(seed)
    level = 40 + 30 * np.sin(2 * np.pi * np.arange(length) / season)
    return rng.poisson(level).astype(float)
