"""What the replaying node fills in where a recording has holes, and the recorded chains."""

import gzip
import json
from itertools import pairwise

import pytest
from eth_utils import keccak

from tests.node_samples import (
    CHAIN,
    TRANSFER,
    chain_of,
    few_logs,
    make_log,
    word,
)
from tests.paths import MAINNET, needs_mainnet
from tests.receipts import receipts_root
from tests.recording import Recording, chains
from tests.replay import ReplayChain, logs_bloom, replay_hash


class TestHashes:
    def test_made_up_hash_is_of_the_documented_bytes(self):
        packed = b"replay" + CHAIN.to_bytes(32, "big") + (4_242).to_bytes(32, "big")
        expected = "0x" + keccak(packed)[:24].hex() + f"{4_242:016x}"
        assert chain_of([]).hash(4_242) == expected
        assert replay_hash(CHAIN, 4_242) != replay_hash(CHAIN + 1, 4_242)

    def test_block_is_known_by_a_made_up_hash_that_another_replay_told(self):
        assert chain_of(few_logs()).number(replay_hash(CHAIN, 108)) == 108
        assert chain_of(few_logs()).number(replay_hash(CHAIN + 1, 108)) is None
        assert chain_of(few_logs()).number(replay_hash(CHAIN, 9_999_999)) is None, "above it"

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
