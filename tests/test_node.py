"""The replaying node: what it fills in, how it filters, how it fails."""

import asyncio
import gzip
import json
import random
import subprocess
import sys
import urllib.error
import urllib.request
from http.client import IncompleteRead
from itertools import pairwise

import aiohttp
import pytest
from eth_utils import keccak

from tests.faults import HttpError, RangeCap, ResultCap, TooManyRequests
from tests.forks import fork
from tests.node import ReplayNode
from tests.paths import MAINNET, REPO_ROOT, needs_mainnet
from tests.receipts import receipts_root
from tests.recording import Recording, chains
from tests.replay import ReplayChain, logs_bloom, replay_hash

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


@pytest.fixture
def node():
    with ReplayNode(CHAIN, few_logs()) as replay:
        yield replay


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


# -- what is filled in


class TestHashes:
    def test_made_up_hash_is_keccak_of_the_documented_bytes(self):
        packed = b"replay" + CHAIN.to_bytes(32, "big") + (4_242).to_bytes(32, "big")
        assert chain_of([]).hash(4_242) == "0x" + keccak(packed).hex()
        assert replay_hash(CHAIN, 4_242) != replay_hash(CHAIN + 1, 4_242)

    def test_recorded_hash_wins_over_a_made_up_one(self):
        assert chain_of(few_logs()).hash(100) == word(0xB0_0000 + 100)

    def test_recorded_parent_hash_names_the_block_before(self):
        header = {"number": hex(200), "hash": word(0xC8), "parentHash": word(0xC7)}
        chain = chain_of([], [header])
        assert chain.hash(199) == word(0xC7)
        assert chain.hash(198) == replay_hash(CHAIN, 198)

    def test_every_parent_hash_is_the_hash_of_the_block_before(self):
        header = {"number": hex(99), "hash": word(0x99), "parentHash": word(0x98)}
        chain = chain_of(few_logs(), [header])
        headers = [chain.header(number) for number in range(95, 115)]
        assert all(b["parentHash"] == a["hash"] for a, b in pairwise(headers))
        assert chain.header(0)["parentHash"] == word(0)

    def test_two_recorded_hashes_of_one_block_are_refused(self):
        twin = {"number": hex(100), "hash": word(0xBAD)}
        with pytest.raises(ValueError, match="block 100 was recorded as"):
            chain_of(few_logs(), [twin])

    def test_parent_hash_against_a_recorded_hash_is_refused(self):
        header = {"number": hex(101), "hash": word(1), "parentHash": word(0xBAD)}
        with pytest.raises(ValueError, match="block 100 was recorded as"):
            chain_of(few_logs(), [header])


class TestTimes:
    def test_recorded_time_is_kept(self):
        assert chain_of(few_logs()).time(110) == 1_095

    def test_missing_time_lies_on_the_line_between_its_neighbours_rounded_down(self):
        chain = chain_of(few_logs())
        assert [chain.time(number) for number in (101, 105, 109)] == [1_009, 1_047, 1_085]

    def test_time_outside_the_recording_steps_by_slots(self):
        chain = chain_of(few_logs())
        assert chain.time(90) == 1_000 - 10 * 12
        assert chain.time(0) == 0
        assert chain.time(5_000_003) == 90_000_000 + 36

    def test_log_without_a_time_is_served_with_that_of_its_block(self):
        logs = [*few_logs(), make_log(105, 0, 8, tx_index=0)]
        served = chain_of(logs).logs_between(105, 105)[0]
        assert served["blockTimestamp"] == hex(1_047)


class TestTransactionIndex:
    def indexes(self, logs):
        return [int(log["transactionIndex"], 16) for log in chain_of(logs).logs]

    def test_missing_indexes_count_transactions_by_their_first_log(self):
        logs = [make_log(1, 5, 51), make_log(1, 0, 50), make_log(1, 1, 50), make_log(1, 9, 52)]
        assert self.indexes(logs) == [0, 0, 1, 2]

    def test_missing_index_follows_a_recorded_one(self):
        logs = [make_log(1, 0, 50, tx_index=7), make_log(1, 1, 51), make_log(1, 2, 52, tx_index=9)]
        assert self.indexes(logs) == [7, 8, 9]

    def test_count_starts_anew_in_every_block(self):
        assert self.indexes([make_log(1, 0, 50), make_log(2, 0, 51)]) == [0, 0]

    def test_index_that_cannot_follow_is_refused(self):
        logs = [make_log(1, 0, 50, tx_index=7), make_log(1, 1, 51), make_log(1, 2, 52, tx_index=8)]
        with pytest.raises(ValueError, match="after a log of transaction 8"):
            chain_of(logs)


