"""Content identifiers of IPFS, and the check that bytes are what one names.

Source: the CID specification (multiformats/cid) and multicodec table: CIDv0 is a base58btc SHA-256
multihash of dag-pb; CIDv1 is multibase(version, codec, multihash).
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

RAW, DAG_PB = 0x55, 0x70
_SHA2_256, _IDENTITY = 0x12, 0x00
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_MAX_TEXT = 128
_MAX_IDENTITY = 64


class CidError(ValueError):
    """Raised when a text or bytes are no CID that can be verified here."""


@dataclass(frozen=True)
class Cid:
    """Codec (raw or dag-pb), hash function and digest of a block."""

    codec: int
    function: int
    digest: bytes

    @property
    def key(self) -> str:
        """The one text of this block, CIDv1 in base32, by which it is asked for."""
        head = bytes([1, self.codec, self.function, len(self.digest)])
        return "b" + base64.b32encode(head + self.digest).decode().rstrip("=").lower()

    @property
    def inline(self) -> bytes | None:
        """The block itself where the CID carries it (the identity hash)."""
        return self.digest if self.function == _IDENTITY else None

    def matches(self, block: bytes) -> bool:
        """Whether bytes are the block that this CID names."""
        if self.function == _IDENTITY:
            return block == self.digest
        return hashlib.sha256(block).digest() == self.digest


def parse_cid(text: str) -> Cid:
    """The CID in a text: v0, or v1 in base32, base36, base58btc or base16.

    Raises:
        CidError: it is none, or of a codec or hash that is not verified here.
    """
    if not text.isascii() or not text.isalnum() or len(text) > _MAX_TEXT:
        message = f"{text[:60]!r} is no CID"
        raise CidError(message)
    if len(text) == 46 and text.startswith("Qm"):
        return read_cid(_base_n(text, _BASE58))
    decode = {"b": _base32, "B": _base32, "k": _base36, "K": _base36, "z": _base58, "f": _base16}
    if text[:1] not in decode:
        message = f"{text[:60]!r} is no CID of a known base"
        raise CidError(message)
    raw = decode[text[0]](text[1:])
    if raw[:1] != b"\x01":
        message = f"{text[:60]!r} is no CID of version 0 or 1"
        raise CidError(message)
    return read_cid(raw)


def read_cid(raw: bytes) -> Cid:
    """The CID in its bytes, as links between blocks carry it.

    Raises:
        CidError: as `parse_cid`.
    """
    if len(raw) == 34 and raw[:2] == b"\x12\x20":
        return Cid(DAG_PB, _SHA2_256, raw[2:])
    version, at = read_varint(raw, 0)
    codec, at = read_varint(raw, at)
    function, at = read_varint(raw, at)
    length, at = read_varint(raw, at)
    digest = raw[at:]
    if version != 1 or len(digest) != length:
        message = "the bytes of the CID are malformed"
        raise CidError(message)
    if codec not in (RAW, DAG_PB):
        message = f"codec 0x{codec:x} is not read; raw and dag-pb are"
        raise CidError(message)
    is_sha256 = function == _SHA2_256 and length == 32
    if not is_sha256 and not (function == _IDENTITY and length <= _MAX_IDENTITY):
        message = f"hash function 0x{function:x} is not verified; sha2-256 is"
        raise CidError(message)
    return Cid(codec, function, digest)


def read_varint(raw: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 integer of 64 bits at most, and the place after it.

    Raises:
        CidError: it is cut off or too long.
    """
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(raw):
            break
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    message = "a number is cut off or too long"
    raise CidError(message)


def _base_n(text: str, alphabet: str) -> bytes:
    value = 0
    for sign in text:
        place = alphabet.find(sign)
        if place < 0:
            message = f"{sign!r} is no sign of base{len(alphabet)}"
            raise CidError(message)
        value = value * len(alphabet) + place
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + value.to_bytes((value.bit_length() + 7) // 8, "big")


def _base58(text: str) -> bytes:
    return _base_n(text, _BASE58)


def _base36(text: str) -> bytes:
    return _base_n(text.lower(), _BASE36)


def _base32(text: str) -> bytes:
    try:
        return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except binascii.Error as error:
        message = "the CID is no base32"
        raise CidError(message) from error


def _base16(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        message = "the CID is no base16"
        raise CidError(message) from error
