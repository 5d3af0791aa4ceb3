"""Which transactions are settled together changes no fact."""

import random
from collections import defaultdict

import polars as pl
import pytest

from data.schema import TABLES, table
from indexer.decode import settle_logs
from indexer.protocols import select_protocols
from indexer.protocols.base import ChainContext
from indexer.selection import Selection
from tests.indexer.protocols.evidence import logs_of, mainnet
from tests.paths import needs_mainnet

pytestmark = needs_mainnet

_FACTS = [name for name, one in TABLES.items() if one.kind == "fact"]


@pytest.fixture(scope="module")
def selection():
    return Selection(ChainContext(1, None), select_protocols(()))


@pytest.fixture(scope="module")
def logs():
    """One transaction in three of those recorded, all their logs."""
    recorded = list(mainnet().logs.values())[::3]
    return logs_of([log for each in recorded for log in each if log["chainId"] == 1], 1)


@pytest.fixture(scope="module")
def whole(selection, logs):
    return in_order([settle_logs(logs, selection)])


def in_order(tables):
    """Facts of several batches by table, in the order of their keys."""
    parts = defaultdict(list)
    for each in tables:
        for name in set(each) & set(_FACTS):
            parts[name].append(each[name])
    frames = {name: pl.concat(frames) for name, frames in parts.items()}
    return {
        name: frame.sort(table(name).key) for name, frame in frames.items() if not frame.is_empty()
    }


@pytest.mark.parametrize("size", [1, 25])
def test_batches_of_any_size_give_the_facts_of_the_whole(selection, logs, whole, size):
    hashes = logs["tx_hash"].unique(maintain_order=True).to_list()
    random.Random(size).shuffle(hashes)
    if size == 1:
        hashes = hashes[:200]
    batches = [hashes[at : at + size] for at in range(0, len(hashes), size)]
    settled = in_order(
        [settle_logs(logs.filter(pl.col("tx_hash").is_in(each)), selection) for each in batches]
    )
    assert {"transfers", "settled_sales", "sale_payments"} <= set(settled)
    for name, frame in settled.items():
        expected = whole[name].filter(pl.col("tx_hash").is_in(hashes))
        assert frame.equals(expected, null_equal=True), name
        assert not frame["tx_hash"].null_count()
