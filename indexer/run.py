"""The index run: connect, load files, bring the store up to the head, rebuild the links."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp
import msgspec

from contracts.addresses import known_addresses
from data.errors import UpstreamError
from data.store import Run, Store, code_version
from indexer.answers import Request
from indexer.archive import read_royalties
from indexer.chains import chain_id_of, chain_name
from indexer.clock import Clock, utc_now
from indexer.endpoints import Endpoint
from indexer.errors import WrongChainError
from indexer.files import load_files
from indexer.finality import Finality
from indexer.job import IndexOptions, IndexSummary, Job, OnProgress
from indexer.link import rebuild_links
from indexer.metadata.sync import sync_job
from indexer.metrics import Metrics
from indexer.protocols import select_protocols
from indexer.protocols.base import ChainContext
from indexer.rpc import Reply, RpcClient
from indexer.selection import Selection
from indexer.server import Readiness, serve

__all__ = ["IndexOptions", "IndexSummary", "index", "open_job"]


def index(
    store: Store,
    options: IndexOptions,
    on_progress: OnProgress | None = None,
    *,
    clock: Clock = utc_now,
) -> IndexSummary:
    """Indexes blocks into the store and rebuilds the link tables; resumes where a run ended.

    Ranges that an equal selection committed before are skipped. Each range is committed with its
    checkpoint in one transaction, so that it can be killed at any moment.

    Raises:
        UpstreamError: the endpoint cannot be reached, contradicts itself, or is of another chain.
        DeepReorgError: the store holds another chain, or a reorg deeper than the window.
        UsageError: an option cannot be understood.
    """
    return asyncio.run(_index(store, options, on_progress, clock))


async def _index(
    store: Store, options: IndexOptions, on_progress: OnProgress | None, clock: Clock
) -> IndexSummary:
    async with open_job(store, options, on_progress, clock) as job:
        await job.run()
        job.summary.links = await asyncio.to_thread(rebuild_links, store)
        if options.archive_url is not None:
            tell = options.on_read or _silent
            chain_id = job.summary.chain_id
            job.summary.royalty_reads = await read_royalties(
                store, options.archive_url, chain_id, tell
            )
        if options.metadata is not None:
            job.summary.metadata = await sync_job(job, options.metadata)
    return job.summary


@asynccontextmanager
async def open_job(
    store: Store, options: IndexOptions, on_progress: OnProgress | None, clock: Clock
) -> AsyncIterator[Job]:
    """A job of a store, with its connection, files and metrics; recorded in `runs` at the end.

    Raises:
        UpstreamError: no endpoint answers, or one serves another chain.
        UsageError: an option cannot be understood.
    """
    started = time.monotonic()
    metrics, readiness = Metrics(), Readiness()
    metrics.build_info.labels(code_version()).set(1)
    async with aiohttp.ClientSession() as session:
        client, chain_id = await _connect(options, session, metrics)
        context = ChainContext(chain_id, known_addresses(chain_id, options.state_dir))
        selection = Selection(context, select_protocols(options.protocols), options.addresses)
        with store.run("index", chain_id=chain_id, blocks=list(options.blocks)) as run:
            run.details |= _selected(selection, options)
            load_files(store, chain_id, options.state_dir, options.prices, options.funding)
            job = Job(
                store=store,
                client=client,
                selection=selection,
                options=options,
                on_progress=on_progress or _silent,
                run_id=run.run_id,
                clock=clock,
                metrics=metrics,
                readiness=readiness,
                summary=IndexSummary(chain_id, head=0),
                finality=Finality(client, chain_id),
            )
            async with serve(options.metrics_port, metrics, readiness):
                yield job
            job.summary.elapsed_s = time.monotonic() - started
            _record(run, job.summary)


def _silent(_done: float, _total: float, _note: str) -> None:
    """Reports to nobody."""


def _selected(selection: Selection, options: IndexOptions) -> dict[str, Any]:
    """What a run selects; the audit makes the selection of a digest out of it again."""
    return {
        "selection": selection.digest,
        "protocols": [protocol.name for protocol in selection.protocols],
        "addresses": list(options.addresses),
        "verify": options.verify,
    }


def _record(run: Run, summary: IndexSummary) -> None:
    run.details |= {
        "head": summary.head,
        "new_blocks": summary.blocks,
        "logs": summary.logs,
        "rolled_back_from": summary.rolled_back_from,
        "repaired_blocks": summary.repaired_blocks,
        "gaps": summary.verified.gaps,
        "unproven": summary.verified.unproven,
    }
    if summary.royalty_reads is not None:
        run.details["royalty_reads"] = asdict(summary.royalty_reads)
    if summary.metadata is not None:
        run.details["metadata"] = asdict(summary.metadata)


@dataclass
class MeteredClient(RpcClient):
    """A client that counts and times each of its posts."""

    metrics: Metrics = field(default_factory=Metrics)

    async def _post(self, endpoint: Endpoint, requests: list[Request]) -> Reply:  # type: ignore[override]
        with self.metrics.calls(request.method for request in requests):
            return await super()._post(endpoint, requests)


async def _connect(
    options: IndexOptions, session: aiohttp.ClientSession, metrics: Metrics
) -> tuple[RpcClient, int]:
    """A client of the endpoints, and the chain that all of them serve.

    One that is down does not stop the others; it must prove its chain before it is believed.

    Raises:
        UpstreamError: no endpoint answers.
        WrongChainError: they serve different chains, or another one than `--chain`.
    """
    client = MeteredClient(options.rpc_urls, session, metrics=metrics)
    endpoints = client.pool.endpoints
    answers = await asyncio.gather(*(_chain_of(client, endpoint) for endpoint in endpoints))
    chains = {
        endpoint: answer
        for endpoint, answer in zip(endpoints, answers, strict=True)
        if isinstance(answer, int)
    }
    if not chains:
        raise next(answer for answer in answers if isinstance(answer, UpstreamError))
    wanted = next(iter(chains.values())) if options.chain is None else chain_id_of(options.chain)
    for endpoint, chain_id in chains.items():
        if chain_id != wanted:
            reason = f"--chain is {options.chain}" if options.chain else f"another serves {wanted}"
            message = (
                f"{endpoint.name} serves chain {chain_id} ({chain_name(chain_id)}), but {reason}; "
                "correct --chain or --rpc-url"
            )
            raise WrongChainError(message)
        endpoint.serves_chain = True
    client.chain_id = wanted
    return client, wanted


async def _chain_of(client: RpcClient, endpoint: Endpoint) -> int | UpstreamError:
    """The chain that an endpoint serves, or why that is not known."""
    try:
        reply = await client.ask([Request("eth_chainId")], only=endpoint)
        return int(msgspec.json.decode(reply.results[0]), 16)
    except UpstreamError as error:
        return error
