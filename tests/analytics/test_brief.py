from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.brief import Outlook, brief_lines, price_to_wei, write_brief
from analytics.errors import NoForecastError, UnknownNameError
from data.styles import style_names


def outlook(style="rings", **changes):
    known = {
        "weeks": 4,
        "expected_sales": 20.0,
        "lo_80": 10.0,
        "hi_80": 30.0,
        "model": "ensemble",
        "skill": 0.25,
        "n_windows": 10,
        "price_eth": 0.5,
        "floor_eth": 0.2,
        "momentum": 1.5,
    }
    return Outlook(style=style, **known | changes)


def test_a_brief_spends_the_budget_on_what_the_forecasts_value(forecast_store):
    lines = write_brief(forecast_store, budget_works=12)
    assert lines["works"].sum() == 12
    works = dict(lines.select("style", "works").iter_rows())
    assert works["rings"] > works["dots"]  # more sales at ten times the price
    forecasts = forecast_store.read("forecasts").filter("selected")
    for row in lines.iter_rows(named=True):
        of_style = forecasts.filter(pl.col("unique_id") == f"{row['style']}/clean_sales")
        assert row["expected_sales"] == pytest.approx(of_style["median"].sum())
        assert row["lo_80"] <= row["expected_sales"] <= row["hi_80"]
        assert row["model"] == of_style["model"][0]
        assert row["reason"].startswith(f"{row['works']} of {row['style']}: ")


def test_the_same_forecasts_give_the_same_brief_once(forecast_store):
    first = write_brief(forecast_store, clock=lambda: datetime(2024, 7, 1, tzinfo=UTC))
    again = write_brief(forecast_store, clock=lambda: datetime(2024, 8, 1, tzinfo=UTC))
    assert first.equals(again)
    stored = forecast_store.read("briefs")
    assert stored.filter(pl.col("brief_id") == first["brief_id"][0]).height == first.height


def test_another_budget_is_another_brief(forecast_store):
    ids = {write_brief(forecast_store, budget_works=n)["brief_id"][0] for n in (5, 12)}
    assert len(ids) == 2
    assert all(name.startswith("brief-") for name in ids)


def test_without_forecasts_the_brief_says_what_to_run(empty_store):
    with pytest.raises(NoForecastError, match="run `raisonne analyze all` and `raisonne forecast`"):
        write_brief(empty_store)
    assert empty_store.read("briefs").is_empty()


def test_an_unknown_chain_lists_the_known_ones(forecast_store):
    with pytest.raises(UnknownNameError, match="chain-id '1' is unknown; known: 31337"):
        write_brief(forecast_store, chain_id=1)


def test_styles_without_a_price_are_left_out():
    lines = brief_lines([outlook(), outlook("dots", price_eth=None, floor_eth=None)], 6)
    assert [(line["style"], line["works"]) for line in lines] == [("rings", 6)]


def test_no_style_takes_more_than_the_cap_where_others_can_take_the_rest():
    many = [outlook(style, expected_sales=1.0) for style in style_names()[1:]]
    lines = brief_lines([outlook(expected_sales=1e6), *many], 100)
    works = {line["style"]: line["works"] for line in lines}
    assert works["rings"] == 40
    assert len(works) == 8


def test_a_style_expected_to_sell_nothing_still_gets_a_floor():
    many = [outlook(style) for style in style_names()[1:]]
    works = {
        line["style"]: line["works"]
        for line in brief_lines([outlook(expected_sales=0.0), *many], 100)
    }
    assert works["rings"] == 5


@pytest.mark.parametrize(
    ("price_eth", "floor_eth", "asked"), [(0.5, 0.2, 0.5), (0.1, 0.2, 0.2), (None, 0.2, 0.2)]
)
def test_the_price_is_the_forecast_but_not_under_the_floor(price_eth, floor_eth, asked):
    line = brief_lines([outlook(price_eth=price_eth, floor_eth=floor_eth)], 1)[0]
    assert line["price_wei"] == int(Decimal(str(asked)) * 10**18)


@pytest.mark.parametrize(
    ("price_eth", "wei"),
    [
        (0.1, 10**17),
        (0.12345, 123 * 10**15),
        (1 / 3, 333 * 10**15),
        (1234.56, 1230 * 10**18),
        (1e-7, 10**11),
        (1.5e-18, 2),
    ],
)
def test_prices_are_exact_wei_of_three_digits(price_eth, wei):
    assert price_to_wei(price_eth) == wei


@given(st.floats(1e-15, 1e6))
def test_rounding_a_price_moves_it_by_half_a_percent_at_most(price_eth):
    assert price_to_wei(price_eth) == pytest.approx(price_eth * 1e18, rel=0.0051)


def test_the_reason_says_what_is_known_and_leaves_out_what_is_not():
    full = brief_lines([outlook()], 3)[0]["reason"]
    assert full == (
        "3 of rings: 20.0 clean sales forecast over 4 weeks (80 % interval 10.0 to 30.0) by "
        "ensemble, which erred 25% less than seasonal naive over 10 past windows; forecast median "
        "price 0.5 ETH, realised floor 0.2 ETH, its share of sales in the last 4 weeks is 1.50 "
        "times that of the 12 before."
    )
    bare = brief_lines([outlook(skill=None, momentum=None, floor_eth=None)], 3)[0]["reason"]
    assert bare == (
        "3 of rings: 20.0 clean sales forecast over 4 weeks (80 % interval 10.0 to 30.0) by "
        "ensemble; forecast median price 0.5 ETH."
    )


def test_a_model_worse_than_seasonal_naive_is_said_to_be():
    assert (
        "erred 10% more than seasonal naive" in brief_lines([outlook(skill=-0.1)], 1)[0]["reason"]
    )
