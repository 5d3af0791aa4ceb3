"""CIDs of every form; the expected values are those of the specification and of go-ipfs."""

import hashlib

import pytest

from indexer.metadata.cid import DAG_PB, RAW, CidError, parse_cid, read_cid, read_varint

# The one pair of the CID specification's own page on versions.
V0 = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"
V1 = "bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def test_versions_0_and_1_of_one_block_are_one():
    assert parse_cid(V0) == parse_cid(V1)
    assert parse_cid(V0).key == V1
    assert parse_cid(V1.upper()) == parse_cid(V1)
    assert parse_cid(V0).codec == DAG_PB


def test_raw_block_in_base16_base32_and_base36():
    # "hello world" as go-ipfs adds it with --raw-leaves.
    known = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
    cid = parse_cid(known)
    assert (cid.codec, cid.digest) == (RAW, hashlib.sha256(b"hello world").digest())
    assert parse_cid("f01551220" + cid.digest.hex()) == cid
    number, text = int("01551220" + cid.digest.hex(), 16), ""
    while number:
        number, place = divmod(number, 36)
        text = "0123456789abcdefghijklmnopqrstuvwxyz"[place] + text
    assert parse_cid("k" + text) == cid
    assert cid.matches(b"hello world")
    assert not cid.matches(b"hello worlD")


@pytest.mark.parametrize(
    "text",
    [
        "", "Qm", "Qm" + "0" * 44, V0[:-1], V1[:-1], V1 + "/x", "hello", "b", "bafy",
        "f01701220" + "ab" * 31,  # digest too short
        "f01711220" + "ab" * 32,  # codec dag-cbor
        "f0155b22020" + "ab" * 32,  # blake2b-256
        "f01551120" + "ab" * 32,  # sha2-256 cut to 17
        "f0255" + "1220" + "ab" * 32,  # version 2
        "f01550041" + "ab" * 65,  # identity, too long
        "m" + "A" * 40, "é" * 40, "b" + "a" * 500,
    ],
)  # fmt: skip
def test_what_cannot_be_verified_is_no_cid(text):
    with pytest.raises(CidError):
        parse_cid(text)


def test_identity_hash_carries_its_block():
    cid = parse_cid("f01550005" + b"hello".hex())
    assert cid.inline == b"hello"
    assert cid.matches(b"hello")
    assert not cid.matches(b"other")


def test_varints_are_bounded():
    assert read_varint(b"\xac\x02", 0) == (300, 2)
    for raw in (b"", b"\x80", b"\xff" * 11):
        with pytest.raises(CidError):
            read_varint(raw, 0)


def test_bytes_of_links_are_read_in_both_versions():
    digest = bytes(range(32))
    assert read_cid(b"\x12\x20" + digest).codec == DAG_PB
    assert read_cid(b"\x01\x55\x12\x20" + digest).codec == RAW