class TestBloom:
    def test_bloom_sets_the_bits_of_address_and_topics_and_no_other(self):
        log = make_log(1, 0, 1, topics=[TRANSFER, word(5)])
        bits = int(logs_bloom([log]), 16)
        expected = set()
        for item in (log["address"], *log["topics"]):
            digest = keccak(bytes.fromhex(item[2:]))
            expected |= {int.from_bytes(digest[i : i + 2], "big") % 2048 for i in (0, 2, 4)}
        assert {bit for bit in range(2_048) if bits >> bit & 1} == expected

    def test_block_without_logs_has_an_empty_bloom(self):
        assert chain_of(few_logs()).header(101)["logsBloom"] == "0x" + "00" * 256


def test_log_without_a_block_hash_or_index_is_kept_aside():
    lost = {**make_log(100, 7, 1), "blockHash": None, "logIndex": None}
    chain = chain_of([*few_logs(), lost])
    assert chain.malformed == [lost]
    assert len(chain.logs_between(0, chain.head)) == len(few_logs())


# -- methods


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


# -- eth_getLogs


def served(node, **criteria):
    logs = result(node, "eth_getLogs", criteria)
    return [(int(log["blockNumber"], 16), int(log["logIndex"], 16)) for log in logs]


ALL = {"fromBlock": "earliest", "toBlock": "latest"}


class TestFilter:
    def test_range_includes_both_ends(self, node):
        assert served(node, fromBlock=hex(100), toBlock=hex(110)) == [
            (100, 0),
            (100, 1),
            (110, 0),
            (110, 4),
        ]
        assert served(node, fromBlock=hex(101), toBlock=hex(109)) == []

    def test_default_range_is_the_latest_block(self, node):
        assert served(node) == []

    def test_block_hash_selects_one_block(self, node):
        assert served(node, blockHash=word(0xB0_0000 + 110)) == [(110, 0), (110, 4)]

    def test_address_is_one_or_a_list_in_any_case(self, node):
        assert served(node, **ALL, address=address(0xA2).upper().replace("0X", "0x")) == [(100, 1)]
        assert served(node, **ALL, address=[address(0xA2), address(0xA3)]) == [(100, 1), (110, 4)]
        assert len(served(node, **ALL, address=[])) == 5

    def test_topics_match_by_place_with_alternatives_and_nulls(self, node):
        assert served(node, **ALL, topics=[[TRANSFER, APPROVAL], word(1)]) == [(100, 0), (100, 1)]
        assert served(node, **ALL, topics=[None, None, word(1)]) == [(110, 0)]
        assert served(node, **ALL, topics=[[], word(2)]) == [(110, 0)]
        assert len(served(node, **ALL, topics=[])) == 5

    def test_trailing_nulls_count_as_in_geth(self, node):
        assert served(node, **ALL, topics=[TRANSFER, None, None, None]) == [(100, 0)]

    def test_trailing_nulls_may_match_as_in_other_clients(self):
        with ReplayNode(CHAIN, few_logs(), counts_trailing_nulls=False) as lenient:
            found = served(lenient, **ALL, topics=[TRANSFER, None, None, None])
        assert found == [(100, 0), (110, 0)]

    @pytest.mark.parametrize(
        ("criteria", "words"),
        [
            ({"fromBlock": "0x6e", "toBlock": "0x64"}, "invalid block range"),
            ({"blockHash": word(1), "fromBlock": "0x1"}, "cannot specify both"),
            ({"blockHash": word(1)}, "unknown block"),
            ({"address": "0x12"}, "invalid address: '0x12'"),
            ({"topics": ["0x12"]}, "invalid topic: '0x12'"),
            ({"adress": []}, "no field adress"),
        ],
    )
    def test_filter_that_cannot_be_meant_is_refused(self, node, criteria, words):
        assert words in call(node, "eth_getLogs", criteria)["error"]["message"]

    def test_logs_may_come_without_times(self):
        with ReplayNode(CHAIN, few_logs(), log_times=False) as terse:
            logs = result(terse, "eth_getLogs", ALL)
        assert all("blockTimestamp" not in log for log in logs)


