"""Every scripted fault fires as its docstring says, counts it, and leaves the rest alone."""

import dataclasses
import http.client
import inspect
import json
import re
import time

import pytest

from tests import faults as f
from tests.faults.answers import EMPTY_BLOOM, FULL_BLOOM
from tests.forks import fork
from tests.node import ReplayNode
from tests.recording import Recording, quantity
from tests.replay import ZERO_HASH, ReplayChain

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


@pytest.fixture
def node():
    recording = Recording(CHAIN, LOGS, transactions=rows(), complete={100, 101, 110})
    with ReplayNode(CHAIN, recording=recording, head=120) as replay:
        yield replay


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


# -- every fault


def scripted():
    """Every exported fault class."""
    named = (getattr(f, name) for name in f.__all__)
    classes = [c for c in named if inspect.isclass(c) and issubclass(c, f.ScriptedFault)]
    return [c for c in classes if c is not f.ScriptedFault]


def test_there_is_a_fault_for_every_behaviour_of_the_reference():
    assert len(scripted()) >= 40


@pytest.mark.parametrize("kind", scripted(), ids=lambda kind: kind.__name__)
def test_every_fault_says_what_it_does(kind):
    assert len(kind.__doc__.splitlines()[0]) > 30
    assert not kind.__doc__.startswith(kind.__name__ + "("), "a dataclass's own signature"
    if kind.__module__.endswith(("answers", "limits", "replicas")):
        assert re.search(r"#\d+|matrix|inferred|rindexer", kind.__doc__), "names its evidence"


def test_honest_node_tells_the_same_twice(node):
    assert places(logs_of(node)) == ALL_PLACES
    assert logs_of(node) == logs_of(node)


# -- wrong answers


def header(node, number=100):
    return one(node, "eth_getBlockByNumber", hex(number), False)


