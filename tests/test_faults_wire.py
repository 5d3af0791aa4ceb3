"""Caps, throttles, broken batches and broken bodies: what goes wrong around the answers."""

import http.client
import json
import re
import time

import pytest

from tests import faults as f
from tests.fault_samples import (
    ALL_PLACES,
    CHAIN,
    ask,
    criteria,
    logs_of,
    one,
    places,
    replaying,
    send,
)


@pytest.fixture
def node():
    with replaying() as replay:
        yield replay


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
