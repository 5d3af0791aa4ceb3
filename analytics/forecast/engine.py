"""One series to its forecast: backtest, choice, refit, bands; or a refusal that says why."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from analytics.errors import UnknownNameError
from analytics.forecast.backtest import (
    MIN_POINTS,
    MIN_WINDOWS,
    Backtest,
    Setting,
    backtest,
    count_independent,
    forecast_paths,
    plan_origins,
)
from analytics.forecast.base import Array, ModelFamily, Scale, Series
from analytics.forecast.intervals import LEVELS, conformal_bands
from analytics.forecast.naive import NaiveFamily
from analytics.forecast.seasons import baseline_season
from analytics.forecast.select import Score, score_models, select_model

FAMILIES = ("naive", "stats", "prophet")
PROPHET_MAX_POINTS = 400
"""Prophet is left out of longer series unless it is asked for: it costs seconds a fit there, and
loses to seasonal naive on most of them (M4 Daily MASE 14.26 against 3.28, published)."""


@dataclass(frozen=True)
class Request:
    """How to forecast: steps ahead, step name, seasons and model families if they were named."""

    horizon: int
    step: str
    seasons: tuple[int, ...] | None = None
    families: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Refusal:
    """A series that cannot carry a forecast, and why."""

    unique_id: str
    reason: str


@dataclass(frozen=True)
class Forecasts:
    """Forecast rows, backtest rows and refusals of a set of series.

    forecasts: unique_id, ds, model, selected, mean, median, lo_50 … hi_95; exactly one model per
    series is selected. backtests: unique_id, model, selected, n_windows, horizon, mae, mase,
    skill, coverage_80, coverage_95, beats_naive.
    """

    forecasts: pl.DataFrame
    backtests: pl.DataFrame
    refusals: list[Refusal]


def forecast_all(
    series: Iterable[Series], request: Request, on_done: Callable[[str], None] = lambda _: None
) -> Forecasts:
    """Forecasts of many series, each by its own best model; `on_done` is told every series."""
    rows: list[pl.DataFrame] = []
    tests: list[pl.DataFrame] = []
    refusals: list[Refusal] = []
    for one in series:
        found = forecast_one(one, request)
        if isinstance(found, Refusal):
            refusals.append(found)
        else:
            rows.append(found[0])
            tests.append(found[1])
        on_done(one.unique_id)
    return Forecasts(_stack(rows), _stack(tests), refusals)


def forecast_one(series: Series, request: Request) -> tuple[pl.DataFrame, pl.DataFrame] | Refusal:
    """Forecast rows and backtest rows of one series, or why there are none."""
    observed = int(np.sum(~np.isnan(series.y)))
    if observed < MIN_POINTS:
        return Refusal(series.unique_id, f"{observed} observed values, {MIN_POINTS} are needed")
    if len(plan_origins(series.y.size, request.horizon)) < MIN_WINDOWS:
        reason = f"{series.y.size} periods are too few to test {request.horizon} steps ahead twice"
        return Refusal(series.unique_id, reason)
    setting = _setting(series, request)
    baseline = baseline_season(request.step, request.seasons)
    past = backtest(series.y, setting, baseline)
    if not np.isfinite(past.outcomes).any():
        return Refusal(series.unique_id, "nothing was observed in the periods to test on")
    paths = forecast_paths(series.y, setting)
    past = replace(past, paths={name: p for name, p in past.paths.items() if name in paths})
    scale = Scale.of(series.y)
    scores = score_models(past, scale)
    chosen = select_model(scores)
    rows = [
        _rows(series, score.model, paths[score.model], past, scale).with_columns(
            selected=pl.lit(score.model == chosen)
        )
        for score in scores
    ]
    return pl.concat(rows), _test_rows(series, scores, chosen, past)


def _setting(series: Series, request: Request) -> Setting:
    named = request.families
    unknown = [name for name in named or () if name not in FAMILIES]
    if unknown:
        raise UnknownNameError.among(unknown[0], FAMILIES, kind="model family")
    families: list[ModelFamily] = [
        NaiveFamily(request.seasons or (baseline_season(request.step, None),))
    ]
    if named is None or "stats" in named:
        from analytics.forecast.stats import StatsFamily

        families.append(StatsFamily())
    if "prophet" in (named or ()) or (named is None and series.y.size <= PROPHET_MAX_POINTS):
        from analytics.forecast.prophet_model import ProphetFamily

        families.append(ProphetFamily())
    return Setting(families, request.horizon, request.step, request.seasons)


def _rows(series: Series, model: str, path: Array, past: Backtest, scale: Scale) -> pl.DataFrame:
    errors = past.errors(model, scale)
    places = past.outcome_places()[~np.isnan(errors)]
    independent = count_independent(places, path.size)
    bands = conformal_bands(scale.forward(path), errors, scale, independent)
    columns: dict[str, Any] = {
        "unique_id": [series.unique_id] * path.size,
        "ds": series.next_ds,
        "model": [model] * path.size,
        "mean": bands.mean,
        "median": path,
    }
    for level in LEVELS:
        columns |= {f"lo_{level}": bands.low[level], f"hi_{level}": bands.high[level]}
    return pl.DataFrame(columns)


def _test_rows(series: Series, scores: list[Score], chosen: str, past: Backtest) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "unique_id": series.unique_id,
                "model": score.model,
                "selected": score.model == chosen,
                "n_windows": len(past.origins),
                "horizon": past.outcomes.shape[1],
                "mae": score.mae,
                "mase": _known(score.mase),
                "skill": score.skill,
                "coverage_80": _known(score.coverage_80),
                "coverage_95": _known(score.coverage_95),
                "beats_naive": score.beats_naive,
            }
            for score in scores
        ]
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _stack(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames, how="vertical_relaxed") if frames else pl.DataFrame()
