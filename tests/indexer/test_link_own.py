"""Links of our own contracts, counted by hand; the same in any order and after a reorganisation."""

import random
from decimal import Decimal
from functools import cache

import polars as pl
import pytest

from data.schema import TABLES
from data.store import Store
from indexer.link import rebuild_links
from indexer.relink import find_touched, relink
from tests.indexer.own_history import (
    BASE,
    DATASET,
    FALSE_TOKEN,
    FALSE_VAULT,
    MODEL,
    SUPPLY,
    TOKEN,
    TREASURY,
    VAULT,
    history,
    text,
)
from tests.indexer.protocols.settled import OWN, settle
from tests.indexer.samples import ALICE, BOB, CAROL, DAVE, ZERO

LOCAL = OWN.chain_id


@cache
def facts():
    tables = settle(*history().logs, chain_id=LOCAL, own=OWN)
    return {name: rows for name, rows in tables.items() if TABLES[name].kind == "fact"}


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """A store with the whole history and its links."""
    with Store.open(tmp_path_factory.mktemp("own") / "market.duckdb") as store:
        for name, rows in facts().items():
            store.append(name, rows)
        rebuild_links(store)
        yield store


def rows(store, columns, table, where="true", order="ALL"):
    found = store.query(f"SELECT {columns} FROM {table} WHERE {where} ORDER BY {order}").rows()
    return [
        tuple(int(each) if isinstance(each, Decimal) else each for each in row) for row in found
    ]


def test_nothing_is_set_aside():
    assert facts()["quarantine"].is_empty(), facts()["quarantine"]


def test_payees_of_a_work_get_what_the_splitter_books(linked):
    found = rows(
        linked,
        "payee, credited_wei, released_wei, releasable_wei",
        "royalty_balances",
        f"token_id = '1' AND currency = '{ZERO}'",
    )
    # 100 came, then 200 more. ALICE: 48 of 100, 146 of 300. The place of CAROL is DAVE's since.
    assert sorted(found) == sorted(
        [(ALICE, 146, 0, 146), (CAROL, 50, 50, 0), (DAVE, 100, 0, 100), (TREASURY, 3, 0, 3)]
    )


def test_each_currency_has_books_of_its_own(linked):
    found = rows(
        linked, "payee, credited_wei, releasable_wei", "royalty_balances", f"currency = '{TOKEN}'"
    )
    assert sorted(found) == sorted([(ALICE, 487, 87), (DAVE, 499, 499), (TREASURY, 12, 12)])


def test_token_whose_sum_no_column_holds_has_no_balance(linked):
    assert not rows(linked, "payee", "royalty_balances", f"currency = '{FALSE_TOKEN}'")
    assert len(rows(linked, "account", "split_payments", f"currency = '{FALSE_TOKEN}'")) == 3


def test_what_names_no_work_is_the_treasurys(linked):
    assert rows(linked, "payee, credited_wei", "royalty_balances", "token_id = '0'") == [
        (TREASURY, 5)
    ]


def test_credits_are_kept_per_contract_until_they_are_withdrawn(linked):
    found = rows(linked, "contract, account, credited_wei, refundable_wei", "refunds")
    assert sorted(found) == sorted(
        [
            (OWN.auctions, BOB, 500, 200),
            (VAULT, BOB, 1_000, 1_000),
            (OWN.loans, DAVE, 550, 550),
        ]
    ), "the contract that no factory opened owes nobody"


def test_owed_is_paid_whatever_the_royalty_is_for(linked):
    found = rows(
        linked, "kind, sum(owed_wei), sum(paid_wei)",
        "royalty_ledger", "look_through_of IS NULL GROUP BY kind",
    )  # fmt: skip
    assert found == [
        ("auction", 60, 60),
        ("buyout", 105, 105),
        ("fractionalization", 80, 80),
        ("primary", 200, 200),
        ("resale", 200, 200),
    ]


