"""Nodes of dag-pb with UnixFS data: files in pieces, folders, and folders spread over shards.

Source: the specifications of dag-pb (ipld/specs) and UnixFS v1 (ipfs/specs); a sharded folder is a
hash array mapped trie over MurmurHash3 x64, whose links are named by slot and entry.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from indexer.metadata.cid import Cid, CidError, read_cid, read_varint

RAW, DIRECTORY, FILE, SYMLINK, SHARD = 0, 1, 2, 4, 5
_MURMUR3_X64_64 = 0x22
_MAX_LINKS = 100_000
_BITS64 = (1 << 64) - 1


class DagError(ValueError):
    """Raised when a block is no dag-pb node, or no UnixFS node that is read here."""


@dataclass(frozen=True)
class Link:
    """A named link to another block."""

    cid: Cid
    name: str


@dataclass(frozen=True)
class Node:
    """A UnixFS node: its kind, the bytes in it, its links, and the fanout of a shard."""

    kind: int
    data: bytes
    links: tuple[Link, ...]
    fanout: int = 0

    @property
    def is_file(self) -> bool:
        """Whether its bytes, followed by those of its links, are a file."""
        return self.kind in (RAW, FILE)

    @cached_property
    def entries(self) -> dict[str, Link]:
        """Links by name; of several with one name the first."""
        return {link.name: link for link in reversed(self.links)}


def read_node(block: bytes) -> Node:
    """The UnixFS node in a dag-pb block.

    Raises:
        DagError: the block is malformed, or a hash table of another function.
    """
    try:
        links: list[Link] = []
        payload = b""
        for number, value in _fields(block):
            if number == 2 and isinstance(value, bytes):
                links.append(_read_link(value))
            elif number == 1 and isinstance(value, bytes):
                payload = value
            if len(links) > _MAX_LINKS:
                message = f"a node with more than {_MAX_LINKS:,} links"
                raise DagError(message)
        return _read_unixfs(payload, tuple(links))
    except (CidError, UnicodeDecodeError) as error:
        message = f"the block is no dag-pb node: {error}"
        raise DagError(message) from error


def find_entry(node: Node, name: str, depth: int) -> tuple[Link | None, bool]:
    """The link of a folder that leads to an entry, and whether it is the entry itself.

    In a sharded folder the link may lead to a deeper shard, to be asked with `depth` + 1.

    Raises:
        DagError: the node is no folder.
    """
    if node.kind == DIRECTORY:
        return node.entries.get(name), True
    if node.kind != SHARD:
        message = "a path leads through something that is no folder"
        raise DagError(message)
    bits = node.fanout.bit_length() - 1
    digits = len(f"{node.fanout - 1:X}")
    if bits < 1 or (depth + 1) * bits > 64:
        message = "a sharded folder is deeper than its hash"
        raise DagError(message)
    slot = (murmur3_x64(name.encode()) >> (64 - (depth + 1) * bits)) & (node.fanout - 1)
    prefix = f"{slot:0{digits}X}"
    deeper = node.entries.get(prefix)
    return (deeper, False) if deeper else (node.entries.get(prefix + name), True)


def _read_link(raw: bytes) -> Link:
    cid, name = b"", ""
    for number, value in _fields(raw):
        if number == 1 and isinstance(value, bytes):
            cid = value
        elif number == 2 and isinstance(value, bytes):
            name = value.decode()
    return Link(read_cid(cid), name)


def _read_unixfs(payload: bytes, links: tuple[Link, ...]) -> Node:
    kind, data, fanout, function = -1, b"", 0, _MURMUR3_X64_64
    for number, value in _fields(payload):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2 and isinstance(value, bytes):
            data = value
        elif number == 5 and isinstance(value, int):
            function = value
        elif number == 6 and isinstance(value, int):
            fanout = value
    if kind == SHARD and (function != _MURMUR3_X64_64 or fanout & (fanout - 1) or not fanout):
        message = "a sharded folder of an unknown hash or width"
        raise DagError(message)
    if kind not in (RAW, DIRECTORY, FILE, SHARD):
        message = "a node that is neither a file nor a folder"
        raise DagError(message)
    return Node(kind, data, links, fanout)


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protobuf message."""
    at = 0
    while at < len(raw):
        tag, at = read_varint(raw, at)
        value: int | bytes
        if tag & 7 == 0:
            value, at = read_varint(raw, at)
        elif tag & 7 == 2:
            size, at = read_varint(raw, at)
            if at + size > len(raw):
                message = "a field reaches past the end of the block"
                raise DagError(message)
            value, at = raw[at : at + size], at + size
        else:
            message = f"a field of wire type {tag & 7}"
            raise DagError(message)
        yield tag >> 3, value


def murmur3_x64(key: bytes) -> int:
    """The first 64 bits of MurmurHash3 x64 128 with seed 0 (Appleby), as UnixFS takes them."""
    one, two = 0x87C37B91114253D5, 0x4CF5AD432745937F
    low = high = 0
    whole = len(key) - len(key) % 16
    for at in range(0, whole, 16):
        low ^= _mix(int.from_bytes(key[at : at + 8], "little"), one, 31, two)
        low = (_turn(low, 27) + high) * 5 + 0x52DCE729 & _BITS64
        high ^= _mix(int.from_bytes(key[at + 8 : at + 16], "little"), two, 33, one)
        high = (_turn(high, 31) + low) * 5 + 0x38495AB5 & _BITS64
    tail = key[whole:]
    high ^= _mix(int.from_bytes(tail[8:], "little"), two, 33, one)
    low ^= _mix(int.from_bytes(tail[:8], "little"), one, 31, two)
    low ^= len(key)
    high ^= len(key)
    low = low + high & _BITS64
    high = high + low & _BITS64
    return _final(low) + _final(high) & _BITS64


def _mix(value: int, first: int, turns: int, second: int) -> int:
    return _turn(value * first & _BITS64, turns) * second & _BITS64


def _turn(value: int, bits: int) -> int:
    return (value << bits | value >> 64 - bits) & _BITS64


def _final(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & _BITS64
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & _BITS64
    return value ^ value >> 33
