"""Log blooms of many headers at once: which blocks cannot hold a log that a filter asks for.

A bloom sets three of 2,048 bits for the address and for each topic of every log of the block
(Yellow Paper, section 4.3.1, function M). A filter whose bits are not all set has no log in the
block. The opposite proves nothing: other logs may have set the same bits.

The test is only worth what the bloom is worth. Some chains leave it zero, or stale; such a bloom
would "prove" every block empty. `Blooms.is_usable` and `Blooms.hold` find them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indexer.roots import EMPTY_ROOT
from indexer.selection import LogFilter

BLOOM_BYTES = 256


@lru_cache(maxsize=1 << 16)
def bloom_bits(item: str) -> tuple[tuple[int, int], ...]:
    """Byte index and mask of the three bits that an address or topic (`0x` text) sets."""
    from eth_hash.auto import keccak

    digest = keccak(bytes.fromhex(item[2:]))
    bits = (int.from_bytes(digest[at : at + 2], "big") & 2_047 for at in (0, 2, 4))
    return tuple((BLOOM_BYTES - 1 - bit // 8, 1 << bit % 8) for bit in bits)


@dataclass(frozen=True)
class Blooms:
    """Blooms of n headers: `content` is n rows of 256 bytes, `is_usable` n flags."""

    content: NDArray[np.uint8]
    is_usable: NDArray[np.bool_]

    @classmethod
    def of(cls, headers: pl.DataFrame) -> Blooms:
        """Blooms of headers (columns logs_bloom, receipts_root), in their order.

        A bloom is unusable where it has not 256 bytes, where it is zero though the block has
        receipts, and where it is not zero though the block has none.
        """
        given = headers["logs_bloom"]
        is_whole = (given.bin.size() == BLOOM_BYTES).fill_null(value=False).to_numpy()
        blank = bytes(BLOOM_BYTES)
        rows = (bloom if ok else blank for bloom, ok in zip(given, is_whole, strict=True))
        content = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(-1, BLOOM_BYTES)
        has_receipts = headers["receipts_root"].ne_missing(EMPTY_ROOT).to_numpy()
        return cls(content, is_whole & (content.any(axis=1) == has_receipts))

    def may_hold(self, log_filter: LogFilter) -> NDArray[np.bool_]:
        """For each block whether its bloom allows a log that the filter matches."""
        allowed = np.ones(len(self.content), dtype=np.bool_)
        for alternatives in _places(log_filter):
            allowed &= np.logical_or.reduce([self._allow(item) for item in alternatives])
        return allowed

    def hold(self, logs: pl.DataFrame, places: NDArray[Any]) -> NDArray[np.bool_]:
        """For each log (columns address, topic0) whether the bloom in its row `places` holds it.

        A bloom that lacks a log of its own block is not made of that block's logs.
        """
        held = np.ones(logs.height, dtype=np.bool_)
        for column in ("address", "topic0"):
            for item, picked in _positions(logs[column]):
                held[picked] &= self._allow(item)[places[picked]]
        return held

    def _allow(self, item: str) -> NDArray[np.bool_]:
        allowed = np.ones(len(self.content), dtype=np.bool_)
        for byte, mask in bloom_bits(item):
            allowed &= (self.content[:, byte] & mask) != 0
        return allowed


def _places(log_filter: LogFilter) -> Iterator[list[str]]:
    """The alternatives of each place of a filter that is not a wildcard."""
    for place in (log_filter.get("address"), *log_filter.get("topics", ())):
        alternatives = [place] if isinstance(place, str) else place
        if alternatives:
            yield alternatives


def _positions(values: pl.Series) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Each distinct value that is not NULL, with the positions where it stands."""
    grouped = (
        pl.DataFrame({"item": values})
        .with_row_index("at")
        .drop_nulls()
        .group_by("item", maintain_order=True)
        .agg("at")
    )
    for item, at in grouped.iter_rows():
        yield item, np.asarray(at, dtype=np.intp)
