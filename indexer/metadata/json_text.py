"""JSON of strangers: bounded in size, depth and keys, without doubles, with exact integers."""

import codecs
import json
import re
from typing import Any

# Brackets inside strings do not nest; an unended string swallows the rest and fails to parse.
_BRACKETS_AND_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_EXACT = 1 << 53
"""Integers from here on are kept as text: a float of theirs would be another number."""
_MAX_DIGITS = 100
"""Longest number; uint256 has 78 digits."""


class HostileJsonError(ValueError):
    """Raised when a text is no JSON, or JSON that no honest author writes; `code` says which."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def parse_json(raw: bytes, *, max_bytes: int, max_depth: int, max_keys: int) -> Any:
    """The value of a JSON text, UTF-8 with or without a byte order mark.

    The standard parser recurses once per level, and where a library has raised Python's recursion
    limit, a few kilobytes of brackets end the process: so depth is counted before it starts.
    Integers of 2**53 and more become decimal text.

    Raises:
        HostileJsonError: it is no JSON, or passes a limit, or names a key twice.
    """
    if len(raw) > max_bytes:
        message = f"JSON of {len(raw):,} bytes; {max_bytes:,} is the limit"
        raise HostileJsonError(message, "too-large")
    try:
        text = raw.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        message = f"no UTF-8 at byte {error.start:,}"
        raise HostileJsonError(message, "not-json") from error
    _check_depth(text, max_depth)
    left = max_keys

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal left
        left -= len(pairs)
        if left < 0:
            message = f"more than {max_keys:,} keys"
            raise HostileJsonError(message, "too-many-keys")
        found = dict(pairs)
        if len(found) != len(pairs):
            message = "a key stands twice in one object; readers differ in which one they take"
            raise HostileJsonError(message, "duplicate-key")
        return found

    try:
        return json.loads(
            text,
            object_pairs_hook=collect,
            parse_int=_exact,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
    except HostileJsonError:
        raise
    except (ValueError, RecursionError) as error:
        message = f"no JSON: {str(error)[:120]}"
        raise HostileJsonError(message, "not-json") from error


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for piece in _BRACKETS_AND_STRINGS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(piece[0], 0)
        if depth > max_depth:
            message = f"nested more than {max_depth} deep"
            raise HostileJsonError(message, "too-deep")


def _exact(digits: str) -> int | str:
    _check_digits(digits)
    value = int(digits)
    return value if abs(value) < _EXACT else digits


def _finite(digits: str) -> float | str:
    _check_digits(digits)
    value = float(digits)
    return value if abs(value) < _EXACT else digits


def _check_digits(digits: str) -> None:
    if len(digits) > _MAX_DIGITS:
        message = f"a number of {len(digits):,} digits"
        raise HostileJsonError(message, "not-json")


def _no_constant(name: str) -> None:
    message = f"{name} is no JSON"
    raise HostileJsonError(message, "not-json")