ANSWERS = {
    "empty": (
        f.EmptyAnswer(times=1),
        logs_of,
        lambda lie, _: lie == [],
    ),
    "empty where a block is asked": (
        f.EmptyAnswer(times=1, blocks=(101, 105)),
        logs_of,
        lambda lie, _: lie == [],
    ),
    "missing height": (
        f.MissingHeight(times=1, heights=frozenset({101})),
        logs_of,
        lambda lie, _: places(lie) == [*ALL_PLACES[:3], (110, 0)],
    ),
    "silent cut": (
        f.SilentCut(times=1, max_logs=2),
        logs_of,
        lambda lie, truth: lie == truth[:2],
    ),
    "duplicated": (
        f.DuplicatedLogs(times=1),
        logs_of,
        lambda lie, truth: lie[::2] == truth == lie[1::2],
    ),
    "duplicate log index": (
        f.DuplicateLogIndex(times=1),
        logs_of,
        lambda lie, _: len(lie) == 5 and len(set(places(lie))) == 4,
    ),
    "unordered": (
        f.UnorderedLogs(times=1),
        logs_of,
        lambda lie, truth: lie != truth and sorted(places(lie)) == places(truth),
    ),
    "removed twins": (
        f.RemovedTwins(times=1),
        logs_of,
        lambda lie, truth: lie[1::2] == truth
        and all(twin["removed"] for twin in lie[::2])
        and lie[0]["blockHash"] != truth[0]["blockHash"],
    ),
    "removed twins of the same block": (
        f.RemovedTwins(times=1, same_block=True),
        logs_of,
        lambda lie, truth: [{**twin, "removed": False} for twin in lie[::2]] == truth,
    ),
    "wrong transaction hash": (
        f.WrongTransactionHash(times=1),
        logs_of,
        lambda lie, truth: sum(a != b for a, b in zip(lie, truth, strict=True)) == 1,
    ),
    "zero transaction hash": (
        f.ZeroTransactionHash(times=1, is_system=lambda log: log["logIndex"] == "0x2"),
        logs_of,
        lambda lie, _: [log["transactionHash"] == ZERO_HASH for log in lie]
        == [False, False, True, False, False],
    ),
    "logs from elsewhere": (
        f.LogsFromElsewhere(times=1),
        logs_of,
        lambda lie, truth: lie[:-1] == truth and places(lie[-1:]) == [(1_110, 0)],
    ),
    "unknown fields": (
        f.UnknownFields(times=1),
        header,
        lambda lie, truth: {key: lie[key] for key in truth} == truth and len(lie) > len(truth),
    ),
    "null header": (f.NullHeader(times=1), header, lambda lie, _: lie is None),
    "null receipt": (
        f.NullReceipt(times=1),
        lambda node: one(node, "eth_getTransactionReceipt", word(1)),
        lambda lie, _: lie is None,
    ),
    "null receipts": (
        f.NullReceipt(times=1),
        lambda node: one(node, "eth_getBlockReceipts", hex(100)),
        lambda lie, _: lie is None,
    ),
    "null transaction": (
        f.NullTransaction(times=1),
        lambda node: one(node, "eth_getTransactionByHash", word(1)),
        lambda lie, _: lie is None,
    ),
    "zero bloom": (
        f.ZeroBloom(times=1),
        header,
        lambda lie, truth: lie == {**truth, "logsBloom": EMPTY_BLOOM},
    ),
    "stale bloom": (
        f.StaleBloom(times=1),
        header,
        lambda lie, truth: lie["logsBloom"] == EMPTY_BLOOM != truth["logsBloom"],
    ),
    "wrong bloom": (
        f.WrongBloom(times=1),
        header,
        lambda lie, _: lie["logsBloom"] == FULL_BLOOM,
    ),
    "missing fields": (
        f.MissingBlockFields(times=1, fields=("size", "nonce")),
        header,
        lambda lie, truth: set(truth) - set(lie) == {"size", "nonce"},
    ),
    "clock skew": (
        f.ClockSkew(times=1),
        header,
        lambda lie, truth: quantity(lie["timestamp"]) - quantity(truth["timestamp"]) == 3_600,
    ),
    "clock skew in logs": (
        f.ClockSkew(times=1, skew_s=-60, in_logs=True),
        logs_of,
        lambda lie, truth: quantity(truth[0]["blockTimestamp"])
        - quantity(lie[0]["blockTimestamp"])
        == 60,
    ),
    "null results": (f.NullResults(times=1), logs_of, lambda lie, _: lie is None),
    "throttled call": (
        f.ThrottledCalls(times=1, code=-32016, message="over rate limit"),
        logs_of,
        lambda lie, _: lie == {"code": -32016, "message": "over rate limit"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_wrong_answer_is_given_as_often_as_scripted_and_then_no_more(node, name):
    template, question, is_wrong = ANSWERS[name]
    truth = question(node)
    fault = dataclasses.replace(template, after=1)
    node.faults.append(fault)
    assert question(node) == truth, "the first occasion passes"
    assert fault.fired == 0
    lie = question(node)
    assert is_wrong(lie, truth), lie
    assert fault.fired == 1
    assert question(node) == truth, "fired once, as scripted"
    assert fault.fired == 1


@pytest.mark.parametrize("name", ANSWERS)
def test_wrong_answer_is_no_other_methods_affair(node, name):
    fault = dataclasses.replace(ANSWERS[name][0])
    if isinstance(fault, f.NullResults | f.ThrottledCalls):
        pytest.skip("concerns every method")
    node.faults.append(fault)
    assert one(node, "eth_chainId") == hex(CHAIN)
    assert logs_of(node, 111, 120) == []
    assert header(node, 121) is None
    assert one(node, "eth_getTransactionByHash", word(99)) is None
    assert fault.fired == 0


def test_empty_answers_spare_queries_that_miss_the_blocks(node):
    fault = f.EmptyAnswer(blocks=(101, 105))
    node.faults.append(fault)
    assert places(logs_of(node, 100, 100)) == ALL_PLACES[:3]
    assert places(logs_of(node, 110, 110)) == [(110, 0)]
    assert fault.fired == 0


def test_stale_bloom_is_that_of_the_block_before(node):
    bloom = header(node, 100)["logsBloom"]
    assert bloom != header(node, 101)["logsBloom"]
    node.faults.append(f.StaleBloom())
    assert header(node, 101)["logsBloom"] == bloom


def test_choice_depends_on_the_seed_and_not_on_the_order_of_requests(node):
    told = []
    for seed in (1, 1, 2, 3):
        node.faults[:] = [f.UnorderedLogs(seed=seed)]
        told.append(places(logs_of(node)))
        logs_of(node, 100, 100)
    assert told[0] == told[1]
    assert len(set(map(tuple, told))) > 1


# -- caps


@pytest.mark.parametrize("phrasing", f.PHRASINGS, ids=lambda phrasing: phrasing.name)
def test_cap_is_refused_in_the_providers_words_and_below_it_nothing_is(node, phrasing):
    limit = {"blocks": 5, "logs": 2, "bytes": 1_500}[phrasing.caps]
    fault = f.PhrasedCap(phrasing, limit)
    node.faults.append(fault)
    assert places(logs_of(node, 101, 104)) == [(101, 0)]
    assert fault.fired == 0
    status, _, body = send(
        node, {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [criteria(100, 110)]}
    )
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (phrasing.status, phrasing.code)
    assert "{" not in error["message"]
    if phrasing.names == "limit":
        digits = error["message"] + str(error.get("data", ""))
        assert str(limit) in re.findall(r"\d+", digits)
    if phrasing.names == "range":
        numbers = [int(n, 0) for n in re.findall(r"0x[0-9a-f]+|\d+", error["message"])]
        node.faults.clear()
        assert logs_of(node, *numbers[-2:]), "the range that is said to work has logs"
    assert fault.fired == 1


def test_phrasings_cite_a_thread_each_and_no_two_are_the_same():
    assert len({p.name for p in f.PHRASINGS}) == len(f.PHRASINGS) >= 20
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", p.evidence) for p in f.PHRASINGS)


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("right", [5, 100, 104]),
        ("high", [50, 100, 220]),
        ("low", [2, 100, 104]),
        ("same", [5, 100, 110]),
        ("inverted", [5, 105, 100]),
        ("missing", []),
    ],
)
def test_numbers_in_a_refusal_may_lie(node, says, expected):
    phrasing = next(p for p in f.PHRASINGS if p.name == "alchemy free")
    node.faults.append(f.PhrasedCap(phrasing, 5, says))
    _, _, body = send(
        node, {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [criteria(100, 110)]}
    )
    message = json.loads(body)["error"]["message"]
    assert [int(n, 0) for n in re.findall(r"0x[0-9a-f]+|\d+", message)] == expected


def test_result_cap_refuses_a_single_block_too(node):
    fault = f.ResultCap(2)
    node.faults.append(fault)
    assert "more than 2 results" in logs_of(node, 100, 100)["message"]
    assert fault.fired == 1
    assert places(logs_of(node, 101, 110)) == ALL_PLACES[3:]


# -- so many requests, and batches


def test_429_comes_with_and_without_retry_after(node):
    node.faults.append(f.TooManyRequests(1, "Wed, 21 Oct 2026 07:28:00 GMT"))
    assert send(node, {})[0] == 429
    node.faults[:] = [f.TooManyRequests(1, None)]
    status, headers, _ = send(node, {})
    assert (status, "Retry-After" in headers) == (429, False)
    assert one(node, "eth_chainId") == hex(CHAIN)


def test_throttle_may_be_text_in_a_200(node):
    fault = f.ThrottledText(times=1)
    node.faults.append(fault)
    status, _, body = send(node, {})
    assert status == 200
    assert b"Too Many Requests" in body
    assert one(node, "eth_chainId") == hex(CHAIN)
    assert fault.fired == 1


def test_request_rate_lets_a_burst_through_and_no_more_until_the_window_moves_on(node):
    now = [0.0]
    fault = f.RequestRate(limit=2, window_s=10, clock=lambda: now[0])
    node.faults.append(fault)
    assert [send(node, {})[0] for _ in range(4)] == [200, 200, 429, 429]
    now[0] = 10
    assert [send(node, {})[0] for _ in range(3)] == [200, 200, 429]
    assert fault.fired == 3


def chain_id_calls(count):
    return [("eth_chainId",)] * count


def test_batches_may_be_refused_as_a_whole(node):
    fault = f.NoBatches()
    node.faults.append(fault)
    assert ask(node, *chain_id_calls(2))["error"]["message"] == fault.message
    assert ask(node, *chain_id_calls(1))[0]["result"] == hex(CHAIN)
    assert fault.fired == 1


def test_batch_limit_answers_the_first_call_only(node):
    fault = f.BatchLimit(max_calls=2)
    node.faults.append(fault)
    (answer,) = ask(node, *chain_id_calls(3))
    assert (answer["id"], answer["error"]["message"]) == (0, "batch too large")
    assert len(ask(node, *chain_id_calls(2))) == 2
    assert fault.fired == 1


def test_large_batches_may_be_dropped(node):
    fault = f.BatchDropped(max_calls=2)
    node.faults.append(fault)
    with pytest.raises(http.client.RemoteDisconnected):
        ask(node, *chain_id_calls(3))
    assert len(ask(node, *chain_id_calls(2))) == 2
    assert fault.fired == 1


# -- on the wire


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (f.TruncatedBody(times=1), http.client.IncompleteRead),
        (f.CutJson(times=1), json.JSONDecodeError),
        (f.SlowBody(times=1, drip_s=0.01, limit_s=0.1), http.client.IncompleteRead),
        (f.Hang(times=1, limit_s=0.1), http.client.RemoteDisconnected),
        (f.Reset(times=1), http.client.RemoteDisconnected),
        (f.HtmlPage(times=1), json.JSONDecodeError),
        (f.HtmlPage(times=1, status=200), json.JSONDecodeError),
        (f.PlainText(times=1), json.JSONDecodeError),
        (f.EmptyBody(times=1), json.JSONDecodeError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, f.ScriptedFault) else "",
)
def test_broken_body_is_sent_once_and_then_a_whole_one(node, fault, error):
    fault.fired = fault.occasions = 0
    node.faults.append(fault)
    with pytest.raises(error):
        ask(node, ("eth_chainId",))
    assert fault.fired == 1
    assert one(node, "eth_chainId") == hex(CHAIN)
    assert fault.fired == 1


