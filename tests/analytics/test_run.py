from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analytics.errors import NotEnoughDataError, UnknownNameError
from analytics.forecast.run import weekly_series
from analytics.inputs import facts_digest
from analytics.run import analyze, forecast
from data.schema import TABLES
from tests.analytics import frames

SIGNALS = (
    "wash_flags", "floors", "style_sales", "styles", "royalty_rates", "royalty_by_artist"
)  # fmt: skip


def without_run(frame):
    return frame.drop("run_id")


def test_all_writes_every_signal_with_its_run(store):
    summary = analyze(store, ["all"])
    assert set(summary.rows) == set(SIGNALS)
    for name in SIGNALS:
        rows = store.read(name)
        assert rows.height == summary.rows[name] > 0
        assert rows["run_id"].unique().to_list() == [summary.run_id]
    run = store.read("runs").filter(pl.col("run_id") == summary.run_id).row(0, named=True)
    assert (run["verb"], run["data_digest"]) == ("analyze", facts_digest(store))


def test_one_name_writes_its_tables_alone(store):
    assert set(analyze(store, ["floor"]).rows) == {"floors"}
    assert store.read("wash_flags").is_empty()


def test_floors_leave_out_flagged_sales_even_before_flags_are_stored(store):
    analyze(store, ["floor"])
    floors = store.read("floors").filter(pl.col("scope_id") == "rings")
    assert floors["median_eth"].max() < 2  # the two sales of the washed token, one at 50 ETH


def test_a_second_run_replaces_the_first(store):
    first = analyze(store, ["all"])
    before = {name: without_run(store.read(name)) for name in SIGNALS}
    second = analyze(store, ["all"])
    assert first.run_id != second.run_id
    for name in SIGNALS:
        assert_frame_equal(without_run(store.read(name)), before[name])


def test_the_planted_pair_is_flagged_and_funding_is_not_evaluated(store):
    analyze(store, ["wash"])
    flags = store.read("wash_flags")
    assert flags.height == store.read("sales").height
    assert sorted(flags.filter("is_wash")["sale_id"]) == ["s00000", "s90000"]
    named = flags.filter("is_wash").sort("sale_id")["counter_sale_ids"].to_list()
    assert named == ["s90000", "s00000"]
    assert flags["first_funded_by_same_wallet"].null_count() == flags.height
    assert flags["flashloan"].null_count() == flags.height


def test_with_funding_rule_four_is_evaluated(store):
    buyer = store.read("sales")["buyer"][5]
    rows = pl.DataFrame(
        {"chain_id": [frames.CHAIN] * 2, "address": [buyer, "0xb"], "first_funded_by": ["0xf"] * 2}
    )
    store.append("funding", rows)
    analyze(store, ["wash"])
    flags = store.read("wash_flags").join(store.read("sales"), on="sale_id")
    linked = (pl.col("buyer") == buyer) & (pl.col("seller") == "0xb")
    assert flags["first_funded_by_same_wallet"].null_count() == 0
    assert flags.filter(linked)["is_wash"].all()


def test_an_incremental_run_keeps_what_earlier_runs_said_of_older_sales(store):
    analyze(store, ["wash"])
    analyze(store, ["wash"], mode="incremental")
    flags = store.read("wash_flags")
    assert flags.height == store.read("sales").height
    assert flags.filter("is_wash").height == 2
    modes = (
        flags.join(store.read("sales"), on="sale_id")
        .group_by("mode")
        .agg(pl.col("block_time").min())
    )
    newest = store.read("sales")["block_time"].max()
    start = dict(modes.iter_rows())["incremental"]
    assert start >= (newest - timedelta(days=7)).replace(hour=0, minute=0)


def test_an_unknown_analysis_lists_the_known_ones(store):
    with pytest.raises(
        UnknownNameError, match="'wosh' is unknown; known: wash, floor, styles, royalties, all"
    ):
        analyze(store, ["wash", "wosh"])
    assert store.read("runs").is_empty()


def test_an_empty_store_gives_empty_signals(empty_store):
    assert analyze(empty_store, ["all"]).rows == dict.fromkeys(SIGNALS, 0)


