"""One index job: brings a store up to a head of its chain, and says what it did."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from data.errors import RetryableError, UpstreamError
from data.store import Store
from indexer.ahead import Flight, ahead
from indexer.archive import RoyaltyReads
from indexer.beside import Completer, CompletingSource
from indexer.by_hash import MAX_BLOCKS, VERIFIED_BY, HashSource
from indexer.clock import Clock
from indexer.commit import Load
from indexer.errors import ReorgError, SizeRefused
from indexer.evidence import Evidence
from indexer.fetch import RpcSource, Source
from indexer.finality import Finality
from indexer.holes import drop_orphaned_ranges
from indexer.metadata.options import MetadataOptions, MetadataSummary
from indexer.metrics import Metrics, age_s
from indexer.pages import PageCheck
from indexer.ranges import BlockRange, chunks, count_blocks, parse_blocks, subtract
from indexer.reorg import roll_back_if_reorganised
from indexer.reread import Rereader
from indexer.rpc import RpcClient
from indexer.selection import Selection
from indexer.server import Readiness
from indexer.verify import Tally, Verifier, VerifyingSource, VerifyMode
from indexer.witness import SecondLook

_CONCURRENCY = 8
_MAX_REORGS = 10
_DEFAULT_RANGE = 100_000
_REREAD_RANGE = 1_000  # held in memory as a whole

OnProgress = Callable[[float, float, str], None]
"""Called with blocks done now, blocks planned, and a note."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class IndexOptions:
    """What to index, and from where."""

    rpc_urls: tuple[str, ...]
    blocks: tuple[str, ...] = ()
    chain: str | None = None
    protocols: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    max_range: int = _DEFAULT_RANGE
    concurrency: int = _CONCURRENCY
    verify: VerifyMode = "sample"
    verify_seed: int = 0
    prices: Path | None = None
    funding: Path | None = None
    state_dir: Path = Path(".raisonne")
    metrics_port: int | None = None
    metadata: MetadataOptions | None = None
    archive_url: str | None = None
    on_read: OnProgress | None = None
    """Told of the royalties that contracts are asked for at `archive_url`."""


@dataclass
class IndexSummary:
    """What an index run did."""

    chain_id: int
    head: int
    blocks: int = 0
    logs: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    links: dict[str, int] = field(default_factory=dict)
    rolled_back_from: list[int] = field(default_factory=list)
    repaired_blocks: list[int] = field(default_factory=list)
    verified: Tally = field(default_factory=Tally)
    untraced: int = 0
    without_transaction: int = 0
    elapsed_s: float = 0.0
    metadata: MetadataSummary | None = None
    royalty_reads: RoyaltyReads | None = None


@dataclass(frozen=True)
class Tip:
    """The highest block that this job committed."""

    number: int
    hash: str
    time: datetime