@pytest.mark.parametrize("fault", [f.SlowBody(limit_s=30), f.Hang(limit_s=30)])
def test_body_that_never_ends_outlasts_a_patient_client(node, fault):
    node.faults.append(fault)
    with pytest.raises((TimeoutError, http.client.IncompleteRead)):
        drained(node, give_up_s=0.4)
    assert fault.fired == 1


def drained(node, give_up_s):
    """Reads a body byte by byte until it ends, or raises when time is up."""
    connection = http.client.HTTPConnection(node.url.removeprefix("http://"), timeout=give_up_s)
    connection.request("POST", "/", b'{"id":1,"method":"eth_chainId","params":[]}')
    answer, started = connection.getresponse(), time.monotonic()
    while answer.read(1):
        if time.monotonic() - started > give_up_s:
            raise TimeoutError


def test_late_answer_is_whole(node):
    node.faults.append(f.Late(delay_s=0.1))
    started = time.monotonic()
    assert one(node, "eth_chainId") == hex(CHAIN)
    assert time.monotonic() - started >= 0.1


def test_answers_of_a_batch_may_be_missing_reordered_or_foreign(node):
    calls = [("eth_chainId",), ("eth_blockNumber",)]
    truth = ask(node, *calls)
    node.faults[:] = [f.MissingAnswer(times=1)]
    assert ask(node, *calls) == truth[:1]
    assert ask(node, *calls) == truth
    node.faults[:] = [f.ReorderedAnswers(times=1)]
    assert ask(node, *calls) == truth[::-1]
    node.faults[:] = [f.ForeignIds(times=1)]
    assert {answer["id"] for answer in ask(node, *calls)}.isdisjoint({0, 1})
    assert ask(node, *calls) == truth


