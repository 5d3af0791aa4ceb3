from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from analytics.floors import realised_floors
from tests.analytics.frames import CHAIN, START


def priced(prices, *, is_wash=False, style="rings", collection="0xc0"):
    """Sales of (day, unit price)."""
    return pl.DataFrame(
        {
            "chain_id": CHAIN,
            "block_time": [START + timedelta(days=day, hours=5) for day, _ in prices],
            "unit_price_eth": [price for _, price in prices],
            "is_wash": is_wash,
            "style": style,
            "collection": collection,
        },
        schema_overrides={
            "unit_price_eth": pl.Float64,
            "style": pl.String,
            "block_time": pl.Datetime("us"),
        },
    )


def market(floors):
    return floors.filter(pl.col("scope") == "market")


def day(number):
    return date(2024, 1, 1) + timedelta(days=number)


def naive_floor(prices, last, window_days):
    """(floor, median, sales) of one window by its definition, with numpy alone."""
    inside = np.array([price for at, price in prices if last - window_days < at <= last])
    if inside.size == 0:
        return None
    kept = inside[inside >= 0.2 * np.median(inside)]
    return float(np.quantile(kept, 0.05)), float(np.median(kept)), kept.size


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 80), st.floats(0.01, 100)), min_size=1, max_size=40),
    st.sampled_from([1, 7, 30]),
)
def test_floors_equal_a_naive_recomputation(prices, window_days):
    floors = market(realised_floors(priced(prices), window_days=window_days, last_day=day(90)))
    rows = {row["day"]: row for row in floors.iter_rows(named=True)}
    for number in range(91):
        expected = naive_floor(prices, number, window_days)
        row = rows.pop(day(number), None)
        if expected is None:
            assert row is None
        else:
            got = (row["realised_floor_eth"], row["median_eth"], row["n_sales"])
            assert got == pytest.approx(expected)
    assert not rows


def test_a_gift_far_under_the_median_does_not_make_the_floor():
    floors = market(realised_floors(priced([(0, 1.0), (0, 1.1), (0, 1.2), (0, 0.001)])))
    assert floors["realised_floor_eth"][0] > 0.99
    assert floors["n_sales"][0] == 3


def test_a_cheap_sale_above_a_fifth_of_the_median_does():
    floors = market(realised_floors(priced([(0, 1.0), (0, 1.0), (0, 1.0), (0, 0.3)])))
    assert floors["realised_floor_eth"][0] < 0.5
    assert floors["n_sales"][0] == 4


def test_flagged_and_unpriced_sales_do_not_count():
    clean = priced([(0, 1.0), (0, None)])
    flagged = priced([(0, 0.5)], is_wash=True)
    floors = market(realised_floors(pl.concat([clean, flagged])))
    assert floors.select("realised_floor_eth", "n_sales").row(0) == (1.0, 1)


def test_a_sale_leaves_the_window_after_its_length():
    floors = market(realised_floors(priced([(0, 1.0)]), window_days=30, last_day=day(60)))
    assert (floors["day"].min(), floors["day"].max()) == (day(0), day(29))


def test_scopes_are_kept_apart_and_the_market_holds_all():
    rings = priced([(0, 1.0)])
    dots = priced([(0, 3.0)], style="dots", collection="0xd0")
    unstyled = priced([(0, 9.0)], style=None, collection="0xd0")
    floors = realised_floors(pl.concat([rings, dots, unstyled]))
    found = {
        (row["scope"], row["scope_id"]): row["n_sales"] for row in floors.iter_rows(named=True)
    }
    assert found == {
        ("collection", "0xc0"): 1,
        ("collection", "0xd0"): 2,
        ("style", "rings"): 1,
        ("style", "dots"): 1,
        ("market", "all"): 3,
    }


def test_a_frame_without_style_has_no_style_scope():
    floors = realised_floors(priced([(0, 1.0)]).drop("style"))
    assert set(floors["scope"]) == {"collection", "market"}


def test_the_order_of_sales_does_not_matter():
    prices = [(number % 40, 1.0 + number % 7) for number in range(100)]
    assert_frame_equal(realised_floors(priced(prices)), realised_floors(priced(prices[::-1])))


def test_no_clean_sales_give_no_floors():
    assert realised_floors(priced([(0, 1.0)], is_wash=True)).is_empty()