@dataclass
class Job:
    """One index run, with what all its steps need.

    `is_live` keeps the link tables up to date with every commit; else they are rebuilt at the end.
    `synced` is the highest block up to which every wanted block is committed.
    """

    store: Store
    client: RpcClient
    selection: Selection
    options: IndexOptions
    on_progress: OnProgress
    run_id: str
    clock: Clock
    metrics: Metrics
    readiness: Readiness
    summary: IndexSummary
    finality: Finality
    is_live: bool = False
    tip: Tip | None = None
    synced: int = -1

    async def run(self) -> IndexSummary:
        """Commits every range of the plan; plans again when the chain changed meanwhile.

        Raises:
            ReorgError: the chain does not settle.
        """
        for _ in range(_MAX_REORGS):
            try:
                self.see_head(int(await self.client.call("eth_blockNumber"), 16))
                await self.refresh_finality()
                await self.catch_up(self.summary.head)
                if await self._drop_orphans():
                    continue
                await self.reread(at_least=1)
            except ReorgError:
                # The chain changed between two ranges: find the common block and plan again.
                continue
            return self.summary
        message = (
            f"the chain of {self.client.endpoint} was reorganised {_MAX_REORGS} times in this run; "
            "try again when it has settled"
        )
        raise ReorgError(message)

    async def catch_up(self, head: int, known: Mapping[int, str] | None = None) -> None:
        """Rolls back what was reorganised, and commits every wanted block up to the head.

        Args:
            head: number of the node's head.
            known: hashes of recent blocks, by number, that need not be asked for.

        Raises:
            ReorgError: the chain changed meanwhile; to be called again.
        """
        self.see_head(head)
        await self.check_chain()
        todo = self._plan(head)
        if self.is_live and count_blocks(todo) > MAX_BLOCKS:
            await self.refresh_finality()
        await self.work(todo, head, known)
        self.synced = max(self.synced, head)
        self._report()

    async def _drop_orphans(self) -> bool:
        """Whether ranges that ended on another fork were dropped: they must be asked anew."""
        dropped = await drop_orphaned_ranges(self.store, self.client, self.selection, self.run_id)
        self.summary.rolled_back_from += [start for start, _ in dropped]
        return bool(dropped)

    async def refresh_finality(self) -> None:
        """Asks which blocks are final by now."""
        self.metrics.final_block.set(await self.finality.refresh(self.summary.head))

    async def check_chain(self) -> None:
        """Rolls back what is no longer the node's chain.

        Raises:
            DeepReorgError: that is more than the store can tell.
        """
        chain_id = self.selection.context.chain_id
        rollback = await roll_back_if_reorganised(self.store, self.client, chain_id)
        if rollback is not None:
            self.tip, self.synced = None, rollback.first - 1
            self.summary.rolled_back_from.append(rollback.first)
            self.metrics.see_reorg(rollback.depth)

    def see_head(self, head: int) -> None:
        """Notes the head of the chain."""
        self.summary.head = head
        self._report()

    async def work(
        self, todo: Sequence[BlockRange], head: int, known: Mapping[int, str] | None = None
    ) -> None:
        """Fetches ranges ahead, in pieces, and commits them in order."""
        load = Load(
            self.store,
            self.selection,
            run_id=self.run_id,
            clock=self.clock,
            is_live=self.is_live,
        )
        with self.store.packing() if self.is_live else self.store.loading():
            try:
                await self._work(todo, head, known or {}, load)
            finally:
                await finish_in_thread(load.commit)

    async def _work(
        self, todo: Sequence[BlockRange], head: int, known: Mapping[int, str], load: Load
    ) -> None:
        source = _Sources(self._by_range(head), self._by_hash(known), self.finality.number)
        total, started, done, flight = count_blocks(todo), time.monotonic(), 0, Flight()
        if not self.is_live:
            self.on_progress(0, total, "")
        waiting_since = time.monotonic()
        pieces = self._pieces(todo, head)
        async for batch in ahead(source, pieces, self.options.concurrency, flight):
            self.metrics.stalled_on_fetch.inc(time.monotonic() - waiting_since)
            idle_s = flight.idle_s
            counts = await finish_in_thread(self._write, load, batch)
            self.metrics.stalled_on_write.inc(flight.idle_s - idle_s)
            blocks = sum(evidence.end - evidence.start for evidence in batch)
            done += blocks
            self._count(batch, blocks, counts)
            self.summary.untraced = self._completer.untraced
            self.summary.without_transaction = self._completer.missing
            rate = done / max(time.monotonic() - started, 1e-9)
            lag = head + 1 - batch[-1].end
            note = f"{self.summary.logs:,} logs, {rate:,.0f} blocks/s, {lag:,} behind head"
            self.on_progress(blocks, total, note)
            waiting_since = time.monotonic()

    async def reread(self, *, at_least: int) -> None:
        """The settle audit: reads blocks that became final once more, and repairs what differed.

        Args:
            at_least: blocks for which it is worth the requests.
        """
        head = self.summary.head
        rereader = Rereader(
            self.store,
            self.selection,
            self._by_range(head),
            HashSource(self.client, self.selection),
            self.run_id,
            self.clock,
            with_unproven=self.options.verify == "full",
        )
        width = min(self.options.max_range, _REREAD_RANGE)
        due = rereader.find_due(self.finality.number, width)
        if count_blocks(due) < at_least:
            return
        for blocks in due:
            try:
                evidence = await rereader.fetch(blocks)
            except RetryableError:
                # Neither answer is believed; the range stays due.
                self.metrics.reread_failures.inc()
                continue
            except UpstreamError:
                # What was committed stands without it; the next run or head tries again.
                self.metrics.reread_failures.inc()
                return
            repaired = await finish_in_thread(rereader.commit, evidence, blocks)
            self.summary.verified.count(evidence)
            self.summary.repaired_blocks += repaired
            self.metrics.reread_blocks.inc(count_blocks([blocks]))
            self.metrics.reread_repairs.inc(len(repaired))

    def wants(self, number: int) -> bool:
        """Whether a block is among those that were asked for when it is the head."""
        wanted = parse_blocks(self.options.blocks or ("0:",), number)
        return any(start <= number < end for start, end in wanted)

    def _by_range(self, head: int) -> Source:
        source = RpcSource(self.client, self.selection, head, pages=self._page_check)
        return CompletingSource(VerifyingSource(source, self._verifier), self._completer)

    def _by_hash(self, known: Mapping[int, str]) -> Source:
        source: Source = HashSource(self.client, self.selection, known, self._page_check)
        if not self.is_live or self.options.verify == "full":
            # A sample of single blocks would be all of them; they are read again when final.
            source = VerifyingSource(source, self._verifier)
        return CompletingSource(source, self._completer)

    def _plan(self, head: int) -> list[BlockRange]:
        """Wanted ranges without those that an equal selection committed."""
        wanted = parse_blocks(self.options.blocks or ("0:",), head)
        done = self.store.query(
            "SELECT from_block, to_block FROM ranges WHERE chain_id = ? AND selection = ?",
            [self.selection.context.chain_id, self.selection.digest],
        )
        return subtract(wanted, done.rows())

    def _pieces(self, todo: Sequence[BlockRange], head: int) -> Iterator[BlockRange]:
        """Ranges of final blocks as wide as allowed and useful, those above in small pieces."""
        above = self.finality.number + 1
        final = [(start, min(end, above)) for start, end in todo if start < above]
        rest = [(max(start, above), end) for start, end in todo if end > above]
        width = self.options.max_range
        yield from RpcSource(self.client, self.selection, head).pieces(final, width)
        yield from chunks(rest, min(width, MAX_BLOCKS))

    @property
    def _page_check(self) -> PageCheck | None:
        mode = self.options.verify
        return None if mode == "off" else PageCheck(self.client, is_thorough=mode == "full")

    @cached_property
    def _completer(self) -> Completer:
        return Completer(self.client, self.selection)

    @cached_property
    def _verifier(self) -> Verifier:
        second_look = SecondLook(self.client, self.selection)
        mode, seed = self.options.verify, self.options.verify_seed
        return Verifier(self.client, second_look, self.selection, mode, seed)

    def _write(self, load: Load, batch: Sequence[Evidence]) -> dict[str, int]:
        with self.metrics.commit_seconds.time():
            return load.write(batch)

    def _count(self, batch: Sequence[Evidence], blocks: int, counts: dict[str, int]) -> None:
        self.summary.blocks += blocks
        self.summary.logs += counts.get("logs", 0)
        self.summary.rows = dict(Counter(self.summary.rows) + Counter(counts))
        self.summary.verified.count(batch)
        self.metrics.see_rows(counts)
        last = batch[-1].blocks.sort("block_number").row(-1, named=True)
        if self.tip is None or last["block_number"] > self.tip.number:
            self.tip = Tip(last["block_number"], last["block_hash"], last["block_time"])
            self.synced = self.tip.number
        self._report()

    def _report(self) -> None:
        head, synced = self.summary.head, self.synced
        lag_s = age_s(self.tip.time, self.clock()) if self.tip and synced < head else 0.0
        self.readiness.behind = head - synced
        self.metrics.see_progress(
            head=head, synced=synced, lag_s=lag_s, is_ready=self.readiness.is_ready
        )


@dataclass(frozen=True)
class _Sources:
    """Final blocks by range, the others by hash."""

    by_range: Source
    by_hash: Source
    final: int

    async def fetch(self, blocks: BlockRange) -> list[Evidence]:
        """Evidence of the range, in block order."""
        if blocks[1] - 1 <= self.final:
            return await self.by_range.fetch(blocks)
        try:
            return await self.by_hash.fetch(blocks)
        except SizeRefused:
            # Ranges know how to split a block. It is read again when it is final.
            parts = [await self.by_range.fetch(part) for part in chunks([blocks], 1)]
            return [_asked_by_hash(each) for part in parts for each in part]


def _asked_by_hash(evidence: Evidence) -> Evidence:
    return replace(evidence, proof=replace(evidence.proof, verified_by=VERIFIED_BY))


async def finish_in_thread(work: Callable[..., _T], *arguments: Any) -> _T:
    """The result of a call in a thread; who is cancelled meanwhile still waits for its end."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