def test_weeks_rise_to_the_newest_block_not_the_newest_sale(store):
    analyze(store, ["styles"])
    weekly = store.read("style_sales").filter(pl.col("style") == "rings")
    assert weekly.height == 25
    assert weekly["is_complete"].to_list() == [True] * 24 + [False]


def test_forecasts_of_the_store_have_one_selected_model_per_series_and_week(forecast_store):
    rows = forecast_store.read("forecasts")
    assert set(rows["unique_id"]) == {
        f"{style}/{target}"
        for style in ("rings", "dots")
        for target in ("clean_sales", "median_price_eth")
    }
    chosen = (
        rows.filter("selected")
        .group_by("unique_id")
        .agg(weeks=pl.len(), models=pl.col("model").n_unique(), first=pl.col("ds").min())
    )
    assert set(chosen["weeks"]) == {4}
    assert set(chosen["models"]) == {1}
    incomplete = forecast_store.read("style_sales").filter(~pl.col("is_complete"))["week"][0]
    assert set(chosen["first"]) == {incomplete}
    assert rows["style"].to_list() == [name.split("/")[0] for name in rows["unique_id"]]


def test_backtests_of_the_store_name_the_model_that_the_forecasts_select(forecast_store):
    tests = forecast_store.read("forecast_backtests")
    chosen = forecast_store.read("forecasts").filter("selected")
    assert set(tests.filter("selected").select("unique_id", "model").rows()) == set(
        chosen.select("unique_id", "model").rows()
    )
    assert {"naive", "seasonal_naive"} <= set(tests["model"])
    assert tests["n_windows"].min() >= 2
    assert tests.columns == TABLES["forecast_backtests"].column_names


def test_the_trend_of_the_planted_market_is_foreseen(forecast_store):
    chosen = forecast_store.read("forecasts").filter("selected")
    weekly = dict(chosen.group_by("unique_id").agg(pl.col("median").mean()).iter_rows())
    assert weekly["rings/clean_sales"] > 20  # 7 (1 + 24/8) = 28 a week in truth
    assert 0.8 < weekly["rings/median_price_eth"] < 1.25
    assert 0.08 < weekly["dots/median_price_eth"] < 0.125


def test_a_store_without_weekly_sales_says_what_to_run(empty_store):
    with pytest.raises(NotEnoughDataError, match="run `raisonne analyze styles`"):
        forecast(empty_store)


def test_a_young_market_is_refused_and_old_forecasts_do_not_stay(store):
    analyze(store, ["styles"])
    assert forecast(store, families=()).n_series == 4
    young = store.read("style_sales").filter(pl.col("week") < frames.START.date() + timedelta(35))
    store.replace("style_sales", young)
    summary = forecast(store, families=())
    assert (summary.n_series, summary.n_rows, len(summary.refusals)) == (0, 0, 4)
    assert store.read("forecasts").is_empty()


def weekly_sales(rows):
    """Rows of (week number, is_complete, clean sales, median price)."""
    frame = pl.DataFrame(
        [
            {
                "style": "rings",
                "week": frames.START.date() + timedelta(weeks=week),
                "is_complete": complete,
                "clean_sales": clean,
                "median_price_eth": price,
            }
            for week, complete, clean, price in rows
        ]
    )
    return frame


def test_series_leave_out_the_first_and_the_incomplete_week_and_keep_zero_weeks():
    rows = [(0, True, 9, 1.0), (1, True, 2, 1.5), (2, True, 0, None), (3, True, 4, 2.0),
            (4, False, 1, 9.0)]  # fmt: skip
    sales, price = weekly_series(weekly_sales(rows), 2)
    assert (sales.unique_id, sales.y.tolist()) == ("rings/clean_sales", [2.0, 0.0, 4.0])
    assert price.filled().tolist() == [1.5, 1.5, 2.0]
    assert sales.next_ds[0] == frames.START.date() + timedelta(weeks=4)


def test_no_complete_week_gives_no_series():
    assert weekly_series(weekly_sales([(0, True, 9, 1.0), (1, False, 2, 1.5)]), 4) == []
