"""Two real Ethereum sales, out of whole blocks with their receipts (markets.md, section 12)."""

import gzip
import json

import polars as pl
import pytest

from indexer.link import rebuild_links
from indexer.royalty_reads import royalty_call
from tests.indexer.protocols.settled import assert_balanced, legs_of, settle
from tests.indexer.samples import OPENSEA, WETH, ZERO, one
from tests.paths import MAINNET, needs_mainnet

pytestmark = needs_mainnet

BID = "0xd7e72a37c6f709a4f26e22d721b42ff0f1065ecd9edc60468868a7c74f521154"
LISTING = "0xc23f7a086f9dd3789df0136b8e4eeaafd66df1087d2733fdc22a0bb3f623abf3"


@pytest.fixture(scope="module")
def settled():
    """Tables of all logs of blocks 18,000,000 and 18,500,000."""
    blocks = json.loads(gzip.decompress((MAINNET / "whole_blocks.json.gz").read_bytes()))
    logs = []
    for number in ("18000000", "18500000"):
        receipts = blocks[number]["receipts"]
        logs += [log | {"removed": False} for receipt in receipts for log in receipt["logs"]]
    assert len(logs) > 500
    return settle(*logs)


def sale_of(settled, tx_hash):
    return one(settled["settled_sales"].filter(pl.col("tx_hash") == tx_hash))


def test_bid_accepted_through_matched_orders_is_one_sale(settled):
    sale = sale_of(settled, BID)
    assert sale["collection"] == "0x33333333333371718a3c2bb63e5f3b94c9bc13be"
    assert sale["token_id"] == "8924"
    assert sale["seller"] == "0x7d88160b804af6e973331ee1e42c2bded1a3132a"
    assert sale["buyer"] == "0x84b4fe12c5af4d8e067041924601bbb5c3bfabb6"
    assert (sale["currency"], sale["version"], sale["marketplace"]) == (WETH, "1.5", "opensea")
    assert int(sale["price_wei"]) == 35_600_000_000_000_000
    assert int(sale["residual_wei"]) == 0
    assert sorted(legs_of(settled, sale)) == [
        (OPENSEA, "platform", 890_000_000_000_000),
        ("0x50ad8fdbc19ea06fd9383f1262ce691dc53fa99f", "creator", 356_000_000_000_000),
        ("0x7d88160b804af6e973331ee1e42c2bded1a3132a", "seller", 34_354_000_000_000_000),
    ]


def test_listing_without_a_royalty_has_a_royalty_of_zero(settled):
    sale = sale_of(settled, LISTING)
    assert sale["collection"] == "0x123b30e25973fecd8354dd5f41cc45a3065ef88c"
    assert (sale["token_id"], sale["currency"], sale["confidence"]) == ("5701", ZERO, "decoded")
    assert int(sale["price_wei"]) == 80_000_000_000_000_000
    assert int(sale["platform_fee_wei"]) == 2_000_000_000_000_000
    assert int(sale["proceeds_wei"]) == 78_000_000_000_000_000
    assert (int(sale["royalty_wei"]), int(sale["residual_wei"])) == (0, 0)


def test_every_sale_of_the_two_blocks_balances(settled):
    assert settled["settled_sales"].height >= 2
    assert_balanced(settled)
    assert settled["quarantine"].is_empty()


@pytest.mark.parametrize(("asked_wei", "status"), [(0, "full"), (4_000_000_000_000_000, "zero")])
def test_gap_of_the_listing_without_a_royalty_shows_on_the_owed_side_alone(
    settled, store, asked_wei, status
):
    """What its contract asked at that block is not recorded; both answers are told apart."""
    rows = {
        name: settled[name].filter(pl.col("tx_hash") == LISTING)
        for name in ("settled_sales", "sale_payments")
    }
    for name, frame in rows.items():
        store.append(name, frame)
    rebuild_links(store)
    assert store.read("royalty_ledger").is_empty()
    sale = one(rows["settled_sales"])
    artist = "0x" + "a1" * 20
    keys = ("chain_id", "block_number", "block_hash", "block_time")
    question = royalty_call(int(sale["token_id"]), int(sale["price_wei"]))
    answer = bytes(12) + bytes.fromhex(artist[2:]) + asked_wei.to_bytes(32)
    read = {key: sale[key] for key in keys} | {
        "contract": sale["collection"], "input": question, "output": answer
    }  # fmt: skip
    store.append("contract_reads", pl.DataFrame([read]))
    rebuild_links(store)
    row = one(store.read("royalty_ledger"))
    assert (row["recipient"], row["status"]) == (artist, status)
    assert (int(row["paid_wei"]), int(row["gap_wei"])) == (0, asked_wei)
