"""What a node may answer, and what becomes of it."""

import asyncio

import aiohttp
import pytest

from data.errors import UpstreamError
from indexer.fetch import RpcSource
from indexer.protocols import PROTOCOLS
from indexer.protocols.base import ChainContext
from indexer.rpc import RpcClient
from indexer.selection import Selection
from tests.indexer.samples import block_hash, make_transfer, word
from tests.node import ReplayNode

CHAIN = 77


class Lie:
    """Replaces some results, the first `times` times."""

    def __init__(self, method, change, times=1):
        self.method, self.change, self.times = method, change, times

    def __call__(self, method, params, result):
        if method == self.method and self.times > 0:
            self.times -= 1
            return self.change(result)
        return result


def fetch(node, start, end, *, attempts=3):
    async def run():
        async with aiohttp.ClientSession() as session:
            client = RpcClient([node.url], session, first_pause_s=0.001)
            selection = Selection(ChainContext(CHAIN), tuple(PROTOCOLS.values()))
            source = RpcSource(
                client, selection, node.chain.head, attempts=attempts, first_pause_s=0.001
            )
            return await source.fetch((start, end))

    return asyncio.run(run())


LOGS = [make_transfer(block, block=block) for block in (1_000, 1_003, 1_004)]


def test_evidence_carries_logs_times_and_the_last_header():
    with ReplayNode(CHAIN, LOGS, head=5_000) as node:
        (evidence,) = fetch(node, 1_000, 1_005)
    assert evidence.logs["block_number"].to_list() == [1_000, 1_003, 1_004]
    assert evidence.logs["block_time"].null_count() == 0
    assert evidence.tip_hash == block_hash(1_004)
    assert evidence.blocks["block_number"].to_list() == [1_004], "deep blocks need no other header"


def test_near_the_head_every_header_is_kept():
    with ReplayNode(CHAIN, LOGS, head=1_010) as node:
        (evidence,) = fetch(node, 1_000, 1_005)
    assert sorted(evidence.blocks["block_number"]) == list(range(1_000, 1_005))


def test_times_come_from_headers_where_logs_have_none():
    with ReplayNode(CHAIN, LOGS, head=5_000) as node:
        (with_times,) = fetch(node, 1_000, 1_005)
    with ReplayNode(CHAIN, LOGS, head=5_000, log_times=False) as node:
        (without,) = fetch(node, 1_000, 1_005)
    assert without.logs.equals(with_times.logs)


def test_empty_logs_beside_a_null_header_are_not_believed():
    lies = [Lie("eth_getLogs", lambda _: [], 1), Lie("eth_getBlockByNumber", lambda _: None, 1)]
    with ReplayNode(CHAIN, LOGS, head=5_000, faults=lies) as node:
        (evidence,) = fetch(node, 1_000, 1_005)
    # One of the two filters was lied to; the null header gave the lie away.
    assert evidence.logs.height == 3


@pytest.mark.parametrize(
    ("lie", "complaint"),
    [
        (Lie("eth_getBlockByNumber", lambda _: None, 99), "behind the tip"),
        (
            Lie("eth_getBlockByNumber", lambda block: block | {"hash": word(5)}, 99),
            "different forks",
        ),
        (
            Lie("eth_getLogs", lambda _: [make_transfer(1, block=900)], 99),
            "outside the range",
        ),
        (
            Lie("eth_getLogs", lambda logs: [log | {"blockHash": word(i)} for i, log in
                                             enumerate(logs * 2)], 99),
            "different forks",
        ),
        (Lie("eth_getLogs", lambda _: "none", 99), "no list of logs"),
    ],
    ids=["null header", "other header", "elsewhere", "mixed forks", "text"],
)  # fmt: skip
def test_answer_that_contradicts_itself_is_asked_again_and_then_refused(lie, complaint):
    refused = pytest.raises(UpstreamError, match=rf"blocks 1000:1005.*{complaint}.*attempts")
    with ReplayNode(CHAIN, LOGS, head=5_000, faults=[lie]) as node, refused:
        fetch(node, 1_000, 1_005)
    lie.times = 1
    with ReplayNode(CHAIN, LOGS, head=5_000, faults=[lie]) as node:
        assert fetch(node, 1_000, 1_005)[0].logs.height == 3


def test_headers_that_do_not_follow_each_other_are_refused():
    def tear(block):
        return block | {"parentHash": word(1)} if block["number"] == hex(1_003) else block

    with (
        ReplayNode(CHAIN, LOGS, head=1_010, faults=[Lie("eth_getBlockByNumber", tear, 99)]) as node,
        pytest.raises(UpstreamError, match="block 1003 does not follow"),
    ):
        fetch(node, 1_000, 1_005)
