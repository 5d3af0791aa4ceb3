"""Logs cut out of an answer by the places of its quotes, several times quicker than reading JSON.

A node writes all logs of an answer in one form: the same members in the same order, with values
that differ and lie between quotes. So the form is read off the first log, every other log is
compared with it byte by byte outside its values, and the values are copied as matrices of bytes.
An answer with anything else in it, even one upper-case digit, is left to the JSON reader.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indexer.words import binary_column, bytes_of_hex, text_column

_Bytes = NDArray[np.uint8]
_Places = NDArray[np.int64]

_HASHES = {"blockHash": "block_hash", "transactionHash": "tx_hash", "address": "address"}
_QUANTITIES = {
    "blockNumber": "block_number",
    "blockTimestamp": "seconds",
    "transactionIndex": "tx_index",
    "logIndex": "log_index",
}
_OPTIONAL = frozenset({"blockTimestamp"})
_CONSTANTS = frozenset({("removed", b"false"), ("blockTimestamp", b"null")})
_HASH_LENGTH = 66
_ADDRESS_LENGTH = 42
_MOST_DIGITS = 14  # seconds of so many are microseconds beyond 64 bits; no chain is there
_MOST_TOPICS = 4
_BLOCK = 1 << 18
_MOST_FORMS = 16
_MOST_LENGTHS = 64


class _OtherForm(Exception):  # noqa: N818 - no error: the JSON reader takes over
    """Raised where an answer does not follow the form of its first log."""


@dataclass(frozen=True)
class _Form:
    """What logs have in common: the text around their values, and the names of these.

    `runs` are the texts before each value, from the quote that closes the one before it to the
    `0x` of its own, and after the last one. `opens` tells which quote of a log opens each value.
    """

    names: tuple[str, ...]
    opens: tuple[int, ...]
    runs: tuple[bytes, ...]

    @property
    def n_topics(self) -> int:
        """How many of the values are topics."""
        return sum(name.startswith("topic:") for name in self.names)


def cut_logs(raw: bytes) -> pl.DataFrame | None:
    """The logs of an eth_getLogs result, or None where it has to be read as JSON.

    Returns:
        block_number, block_hash, seconds (NULL where the node gave no time), tx_hash, tx_index,
        log_index, address, topic0 to topic3, data; in the order of the answer. Texts are lower-case
        and of full length; of addresses, hashes and topics nothing else has been checked.
    """
    # Escapes and text beyond ASCII are not read here.
    if not raw.isascii() or b"\\" in raw:
        return None
    try:
        content = np.frombuffer(raw, dtype=np.uint8)
        return _cut(raw, content, *_marks(content))
    except _OtherForm:
        return None


def _marks(content: _Bytes) -> tuple[_Places, _Places]:
    """Where logs begin, and where quotes are.

    Raises:
        _OtherForm: there is no log, an upper-case digit, or a control character.
    """
    starts, quotes = [], []
    is_mark = np.empty(_BLOCK, dtype=np.bool_)
    # Block by block, which stays in the processor's cache meanwhile.
    for at in range(0, len(content), _BLOCK):
        block = content[at : at + _BLOCK]
        found = is_mark[: len(block)]
        np.less(block - ord("A"), 6, out=found)
        _require(not found.any() and block.min() >= ord(" "))
        np.equal(block, ord("{"), out=found)
        starts.append(np.flatnonzero(found) + at)
        np.equal(block, ord('"'), out=found)
        quotes.append(np.flatnonzero(found) + at)
    _require(any(len(part) for part in starts))
    return np.concatenate(starts), np.concatenate(quotes)


def _cut(raw: bytes, content: _Bytes, starts: _Places, quotes: _Places) -> pl.DataFrame:
    first = np.searchsorted(quotes, starts)
    counts = np.diff(first, append=len(quotes))
    kinds = np.unique(counts)
    if len(kinds) > _MOST_FORMS or raw[: starts[0]].strip() != b"[":
        raise _OtherForm
    ends = np.empty_like(starts)
    frames, orders = [], []
    for count in kinds:
        rows = np.flatnonzero(counts == count)
        if len(kinds) == 1:
            own = quotes[first[0] :].reshape(len(starts), count)
        else:
            own = quotes[first[rows, None] + np.arange(count)]
        frame, ends[rows] = _cut_alike(raw, content, starts[rows], own)
        frames.append(frame)
        orders.append(rows)
    _require((content[ends[:-1]] == ord(",")).all() and (starts[1:] == ends[:-1] + 1).all())
    _require(raw[ends[-1] :].strip() == b"]")
    if len(frames) == 1:
        return frames[0]
    return pl.concat(frames)[np.argsort(np.concatenate(orders))]


def _cut_alike(
    raw: bytes, content: _Bytes, starts: _Places, quotes: _Places
) -> tuple[pl.DataFrame, _Places]:
    """The logs that have the same number of quotes, and where each of them ends."""
    first = raw[starts[0] : raw.find(b"}", starts[0]) + 1]
    _require(first.count(b'"') == quotes.shape[1])
    form = _read_form(first)
    before, ends = starts, np.empty(0, dtype=np.int64)
    values: dict[str, tuple[_Places, _Places]] = {}
    for name, opens, run in zip(form.names, form.opens, form.runs, strict=False):
        at = quotes[:, opens]
        _require((at - before == len(run) - len(b'"0x')).all())
        _require_text(content, before, run)
        before = quotes[:, opens + 1]
        values[name] = at + 1, before
    ends = before + len(form.runs[-1])
    _require_text(content, before, form.runs[-1])
    return _columns(content, values, form.n_topics), ends


def _columns(
    content: _Bytes, values: dict[str, tuple[_Places, _Places]], n_topics: int
) -> pl.DataFrame:
    hashes = list(_HASHES.items())
    hashes += [(f"topic:{place}", f"topic{place}") for place in range(n_topics)]
    height = len(next(iter(values.values()))[0])
    columns: dict[str, pl.Series] = {}
    for name, column in _QUANTITIES.items():
        columns[column] = (
            pl.Series(_quantity(content, *values[name]))
            if name in values
            else pl.repeat(None, height, dtype=pl.Int64, eager=True)
        )
    for name, column in hashes:
        length = _ADDRESS_LENGTH if name == "address" else _HASH_LENGTH
        at, end = values[name]
        _require((end - at == length).all())
        columns[column] = text_column(_slices(content, at, length))
    for place in range(n_topics, _MOST_TOPICS):
        columns[f"topic{place}"] = pl.repeat(None, height, dtype=pl.String, eager=True)
    columns["data"] = _payloads(content, *values["data"])
    return pl.DataFrame(columns)


# --- the form


def _read_form(log: bytes) -> _Form:
    """The form of a log.

    Raises:
        _OtherForm: it has a member that is not known here, or lacks one.
    """
    pieces = log.split(b'"')
    members = list(_members(pieces))
    own = [name for name, _ in members if not name.startswith("topic:")]
    wanted = {*_HASHES, *_QUANTITIES, "data", "topics"} - _OPTIONAL
    _require(len(set(own)) == len(own) and set(own) - {"removed", *_OPTIONAL} == wanted)
    _require(len(members) - len(own) <= _MOST_TOPICS)
    found = [(name, opens) for name, opens in members if opens is not None]
    names = tuple(name for name, _ in found)
    places = [len(b'"'.join(pieces[:piece])) for piece in range(1, len(pieces))]
    runs, at = [], 0
    for _, opens in found:
        runs.append(log[at : places[opens] + len(b'"0x')])
        _require(runs[-1].endswith(b'"0x'))
        at = places[opens + 1]
    return _Form(names, tuple(opens for _, opens in found), (*runs, log[at:]))


def _members(pieces: Sequence[bytes]) -> Iterator[tuple[str, int | None]]:
    """Name of each member and topic, and the number of the quote that opens its value, if any.

    The pieces are what lies between quotes: those of odd place are names and values.
    """
    at, last = 1, len(pieces) - 1
    _require(last % 2 == 0)
    _require(pieces[0].strip() == b"{" and pieces[last].rstrip().endswith(b"}"))
    while at < last:
        name, mark = pieces[at].decode(), pieces[at + 1].strip()
        if mark == b":":
            _require(at + 3 <= last)
            yield name, at + 1
            at += 4
            _require(pieces[at - 1].strip() in (b",", b"}"))
            continue
        yield name, None
        at += 2
        if mark == b":[" and name == "topics":
            place = 0
            while True:
                _require(at < last)
                yield f"topic:{place}", at - 1
                place, mark, at = place + 1, pieces[at + 1].strip(), at + 2
                if mark != b",":
                    break
            _require(mark in (b"],", b"]}"))
        elif name == "topics":
            _require(mark in (b":[],", b":[]}"))
        else:
            _require((name, mark.strip(b":,}")) in _CONSTANTS)


def _require(is_so: object) -> None:
    if not is_so:
        raise _OtherForm


# --- bytes


def _slices(content: _Bytes, at: _Places, length: int) -> _Bytes:
    """As many bytes from each place, as rows of a matrix."""
    if not length:
        return np.empty((len(at), 0), dtype=np.uint8)
    _require(int(at.max()) + length <= len(content))
    # Every window of the content at once, without a copy: taking windows is one memcpy each.
    windows = np.ndarray((len(content) - length + 1,), f"V{length}", content, 0, (1,))
    return windows[at].view(np.uint8).reshape(len(at), length)


def _require_text(content: _Bytes, at: _Places, text: bytes) -> None:
    _require((_slices(content, at, len(text)) == np.frombuffer(text, np.uint8)).all())


def _quantity(content: _Bytes, at: _Places, end: _Places) -> NDArray[np.int64]:
    """Numbers that are written as `0x` and a few digits."""
    digits = end - at - len(b"0x")
    most = int(digits.max())
    _require(int(digits.min()) >= 1 and most <= _MOST_DIGITS)
    width = next(size for size in (2, 4, 8, 16) if size >= most)
    cells = _slices(content, end - width, width)
    # What stands before the digits of a shorter number counts as zeros.
    cells = np.where(np.arange(width) < (width - digits)[:, None], np.uint8(ord("0")), cells)
    values, is_clean = bytes_of_hex(cells)
    _require(is_clean.all())
    if width == 2:
        return values[:, 0].astype(np.int64)
    return values.view(f">u{width // 2}")[:, 0].astype(np.int64)


def _payloads(content: _Bytes, at: _Places, end: _Places) -> pl.Series:
    """Bytes that are written as `0x` and hex digits, of any length."""
    digits = end - at - len(b"0x")
    lengths = np.unique(digits)
    _require(len(lengths) <= _MOST_LENGTHS and not (lengths % 2).any())
    parts, orders = [], []
    for length in lengths:
        rows = np.flatnonzero(digits == length)
        values, is_clean = bytes_of_hex(_slices(content, at[rows] + len(b"0x"), int(length)))
        _require(is_clean.all())
        parts.append(binary_column(values))
        orders.append(rows)
    if len(parts) == 1:
        return parts[0]
    return pl.concat(parts)[np.argsort(np.concatenate(orders))]
