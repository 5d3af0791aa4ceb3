"""Links of touched tokens are those that a rebuild of everything makes."""

import random
import shutil

import polars as pl
import pytest

from data.schema import BLOCK_KINDS, TABLES
from data.store import Store
from indexer.link import rebuild_links
from indexer.relink import find_touched, relink

CHAIN = 31_337
FACTS = [name for name, one in TABLES.items() if one.kind in BLOCK_KINDS]


@pytest.fixture
def market(demo_store, tmp_path):
    """A copy of the demo market: sales, royalties, vaults, prices, funding, lineage."""
    shutil.copy(demo_store.path, tmp_path / "copy.duckdb")
    with Store.open(tmp_path / "copy.duckdb") as opened:
        yield opened


def test_blocks_taken_away_take_their_links_with_them(market):
    head = market.query("SELECT max(block_number) FROM blocks").item()
    for share in (0.99, 0.9, 0.5):
        start = int(head * share)
        with market.transaction() as transaction:
            touched = find_touched(transaction, CHAIN, start)
            transaction.delete_from_block(CHAIN, start)
            relink(transaction, touched)
        after = market.digest()
        rebuild_links(market)
        assert market.digest() == after, f"from block {start}"


def test_blocks_that_arrive_in_any_order_bring_their_links(market):
    whole = market.digest()
    head = market.query("SELECT max(block_number) FROM blocks").item()
    spans = [(at, at + 40) for at in range(head - 400, head + 1, 40)]
    kept = {name: market.read(name) for name in FACTS}
    with market.transaction() as transaction:
        transaction.delete_from_block(CHAIN, spans[0][0])
    rebuild_links(market)
    assert market.digest() != whole
    random.Random(5).shuffle(spans)
    for start, end in spans:
        is_in = (pl.col("block_number") >= start) & (pl.col("block_number") < end)
        with market.transaction() as transaction:
            for name, rows in kept.items():
                transaction.append(name, rows.filter(is_in))
            relink(transaction, find_touched(transaction, CHAIN, start, end))
    assert market.digest() == whole


def test_blocks_without_facts_touch_nothing(market):
    head = market.query("SELECT max(block_number) FROM blocks").item()
    with market.transaction() as transaction:
        touched = find_touched(transaction, CHAIN, head + 1)
        assert (touched.tokens, touched.wallets) == (0, 0)
        assert relink(transaction, touched) == 0
