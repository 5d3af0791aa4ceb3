import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.forecast.base import Scale
from analytics.forecast.engine import Request, forecast_one
from analytics.forecast.intervals import (
    LEVELS,
    conformal_bands,
    score_quantile,
    step_sizes,
    widening,
)
from tests.analytics.forecast.cases import random_walk, weekly

LOG = Scale(1.0, is_log=True)
ERRORS = st.lists(
    st.lists(st.floats(-2, 2) | st.just(float("nan")), min_size=4, max_size=4),
    min_size=1,
    max_size=10,
).map(np.array)


@given(ERRORS, st.lists(st.floats(0, 8), min_size=4, max_size=4).map(np.array))
def test_bands_are_nested_hold_the_median_and_are_never_negative(errors, path):
    bands = conformal_bands(path, errors, LOG, 5.0)
    median = LOG.back(path)
    edges = [
        bands.low[95],
        bands.low[80],
        bands.low[50],
        median,
        bands.high[50],
        bands.high[80],
        bands.high[95],
    ]
    assert (np.diff(edges, axis=0) >= -1e-9).all()
    assert (bands.low[95] >= 0).all()
    assert (bands.mean >= 0).all()


def test_the_quantile_is_the_conformal_rank():
    scores = np.arange(1.0, 20.0)  # 19 of them: rank 20 * 0.8
    assert score_quantile(scores, 0.8) == 16
    assert score_quantile(scores, 0.99) == 19
    assert score_quantile(np.array([]), 0.8) == 0


def test_widening_is_students_prediction_factor():
    # t(0.975; 4) = 2.7764, z = 1.95996 (tables)
    assert widening(5, 0.95) == pytest.approx(2.7764 / 1.95996 * np.sqrt(1.2), rel=1e-4)
    assert widening(10_000, 0.95) == pytest.approx(1, abs=1e-3)


def test_error_sizes_grow_with_the_horizon_and_never_shrink():
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(0, 1, (400, 4)), axis=1)
    sizes = step_sizes(walk)
    assert sizes == pytest.approx(np.sqrt(np.arange(1, 5)), rel=0.15)
    assert (np.diff(step_sizes(walk[:, ::-1])) >= 0).all()


def test_an_exact_model_gets_bands_of_no_width():
    bands = conformal_bands(np.full(4, 2.0), np.zeros((5, 4)), LOG, 5.0)
    assert bands.high[95] - bands.low[95] == pytest.approx(0, abs=1e-6)


def coverage(generate, count, length=26):
    hits = {level: [] for level in LEVELS}
    for seed in range(count):
        y = generate(seed, length + 4)
        rows, _ = forecast_one(weekly(y[:length]), Request(4, "week", families=()))
        chosen = rows.filter("selected")
        for level in LEVELS:
            low, high = chosen[f"lo_{level}"].to_numpy(), chosen[f"hi_{level}"].to_numpy()
            hits[level].append(np.mean((low <= y[length:]) & (y[length:] <= high)))
    return {level: float(np.mean(values)) for level, values in hits.items()}


@pytest.mark.parametrize(
    "generate",
    [
        random_walk,
        lambda seed, n: np.random.default_rng(seed).poisson(12, n).astype(float),
        lambda seed, n: np.random.default_rng(seed).lognormal(0, 0.5, n),
    ],
    ids=["random walk", "counts", "noise"],
)
def test_bands_of_half_a_year_of_weeks_cover_what_they_say(generate):
    """Tolerance: 8 points below, 10 above: few windows make careful bands."""
    covered = coverage(generate, 120)
    for level in (80, 95):
        assert level / 100 - 0.08 <= covered[level] <= min(level / 100 + 0.10, 1)
    assert 0.42 <= covered[50] <= 0.68
