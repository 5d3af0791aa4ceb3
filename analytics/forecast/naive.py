"""The models that every other one has to beat."""

from dataclasses import dataclass

import numpy as np

from analytics.forecast.base import Array

NAIVE = "naive"
SEASONAL_NAIVE = "seasonal_naive"


@dataclass(frozen=True)
class NaiveFamily:
    """The last value, and the value one season ago; further seasons are named by their length.

    The first of `seasons` is the one of `seasonal_naive`. While the history is shorter than a
    season, its seasonal naive is naive.
    """

    seasons: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """naive, seasonal_naive, and seasonal_naive_<length> for each further season."""
        further = (f"{SEASONAL_NAIVE}_{season}" for season in self.seasons[1:])
        return (NAIVE, SEASONAL_NAIVE, *further)

    def forecast(self, history: Array, horizon: int, seasons: tuple[int, ...]) -> dict[str, Array]:
        """The paths; the seasons found in the history do not matter, the family has its own."""
        del seasons
        cycles = (1, *self.seasons)
        return {
            name: np.resize(history[-(cycle if cycle <= history.size else 1) :], horizon)
            for name, cycle in zip(self.names, cycles, strict=True)
        }
