"""Values out of ABI words: numbers, addresses, hashes, and whether a word is one of its type.

Words come as a matrix of bytes, 32 to a row, so that a batch is read by a few passes over memory.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from data.units import MAX_DECIMAL38
from indexer.words import WORD, binary_column, bytes_of_hex, hex_column, is_hex, text_column

_HASH_LENGTH = 2 + 2 * WORD
_ADDRESS_LENGTH = 42
_ADDRESS_AT = _HASH_LENGTH - 40
_LOW_AT = _HASH_LENGTH - 16
_MAX_HIGH, _MAX_LOW = divmod(MAX_DECIMAL38, 1 << 64)
_EIGHT_ZEROS = int.from_bytes(b"00000000", "little")
_NO_HASH = "0x" + "00" * WORD
_ABOVE_64_BITS = np.frombuffer(b"\xff" * 24 + bytes(8), dtype=np.uint8)
_ABOVE_63_BITS = np.frombuffer(b"\xff" * 24 + b"\x80" + bytes(7), dtype=np.uint8)

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Words:
    """A word for each row; where there is none, `is_there` is false and the word zero."""

    cells: Bytes
    is_there: Mask


@dataclass(frozen=True)
class Payloads:
    """The bytes of all rows, end to end; `size` is -1 where a row has none."""

    content: Bytes
    starts: Places
    size: Places

    @classmethod
    def of(cls, column: pl.Series) -> "Payloads":
        """The bytes of a binary column."""
        joined = column.to_arrow(compat_level=pl.CompatLevel.newest()).cast(pa.large_binary())
        _, offsets, content = joined.buffers()
        ends = np.frombuffer(offsets, np.int64, len(column) + 1, 8 * joined.offset)
        size = np.where(column.is_null().to_numpy(), -1, np.diff(ends))
        found = np.frombuffer(content, np.uint8) if content else np.empty(0, np.uint8)
        return cls(found, ends[:-1], size)

    def take(self, at: Places, is_there: Mask, length: int = WORD) -> Bytes:
        """As many bytes from each place in the content, as rows of a matrix; else zeros."""
        if is_there.all() and len(at):
            return self._windows(length)[at].view(np.uint8).reshape(len(at), length)
        taken = np.zeros((len(at), length), dtype=np.uint8)
        if is_there.any():
            taken[is_there] = self.take(at[is_there], is_there[is_there], length)
        return taken

    def words(self, offset: Places | int, is_there: Mask) -> Words:
        """The word at an offset into the bytes of each row."""
        return Words(self.take(self.starts + offset, is_there), is_there)

    def _windows(self, length: int) -> NDArray[np.void]:
        # All windows of the content at once, without a copy: taking one is a memcpy.
        shape = (len(self.content) - length + 1,)
        return np.ndarray(shape, f"V{length}", self.content, 0, (1,))


def read_topic(topics: pl.Series, kind: str, *, is_wei: bool) -> tuple[pl.Series, Mask]:
    """Values of a column of words as `0x` text, as `value`, and which of them fit, as `fits`."""
    is_whole = (topics.str.len_bytes() == _HASH_LENGTH).fill_null(value=False)
    if not is_whole.all():
        whole = pl.when(is_whole).then(topics).otherwise(pl.lit(_NO_HASH))
        topics = pl.select(whole).to_series()
    content = topics.to_arrow(compat_level=pl.CompatLevel.newest()).cast(pa.large_string())
    characters = np.frombuffer(content.buffers()[2] or b"", np.uint8).reshape(-1, _HASH_LENGTH)
    if kind in ("address", "bytes32"):
        values, is_fit = _read_text(topics, characters, kind)
        return values, is_fit & is_whole.to_numpy()
    cells, is_number = _read_digits(characters)
    if not is_number.all():
        cells[~is_number] = 0
    words = Words(cells, is_number & is_whole.to_numpy())
    return value(words, kind, is_wei=is_wei), fits(words, kind, is_wei=is_wei)


def _read_text(topics: pl.Series, characters: Bytes, kind: str) -> tuple[pl.Series, Mask]:
    """Addresses and hashes, which stay text."""
    if kind == "bytes32":
        return topics, is_hex(characters[:, 2:])
    short = np.empty((len(characters), _ADDRESS_LENGTH), dtype=np.uint8)
    # A prefix of digits for now, so that the check runs over memory without holes.
    _part(short, 0, 2)[:] = b"00"
    _part(short, 2, 40)[:] = _part(characters, _ADDRESS_AT, 40)
    is_fit = is_hex(short) & _are_zeros(characters, 2, _ADDRESS_AT)
    _part(short, 0, 2)[:] = _part(characters, 0, 2)
    if not is_fit.all():
        short[~is_fit] = ord("0")
    return text_column(short), is_fit


def _read_digits(characters: Bytes) -> tuple[Bytes, Mask]:
    """The bytes of words, and which rows are hex throughout."""
    if not _are_zeros(characters, 2, _LOW_AT).all():
        return bytes_of_hex(characters[:, 2:])
    # Most numbers are small: only their last 64 bits are worth reading.
    cells = np.zeros((len(characters), WORD), dtype=np.uint8)
    low = _part(characters, _LOW_AT, 16).copy().view(np.uint8).reshape(len(characters), 16)
    cells[:, 24:], is_number = bytes_of_hex(low)
    return cells, is_number


def _are_zeros(characters: Bytes, start: int, end: int) -> Mask:
    """Which rows are the digit 0 from one place to another, eight characters at once."""
    zeros = np.ones(len(characters), dtype=np.bool_)
    for at in range(start, end, 8):
        zeros &= np.ndarray(len(characters), "<u8", characters, at, (_HASH_LENGTH,)) == _EIGHT_ZEROS
    return zeros


def _part(characters: Bytes, at: int, length: int) -> NDArray[np.void]:
    """Some characters of every row as one element each: copying one is a memcpy."""
    n_rows, width = characters.shape
    return np.ndarray((n_rows,), f"V{length}", characters, at, (width,))


# --- numbers


def pointer(words: Words) -> Places:
    """The words as numbers where they are below 2^63, else -1; for offsets and lengths."""
    low = _quarters(words.cells)[:, 3].astype(np.int64)
    return np.where(words.is_there & _is_clear(words.cells, _ABOVE_63_BITS), low, -1)


def value(words: Words, kind: str, *, is_wei: bool) -> pl.Series:
    """The words as values of a type, in the form that `indexer.abi` describes."""
    if kind == "address":
        return hex_column(words.cells[:, 12:])
    if kind == "bool":
        return pl.Series(words.cells[:, WORD - 1] == 1)
    if kind.startswith("bytes"):
        return hex_column(words.cells[:, : int(kind[5:])])
    return _wei(words) if is_wei else _integer(words, kind)


def _integer(words: Words, kind: str) -> pl.Series:
    is_signed = kind.startswith("int")
    bits = int(kind.removeprefix("u").removeprefix("int"))
    if bits <= 64:
        low = _quarters(words.cells)[:, 3]
        return pl.Series(low.view(">i8").astype(np.int64) if is_signed else low.astype(np.uint64))
    return _decimal_text(words.cells, is_signed=is_signed)


def _wei(words: Words) -> pl.Series:
    """Decimal(38,0), NULL where a word does not fit."""
    parts = _quarters(words.cells)
    low_first = np.empty((len(parts), 2), dtype="<u8")
    low_first[:, 0], low_first[:, 1] = parts[:, 3], parts[:, 2]
    is_fit = _fits_wei(words.cells)
    if not is_fit.all():
        low_first[~is_fit] = 0
    kind = pa.decimal128(38, 0)
    array = pa.Array.from_buffers(kind, len(parts), [None, pa.py_buffer(low_first)])
    amounts = pl.Series(pl.from_arrow(array)).cast(pl.Decimal(38, 0))
    if is_fit.all():
        return amounts
    return pl.select(pl.when(pl.Series(is_fit)).then(amounts)).to_series()


def _decimal_text(cells: Bytes, *, is_signed: bool) -> pl.Series:
    """Exact decimal text."""
    parts = _quarters(cells)
    if _is_clear(cells, _ABOVE_64_BITS).all():
        # Ids that were counted up.
        return pl.Series(parts[:, 3].astype(np.uint64)).cast(pl.String)
    words = binary_column(cells)
    low = words.bin.slice(16, 16).bin.reinterpret(dtype=pl.UInt128, endianness="big")
    # One 128-bit read serves most words; only the others become Python integers.
    places = np.flatnonzero(parts[:, :2].any(axis=1))
    if not len(places):
        return low.cast(pl.String)
    exact = [
        str(int.from_bytes(word, "big", signed=is_signed))
        for word in words.gather(pl.Series(places))
    ]
    return low.cast(pl.String).scatter(pl.Series(places), exact)


def _quarters(cells: Bytes) -> NDArray[np.uint64]:
    """Words as four numbers of 64 bits each, the highest first."""
    return np.ascontiguousarray(cells).view(">u8")


# --- checks


def fits(words: Words, kind: str, *, is_wei: bool) -> Mask:
    """Which words are clean values of a type: padded as the ABI says, and in its range."""
    if is_wei:
        return words.is_there & _fits_wei(words.cells)
    if kind.startswith("int"):
        return words.is_there & _fits_signed(words.cells, int(kind[3:]))
    return words.is_there & _is_clear(words.cells, _spare_bits(kind))


def _spare_bits(kind: str) -> Bytes:
    """The bits of a word that are zero in every value of a type."""
    spare = np.zeros(WORD, dtype=np.uint8)
    if kind == "bool":
        spare[:] = 0xFF
        spare[-1] = 0xFE
    elif kind == "address":
        spare[:12] = 0xFF
    elif kind.startswith("bytes"):
        spare[int(kind[5:]) :] = 0xFF
    else:
        spare[: WORD - int(kind[4:]) // 8] = 0xFF
    return spare


def _is_clear(cells: Bytes, bits: Bytes) -> Mask:
    clear = np.ones(len(cells), dtype=np.bool_)
    parts = np.ascontiguousarray(cells).view(np.uint64)
    for place, wanted in enumerate(bits.view(np.uint64)):
        if wanted:
            clear &= (parts[:, place] & wanted) == 0
    return clear


def _fits_signed(cells: Bytes, bits: int) -> Mask:
    """Whether the bits above the lowest `bits` repeat the sign bit."""
    spare = WORD - bits // 8
    if not spare:
        return np.ones(len(cells), dtype=np.bool_)
    fill = np.where(cells[:, spare] >= 0x80, np.uint8(0xFF), np.uint8(0))
    return np.asarray((cells[:, :spare] == fill[:, None]).all(axis=1))


def _fits_wei(cells: Bytes) -> Mask:
    parts = _quarters(cells)
    high, low = parts[:, 2], parts[:, 3]
    is_small = (high < _MAX_HIGH) | ((high == _MAX_HIGH) & (low <= _MAX_LOW))
    return np.asarray(is_small & (parts[:, 0] == 0) & (parts[:, 1] == 0))
