"""Replicas that lag or were pruned, and chains that change while they are asked."""

import pytest

from tests import faults as f
from tests.fault_samples import (
    ALL_PLACES,
    CHAIN,
    ask,
    criteria,
    header,
    logs_of,
    one,
    places,
    replaying,
    word,
)
from tests.forks import fork
from tests.recording import Recording
from tests.replay import ReplayChain


@pytest.fixture
def node():
    with replaying() as replay:
        yield replay


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
