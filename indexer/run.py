"""The index run: plan, fetch ahead, commit in order, roll back what was reorganised, link."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import aiohttp

from contracts.addresses import known_addresses
from data.errors import UpstreamError
from data.store import Store
from indexer.chains import chain_id_of, chain_name
from indexer.commit import commit
from indexer.errors import ReorgError, WrongChainError
from indexer.evidence import Evidence
from indexer.fetch import RpcSource, Source
from indexer.files import load_funding, load_labels, load_prices
from indexer.link import rebuild_links
from indexer.protocols import select_protocols
from indexer.protocols.base import ChainContext
from indexer.ranges import BlockRange, chunks, count_blocks, parse_blocks, subtract
from indexer.reorg import roll_back_if_reorganised
from indexer.rpc import RpcClient, mask_url
from indexer.selection import Selection

_CONCURRENCY = 8
_MOST_WAITING = 64
_BATCH_LOGS = 50_000
_MAX_REORGS = 10
_DEFAULT_RANGE = 1_000

OnProgress = Callable[[float, float, str], None]
"""Called with blocks done now, blocks planned, and a note."""


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
    prices: Path | None = None
    funding: Path | None = None
    state_dir: Path = Path(".raisonne")


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
    elapsed_s: float = 0.0


class _Clock(Protocol):
    def __call__(self) -> datetime: ...


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def index(
    store: Store,
    options: IndexOptions,
    on_progress: OnProgress | None = None,
    *,
    clock: _Clock = _utc_now,
) -> IndexSummary:
    """Indexes blocks into the store and rebuilds the link tables; resumes where a run ended.

    Ranges that an equal selection committed before are skipped. Each range is committed with its
    checkpoint in one transaction, so that it can be killed at any moment.

    Raises:
        UpstreamError: the endpoint cannot be reached, contradicts itself, or is of another chain.
        DeepReorgError: the store holds another chain, or a reorg deeper than the window.
        UsageError: an option cannot be understood.
    """
    return asyncio.run(_index(store, options, on_progress or _silent, clock))


def _silent(_done: float, _total: float, _note: str) -> None:
    """Reports to nobody."""


async def _index(
    store: Store, options: IndexOptions, on_progress: OnProgress, clock: _Clock
) -> IndexSummary:
    started = time.monotonic()
    async with aiohttp.ClientSession() as session:
        client, chain_id = await _connect(options, session)
        context = ChainContext(chain_id, known_addresses(chain_id, options.state_dir))
        selection = Selection(context, select_protocols(options.protocols), options.addresses)
        with store.run("index", chain_id=chain_id, blocks=list(options.blocks)) as run:
            _load_files(store, options, chain_id)
            job = _Job(store, client, selection, options, on_progress, run.run_id, clock)
            summary = await job.run()
            summary.links = await asyncio.to_thread(rebuild_links, store)
            summary.elapsed_s = time.monotonic() - started
            run.details |= {
                "head": summary.head,
                "new_blocks": summary.blocks,
                "logs": summary.logs,
            }
        return summary


async def _connect(options: IndexOptions, session: aiohttp.ClientSession) -> tuple[RpcClient, int]:
    """A client of the endpoints that answer, and the chain that all of them serve.

    Raises:
        UpstreamError: no endpoint answers.
        WrongChainError: they serve different chains, or another one than `--chain`.
    """
    chains: dict[str, int] = {}
    failure: UpstreamError | None = None
    for url in options.rpc_urls:
        try:
            chains[url] = int(await RpcClient([url], session).call("eth_chainId"), 16)
        except UpstreamError as error:
            # Another endpoint can do the work of one that is down.
            failure = error
    if not chains:
        raise failure or UpstreamError("no endpoint was given; name one with --rpc-url")
    wanted = next(iter(chains.values())) if options.chain is None else chain_id_of(options.chain)
    for url, chain_id in chains.items():
        if chain_id != wanted:
            reason = f"--chain is {options.chain}" if options.chain else f"another serves {wanted}"
            message = (
                f"{mask_url(url)} serves chain {chain_id} ({chain_name(chain_id)}), but {reason}; "
                "correct --chain or --rpc-url"
            )
            raise WrongChainError(message)
    return RpcClient(tuple(chains), session), wanted


def _load_files(store: Store, options: IndexOptions, chain_id: int) -> None:
    if options.prices:
        load_prices(store, options.prices, chain_id)
    if options.funding:
        load_funding(store, options.funding, chain_id)
    labels = options.state_dir / str(chain_id) / "labels.csv"
    if labels.is_file():
        load_labels(store, labels, chain_id)


@dataclass(frozen=True)
class _Job:
    """One index run, with what all its steps need."""

    store: Store
    client: RpcClient
    selection: Selection
    options: IndexOptions
    on_progress: OnProgress
    run_id: str
    clock: _Clock

    async def run(self) -> IndexSummary:
        """Commits every range of the plan; plans again when the chain changed meanwhile."""
        summary = IndexSummary(self.selection.context.chain_id, head=0)
        for _ in range(_MAX_REORGS):
            summary.head = int(await self.client.call("eth_blockNumber"), 16)
            first = await roll_back_if_reorganised(self.store, self.client, summary.chain_id)
            if first is not None:
                summary.rolled_back_from.append(first)
            try:
                await self._work(self._plan(summary.head), summary)
            except ReorgError:
                # The chain changed between two ranges: find the common block and plan again.
                continue
            return summary
        message = (
            f"the chain of {self.client.endpoint} was reorganised {_MAX_REORGS} times in this run; "
            "try again when it has settled"
        )
        raise ReorgError(message)

    def _plan(self, head: int) -> list[BlockRange]:
        """Wanted ranges without those that an equal selection committed."""
        wanted = parse_blocks(self.options.blocks or ("0:",), head)
        done = self.store.query(
            "SELECT from_block, to_block FROM ranges WHERE chain_id = ? AND selection = ?",
            [self.selection.context.chain_id, self.selection.digest],
        )
        return list(chunks(subtract(wanted, done.rows()), self.options.max_range))

    async def _work(self, todo: Sequence[BlockRange], summary: IndexSummary) -> None:
        source = RpcSource(self.client, self.selection, summary.head)
        total, started, done = count_blocks(todo), time.monotonic(), 0
        self.on_progress(0, total, "")
        async for batch in _ahead(source, todo, self.options.concurrency):
            counts = await asyncio.to_thread(self._commit, batch)
            blocks = sum(evidence.end - evidence.start for evidence in batch)
            done += blocks
            summary.blocks += blocks
            summary.logs += counts.get("logs", 0)
            summary.rows = dict(Counter(summary.rows) + Counter(counts))
            rate = done / max(time.monotonic() - started, 1e-9)
            lag = summary.head + 1 - batch[-1].end
            note = f"{summary.logs:,} logs, {rate:,.0f} blocks/s, {lag:,} behind head"
            self.on_progress(blocks, total, note)

    def _commit(self, batch: Sequence[Evidence]) -> dict[str, int]:
        return commit(self.store, batch, self.selection, run_id=self.run_id, clock=self.clock)


async def _ahead(
    source: Source, todo: Sequence[BlockRange], concurrency: int
) -> AsyncIterator[list[Evidence]]:
    """Evidence in the order of the ranges, while the next ones are already being fetched.

    What has arrived meanwhile comes along in one batch, so that many small ranges do not cost a
    transaction each.
    """
    gate = asyncio.Semaphore(concurrency)

    async def fetch(blocks: BlockRange) -> list[Evidence]:
        async with gate:
            return await source.fetch(blocks)

    waiting = iter(todo)
    running: deque[asyncio.Task[list[Evidence]]] = deque()
    try:
        while True:
            while len(running) < _MOST_WAITING and (blocks := next(waiting, None)):
                running.append(asyncio.create_task(fetch(blocks)))
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
