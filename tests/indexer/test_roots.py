"""Receipts roots and header hashes, against real blocks and an independent encoder."""

import copy
import gzip
import json

import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import RootError
from indexer.roots import (
    EMPTY_ROOT,
    encode_receipt,
    encode_rlp,
    header_hash,
    receipts_root,
    trie_root,
)
from tests import receipts as oracle
from tests.paths import MAINNET, needs_mainnet

BYTES = st.one_of(st.binary(max_size=3), st.binary(min_size=50, max_size=70), st.just(b"\0" * 300))
NESTED = st.recursive(BYTES, lambda inner: st.lists(inner, max_size=20), max_leaves=60)


def receipt(index, *, kind=0, logs=(), **fields):
    return {
        "transactionIndex": hex(index),
        "type": hex(kind),
        "status": "0x1",
        "cumulativeGasUsed": hex(21_000 * (index + 1)),
        "logsBloom": "0x" + "00" * 256,
        "logs": list(logs),
        **fields,
    }


@pytest.fixture(scope="module")
def whole_blocks():
    with gzip.open(MAINNET / "whole_blocks.json.gz", "rt") as file:
        return list(json.load(file).values())


@given(NESTED)
def test_rlp_is_that_of_the_library(item):
    assert encode_rlp(item) == rlp.encode(item)


@pytest.mark.parametrize("count", [0, 1, 2, 16, 17, 127, 128, 129, 130, 256, 300])
def test_root_of_any_number_of_receipts_is_that_of_the_other_implementation(count):
    made = [receipt(index, kind=index % 5) for index in range(count)]
    assert receipts_root(made) == oracle.receipts_root(made)


def test_root_of_no_receipts_is_the_empty_root():
    assert receipts_root([]) == trie_root([]) == EMPTY_ROOT == oracle.EMPTY_ROOT


def test_small_values_stand_in_their_parents():
    """A node of less than 32 bytes is not hashed but embedded."""
    values = [bytes([at]) for at in range(20)]
    leaves = {oracle._nibbles(rlp.encode(at)): value for at, value in enumerate(values)}
    assert trie_root(values) == "0x" + oracle.keccak(rlp.encode(oracle._node(leaves))).hex()


@needs_mainnet
def test_receipts_root_of_real_blocks_of_four_eras(whole_blocks):
    assert len(whole_blocks) == 4
    for block in whole_blocks:
        shuffled = block["receipts"][::-1]
        assert receipts_root(shuffled) == block["header"]["receiptsRoot"], block["header"]["number"]


@needs_mainnet
def test_one_changed_byte_or_missing_receipt_changes_the_root(whole_blocks):
    for block in whole_blocks[2:]:
        changed = copy.deepcopy(block["receipts"])
        log = next(log for receipt in changed for log in receipt["logs"] if len(log["data"]) > 2)
        log["data"] = log["data"][:-1] + ("0" if log["data"][-1] != "0" else "1")
        assert receipts_root(changed) != block["header"]["receiptsRoot"]
        assert receipts_root(block["receipts"][:-1]) != block["header"]["receiptsRoot"]
        assert receipts_root(block["receipts"][1:]) != block["header"]["receiptsRoot"]


@needs_mainnet
def test_header_hash_of_real_blocks_and_not_of_a_changed_bloom(whole_blocks):
    for block in whole_blocks:
        assert header_hash(block["header"]) == block["header"]["hash"]
        lie = {**block["header"], "logsBloom": "0x" + "00" * 256}
        is_lie = lie["logsBloom"] != block["header"]["logsBloom"]
        assert (header_hash(lie) != block["header"]["hash"]) == is_lie


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"type": "0x7e"}, "type 0x7e"),
        ({"type": "0x64"}, "type 0x64"),
        ({"status": None}, "neither status nor state root"),
        ({"logsBloom": None}, "malformed"),
        ({"cumulativeGasUsed": "much"}, "malformed"),
        ({"logs": [{"address": "0x00"}]}, "topics"),
    ],
)
def test_receipts_that_cannot_be_encoded_are_refused_by_name(change, complaint):
    with pytest.raises(RootError, match=complaint):
        receipts_root([{**receipt(0), **change}])


def test_header_without_a_field_is_refused_by_name():
    with pytest.raises(RootError, match="sha3Uncles"):
        header_hash({"parentHash": "0x00"})


def test_receipt_before_byzantium_holds_its_state_root():
    old = {**receipt(0), "root": "0x" + "ab" * 32, "status": None}
    assert bytes.fromhex("a0" + "ab" * 32) in encode_receipt(old)
    assert encode_receipt(old) == oracle.encode_receipt(old)
