"""Every recorded Ethereum block, in chunks and orders of all kinds: one digest. `-m slow`."""

import random

import pytest

from tests.faults import DuplicatedLogs, UnorderedLogs
from tests.integration.harness import digest_of, index, query, windows, write_blocks
from tests.node import ReplayNode
from tests.paths import needs_mainnet

pytestmark = [needs_mainnet, pytest.mark.slow, pytest.mark.timeout(3_600)]

RUNS = 40
"""Runs that bring the shuffled windows, one after another."""


@pytest.fixture(scope="module")
def node(recordings):
    with ReplayNode(1, recording=recordings[1]) as replay:
        yield replay


def cut(node, around):
    return windows(node.chain.block_numbers(), before=around, after=around)


def indexed(folder, node, ranges, *options):
    store = folder / "market.duckdb"
    index(store, node, write_blocks(folder / "blocks.txt", ranges), "--verify", "off", *options)
    return store


@pytest.fixture(scope="module")
def digest(node, tmp_path_factory):
    """Digest of the windows of three blocks around each, each window asked for at once."""
    store = indexed(tmp_path_factory.mktemp("plain"), node, cut(node, 3))
    assert query(store, "SELECT count(DISTINCT block_hash) FROM logs").item() > 100
    return digest_of(store)


@pytest.mark.parametrize(("chunk", "around"), [(1, 3), (7, 3), (100, 50)])
def test_chunks_of_any_size_end_in_one_digest(node, digest, tmp_path, chunk, around):
    store = indexed(tmp_path, node, cut(node, around), "--max-range", chunk)
    widest = query(store, "SELECT max(to_block - from_block) FROM ranges").item()
    assert widest == chunk
    assert digest_of(store) == digest


def test_whole_span_in_chunks_of_ten_thousand_ends_in_the_same_digest(node, digest, tmp_path):
    numbers = node.chain.block_numbers()
    store = indexed(tmp_path, node, [(numbers[0], numbers[-1] + 1)], "--max-range", 10_000)
    assert query(store, "SELECT count(*) FROM ranges").item() > 2_000
    assert digest_of(store) == digest


def test_shuffled_arrival_ends_in_the_same_digest(node, digest, tmp_path):
    ranges = cut(node, 3)
    random.Random(7).shuffle(ranges)
    for start in range(RUNS):
        store = indexed(tmp_path, node, ranges[start::RUNS])
    assert digest_of(store) == digest


@pytest.mark.parametrize("fault", [DuplicatedLogs(), UnorderedLogs(seed=7)], ids=["twice", "mixed"])
def test_duplicate_and_unordered_delivery_end_in_the_same_digest(node, digest, tmp_path, fault):
    node.faults[:] = [fault]
    try:
        store = indexed(tmp_path, node, cut(node, 3), "--max-range", 7)
    finally:
        node.faults.clear()
    assert fault.fired > 0
    assert digest_of(store) == digest
