"""Columnar decoding of event logs: an event signature becomes polars expressions.

Every argument of a batch of logs is decoded at once; no Python object is made per log. A log whose
data do not follow the signature is marked with a reason and left out of the values: it never
raises for the batch and never yields a wrong value. Checks are as strict as those of eth-abi.

Types of the decoded columns: address, bytesN and hashes are `0x` text; integers up to 64 bits are
integers; larger ones are exact decimal text, or Decimal(38,0) where the event names them as
`wei`; string is text, bytes is binary. An indexed argument of a dynamic type is its hash.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indexer.abi_rows import RowArgument, read_rows, row_argument
from indexer.errors import AbiError
from indexer.signature import (
    AbiType,
    Array,
    Leaf,
    Parameter,
    Signature,
    Struct,
    parse_signature,
)
from indexer.word_values import Mask, Payloads, Places, Words, fits, pointer, read_topic, value
from indexer.words import WORD

_Check = tuple[Mask, str]
"""Which rows pass, and what is wrong with the others."""

_TOO_SHORT = "data too short"
_BAD_POINTER = "offset or length out of range"


@dataclass(frozen=True)
class Event:
    """An event to decode: its signature, and which of its integers are amounts of money."""

    signature: Signature
    wei: frozenset[str]
    alias: str = ""

    @classmethod
    def parse(cls, text: str, wei: Sequence[str] = (), name: str = "") -> "Event":
        """The event of a human-readable signature.

        Args:
            text: e.g. `Paid(uint256 indexed tokenId, address indexed recipient, uint256 amount)`.
            wei: arguments to decode as Decimal(38,0); members of arrays as `offer.amount`.
            name: instead of the event's own, where a protocol has two different ones of that name.

        Raises:
            AbiError: the signature is malformed, or has a shape without a columnar decoder.
        """
        event = cls(parse_signature(text), frozenset(wei), name)
        event._layout  # noqa: B018 - compiles now, so that a bad shape fails at import
        return event

    @property
    def name(self) -> str:
        """Name of the event, for `settle` and for quarantine."""
        return self.alias or self.signature.name

    @property
    def topic0(self) -> str:
        """Hash that identifies the event."""
        return self.signature.topic0

    @property
    def n_topics(self) -> int:
        """Topics of a log of this event."""
        return self.signature.n_topics

    @cached_property
    def _layout(self) -> "_Layout":
        return _compile(self.signature)


@dataclass(frozen=True)
class Decoded:
    """What a batch of logs of one event said.

    `rows`: the columns of the logs without topics and data, `row` (place in the batch) and the
    scalar arguments, for logs without a fault. `items`: per array argument one frame of `row`,
    `item` (place in the array, from 0) and the members (or `value`). `faults`: `row`, `reason`.
    """

    rows: pl.DataFrame
    items: dict[str, pl.DataFrame]
    faults: pl.DataFrame


@dataclass(frozen=True)
class _Value:
    """The values of one argument, anything where its word does not fit; and where it does."""

    column: pl.Series
    check: _Check

    @classmethod
    def of(cls, name: str, leaf: Leaf, words: Words, *, is_wei: bool, prefix: str = "") -> "_Value":
        """The values in words of the data."""
        column = value(words, leaf.name, is_wei=is_wei).alias(name)
        is_fit = fits(words, leaf.name, is_wei=is_wei)
        return cls(column, (is_fit, prefix + _complaint(name, leaf, is_wei=is_wei)))


def _complaint(name: str, leaf: Leaf, *, is_wei: bool) -> str:
    return f"{name}: amount above 38 digits" if is_wei else f"{name}: not a clean {leaf.name}"


@dataclass(frozen=True)
class _Dynamic:
    """An argument whose head slot holds an offset into the data, or an inline fixed array."""

    name: str
    type: Leaf | Array
    slot: int


@dataclass(frozen=True)
class _Layout:
    """Where each argument of an event lies."""

    topics: tuple[Parameter, ...]
    scalars: tuple[tuple[str, Leaf, int], ...]
    dynamics: tuple[_Dynamic, ...]
    head_words: int
    arrays: dict[str, tuple[tuple[str, Leaf], ...]] = field(default_factory=dict)
    by_row: tuple[RowArgument, ...] = ()


def decode(event: Event, logs: pl.DataFrame) -> Decoded:
    """Decodes a batch of logs of one event.

    Args:
        event: what to decode; the logs must be of its topic0 and number of topics.
        logs: columns of the table `logs`, and any others, which are kept.

    Returns:
        The decoded rows, array items and faults; together they cover every log.
    """
    layout = event._layout
    logs = logs.with_row_index("row")
    data = Payloads.of(logs["data"])
    is_whole = data.size >= layout.head_words * WORD
    parts = _locate(data, layout, is_whole)
    values = [
        *_topic_values(layout, event, logs),
        *_data_values(layout, event, data, is_whole),
    ]
    frame = _with_parts(logs.select("row", "data"), layout, parts)
    head = [pl.DataFrame([value.column for value in values]), frame.select(*_strings(layout))]
    checks = [(is_whole, _TOO_SHORT), *(value.check for value in values)]
    checks += _dynamic_checks(layout, frame, parts)
    own_faults = _faults(np.arange(logs.height), checks)
    items, item_faults = _decode_items(event, layout, data, parts)
    parts_of_rows = [
        logs.drop("topic0", "topic1", "topic2", "topic3", "data", strict=False),
        *(part for part in head if part.width),
    ]
    if layout.by_row:
        others = read_rows(event.signature, layout.by_row, frame, event.wei)
        items |= others.items
        item_faults.append(others.faults)
        parts_of_rows.append(others.columns)
    faults = _merge_faults([own_faults, *item_faults])
    rows = pl.concat(parts_of_rows, how="horizontal")
    if not faults.is_empty():
        rows = rows.join(faults, on="row", how="anti", maintain_order="left")
        items = {
            name: part.join(faults, on="row", how="anti", maintain_order="left")
            for name, part in items.items()
        }
    return Decoded(rows, items, faults)


# --- layout


def _compile(signature: Signature) -> _Layout:
    topics = tuple(parameter for parameter in signature.parameters if parameter.indexed)
    scalars: list[tuple[str, Leaf, int]] = []
    dynamics: list[_Dynamic] = []
    arrays: dict[str, tuple[tuple[str, Leaf], ...]] = {}
    by_row: list[RowArgument] = []
    slot = 0
    in_data = [each for each in signature.parameters if not each.indexed]
    for order, parameter in enumerate(in_data):
        kind = parameter.type
        if _needs_rows(kind):
            by_row.append(_row_argument(parameter.name, order, kind, signature))
        elif isinstance(kind, Array):
            arrays[parameter.name] = tuple(_members(kind.element, "", signature))
            dynamics.append(_Dynamic(parameter.name, kind, slot))
        elif isinstance(kind, Leaf) and kind.words is None:
            dynamics.append(_Dynamic(parameter.name, kind, slot))
        else:
            for place, (name, leaf) in enumerate(_members(kind, parameter.name, signature)):
                scalars.append((name, leaf, slot + place))
        slot += kind.words or 1
    return _Layout(topics, tuple(scalars), tuple(dynamics), slot, arrays, tuple(by_row))


def _needs_rows(kind: AbiType) -> bool:
    """Whether columns cannot decode a type: something of unknown length inside of it."""
    if isinstance(kind, Array):
        return kind.element.words is None
    return isinstance(kind, Struct) and kind.words is None


def _row_argument(name: str, place: int, kind: AbiType, signature: Signature) -> RowArgument:
    argument = row_argument(name, place, kind)
    if argument is None:
        message = (
            f"event {signature.canonical}: {name} is nested too deeply; an array may hold structs, "
            "and an argument that is a struct arrays of plain elements"
        )
        raise AbiError(message)
    return argument


def _members(kind: object, name: str, signature: Signature) -> Iterator[tuple[str, Leaf]]:
    if isinstance(kind, Leaf) and kind.words is not None:
        yield name or "value", kind
    elif isinstance(kind, Struct) and kind.words is not None:
        for member in kind.members:
            inner = f"{name}.{member.name}" if name else member.name
            yield from _members(member.type, inner, signature)
    else:
        message = (
            f"event {signature.canonical}: no decoder for {name or 'an array element'}; an array "
            "may hold structs, and a struct what is no array"
        )
        raise AbiError(message)


# --- dynamic arguments: offset, length, body


@dataclass(frozen=True)
class _Part:
    """Where a dynamic argument lies in the data of each row: begin and number of elements.

    Both are -1 where offset or length lead out of the data.
    """

    body: Places
    count: Places


def _locate(data: Payloads, layout: _Layout, is_whole: Mask) -> dict[str, _Part]:
    """Where the dynamic arguments lie, by name."""
    return {each.name: _locate_one(data, each, layout, is_whole) for each in layout.dynamics}


def _locate_one(data: Payloads, dynamic: _Dynamic, layout: _Layout, is_whole: Mask) -> _Part:
    length = _fixed_length(dynamic)
    if length is not None:
        in_head = np.where(is_whole, dynamic.slot * WORD, -1)
        return _Part(in_head, np.where(is_whole, length, -1))
    at = pointer(data.words(dynamic.slot * WORD, is_whole))
    is_inside = (at >= layout.head_words * WORD) & (at <= data.size - WORD)
    at = np.where(is_inside, at, 0)
    room = data.size - at - WORD
    if isinstance(dynamic.type, Array):
        room //= WORD * _element_words(dynamic)
    count = pointer(data.words(at, is_inside))
    is_inside &= (count >= 0) & (count <= room)
    return _Part(np.where(is_inside, at + WORD, -1), np.where(is_inside, count, -1))


def _with_parts(frame: pl.DataFrame, layout: _Layout, parts: dict[str, _Part]) -> pl.DataFrame:
    """Adds for each string or bytes argument `name:body` and `name:n`, NULL out of the data."""
    return frame.with_columns(
        pl.Series(f"{each.name}:{what}", places).replace(-1, None)
        for each in layout.dynamics
        if isinstance(each.type, Leaf)
        for what, places in (("body", parts[each.name].body), ("n", parts[each.name].count))
    )


def _fixed_length(dynamic: _Dynamic) -> int | None:
    """Elements of an array that stands in the head; None where the data tell."""
    return dynamic.type.length if isinstance(dynamic.type, Array) else None


def _element_words(dynamic: _Dynamic) -> int:
    assert isinstance(dynamic.type, Array)  # noqa: S101 - narrows the type for the checker
    return dynamic.type.element.words or 1


def _dynamic_checks(
    layout: _Layout, frame: pl.DataFrame, parts: dict[str, _Part]
) -> Iterator[_Check]:
    for dynamic in layout.dynamics:
        name = dynamic.name
        yield parts[name].count >= 0, f"{name}: {_BAD_POINTER}"
        if isinstance(dynamic.type, Leaf):
            n = pl.col(f"{name}:n")
            end = (pl.col(f"{name}:body") + n).fill_null(0)
            padding = (-n) % WORD
            tail = pl.col("data").bin.slice(end, padding.fill_null(0))
            is_clean = (tail.bin.size() == padding) & ~tail.bin.encode("hex").str.contains(
                "[1-9a-f]"
            )
            yield _mask(frame, is_clean), f"{name}: padding is not zero"
            if dynamic.type.name == "string":
                yield _mask(frame, _text(dynamic).is_not_null()), f"{name}: not UTF-8"


def _mask(frame: pl.DataFrame, condition: pl.Expr) -> Mask:
    return frame.select(condition.fill_null(value=False)).to_series().to_numpy()


def _payload(dynamic: _Dynamic) -> pl.Expr:
    start = pl.col(f"{dynamic.name}:body").fill_null(0)
    return pl.col("data").bin.slice(start, pl.col(f"{dynamic.name}:n").fill_null(0))


def _text(dynamic: _Dynamic) -> pl.Expr:
    return _payload(dynamic).map_batches(_utf8, return_dtype=pl.String)


def _utf8(payloads: pl.Series) -> pl.Series:
    """Text of the payloads, NULL where one is not UTF-8."""
    try:
        return payloads.cast(pl.String)
    except pl.exceptions.PolarsError:
        # One bad payload fails the cast of all, even a lenient one; such a batch is read singly.
        return pl.Series(payloads.name, [_utf8_or_none(raw) for raw in payloads], pl.String)


def _utf8_or_none(raw: bytes | None) -> str | None:
    try:
        return None if raw is None else raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _strings(layout: _Layout) -> Iterator[pl.Expr]:
    for dynamic in layout.dynamics:
        if isinstance(dynamic.type, Leaf):
            is_text = dynamic.type.name == "string"
            yield (_text(dynamic) if is_text else _payload(dynamic)).alias(dynamic.name)


def _decode_items(
    event: Event, layout: _Layout, data: Payloads, parts: dict[str, _Part]
) -> tuple[dict[str, pl.DataFrame], list[pl.DataFrame]]:
    items: dict[str, pl.DataFrame] = {}
    faults: list[pl.DataFrame] = []
    for name, members in layout.arrays.items():
        place, cells = _explode(data, parts[name], len(members))
        is_there = np.ones(len(cells), dtype=np.bool_)
        values = [
            _Value.of(
                member,
                leaf,
                Words(np.ascontiguousarray(cells[:, column]), is_there),
                is_wei=f"{name}.{member}" in event.wei or (member == "value" and name in event.wei),
                prefix=f"{name}.",
            )
            for column, (member, leaf) in enumerate(members)
        ]
        items[name] = pl.DataFrame([*place, *(value.column for value in values)])
        checks = [value.check for value in values]
        faults.append(_faults(place[0].to_numpy(), checks))
    return items, faults


def _explode(
    data: Payloads, part: _Part, n_words: int
) -> tuple[list[pl.Series], NDArray[np.uint8]]:
    """The elements of an array argument: their `row` and `item`, and their words."""
    counts = np.maximum(part.count, 0)
    ends = counts.cumsum()
    row = np.repeat(np.arange(len(counts)), counts)
    item = np.arange(len(row)) - np.repeat(ends - counts, counts)
    at = (data.starts + part.body)[row] + item * (n_words * WORD)
    cells = data.take(at, np.ones(len(row), dtype=np.bool_), n_words * WORD)
    place = [pl.Series("row", row).cast(pl.get_index_type()), pl.Series("item", item)]
    return place, cells.reshape(len(row), n_words, WORD)


# --- single words


def _topic_values(layout: _Layout, event: Event, logs: pl.DataFrame) -> Iterator[_Value]:
    for place, parameter in enumerate(layout.topics, start=1):
        kind = parameter.type
        # The hash of a dynamic value stands in its place.
        leaf = kind if isinstance(kind, Leaf) and kind.words else Leaf("bytes32")
        name, is_wei = parameter.name, parameter.name in event.wei
        column, is_fit = read_topic(logs[f"topic{place}"], leaf.name, is_wei=is_wei)
        yield _Value(column.alias(name), (is_fit, _complaint(name, leaf, is_wei=is_wei)))


def _data_values(layout: _Layout, event: Event, data: Payloads, is_whole: Mask) -> Iterator[_Value]:
    for name, leaf, slot in layout.scalars:
        yield _Value.of(name, leaf, data.words(slot * WORD, is_whole), is_wei=name in event.wei)


def _faults(rows: Places, checks: list[_Check]) -> pl.DataFrame:
    """`row` and `reason` of the rows that fail a check; the reason is the first one's."""
    is_good = np.ones(len(rows), dtype=np.bool_)
    for is_ok, _ in checks:
        is_good &= is_ok
    # Nearly always no row fails, and no reason has to be found.
    bad = np.flatnonzero(~is_good)
    reasons = [next(reason for is_ok, reason in checks if not is_ok[each]) for each in bad]
    return pl.DataFrame(
        {"row": rows[bad], "reason": reasons},
        schema={"row": pl.get_index_type(), "reason": pl.String},
    )


def _merge_faults(faults: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(faults).unique("row", keep="first", maintain_order=True)
