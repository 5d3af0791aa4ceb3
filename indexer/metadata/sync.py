"""The metadata run: due tokens page by page, each page committed as a whole.

It can be stopped at any moment: what was committed is not asked for again, and what lies in the
cache is found there. Links are derived anew at the end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from data.schema import table
from data.store import Store
from indexer.clock import Clock
from indexer.job import Job, finish_in_thread
from indexer.link import prepare_links, replace_link
from indexer.metadata.cache import Cache
from indexer.metadata.collect import Collector
from indexer.metadata.decoder import Decoder
from indexer.metadata.due import Wanted, known_documents
from indexer.metadata.errors import NotTaken
from indexer.metadata.gateways import Reader
from indexer.metadata.http import Allowance, HttpFetcher
from indexer.metadata.locations import shown_uri, substitute_id, uri_hash
from indexer.metadata.options import MetadataOptions, MetadataSummary
from indexer.metadata.reads import Place, Read, Token, find_place, read_uris
from indexer.rpc import RpcClient

_Row = dict[str, Any]


async def sync_metadata(
    store: Store,
    client: RpcClient,
    chain_id: int,
    options: MetadataOptions,
    *,
    run_id: str,
    clock: Clock,
    collections: tuple[str, ...] = (),
    writing: asyncio.Lock | None = None,
) -> MetadataSummary:
    """Fetches what is due of a chain's tokens, and derives `tokens` and `token_traits` anew.

    Args:
        store: with its links up to date.
        client: of the chain, for the URIs.
        chain_id: the chain.
        options: what to fetch, and how.
        run_id: the run that the rows name.
        clock: the time now, UTC without a zone.
        collections: only tokens of these contracts; empty: of all.
        writing: held while the store is written to, where others write to it too.

    Raises:
        UpstreamError: the endpoint does not answer. Documents that do not come are no errors.
    """
    network, gateways = options.network, options.gateways
    # The user names the gateways, be they on this machine; what a contract names is another thing.
    allowance = Allowance(network.allowance.origins | Allowance.of(gateways.urls).origins)
    fetcher = HttpFetcher(network.limits, allowance, network.resolve, network.tls)
    async with fetcher as http, Decoder(options.decoding) as decoder:
        reader = Reader(http, gateways, network.limits)
        collector = Collector(reader, decoder, Cache(options.cache_dir), network.limits)
        wanted = Wanted(chain_id, collections, options.again, options.with_media, gateways.opened)
        lock = writing or asyncio.Lock()
        run = _Sync(store, client, wanted, options, collector, run_id, clock, lock)
        return await run.run()


async def sync_job(
    job: Job, options: MetadataOptions, writing: asyncio.Lock | None = None
) -> MetadataSummary:
    """As `sync_metadata`, for the chain, collections, run and client of an index job."""
    return await sync_metadata(
        job.store,
        job.client,
        job.summary.chain_id,
        options,
        run_id=job.run_id,
        clock=job.clock,
        collections=job.options.addresses,
        writing=writing,
    )


@dataclass
class _Sync:
    store: Store
    client: RpcClient
    wanted: Wanted
    options: MetadataOptions
    collector: Collector
    run_id: str
    clock: Clock
    writing: asyncio.Lock
    summary: MetadataSummary = field(default_factory=MetadataSummary)
    untaken: set[tuple[str, str]] = field(default_factory=set)

    async def run(self) -> MetadataSummary:
        total = await asyncio.to_thread(self.wanted.count, self.store)
        self._tell(0, total)
        after = ("", "")
        while total:
            page = await asyncio.to_thread(self.wanted.page, self.store, after, self.options.page)
            if page.is_empty():
                break
            await self._take(page)
            after = page["collection"][-1], page["token_id"][-1]
            self.summary.tokens += page.height
            self._tell(page.height, total)
        if total:
            async with self.writing:
                await finish_in_thread(_relink, self.store)
        return self.summary

    def _tell(self, done: int, total: int) -> None:
        if self.options.on_progress is not None:
            taken = sum(self.summary.documents.values()), self.summary.documents.get("fetched", 0)
            media = self.summary.media.get("fetched", 0)
            note = f"{taken[1]:,} of {taken[0]:,} documents, {media:,} media fetched"
            self.options.on_progress(done, total, note)

    async def _take(self, page: pl.DataFrame) -> None:
        """URIs, documents and media of some tokens, committed together."""
        uris = await self._uris(page)
        stale = _full_uris(uris, lambda row: row["is_stale"] or self.options.again)
        wanted = _full_uris(uris, lambda _: True)
        known = await self._known(wanted)
        documents, images = await self._documents(wanted, known, stale)
        media: list[_Row] = []
        if self.options.with_media:
            fresh = {uri_hash(images[uri] or "") for uri in stale if images.get(uri) is not None}
            media = await self._media({image for image in images.values() if image}, fresh)
        for row in (*documents, *media):
            self.summary.count(row)
        async with self.writing:
            await finish_in_thread(self._commit, uris, [*documents, *media])

    # --- URIs

    async def _uris(self, page: pl.DataFrame) -> list[_Row]:
        """Rows of `token_uris`, with the whole URI under `full`."""
        rows = page.rows(named=True)
        told = [row for row in rows if row["event_uri"] is not None and not row["is_stale"]]
        asked = [row for row in rows if row["event_uri"] is None or row["is_stale"]]
        found = [_told(row) for row in told]
        if asked:
            tokens = [
                Token(row["collection"], row["token_id"], row["token_standard"] or "erc721")
                for row in asked
            ]
            place = await find_place(self.client)
            reads = await read_uris(self.client, tokens, place)
            found += [_read(*pair, place) for pair in zip(asked, reads, strict=True)]
        for row in found:
            self.summary.uris += row["full"] is not None
            if row["reason"]:
                reasons = self.summary.uri_reasons
                reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
        return found

    # --- documents and media

    async def _known(self, uris: Iterable[str]) -> dict[tuple[str, str], _Row]:
        hashes = [uri_hash(uri) for uri in uris]
        return await asyncio.to_thread(known_documents, self.store, hashes)

    async def _documents(
        self, uris: Iterable[str], known: dict[tuple[str, str], _Row], stale: set[str]
    ) -> tuple[list[_Row], dict[str, str | None]]:
        """New rows, and the image of each URI's document."""
        rows: list[_Row] = []
        images: dict[str, str | None] = {}

        async def take(uri: str) -> None:
            key = ("json", uri_hash(uri))
            if key in self.untaken:
                # Tokens of an earlier page have it too; once in a run is enough.
                return
            held = known.get(key)
            if held is not None and not (uri in stale and held["verified_by"] == "tls"):
                is_there, images[uri] = await self._held_image(held["sha256"])
                if is_there:
                    return
            row, images[uri] = await self.collector.read_json(uri)
            self._keep(row, rows)

        await _at_once(self.options.documents_at_once, take, uris)
        return rows, images

    async def _held_image(self, sha256: str) -> tuple[bool, str | None]:
        if not self.options.with_media:
            return True, None
        try:
            return await self.collector.image_of(sha256)
        except NotTaken:
            return False, None

    async def _media(self, uris: Iterable[str], stale: set[str]) -> list[_Row]:
        rows: list[_Row] = []
        uris = list(uris)
        known = await self._known(uris)

        async def take(uri: str) -> None:
            key = ("media", uri_hash(uri))
            if key in self.untaken:
                return
            held = known.get(key)
            if held is None or (key[1] in stale and held["verified_by"] == "tls"):
                self._keep(await self.collector.read_media(uri), rows)

        await _at_once(self.options.media_at_once, take, uris)
        return rows

    def _keep(self, row: _Row, rows: list[_Row]) -> None:
        rows.append(row)
        if row["status"] != "fetched":
            self.untaken.add((row["kind"], row["uri_hash"]))

    # --- the store

    def _commit(self, uris: Sequence[_Row], documents: Sequence[_Row]) -> None:
        now = self.clock()
        stamped = [{**row, "fetched_at": now, "run_id": self.run_id} for row in documents]
        with self.store.transaction() as transaction:
            transaction.append("token_uris", _frame("token_uris", uris))
            transaction.append("metadata_documents", _frame("metadata_documents", stamped))


