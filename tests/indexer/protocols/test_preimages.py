"""Contents are found in call data by their hash alone."""

import time

import pytest
from eth_abi import encode
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from indexer.protocols.preimages import as_text, find


def digest(content):
    return "0x" + keccak(content).hex()


@given(st.lists(st.binary(max_size=100), min_size=1, max_size=5), st.integers(0, 3))
def test_what_abi_encoded_is_found_however_deep(contents, depth):
    data = b"\1\2\3\4" + encode(["bytes"] * len(contents), contents)
    for _ in range(depth):
        data = b"\5\6\7\x08" + encode(["uint256", "bytes"], [7, data])
    found = find(data, {digest(each) for each in contents})
    assert found == {digest(each): each for each in contents}


def test_what_is_not_there_is_not_found():
    data = b"\1\2\3\4" + encode(["bytes"], [b"a cat"])
    assert find(data, {digest(b"a dog")}) == {}
    assert find(b"", {digest(b"a cat")}) == {}


def test_call_data_made_of_lengths_cost_little():
    length = 200_000
    data = length.to_bytes(32, "big") * (2 * length // 32)
    started = time.process_time()
    assert find(data, {digest(b"a cat")}) == {}
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("content", "text"), [(b"caf\xc3\xa9", "café"), (b"\xff", None), (b"a\0b", None), (None, None)]
)
def test_text_is_utf_8_that_can_be_stored(content, text):
    assert as_text(content) == text
