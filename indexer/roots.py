"""Roots that a block header commits to, recomputed from what a node tells of the block.

The receipts root binds every log of a block to the header: receipts whose root agrees are the
block's receipts, whole and unaltered. Sources: Yellow Paper, section 4.3.1 and appendices B (RLP)
and D (trie); EIP-658 (status in place of the state root), EIP-2718 (typed receipts).

RLP and the trie are written out here: no trie library is among the dependencies, a root over keys
0 to n - 1 needs a small part of one, and RLP of plain byte strings is ten times faster without the
type inference of a general encoder. Tests compare both with independent encoders and real blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from indexer.errors import RootError

EMPTY_ROOT = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
"""Root of a trie without entries: keccak-256 of the RLP of nothing."""

_KNOWN_TYPES = range(5)
"""Receipt types of Ethereum: legacy, EIP-2930, EIP-1559, EIP-4844, EIP-7702. Other chains have
more, with fields of their own."""

# fmt: off
_HEADER_FIELDS = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot",
    "logsBloom", "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData",
    "mixHash", "nonce",
)
# EIP-1559, EIP-4895, EIP-4844 (two), EIP-4788, EIP-7685: each came after those before it.
_LATER_FIELDS = (
    "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot",
    "requestsHash",
)
_QUANTITIES = frozenset({
    "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed",
    "excessBlobGas",
})
# fmt: on

_Rlp = bytes | Sequence["_Rlp"]


def receipts_root(receipts: Sequence[Mapping[str, Any]]) -> str:
    """The receipts root of a block with these receipts (shape of eth_getBlockReceipts), any order.

    Raises:
        RootError: a receipt lacks a field, or is of a type whose encoding is not known.
    """
    try:
        ordered = sorted(receipts, key=lambda receipt: int(receipt["transactionIndex"], 16))
        return trie_root([encode_receipt(receipt) for receipt in ordered])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"a receipt lacks a field or has a malformed one: {error}"
        raise RootError(message) from error


def encode_receipt(receipt: Mapping[str, Any]) -> bytes:
    """The consensus encoding of one receipt.

    Raises:
        RootError: the receipt is of a type whose encoding is not known, or has no outcome.
    """
    kind = int(receipt.get("type") or "0x0", 16)
    if kind not in _KNOWN_TYPES:
        message = f"receipts of type {kind:#x} have an encoding of their own"
        raise RootError(message)
    if receipt.get("root") is not None:
        outcome = _bytes(receipt["root"])
    elif receipt.get("status") is not None:
        outcome = _number(receipt["status"])
    else:
        message = "a receipt has neither status nor state root"
        raise RootError(message)
    logs: list[_Rlp] = [
        [_bytes(log["address"]), [_bytes(topic) for topic in log["topics"]], _bytes(log["data"])]
        for log in receipt["logs"]
    ]
    used, bloom = _number(receipt["cumulativeGasUsed"]), _bytes(receipt["logsBloom"])
    content = encode_rlp([outcome, used, bloom, logs])
    return bytes([kind]) + content if kind else content


def header_hash(header: Mapping[str, Any]) -> str:
    """The hash of a header with these fields (shape of eth_getBlockByNumber), Ethereum's encoding.

    Chains that add fields of their own hash something else; a hash that differs proves nothing
    there.

    Raises:
        RootError: a field is missing or malformed.
    """
    later = [name for name in _LATER_FIELDS if header.get(name) is not None]
    try:
        fields = [
            (_number if name in _QUANTITIES else _bytes)(header[name])
            for name in (*_HEADER_FIELDS, *later)
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"the header lacks a field or has a malformed one: {error}"
        raise RootError(message) from error
    return "0x" + _keccak(encode_rlp(fields)).hex()


def trie_root(values: Sequence[bytes]) -> str:
    """Root of the Merkle-Patricia trie with the RLP of 0, 1, ... as keys of these values."""
    if not values:
        return EMPTY_ROOT
    entries = [(encode_rlp(_minimal(at)).hex(), value) for at, value in enumerate(values)]
    return "0x" + _keccak(encode_rlp(_node(sorted(entries), 0))).hex()


def encode_rlp(item: _Rlp) -> bytes:
    """RLP of bytes, or of lists of lists of bytes."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _length(len(item), 0x80) + item
    content = b"".join(map(encode_rlp, item))
    return _length(len(content), 0xC0) + content


def _length(size: int, offset: int) -> bytes:
    if size < 56:
        return bytes([offset + size])
    digits = _minimal(size)
    return bytes([offset + 55 + len(digits)]) + digits


def _node(entries: Sequence[tuple[str, bytes]], depth: int) -> list[_Rlp]:
    """The node over sorted entries whose keys (hex digits) agree up to `depth`.

    No key begins another, since RLP tells lengths first; so a branch never has a value.
    """
    key, value = entries[0]
    if len(entries) == 1:
        return [_compact(key[depth:], is_leaf=True), value]
    fork = _common(key, entries[-1][0], depth)
    if fork > depth:
        return [_compact(key[depth:fork], is_leaf=False), _reference(_node(entries, fork))]
    branch: list[_Rlp] = [b""] * 17
    for digit in range(16):
        below = [entry for entry in entries if int(entry[0][depth], 16) == digit]
        if below:
            branch[digit] = _reference(_node(below, depth + 1))
    return branch


def _common(first: str, last: str, depth: int) -> int:
    """Length of the prefix that two keys share; of sorted keys, all between share it too."""
    while first[depth] == last[depth]:
        depth += 1
    return depth


def _reference(node: list[_Rlp]) -> _Rlp:
    encoded = encode_rlp(node)
    return node if len(encoded) < 32 else _keccak(encoded)


def _compact(digits: str, *, is_leaf: bool) -> bytes:
    flag = 2 * is_leaf + len(digits) % 2
    return bytes.fromhex(f"{flag:x}{'' if flag % 2 else '0'}{digits}")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _number(quantity: str) -> bytes:
    return _minimal(int(quantity, 16))


def _minimal(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _keccak(content: bytes) -> bytes:
    from eth_hash.auto import keccak

    return bytes(keccak(content))
