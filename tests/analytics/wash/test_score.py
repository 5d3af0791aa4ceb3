from datetime import datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from analytics.errors import InputColumnError, InputValueError, UnknownNameError
from analytics.wash.counters import MAX_COUNTERS
from analytics.wash.score import RULES, Evidence, flag_wash_trades, merge_flags
from tests.analytics.frames import START, trades

NOBODY = pl.DataFrame(schema={"address": pl.String, "first_funded_by": pl.String})
NO_LOANS = pl.DataFrame(schema={"block_number": pl.Int64, "tx_hash": pl.String})


def only(flags: pl.DataFrame, trade_id: str = "t0") -> dict:
    return flags.filter(pl.col("trade_id") == trade_id).row(0, named=True)


def test_a_rule_without_its_input_is_not_evaluated():
    row = only(flag_wash_trades(trades({})))
    assert row["first_funded_by_same_wallet"] is None
    assert row["flashloan"] is None
    assert row["is_wash"] is False


def test_an_empty_input_is_an_input():
    row = only(flag_wash_trades(trades({}), Evidence(NOBODY, flashloans=NO_LOANS)))
    assert row["first_funded_by_same_wallet"] is False
    assert row["flashloan"] is False


def test_any_evaluated_rule_makes_the_verdict_though_others_are_not_evaluated():
    row = only(flag_wash_trades(trades({"buyer": "x", "seller": "x"})))
    assert row["is_wash"] is True
    assert row["rules"] == "same_buyer_seller,back_and_forth"


def test_a_clean_trade_names_neither_rules_nor_counter_trades():
    row = only(flag_wash_trades(trades({})))
    assert (row["rules"], row["counter_trade_ids"]) == (None, None)


def test_counter_trades_of_both_rules_are_named_once_in_order():
    flags = flag_wash_trades(
        trades(
            {"buyer": "x", "seller": "y"},
            {"buyer": "y", "seller": "x"},
            {"buyer": "x", "seller": "y"},
            {"buyer": "y", "seller": "x"},
            {"buyer": "x", "seller": "y"},
        )
    )
    assert only(flags)["counter_trade_ids"] == "t1,t3,t2,t4"
    assert only(flags)["rules"] == "back_and_forth,bought_or_sold_3x"
    assert only(flags, "t1")["counter_trade_ids"] == "t0,t2,t4"


def test_a_pool_names_no_more_counter_trades_than_the_limit():
    many = flag_wash_trades(trades(*[{"buyer": "pool", "seller": f"s{i}"} for i in range(200)]))
    assert many["is_wash"].all()
    assert many["counter_trade_ids"].str.split(",").list.len().max() == MAX_COUNTERS


def test_a_trade_without_an_id_is_no_row_but_still_a_counter_trade():
    flags = flag_wash_trades(
        trades({"buyer": "x", "seller": "y"}, {"buyer": "y", "seller": "x", "trade_id": None})
    )
    assert flags["trade_id"].to_list() == ["t0"]
    assert flags["back_and_forth"].to_list() == [True]


def test_incremental_mode_does_not_see_a_buy_back_after_more_than_a_week():
    slow = trades(
        {"buyer": "x", "seller": "y"}, *[{"token_id": "9"}] * 8, {"buyer": "y", "seller": "x"}
    )
    assert only(flag_wash_trades(slow), "t9")["back_and_forth"] is True
    fresh = flag_wash_trades(slow, mode="incremental")
    assert only(fresh, "t9")["back_and_forth"] is False
    assert set(fresh["mode"]) == {"incremental"}


def test_incremental_mode_starts_at_midnight_seven_days_back():
    flags = flag_wash_trades(
        trades(*[{"token_id": str(n)} for n in range(12)]),
        mode="incremental",
        as_of=datetime(2024, 1, 10, 18),
    )
    assert sorted(flags["trade_id"]) == sorted(f"t{n}" for n in range(2, 10))


def test_incremental_mode_does_not_see_older_funding():
    funding = pl.DataFrame(
        {"address": ["x", "y"], "first_funded_by": ["f", "f"], "block_time": [START, START]}
    )
    late = trades(*[{"token_id": "9"}] * 20, {"buyer": "x", "seller": "y"})
    assert only(flag_wash_trades(late, Evidence(funding)), "t20")["is_wash"] is True
    fresh = flag_wash_trades(late, Evidence(funding), mode="incremental")
    assert only(fresh, "t20")["is_wash"] is False


def test_fresh_flags_are_put_over_earlier_ones():
    full = flag_wash_trades(trades({"buyer": "x", "seller": "x"}, {}))
    fresh = flag_wash_trades(trades({"buyer": "x", "seller": "z"}))
    merged = merge_flags(full, fresh)
    assert merged["trade_id"].to_list() == ["t0", "t1"]
    assert merged["is_wash"].to_list() == [False, False]


def test_a_missing_column_is_named():
    with pytest.raises(InputColumnError, match="lack token_standard;"):
        flag_wash_trades(trades({}).drop("token_standard"))


def test_an_id_that_occurs_twice_is_named():
    with pytest.raises(InputValueError, match="'t0' occurs twice"):
        flag_wash_trades(trades({}, {"trade_id": "t0"}))


def test_an_unknown_mode_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="'weekly' is unknown; known: full, incremental"):
        flag_wash_trades(trades({}), mode="weekly")


def test_no_trades_give_no_flags():
    assert flag_wash_trades(trades({}).clear()).is_empty()


PARTY = st.sampled_from("wxyz")
ROW = st.fixed_dictionaries(
    {
        "buyer": PARTY,
        "seller": PARTY,
        "token_id": st.sampled_from("12"),
        "token_standard": st.sampled_from(["erc721", "erc1155"]),
    }
)


def naive_rules(rows: list[dict]) -> list[tuple[bool, bool, bool]]:
    """Rules 1 to 3 by their wording, pair by pair."""
    found = []
    for a in rows:
        same = [b for b in rows if b["token_id"] == a["token_id"]]
        back = any(b["seller"] == a["buyer"] and b["buyer"] == a["seller"] for b in same)
        counted = [b for b in same if b["token_standard"] == "erc721"]
        bought = sum(b["buyer"] == a["buyer"] for b in counted)
        sold = sum(b["seller"] == a["seller"] for b in counted)
        found.append((a["buyer"] == a["seller"], back, bought > 2 or sold > 2))
    return found


@settings(max_examples=30, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_flags_equal_the_wording_and_do_not_depend_on_order(rows, random):
    frame = trades(*rows)
    flags = flag_wash_trades(frame)
    by_id = {
        row["trade_id"]: tuple(row[rule] for rule in RULES[:3])
        for row in flags.iter_rows(named=True)
    }
    assert [by_id[f"t{n}"] for n in range(len(rows))] == naive_rules(rows)
    places = list(range(len(rows)))
    random.shuffle(places)
    assert_frame_equal(flag_wash_trades(frame[places]), flags)
