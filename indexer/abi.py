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

from indexer import words
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
from indexer.words import WORD

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
    """One value to decode: where its word is, and what it is called."""

    name: str
    type: Leaf
    word: pl.Expr
    is_wei: bool = False
    text: pl.Expr | None = None
    """An address or bytes32 as `0x` text, where there is a quicker way than encoding the word."""


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
    source = logs.select(
        "row",
        "data",
        pl.col("data").bin.size().cast(pl.Int64).alias("size"),
        *(expr for i in range(1, event.n_topics) for expr in _from_hex(f"topic{i}")),
    )
    frame = _locate(source, layout)
    values = [*_topic_values(layout, event), *_data_values(layout, event)]
    head = frame.select(*(_value(value) for value in values), *_strings(layout))
    own_faults = _faults(
        frame,
        [
            (_has_head(layout), _TOO_SHORT),
            *((_fits(value), _complaint(value)) for value in values),
            *_dynamic_checks(layout),
        ],
    )
    items, item_faults = _decode_items(event, layout, frame)
    parts = [logs.drop("topic0", "topic1", "topic2", "topic3", "data", strict=False), head]
    if layout.by_row:
        others = read_rows(event.signature, layout.by_row, frame, event.wei)
        items |= others.items
        item_faults.append(others.faults)
        parts.append(others.columns)
    faults = _merge_faults([own_faults, *item_faults])
    rows = pl.concat(parts, how="horizontal")
    if not faults.is_empty():
        rows = rows.join(faults, on="row", how="anti", maintain_order="left")
        items = {
            name: part.join(faults, on="row", how="anti", maintain_order="left")
            for name, part in items.items()
        }
    return Decoded(rows, items, faults)


def _has_head(layout: "_Layout") -> pl.Expr:
    """Whether the data hold at least the head of the encoding."""
    return pl.col("size") >= layout.head_words * WORD


def _from_hex(column: str) -> Iterator[pl.Expr]:
    yield pl.col(column).alias(f"{column}:text")
    yield pl.col(column).str.slice(2).str.decode("hex", strict=False).alias(column)


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


def _locate(frame: pl.DataFrame, layout: _Layout) -> pl.DataFrame:
    """Adds for each dynamic argument `name:n`, its length, and `name:body`, where it begins.

    Both are NULL where offset or length lead out of the data. Step by step, each pointer read once.
    """
    fixed = [each for each in layout.dynamics if _fixed_length(each) is not None]
    moving = [each for each in layout.dynamics if _fixed_length(each) is None]
    is_whole, head = _has_head(layout), layout.head_words * WORD
    frame = frame.with_columns(
        *(
            pl.when(is_whole).then(pl.lit(_fixed_length(each), pl.Int64)).alias(f"{each.name}:n")
            for each in fixed
        ),
        *(pl.lit(each.slot * WORD, pl.Int64).alias(f"{each.name}:body") for each in fixed),
        *(
            words.pointer(pl.col("data").bin.slice(each.slot * WORD, WORD)).alias(f"{each.name}:at")
            for each in moving
        ),
    )
    for each in moving:
        at, count = pl.col(f"{each.name}:at"), pl.col(f"{each.name}:n")
        room = pl.col("size") - at - WORD
        size = WORD * _element_words(each) if isinstance(each.type, Array) else 1
        frame = frame.with_columns(pl.when((at >= head) & (room >= 0)).then(at))
        counted = words.pointer(pl.col("data").bin.slice(at.fill_null(0), WORD))
        frame = frame.with_columns(counted.alias(f"{each.name}:n"))
        frame = frame.with_columns(
            pl.when(count <= room // size).then(count), (at + WORD).alias(f"{each.name}:body")
        )
    return frame


def _fixed_length(dynamic: _Dynamic) -> int | None:
    """Elements of an array that stands in the head; None where the data tell."""
    return dynamic.type.length if isinstance(dynamic.type, Array) else None


def _element_words(dynamic: _Dynamic) -> int:
    assert isinstance(dynamic.type, Array)  # noqa: S101 - narrows the type for the checker
    return dynamic.type.element.words or 1


def _dynamic_checks(layout: _Layout) -> Iterator[tuple[pl.Expr, str]]:
    for dynamic in layout.dynamics:
        n = pl.col(f"{dynamic.name}:n")
        yield n.is_not_null(), f"{dynamic.name}: {_BAD_POINTER}"
        if isinstance(dynamic.type, Leaf):
            end = (pl.col(f"{dynamic.name}:body") + n).fill_null(0)
            padding = (-n) % WORD
            tail = pl.col("data").bin.slice(end, padding.fill_null(0))
            is_clean = (tail.bin.size() == padding) & ~tail.bin.encode("hex").str.contains(
                "[1-9a-f]"
            )
            yield is_clean, f"{dynamic.name}: padding is not zero"
            if dynamic.type.name == "string":
                yield _text(dynamic).is_not_null(), f"{dynamic.name}: not UTF-8"


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
    event: Event, layout: _Layout, frame: pl.DataFrame
) -> tuple[dict[str, pl.DataFrame], list[pl.DataFrame]]:
    items: dict[str, pl.DataFrame] = {}
    faults: list[pl.DataFrame] = []
    for dynamic in layout.dynamics:
        if not isinstance(dynamic.type, Array):
            continue
        name = dynamic.name
        leaves = [leaf for _, leaf in layout.arrays[name]]
        long = _explode(frame, name, leaves)
        values = [
            _Value(
                member,
                leaf,
                pl.col(f"word{place}"),
                f"{name}.{member}" in event.wei or (member == "value" and name in event.wei),
                pl.col(f"text{place}") if leaf.name == "address" else None,
            )
            for place, (member, leaf) in enumerate(layout.arrays[name])
        ]
        items[name] = long.select("row", "item", *(_value(value) for value in values))
        checks = [(_fits(value), f"{name}.{_complaint(value)}") for value in values]
        faults.append(_faults(long, checks))
    return items, faults


