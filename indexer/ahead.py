"""Fetching ahead of the writer, in order, and how long each of the two waited for the other."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from indexer.evidence import Evidence
from indexer.fetch import Source
from indexer.ranges import BlockRange

_MOST_WAITING = 64
_BATCH_LOGS = 50_000


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
    source: Source, todo: Sequence[BlockRange], concurrency: int, flight: Flight
) -> AsyncIterator[list[Evidence]]:
    """Evidence in the order of the ranges, while the next ones are already being fetched.

    What has arrived meanwhile comes along in one batch, so that many small ranges do not cost a
    transaction each.
    """
    gate = asyncio.Semaphore(concurrency)

    async def fetch(blocks: BlockRange) -> list[Evidence]:
        async with gate:
            with flight.fetching():
                return await source.fetch(blocks)

    waiting = iter(todo)
    running: deque[asyncio.Task[list[Evidence]]] = deque()
    try:
        while True:
            while len(running) < _MOST_WAITING and (blocks := next(waiting, None)):
                running.append(asyncio.create_task(fetch(blocks)))
            flight.has_more = len(running) >= _MOST_WAITING
            if not running:
                return
            batch = await running.popleft()
            while running and running[0].done() and _count_logs(batch) < _BATCH_LOGS:
                batch += running.popleft().result()
            yield batch
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _count_logs(batch: Sequence[Evidence]) -> int:
    return sum(evidence.logs.height for evidence in batch)
