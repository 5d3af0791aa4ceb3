"""Following a chain: a backfill, then every new head from its arrival to committed rows."""

import asyncio
import math
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from data.errors import UpstreamError
from data.store import Store
from indexer.clock import Clock, utc_now
from indexer.errors import ReorgError, WrongChainError
from indexer.finality import Finality
from indexer.heads import Head, HeadWatcher, continues
from indexer.job import IndexOptions, IndexSummary, Job, OnProgress, finish_in_thread
from indexer.link import rebuild_links
from indexer.metadata.options import MetadataOptions
from indexer.metadata.sync import sync_job
from indexer.run import open_job

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_METADATA_PAUSE_S = 30.0
_AUDIT_EVERY = 16
"""Blocks after which it is worth to ask what is final, and to read that again."""


def follow(
    store: Store,
    options: IndexOptions,
    on_progress: OnProgress | None = None,
    *,
    clock: Clock = utc_now,
) -> IndexSummary:
    """Indexes blocks up to the head, then every new one until SIGINT or SIGTERM.

    Facts and links of a block are committed together. Outages of the endpoint are waited out. A
    stop lets the commit under way finish; a second signal ends the process at once.

    Raises:
        UpstreamError: no endpoint answers at the start, or one serves another chain.
        DeepReorgError: a reorg deeper than the window.
        UsageError: an option cannot be understood.
    """
    return asyncio.run(_follow_until_signal(store, options, on_progress, clock))


async def _follow_until_signal(
    store: Store, options: IndexOptions, on_progress: OnProgress | None, clock: Clock
) -> IndexSummary:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)

    def ask_to_stop() -> None:
        stop.set()
        for each in signals:
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, ask_to_stop)
    try:
        return await follow_until(stop, store, options, on_progress, clock=clock)
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


async def follow_until(
    stop: asyncio.Event,
    store: Store,
    options: IndexOptions,
    on_progress: OnProgress | None = None,
    *,
    clock: Clock = utc_now,
) -> IndexSummary:
    """As `follow`, until an event is set."""
    async with open_job(store, options, on_progress, clock) as job:
        follower = Follower(job)
        work = asyncio.create_task(follower.run())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        if not job.is_live:
            # Stopped during the backfill: the links follow what was committed.
            job.summary.links = await finish_in_thread(rebuild_links, store)
    return job.summary


@dataclass
class Follower:
    """Brings a job's store up to the head, again and again."""

    job: Job
    first_pause_s: float = _FIRST_PAUSE_S
    metadata_pause_s: float = _METADATA_PAUSE_S
    _audit_at: int = 0
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Follows until cancelled.

        Raises:
            DeepReorgError: a reorg deeper than the window.
            WrongChainError: the endpoint serves another chain now.
        """
        await self._persist(self._backfill)
        job = self.job
        watcher = HeadWatcher(
            job.client,
            job.client.session,
            job.summary.chain_id,
            on_push=lambda is_open: job.metrics.websocket.set(int(is_open)),
        )
        async with watcher.listening(), self._fetching_metadata():
            while True:
                await self._persist(lambda: self._take_next(watcher), watcher)

    @asynccontextmanager
    async def _fetching_metadata(self) -> AsyncIterator[None]:
        """Beside the heads, where metadata is wanted; they take turns at writing."""
        options = self.job.options.metadata
        if options is None:
            yield
            return
        task = asyncio.create_task(self._fetch_metadata(options))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _fetch_metadata(self, options: MetadataOptions) -> None:
        while True:
            with suppress(UpstreamError):
                # Unreachable endpoints are the business of whoever takes the heads.
                self.job.summary.metadata = await sync_job(self.job, options, self._writing)
            options = replace(options, again=False)
            await asyncio.sleep(self.metadata_pause_s)

    async def _persist(
        self, act: Callable[[], Awaitable[None]], watcher: HeadWatcher | None = None
    ) -> None:
        """Acts until it works; waits ever longer while the endpoint does not answer.

        Raises:
            IntegrityError, WrongChainError: no waiting cures it.
        """
        failures = 0
        while True:
            try:
                await act()
            except WrongChainError:
                raise
            except (UpstreamError, ReorgError) as error:
                await self._wait_out(error, failures)
                failures += 1
                if watcher is not None:
                    watcher.forget()
                continue
            self.job.readiness.answered = True
            return

    async def _wait_out(self, error: UpstreamError | ReorgError, failures: int) -> None:
        job = self.job
        if isinstance(error, UpstreamError):
            job.metrics.outages.inc()
            job.readiness.answered = False
            job.metrics.ready.set(0)
            # What the endpoint did not know before the outage, it may know after.
            job.finality = Finality(job.client, job.summary.chain_id, job.finality.number)
        elif failures == 0:
            return
        await asyncio.sleep(min(self.first_pause_s * 2 ** min(failures, 8), _LONGEST_PAUSE_S))

    async def _backfill(self) -> None:
        job = self.job
        await job.run()
        job.summary.links = await finish_in_thread(rebuild_links, job.store)
        job.is_live = job.readiness.backfilled = job.readiness.answered = True
        job.see_head(job.summary.head)
        job.on_progress(0, math.inf, "")

    async def _take_next(self, watcher: HeadWatcher) -> None:
        head = await watcher.next()
        async with self._writing:
            await self.take(head)
            if head.number >= self._audit_at:
                self._audit_at = head.number + _AUDIT_EVERY
                await self.job.refresh_finality()
                await self.job.reread(at_least=_AUDIT_EVERY)

    async def take(self, head: Head) -> None:
        """Commits a new head, and what lies between it and the store.

        Raises:
            ReorgError: the chain changed meanwhile; to be called again with its new head.
        """
        job = self.job
        tip = None if job.tip is None else (job.tip.number, job.tip.hash)
        if tip == (head.number, head.hash):
            return
        job.readiness.answered = True
        known = {head.number: head.hash}
        before = job.summary.blocks
        if continues(head, tip) and job.wants(head.number):
            job.see_head(head.number)
            await job.work([(head.number, head.number + 1)], head.number, known)
        else:
            await job.catch_up(head.number, known)
        if job.summary.blocks > before:
            job.metrics.head_seconds.observe(time.monotonic() - head.seen_at)
