"""Numbers in 32-byte ABI words, as polars expressions over binary columns.

A word column is Binary, 32 bytes each, big-endian. A word that is too short gives NULL.
"""

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from data.units import MAX_DECIMAL38

WORD = 32
_ZEROS = bytes(WORD)
_ONES = b"\xff" * WORD
_DIGIT_PAIRS = np.frombuffer(bytes(range(256)).hex().encode(), dtype=np.uint16)
_MOST_BYTE = 0xFF
_MAX_WEI_WORD = MAX_DECIMAL38.to_bytes(WORD, "big")


def _values_of_pairs() -> NDArray[np.uint16]:
    """The byte that two hex digits stand for, by the digits read as one number; else 0xFFFF."""
    values = np.full(1 << 16, 0xFFFF, dtype=np.uint16)
    every = np.arange(256, dtype=np.uint16)
    values[_DIGIT_PAIRS] = every
    values[np.frombuffer(bytes(range(256)).hex().upper().encode(), dtype=np.uint16)] = every
    for pair in (f"{high}{low}" for high in "abcdefABCDEF" for low in "abcdefABCDEF"):
        values[np.frombuffer(pair.encode(), dtype=np.uint16)] = int(pair, 16)
    return values


_VALUES = _values_of_pairs()


def matrix(payloads: pl.Series, n_rows: int, n_words: int) -> NDArray[np.uint8]:
    """The bytes of all payloads, end to end, as a matrix of `n_rows` times `n_words` words."""
    joined = payloads.to_arrow(compat_level=pl.CompatLevel.newest()).cast(pa.large_binary())
    _, _, content = joined.buffers()
    if not n_rows:
        return np.empty((0, n_words, WORD), dtype=np.uint8)
    size = n_rows * n_words * WORD
    return np.frombuffer(content, dtype=np.uint8, count=size).reshape(n_rows, n_words, WORD)


def binary_column(cells: NDArray[np.uint8]) -> pl.Series:
    """Bytes, given as rows of equal length, as a binary column; of words, a word column."""
    return _column(pa.large_binary(), cells)


def text_column(cells: NDArray[np.uint8]) -> pl.Series:
    """ASCII characters, given as rows of equal length, as a text column."""
    return _column(pa.large_string(), cells)


def _column(kind: pa.DataType, cells: NDArray[np.uint8]) -> pl.Series:
    n_rows, width = cells.shape
    ends = np.arange(n_rows + 1, dtype=np.int64) * width
    packed = pa.py_buffer(np.ascontiguousarray(cells))
    array = pa.Array.from_buffers(kind, n_rows, [None, pa.py_buffer(ends), packed])
    return pl.Series(pl.from_arrow(array))


def hex_column(cells: NDArray[np.uint8]) -> pl.Series:
    """Bytes, given as rows of equal length, as lower-case `0x` text."""
    n_rows, length = cells.shape
    text = np.empty((n_rows, 2 + 2 * length), dtype=np.uint8)
    text[:, :2] = np.frombuffer(b"0x", dtype=np.uint8)
    text[:, 2:] = np.take(_DIGIT_PAIRS, cells).view(np.uint8)
    return text_column(text)


