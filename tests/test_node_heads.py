"""New heads, tags, and other states of the chain of the replaying node."""

import asyncio

import aiohttp
import pytest

from tests.forks import fork
from tests.node_samples import (
    ALL,
    CHAIN,
    call,
    replaying,
    result,
    served,
    word,
)
from tests.receipts import receipts_root


@pytest.fixture
def node():
    with replaying() as replay:
        yield replay


def sockets(node, act, frames):
    """What a WebSocket receives: the answers to `frames`, and heads while `act` runs."""

    async def run():
        told = []
        async with aiohttp.ClientSession() as session, session.ws_connect(node.ws_url) as socket:
            for frame in frames:
                await socket.send_json(frame)
                told.append(await socket.receive_json(timeout=5))
            await asyncio.to_thread(act)
            while True:
                try:
                    told.append(await socket.receive_json(timeout=0.2))
                except (TimeoutError, TypeError):  # TypeError: the socket was closed
                    return told

    return asyncio.run(run())


def subscribe(kind="newHeads"):
    return {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": [kind]}


def heads(told):
    return [m["params"]["result"] for m in told if m.get("method") == "eth_subscription"]


class TestNewHeads:
    def test_subscriber_hears_of_every_block_that_is_mined(self, node):
        head = node.chain.head
        told = sockets(node, lambda: node.advance(head + 3), [subscribe()])
        assert told[0]["result"] == "0x1"
        assert [int(h["number"], 16) for h in heads(told)] == [head + 1, head + 2, head + 3]
        assert [h["hash"] for h in heads(told)] == [node.chain.hash(head + n) for n in (1, 2, 3)]
        assert all("logsBloom" in h and "transactions" not in h for h in heads(told))
        assert result(node, "eth_blockNumber") == hex(head + 3)

    def test_subscriber_hears_the_new_branch_of_a_reorganisation(self, node):
        head = node.chain.head
        forked = fork(node.chain, head - 1, head=head + 1)

        def reorganise():
            node.chain = forked

        told = heads(sockets(node, reorganise, [subscribe()]))
        assert [h["hash"] for h in told] == [forked.hash(head + n) for n in (-1, 0, 1)]
        assert told[0]["parentHash"] == node.chain.hash(head - 2)

    def test_nobody_hears_who_did_not_ask_or_asks_no_more(self, node):
        head = node.chain.head
        end = {"jsonrpc": "2.0", "id": 2, "method": "eth_unsubscribe", "params": ["0x1"]}
        told = sockets(node, lambda: node.advance(head + 1), [subscribe(), end])
        assert told[1]["result"] is True
        assert heads(told) == []

    def test_mute_node_mines_and_says_nothing(self, node):
        node.server.is_mute = True
        head = node.chain.head
        assert heads(sockets(node, lambda: node.advance(head + 1), [subscribe()])) == []
        assert node.chain.head == head + 1

    def test_socket_answers_calls_and_refuses_other_subscriptions(self, node):
        call_frame = {"jsonrpc": "2.0", "id": 3, "method": "eth_chainId", "params": []}
        told = sockets(node, lambda: None, [call_frame, subscribe("syncing")])
        assert told[0]["result"] == hex(CHAIN)
        assert "syncing" in told[1]["error"]["message"]

    def test_node_may_hang_up_on_its_subscribers(self, node):
        told = sockets(node, node.close_sockets, [subscribe()])
        assert len(told) == 1
        node.advance(node.chain.head + 1)
        assert node.server.subscriptions == {}


def test_tags_follow_their_script(node):
    node.tags["finalized"] = 107
    assert result(node, "eth_getBlockByNumber", "finalized", False)["number"] == hex(107)
    node.tags["finalized"] = None
    assert call(node, "eth_getBlockByNumber", "finalized", False)["error"]["code"] == -39001
    assert result(node, "eth_getBlockByNumber", "safe", False)["number"] == hex(5_000_064)


def test_blocks_above_the_head_are_not_there_yet(node):
    node.chain.head = 105
    assert result(node, "eth_getBlockByNumber", hex(110), False) is None
    assert result(node, "eth_getTransactionReceipt", word(2)) is None
    assert served(node, **ALL) == [(100, 0), (100, 1)]
    node.chain.head = 110
    assert result(node, "eth_getTransactionReceipt", word(2))["blockNumber"] == hex(110)


def test_recording_may_be_taken_for_whole():
    with replaying(is_whole=True) as whole:
        receipts = result(whole, "eth_getBlockReceipts", hex(110))
        header = result(whole, "eth_getBlockByNumber", hex(110), False)
    assert [len(receipt["logs"]) for receipt in receipts] == [1, 1]
    assert receipts_root(receipts) == header["receiptsRoot"]
