"""Arguments without a columnar decoder, read by eth-abi one log at a time.

These are arrays of strings, bytes, or structs with such members, and structs with such members
or with arrays of plain elements. Slow (about 10,000 logs a second), and only for the arguments that
need it. Arrays of arrays of unknown length are refused: a few kilobytes of pointers to each other
could unfold to gigabytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from data.units import MAX_DECIMAL38
from indexer.signature import AbiType, Array, Leaf, Signature

MAX_DATA_BYTES = 64 << 10
"""Longest data that are read so: each element can point to the whole of them again."""

_DataType = pl.DataType | type[pl.DataType]
_TOO_LONG = f"more than {MAX_DATA_BYTES:,} bytes, too long to be read one by one"


@dataclass(frozen=True)
class RowMember:
    """One value of a struct, or of the struct in each element of an array."""

    name: str
    leaf: Leaf
    path: tuple[int, ...]
    """Which member of which struct it is, from outside."""


@dataclass(frozen=True)
class RowArgument:
    """An argument to read so, or an array within one: where it is, and its members by name."""

    name: str
    path: tuple[int, ...]
    is_array: bool
    members: tuple[RowMember, ...]
    arrays: tuple["RowArgument", ...] = ()
    """Arrays within a struct; each becomes items of its own, named `argument.member`."""


@dataclass(frozen=True)
class RowValues:
    """What was read: columns of structs in the order of the logs, items of arrays, and faults."""

    columns: pl.DataFrame
    items: dict[str, pl.DataFrame]
    faults: pl.DataFrame


def row_argument(name: str, place: int, kind: AbiType) -> RowArgument | None:
    """How to read an argument; None if it is nested too deeply."""
    if isinstance(kind, Array):
        members = _members(kind.element, "", "value")
        return RowArgument(name, (place,), is_array=True, members=members) if members else None
    arrays: list[RowArgument] = []
    members = _members(kind, name, name, (), arrays)
    if members is None:
        return None
    inner = tuple(replace(each, path=(place, *each.path)) for each in arrays)
    return RowArgument(name, (place,), is_array=False, members=members, arrays=inner)


def _members(
    kind: AbiType,
    prefix: str,
    own: str,
    path: tuple[int, ...] = (),
    arrays: list[RowArgument] | None = None,
) -> tuple[RowMember, ...] | None:
    """The values of a struct by name; its arrays of plain elements go to `arrays`, if given."""
    if isinstance(kind, Leaf):
        return (RowMember(prefix or own, kind, path),)
    if isinstance(kind, Array):
        # Elements without pointers: their number is bounded by the length of the data.
        plain = _members(kind.element, "", "value") if kind.element.words else None
        if arrays is None or plain is None:
            return None
        arrays.append(RowArgument(prefix, path, is_array=True, members=plain))
        return ()
    found: tuple[RowMember, ...] = ()
    for place, member in enumerate(kind.members):
        name = f"{prefix}.{member.name}" if prefix else member.name
        inner = _members(member.type, name, name, (*path, place), arrays)
        if inner is None:
            return None
        found += inner
    return found


def read_rows(
    signature: Signature, arguments: Sequence[RowArgument], logs: pl.DataFrame, wei: frozenset[str]
) -> RowValues:
    """Reads some arguments of a batch of logs.

    Args:
        signature: of the event.
        arguments: those to read.
        logs: `row` and `data`.
        wei: names of integers that are amounts.

    Returns:
        Values in the types of `indexer.abi`.
    """
    kinds = [each.type.canonical for each in signature.parameters if not each.indexed]
    parts = [part for each in arguments for part in (each, *each.arrays)]
    tables = {each.name: _Table(each, wei) for each in parts}
    faults: list[tuple[int, str]] = []
    for row, data in logs.select("row", "data").iter_rows():
        name, found = arguments[0].name, {}
        try:
            values = _decode(kinds, data)
            for each in parts:
                name = each.name
                found[name] = tables[name].read(_at(values, each.path))
        except ValueError as error:
            faults.append((row, f"{name}: {error}"))
            found = {}
        for name, one in tables.items():
            one.add(row, found.get(name))
    schema = {"row": pl.get_index_type(), "reason": pl.String}
    return RowValues(
        pl.concat(
            [one.frame().drop("row", "item") for one in tables.values() if not one.is_array]
            or [pl.DataFrame()],
            how="horizontal",
        ),
        {name: one.frame() for name, one in tables.items() if one.is_array},
        pl.DataFrame(faults, schema=schema, orient="row"),
    )


class _Table:
    """Rows of one argument: one for each element of an array, or one for each log."""

    def __init__(self, argument: RowArgument, wei: frozenset[str]) -> None:
        self.is_array = argument.is_array
        self._members = [(each, _is_wei(argument, each.name, wei)) for each in argument.members]
        self._rows: list[tuple[Any, ...]] = []

    def read(self, value: Any) -> list[list[Any]]:
        """The values of each element.

        Raises:
            ValueError: an amount is too large.
        """
        return [
            [
                _plain(each.leaf, _at(element, each.path), is_wei=is_wei)
                for each, is_wei in self._members
            ]
            for element in (value if self.is_array else [value])
        ]

    def add(self, row: int, elements: list[list[Any]] | None) -> None:
        """Adds the elements of a log; None if it could not be read."""
        if elements is None:
            elements = [] if self.is_array else [[None] * len(self._members)]
        self._rows += [(row, item, *values) for item, values in enumerate(elements)]

    def frame(self) -> pl.DataFrame:
        """`row`, `item` and the members."""
        schema: dict[str, _DataType] = {"row": pl.get_index_type(), "item": pl.Int64}
        schema |= {each.name: _dtype(each.leaf, is_wei=is_wei) for each, is_wei in self._members}
        return pl.DataFrame(self._rows, schema=schema, orient="row")


def _decode(kinds: Sequence[str], data: bytes) -> tuple[Any, ...]:
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    if len(data) > MAX_DATA_BYTES:
        raise ValueError(_TOO_LONG)
    try:
        return decode(kinds, data)
    except (DecodingError, UnicodeDecodeError, OverflowError) as error:
        message = f"cannot be read ({type(error).__name__})"
        raise ValueError(message) from error


def _at(value: Any, path: tuple[int, ...]) -> Any:
    for place in path:
        value = value[place]
    return value


def _is_wei(argument: RowArgument, name: str, wei: frozenset[str]) -> bool:
    full = f"{argument.name}.{name}" if argument.is_array else name
    return full in wei or (name == "value" and argument.name in wei)


def _plain(leaf: Leaf, value: Any, *, is_wei: bool) -> Any:
    if is_wei:
        if value > MAX_DECIMAL38:
            message = "amount above 38 digits"
            raise ValueError(message)
        return value
    if isinstance(value, bytes) and leaf.words:
        return "0x" + value.hex()
    if isinstance(value, int) and not isinstance(value, bool) and _bits(leaf) > 64:
        return str(value)
    return value


def _bits(leaf: Leaf) -> int:
    return int(leaf.name.lstrip("uint"))


def _dtype(leaf: Leaf, *, is_wei: bool) -> _DataType:
    if is_wei:
        return pl.Decimal(38, 0)
    if leaf.name == "bytes":
        return pl.Binary
    if leaf.name == "bool":
        return pl.Boolean
    if leaf.name.startswith(("uint", "int")) and _bits(leaf) <= 64:
        return pl.UInt64 if leaf.name.startswith("u") else pl.Int64
    return pl.String
