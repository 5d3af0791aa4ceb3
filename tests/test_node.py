"""The replaying node: its methods, its answers, how it fails."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from http.client import IncompleteRead

import pytest

from tests.faults import HttpError, RangeCap, ResultCap, TooManyRequests
from tests.node import ReplayNode
from tests.node_samples import (
    ALL,
    CHAIN,
    address,
    call,
    few_logs,
    post,
    replaying,
    result,
    served,
    word,
)
from tests.paths import REPO_ROOT
from tests.recording import Recording
from tests.replay import logs_bloom


@pytest.fixture
def node():
    with replaying() as replay:
        yield replay


def test_node_tells_its_chain_and_head(node):
    assert result(node, "eth_chainId") == hex(CHAIN)
    assert result(node, "net_version") == str(CHAIN)
    assert result(node, "eth_blockNumber") == hex(5_000_096)
    assert result(node, "web3_clientVersion")


def test_every_recorded_block_is_final(node):
    finalized, safe, latest = (
        int(result(node, "eth_getBlockByNumber", tag, False)["number"], 16)
        for tag in ("finalized", "safe", "latest")
    )
    assert 5_000_000 < finalized < safe < latest == 5_000_096


def test_block_is_found_by_number_and_by_hash(node):
    by_number = result(node, "eth_getBlockByNumber", hex(110), False)
    assert by_number["transactions"] == [word(2), word(3)]
    assert result(node, "eth_getBlockByHash", by_number["hash"], False) == by_number


def test_made_up_hash_is_known_once_told(node):
    told = result(node, "eth_getBlockByNumber", hex(105), False)
    assert result(node, "eth_getBlockByHash", told["hash"], False) == told


def test_unknown_block_is_null(node):
    assert result(node, "eth_getBlockByNumber", hex(5_000_097), False) is None
    assert result(node, "eth_getBlockByHash", word(0xDEAD), False) is None


@pytest.mark.parametrize("number", ["100", "0x0a", "0xA", 100, None, "soon"])
def test_block_number_that_is_no_quantity_is_refused(node, number):
    error = call(node, "eth_getBlockByNumber", number, False)["error"]
    assert error["code"] == -32602
    assert repr(number) in error["message"]


class TestTransactions:
    @pytest.fixture
    def known(self):
        row = {
            "tx_hash": word(1),
            "block_number": None,
            "tx_index": None,
            "from_address": address(0xF1),
            "to_address": address(0xF2),
            "value_wei": "123456789012345678901",
            "status": 1,
            "gas_used": 21_000,
            "effective_gas_price": "7",
            "selector": "0xa22cb465",
        }
        recording = Recording(CHAIN, few_logs(), transactions=[row], complete={100})
        with ReplayNode(CHAIN, recording=recording) as node:
            yield node

    def test_full_block_lists_the_transactions_that_are_known(self, known):
        block = result(known, "eth_getBlockByNumber", hex(100), True)
        assert [tx["hash"] for tx in block["transactions"]] == [word(1)]
        assert block["transactions"][0]["value"] == hex(123456789012345678901)
        assert result(known, "eth_getBlockByNumber", hex(110), True)["transactions"] == []

    def test_place_comes_from_the_logs_where_the_row_lacks_it(self, known):
        transaction = result(known, "eth_getTransactionByHash", word(1))
        assert (transaction["blockNumber"], transaction["transactionIndex"]) == (hex(100), "0x3")

    def test_transaction_known_by_its_logs_alone_is_told_by_its_place(self, known):
        told = result(known, "eth_getTransactionByHash", word(2))
        assert (told["blockNumber"], "from" in told, "input" in told) == (hex(110), False, False)
        index = told["transactionIndex"]
        place = (told["blockHash"], index)
        assert result(known, "eth_getTransactionByBlockHashAndIndex", *place) == told
        place = (told["blockHash"], "0x77")
        assert result(known, "eth_getTransactionByBlockHashAndIndex", *place) is None

    def test_unknown_transaction_is_null(self, known):
        assert result(known, "eth_getTransactionByHash", word(0xDEAD)) is None
        assert result(known, "eth_getTransactionReceipt", word(0xDEAD)) is None

    def test_receipt_holds_the_logs_of_its_transaction(self, known):
        receipt = result(known, "eth_getTransactionReceipt", word(1))
        assert [log["logIndex"] for log in receipt["logs"]] == ["0x0", "0x1"]
        assert receipt["from"] == address(0xF1)
        assert receipt["logsBloom"] == logs_bloom(receipt["logs"])

    def test_block_receipts_are_given_only_where_the_block_is_complete(self, known):
        assert len(result(known, "eth_getBlockReceipts", hex(100))) == 1
        assert result(known, "eth_getBlockReceipts", hex(101)) == []
        error = call(known, "eth_getBlockReceipts", hex(110))["error"]
        assert "block 110 were not recorded in full" in error["message"]


# -- JSON-RPC


def test_batch_answers_each_call_with_its_id(node):
    methods = ["eth_chainId", "eth_nothing", "eth_blockNumber"]
    batch = [{"jsonrpc": "2.0", "id": i, "method": m, "params": []} for i, m in enumerate(methods)]
    answers = post(node, batch)
    assert [answer["id"] for answer in answers] == [0, 1, 2]
    assert answers[0]["result"] == hex(CHAIN)
    assert answers[1]["error"]["code"] == -32601
    assert answers[2]["result"] == hex(5_000_096)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{not json", -32700),
        (b"[]", -32600),
        (b'{"id": 1}', -32600),
        (b'{"id": 1, "method": "eth_chainId", "params": {}}', -32602),
        (b'{"id": 1, "method": "eth_chainId", "params": [1, 2]}', -32602),
    ],
)
def test_request_that_is_none_gets_an_error_object(node, body, code):
    assert post(node, body)["error"]["code"] == code


def test_calls_are_counted_by_method(node):
    call(node, "eth_chainId")
    call(node, "eth_chainId")
    assert node.calls == {"eth_chainId": 2}


# -- faults


def test_result_cap_refuses_more_logs_and_grants_as_many(node):
    node.faults.append(ResultCap(2))
    assert len(served(node, fromBlock=hex(100), toBlock=hex(105))) == 2
    error = call(node, "eth_getLogs", {"fromBlock": hex(100), "toBlock": hex(110)})["error"]
    assert (error["code"], error["message"]) == (-32005, "query returned more than 2 results")


def test_range_cap_refuses_more_blocks_and_grants_as_many(node):
    node.faults.append(RangeCap(11))
    assert len(served(node, fromBlock=hex(100), toBlock=hex(110))) == 4
    error = call(node, "eth_getLogs", {"fromBlock": hex(100), "toBlock": hex(111)})["error"]
    assert "at most 11 blocks" in error["message"]
    assert served(node, blockHash=word(0xB0_0000 + 100))


def test_too_many_requests_end_after_the_given_number(node):
    node.faults.append(TooManyRequests(2, retry_after_s=0.5))
    batch = [{"jsonrpc": "2.0", "id": i, "method": "eth_chainId", "params": []} for i in range(3)]
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(node, batch)
        assert refused.value.code == 429
        assert refused.value.headers["Retry-After"] == "0.5"
    assert [answer["result"] for answer in post(node, batch)] == [hex(CHAIN)] * 3


def test_fault_may_lie_about_one_method_only(node):
    node.faults.append(lambda method, _, result: [] if method == "eth_getLogs" else result)
    assert served(node, **ALL) == []
    assert result(node, "eth_chainId") == hex(CHAIN)


def test_body_may_be_cut_short(node):
    def cut(method, params, result):
        raise HttpError(200, json.dumps(result).encode(), keep=3)

    node.faults.append(cut)
    with pytest.raises(IncompleteRead):
        call(node, "eth_chainId")


# -- a process of its own, and the recorded chains


def test_node_serves_from_a_process_of_its_own(tmp_path):
    path = tmp_path / "logs.jsonl"
    path.write_text("".join(json.dumps(log) + "\n" for log in few_logs()))
    command = [sys.executable, "-m", "tests.node", "--chain-id", str(CHAIN), "--logs", str(path)]
    with subprocess.Popen(command, cwd=REPO_ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            told = json.loads(process.stdout.readline())
            request = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
            body = json.dumps(request).encode()
            with urllib.request.urlopen(told["url"], data=body, timeout=10) as answer:
                assert json.loads(answer.read())["result"] == hex(told["head"])
        finally:
            process.terminate()
