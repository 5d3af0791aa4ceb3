"""Fetching ahead of the writer, in order, and how long each of the two waited for the other."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from indexer.evidence import Evidence
from indexer.fetch import Source
from indexer.ranges import BlockRange

BUDGET_BYTES = 128 << 20
"""Memory for evidence that has been fetched, or is about to be, and is not written yet."""

_MOST_WAITING = 64
_BATCH_LOGS = 50_000  # decoded at once; larger batches take more memory and no less time


@dataclass
class Flight:
    """How many ranges are being fetched, and for how long it was none although some are left."""

    flying: int = 0
    has_more: bool = True
    _idle_s: float = 0.0
    _idle_since: float | None = None

    @contextmanager
    def fetching(self) -> Iterator[None]:
        """Held while a range is being fetched."""
        if self._idle_since is not None:
            self._idle_s += time.monotonic() - self._idle_since
            self._idle_since = None
        self.flying += 1
        try:
            yield
        finally:
            self.flying -= 1
            if not self.flying and self.has_more:
                self._idle_since = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds without a fetch under way, so far."""
        since = self._idle_since
        return self._idle_s + (time.monotonic() - since if since is not None else 0.0)


async def ahead(
    source: Source,
    todo: Iterable[BlockRange],
    concurrency: int,
    flight: Flight,
    *,
    budget_bytes: int = BUDGET_BYTES,
) -> AsyncIterator[list[Evidence]]:
    """Evidence in the order of the ranges, while the next ones are already being fetched.

    What has arrived meanwhile comes along in one batch, so that many small ranges are not decoded
    one by one. A range is taken from `todo` when its fetch begins; none begins while the evidence
    that nobody has written yet, with what the fetches under way are expected to bring, fills the
    budget. One range is always under way, however large; until the first one has arrived, it is
    the only one.
    """
    line = _Line(source, iter(todo), concurrency, flight, budget_bytes)
    try:
        while head := line.begin():
            batch = await head
            while _count_logs(batch) < _BATCH_LOGS and line.is_ready:
                batch += line.take()
            yield batch
            line.written(batch)
    finally:
        await line.stop()


@dataclass
class _Line:
    """Fetches under way and done, in the order of their ranges; refilled whenever one ends."""

    source: Source
    todo: Iterator[BlockRange]
    concurrency: int
    flight: Flight
    budget_bytes: int
    _tasks: deque[asyncio.Task[list[Evidence]]] = field(default_factory=deque)
    _under_way: int = 0
    _held_bytes: int = 0
    _expected_bytes: float = 0.0
    _has_landed: bool = False

    def begin(self) -> asyncio.Task[list[Evidence]] | None:
        """The first fetch of the line, taken from it; None at the end."""
        self.refill()
        return self._tasks.popleft() if self._tasks else None

    @property
    def is_ready(self) -> bool:
        """Whether the first fetch of the line has ended well."""
        if not self._tasks or not self._tasks[0].done():
            return False
        return not self._tasks[0].cancelled() and self._tasks[0].exception() is None

    def take(self) -> list[Evidence]:
        """What the first fetch of the line, which has ended, brought."""
        return self._tasks.popleft().result()

    def written(self, batch: Sequence[Evidence]) -> None:
        """Notes that a batch takes no more memory."""
        self._held_bytes -= _weigh(batch)

    def refill(self) -> None:
        """Begins fetches while there is room for them."""
        while self._has_room():
            blocks = next(self.todo, None)
            self.flight.has_more = blocks is not None
            if blocks is None:
                return
            self._under_way += 1
            self._tasks.append(asyncio.create_task(self._fetch(blocks)))

    async def stop(self) -> None:
        """Ends what is under way."""
        self.todo = iter(())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _has_room(self) -> bool:
        if self._under_way >= self.concurrency or len(self._tasks) >= _MOST_WAITING:
            return False
        if not self._under_way and not self._tasks:
            return True
        if not self._has_landed:
            # The first answer tells how wide and how heavy the others will be.
            return False
        coming = (self._under_way + 1) * self._expected_bytes
        return self._held_bytes + coming <= self.budget_bytes

    async def _fetch(self, blocks: BlockRange) -> list[Evidence]:
        try:
            with self.flight.fetching():
                evidence = await self.source.fetch(blocks)
        finally:
            self._under_way -= 1
        self._has_landed = True
        brought = _weigh(evidence)
        self._held_bytes += brought
        # Follows rises at once and falls slowly: blocks that are dense once may be so again.
        self._expected_bytes = max(brought, 0.9 * self._expected_bytes)
        self.refill()
        return evidence


def _weigh(batch: Sequence[Evidence]) -> int:
    """Bytes that the frames of evidence take in memory."""
    return sum(
        int(frame.estimated_size())
        for evidence in batch
        for frame in (
            evidence.logs,
            evidence.blocks,
            evidence.transactions,
            evidence.value_traces,
            evidence.quarantine,
        )
    )


def _count_logs(batch: Sequence[Evidence]) -> int:
    return sum(evidence.logs.height for evidence in batch)