def bytes_of_hex(cells: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Bytes of rows of hex digits, an even number of them, and which rows are hex throughout."""
    if not cells.size:
        return cells, np.ones(len(cells), dtype=np.bool_)
    wide = np.take(_VALUES, np.ascontiguousarray(cells).view(np.uint16))
    # Nearly always all rows are, and none has to be looked for.
    if wide.max() <= _MOST_BYTE:
        is_hex = np.ones(len(cells), dtype=np.bool_)
    else:
        is_hex = wide.max(axis=1) <= _MOST_BYTE
    return wide.astype(np.uint8), is_hex


def is_zero(part: pl.Expr, length: int) -> pl.Expr:
    """Whether a binary expression is `length` zero bytes."""
    return part == pl.lit(_ZEROS[:length])


def low_uint64(word: pl.Expr) -> pl.Expr:
    """The lowest 64 bits of a word as UInt64."""
    return word.bin.slice(24, 8).bin.reinterpret(dtype=pl.UInt64, endianness="big")


def low_int64(word: pl.Expr) -> pl.Expr:
    """The lowest 64 bits of a word as Int64, two's complement."""
    return word.bin.slice(24, 8).bin.reinterpret(dtype=pl.Int64, endianness="big")


def pointer(word: pl.Expr) -> pl.Expr:
    """The word as Int64 where it is below 2^63, else NULL; for offsets and lengths."""
    value = low_uint64(word).cast(pl.Int64, strict=False)
    return pl.when(is_zero(word.bin.slice(0, 24), 24)).then(value)


def fits_unsigned(word: pl.Expr, bits: int) -> pl.Expr:
    """Whether the bits above the lowest `bits` are zero."""
    spare = WORD - bits // 8
    return is_zero(word.bin.slice(0, spare), spare) if spare else word.bin.size() == WORD


def fits_signed(word: pl.Expr, bits: int) -> pl.Expr:
    """Whether the bits above the lowest `bits` repeat the sign bit."""
    spare = WORD - bits // 8
    if not spare:
        return word.bin.size() == WORD
    head = word.bin.slice(0, spare)
    is_negative = word.bin.slice(spare, 1) >= pl.lit(b"\x80")
    return pl.when(is_negative).then(head == pl.lit(_ONES[:spare])).otherwise(is_zero(head, spare))


def fits_wei(word: pl.Expr) -> pl.Expr:
    """Whether an unsigned word fits DECIMAL(38,0)."""
    return (word.bin.size() == WORD) & (word <= pl.lit(_MAX_WEI_WORD))


def wei(word: pl.Expr) -> pl.Expr:
    """The word as Decimal(38,0) where it fits, else NULL; see `fits_wei`."""
    low = word.bin.slice(16, 16).bin.reinterpret(dtype=pl.UInt128, endianness="big")
    return pl.when(fits_wei(word)).then(low).cast(pl.Int128).cast(pl.Decimal(38, 0))


def uint_text(word: pl.Expr) -> pl.Expr:
    """The unsigned word as exact decimal text."""
    return word.map_batches(_uint_text, return_dtype=pl.String)


def int_text(word: pl.Expr) -> pl.Expr:
    """The word as exact decimal text, two's complement."""
    return word.map_batches(_int_text, return_dtype=pl.String)


def _uint_text(words: pl.Series) -> pl.Series:
    head = words.bin.slice(0, 24)
    if head.eq(pl.Series([_ZEROS[:24]])).all():
        # Ids that were counted up; NULL words stay NULL.
        low64 = words.bin.slice(24, 8).bin.reinterpret(dtype=pl.UInt64, endianness="big")
        return low64.cast(pl.String)
    high = words.bin.slice(0, 16).bin.reinterpret(dtype=pl.UInt128, endianness="big")
    low = words.bin.slice(16, 16).bin.reinterpret(dtype=pl.UInt128, endianness="big")
    texts = low.cast(pl.String)
    # One 128-bit read serves nearly every word; only the others become Python integers.
    return _with_python(words, texts, (high > 0) & low.is_not_null(), signed=False)


def _int_text(words: pl.Series) -> pl.Series:
    texts = _uint_text(words)
    top = words.bin.slice(0, 8).bin.reinterpret(dtype=pl.Int64, endianness="big")
    return _with_python(words, texts, (top < 0) & (words.bin.size() == WORD), signed=True)


def _with_python(
    words: pl.Series, texts: pl.Series, where: pl.Series, *, signed: bool
) -> pl.Series:
    places = where.arg_true()
    if places.is_empty():
        return texts
    exact = [str(int.from_bytes(word, "big", signed=signed)) for word in words.gather(places)]
    return texts.scatter(places, exact)


def from_hex_quantity(quantity: pl.Expr) -> pl.Expr:
    """A word from a JSON-RPC quantity (`0x` and hex digits without padding)."""
    return quantity.str.slice(2).str.zfill(2 * WORD).str.decode("hex", strict=False)


def hex_text(part: pl.Expr) -> pl.Expr:
    """Bytes as lower-case `0x` text."""
    return pl.lit("0x") + part.bin.encode("hex")
