"""What a node may answer, and what becomes of it."""

import asyncio

import aiohttp
import pytest

from data.errors import UpstreamError
from indexer.fetch import RpcSource
from indexer.protocols import PROTOCOLS
from indexer.protocols.base import ChainContext
from indexer.ranges import count_blocks, merge
from indexer.rpc import RpcClient
from indexer.selection import Selection
from tests.faults import RpcError
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


def fetch(node, start, end, *, attempts=3, addresses=()):
    async def run():
        async with aiohttp.ClientSession() as session:
            client = RpcClient([node.url], session, first_pause_s=0.001)
            selection = Selection(ChainContext(CHAIN), tuple(PROTOCOLS.values()), addresses)
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
        (Lie("eth_getBlockByNumber", lambda _: None, 99), "0x3ec is null.*behind the tip"),
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
    refused = pytest.raises(
        UpstreamError, match=rf"(blocks 1000:1005|Number).*{complaint}.*attempts"
    )
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


# -- limits of the node


class Refuses:
    """Refuses logs over more than `most` blocks with a text of its own."""

    def __init__(self, most, text):
        self.most, self.text, self.times = most, text, 0

    def __call__(self, method, params, result):
        if method == "eth_getLogs":
            first, last = (int(params[0][end], 16) for end in ("fromBlock", "toBlock"))
            if last - first + 1 > self.most:
                self.times += 1
                raise RpcError(-32602, self.text.format(first=first, last=last, cap=self.most))
        return result


@pytest.mark.parametrize(
    ("text", "first_width"),
    [
        ("query exceeds max results 20000, retry with the range {first}-1019", 20),
        ("query exceeds max results 20000, retry with the range {first}-{last}", 50),
        ("query exceeds max results 20000, retry with the range {last}-{first}", 50),
        ("query exceeds max results 20000, retry with the range 0-5", 50),
    ],
    ids=["useful", "the same", "inverted", "elsewhere"],
)
def test_suggested_range_is_taken_only_if_it_helps(text, first_width):
    logs = [make_transfer(block, block=block) for block in range(1_000, 1_100, 3)]
    fault = Refuses(60, text)
    with ReplayNode(CHAIN, logs, head=5_000, faults=[fault]) as node:
        pieces = fetch(node, 1_000, 1_100)
    assert pieces[0].end - pieces[0].start == first_width
    assert [piece.start for piece in pieces[1:]] == [piece.end for piece in pieces[:-1]]
    assert sum(piece.logs.height for piece in pieces) == len(logs)


def test_range_cap_is_learned_once():
    fault = Refuses(10, "block range too large, range: 100, max: {cap}")
    with ReplayNode(CHAIN, LOGS, head=5_000, faults=[fault]) as node:
        pieces = fetch(node, 1_000, 1_100)
    assert {piece.end - piece.start for piece in pieces} == {10}
    assert fault.times <= 3, "once, by each of the filters"


def test_cap_on_addresses_splits_the_filters_and_loses_no_log():
    addresses = tuple(f"0x{number:040x}" for number in range(1, 8))
    logs = [
        make_transfer(i, block=1_000 + i, address=address) for i, address in enumerate(addresses)
    ]

    def few_addresses(method, params, result):
        if method == "eth_getLogs" and len(params[0].get("address", ())) > 2:
            raise RpcError(-32602, "7 addresses specified in query, but only 2 are allowed")
        return result

    with ReplayNode(CHAIN, logs, head=5_000, faults=[few_addresses]) as node:
        pieces = fetch(node, 1_000, 1_010, addresses=addresses)
    assert sum(piece.logs.height for piece in pieces) == len(logs)


def test_range_that_takes_too_long_is_asked_for_in_parts():
    def slow(method, params, result):
        if method == "eth_getLogs":
            first, last = (int(params[0][end], 16) for end in ("fromBlock", "toBlock"))
            if last - first + 1 > 30:
                raise RpcError(-32000, "query timeout exceeded")
        return result

    with ReplayNode(CHAIN, LOGS, head=5_000, faults=[slow]) as node:
        pieces = fetch(node, 1_000, 1_100)
    assert sum(piece.logs.height for piece in pieces) == 3
    assert max(piece.end - piece.start for piece in pieces) <= 30


def test_pieces_cover_the_ranges_and_widen_where_nothing_is_found():
    async def run(node):
        async with aiohttp.ClientSession() as session:
            client = RpcClient([node.url], session, first_pause_s=0.001)
            selection = Selection(ChainContext(CHAIN), tuple(PROTOCOLS.values()))
            source = RpcSource(client, selection, node.chain.head)
            taken = []
            for piece in source.pieces([(0, 60_000), (70_000, 70_010)], 16_000):
                taken.append(piece)
                await source.fetch(piece)
            return taken

    with ReplayNode(CHAIN, LOGS, head=100_000) as node:
        taken = asyncio.run(run(node))
    widths = [end - start for start, end in taken]
    assert widths[:9] == [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 16_000]
    assert max(widths) == 16_000
    assert merge(taken) == [(0, 60_000), (70_000, 70_010)]
    assert count_blocks(taken) == 60_010
