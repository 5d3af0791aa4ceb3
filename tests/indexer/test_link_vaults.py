"""Links about vaults: the same in any order, by parts or as a whole, whatever contracts say."""

import random
from decimal import Decimal

import polars as pl
import pytest

from data.schema import TABLES
from indexer.link import rebuild_links
from indexer.rebuild import check
from indexer.relink import find_touched, relink
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.vaults import settle_alone
from tests.indexer.samples import ALICE, BOB, COLLECTION, WETH, ZERO, one
from tests.indexer.test_link import link, place

VAULT = "0x" + "71" * 20
PROTOCOLS = ("fractional", "nftx", "party", "tessera", "unicly")


def facts_of(name):
    return {
        table: rows.drop("tx")
        for table, rows in settle_emitted(name).items()
        if TABLES[table].kind == "fact"
    }


@pytest.mark.parametrize("name", PROTOCOLS)
def test_blocks_in_any_order_make_the_links_that_a_rebuild_makes(store, name):
    facts = facts_of(name)
    head = max(rows["block_number"].max() or 0 for rows in facts.values())
    for table, rows in facts.items():
        store.append(table, rows)
    rebuild_links(store)
    whole = store.digest()
    with store.transaction() as transaction:
        transaction.delete_from_block(1, 0)
    rebuild_links(store)
    assert store.query("SELECT count(*) FROM vaults").item() == 0
    spans = [(block, block + 1) for block in range(head + 1)]
    random.Random(7).shuffle(spans)
    for start, end in spans:
        with store.transaction() as transaction:
            for table, rows in facts.items():
                is_in = pl.col("block_number").is_between(start, end, closed="left")
                transaction.append(table, rows.filter(is_in))
            relink(transaction, find_touched(transaction, 1, start, end))
    assert store.digest() == whole
    # And back: a reorg takes blocks away with what they made.
    for start in sorted((start for start, _ in spans), reverse=True)[::3]:
        with store.transaction() as transaction:
            touched = find_touched(transaction, 1, start)
            transaction.delete_from_block(1, start)
            relink(transaction, touched)
        after = store.digest()
        rebuild_links(store)
        assert store.digest() == after, f"from block {start}"


@pytest.mark.parametrize("name", PROTOCOLS)
def test_all_protocols_rebuild_from_the_logs_what_the_one_made_of_them(store, name):
    tables = settle_alone(name)
    assert tables["vault_events"].height > 5
    for table, rows in tables.items():
        store.append(table, rows)
    rebuild_links(store)
    assert check(store) == []


def event(block, kind, log=0, **fields):
    return {
        **place(block, log),
        "protocol": "fractional",
        "version": "1",
        "event": kind,
        "vault": VAULT,
        "emitter": VAULT,
        **fields,
    }


def opened(block=1, **fields):
    token = {"collection": COLLECTION, "token_id": "1", "quantity": "1"}
    return event(block, "opened", account=ALICE, **token, **fields)


def share(block, sender, receiver, amount, log=1):
    return {
        **place(block, log),
        "tx_hash": place(block)["tx_hash"],
        "vault": VAULT,
        "from_address": sender,
        "to_address": receiver,
        "shares": Decimal(amount),
    }


def test_shares_beyond_all_sums_are_not_added_up(store):
    most = 10**38 - 1
    link(
        store,
        vault_events=[opened(), event(2, "fee_mint")],
        share_transfers=[share(1, ZERO, ALICE, most), share(2, ZERO, ALICE, most)],
    )
    row = one(store.query("SELECT * FROM vaults"))
    assert (row["supply_now"], row["supply_reason"]) == (None, "no shares were seen")
    assert store.query("SELECT * FROM vault_supply").is_empty()


def test_vault_that_burns_more_than_was_seen_has_no_supply(store):
    link(
        store,
        vault_events=[opened(), event(2, "cash", amount_wei=Decimal(5))],
        share_transfers=[share(1, ZERO, ALICE, 10), share(2, ALICE, ZERO, 11)],
    )
    row = one(store.query("SELECT * FROM vaults"))
    assert (row["supply_now"], row["supply_reason"]) == (
        None, "more shares were burned than seen minted",
    )  # fmt: skip


def test_transfers_between_holders_leave_the_supply(store):
    link(
        store,
        vault_events=[opened(), event(2, "cash", amount_wei=Decimal(5))],
        share_transfers=[
            share(1, ZERO, ALICE, 10),
            share(2, ALICE, BOB, 4),
            share(2, BOB, ZERO, 4, log=2),
        ],
    )
    assert one(store.query("SELECT supply_now FROM vaults"))["supply_now"] == "6"
    assert store.query("SELECT * FROM vault_holders").is_empty(), "others may hold shares too"


def test_another_contract_cannot_speak_for_a_vault(store):
    liar = {"emitter": BOB}
    link(
        store,
        vault_events=[
            opened(),
            event(2, "won", account=BOB, amount_wei=Decimal(1), **liar),
            event(3, "cash", account=BOB, amount_wei=Decimal(9), **liar),
            event(4, "withdraw", collection=COLLECTION, token_id="1", quantity="1", **liar),
        ],
        share_transfers=[share(1, ZERO, ALICE, 10)],
    )
    row = one(store.query("SELECT * FROM vaults"))
    assert (row["state"], row["cashed_wei"], row["items"]) == ("open", None, 1)


def test_buyout_that_failed_leaves_the_vault_open(store):
    second = {"version": "2", "share_token": COLLECTION, "share_id": "3"}
    link(
        store,
        vault_events=[
            event(1, "opened", **second),
            event(2, "started", account=BOB, amount_wei=Decimal(50), version="2"),
            event(3, "failed", account=BOB, version="2"),
        ],
    )
    row = one(store.query("SELECT * FROM vaults"))
    assert (row["state"], row["buyout_wei"], row["buyer"]) == ("open", None, None)


def test_highest_bid_values_a_vault_while_its_auction_runs(store):
    link(
        store,
        vault_events=[
            opened(amount_wei=Decimal(30)),
            event(2, "started", account=ALICE, amount_wei=Decimal(40)),
            event(3, "bid", account=BOB, amount_wei=Decimal(50)),
        ],
        share_transfers=[share(1, ZERO, ALICE, 10)],
    )
    row = one(store.query("SELECT * FROM vaults"))
    assert (row["state"], row["buyer"], row["buyout_wei"]) == ("auction", BOB, 50)
    assert (row["implied_wei"], row["implied_basis"]) == (50, "highest bid")
    assert (row["reserve_wei"], row["reserve_reason"]) == (None, "the vault is not open")


def test_shares_are_priced_by_known_money_only(store):
    trade = {"shares": "10", "amount_source": "transfer_log"}
    link(
        store,
        vault_events=[
            opened(),
            event(2, "share_trade", currency=WETH, amount_wei=Decimal(40), **trade),
            event(3, "share_trade", currency=COLLECTION, amount_wei=Decimal(10**30), **trade),
        ],
        share_transfers=[share(1, ZERO, ALICE, 100)],
    )
    row = one(store.query("SELECT * FROM vaults"))
    assert (row["share_price"], row["implied_wei"], row["implied_currency"]) == (4.0, 400, WETH)
    assert row["implied_basis"] == "last share trade"
