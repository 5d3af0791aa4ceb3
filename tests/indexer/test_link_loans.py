"""Loans from events and sales written by hand, and from the recorded transactions."""

import random
from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from data.schema import BLOCK_KINDS, TABLES
from indexer.link import rebuild_links
from indexer.relink import find_touched, relink
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, WETH, one
from tests.indexer.test_link import START, place, sale

LOAN, OTHER = "nftfi:0xa:1", "nftfi:0xa:2"
USDC = "0x" + "dc" * 20
DAY = 24  # blocks, which are hours apart


def event(block, name, *, loan=LOAN, log=0, token="7", **fields):
    amounts = {key: Decimal(value) for key, value in fields.items() if key.endswith("_wei")}
    return {
        **place(block, log, chain=fields.pop("chain", 1)),
        "protocol": "nftfi",
        "version": "2",
        "loan_uid": loan,
        "event": name,
        "collection": COLLECTION,
        "token_id": token,
        **fields,
        **amounts,
    }


def opened(block, *, principal=500, **fields):
    terms = {
        "borrower": ALICE,
        "lender": BOB,
        "currency": WETH,
        "principal_wei": principal,
        "repayment_wei": principal * 11 // 10,
        "start_time": START + timedelta(hours=block),
        "duration_s": 36 * 3_600 * 24,
    }
    return event(block, "open", **(terms | fields))


def fill(store, **tables):
    for name, rows in tables.items():
        schema = TABLES[name].polars_schema
        known = {key: schema[key] for row in rows for key in row}
        store.append(name, pl.DataFrame(rows, schema=known, orient="row"))
    rebuild_links(store)


def loans(store):
    return {row["loan_uid"]: row for row in store.read("loans").rows(named=True)}


def test_open_loan_has_its_terms_and_simple_yearly_interest(store):
    fill(store, loan_events=[opened(10)])
    row = loans(store)[LOAN]
    assert (row["state"], row["borrower"], row["lender"]) == ("open", ALICE, BOB)
    assert (int(row["principal_wei"]), int(row["repayment_wei"])) == (500, 550)
    # 10 % in 36 days.
    assert row["apr_bps"] == pytest.approx(1000 * 365 / 36)
    assert row["opened_at"] == START + timedelta(hours=10)
    assert row["due_at"] == START + timedelta(hours=10, days=36)
    assert (row["closed_at"], int(row["repaid_wei"]), row["refinancings"]) == (None, 0, 0)
    assert (row["ltv_last_sale"], row["ltv_floor"], row["realised_floor_wei"]) == (None,) * 3


@pytest.mark.parametrize(
    ("events", "state"),
    [
        (["repay"], "repaid"),
        (["replace"], "refinanced"),
        (["claim"], "defaulted"),
        (["seize"], "defaulted"),
        (["auction_start"], "auctioned"),
        (["auction_start", "bid"], "auctioned"),
        (["auction_start", "bid", "liquidate"], "liquidated"),
        (["auction_start", "redeem"], "open"),
        (["auction_start", "refinance"], "open"),
        (["partial_repay"], "open"),
        (["borrow"], "open"),
    ],
)
def test_state_follows_the_events(store, events, state):
    fill(
        store,
        loan_events=[opened(10)] + [event(11 + n, name) for n, name in enumerate(events)],
    )
    assert loans(store)[LOAN]["state"] == state


def test_a_loan_closes_once(store):
    fill(
        store,
        loan_events=[
            opened(10),
            event(12, "repay", amount_wei=550),
            event(13, "claim"),
            event(14, "refinance", lender=CAROL),
            event(15, "repay", amount_wei=9),
        ],
    )
    row = loans(store)[LOAN]
    assert (row["state"], int(row["repaid_wei"]), row["lender"]) == ("repaid", 550, BOB)
    assert (row["closed_at"], row["refinancings"]) == (START + timedelta(hours=12), 0)


def test_refinance_within_a_loan_changes_lender_and_due_time(store):
    fill(
        store,
        loan_events=[opened(10), event(12, "refinance", lender=CAROL, duration_s=3_600)],
    )
    row = loans(store)[LOAN]
    assert (row["state"], row["lender"], row["refinancings"]) == ("open", CAROL, 1)
    assert row["due_at"] == START + timedelta(hours=11)
    assert int(row["principal_wei"]) == 500


