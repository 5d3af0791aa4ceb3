"""Bytes as matrices and as columns; hex digits; and numbers in words, as polars expressions.

A word is 32 bytes, big-endian.
"""

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from data.units import MAX_DECIMAL38

WORD = 32
_DIGIT_PAIRS = np.frombuffer(bytes(range(256)).hex().encode(), dtype=np.uint16)
_BLOCK = 1 << 17  # bytes that are worked on at once, so that they stay in the processor's cache
_MAX_WEI_WORD = MAX_DECIMAL38.to_bytes(WORD, "big")


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
    n_rows, width = cells.shape
    values = np.empty((n_rows, width // 2), dtype=np.uint8)
    step = max(1, _BLOCK // max(1, width))
    for at in range(0, n_rows, step):
        digits = np.ascontiguousarray(cells[at : at + step])
        # 0 to 9 have their value in the lower half, the letters theirs less nine.
        nibbles = ((digits & 15) + 9 * (digits >> 6)).view(np.uint16)
        values[at : at + step] = (nibbles << 4) | (nibbles >> 8)
    return values, is_hex(cells)


def is_hex(cells: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which rows of characters are hex digits throughout."""
    n_rows, width = cells.shape
    found = np.ones(n_rows, dtype=np.bool_)
    step = max(1, _BLOCK // max(1, width))
    for at in range(0, n_rows, step):
        digits = np.ascontiguousarray(cells[at : at + step])
        is_digit = ((digits - ord("0")) < 10) | ((digits - ord("a")) < 6)
        # Nearly always all are, and in lower case: nothing else has to be looked for.
        if not is_digit.all():
            is_digit |= (digits - ord("A")) < 6
            found[at : at + step] = is_digit.all(axis=1)
    return found


def pointer(word: pl.Expr) -> pl.Expr:
    """A word column as Int64 where it is below 2^63, else NULL; for offsets and lengths."""
    low = word.bin.slice(24, 8).bin.reinterpret(dtype=pl.UInt64, endianness="big")
    return pl.when(word.bin.slice(0, 24) == pl.lit(bytes(24))).then(
        low.cast(pl.Int64, strict=False)
    )


def wei(word: pl.Expr) -> pl.Expr:
    """A word column as Decimal(38,0), NULL where a word does not fit or is too short."""
    low = word.bin.slice(16, 16).bin.reinterpret(dtype=pl.UInt128, endianness="big")
    is_fit = (word.bin.size() == WORD) & (word <= pl.lit(_MAX_WEI_WORD))
    return pl.when(is_fit).then(low).cast(pl.Int128).cast(pl.Decimal(38, 0))


def from_hex_quantity(quantity: pl.Expr) -> pl.Expr:
    """A word from a JSON-RPC quantity (`0x` and hex digits without padding)."""
    return quantity.str.slice(2).str.zfill(2 * WORD).str.decode("hex", strict=False)


def hex_text(part: pl.Expr) -> pl.Expr:
    """Bytes as lower-case `0x` text."""
    return pl.lit("0x") + part.bin.encode("hex")