def _relink(store: Store) -> None:
    with store.transaction() as transaction:
        prepare_links(transaction)
        for name in ("tokens", "token_traits"):
            replace_link(transaction, name)


def _frame(name: str, rows: Sequence[_Row]) -> pl.DataFrame:
    schema = table(name).polars_schema
    return pl.DataFrame([{key: row.get(key) for key in schema} for row in rows], schema=schema)


def _told(row: _Row) -> _Row:
    """A row of `token_uris` out of a mint's event."""
    full = substitute_id(row["event_uri"], row["token_id"])
    place = Place(row["block_number"], row["block_hash"], row["block_time"])
    return {**_placed(row, place), **_named(full), "method": "event", "reason": None}


def _read(row: _Row, read: Read, place: Place) -> _Row:
    """A row of `token_uris` out of a contract's answer."""
    named = {**_named(read.uri), "method": read.token.method, "reason": read.reason}
    return {**_placed(row, place), **named}


def _placed(row: _Row, place: Place) -> _Row:
    return {
        **row,
        "block_number": place.number,
        "block_hash": place.hash,
        "block_time": place.time,
    }


def _named(full: str | None) -> _Row:
    if full is None:
        return {"full": None, "uri": None, "uri_hash": None}
    return {"full": full, "uri": shown_uri(full), "uri_hash": uri_hash(full)}


def _full_uris(rows: Iterable[_Row], is_meant: Callable[[_Row], bool]) -> set[str]:
    return {row["full"] for row in rows if row["full"] is not None and is_meant(row)}


async def _at_once(most: int, act: Callable[[str], Awaitable[None]], items: Iterable[str]) -> None:
    """Acts on every item, so many at a time; the first error ends the others."""
    slots = asyncio.Semaphore(most)

    async def one(item: str) -> None:
        async with slots:
            await act(item)

    try:
        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(one(item))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
