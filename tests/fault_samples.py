"""A few blocks for the tests of faults, and how these tests talk to a node."""

import http.client
import json
from contextlib import contextmanager

from tests.node import ReplayNode
from tests.recording import Recording, quantity

CHAIN = 77
TOPIC = f"0x{0xDD:064x}"


def word(number):
    return f"0x{number:064x}"


def make_log(block, index, tx):
    return {
        "address": f"0x{0xA1:040x}",
        "topics": [TOPIC, word(index)],
        "data": "0x",
        "blockNumber": hex(block),
        "blockHash": word(0xB0_0000 + block),
        "blockTimestamp": hex(1_000 + 12 * block),
        "transactionHash": word(tx),
        "transactionIndex": hex(tx % 10),
        "logIndex": hex(index),
        "removed": False,
    }


LOGS = [
    make_log(100, 0, 1),
    make_log(100, 1, 1),
    make_log(100, 2, 2),
    make_log(101, 0, 3),
    make_log(110, 0, 4),
]


def rows():
    """Transactions as the recordings have them, so that the node knows each of them."""
    empty = dict.fromkeys(("status", "gas_used", "effective_gas_price", "selector", "value_wei"))
    return [
        {"tx_hash": word(tx), "block_number": None, "tx_index": None, **empty,
         "from_address": f"0x{tx:040x}", "to_address": None}
        for tx in (1, 2, 3, 4)
    ]  # fmt: skip


def send(node, calls, timeout=5.0):
    """Status, headers and body of one HTTP request, as they come."""
    connection = http.client.HTTPConnection(node.url.removeprefix("http://"), timeout=timeout)
    try:
        connection.request("POST", "/", json.dumps(calls), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def ask(node, *calls):
    """The decoded answers to a batch of (method, params)."""
    batch = [
        {"jsonrpc": "2.0", "id": i, "method": method, "params": params}
        for i, (method, *params) in enumerate(calls)
    ]
    return json.loads(send(node, batch)[2])


def one(node, method, *params):
    """The result of one call, or its error object."""
    (answer,) = ask(node, (method, *params))
    return answer.get("result", answer.get("error"))


def criteria(first, last):
    return {"fromBlock": hex(first), "toBlock": hex(last), "topics": [TOPIC]}


def logs_of(node, first=100, last=110):
    return one(node, "eth_getLogs", criteria(first, last))


def places(logs):
    return [(quantity(log["blockNumber"]), quantity(log["logIndex"])) for log in logs]


ALL_PLACES = [(100, 0), (100, 1), (100, 2), (101, 0), (110, 0)]


def header(node, number=100):
    return one(node, "eth_getBlockByNumber", hex(number), False)


@contextmanager
def replaying():
    """A node that replays these blocks, of which three are whole, with its head at 120."""
    recording = Recording(CHAIN, LOGS, transactions=rows(), complete={100, 101, 110})
    with ReplayNode(CHAIN, recording=recording, head=120) as node:
        yield node
