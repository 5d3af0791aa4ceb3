"""Statistical models: exponential smoothing, Theta, complex smoothing, and their median.

The season, where there is one, is taken out by MSTL and put back by repeating its last cycle, so
that all models see a series without season and a long period costs little.
"""

from typing import Any

import numpy as np

from analytics.forecast.base import Array
from analytics.forecast.seasons import usable_seasons

ENSEMBLE = "ensemble"
_FLAT = 1e-9


class StatsFamily:
    """AutoETS, AutoTheta, AutoCES and the median of the three, by statsforecast.

    Sources: Hyndman and Khandakar 2008 (ETS by AICc); Fiorucci et al. 2016 (Theta); Svetunkov,
    Kourentzes and Ord 2022 (CES); Petropoulos and Svetunkov 2020 (the median of simple models).
    """

    @property
    def names(self) -> tuple[str, ...]:
        """auto_ets, auto_theta, auto_ces, ensemble."""
        return (*_build_models(), ENSEMBLE)

    def forecast(self, history: Array, horizon: int, seasons: tuple[int, ...]) -> dict[str, Array]:
        """The paths of the three on the deseasonalised history, season added, and their median."""
        adjusted, seasonal = take_out_seasons(history, horizon, seasons)
        if np.ptp(adjusted) < _FLAT:
            return dict.fromkeys(self.names, np.full(horizon, adjusted[-1]) + seasonal)
        with np.errstate(all="ignore"):  # variances of tiny samples, which are not used
            paths = {
                name: np.asarray(model.forecast(y=adjusted, h=horizon)["mean"], dtype=np.float64)
                + seasonal
                for name, model in _build_models().items()
            }
        median = np.median(np.vstack(list(paths.values())), axis=0)
        return {**paths, ENSEMBLE: np.asarray(median, dtype=np.float64)}


def take_out_seasons(history: Array, horizon: int, seasons: tuple[int, ...]) -> tuple[Array, Array]:
    """The history without its seasons, and the seasonal part of the next `horizon` values.

    Source: MSTL, Bandara, Hyndman and Bergmeir 2021.
    """
    usable = usable_seasons(seasons, history.size)
    if not usable or np.ptp(history) < _FLAT:
        return history, np.zeros(horizon)
    from statsforecast.mstl import mstl

    parts = mstl(history, list(usable))
    names = [name for name in parts.columns if str(name).startswith("seasonal")]
    cycles = [parts[name].to_numpy(dtype=np.float64) for name in names]
    future = [
        np.resize(cycle[-season:], horizon) for cycle, season in zip(cycles, usable, strict=True)
    ]
    past = np.sum(cycles, axis=0)
    return history - past, np.asarray(np.sum(future, axis=0), dtype=np.float64)


def _build_models() -> dict[str, Any]:
    # Keywords only: the first positional argument means another thing in each of these models.
    from statsforecast.models import AutoCES, AutoETS, AutoTheta

    return {
        "auto_ets": AutoETS(season_length=1),
        "auto_theta": AutoTheta(season_length=1),
        "auto_ces": AutoCES(season_length=1, model="N"),
    }
