"""A few logs, a node that serves them, and how tests talk to it."""

import json
import urllib.error
import urllib.request
from contextlib import contextmanager

from eth_utils import keccak

from tests.node import ReplayNode
from tests.recording import Recording
from tests.replay import ReplayChain

CHAIN = 77
TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
APPROVAL = "0x" + keccak(text="Approval(address,address,uint256)").hex()


def word(number):
    return f"0x{number:064x}"


def address(number):
    return f"0x{number:040x}"


def make_log(block, index, tx, *, tx_index=None, topics=(TRANSFER,), at=0xA1, time=None):
    return {
        "chainId": hex(CHAIN),
        "address": address(at),
        "topics": list(topics),
        "data": "0x",
        "blockNumber": hex(block),
        "blockHash": word(0xB0_0000 + block),
        "blockTimestamp": None if time is None else hex(time),
        "transactionHash": word(tx),
        "transactionIndex": None if tx_index is None else hex(tx_index),
        "logIndex": hex(index),
        "removed": False,
    }


def few_logs():
    """Three blocks: one of four topics, one with approvals, one far away."""
    parties = [word(1), word(2)]
    return [
        make_log(100, 0, 1, tx_index=3, topics=[TRANSFER, *parties, word(7)], time=1_000),
        make_log(100, 1, 1, tx_index=3, topics=[APPROVAL, *parties], at=0xA2, time=1_000),
        make_log(110, 0, 2, tx_index=0, topics=[TRANSFER, *reversed(parties)], time=1_095),
        make_log(110, 4, 3, tx_index=1, topics=[], at=0xA3, time=1_095),
        make_log(5_000_000, 2, 4, tx_index=9, topics=[APPROVAL], time=90_000_000),
    ]


def chain_of(logs, headers=()):
    return ReplayChain(Recording(CHAIN, list(logs), list(headers)))


def post(node, body):
    """The decoded answer to a body that is sent as it is."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(node.url, data=raw, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def call(node, method, *params):
    return post(node, {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})


def result(node, method, *params):
    answer = call(node, method, *params)
    assert "error" not in answer, answer
    return answer["result"]


def served(node, **criteria):
    logs = result(node, "eth_getLogs", criteria)
    return [(int(log["blockNumber"], 16), int(log["logIndex"], 16)) for log in logs]


ALL = {"fromBlock": "earliest", "toBlock": "latest"}


@contextmanager
def replaying(**options):
    """A node that replays the few logs."""
    with ReplayNode(CHAIN, few_logs(), **options) as node:
        yield node
