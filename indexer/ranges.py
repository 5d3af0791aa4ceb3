"""Block ranges: the syntax of cryo, set arithmetic and chunks.

All ranges are half-open: `(18, 20)` is the blocks 18 and 19.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from indexer.errors import BlockSyntaxError

BlockRange = tuple[int, int]

_NUMBER = re.compile(r"^(\d+(?:_\d+)*)(?:\.(\d+))?([kKmMbB]?)$")
_SCALE = {"": 0, "k": 3, "m": 6, "b": 9}


def parse_blocks(texts: Iterable[str], head: int) -> list[BlockRange]:
    """The union of several block expressions, sorted, without overlaps, cut at the head.

    `A:B` is A up to and without B; `A:` runs to the head, `:B` starts at 0; `A:+N` is N blocks
    from A; `:-N` ends N blocks before the block after the head, `-N:` starts there; `N` is one
    block. Numbers take k, M and B and underscores: `18M:18.1M`. A text may hold several, separated
    by commas or spaces; `@FILE` reads them from a file, one per line, `#` starts a comment.

    Raises:
        BlockSyntaxError: a text cannot be understood, or its end lies before its start.
    """
    ranges = [parse_range(part, head) for text in texts for part in _parts(text)]
    return merge((max(start, 0), min(end, head + 1)) for start, end in ranges)


def parse_range(text: str, head: int) -> BlockRange:
    """One expression as a half-open range; see `parse_blocks`.

    Raises:
        BlockSyntaxError: the text cannot be understood, or its end lies before its start.
    """
    if ":" not in text:
        block = _number(text, text)
        return block, block + 1
    first, _, last = text.partition(":")
    end_of_chain = head + 1
    start = 0 if not first else _bound(first, text, end_of_chain)
    if last.startswith("+"):
        end = start + _number(last[1:], text)
    else:
        end = end_of_chain if not last else _bound(last, text, end_of_chain)
    if end < start and not last.startswith("-"):
        message = f"block range {text!r} ends at {end}, before its start {start}; write START:END"
        raise BlockSyntaxError(message)
    return start, max(start, end)


def merge(ranges: Iterable[BlockRange]) -> list[BlockRange]:
    """The same blocks as sorted ranges that neither touch nor overlap."""
    merged: list[BlockRange] = []
    for start, end in sorted(part for part in ranges if part[0] < part[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def subtract(wanted: Iterable[BlockRange], done: Iterable[BlockRange]) -> list[BlockRange]:
    """The blocks of `wanted` that are not in `done`, as sorted ranges."""
    holes = merge(done)
    left: list[BlockRange] = []
    for start, end in merge(wanted):
        at = start
        for hole_start, hole_end in holes:
            if hole_end <= at or hole_start >= end:
                continue
            if hole_start > at:
                left.append((at, hole_start))
            at = hole_end
        if at < end:
            left.append((at, end))
    return left


def join_neighbours(ranges: Iterable[BlockRange], most: int) -> list[BlockRange]:
    """Sorted ranges, those that touch joined as long as they have at most `most` blocks."""
    joined: list[BlockRange] = []
    for start, end in ranges:
        if joined and start == joined[-1][1] and end - joined[-1][0] <= most:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def chunks(ranges: Iterable[BlockRange], size: int) -> Iterator[BlockRange]:
    """The ranges cut into pieces of at most `size` blocks, in order."""
    for start, end in ranges:
        for at in range(start, end, size):
            yield at, min(at + size, end)


def count_blocks(ranges: Iterable[BlockRange]) -> int:
    """How many blocks the ranges hold, each counted as often as it occurs."""
    return sum(end - start for start, end in ranges)


def _parts(text: str) -> Iterator[str]:
    if text.startswith("@"):
        path = Path(text[1:])
        if not path.is_file():
            message = (
                f"block file {str(path)!r} does not exist; give --blocks @FILE a readable file"
            )
            raise BlockSyntaxError(message)
        lines = path.read_text(encoding="utf-8").splitlines()
        yield from (
            part for line in lines for part in re.split(r"[,\s]+", line.split("#")[0]) if part
        )
        return
    parts = [part for part in re.split(r"[,\s]+", text) if part]
    if not parts:
        message = "a block range is empty; write START:END, e.g. 18M:18.1M"
        raise BlockSyntaxError(message)
    yield from parts


def _bound(text: str, whole: str, end_of_chain: int) -> int:
    if text.startswith("-"):
        return max(end_of_chain - _number(text[1:], whole), 0)
    return _number(text, whole)


def _number(text: str, whole: str) -> int:
    match = _NUMBER.match(text)
    if not match:
        message = (
            f"block range {whole!r}: {text!r} is no block number; write e.g. 18M:18.1M or :-1000"
        )
        raise BlockSyntaxError(message)
    digits, fraction, unit = match.group(1).replace("_", ""), match.group(2) or "", match.group(3)
    shift = _SCALE[unit.lower()] - len(fraction)
    if shift < 0:
        message = f"block range {whole!r}: {text!r} is no whole number of blocks"
        raise BlockSyntaxError(message)
    return int(digits + fraction + "0" * shift)
