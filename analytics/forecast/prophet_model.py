"""Prophet: carried because people expect it, and made to earn its place like any other."""

import logging
from dataclasses import dataclass

import numpy as np

from analytics.forecast.base import Array
from analytics.forecast.seasons import usable_seasons

_SEED = 7
_MAX_HARMONICS = 10


@dataclass(frozen=True)
class ProphetFamily:
    """Prophet's trend and seasons, as a point forecast; its bands come from the backtest.

    Periods become days of an artificial calendar, and seasons are named in periods: so a series
    of integers is as good as one of dates, and no holiday sneaks in. Prophet's own bands
    under-cover on market series, hence `uncertainty_samples=0` (Taylor and Letham 2018).
    """

    names: tuple[str, ...] = ("prophet",)

    def forecast(self, history: Array, horizon: int, seasons: tuple[int, ...]) -> dict[str, Array]:
        """The path of a fit by optimisation from a fixed seed."""
        import pandas as pd
        from prophet import Prophet

        days = pd.date_range("2000-01-01", periods=history.size + horizon, freq="D")
        model = Prophet(
            yearly_seasonality=False,
            weekly_seasonality=False,
            daily_seasonality=False,
            uncertainty_samples=0,
            n_changepoints=min(25, max(1, history.size // 4)),
        )
        for season in usable_seasons(seasons, history.size):
            harmonics = max(1, min(_MAX_HARMONICS, season // 2))
            model.add_seasonality(name=f"every_{season}", period=season, fourier_order=harmonics)
        _quiet()
        model.fit(pd.DataFrame({"ds": days[: history.size], "y": history}), seed=_SEED)
        path = model.predict(pd.DataFrame({"ds": days[history.size :]}))["yhat"]
        return {"prophet": np.asarray(path.to_numpy(), dtype=np.float64)}


def _quiet() -> None:
    cmdstanpy = logging.getLogger("cmdstanpy")
    if not cmdstanpy.hasHandlers():
        # Without a handler it would, on first use, add its own and turn all messages on.
        cmdstanpy.addHandler(logging.NullHandler())
    for name in ("cmdstanpy", "prophet", "prophet.plot"):
        logging.getLogger(name).setLevel(logging.ERROR)
