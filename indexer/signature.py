"""Event signatures as people write them, parsed into types.

`Transfer(address indexed from, address indexed to, uint256 indexed tokenId)`; structs are
written as tuples with or without member names: `(uint8 itemType, address piece)[] offer`.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

from data.schema import TABLES
from indexer.errors import AbiError

_PIECE = re.compile(r"\s*([A-Za-z_$][\w$]*|\[\d*\]|[(),])")
_LEAF = re.compile(r"^(address|bool|string|bytes|uint(\d+)|int(\d+)|bytes(\d+))$")
_ALIASES = {"uint": "uint256", "int": "int256"}


@dataclass(frozen=True)
class Leaf:
    """An elementary type, such as uint256 or bytes."""

    name: str

    @property
    def canonical(self) -> str:
        """The type as it stands in a hashed signature."""
        return self.name

    @property
    def words(self) -> int | None:
        """Words of the static encoding; None for a dynamic type."""
        return None if self.name in ("bytes", "string") else 1


@dataclass(frozen=True)
class Struct:
    """A tuple of named members."""

    members: tuple["Parameter", ...]

    @property
    def canonical(self) -> str:
        """The type as it stands in a hashed signature."""
        return f"({','.join(member.type.canonical for member in self.members)})"

    @property
    def words(self) -> int | None:
        """Words of the static encoding; None when a member is dynamic."""
        sizes = [member.type.words for member in self.members]
        return None if None in sizes else sum(size for size in sizes if size)


@dataclass(frozen=True)
class Array:
    """An array; `length` None means that its length is in the data."""

    element: "AbiType"
    length: int | None

    @property
    def canonical(self) -> str:
        """The type as it stands in a hashed signature."""
        return f"{self.element.canonical}[{'' if self.length is None else self.length}]"

    @property
    def words(self) -> int | None:
        """Words of the static encoding; None for a dynamic array."""
        if self.length is None or self.element.words is None:
            return None
        return self.length * self.element.words


AbiType = Leaf | Struct | Array

RESERVED = {*TABLES["logs"].column_names, "row", "item", "size", "reason"}
"""Columns that a decoded frame has beside the arguments: an argument of such a name gets an
underscore behind it (`reason` becomes `reason_`)."""


@dataclass(frozen=True)
class Parameter:
    """One argument of an event, or one member of a struct."""

    name: str
    type: AbiType
    indexed: bool = False


@dataclass(frozen=True)
class Signature:
    """A parsed event signature."""

    name: str
    parameters: tuple[Parameter, ...]

    @cached_property
    def canonical(self) -> str:
        """Name and canonical types: what topic0 is the hash of."""
        return f"{self.name}({','.join(p.type.canonical for p in self.parameters)})"

    @cached_property
    def topic0(self) -> str:
        """Keccak-256 of the canonical form, as 0x text."""
        from eth_hash.auto import keccak  # eth_utils does the same, and takes far longer to import

        return "0x" + keccak(self.canonical.encode()).hex()

    @cached_property
    def n_topics(self) -> int:
        """Topics of a log of this event, topic0 included."""
        return 1 + sum(parameter.indexed for parameter in self.parameters)


def parse_signature(text: str) -> Signature:
    """The signature that a human-readable event declaration spells.

    Raises:
        AbiError: the text is no event signature; the message shows where it went wrong.
    """
    reader = _Reader(text.strip().removeprefix("event ").rstrip("; "))
    name = reader.take_name()
    parameters = reader.take_parameters()
    reader.expect_end()
    if sum(parameter.indexed for parameter in parameters) > 3:
        message = f"event {text!r} has more than three indexed arguments"
        raise AbiError(message)
    return Signature(name, parameters)


class _Reader:
    """Reads a signature from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def take_name(self) -> str:
        piece = self._take()
        if not re.match(r"^[A-Za-z_$]", piece):
            self._fail("a name")
        return piece

    def take_parameters(self) -> tuple[Parameter, ...]:
        if self._take() != "(":
            self._fail("'('")
        if self._peek() == ")":
            self._take()
            return ()
        parameters: list[Parameter] = []
        while True:
            parameters.append(self._take_parameter(len(parameters)))
            piece = self._take()
            if piece == ")":
                break
            if piece != ",":
                self._fail("',' or ')'")
        names = [parameter.name for parameter in parameters]
        if len(set(names)) < len(names):
            self._fail("different argument names")
        return tuple(parameters)

    def expect_end(self) -> None:
        if self._text[self._at :].strip():
            self._fail("the end")

    def _take_parameter(self, place: int) -> Parameter:
        kind = self._take_type()
        indexed, name = False, f"arg{place}"
        while re.match(r"^[A-Za-z_$]", self._peek()):
            piece = self._take()
            if piece == "indexed":
                indexed = True
            elif piece != "payable":
                name = piece
        return Parameter(name + "_" if name in RESERVED else name, kind, indexed)

    def _take_type(self) -> AbiType:
        kind: AbiType
        if self._peek() == "(":
            kind = Struct(self.take_parameters())
        else:
            kind = _leaf(self._take(), self._text)
        while self._peek().startswith("["):
            digits = self._take()[1:-1]
            kind = Array(kind, int(digits) if digits else None)
        return kind

    def _peek(self) -> str:
        match = _PIECE.match(self._text, self._at)
        return match.group(1) if match else ""

    def _take(self) -> str:
        match = _PIECE.match(self._text, self._at)
        if not match:
            self._fail("more")
        self._at = match.end()
        return match.group(1)

    def _fail(self, wanted: str) -> NoReturn:
        message = f"event signature {self._text!r}: expected {wanted} at position {self._at}"
        raise AbiError(message)


def _leaf(name: str, text: str) -> Leaf:
    canonical = _ALIASES.get(name, name)
    match = _LEAF.match(canonical)
    bits = match and (match.group(2) or match.group(3))
    size = match and match.group(4)
    if (
        not match
        or (bits and (int(bits) % 8 or not 8 <= int(bits) <= 256))
        or (size and not 1 <= int(size) <= 32)
    ):
        message = f"event signature {text!r}: {name!r} is no elementary type"
        raise AbiError(message)
    return Leaf(canonical)