def test_repayment_of_unknown_or_impossible_amount_leaves_the_sum_unknown(store):
    most = 10**38 - 1
    fill(
        store,
        loan_events=[
            opened(10),
            event(11, "partial_repay", amount_wei=5),
            event(12, "repay"),
            opened(10, loan=OTHER, log=1),
            event(11, "partial_repay", amount_wei=most, loan=OTHER, log=1),
            event(12, "repay", amount_wei=most, loan=OTHER, log=1),
        ],
    )
    assert [row["repaid_wei"] for row in loans(store).values()] == [None, None]


def test_loan_whose_opening_was_not_seen_has_a_state_and_no_terms(store):
    fill(store, loan_events=[event(12, "repay", amount_wei=5)])
    row = loans(store)[LOAN]
    assert (row["state"], row["opened_at"], row["principal_wei"]) == ("repaid", None, None)
    assert (row["apr_bps"], row["ltv_last_sale"]) == (None, None)


def test_loan_opened_where_another_closes_on_the_token_has_a_parent(store):
    fill(
        store,
        loan_events=[
            opened(10),
            event(12, "repay", log=1) | {"tx_hash": "0xf"},
            opened(12, loan=OTHER, log=2) | {"tx_hash": "0xf"},
            opened(12, loan="nftfi:0xa:3", log=3, token="8") | {"tx_hash": "0xf"},
        ],
    )
    found = {uid: row["parent_loan_uid"] for uid, row in loans(store).items()}
    assert found == {LOAN: None, OTHER: LOAN, "nftfi:0xa:3": None}


def test_named_parent_is_kept(store):
    fill(store, loan_events=[event(10, "replace"), opened(11, loan=OTHER, parent_loan_uid=LOAN)])
    row = loans(store)[OTHER]
    assert (row["parent_loan_uid"], loans(store)[LOAN]["state"]) == (LOAN, "refinanced")


# --- loan to value


def sold(block, price, *, token="7", log=1, **fields):
    return sale(block, BOB, ALICE, token=token, price=price, log=log, quantity="1", **fields)


def test_loan_to_value_is_principal_by_the_last_sale_before_it(store):
    fill(
        store,
        loan_events=[opened(10)],
        settled_sales=[sold(5, 2000), sold(9, 1000), sold(11, 1), sold(9, 3, token="8", log=2)],
    )
    row = loans(store)[LOAN]
    assert (row["ltv_last_sale"], row["last_sale_id"]) == (0.5, f"1:0x{9:064x}:1:0")


@pytest.mark.parametrize(
    "fields",
    [
        {"currency": USDC},
        {"trade_kind": "swap"},
        {"bundle_size": 2},
        {"price_wei": Decimal(0)},
        {"price_wei": None},
        {"quantity": str(2**256 - 1)},
    ],
    ids=["other currency", "swap", "bundle", "free", "price unknown", "absurd quantity"],
)
def test_loan_to_value_is_unknown_where_the_last_sale_is_no_price(store, fields):
    fill(store, loan_events=[opened(10)], settled_sales=[sold(5, 2000), sold(9, 1000) | fields])
    row = loans(store)[LOAN]
    assert row["last_sale_id"] == f"1:0x{9:064x}:1:0"
    assert row["ltv_last_sale"] is None


def test_floor_is_the_lower_5th_percentile_of_the_week_before(store):
    prices = [1000, 400, 600, 900, 800]
    week = [sold(290 + n, price, token=str(n)) for n, price in enumerate(prices)]
    others = [
        sold(300 - 7 * DAY - 1, 1, token="90"),  # a week and an hour before
        sold(300, 1, token="91"),  # at the same time
        sold(298, 1, token="92", currency=USDC),
        sold(298, 1, token="93", log=2, trade_kind="swap"),
        sold(298, 1, token="94", log=3) | {"collection": "0x" + "c1" * 20},
    ]
    fill(store, loan_events=[opened(300)], settled_sales=week + others)
    row = loans(store)[LOAN]
    assert (int(row["realised_floor_wei"]), row["floor_sales"]) == (400, 5)
    assert row["ltv_floor"] == 1.25


