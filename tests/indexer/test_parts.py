"""One block with more logs than a node gives at once."""

import asyncio

import aiohttp
import pytest

from data.errors import UpstreamError
from indexer.fetch import RpcSource
from indexer.filters import halve, is_match
from indexer.protocols import PROTOCOLS
from indexer.protocols.base import ChainContext
from indexer.rpc import RpcClient
from indexer.selection import Selection
from tests.indexer.samples import (
    ALICE,
    BOB,
    TRANSFER_SINGLE,
    ZERO,
    block_hash,
    make_log,
    make_order,
    make_transfer,
)
from tests.indexer.served import served

BLOCK = 1_000
NFT = (2, "0x" + "c0" * 20, 5, 1)


def crowded(n_transfers):
    """Logs of one block: of three events that different filters or topics ask for."""
    logs = [make_transfer(i, block=BLOCK, index=i) for i in range(n_transfers)]
    at = n_transfers
    logs.append(make_log(TRANSFER_SINGLE, ALICE, ALICE, BOB, 1, 2, block=BLOCK, index=at))
    logs.append(make_order(ALICE, BOB, [NFT], [(0, ZERO, 0, 9, ALICE)], block=BLOCK, index=at + 1))
    return logs


class CappedNode:
    """Refuses answers of more than `cap` logs; gives receipts of `receipts`, if there are any."""

    def __init__(self, logs, cap, receipts=None, forks=()):
        self.logs, self.cap, self.receipts = logs, cap, receipts
        self.forks = list(forks)
        self.asked = []

    def __call__(self, calls):
        return [{"id": call["id"], **self.answer(call["method"], call["params"])} for call in calls]

    def answer(self, method, params):
        self.asked.append(method)
        if method == "eth_getLogs":
            first, last = (int(params[0][end], 16) for end in ("fromBlock", "toBlock"))
            inside = [log for log in self.logs if first <= int(log["blockNumber"], 16) <= last]
            found = [log for log in inside if is_match(log, params[0])]
            if len(found) > self.cap:
                return {"error": {"code": -32005, "message": f"more than {self.cap} results"}}
            return {"result": found}
        if method == "eth_getBlockReceipts":
            if self.receipts is None:
                return {"error": {"code": -32601, "message": "method not found"}}
            return {"result": self.receipts}
        number = int(params[0], 16)
        fork = self.forks.pop(0) if self.forks else 0
        header = {
            "number": hex(number),
            "hash": block_hash(number, fork),
            "parentHash": block_hash(number - 1),
            "timestamp": hex(1_700_000_000 + 12 * number),
            "transactions": [],
        }
        return {"result": header}


def fetch(node, start=BLOCK, end=BLOCK + 1):
    async def run():
        async with served(node) as url, aiohttp.ClientSession() as session:
            client = RpcClient([url], session, first_pause_s=0.001)
            selection = Selection(ChainContext(77), tuple(PROTOCOLS.values()))
            source = RpcSource(client, selection, 10_000, attempts=3, first_pause_s=0.001)
            return await source.fetch((start, end))

    return asyncio.run(run())


def indices(pieces):
    return [index for piece in pieces for index in piece.logs["log_index"]]


def test_block_is_split_by_topic_where_that_is_enough():
    logs = crowded(1)
    node = CappedNode(logs, cap=1)
    (piece,) = fetch(node)
    assert sorted(indices([piece])) == list(range(len(logs)))
    assert "eth_getBlockReceipts" not in node.asked
    assert (piece.start, piece.end) == (BLOCK, BLOCK + 1)


def test_block_with_too_many_logs_of_one_event_is_read_from_its_receipts():
    logs = crowded(5)
    unasked = make_log("Approval(address indexed a, address indexed b, uint256 c)", ALICE, BOB, 1,
                       block=BLOCK, index=7)  # fmt: skip
    receipts = [{"logs": logs[:3]}, {"logs": [*logs[3:], unasked]}]
    node = CappedNode([*logs, unasked], cap=3, receipts=receipts)
    (piece,) = fetch(node)
    assert sorted(indices([piece])) == list(range(7)), "without the one that nobody asked for"
    assert node.asked.count("eth_getBlockReceipts") == 1


def test_receipts_are_the_same_as_the_logs_would_be():
    logs = crowded(5)
    (plain,) = fetch(CappedNode(logs, cap=100))
    (pieced,) = fetch(CappedNode(logs, cap=3, receipts=[{"logs": logs}]))
    assert pieced.logs.sort("log_index").equals(plain.logs.sort("log_index"))
    assert pieced.tip_hash == plain.tip_hash


def test_only_the_crowded_block_is_split():
    logs = [*crowded(3), make_transfer(9, block=BLOCK - 1), make_transfer(9, block=BLOCK + 1)]
    pieces = fetch(CappedNode(logs, cap=2, receipts=[{"logs": crowded(3)}]), BLOCK - 2, BLOCK + 2)
    assert [piece.start for piece in pieces[1:]] == [piece.end for piece in pieces[:-1]]
    assert pieces[0].start == BLOCK - 2
    assert pieces[-1].end == BLOCK + 2
    assert len(indices(pieces)) == len(logs)


def test_crowded_block_without_receipts_is_named():
    with pytest.raises(UpstreamError, match=r"block 1000 alone .* add another --rpc-url"):
        fetch(CappedNode(crowded(5), cap=3))


def test_parts_of_different_forks_are_not_put_together():
    node = CappedNode(crowded(1), cap=1, forks=[0, 1])
    (piece,) = fetch(node)
    assert piece.tip_hash == block_hash(BLOCK), "asked again"
    node = CappedNode(crowded(1), cap=1, forks=[0, 1] * 50)
    with pytest.raises(UpstreamError, match="changed between two answers"):
        fetch(node)


def test_receipts_that_are_none_are_not_believed():
    node = CappedNode(crowded(5), cap=3, receipts=[{"status": "0x1"}])
    with pytest.raises(UpstreamError, match="are no receipts"):
        fetch(node)


def test_halves_of_a_filter_match_what_it_matches():
    whole = {"address": ["0xa", "0xb", "0xc"], "topics": [["0x1", "0x2"], None]}
    logs = [
        {"address": address, "topics": topics}
        for address in ("0xa", "0xb", "0xc", "0xd")
        for topics in (["0x1", "0x9"], ["0x2", "0x9"], ["0x3", "0x9"], ["0x1"], [])
    ]
    todo = [whole]
    while any(halve(each) for each in todo):
        todo = [half for each in todo for half in halve(each) or [each]]
    assert len(todo) == 6
    matched = [[is_match(log, each) for each in todo].count(True) for log in logs]
    assert matched == [int(is_match(log, whole)) for log in logs]
    assert sum(matched) == 6


@pytest.mark.parametrize(
    "log_filter",
    [{"topics": [["0x1"], None]}, {"topics": ["0x1"]}, {"address": ["0xa"]}, {"address": "0xa"},
     {}, {"topics": []}],
)  # fmt: skip
def test_filter_of_one_alternative_cannot_be_halved(log_filter):
    assert halve(log_filter) == []


def test_matching_is_by_case_free_text_and_counts_trailing_wildcards():
    log = {"address": "0xAB", "topics": ["0xCD", "0xEF"]}
    assert is_match(log, {"address": "0xab", "topics": [["0xcd"], "0xef"]})
    assert is_match(log, {})
    assert not is_match(log, {"topics": [None, None, None]})
    assert not is_match(log, {"address": ["0xac"]})
