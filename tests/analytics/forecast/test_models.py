import subprocess
import sys

import numpy as np
import pytest

from analytics.forecast.naive import NaiveFamily
from analytics.forecast.prophet_model import ProphetFamily
from analytics.forecast.seasons import baseline_season, find_seasons, usable_seasons
from analytics.forecast.stats import StatsFamily, take_out_seasons
from tests.analytics.forecast.cases import random_walk, seasonal

RAMP = np.arange(1.0, 9.0)
TREND = np.linspace(1.0, 3.0, 30)


def test_naive_repeats_the_last_value_and_seasonal_naive_the_last_season():
    paths = NaiveFamily((4,)).forecast(RAMP, 6, ())
    assert paths["naive"].tolist() == [8] * 6
    assert paths["seasonal_naive"].tolist() == [5, 6, 7, 8, 5, 6]


def test_further_seasons_are_named_by_their_length():
    paths = NaiveFamily((2, 4)).forecast(RAMP, 4, ())
    assert paths["seasonal_naive"].tolist() == [7, 8, 7, 8]
    assert paths["seasonal_naive_4"].tolist() == [5, 6, 7, 8]


def test_a_season_longer_than_the_history_is_naive():
    assert NaiveFamily((52,)).forecast(RAMP, 2, ())["seasonal_naive"].tolist() == [8, 8]


@pytest.mark.parametrize("name", ["auto_ets", "auto_theta", "auto_ces"])
def test_statistical_models_follow_a_trend_at_least_in_direction(name):
    path = StatsFamily().forecast(TREND, 4, ())[name]
    assert path.shape == (4,)
    assert (path > TREND[-3]).all()


def test_the_ensemble_is_the_median_of_the_three():
    paths = StatsFamily().forecast(random_walk(1, 40), 4, ())
    three = [paths[name] for name in ("auto_ets", "auto_theta", "auto_ces")]
    assert paths["ensemble"] == pytest.approx(np.median(three, axis=0))


def test_a_constant_history_is_forecast_as_that_constant():
    paths = StatsFamily().forecast(np.full(20, 2.5), 3, (4,))
    assert set(paths) == set(StatsFamily().names)
    assert all(path.tolist() == [2.5] * 3 for path in paths.values())


def test_an_exact_season_is_taken_out_and_put_back():
    history = np.tile([1.0, 5.0, 2.0, 8.0], 10)
    adjusted, future = take_out_seasons(history, 6, (4,))
    assert np.ptp(adjusted) == pytest.approx(0, abs=0.2)
    assert future + adjusted[-1] == pytest.approx([1, 5, 2, 8, 1, 5], abs=0.3)


def test_a_season_seen_less_than_twice_is_ignored():
    assert usable_seasons((4, 13, 52), 30) == (4, 13)
    adjusted, future = take_out_seasons(RAMP, 3, (52,))
    assert adjusted is RAMP
    assert future.tolist() == [0, 0, 0]


def test_a_season_is_found_where_there_is_one_and_seldom_in_noise():
    assert 4 in find_seasons(seasonal(1, 40), "week")
    rng = np.random.default_rng(7)
    found = [find_seasons(rng.normal(0, 1, 40), "week") for _ in range(200)]
    assert sum(bool(seasons) for seasons in found) / 200 < 0.15


def test_a_constant_series_has_no_season():
    assert find_seasons(np.full(60, 3.0), "week") == ()


def test_the_named_season_is_the_one_of_the_baseline():
    assert baseline_season("hour", None) == 24
    assert baseline_season("week", (13, 52)) == 13


def test_prophet_follows_a_trend_repeatably():
    first, again = (ProphetFamily().forecast(TREND, 4, ())["prophet"] for _ in range(2))
    assert first.tolist() == again.tolist()
    assert first == pytest.approx([3.07, 3.14, 3.21, 3.28], abs=0.1)


def test_prophet_is_quiet_from_its_first_import_on():
    code = (
        "import numpy; from analytics.forecast.prophet_model import ProphetFamily;"
        "ProphetFamily().forecast(numpy.arange(12.0), 2, ())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_prophet_sees_a_season_given_in_steps():
    history = np.tile([0.0, 3.0, 1.0, 6.0], 12)
    path = ProphetFamily().forecast(history, 4, (4,))["prophet"]
    assert path == pytest.approx([0, 3, 1, 6], abs=0.5)
