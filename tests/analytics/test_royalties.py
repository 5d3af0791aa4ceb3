"""Royalty rates and royalties by recipient, beside a recomputation in plain integers."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.royalties import royalty_by_artist, royalty_rates
from analytics.run import analyze
from data.schema import TABLES
from tests.analytics import frames

ETH, WETH = "0x" + "00" * 20, "0xc02a"
ALICE, BOB, SPLIT = "0xa11ce", "0xb0b", "0x5917"
MAX = 10**38 - 1


def sale(number, price=1000, *, venue="open", month=1, kind="listing", legs=0, currency=ETH):
    """A sale in a month of 2024; `legs` is what its royalty legs sum to, None: unknown."""
    return frames.sale(number, 0) | {
        "marketplace": venue,
        "block_time": datetime(2024, month, 28, 23, 59),
        "trade_kind": kind,
        "currency": currency,
        "price_wei": price,
        "royalty_wei": legs,
    }


def owes(number, recipient, owed, paid, *, currency=ETH, through=None):
    """A row of the ledger, with the status that the ledger would give it."""
    status = (
        "unknown" if owed is None
        else "over" if paid > owed
        else "full" if paid == owed
        else "zero" if paid == 0
        else "partial"
    )  # fmt: skip
    return {
        "chain_id": frames.CHAIN,
        "sale_id": f"s{number:05d}",
        "recipient": recipient,
        "currency": currency,
        "owed_wei": owed,
        "paid_wei": paid,
        "gap_wei": None if owed is None else owed - paid,
        "status": status,
        "look_through_of": through,
    }


def frame(name, rows):
    columns = TABLES[name].polars_schema
    return (
        pl.DataFrame(
            {column: [_exact(column, row.get(column)) for row in rows] for column in columns},
            schema=columns,
        )
        if rows
        else TABLES[name].empty()
    )


def _exact(name, value):
    return Decimal(value) if name.endswith("_wei") and value is not None else value


def rates(sales, ledger=()):
    rows = royalty_rates(frame("sales", sales), frame("royalty_ledger", ledger)).rows(named=True)
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def people(ledger):
    rows = royalty_by_artist(frame("royalty_ledger", ledger)).rows(named=True)
    return {
        (row["recipient"], row["currency"]): {name: _plain(value) for name, value in row.items()}
        for row in rows
    }


def _plain(value):
    return int(value) if type(value).__name__ == "Decimal" else value


def amounts(row):
    return row["owed_wei"], row["paid_wei"], row["gap_wei"]


# -- by marketplace


def test_a_venue_that_pays_half_of_what_is_owed_has_half_the_rate():
    (row,) = rates(
        [sale(1, 1000, legs=25), sale(2, 3000, legs=75)],
        [owes(1, ALICE, 50, 25), owes(2, ALICE, 100, 75), owes(2, BOB, 50, 0)],
    )
    assert amounts(row) == (200, 100, 100)
    assert (row["effective_rate"], row["owed_rate"]) == (100 / 4000, 200 / 4000)
    assert (row["sales"], row["sales_with_known_terms"], row["volume_wei"]) == (2, 2, 4000)


def test_a_venue_that_pays_no_royalty_has_rate_zero_and_the_whole_gap():
    (row,) = rates([sale(1, 1000)], [owes(1, ALICE, 50, 0)])
    assert (row["effective_rate"], row["owed_rate"], row["gap_wei"]) == (0.0, 0.05, 50)


def test_without_terms_and_with_known_legs_the_rate_is_zero_but_nothing_is_said_of_what_is_owed():
    (row,) = rates([sale(1, 1000, legs=0)])
    assert (row["effective_rate"], row["paid_wei"]) == (0.0, 0)
    assert (row["owed_wei"], row["gap_wei"], row["owed_rate"]) == (None, None, None)
    assert (row["sales_with_known_terms"], row["sales_with_known_payment"]) == (0, 1)


def test_unknown_terms_count_as_not_evaluated_and_never_as_zero_owed():
    (row,) = rates(
        [sale(1, 1000, legs=50), sale(2, 9000, legs=90)],
        [owes(1, ALICE, 100, 50), owes(2, BOB, None, 90)],
    )
    assert amounts(row) == (100, 140, 50)
    assert row["owed_rate"] == 100 / 1000  # of the sale with terms, not of both
    assert row["effective_rate"] == 140 / 10_000
    assert (row["sales"], row["sales_with_known_terms"]) == (2, 1)


def test_unknown_payment_is_not_evaluated_unless_the_ledger_tells():
    (row,) = rates([sale(1, 1000, legs=None)])
    assert (row["paid_wei"], row["effective_rate"], row["volume_wei"]) == (None, None, 1000)
    (row,) = rates([sale(1, 1000, legs=None)], [owes(1, ALICE, 50, 50)])
    assert (row["paid_wei"], row["effective_rate"]) == (50, 0.05)


def test_the_rows_that_divide_a_split_are_not_counted_beside_it():
    whole = [owes(1, SPLIT, 100, 60)]
    parts = [owes(1, ALICE, 70, 42, through=SPLIT), owes(1, BOB, 30, 18, through=SPLIT)]
    assert rates([sale(1, legs=60)], whole + parts) == rates([sale(1, legs=60)], whole)


def test_currencies_have_rows_of_their_own():
    found = rates(
        [sale(1, 1000, legs=10), sale(2, 500, legs=50, currency=WETH)],
        [owes(1, ALICE, 10, 10), owes(2, ALICE, 50, 50, currency=WETH)],
    )
    assert {row["currency"]: (row["volume_wei"], *amounts(row)) for row in found} == {
        ETH: (1000, 10, 10, 0),
        WETH: (500, 50, 50, 0),
    }


def test_a_payment_in_another_currency_than_the_sale_is_told_and_not_added():
    ledger = [owes(1, ALICE, 50, 20), owes(1, BOB, None, 999, currency=WETH)]
    (row,) = rates([sale(1, 1000, legs=None)], ledger)
    assert (row["currency"], *amounts(row)) == (ETH, 50, 20, 30)
    assert row["rows_in_other_currency"] == 1
    (row,) = rates([sale(1, 1000, legs=None)], ledger[:1])
    assert row["rows_in_other_currency"] == 0


def test_months_follow_utc_and_one_without_sales_has_no_row():
    found = rates([sale(1, month=1), sale(2, month=4), sale(3, month=4)])
    assert [(str(row["month"]), row["sales"]) for row in found] == [
        ("2024-01-01", 1),
        ("2024-04-01", 2),
    ]


@pytest.mark.parametrize(
    "left_out", [{"kind": "swap"}, {"kind": "primary_mint"}, {"price": None}], ids=str
)
def test_mints_swaps_and_sales_without_a_price_are_left_out(left_out):
    assert rates([sale(1, **left_out)], [owes(1, ALICE, 50, 7)]) == []
    assert len(rates([sale(1)], [owes(1, ALICE, 50, 7)])) == 1


def test_a_gift_has_no_rate():
    (row,) = rates([sale(1, 0)], [owes(1, ALICE, 0, 0)])
    assert (row["effective_rate"], row["owed_rate"], row["owed_wei"]) == (None, None, 0)


def test_sums_are_exact_to_38_digits_and_null_above():
    (row,) = rates([sale(1, MAX - 7), sale(2, 7)])
    assert row["volume_wei"] == MAX
    (row,) = rates([sale(1, MAX), sale(2, MAX), sale(3, MAX)])
    assert row["volume_wei"] is None  # 128 bits would wrap around
    (row,) = rates([sale(1, 10**37)], [owes(1, ALICE, 0, 10**37 + 1)])
    assert row["gap_wei"] == -(10**37) - 1


# -- by recipient


def test_people_behind_a_split_take_its_place():
    found = people(
        [
            owes(1, SPLIT, 101, 61),
            owes(1, ALICE, 70, 42, through=SPLIT),
            owes(1, BOB, 30, 18, through=SPLIT),
            owes(1, SPLIT, 1, 1, through=SPLIT),
            owes(2, ALICE, 50, 0),
        ]
    )
    assert amounts(found[ALICE, ETH]) == (120, 42, 78)
    assert amounts(found[BOB, ETH]) == (30, 18, 12)
    assert amounts(found[SPLIT, ETH]) == (1, 1, 0)  # what rounding left it
    assert found[ALICE, ETH]["sales"] == 2


def test_a_split_that_nobody_looked_through_stands_for_itself():
    found = people(
        [
            owes(1, SPLIT, 100, 60),
            owes(2, SPLIT, 100, 60),
            owes(2, ALICE, 100, 60, through=SPLIT),
            owes(1, SPLIT, 9, 9, currency=WETH),
        ]
    )
    assert amounts(found[SPLIT, ETH]) == (100, 60, 40)
    assert amounts(found[SPLIT, WETH]) == (9, 9, 0)
    assert amounts(found[ALICE, ETH]) == (100, 60, 40)


def test_statuses_are_counted_and_the_unknown_owes_nothing_that_is_summed():
    rows = [(50, 50), (50, 20), (50, 0), (50, 60), (None, 33)]
    found = people([owes(n, ALICE, owed, paid) for n, (owed, paid) in enumerate(rows)])
    row = found[ALICE, ETH]
    assert amounts(row) == (200, 163, 70)
    counted = {name: row[f"n_{name}"] for name in ("full", "partial", "zero", "over", "unknown")}
    assert counted == dict.fromkeys(counted, 1)


def test_a_recipient_with_unknown_terms_alone_is_not_evaluated():
    row = people([owes(1, ALICE, None, 5)])[ALICE, ETH]
    assert amounts(row) == (None, 5, None)


def test_what_nobody_is_named_for_keeps_a_row():
    assert amounts(people([owes(1, None, 40, 0)])[None, ETH]) == (40, 0, 40)


# -- both, beside plain integers

LEDGER_ROWS = st.lists(
    st.tuples(
        st.integers(0, 7),
        st.sampled_from([ALICE, BOB, SPLIT]),
        st.sampled_from([ETH, WETH]),
        st.none() | st.integers(0, 10**36),
        st.integers(0, 10**36),
        st.sampled_from([None, None, SPLIT]),
    ),
    max_size=30,
)
SALES = st.lists(
    st.tuples(
        st.integers(0, 10**37),
        st.sampled_from(["open", "closed"]),
        st.integers(1, 3),
        st.sampled_from(["listing", "bid", "swap", None]),
        st.none() | st.just(0),
        st.sampled_from([ETH, WETH]),
    ),
    min_size=1,
    max_size=8,
)


def total(values):
    known = [value for value in values if value is not None]
    return sum(known) if known else None


@settings(max_examples=60, deadline=None)
@given(SALES, LEDGER_ROWS)
def test_rates_equal_a_recomputation_in_integers(drawn, rows):
    sales = [
        sale(n, price, venue=venue, month=month, kind=kind, legs=legs, currency=currency)
        for n, (price, venue, month, kind, legs, currency) in enumerate(drawn)
    ]
    ledger = [owes(n, who, owed, paid, currency=c, through=t) for n, who, c, owed, paid, t in rows]
    groups = defaultdict(lambda: defaultdict(list))
    for each in sales:
        if each["trade_kind"] == "swap":
            continue
        all_rows = [row for row in ledger if row["sale_id"] == each["sale_id"]
                    and row["look_through_of"] is None]  # fmt: skip
        mine = [row for row in all_rows if row["currency"] == each["currency"]]
        has_terms = bool(mine) and all(row["owed_wei"] is not None for row in mine)
        is_paid = bool(mine) or each["royalty_wei"] is not None
        group = groups[each["marketplace"], each["block_time"].month, each["currency"]]
        group["volume"].append(each["price_wei"])
        group["terms"] += [each["price_wei"]] * has_terms
        group["payment"] += [each["price_wei"]] * is_paid
        group["owed"] += [row["owed_wei"] for row in mine] * has_terms
        group["paid"] += [sum(row["paid_wei"] for row in mine)] * is_paid
        group["gap"] += [row["owed_wei"] - row["paid_wei"] for row in mine if has_terms]
        group["other"] += [1] * (len(all_rows) - len(mine))
    found = {(r["marketplace"], r["month"].month, r["currency"]): r for r in rates(sales, ledger)}
    assert set(found) == set(groups)
    for key, group in groups.items():
        row = found[key]
        assert row["volume_wei"] == sum(group["volume"])
        assert amounts(row) == (total(group["owed"]), total(group["paid"]), total(group["gap"]))
        for count, name in (("sales", "volume"), ("sales_with_known_terms", "terms"),
                            ("sales_with_known_payment", "payment"),
                            ("rows_in_other_currency", "other")):  # fmt: skip
            assert row[count] == len(group[name])
        for rate, part, whole in (("effective_rate", "paid", "payment"),
                                  ("owed_rate", "owed", "terms")):  # fmt: skip
            volume = sum(group[whole])
            assert row[rate] == (pytest.approx(sum(group[part]) / volume) if volume else None)


@settings(max_examples=60, deadline=None)
@given(LEDGER_ROWS)
def test_recipients_equal_a_recomputation_in_integers(rows):
    ledger = [owes(n, who, owed, paid, currency=c, through=t) for n, who, c, owed, paid, t in rows]
    divided = {(r["sale_id"], r["currency"], r["look_through_of"]) for r in ledger
               if r["look_through_of"]}  # fmt: skip
    groups = defaultdict(list)
    for row in ledger:
        own = (row["sale_id"], row["currency"], row["recipient"])
        if row["look_through_of"] or own not in divided:
            groups[row["recipient"], row["currency"]].append(row)
    found = people(ledger)
    assert set(found) == set(groups)
    for key, mine in groups.items():
        row = found[key]
        expected = tuple(
            total([r[f"{name}_wei"] for r in mine]) for name in ("owed", "paid", "gap")
        )
        assert amounts(row) == expected
        assert row["sales"] == len({r["sale_id"] for r in mine})
        assert sum(row[f"n_{name}"] for name in ("full", "partial", "zero", "over", "unknown")) == (
            len(mine)
        )


def test_a_store_gets_both_tables_with_their_run_and_no_wash_flags(empty_store):
    empty_store.append("sales", frame("sales", [sale(1, 1000, legs=20)]))
    ledger = [owes(1, SPLIT, 50, 20), owes(1, ALICE, 50, 20, through=SPLIT)]
    empty_store.append("royalty_ledger", frame("royalty_ledger", ledger))
    summary = analyze(empty_store, ["royalties"])
    assert summary.rows == {"royalty_rates": 1, "royalty_by_artist": 1}
    (rate,) = empty_store.read("royalty_rates").rows(named=True)
    (artist,) = empty_store.read("royalty_by_artist").rows(named=True)
    assert (rate["effective_rate"], rate["run_id"]) == (0.02, summary.run_id)
    assert (artist["recipient"], int(artist["gap_wei"])) == (ALICE, 30)
    assert artist["run_id"] == summary.run_id
