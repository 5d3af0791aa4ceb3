import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.forecast.backtest import (
    MAX_WINDOWS,
    Setting,
    backtest,
    count_independent,
    forecast_paths,
    plan_origins,
)
from analytics.forecast.naive import NaiveFamily
from analytics.forecast.prophet_model import ProphetFamily
from analytics.forecast.stats import StatsFamily
from tests.analytics.forecast.cases import random_walk, seasonal


def setting(*families, horizon=4, seasons=None):
    return Setting([NaiveFamily((4,)), *families], horizon, "week", seasons)


@given(st.integers(0, 2_000), st.integers(1, 60))
def test_windows_lie_inside_the_series_and_leave_half_for_training(length, horizon):
    origins = plan_origins(length, horizon)
    assert len(origins) != 1
    assert len(origins) <= MAX_WINDOWS
    assert list(origins) == sorted(set(origins))
    for origin in origins:
        assert max(7, length // 2) <= origin <= length - horizon
    if origins:
        assert origins[-1] == length - horizon


@pytest.mark.parametrize(("length", "count"), [(11, 0), (12, 2), (15, 5), (26, 10), (700, 10)])
def test_the_number_of_windows_follows_the_length(length, count):
    assert len(plan_origins(length, 4)) == count


def test_a_long_horizon_gets_few_windows_side_by_side():
    assert plan_origins(700, 48) == (556, 604, 652)


@pytest.mark.parametrize(("family", "length"), [(StatsFamily(), 40), (ProphetFamily(), 15)])
def test_a_window_does_not_change_with_what_comes_after_it(family, length):
    y = seasonal(3, length)
    models = setting(family)
    past = backtest(y, models)
    for window in (0, len(past.origins) // 2):
        origin = past.origins[window]
        tampered = y.copy()
        tampered[origin:] = 1_000 + 7 * np.arange(y.size - origin)
        again = backtest(tampered, models)
        for name, paths in past.paths.items():
            assert again.paths[name][window].tolist() == paths[window].tolist(), name


def test_a_window_does_change_with_what_comes_before_it():
    y = seasonal(3, 40)
    past = backtest(y, setting())
    tampered = y.copy()
    tampered[past.origins[3] - 1] += 30
    again = backtest(tampered, setting())
    assert again.paths["naive"][3, 0] == pytest.approx(past.paths["naive"][3, 0] + 30)
    assert again.paths["naive"][2].tolist() == past.paths["naive"][2].tolist()


def test_outcomes_are_the_values_after_each_origin():
    y = random_walk(1, 26)
    past = backtest(y, setting())
    for window, origin in enumerate(past.origins):
        assert past.outcomes[window].tolist() == y[origin : origin + 4].tolist()
        assert past.paths["naive"][window] == pytest.approx([y[origin - 1]] * 4)


def test_unobserved_periods_have_no_error():
    y = random_walk(1, 26)
    y[-1] = np.nan
    past = backtest(y, setting())
    assert np.isnan(past.outcomes[-1, -1])
    assert np.isfinite(past.paths["naive"]).all()


class Exploding:
    names = ("exploding",)

    def forecast(self, history, horizon, seasons):
        return {"exploding": history[-1] + 5.0 * np.arange(1, horizon + 1)}


class Failing:
    names = ("failing",)

    def forecast(self, history, horizon, seasons):
        message = "singular"
        raise np.linalg.LinAlgError(message)


def test_a_path_beyond_five_times_the_past_becomes_naive_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        paths = forecast_paths(np.full(12, 3.0), setting(Exploding()))
    assert paths["exploding"].tolist() == [3.0] * 4
    assert "exploding left 15, five times the highest value" in caplog.text


def test_a_path_within_five_times_the_past_stands(caplog):
    y = np.r_[np.full(11, 1_000.0), 10.0]
    assert forecast_paths(y, setting(Exploding(), horizon=1))["exploding"][0] > 1_000
    assert not caplog.records


def test_a_model_that_fails_is_left_out_with_a_warning(caplog):
    past = backtest(random_walk(1, 26), setting(Failing()))
    assert set(past.paths) == {"naive", "seasonal_naive"}
    assert "failing failed, left out: singular" in caplog.text


def test_overlapping_windows_are_worth_fewer_errors_than_they_hold():
    past = backtest(random_walk(1, 26), setting())
    places = past.outcome_places()
    assert places.size == 40
    assert count_independent(places, 4) == pytest.approx(13 / 2.5)
