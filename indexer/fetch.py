"""Sources of evidence. A source turns a block range into `Evidence`, checked against itself."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from data.errors import RetryableError
from indexer.answers import block_request
from indexer.endpoints import Endpoint
from indexer.errors import (
    RangeTooWide,
    SizeRefused,
    SlowAnswer,
    TooManyBytes,
    TooManyCriteria,
    TooManyResults,
)
from indexer.evidence import (
    Evidence,
    ParsedLogs,
    parse_full_blocks,
    parse_headers,
    parse_logs,
)
from indexer.filters import halve
from indexer.limits import LimitKind, honoured
from indexer.pages import PageCheck
from indexer.parts import ask_in_parts
from indexer.patience import steadily
from indexer.places import listed_transactions, with_times
from indexer.ranges import BlockRange
from indexer.rpc import MAX_BATCH, Reply, Request, RpcClient
from indexer.selection import LogFilter, Selection
from indexer.width import WidthController

WINDOW = 256
"""Blocks below the head whose headers are all kept, to find reorgs."""

_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.25


class Source(Protocol):
    """Where evidence comes from: JSON-RPC here; files of raw logs can be another."""

    async def fetch(self, blocks: BlockRange) -> list[Evidence]:
        """Evidence of the range, in block order, in as many pieces as the source had to make."""


class RpcSource:
    """Evidence from JSON-RPC nodes, in requests as wide as the endpoint asked has shown to bear."""

    def __init__(
        self,
        client: RpcClient,
        selection: Selection,
        head: int,
        *,
        pages: PageCheck | None = None,
        attempts: int = _ATTEMPTS,
        first_pause_s: float = _FIRST_PAUSE_S,
    ) -> None:
        self._client = client
        self._selection = selection
        self._head = head
        self._pages = pages
        self._attempts = attempts
        self._first_pause_s = first_pause_s
        self._filters: tuple[LogFilter, ...] = selection.log_filters

    def pieces(self, ranges: Iterable[BlockRange], most: int) -> Iterator[BlockRange]:
        """The ranges in pieces of at most `most` blocks, each cut when it is taken.

        By then the answers to earlier pieces have taught how wide it may be.
        """
        for start, end in ranges:
            at = start
            while at < end:
                endpoint = self._client.pool.best(self._client.clock())
                width = self._width_of(endpoint).propose(min(end - at, most))
                yield at, at + width
                at += width

    async def fetch(self, blocks: BlockRange) -> list[Evidence]:
        """Evidence of the range, in as many pieces as the endpoints' limits make necessary.

        Raises:
            UpstreamError: the node cannot be reached, contradicts itself again and again, or
            refuses even a single block.
        """
        pieces: list[Evidence] = []
        todo = deque([blocks])
        while todo:
            start, end = todo.popleft()
            endpoint = self._client.pool.pick(self._client.clock())
            cut = start + self._width_of(endpoint).propose(end - start)
            if cut < end:
                todo.appendleft((cut, end))
            try:
                pieces.append(await self._fetch_steadily(start, cut, endpoint))
            except (SizeRefused, SlowAnswer) as error:
                todo.extendleft(reversed(self._narrower(start, cut, error)))
        return pieces

    def _width_of(self, endpoint: Endpoint) -> WidthController:
        return endpoint.width_of(self._selection.digest)

    def _narrower(
        self, start: int, end: int, error: SizeRefused | SlowAnswer
    ) -> Sequence[BlockRange]:
        """The same blocks, to be asked for again in the parts that a refusal makes necessary.

        Raises:
            SizeRefused, SlowAnswer: the blocks are one block already.
        """
        endpoint = self._client.pool.at(error.url) or self._client.pool.endpoints[0]
        control, width = self._width_of(endpoint), end - start
        if isinstance(error, TooManyCriteria):
            self._split_filters(error)
            return [(start, end)]
        if width == 1:
            raise error
        if isinstance(error, SlowAnswer):
            control.refuse_density(width, LimitKind.RESULTS)
            return [(start, end)]
        if isinstance(error, RangeTooWide):
            control.refuse_range(width, error.limit)
        else:
            is_bytes = isinstance(error, TooManyBytes)
            kind = LimitKind.BYTES if is_bytes else LimitKind.RESULTS
            control.refuse_density(width, kind, error.limit)
        return honoured(error.suggested, start, end) or [(start, end)]

    def _split_filters(self, error: TooManyCriteria) -> None:
        """Spreads the addresses over more filters, for the rest of the run."""
        longest = max(self._filters, key=lambda each: len(each.get("address", ())))
        halves = halve({"address": longest.get("address")})
        if not halves:
            raise error
        parts = [{**longest, **half} for half in halves]
        self._filters = (*(each for each in self._filters if each is not longest), *parts)

    async def _fetch_steadily(self, start: int, end: int, endpoint: Endpoint) -> Evidence:
        """One answer that does not contradict itself; asks again while it does."""
        return await steadily(
            lambda: self._fetch_once(start, end, endpoint),
            (start, end),
            lambda: self._client.endpoint,
            attempts=self._attempts,
            first_pause_s=self._first_pause_s,
            passes_slow=True,
        )

    async def _fetch_once(self, start: int, end: int, endpoint: Endpoint) -> Evidence:
        chain_id = self._selection.context.chain_id
        started = time.monotonic()
        replies, parsed = await self._ask(start, end, endpoint)
        tips = [reply.results[-1] for reply in replies]
        tip = _one_tip(tips, chain_id)
        found = await self._blocks(start, end, parsed.logs, tip)
        listed = pl.concat([found.listed, listed_transactions(tips)])
        _check(parsed.logs, found.headers, start, end)
        source = replies[0].endpoint
        logs = with_times(parsed.logs, found.headers, listed, source)
        n_bytes = sum(reply.n_bytes for reply in replies) + found.n_bytes
        self._width_of(source).answered(end - start, logs.height, n_bytes)
        return Evidence(
            start=start,
            end=end,
            tip_hash=tip["block_hash"][0],
            logs=logs,
            blocks=found.headers,
            quarantine=pl.concat([parsed.malformed, found.too_rich]),
            transactions=found.transactions,
            n_requests=sum(len(reply.results) for reply in replies) + found.headers.height - 1,
            n_bytes=n_bytes,
            elapsed_ms=(time.monotonic() - started) * 1_000,
            endpoint=source.name,
        )

    async def _ask(
        self, start: int, end: int, endpoint: Endpoint
    ) -> tuple[list[Reply], ParsedLogs]:
        """Replies with logs, each with the header of the last block as its last result."""
        filters, chain_id = self._filters, self._selection.context.chain_id
        span = {"fromBlock": hex(start), "toBlock": hex(end - 1)}
        # The header of the last block comes in the same batch, so from the same backend: a node
        # that lacks the block cannot pass off an empty list of logs as the truth. The chain id
        # too: an endpoint may become another chain's while the run goes on.
        asked = [
            *(Request("eth_getLogs", ({**each, **span},)) for each in filters),
            block_request(end - 1),
        ]
        try:
            reply = await self._client.ask(asked, prefer=endpoint, proves_chain=True)
            parsed = await asyncio.to_thread(parse_logs, reply.results[:-1], chain_id)
            if self._pages is not None:
                await self._pages.confirm(reply.endpoint, filters, (start, end), parsed.counts)
        except TooManyResults:
            if end - start > 1:
                raise
            replies = await ask_in_parts(self._client, filters, start)
            return replies, parse_logs([reply.results[0] for reply in replies], chain_id)
        return [reply], parsed

    async def _blocks(
        self, start: int, end: int, logs: pl.DataFrame, tip: pl.DataFrame
    ) -> "_Found":
        """Headers that are needed: for times, for the reorg window, and for funding all of them."""
        chain_id = self._selection.context.chain_id
        if self._selection.wants_transactions:
            results = await self._get_blocks(range(start, end), full=True)
            headers, transactions, too_rich = parse_full_blocks(results, chain_id)
            listed = transactions.select("block_hash", "tx_hash")
            return _Found(_agreeing(headers, tip), listed, transactions, too_rich, _size(results))
        timeless = logs.filter(pl.col("block_time").is_null())["block_number"].unique()
        wanted = set(timeless) | set(range(max(start, self._head + 1 - WINDOW), end))
        results = await self._get_blocks(sorted(wanted - {end - 1}), full=False)
        headers = pl.concat([parse_headers(results, chain_id), tip]) if results else tip
        _, transactions, too_rich = parse_full_blocks([], chain_id)
        listed = listed_transactions(results)
        return _Found(headers, listed, transactions, too_rich, _size(results))

    async def _get_blocks(self, numbers: Sequence[int], *, full: bool) -> list[bytes]:
        results: list[bytes] = []
        for at in range(0, len(numbers), MAX_BATCH):
            part = numbers[at : at + MAX_BATCH]
            results += await self._client.batch(
                [block_request(number, full=full) for number in part]
            )
        return results


@dataclass(frozen=True)
class _Found:
    """Blocks of a range: their headers, their transactions where wanted, and what these cost.

    `listed` has block_hash and tx_hash of the transactions that the blocks are known to hold.
    """

    headers: pl.DataFrame
    listed: pl.DataFrame
    transactions: pl.DataFrame
    too_rich: pl.DataFrame
    n_bytes: int


def _size(results: Sequence[bytes]) -> int:
    return sum(map(len, results))


def _one_tip(results: Sequence[bytes], chain_id: int) -> pl.DataFrame:
    """The header of the last block, as all replies have it.

    Raises:
        RetryableError: they have different ones.
    """
    tips = parse_headers(results, chain_id).unique("block_hash")
    if tips.height > 1:
        message = "the last block changed between two answers"
        raise RetryableError(message)
    return tips


def _agreeing(headers: pl.DataFrame, tip: pl.DataFrame) -> pl.DataFrame:
    if headers.join(tip, on="block_hash", how="semi").is_empty():
        message = "the last block changed between two answers"
        raise RetryableError(message)
    return headers


def _check(logs: pl.DataFrame, blocks: pl.DataFrame, start: int, end: int) -> None:
    """Refuses an answer that contradicts itself: mixed forks, logs from elsewhere.

    Raises:
        RetryableError: names the contradiction.
    """
    if not logs["block_number"].is_between(start, end - 1).all():
        message = "logs from outside the range that was asked for"
        raise RetryableError(message)
    headers = blocks.select("block_number", "block_hash", "parent_hash").sort("block_number")
    is_first = pl.col("block_hash") != pl.col("block_hash").shift(1)
    firsts = logs.filter(is_first.fill_null(value=True)).select("block_number", "block_hash")
    both = pl.concat([headers.drop("parent_hash"), firsts])
    if both.unique().select(pl.col("block_number").is_duplicated().any()).item():
        message = "logs and headers of one block come from different forks"
        raise RetryableError(message)
    follows = pl.col("block_number") == pl.col("block_number").shift(1) + 1
    breaks = headers.filter(follows & (pl.col("parent_hash") != pl.col("block_hash").shift(1)))
    if not breaks.is_empty():
        message = f"block {breaks['block_number'][0]} does not follow the one before it"
        raise RetryableError(message)