def test_royalties_are_looked_through_work_by_work(linked):
    sold = "(SELECT sale_id FROM sales WHERE token_id = '1' AND price_wei = {})"
    for price, second in ((1_009, CAROL), (2_003, DAVE)):
        found = rows(
            linked, "recipient, owed_wei, paid_wei", "royalty_ledger",
            f"look_through_of = '{OWN.splitter}' AND sale_id IN {sold.format(price)}",
        )  # fmt: skip
        royalty = price // 10
        shares = {ALICE: royalty * 4_875 // 10_000, second: royalty // 2}
        shares[TREASURY] = royalty * 125 // 10_000
        shares[OWN.splitter] = royalty - sum(shares.values())
        assert {r: o for r, o, _ in found} == {r: n for r, n in shares.items() if n}
        assert all(owed == paid for _, owed, paid in found)


def test_buyouts_are_looked_through_too(linked):
    charge = "(SELECT sale_id FROM vault_charges WHERE kind = 'buyout')"
    found = rows(
        linked, "recipient, paid_wei", "royalty_ledger",
        f"look_through_of IS NOT NULL AND sale_id IN {charge}",
    )  # fmt: skip
    assert sorted(found) == sorted([(ALICE, 51), (CAROL, 52), (TREASURY, 1), (OWN.splitter, 1)])


def test_sales_balance_and_a_default_is_none(linked):
    assert rows(linked, "trade_kind, token_id, price_wei, residual_wei", "sales") == [
        ("auction", "2", 600, 0),
        ("listing", "1", 1_009, 0),
        ("listing", "1", 2_003, 0),
        ("listing", "3", 1_000, 0),
    ]


def test_loans_end_in_their_states(linked):
    found = rows(linked, "loan_uid, state, lender, collection, token_id, quantity", "loans")
    uid = f"raisonne:{OWN.loans}:"
    assert found == [
        (f"{uid}1", "repaid", DAVE, OWN.artwork, "1", "1"),
        (f"{uid}2", "defaulted", CAROL, VAULT, None, "5"),
        (f"{uid}3", "cancelled", None, OWN.artwork, "1", "1"),
        (f"{uid}4", "offered", None, OWN.artwork, "1", "1"),
    ]


def test_auctions_are_the_latest_of_each_work(linked):
    found = rows(linked, "token_id, state, reserve_wei, bid_wei, bidder, bids", "auction_states")
    assert found == [("2", "settled", 400, 600, DAVE, 2), ("3", "open", 71, None, None, 0)]


def test_drop_has_its_latest_price_parameters(linked):
    columns = (
        'drop_id, seller, works, sold, "left", start_price, decay, floor_wei, cap_wei, repricings'
    )
    assert rows(linked, columns, "drops") == [
        ("1", ALICE, 2, 1, 1, str(10**17), str(-(10**17)), 5, 10**19, 1)
    ]


def test_vault_tells_reserve_buyout_and_what_is_left(linked):
    columns = (
        "vault, state, reserve_wei, locked_shares, buyout_wei, buyer, royalty_wei, cashed_wei,"
        " uncashed_wei, supply_now"
    )
    # The mean of 1,000 for half and 900 for a quarter of the shares, rounded up.
    assert rows(linked, columns, "vaults") == [
        (
            VAULT, "sold", 967, str(SUPPLY // 2 + SUPPLY // 4), 1_050, CAROL, 80, 314,
            1_050 - 105 - 314, str(SUPPLY - SUPPLY // 3),
        )
    ]  # fmt: skip


def test_shares_are_those_of_vaults_of_ours_and_of_the_studio(linked):
    found = rows(linked, "vault, holder, shares", "vault_holders")
    assert sorted(found) == sorted(
        [(OWN.studio_shares, ALICE, SUPPLY), (VAULT, DAVE, SUPPLY - SUPPLY // 3)]
    )


def test_dividends_are_rounded_down_once_per_holder(linked):
    found = rows(linked, "vault, holder, credited_wei, claimed_wei", "dividend_balances")
    third = SUPPLY // 3
    assert sorted(found) == sorted(
        [
            (OWN.studio_shares, ALICE, 6, 0),
            (VAULT, BOB, third * 101 // SUPPLY, 33),
            (VAULT, DAVE, (SUPPLY - third) * 101 // SUPPLY, 0),
        ]
    )
    parts = rows(linked, "amount_wei, holder, holder_shares", "dividends", f"vault = '{VAULT}'")
    assert len(parts) == 4
    assert (100, BOB, third) in parts


def test_upheld_dispute_taints_descendants_and_works(linked):
    assert rows(linked, "digest, state, culprit, distance", "tainted_assets") == sorted(
        [
            (text(12), "upheld", text(12), 0),
            (text(11), "upheld", text(12), 1),
            (text(13), "open", text(13), 0),
            (text(3), "open", text(3), 0),
        ]
    )
    assert tuple(bytes.fromhex(text(n)[2:]) for n in (12, 11, 13)) == (BASE, MODEL, DATASET)
    found = rows(linked, "token_id, state, via, distance", "tainted_works", "state = 'upheld'")
    assert found == [("1", "upheld", "model", 0), ("2", "upheld", "parent", 1)]
    contested = rows(linked, "token_id, via, distance", "tainted_works", "state = 'open'")
    assert contested == [*((n, "dataset", 0) for n in "123"), ("3", "manifest", 0)]


def test_rounds_count_voters_once_however_often_they_commit(linked):
    columns = "round_id, state, submissions, commits, reveals, outcome, votes_for, manifest"
    assert rows(linked, columns, "vetting_rounds") == [
        ("1", "closed", 1, 1, 1, 1, str(10**17), text(3)),
        ("2", "open", 0, 0, 0, None, None, None),
    ]


def test_budgets_and_loops_stand_where_the_last_event_left_them(linked):
    assert rows(linked, 'epoch, kind, spent, "left"', "budgets") == [
        ("9", 0, "9", "1"),
        ("9", 200, None, str(2**256 - 1)),
    ]
    assert rows(linked, "loop_id, state, anchor, transitions", "loop_states") == [
        ("1", 14, text(51), 2)
    ]


def test_prompt_and_proof_of_a_work_stand_beside_its_mint(linked):
    columns = "collection, token_id, manifest, prompt_hash, evidence, level"
    assert rows(linked, columns, "provenance_events", "event = 'aigc_added'") == [
        (OWN.artwork, "1", text(1), text(81), text(82), 2)
    ]


def test_governance_keeps_what_each_event_says(linked):
    events = rows(linked, "event, count(*)", "governance_events", "true GROUP BY event")
    assert len(events) == 24
    delay = rows(linked, "value, account, data", "governance_events", "event = 'scheduled'")
    assert delay[0][0] == "3600"
    assert delay[0][2] == b"\x01\x02"
    most = rows(linked, "amount", "governance_events", "event = 'budget_set'")
    assert most == [(str(2**256 - 1),)]


def test_contract_that_no_factory_opened_has_no_rows_in_the_links(linked):
    for name in ("vaults", "vault_holders", "dividend_balances", "vault_charges"):
        assert not rows(linked, "vault", name, f"vault = '{FALSE_VAULT}'"), name


@pytest.mark.parametrize("seed", [1])
def test_blocks_in_any_order_and_taken_away_leave_the_links_of_a_rebuild(store, linked, seed):
    height = history().height
    blocks = list(range(1, height + 1))
    random.Random(seed).shuffle(blocks)
    for block in blocks:
        with store.transaction() as transaction:
            for name, frame in facts().items():
                transaction.append(name, frame.filter(pl.col("block_number") == block))
            relink(transaction, find_touched(transaction, LOCAL, block, block + 1))
    assert store.digest() == linked.digest()
    for start in (height - 3, height - 16, height - 30, height - 45):
        with store.transaction() as transaction:
            touched = find_touched(transaction, LOCAL, start)
            transaction.delete_from_block(LOCAL, start)
            relink(transaction, touched)
        after = store.digest()
        rebuild_links(store)
        assert store.digest() == after, f"from block {start}"
