import numpy as np
import polars as pl
import pytest

from analytics.errors import UnknownNameError
from analytics.forecast.engine import Refusal, Request, forecast_all, forecast_one
from tests.analytics.forecast.cases import random_walk, seasonal, weekly

QUICK = Request(4, "week", families=("stats",))


def test_exactly_one_model_per_series_is_selected_and_naive_is_always_there():
    series = [weekly(seasonal(n, 26), name=f"s{n}") for n in range(3)]
    found = forecast_all(series, QUICK)
    for frame in (found.forecasts, found.backtests):
        selected = frame.filter("selected").group_by("unique_id").agg(pl.col("model").n_unique())
        assert selected["model"].to_list() == [1, 1, 1]
    models = found.backtests.group_by("unique_id").agg("model")["model"]
    for names in models:
        assert {"naive", "seasonal_naive", "auto_ets", "auto_theta", "auto_ces", "ensemble"} == set(
            names
        )
    assert found.forecasts.height == 3 * 6 * 4
    assert not found.forecasts.null_count().to_numpy().any()


def test_prophet_stands_beside_the_others_on_short_series_and_not_on_long_ones():
    _, short = forecast_one(weekly(seasonal(1, 12)), Request(4, "week"))
    assert "prophet" in short["model"].to_list()
    _, long = forecast_one(weekly(random_walk(1, 500), 100), Request(100, "week"))
    assert "prophet" not in long["model"].to_list()


def test_the_refit_sees_the_whole_series():
    y = random_walk(2, 26)
    rows, _ = forecast_one(weekly(y), QUICK)
    naive = rows.filter(pl.col("model") == "naive")
    assert naive["median"].to_list() == pytest.approx([y[-1]] * 4)
    assert naive["ds"].to_list() == weekly(y).next_ds


def test_forecasts_are_repeatable():
    one, two = (forecast_all([weekly(seasonal(1, 26))], QUICK) for _ in range(2))
    assert one.forecasts.equals(two.forecasts)


@pytest.mark.parametrize(
    ("y", "reason"),
    [
        (np.ones(9), "9 observed values, 10 are needed"),
        (np.r_[np.ones(9), [np.nan] * 20], "9 observed values"),
        (np.r_[np.ones(12), [np.nan] * 12], "nothing was observed in the periods to test on"),
    ],
)
def test_a_series_that_cannot_carry_a_forecast_is_refused_with_the_reason(y, reason):
    refusal = forecast_one(weekly(y), QUICK)
    assert isinstance(refusal, Refusal)
    assert refusal.reason.startswith(reason)


def test_a_horizon_too_long_for_the_series_is_refused():
    refusal = forecast_one(weekly(np.ones(12), 8), Request(8, "week", families=()))
    assert "12 periods are too few to test 8 steps ahead twice" in refusal.reason


def test_twelve_points_are_enough_for_four_steps():
    assert not isinstance(forecast_one(weekly(np.arange(12.0)), QUICK), Refusal)


def test_a_refused_series_has_no_rows_and_does_not_stop_the_others():
    found = forecast_all(
        [weekly(np.ones(5), name="short"), weekly(np.ones(20), name="long")], QUICK
    )
    assert [refusal.unique_id for refusal in found.refusals] == ["short"]
    assert found.forecasts["unique_id"].unique().to_list() == ["long"]


def test_all_zero_series_are_forecast_as_zero():
    rows, _ = forecast_one(weekly(np.zeros(20)), QUICK)
    chosen = rows.filter("selected")
    assert chosen.select("median", "lo_95", "hi_95").to_numpy() == pytest.approx(0, abs=1e-6)


def test_an_unknown_family_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="'lstm' is unknown; known: naive, stats, prophet"):
        forecast_one(weekly(np.ones(20)), Request(4, "week", families=("lstm",)))
