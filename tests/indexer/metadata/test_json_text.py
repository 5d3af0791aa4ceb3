"""Hostile JSON is refused by name; honest JSON keeps every digit."""

import json

import pytest

from indexer.metadata.json_text import HostileJsonError, parse_json


def parse(raw, **limits):
    return parse_json(raw, **{"max_bytes": 10_000, "max_depth": 8, "max_keys": 20, **limits})


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"[" * 9, "too-deep"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, "too-deep"),
        (b'{"a": 1, "a": 2}', "duplicate-key"),
        (b'{"b": {"a": 1, "a": 1}}', "duplicate-key"),
        (json.dumps({str(n): n for n in range(21)}).encode(), "too-many-keys"),
        (json.dumps([{"a": n} for n in range(21)]).encode(), "too-many-keys"),
        (b'"' + b"x" * 10_000 + b'"', "too-large"),
        (b"NaN", "not-json"),
        (b"[-Infinity]", "not-json"),
        (b"1" * 200, "not-json"),
        (b"0." + b"1" * 200, "not-json"),
        (b"\xff\xfe{}", "not-json"),
        (b"<html>", "not-json"),
        (b'{"a": "unended', "not-json"),
        (b"", "not-json"),
    ],
)
def test_hostile_json_is_refused_by_name(raw, code):
    with pytest.raises(HostileJsonError) as refusal:
        parse(raw)
    assert refusal.value.code == code


def test_integers_that_no_double_holds_are_kept_as_text():
    most = 2**256 - 1
    assert parse(b'{"id": %d, "small": 7, "edge": %d}' % (most, 2**53 - 1)) == {
        "id": str(most), "small": 7, "edge": 2**53 - 1
    }  # fmt: skip
    assert parse(b"[-%d, 1e300, 1.5]" % 2**53) == [str(-(2**53)), "1e300", 1.5]


def test_depth_keys_and_marks_at_the_limit_are_read():
    assert parse(b"[" * 8 + b"]" * 8) is not None
    assert len(parse(json.dumps({str(n): n for n in range(20)}).encode())) == 20
    assert parse(b"\xef\xbb\xbf" + '{"é": "[[[[[[[[[["}'.encode()) == {"é": "[[[[[[[[[["}
