"""Blocks taken out of `ranges`, and ranges that ended on another fork."""

import polars as pl
import pytest

from indexer.holes import without
from indexer.ranges import join_neighbours
from indexer.run import IndexOptions, index
from tests.faults import ChainChange
from tests.forks import fork
from tests.indexer.test_reorg import FIRST, origin, run, serve, undisturbed  # noqa: F401


def rows(*spans):
    return pl.DataFrame(
        [(start, end, f"0x{end}") for start, end in spans],
        schema=["from_block", "to_block", "tip_hash"],
        orient="row",
    )


@pytest.mark.parametrize(
    ("holes", "left"),
    [
        ([], [(0, 10, "0x10"), (10, 20, "0x20")]),
        ([(0, 10)], [(10, 20, "0x20")]),
        ([(4, 5)], [(0, 4, None), (5, 10, "0x10"), (10, 20, "0x20")]),
        ([(9, 11)], [(0, 9, None), (11, 20, "0x20")]),
        ([(0, 99)], []),
    ],
)
def test_ranges_are_cut_around_holes_and_forget_the_hash_of_a_cut_end(holes, left):
    assert without(rows((0, 10), (10, 20)), holes).rows() == left


@pytest.mark.parametrize(
    ("ranges", "joined"),
    [
        ([(0, 4), (4, 8)], [(0, 8)]),
        ([(0, 4), (5, 8)], [(0, 4), (5, 8)]),
        ([(0, 4), (4, 8), (8, 12)], [(0, 8), (8, 12)]),
        ([(0, 50), (50, 52)], [(0, 50), (50, 52)]),
    ],
)
def test_neighbours_are_joined_up_to_a_size(ranges, joined):
    assert join_neighbours(ranges, 10) == joined


def test_ranges_that_ended_on_another_fork_are_asked_anew(tmp_path, store, origin):  # noqa: F811
    """The first ranges come from a sibling that agrees with itself, far below the head."""
    with serve(fork(origin, FIRST)) as node:
        node.faults.append(ChainChange(states=[(3, origin)], method="eth_getLogs"))
        summary = run(store, node, max_range=20)
    assert summary.rolled_back_from
    assert store.digest() == undisturbed(origin, tmp_path)


def test_ranges_of_the_chain_are_looked_at_and_kept(store, origin):  # noqa: F811
    with serve(origin) as node:
        run(store, node, max_range=20)
        before = store.query("SELECT * FROM ranges ORDER BY from_block")
        summary = index(store, IndexOptions((node.url,), blocks=(f"{FIRST}:",), verify="off"))
    assert summary.rolled_back_from == []
    assert store.query("SELECT * FROM ranges ORDER BY from_block").equals(before)
