"""Every scripted fault fires as its docstring says, counts it, and leaves the rest alone."""

import dataclasses
import inspect
import re

import pytest

from tests import faults as f
from tests.fault_samples import (
    ALL_PLACES,
    CHAIN,
    header,
    logs_of,
    one,
    places,
    replaying,
    word,
)
from tests.faults.answers import EMPTY_BLOOM, FULL_BLOOM
from tests.recording import quantity
from tests.replay import ZERO_HASH


@pytest.fixture
def node():
    with replaying() as replay:
        yield replay


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
