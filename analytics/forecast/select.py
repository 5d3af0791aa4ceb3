"""Choosing one model per series by its past, with the benefit of the doubt given to naive."""

from dataclasses import dataclass

import numpy as np

from analytics.forecast.backtest import Backtest, count_independent
from analytics.forecast.base import Array, Scale
from analytics.forecast.intervals import conformal_bands
from analytics.forecast.naive import NAIVE, SEASONAL_NAIVE

MARGIN = 0.05
"""A challenger must be this much better: of several models on a few overlapping windows, one is
always a little better by luck."""
MIN_WIN_RATE = 0.6
MIN_APART_ERRORS = 8
"""Coverage is judged only in windows that leave this many errors of other periods."""


@dataclass(frozen=True)
class Score:
    """How one model did over the windows; errors in the unit of the series."""

    model: str
    mae: float
    mase: float
    skill: float
    win_rate: float
    coverage_80: float
    coverage_95: float
    beats_naive: bool


def score_models(past: Backtest, scale: Scale) -> list[Score]:
    """Scores of every model of a backtest, in the order of its paths.

    mase divides each window's error by the in-sample error of naive at the baseline's season
    (Hyndman and Koehler 2006); skill = 1 - MAE / MAE of seasonal naive; win_rate is the share of
    windows better than the better naive; coverage is that of bands made from the other periods'
    errors (NaN where there are too few).
    """
    per_window = {model: _window_errors(past, model) for model in past.paths}
    fallback = per_window[better_naive(past)]
    seasonal = float(np.nanmean(per_window[SEASONAL_NAIVE]))
    scores = []
    for model, errors in per_window.items():
        mae = float(np.nanmean(errors))
        cover = _coverage(past, model, scale)
        scores.append(
            Score(
                model=model,
                mae=mae,
                mase=_mean_ratio(errors, past.naive_errors),
                skill=1 - mae / seasonal if seasonal > 0 else 0.0,
                win_rate=float(np.mean(errors[~np.isnan(errors)] < fallback[~np.isnan(errors)])),
                coverage_80=cover[80],
                coverage_95=cover[95],
                beats_naive=mae < seasonal,
            )
        )
    return scores


def select_model(scores: list[Score]) -> str:
    """The model that ships: the best challenger that clearly beats both naives, else a naive.

    Clearly: at least 5 % less error, and better in at least 60 % of the windows. Ties go to the
    model that stands first.
    """
    fallback = _fallback(scores)
    bar = (1 - MARGIN) * fallback.mae
    challengers = [
        score
        for score in scores
        if not is_naive(score.model) and score.mae < bar and score.win_rate >= MIN_WIN_RATE
    ]
    return min(challengers, key=lambda score: score.mae, default=fallback).model


def _fallback(scores: list[Score]) -> Score:
    plain = next(score for score in scores if score.model == NAIVE)
    seasonal = [score for score in scores if score.model.startswith(SEASONAL_NAIVE)]
    best = min(seasonal, key=lambda score: score.mae, default=plain)
    return best if best.mae < (1 - MARGIN) * plain.mae else plain


def is_naive(model: str) -> bool:
    """Whether the model is one of the naive family."""
    return model == NAIVE or model.startswith(SEASONAL_NAIVE)


def better_naive(past: Backtest) -> str:
    """The naive model with the smallest error; the plain one on a tie."""
    naives = [model for model in past.paths if is_naive(model)]
    return min(naives, key=lambda model: float(np.nanmean(_window_errors(past, model))))


def _window_errors(past: Backtest, model: str) -> Array:
    """Mean absolute error per window; NaN for a window without an outcome."""
    errors = np.abs(past.outcomes - past.paths[model])
    seen = ~np.isnan(errors)
    counts = seen.sum(axis=1)
    sums = np.where(seen, errors, 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _mean_ratio(errors: Array, scales: Array) -> float:
    usable = ~np.isnan(errors) & (scales > 0)
    return float(np.mean(errors[usable] / scales[usable])) if usable.any() else float("nan")


def _coverage(past: Backtest, model: str, scale: Scale) -> dict[int, float]:
    """Share of outcomes inside bands made from the windows that share no period with theirs.

    Of four ways to estimate the coverage of the band that is shown, this one came nearest to it
    on simulated walks, counts and noise of 25 weeks (within 4 points).
    """
    errors = past.errors(model, scale)
    horizon = errors.shape[1]
    places = past.outcome_places()
    independent = count_independent(places, horizon)
    hits: dict[int, list[bool]] = {80: [], 95: []}
    for window, origin in enumerate(past.origins):
        apart = ((places < origin) | (places >= origin + horizon)) & ~np.isnan(errors)
        if np.sum(apart) < MIN_APART_ERRORS:
            continue
        path = scale.forward(past.paths[model][window])
        bands = conformal_bands(path, np.where(apart, errors, np.nan), scale, independent)
        outcomes = past.outcomes[window]
        seen = ~np.isnan(outcomes)
        for level, inside in hits.items():
            within = (bands.low[level] <= outcomes) & (outcomes <= bands.high[level])
            inside.extend(within[seen].tolist())
    return {level: float(np.mean(inside)) if inside else np.nan for level, inside in hits.items()}