# -- replicas and forks


def test_pruned_replica_answers_every_second_request_and_hides_old_logs(node):
    node.server.requests = 0
    fault = f.PrunedReplica(first_kept=101)
    node.faults.append(fault)
    assert places(logs_of(node)) == ALL_PLACES
    assert places(logs_of(node)) == ALL_PLACES[3:]
    assert places(logs_of(node)) == ALL_PLACES
    assert header(node, 100)["number"] == hex(100), "it has the header"
    assert fault.fired == 1


def test_pruned_replica_without_headers_gives_itself_away(node):
    fault = f.PrunedReplica(turns=(True,), first_kept=101, keeps_headers=False)
    node.faults.append(fault)
    logs, tip = ask(
        node, ("eth_getLogs", criteria(100, 100)), ("eth_getBlockByNumber", hex(100), False)
    )
    assert (logs["result"], tip["result"]) == ([], None)
    assert fault.fired == 1
    assert header(node, 101)["number"] == hex(101)
    assert fault.fired == 1


def test_lagging_replica_knows_nothing_past_its_head(node):
    fault = f.LaggingReplica(turns=(True,), head=105, times=2)
    node.faults.append(fault)
    assert one(node, "eth_blockNumber") == hex(105)
    assert fault.fired == 0, "a lower head hides no log yet"
    assert places(logs_of(node)) == ALL_PLACES[:4]
    assert header(node, 110) is None
    assert places(logs_of(node)) == ALL_PLACES, "fired twice, as scripted"
    assert fault.fired == 2


