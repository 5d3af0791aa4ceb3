from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from analytics.enrich import with_style, with_unit_price, with_verdict
from analytics.styles import Market, style_sales, style_signals
from tests.analytics import frames
from tests.analytics.frames import index_times, listing, listings, sale, sales, tokens


def market(sold, styles, *, listed=(), until=70.0):
    frame = sales(*sold)
    if "is_wash" not in frame.columns:
        frame = frame.with_columns(is_wash=pl.lit(value=False))
    minted = tokens(styles)
    verdicts = frame.with_columns(pl.col("is_wash").cast(pl.Boolean).fill_null(value=False))
    return Market(with_style(verdicts, minted), minted, listings(*listed), index_times(until))


def signals(made):
    found = style_signals(made, style_sales(made))
    return {row["style"]: row for row in found.iter_rows(named=True)}


def test_weeks_without_a_sale_are_rows_of_zero():
    weekly = style_sales(market([sale(1, 0), sale(2, 21)], {"1": "rings", "2": "rings"}, until=35))
    assert weekly["sales"].to_list() == [1, 0, 0, 1, 0, 0]
    assert weekly["week"][0] == date(2024, 1, 1)
    assert weekly["median_price_eth"].to_list() == [1.0, None, None, 1.0, None, None]


def test_the_week_the_index_ends_in_is_incomplete():
    weekly = style_sales(market([sale(1, 0)], {"1": "rings"}, until=17.5))
    assert weekly["is_complete"].to_list() == [True, True, False]


def test_a_week_is_complete_once_the_index_reaches_the_next_monday():
    weekly = style_sales(market([sale(1, 0)], {"1": "rings"}, until=14))
    assert weekly["is_complete"].to_list() == [True, True, False]


def test_sunday_night_belongs_to_the_week_before_monday_morning():
    sold = [sale(1, 6.999), sale(2, 7.0)]
    weekly = style_sales(market(sold, {"1": "rings", "2": "rings"}, until=20))
    assert weekly["sales"].to_list() == [1, 1, 0]


def test_flagged_sales_count_as_sales_but_not_as_clean():
    sold = [sale(1, 0), sale(2, 1, is_wash=True, price_eth=9.0, buyer="0xwash")]
    week = style_sales(market(sold, {"1": "rings", "2": "rings"}, until=7)).row(0, named=True)
    assert (week["sales"], week["clean_sales"], week["buyers"]) == (2, 1, 1)
    assert (int(week["volume_wei"]), int(week["clean_volume_wei"])) == (10 * 10**18, 10**18)
    assert week["median_price_eth"] == 1.0


def test_volume_is_exact_and_leaves_out_currencies_without_an_eth_value():
    odd = sale(1, 0, price_eth=0.3)
    odd["price_wei"] += 1
    sold = [odd, sale(2, 0, price_eth=None)]
    week = style_sales(market(sold, {"1": "rings", "2": "rings"}, until=7)).row(0, named=True)
    assert int(week["volume_wei"]) == 3 * 10**17 + 1
    assert week["sales"] == 2


def test_mints_without_sales_make_rows_and_unstyled_tokens_do_not():
    weekly = style_sales(market([], {"1": "rings", "2": None}, until=7))
    assert weekly.select("style", "mints", "sales").rows()[0] == ("rings", 1, 0)
    assert set(weekly["style"]) == {"rings"}


SALE = st.tuples(st.integers(0, 69), st.sampled_from(["rings", "dots"]), st.booleans())


