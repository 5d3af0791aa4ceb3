"""Royalty links that follow single blocks are those that a rebuild of everything makes."""

import random
from collections import defaultdict

import polars as pl
import pytest

from data.schema import conform
from indexer.link import rebuild_links
from indexer.relink import find_touched, relink
from tests.indexer.samples import ALICE, BOB, CAROL, DAVE
from tests.indexer.test_link import leg, sale
from tests.indexer.test_link_royalties import (
    INNER,
    OTHER,
    SPLIT,
    answer,
    given_on,
    override,
    split,
    term,
)
from tests.quick import quick_and_slow


def history():
    """Facts by table, of blocks 1 to 20."""
    sales = [
        sale(block, CAROL, DAVE, token=str(1 + block % 3), price=10**6 + block)
        for block in range(4, 20, 2)
    ]
    direct = sale(19, CAROL, DAVE, token="9", log=7)
    return {
        "settled_sales": [*sales, direct],
        "sale_payments": [
            *(leg(each, SPLIT if n % 2 else ALICE, 500 + n) for n, each in enumerate(sales)),
            *(leg(each, INNER, 9, "unknown", seq=1) for each in sales),
            leg(direct, BOB, 100),
        ],
        "royalty_events": [
            *term(3, (ALICE, 500), level="collection"),
            *term(7, (SPLIT, 300), (ALICE, 200)),
            *term(9),
            *override(11, OTHER),
            *term(2, (BOB, 100), level="collection", collection=OTHER),
            *term(13, (SPLIT, 700), collection=OTHER, token_id="2"),
            *override(15, None),
            *term(17, (DAVE, 5), level="extension", via=INNER),
        ],
        "split_events": [
            *split(5, SPLIT, (ALICE, 1), (INNER, 2)),
            *split(8, INNER, (BOB, 1), (CAROL, 2)),
            *split(14, INNER, (DAVE, 1)),
        ],
        "split_payments": [given_on(direct, BOB, ALICE, 60, 0), given_on(direct, BOB, DAVE, 40, 1)],
        "contract_reads": [answer(each, CAROL, 77) for each in sales],
    }


def frames():
    return {
        name: conform(name, pl.DataFrame(rows, infer_schema_length=None))
        for name, rows in history().items()
    }


def append(store, parts):
    with store.transaction() as transaction:
        for name, frame in parts.items():
            transaction.append(name, frame)
        blocks = [block for frame in parts.values() for block in frame["block_number"]]
        for block in sorted(set(blocks)):
            relink(transaction, find_touched(transaction, 1, block, block + 1))


@pytest.mark.parametrize("seed", quick_and_slow([0], [1]))
def test_blocks_in_any_order_and_tables_in_any_order_bring_the_same_links(store, seed):
    pieces = [
        {name: part}
        for name, frame in frames().items()
        if name != "contract_reads"
        for part in frame.partition_by("block_number")
    ]
    # A read is of the block of its sale, and comes with it.
    reads = defaultdict(pl.DataFrame) | {
        key[0]: part
        for key, part in frames()["contract_reads"]
        .partition_by("block_number", as_dict=True)
        .items()
    }
    for piece in pieces:
        block = next(iter(piece.values()))["block_number"][0]
        if "settled_sales" in piece and block in reads:
            piece["contract_reads"] = reads[block]
    random.Random(seed).shuffle(pieces)
    for piece in pieces:
        append(store, piece)
    followed = store.digest()
    rebuild_links(store)
    assert store.digest() == followed
    assert store.read("royalty_ledger")["look_through_of"].n_unique() > 2


def test_blocks_taken_away_take_back_what_they_said(store):
    for name, frame in frames().items():
        store.append(name, frame)
    rebuild_links(store)
    for start in (18, 14, 12, 9, 6):
        with store.transaction() as transaction:
            touched = find_touched(transaction, 1, start)
            transaction.delete_from_block(1, start)
            relink(transaction, touched)
        followed = store.digest()
        rebuild_links(store)
        assert store.digest() == followed, start
