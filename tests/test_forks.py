"""Forks of a replayed chain: what they share, what differs, and what stays consistent."""

from itertools import pairwise

import pytest
from eth_utils import keccak

from tests.fault_samples import CHAIN, LOGS, places, rows
from tests.forks import fork
from tests.receipts import EMPTY_ROOT, receipts_root
from tests.recording import Recording, quantity
from tests.replay import ReplayChain, logs_bloom


@pytest.fixture
def chain():
    return ReplayChain(Recording(CHAIN, LOGS, transactions=rows(), complete={100, 101, 110}))


def hashes(chain, first=98, last=114):
    return [chain.hash(number) for number in range(first, last + 1)]


def test_fork_shares_the_blocks_below_it_and_no_other(chain):
    forked = fork(chain, 101)
    assert hashes(forked, 98, 100) == hashes(chain, 98, 100)
    assert set(hashes(forked, 101)).isdisjoint(hashes(chain, 101))


def test_hash_is_of_the_documented_bytes(chain):
    packed = b"fork" + (7).to_bytes(32, "big") + bytes.fromhex(chain.hash(110)[2:])
    expected = "0x" + keccak(packed)[:24].hex() + f"{110:016x}"
    assert fork(chain, 101, salt=7).hash(110) == expected


def test_fork_knows_its_blocks_by_their_hashes_before_it_told_them(chain):
    told, asked = fork(chain, 101), fork(chain, 101)
    assert [asked.number(each) for each in hashes(told)] == list(range(98, 115))
    assert asked.number(chain.hash(101)) is None, "it is not of this fork"


def test_forks_of_other_salts_and_forks_of_forks_differ_in_every_block(chain):
    first, second = fork(chain, 101), fork(chain, 101, salt=2)
    third = fork(first, 101)
    told = [*hashes(first, 101), *hashes(second, 101), *hashes(third, 101)]
    assert len(set(told)) == len(told)


@pytest.mark.parametrize("logs", ["kept", "dropped", "moved"])
def test_every_block_of_a_fork_follows_the_one_before_it(chain, logs):
    forked = fork(chain, 101, logs=logs)
    headers = [forked.header(number) for number in range(98, 115)]
    assert all(b["parentHash"] == a["hash"] for a, b in pairwise(headers))
    for header in headers:
        number = quantity(header["number"])
        receipts = forked.receipts(number)
        assert header["logsBloom"] == logs_bloom(forked.logs_between(number, number))
        assert header["receiptsRoot"] == receipts_root(receipts)
        assert [log for one in receipts for log in one["logs"]] == forked.logs_between(
            number, number
        )
        assert forked.number(header["hash"]) == number


def test_logs_are_kept_dropped_or_moved(chain):
    assert places(fork(chain, 101).logs) == places(LOGS)
    assert places(fork(chain, 101, logs="dropped").logs) == places(LOGS[:3])
    moved = fork(chain, 101, logs="moved", blocks_later=2, indexes_later=5)
    assert places(moved.logs) == [*places(LOGS[:3]), (103, 5), (112, 5)]


def test_moved_transaction_is_found_where_it_was_mined_again(chain):
    moved = fork(chain, 101, logs="moved")
    tx_hash = LOGS[3]["transactionHash"]
    for found in (moved.transaction(tx_hash), moved.receipt(tx_hash)):
        assert (found["blockNumber"], found["blockHash"]) == (hex(102), moved.hash(102))
    assert chain.receipt(tx_hash)["blockNumber"] == hex(101)
    log = moved.logs_between(102, 102)[0]
    assert quantity(log["blockTimestamp"]) == moved.time(102)


def test_logs_of_a_fork_name_its_blocks(chain):
    forked = fork(chain, 101)
    assert [log["blockHash"] for log in forked.logs] == [
        forked.hash(quantity(log["blockNumber"])) for log in LOGS
    ]
    assert forked.logs[:3] == chain.logs[:3]


def test_orphaned_hash_is_unknown_on_the_fork_and_a_shared_one_is_not(chain):
    forked = fork(chain, 101)
    assert forked.number(chain.hash(110)) is None
    assert forked.number(chain.hash(100)) == 100
    assert chain.number(forked.hash(110)) is None


def test_fork_may_be_shorter(chain):
    shorter = fork(chain, 101, head=105)
    assert not shorter.has(106)
    assert chain.has(106)
    assert shorter.number(shorter.hash(110)) is None
    assert shorter.receipt(LOGS[4]["transactionHash"]) is None


def test_block_without_transactions_has_the_root_of_an_empty_trie(chain):
    assert chain.header(105)["receiptsRoot"] == EMPTY_ROOT == receipts_root([])
