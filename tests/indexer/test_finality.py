"""Which blocks are taken as final."""

import asyncio
import time

import aiohttp
import pytest

from indexer.fetch import WINDOW
from indexer.finality import Finality
from indexer.rpc import RpcClient
from tests.faults import HttpError
from tests.node import ReplayNode

HEAD = 10_000


def final_of(node, chain_id=77, *, head=HEAD, times=1):
    """Final block and where it is known from."""

    async def ask():
        async with aiohttp.ClientSession() as session:
            finality = Finality(RpcClient([node.url], session), chain_id)
            for _ in range(times):
                await finality.refresh(head)
            return finality.number, finality.source

    return asyncio.run(ask())


@pytest.fixture
def node():
    with ReplayNode(77, head=HEAD) as running:
        yield running


@pytest.mark.parametrize(
    ("finalized", "safe", "expected"),
    [
        (HEAD - 64, HEAD - 32, (HEAD - 64, "finalized")),
        (HEAD - WINDOW, HEAD - 32, (HEAD - WINDOW, "finalized")),
        (HEAD - WINDOW - 1, HEAD - 32, (HEAD - 32, "safe")),
        (None, HEAD - 12, (HEAD - 12, "safe")),
        (0, 0, (HEAD - 30, "depth 30")),  # a development node that never finalizes
        (None, None, (HEAD - 30, "depth 30")),
    ],
)
def test_tag_is_taken_unless_it_lags_more_than_the_window(node, finalized, safe, expected):
    node.tags.update(finalized=finalized, safe=safe)
    assert final_of(node) == expected


@pytest.mark.parametrize(
    ("chain_id", "depth"), [(1, 65), (11_155_111, 65), (137, 200), (42_161, 240), (8_453, 30)]
)
def test_without_tags_the_chain_decides(node, chain_id, depth):
    node.tags.update(finalized=None, safe=None)
    assert final_of(node, chain_id) == (HEAD - depth, f"depth {depth}")


def test_nothing_is_final_on_a_young_chain(node):
    node.tags.update(finalized=None, safe=None)
    assert final_of(node, head=10)[0] == -1


def test_final_blocks_stay_final_when_another_replica_lags(node):
    async def ask():
        async with aiohttp.ClientSession() as session:
            finality = Finality(RpcClient([node.url], session), 77)
            node.tags["finalized"] = HEAD - 64
            await finality.refresh(HEAD)
            node.tags["finalized"] = HEAD - 96
            return await finality.refresh(HEAD)

    assert asyncio.run(ask()) == HEAD - 64


def test_tag_that_a_node_does_not_know_costs_no_patience(node):
    node.tags.update(finalized=None, safe=None)
    started = time.process_time(), time.monotonic()
    final_of(node, times=5)
    waited_s = time.monotonic() - started[1] - (time.process_time() - started[0])
    assert waited_s < 1
    assert node.calls["eth_getBlockByNumber"] == 2 * 3, "asked three times, then no more"


def test_endpoint_that_is_down_leaves_the_depth(node):
    def down(_method, _params, _result):
        raise HttpError(500)

    node.faults.append(down)
    assert final_of(node) == (HEAD - 30, "depth 30")
