"""Log blooms, against the definition of the Yellow Paper and real headers."""

import gzip
import json
import random

import numpy as np
import polars as pl
import pytest
from eth_utils import keccak

from indexer.bloom import Blooms
from indexer.roots import EMPTY_ROOT
from indexer.selection import Selection
from tests.indexer.samples import word
from tests.paths import MAINNET, needs_mainnet

ROOT = word(7)


def yellow_paper_bits(item):
    """M of section 4.3.1: bits of the 2,048, numbered from the least significant one."""
    digest = keccak(item)
    return {int.from_bytes(digest[at : at + 2], "big") % 2_048 for at in (0, 2, 4)}


def yellow_paper_bloom(logs):
    bits = set()
    for log in logs:
        for item in (log["address"], *log["topics"]):
            bits |= yellow_paper_bits(bytes.fromhex(item[2:]))
    return sum(1 << bit for bit in bits).to_bytes(256, "big")


def yellow_paper_allows(bloom, log_filter):
    """Place by place, alternative by alternative, bit by bit."""
    number = int.from_bytes(bloom, "big")

    def allows(item):
        return all(number >> bit & 1 for bit in yellow_paper_bits(bytes.fromhex(item[2:])))

    address = log_filter.get("address") or []
    places = [[address] if isinstance(address, str) else address, *log_filter.get("topics", [])]
    return all(not place or any(allows(item) for item in place) for place in places)


def headers(blooms, roots=ROOT):
    return pl.DataFrame(
        {"logs_bloom": blooms, "receipts_root": roots},
        schema={"logs_bloom": pl.Binary, "receipts_root": pl.String},
    )


def random_log(rng):
    return {
        "address": "0x" + rng.randbytes(20).hex(),
        "topics": [word(rng.randrange(2**200)) for _ in range(rng.randint(0, 4))],
    }


def random_filter(rng, logs):
    """Places of one log, of several logs, of none, and wildcards, mixed."""
    log = rng.choice(logs)
    topics = [
        rng.choice([None, [topic], [topic, word(rng.randrange(2**200))], [word(1), word(2)]])
        for topic in log["topics"]
    ]
    address = rng.choice([None, log["address"], [log["address"]], ["0x" + "ee" * 20]])
    return {"topics": topics, **({"address": address} if address else {})}


def test_test_of_many_blooms_is_that_of_the_definition():
    rng = random.Random(4_369_999)
    blocks = [[random_log(rng) for _ in range(rng.randint(1, 90))] for _ in range(40)]
    content = [yellow_paper_bloom(logs) for logs in blocks]
    tested = Blooms.of(headers(content))
    assert tested.is_usable.all()
    outcomes = set()
    for _ in range(200):
        log_filter = random_filter(rng, rng.choice(blocks))
        expected = [yellow_paper_allows(bloom, log_filter) for bloom in content]
        assert tested.may_hold(log_filter).tolist() == expected
        outcomes |= set(expected)
    assert outcomes == {True, False}


@needs_mainnet
def test_real_headers_hold_their_own_logs_and_exclude_most_others():
    with gzip.open(MAINNET / "whole_blocks.json.gz", "rt") as file:
        blocks = list(json.load(file).values())
    content = [bytes.fromhex(block["header"]["logsBloom"][2:]) for block in blocks]
    logs = [[log for r in block["receipts"] for log in r["logs"]] for block in blocks]
    assert content == [yellow_paper_bloom(own) for own in logs]
    tested = Blooms.of(headers(content))
    for place, own in enumerate(logs):
        for log in own:
            log_filter = {"address": log["address"], "topics": [[t] for t in log["topics"]]}
            assert tested.may_hold(log_filter)[place]
    rng = random.Random(1)
    made_up = [{"topics": [[word(rng.randrange(2**240))]]} for _ in range(2_000)]
    # markets.md 1.1: a lone topic0 is a false positive 6.6 % and 11.3 % of the time
    shares = np.mean([tested.may_hold(one) for one in made_up], axis=0)
    assert shares[2] == pytest.approx(0.066, abs=0.02)
    assert shares[3] == pytest.approx(0.113, abs=0.025)


@needs_mainnet
def test_every_log_of_seventy_full_blocks_passes_the_filter_that_asks_for_it(full_block_logs):
    """Blooms made by the definition; the collector found them equal to the headers' own."""
    blocks = list(full_block_logs.values())
    content = [yellow_paper_bloom(logs) for logs in blocks]
    tested = Blooms.of(headers(content))
    assert len(blocks) == 70
    for place, logs in enumerate(blocks):
        named = {"address": sorted({log["address"] for log in logs}), "topics": []}
        assert tested.may_hold(named)[place]
        topics = sorted({log["topics"][0] for log in logs if log["topics"]})
        assert tested.may_hold({"topics": [topics, None]})[place]
    frame = pl.DataFrame(
        [
            {"address": log["address"], "topic0": next(iter(log["topics"]), None), "at": place}
            for place, logs in enumerate(blocks)
            for log in logs
        ]
    )
    assert tested.hold(frame, frame["at"].to_numpy()).all()
    elsewhere = (frame["at"].to_numpy() + 1) % 70
    assert not tested.hold(frame, elsewhere).all(), "the bloom of another block lacks some"


@pytest.fixture(scope="module")
def full_block_logs():
    numbers = set(pl.read_parquet(MAINNET / "full_blocks.parquet")["number"])
    logs = {number: [] for number in sorted(numbers)}
    with gzip.open(MAINNET / "logs.jsonl.gz", "rt") as lines:
        for line in lines:
            log = json.loads(line)
            if int(str(log["chainId"]), 0) == 1 and int(log["blockNumber"], 16) in numbers:
                logs[int(log["blockNumber"], 16)].append(log)
    return logs


SOME = yellow_paper_bloom([{"address": "0x" + "c0" * 20, "topics": [word(5)]}])


@pytest.mark.parametrize(
    ("bloom", "root", "usable"),
    [
        (SOME, ROOT, True),
        (bytes(256), EMPTY_ROOT, True),
        (bytes(256), ROOT, False),  # zeroed, or a block of transfers of the native coin
        (bytes(256), None, False),
        (SOME, EMPTY_ROOT, False),  # logs without receipts
        (SOME[:255], ROOT, False),
        (None, EMPTY_ROOT, False),
    ],
)
def test_bloom_that_cannot_be_true_is_not_used(bloom, root, usable):
    assert Blooms.of(headers([bloom, SOME], [root, ROOT])).is_usable.tolist() == [usable, True]


def test_bloom_of_another_block_lacks_the_log():
    tested = Blooms.of(headers([SOME, bytes(256)]))
    log = pl.DataFrame({"address": ["0x" + "c0" * 20], "topic0": [word(5)]})
    assert tested.hold(log, np.array([0])).tolist() == [True]
    assert tested.hold(log, np.array([1])).tolist() == [False]
    anonymous = log.with_columns(pl.lit(None, pl.String).alias("topic0"))
    assert tested.hold(anonymous, np.array([0])).tolist() == [True]


def test_no_headers_give_no_verdicts():
    tested = Blooms.of(headers([], []))
    assert tested.may_hold({"topics": [[word(5)]]}).tolist() == []


def test_filters_of_every_protocol_can_be_tested():
    from indexer.protocols import PROTOCOLS
    from indexer.protocols.base import ChainContext

    selection = Selection(ChainContext(1), tuple(PROTOCOLS.values()))
    tested = Blooms.of(headers([SOME, b"\xff" * 256]))
    for log_filter in selection.log_filters:
        assert tested.may_hold(log_filter).tolist() == [False, True]