def test_of_forty_sales_the_second_lowest_is_the_floor(store):
    week = [sold(100, 1000 + n, token=str(n), log=n + 1) for n in range(40)]
    fill(store, loan_events=[opened(110)], settled_sales=week)
    # 5 % of 40 are 2: two sales are at or below it.
    assert int(loans(store)[LOAN]["realised_floor_wei"]) == 1001


def test_four_sales_make_no_floor(store):
    week = [sold(100 + n, 1000, token=str(n)) for n in range(4)]
    fill(store, loan_events=[opened(110)], settled_sales=week)
    row = loans(store)[LOAN]
    assert (row["realised_floor_wei"], row["ltv_floor"], row["floor_sales"]) == (None, None, 4)


def test_units_of_an_edition_count(store):
    edition = {"token_standard": "erc1155", "quantity": "4"}
    week = [sold(100 + n, 4000, token=str(n)) | edition for n in range(5)]
    fill(
        store,
        loan_events=[opened(110, quantity="2")],
        settled_sales=[*week, sold(99, 4000) | edition],
    )
    row = loans(store)[LOAN]
    assert (row["ltv_last_sale"], row["ltv_floor"]) == (0.25, 0.25)


# --- whatever the order


def many_facts():
    chance = random.Random(3)
    events, sales = [], []
    for number in range(60):
        block, token, uid = (
            chance.randrange(10, 400),
            str(chance.randrange(6)),
            f"blend:0x1:{number}",
        )
        events.append(opened(block, loan=uid, token=token, log=number))
        later = block + chance.randrange(1, 60)
        ends = event(later, "repay", loan=uid, token=token, log=number, amount_wei=5)
        events.append(ends)
        events.append(event(later - 1, "auction_start", loan=uid, token=None, log=100 + number))
        follower = opened(later, loan=f"{uid}x", token=token, log=200 + number)
        events.append(follower | {"tx_hash": ends["tx_hash"]})
    for number in range(300):
        block, token = chance.randrange(400), str(chance.randrange(6))
        sales.append(sold(block, chance.randrange(1, 2000), token=token, log=400 + number))
    return {"loan_events": events, "settled_sales": sales}


def test_blocks_in_any_order_and_taken_away_leave_the_loans_of_a_rebuild(store):
    fill(store, **many_facts())
    whole = store.digest()
    assert store.read("loans").height == 120
    assert store.read("loans").drop_nulls("parent_loan_uid").height >= 60
    assert store.read("loans").drop_nulls("ltv_floor").height > 20
    facts = {name: store.read(name) for name in TABLES if TABLES[name].kind in BLOCK_KINDS}
    with store.transaction() as transaction:
        touched = find_touched(transaction, 1, 150)
        transaction.delete_from_block(1, 150)
        relink(transaction, touched)
    after = store.digest()
    rebuild_links(store)
    assert store.digest() == after != whole
    spans = [(at, at + 50) for at in range(150, 500, 50)]
    random.Random(4).shuffle(spans)
    for start, end in spans:
        is_in = (pl.col("block_number") >= start) & (pl.col("block_number") < end)
        with store.transaction() as transaction:
            for name, rows in facts.items():
                transaction.append(name, rows.filter(is_in))
            relink(transaction, find_touched(transaction, 1, start, end))
    assert store.digest() == whole


# --- from emitted events


@pytest.mark.parametrize(
    ("protocol", "states"),
    [
        ("nftfi", {"repaid": 3, "defaulted": 2, "open": 1}),
        ("benddao", {"repaid": 1, "liquidated": 1}),
        ("blend", {"repaid": 4, "defaulted": 1, "open": 2}),
    ],
)
def test_emitted_loans_end_in_their_states(store, protocol, states):
    for name, rows in settle_emitted(protocol).items():
        if name in ("loan_events", "settled_sales", "sale_payments", "transfers"):
            store.append(name, rows.drop("tx"))
    rebuild_links(store)
    found = store.read("loans").group_by("state").len()
    assert dict(found.rows()) == states


def test_times_beyond_the_calendar_are_no_end(store):
    late = datetime(9999, 12, 30)
    fill(store, loan_events=[opened(10, start_time=late)])
    assert one(store.read("loans"))["due_at"] is None
