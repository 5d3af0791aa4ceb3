"""Root of the trie of a block's receipts, from receipts in the shape of eth_getBlockReceipts.

Yellow Paper, section 4.3.1 and appendix D; typed receipts as in EIP-2718; before Byzantium a
receipt holds a state root where it now holds a status (EIP-658).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import rlp
from eth_utils import keccak

from tests.recording import Json, quantity

EMPTY_ROOT = "0x" + keccak(rlp.encode(b"")).hex()

_Path = tuple[int, ...]


def receipts_root(receipts: Sequence[Json]) -> str:
    """The root that the header of the block with these receipts names."""
    if not receipts:
        return EMPTY_ROOT
    leaves = {
        _nibbles(rlp.encode(place)): encode_receipt(receipt)
        for place, receipt in enumerate(receipts)
    }
    return "0x" + keccak(rlp.encode(_node(leaves))).hex()


def encode_receipt(receipt: Json) -> bytes:
    """The consensus encoding of a receipt."""
    outcome = (
        _bytes(receipt["root"])
        if receipt.get("root") is not None
        else _number(quantity(receipt["status"]))
    )
    fields = [
        outcome,
        _number(quantity(receipt["cumulativeGasUsed"])),
        _bytes(receipt["logsBloom"]),
        [
            [
                _bytes(log["address"]),
                [_bytes(topic) for topic in log["topics"]],
                _bytes(log["data"]),
            ]
            for log in receipt["logs"]
        ],
    ]
    kind = quantity(receipt.get("type", 0))
    return (bytes([kind]) if kind else b"") + rlp.encode(fields)


def _node(leaves: Mapping[_Path, bytes]) -> Any:
    """The trie node over paths, all of which differ: leaf, extension or branch."""
    if len(leaves) == 1:
        ((path, value),) = leaves.items()
        return [_compact(path, is_leaf=True), value]
    shared = _shared(list(leaves))
    if shared:
        below = {path[shared:]: value for path, value in leaves.items()}
        return [_compact(next(iter(leaves))[:shared], is_leaf=False), _reference(_node(below))]
    branch: list[Any] = [b""] * 17
    for nibble in range(16):
        below = {path[1:]: value for path, value in leaves.items() if path[:1] == (nibble,)}
        if below:
            branch[nibble] = _reference(_node(below))
    branch[16] = leaves.get((), b"")
    return branch


def _reference(node: Any) -> Any:
    encoded = rlp.encode(node)
    return node if len(encoded) < 32 else keccak(encoded)


def _shared(paths: Sequence[_Path]) -> int:
    low, high = min(paths), max(paths)
    length = 0
    while length < min(len(low), len(high)) and low[length] == high[length]:
        length += 1
    return length


def _compact(path: _Path, *, is_leaf: bool) -> bytes:
    odd = len(path) % 2
    flagged = (2 * is_leaf + odd, *([] if odd else [0]), *path)
    return bytes(16 * flagged[i] + flagged[i + 1] for i in range(0, len(flagged), 2))


def _nibbles(key: bytes) -> _Path:
    return tuple(half for byte in key for half in divmod(byte, 16))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
