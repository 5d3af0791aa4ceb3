"""The log filter of the replaying node follows geth."""

import random

import pytest

from tests.node import ReplayNode
from tests.node_samples import (
    ALL,
    APPROVAL,
    TRANSFER,
    address,
    call,
    replaying,
    result,
    served,
    word,
)
from tests.paths import MAINNET, needs_mainnet
from tests.recording import Recording


@pytest.fixture
def node():
    with replaying() as replay:
        yield replay


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
        with replaying(counts_trailing_nulls=False) as lenient:
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
        with replaying(log_times=False) as terse:
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