def _explode(frame: pl.DataFrame, name: str, leaves: Sequence[Leaf]) -> pl.DataFrame:
    """The elements of an array argument: `row`, `item` and one column for each of their words.

    Addresses have a column with their text besides. The elements of all rows are laid end to end,
    so that a word is found by its place alone: slicing each out of the data of its log takes
    several times as long.
    """
    n_words = len(leaves)
    size = pl.col(f"{name}:n") * n_words * WORD
    held = frame.filter(pl.col(f"{name}:n") > 0).select(
        pl.col("row", f"{name}:n"),
        pl.col("data").bin.slice(pl.col(f"{name}:body"), size).alias("payload"),
    )
    counts = held[f"{name}:n"].to_numpy()
    ends = counts.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    words_of_all = words.matrix(held["payload"], total, n_words)
    return pl.DataFrame(
        {
            "row": np.repeat(held["row"].to_numpy(), counts),
            "item": np.arange(total, dtype=np.int64) - np.repeat(ends - counts, counts),
        }
    ).with_columns(
        *(
            words.binary_column(words_of_all[:, place]).alias(f"word{place}")
            for place in range(n_words)
        ),
        *(
            words.hex_column(words_of_all[:, place, 12:]).alias(f"text{place}")
            for place, leaf in enumerate(leaves)
            if leaf.name == "address"
        ),
    )


# --- single words


def _topic_values(layout: _Layout, event: Event) -> Iterator[_Value]:
    for place, parameter in enumerate(layout.topics, start=1):
        kind = parameter.type
        # The hash of a dynamic value stands in its place.
        leaf = kind if isinstance(kind, Leaf) and kind.words else Leaf("bytes32")
        word, text = pl.col(f"topic{place}"), pl.col(f"topic{place}:text")
        if leaf.name == "address":
            text = pl.lit("0x") + text.str.slice(26)
        yield _Value(parameter.name, leaf, word, parameter.name in event.wei, text)


def _data_values(layout: _Layout, event: Event) -> Iterator[_Value]:
    for name, leaf, slot in layout.scalars:
        yield _Value(name, leaf, pl.col("data").bin.slice(slot * WORD, WORD), name in event.wei)


def _value(value: _Value) -> pl.Expr:
    kind, word = value.type.name, value.word
    if kind == "address":
        decoded = words.hex_text(word.bin.slice(12, 20)) if value.text is None else value.text
    elif kind == "bytes32" and value.text is not None:
        decoded = value.text
    elif kind == "bool":
        decoded = word.bin.slice(31, 1) == pl.lit(b"\x01")
    elif kind.startswith("bytes"):
        decoded = words.hex_text(word.bin.slice(0, int(kind[5:])))
    elif value.is_wei:
        decoded = words.wei(word)
    elif kind.startswith("uint"):
        decoded = words.low_uint64(word) if int(kind[4:]) <= 64 else words.uint_text(word)
    else:
        decoded = words.low_int64(word) if int(kind[3:]) <= 64 else words.int_text(word)
    return decoded.alias(value.name)


def _fits(value: _Value) -> pl.Expr:
    kind, word = value.type.name, value.word
    if kind == "address":
        return (word.bin.size() == WORD) & words.fits_unsigned(word, 160)
    if kind == "bool":
        return words.fits_unsigned(word, 8) & (word.bin.slice(31, 1) <= pl.lit(b"\x01"))
    if kind.startswith("bytes"):
        spare = WORD - int(kind[5:])
        is_padded = words.is_zero(word.bin.slice(WORD - spare, spare), spare) if spare else True
        return (word.bin.size() == WORD) & is_padded
    if value.is_wei:
        return words.fits_wei(word)
    if kind.startswith("uint"):
        return (word.bin.size() == WORD) & words.fits_unsigned(word, int(kind[4:]))
    return (word.bin.size() == WORD) & words.fits_signed(word, int(kind[3:]))


def _complaint(value: _Value) -> str:
    if value.is_wei:
        return f"{value.name}: amount above 38 digits"
    return f"{value.name}: not a clean {value.type.name}"


def _faults(frame: pl.DataFrame, checks: list[tuple[pl.Expr, str]]) -> pl.DataFrame:
    """`row` and `reason` of the rows that fail a check; the reason is the first one's."""
    is_whole = pl.all_horizontal(is_ok.fill_null(value=False) for is_ok, _ in checks)
    # Nearly always no row fails, and no reason has to be found.
    bad = frame.filter(~is_whole)
    reasons = (
        pl.when(~is_ok.fill_null(value=False)).then(pl.lit(reason)) for is_ok, reason in checks
    )
    return bad.select("row", pl.coalesce(pl.lit(None, pl.String), *reasons).alias("reason"))


def _merge_faults(faults: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(faults).unique("row", keep="first", maintain_order=True)