@settings(max_examples=30, deadline=None)
@given(st.lists(SALE, min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_weekly_sales_lose_nothing_have_no_gaps_and_ignore_order(drawn, random):
    styles = {str(n): style for n, (_, style, _) in enumerate(drawn)}
    rows = [sale(n, day, is_wash=wash) for n, (day, _, wash) in enumerate(drawn)]
    weekly = style_sales(market(rows, styles))
    assert weekly["sales"].sum() == len(drawn)
    assert weekly["clean_sales"].sum() == sum(not wash for *_, wash in drawn)
    gaps = weekly.select(pl.col("week").diff().over("style").dt.total_days()).drop_nulls()
    assert set(gaps.to_series()) <= {7}
    random.shuffle(rows)
    assert_frame_equal(style_sales(market(rows, styles)), weekly)


def test_breadth_and_concentration_tell_a_whale_from_demand():
    whale = [sale(n, n, buyer="0xwhale") for n in range(4)]
    crowd = [sale(10 + n, n, buyer=f"0x{n}") for n in range(4)]
    styles = {str(n): "rings" for n in range(4)} | {str(10 + n): "dots" for n in range(4)}
    found = signals(market([*whale, *crowd], styles))
    assert (found["rings"]["breadth"], found["rings"]["buyer_hhi"]) == (0.25, 10_000)
    assert (found["dots"]["breadth"], found["dots"]["buyer_hhi"]) == (1.0, 2_500)


def test_flagged_sales_show_as_flagged_volume_alone():
    sold = [sale(1, 0), sale(1, 1, block_number=9, is_wash=True, price_eth=5.0, sale_id="w")]
    rings = signals(market(sold, {"1": "rings"}))["rings"]
    assert (rings["clean_volume_eth"], rings["flagged_volume_eth"]) == (1.0, 5.0)
    assert (rings["clean_sales"], rings["sold"], rings["median_price_eth"]) == (1, 1, 1.0)


def test_momentum_compares_shares_of_the_market():
    # Rings: half of the sales in weeks 0 to 11, three quarters in weeks 12 to 15.
    sold, styles = [], {}
    for week in range(16):
        for style, count in (("rings", 2 if week < 12 else 3), ("dots", 2 if week < 12 else 1)):
            for _ in range(count):
                styles[str(len(sold))] = style
                sold.append(sale(len(sold), week * 7 + 1))
    found = signals(market(sold, styles, until=16 * 7 + 2))
    assert found["rings"]["momentum"] == pytest.approx(0.75 / 0.5)
    assert found["dots"]["momentum"] == pytest.approx(0.25 / 0.5)


def test_momentum_is_refused_before_sixteen_weeks():
    found = signals(market([sale(1, 0), sale(2, 80)], {"1": "rings", "2": "rings"}, until=90))
    assert found["rings"]["momentum"] is None


def test_sell_through_counts_works_by_style():
    listed = [listing(n, str(n), 0) for n in range(4)]
    sold = [sale(0, 5), sale(1, 10)]
    styles = {str(n): "rings" for n in range(4)} | {"9": "dots"}
    found = signals(market(sold, styles, listed=listed))
    assert found["rings"]["sell_through"] == pytest.approx(0.5)
    assert (found["rings"]["works"], found["rings"]["listed"], found["rings"]["sold"]) == (4, 4, 2)
    assert found["dots"]["sell_through"] is None
    assert (found["dots"]["works"], found["dots"]["clean_sales"]) == (1, 0)


def test_a_market_without_styles_has_no_rows():
    empty = market([sale(1, 0)], {"1": None})
    weekly = style_sales(empty)
    assert weekly.is_empty()
    assert style_signals(empty, weekly).is_empty()


def test_a_sale_that_no_flag_covers_is_clean():
    flags = pl.DataFrame({"chain_id": [frames.CHAIN], "sale_id": ["s00001"], "is_wash": [True]})
    assert with_verdict(sales(sale(1, 0), sale(2, 0)), flags)["is_wash"].to_list() == [True, False]


def test_unit_price_divides_by_the_units_and_drops_gifts():
    rows = sales(sale(1, 0, quantity="4"), sale(2, 0, price_eth=0.0), sale(3, 0, price_eth=None))
    assert with_unit_price(rows)["unit_price_eth"].to_list() == [0.25, None, None]
