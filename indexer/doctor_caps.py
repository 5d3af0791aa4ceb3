"""How wide a range, and how large an answer, an endpoint allows; found in few requests."""

from dataclasses import dataclass

from indexer.limits import recognise
from indexer.probe import Answer, Probe

_LADDER = (10_000_000, 1_000_000, 100_000, 50_000, 10_000, 5_000, 2_000, 1_000, 500, 100, 10, 1)
_BISECTIONS = 4
_ENOUGH_LOGS = 25_000  # above every common cap (10,000 and 20,000)
_ENOUGH_BYTES = 32 << 20
_DOUBLINGS = 14
_NOBODY = "0x" + "de" * 32
_TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


@dataclass(frozen=True)
class RangeCap:
    """The widest range that was answered, and the refusal of a wider one (empty: none)."""

    widest: int
    refusal: str = ""


@dataclass(frozen=True)
class ResultCap:
    """The fullest answer, the cap that a refusal named, and how dense the blocks are."""

    most_logs: int
    n_bytes: int
    cap: int | None = None
    refusal: str = ""
    logs_per_block: float = 0.0


@dataclass
class _Bracket:
    """The widest range that passed and the narrowest that was refused, so far."""

    probe: Probe
    head: int
    refused: int
    passed: int = 0
    refusal: str = ""

    async def attempt(self, width: int) -> None:
        """Narrows the bracket by asking for one more width."""
        answer = await _ask(self.probe, self.head, width, _NOBODY)
        if not answer.error:
            self.passed = max(self.passed, width)
        elif width < self.refused or not self.refusal:
            self.refused, self.refusal = width, answer.error

    async def descend(self) -> None:
        """Finds a width that passes: one that a refusal names, or one of the ladder."""
        for width in _LADDER:
            named = _named(self.refusal)
            if named and named < self.refused:
                await self.attempt(named)
            if not self.passed and width < self.refused:
                await self.attempt(width)
            if self.passed:
                return

    async def bisect(self) -> None:
        """Comes near the cap, where no refusal named it."""
        for _ in range(_BISECTIONS):
            if self.refused - self.passed <= max(self.passed // 20, 1):
                return
            await self.attempt((self.passed + self.refused) // 2)


async def find_range_cap(probe: Probe, head: int) -> RangeCap:
    """Asks for a topic that no log has, over ever narrower ranges that end at the head."""
    bracket = _Bracket(probe, head, refused=head + 2)
    await bracket.attempt(head + 1)
    if not bracket.passed:
        await bracket.descend()
    if bracket.passed and bracket.refusal:
        named = _named(bracket.refusal)
        if named and bracket.passed < named < bracket.refused:
            await bracket.attempt(named)
        await bracket.bisect()
    return RangeCap(bracket.passed, bracket.refusal)


async def find_result_cap(probe: Probe, head: int, widest: int) -> ResultCap:
    """Asks for all Transfer logs of ever wider ranges, until an answer is large or refused."""
    best = ResultCap(0, 0)
    width = 1
    for _ in range(_DOUBLINGS):
        answer = await _ask(probe, head, width, _TRANSFER)
        if answer.error:
            known = recognise(answer.error)
            return ResultCap(
                best.most_logs,
                best.n_bytes,
                known.cap if known else None,
                answer.error,
                best.logs_per_block,
            )
        n_logs = len(answer.result) if isinstance(answer.result, list) else 0
        best = ResultCap(n_logs, answer.n_bytes, logs_per_block=n_logs / width)
        if n_logs >= _ENOUGH_LOGS or answer.n_bytes >= _ENOUGH_BYTES or width >= widest:
            break
        width = min(4 * width, widest)
    return best


def _named(refusal: str) -> int | None:
    """The width that a refusal names."""
    known = recognise(refusal)
    if known is None:
        return None
    if known.suggested:
        return known.suggested[1] - known.suggested[0] + 1
    return known.cap


async def _ask(probe: Probe, head: int, width: int, topic: str) -> Answer:
    span = {"fromBlock": hex(max(head + 1 - width, 0)), "toBlock": hex(head)}
    return await probe.call("eth_getLogs", {**span, "topics": [topic]})
