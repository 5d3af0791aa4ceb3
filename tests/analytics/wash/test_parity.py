"""Dune's own verdicts on every row of the labelled beds."""

import polars as pl
import pytest

from analytics.columns import FLASHLOANS, FUNDING, LABELS, TRADES
from analytics.files import read_input
from analytics.wash.score import RULES, Evidence, flag_wash_trades
from tests.paths import SHARED

BEDS = SHARED / "analytics" / "wash"
EXPECTED = (
    "filter_1_same_buyer_seller",
    "filter_2_back_and_forth_trade",
    "filter_3_bought_or_sold_3x",
    "filter_4_first_funded_by_same_wallet",
    "filter_5_flashloan",
    "is_wash_trade",
)
pytestmark = pytest.mark.skipif(not BEDS.exists(), reason="../shared/analytics/wash is absent")


@pytest.fixture(scope="module", params=["dev", "hard_dev"])
def bed(request):
    folder = BEDS / request.param
    trades = read_input(folder / "trades.csv.gz", TRADES)
    evidence = Evidence(
        funding=read_input(folder / "first_funded_by.csv.gz", FUNDING),
        labels=read_input(folder / "address_labels.csv", LABELS),
        flashloans=read_input(folder / "flashloans.csv", FLASHLOANS),
    )
    expected = pl.read_csv(folder / "dune_expected.csv.gz").with_columns(
        pl.col("trade_id").cast(pl.String), pl.col(EXPECTED).cast(pl.Boolean)
    )
    return trades, flag_wash_trades(trades, evidence), expected


@pytest.mark.parametrize(("ours", "dunes"), list(zip((*RULES, "is_wash"), EXPECTED, strict=True)))
def test_every_row_equals_dune(bed, ours, dunes):
    _, flags, expected = bed
    joined = flags.join(expected, on="trade_id", how="full", coalesce=True)
    assert joined.height == expected.height
    assert joined.filter(~pl.col(ours).eq_missing(pl.col(dunes))).is_empty()


def test_named_counter_trades_really_go_the_other_way_or_repeat(bed):
    trades, flags, _ = bed
    parties = trades.select("trade_id", "collection", "token_id", "buyer", "seller")
    named = (
        flags.filter(pl.col("back_and_forth") | pl.col("bought_or_sold_3x"))
        .select("trade_id", "back_and_forth", "bought_or_sold_3x", "counter_trade_ids")
        .with_columns(counter=pl.col("counter_trade_ids").str.split(","))
        .explode("counter")
        .join(parties, on="trade_id")
        .join(parties, left_on="counter", right_on="trade_id", suffix="_2", how="left")
    )
    assert named["counter"].null_count() == 0
    same_token = (pl.col("collection") == pl.col("collection_2")) & (
        pl.col("token_id") == pl.col("token_id_2")
    )
    reverse = (pl.col("buyer") == pl.col("seller_2")) & (pl.col("seller") == pl.col("buyer_2"))
    again = (pl.col("buyer") == pl.col("buyer_2")) | (pl.col("seller") == pl.col("seller_2"))
    supported = (pl.col("back_and_forth") & reverse) | (pl.col("bought_or_sold_3x") & again)
    assert named.filter(~(same_token & supported)).is_empty()


def test_every_trade_flagged_for_going_back_names_a_reversal(bed):
    _, flags, _ = bed
    unexplained = flags.filter(pl.col("back_and_forth") & pl.col("counter_trade_ids").is_null())
    assert unexplained.is_empty()
