"""How far back an endpoint keeps logs and state; found by halving, in a bounded number of calls."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from indexer.probe import Probe

_HALVINGS = 24
_SAMPLES = 8  # heights at 1/2, 1/4, … of the head
_LOOK = 8  # neighbouring blocks to find one with logs in


@dataclass(frozen=True)
class Depth:
    """The oldest block that is served, whether that is all there are, and how it was found."""

    oldest: int | None
    is_whole: bool
    reason: str


async def find_state_depth(probe: Probe, head: int) -> Depth:
    """The oldest block at which a balance can be read."""

    async def is_served(number: int) -> bool:
        answer = await probe.call("eth_getBalance", "0x" + "00" * 20, hex(number))
        return answer.is_ok

    if await is_served(min(1, head)):
        return Depth(min(1, head), is_whole=True, reason="an archive: read at block 1")
    if not await is_served(head):
        return Depth(None, is_whole=False, reason="not even at the head")
    return Depth(await _first(is_served, 1, head), is_whole=False, reason="older is refused")


async def find_log_depth(probe: Probe, head: int, known: int | None = None) -> Depth:
    """The oldest block whose logs are served where its header says that it has logs.

    A pruned node answers `[]` for a block that has logs, or does not know the block at all. Blocks
    without logs tell nothing, so that the heights looked at move on to a neighbour with logs;
    `known` is a block that has some.
    """
    seen: dict[int, bool | None] = {}

    async def is_served(number: int) -> bool:
        seen[number] = await _serves_logs(probe, number, head)
        return seen[number] is not False

    extra = set() if known is None else {known}
    heights = sorted({head >> shift for shift in range(_SAMPLES)} | extra)
    for number in heights:
        await is_served(number)
    told = [number for number in heights if seen[number] is not None]
    if not told:
        return Depth(None, is_whole=False, reason="no block with logs at the heights looked at")
    pruned = [number for number in told if seen[number] is False]
    reason = f"{len(told)} of the {len(heights)} heights looked at have logs"
    if not pruned:
        return Depth(told[0], is_whole=True, reason=reason)
    above = [number for number in told if number > pruned[-1]]
    if not above:
        return Depth(None, is_whole=False, reason="not even near the head")
    return Depth(await _first(is_served, pruned[-1], above[0]), is_whole=False, reason=reason)


async def _first(is_served: Callable[[int], Awaitable[bool]], low: int, high: int) -> int:
    """The lowest height that is served, between one that is not and one that is."""
    for _ in range(_HALVINGS):
        if high - low <= 1:
            break
        middle = (low + high) // 2
        if await is_served(middle):
            high = middle
        else:
            low = middle
    return high


async def _serves_logs(probe: Probe, number: int, head: int) -> bool | None:
    """Whether the logs of the first block with logs from here on are served; None if none has."""
    for place in range(number, min(number + _LOOK, head + 1)):
        answer = await probe.call("eth_getBlockByNumber", hex(place), False)
        block: Any = answer.result
        if not isinstance(block, dict):
            return False
        bloom = block.get("logsBloom")
        if isinstance(bloom, str) and int(bloom or "0x0", 16):
            logs = await probe.call("eth_getLogs", {"fromBlock": hex(place), "toBlock": hex(place)})
            return bool(logs.result)
    return None