def naive_match(log, criteria):
    """The filter as the Ethereum documentation words it, log by log, without an index."""
    block = int(log["blockNumber"], 16)
    if not int(criteria["fromBlock"], 16) <= block <= int(criteria["toBlock"], 16):
        return False
    wanted = criteria.get("address")
    if wanted and log["address"] not in ([wanted] if isinstance(wanted, str) else wanted):
        return False
    topics = criteria.get("topics", [])
    if len(topics) > len(log["topics"]):
        return False
    for asked, present in zip(topics, log["topics"], strict=False):
        alternatives = asked if isinstance(asked, list) else [asked]
        if alternatives and None not in alternatives and present not in alternatives:
            return False
    return True


def random_filter(rng, logs):
    """A filter made of what some logs hold, so that most match something."""
    sample = rng.sample(logs, 4)
    ends = sorted(int(log["blockNumber"], 16) + rng.randint(-2, 2) for log in sample[:2])
    criteria = {"fromBlock": hex(max(0, ends[0])), "toBlock": hex(max(0, ends[1]))}
    if rng.random() < 0.4:
        addresses = [log["address"] for log in rng.sample(logs, rng.randint(0, 30))]
        criteria["address"] = rng.choice([sample[0]["address"], addresses])
    topics = []
    for place in range(rng.randint(0, 4)):
        longer = [log for log in rng.sample(logs, 60) if len(log["topics"]) > place]
        present = [log["topics"][place] for log in longer]
        choices = [None, [], present[:5], [None, *present[:1]], *present[:2]]
        topics.append(rng.choice(choices))
    if topics:
        criteria["topics"] = topics
    return criteria


@needs_mainnet
def test_index_answers_as_a_naive_scan_over_recorded_logs():
    recording = Recording.load(8_453, MAINNET / "logs.jsonl.gz")
    rng = random.Random(11)
    answered = 0
    with ReplayNode(8_453, recording=recording) as node:
        for _ in range(300):
            criteria = random_filter(rng, node.chain.logs)
            expected = [log for log in node.chain.logs if naive_match(log, criteria)]
            assert result(node, "eth_getLogs", criteria) == expected, criteria
            answered += bool(expected)
    assert answered > 100, "filters must find something to say anything"


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


@pytest.fixture(scope="module")
def mainnet():
    return ReplayChain(Recording.load(1, MAINNET / "logs.jsonl.gz"))


@needs_mainnet
class TestMainnet:
    def test_every_recorded_chain_is_listed(self):
        path = MAINNET / "logs.jsonl.gz"
        assert chains(path) == [1, 10, 137, 999, 3737, 8453, 59144, 7777777, 666666666]

    def test_whole_blocks_are_served_as_they_were_recorded(self, mainnet):
        with gzip.open(MAINNET / "whole_blocks.json.gz", "rt") as lines:
            blocks = json.load(lines)
        assert len(blocks) == 4
        for number, block in blocks.items():
            made = mainnet.header(int(number))
            made["transactions"] = mainnet.transaction_hashes(int(number))
            assert made == block["header"]
            assert mainnet.receipts(int(number)) == block["receipts"]
            # the oracle of the roots that are made for other blocks: four real ones
            assert receipts_root(block["receipts"]) == block["header"]["receiptsRoot"]

    def test_recorded_fields_of_logs_are_served_unchanged(self, mainnet):
        with gzip.open(MAINNET / "logs.jsonl.gz", "rt") as lines:
            recorded = [log for log in map(json.loads, lines) if log["chainId"] == "0x1"]
        place = {(log["blockNumber"], log["logIndex"]): log for log in mainnet.logs}
        for log in recorded:
            if log["blockHash"] is None:
                continue
            made = place[log["blockNumber"], log["logIndex"]]
            known = {k: v for k, v in log.items() if v is not None and k != "chainId"}
            assert {key: made[key] for key in known} == known

    def test_two_logs_without_a_block_hash_are_left_out(self, mainnet):
        assert [log["blockHash"] for log in mainnet.malformed] == [None, None]
        only_in_whole_blocks = 1 + 171 + 408  # blocks 1,000,000, 4,369,999 and 18,500,000
        assert len(mainnet.logs) == 34_648 - 2 + only_in_whole_blocks


# -- new heads, tags, and other states of the chain


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
    with ReplayNode(CHAIN, few_logs(), is_whole=True) as whole:
        receipts = result(whole, "eth_getBlockReceipts", hex(110))
        header = result(whole, "eth_getBlockByNumber", hex(110), False)
    assert [len(receipt["logs"]) for receipt in receipts] == [1, 1]
    assert receipts_root(receipts) == header["receiptsRoot"]
