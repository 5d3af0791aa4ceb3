"""Other histories of a replayed chain: what it is after a reorganisation.

`fork(chain, n)` shares all blocks below n with the chain and has its own from n on:

- **Hash of block m ≥ n**: the first 24 bytes of keccak-256 of `b"fork"` ‖ salt as 32 bytes,
  big-endian ‖ hash of block m on the chain that was forked, and then m as 8 bytes. Forks of other
  salts, and forks of forks, differ in every such hash.
- **Times** are those of the forked chain, as a slot keeps its time whoever fills it.
- **Logs** from n on are `kept` (the same transactions in the same blocks), `dropped` (empty blocks)
  or `moved`: every transaction is mined again `blocks_later`, its logs `indexes_later`. Those moved
  past the head are still waiting to be mined.
- **Receipts** from n on are made, as for blocks of which only logs were recorded.
"""

from __future__ import annotations

from typing import Literal

from tests.recording import Json, quantity
from tests.replay import ReplayChain, numbered_hash


class ForkedChain(ReplayChain):
    """A chain that shares its past with another; made by `fork`."""

    def __init__(self, origin: ReplayChain, start: int, salt: int, logs: list[Json]) -> None:
        self._origin, self._start, self._salt = origin, start, salt
        self._is_whole = origin._is_whole
        self.chain_id, self.head, self.malformed = origin.chain_id, origin.head, origin.malformed
        self.complete = set(origin.complete)
        self._recorded = {n: kept for n, kept in origin._recorded.items() if n < start}
        self._receipts = {n: kept for n, kept in origin._receipts.items() if n < start}
        self._hashes, self._numbers, self._roots, self._made_up = {}, {}, {}, {}
        past = origin.logs[: origin._position_of(start)]
        self.logs = past + [{**log, "blockHash": self.hash(_block(log))} for log in logs]
        self._index()
        self._transactions = self._place_transactions(list(origin._transactions.values()))

    def hash(self, number: int) -> str:
        """Hash of a block: that of the forked chain below the fork, else by the module's rule."""
        if number < self._start:
            return self._origin.hash(number)
        if number not in self._hashes:
            packed = b"fork" + self._salt.to_bytes(32, "big")
            of_origin = bytes.fromhex(self._origin.hash(number)[2:])
            self._hashes[number] = numbered_hash(packed + of_origin, number)
        return self._hashes[number]

    def number(self, block_hash: str) -> int | None:
        """Number of the block with a hash; None when it is on no part of this chain."""
        number = super().number(block_hash)
        if number is not None and number >= self._start:
            return number
        number = self._origin.number(block_hash)
        return number if number is not None and number < self._start else None

    def time(self, number: int) -> int:
        """Seconds since 1970 of a block, that of the forked chain."""
        return self._origin.time(number)


def fork(
    chain: ReplayChain,
    start: int,
    *,
    salt: int = 1,
    logs: Literal["kept", "dropped", "moved"] = "kept",
    blocks_later: int = 1,
    indexes_later: int = 3,
    head: int | None = None,
) -> ForkedChain:
    """The chain with another history from block `start` on, up to `head` (default: its head)."""
    later = chain.logs[chain._position_of(start) :] if logs != "dropped" else []
    if logs == "moved":
        later = [_move(chain, log, blocks_later, indexes_later) for log in later]
    forked = ForkedChain(chain, start, salt, later)
    if logs == "moved":
        forked.complete = {n + blocks_later if n >= start else n for n in chain.complete}
    forked.head = chain.head if head is None else head
    return forked


def _block(log: Json) -> int:
    return quantity(log["blockNumber"])


def _move(chain: ReplayChain, log: Json, blocks: int, indexes: int) -> Json:
    number = _block(log) + blocks
    return {
        **log,
        "blockNumber": hex(number),
        "blockTimestamp": hex(chain.time(number)),
        "logIndex": hex(quantity(log["logIndex"]) + indexes),
    }
