"""ERC-1155 transfers that a node emitted: single, in batches, and batches that are uneven."""

import polars as pl

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.samples import (
    ALICE,
    BOB,
    CAROL,
    COLLECTION,
    TRANSFER_BATCH,
    TRANSFER_SINGLE,
    ZERO,
    one,
)

LARGEST = 2**256 - 1

SCENARIO = [
    call(COLLECTION, log(TRANSFER_SINGLE, CAROL, ZERO, ALICE, 7, LARGEST)),
    # 1: the same token twice in a batch, and none of one
    call(COLLECTION, log(TRANSFER_BATCH, CAROL, ALICE, BOB, [7, 8, 7], [1, 0, 5])),
    # 2: more tokens than amounts
    call(COLLECTION, log(TRANSFER_BATCH, CAROL, ALICE, BOB, [7, 8], [1])),
]


def table(name, tx):
    return settle_emitted("erc1155")[name].filter(pl.col("tx") == tx)


def test_single_transfer_keeps_the_largest_amount():
    row = one(table("transfers", 0))
    assert (row["kind"], row["token_id"], row["quantity"]) == ("mint", "7", str(LARGEST))
    assert row["operator"] == CAROL


def test_batch_is_a_row_for_each_place_in_it():
    rows = table("transfers", 1).select("item_index", "token_id", "quantity").rows()
    assert rows == [(0, "7", "1"), (1, "8", "0"), (2, "7", "5")]


def test_uneven_batch_is_set_aside_whole():
    assert table("transfers", 2).is_empty()
    assert one(table("quarantine", 2))["event"] == "TransferBatch"