def test_batch_may_mix_two_forks(node):
    fault = f.MixedForks(fork=fork(node.chain, 100), times=1)
    node.faults.append(fault)
    calls = [("eth_getLogs", criteria(100, 100)), ("eth_getBlockByNumber", hex(100), False)]
    logs, tip = (answer["result"] for answer in ask(node, *calls))
    assert {log["blockHash"] for log in logs} == {word(0xB0_0000 + 100)} != {tip["hash"]}
    logs, tip = (answer["result"] for answer in ask(node, *calls))
    assert {log["blockHash"] for log in logs} == {tip["hash"]}
    assert fault.fired == 1


def test_chain_changes_after_so_many_requests_of_a_method(node):
    forked = fork(node.chain, 105, head=112)
    fault = f.ChainChange(states=[(2, forked)], method="eth_getLogs")
    node.faults.append(fault)
    old = node.chain.hash(110)
    for _ in range(2):
        one(node, "eth_blockNumber")
        assert logs_of(node)[-1]["blockHash"] == old
    assert one(node, "eth_blockNumber") == hex(112)
    assert logs_of(node)[-1]["blockHash"] == forked.hash(110) != old
    assert fault.fired == 1


def test_chain_changes_twice_in_a_row(node):
    chain = node.chain
    once, twice = fork(chain, 105), fork(chain, 103, salt=2)
    node.faults.append(f.ChainChange(states=[(1, once), (2, twice)]))
    seen = [header(node, 108)["hash"] for _ in range(3)]
    assert seen == [chain.hash(108), once.hash(108), twice.hash(108)]
    assert len(set(seen)) == 3


def test_endpoint_may_become_one_of_another_chain(node):
    other = ReplayChain(Recording(5))
    fault = f.ChainIdChange(chain=other, after=1)
    node.faults.append(fault)
    assert [one(node, "eth_chainId") for _ in range(3)] == [hex(CHAIN), "0x5", "0x5"]
    assert fault.fired == 2
