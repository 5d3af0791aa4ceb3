"""Which blocks can no longer change: what the node calls final, else a depth by chain."""

from dataclasses import dataclass, field

import msgspec

from data.errors import UpstreamError
from indexer.fetch import WINDOW
from indexer.rpc import Request, RpcClient

DEPTHS: dict[int, int] = {
    1: 65,  # two epochs and a block
    5: 65,
    17_000: 65,
    11_155_111: 65,
    137: 200,
    42_161: 240,
    42_170: 240,
}
"""Blocks below the head that can still change, where the node names no final block."""

DEFAULT_DEPTH = 30
_TAGS = ("finalized", "safe")
_ATTEMPTS = 3  # refreshes, after which a tag that never came is not asked for any more


class _Header(msgspec.Struct):
    number: str


@dataclass
class Finality:
    """The final block of a chain as far as it is known; it never moves back."""

    client: RpcClient
    chain_id: int
    number: int = -1
    source: str = "unknown"
    _failures: dict[str, int] = field(default_factory=dict)

    async def refresh(self, head: int) -> int:
        """Asks anew, and returns the highest block that can no longer change; -1 for none.

        A tag that lags more than the window of kept hashes behind the head says little about
        the recent blocks (rollups take a day), so the next one is taken.
        """
        for tag in _TAGS:
            number = await self._ask(tag)
            if number is not None and head - WINDOW <= number <= head:
                return self._advance(number, tag)
        depth = DEPTHS.get(self.chain_id, DEFAULT_DEPTH)
        return self._advance(max(head - depth, -1), f"depth {depth}")

    def _advance(self, number: int, source: str) -> int:
        if number > self.number:
            self.number, self.source = number, source
        return self.number

    async def _ask(self, tag: str) -> int | None:
        if self._failures.get(tag, 0) >= _ATTEMPTS:
            return None
        request = Request("eth_getBlockByNumber", (tag, False))
        try:
            # Patience is no help: nodes without a consensus client phrase this like a lag.
            reply = await self.client.ask([request], attempts=1)
            return int(msgspec.json.decode(reply.results[0], type=_Header).number, 16)
        except (UpstreamError, msgspec.MsgspecError, ValueError):
            # One that is down will be noticed by the next call.
            self._failures[tag] = self._failures.get(tag, 0) + 1
            return None
