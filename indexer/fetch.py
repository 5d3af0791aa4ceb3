"""Sources of evidence. A source turns a block range into `Evidence`, checked against itself."""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

import polars as pl

from data.errors import RetryableError, UpstreamError
from indexer.errors import RangeTooWide, TooManyResults
from indexer.evidence import Evidence, parse_full_blocks, parse_headers, parse_logs
from indexer.ranges import BlockRange, chunks
from indexer.rpc import MAX_BATCH, Request, RpcClient
from indexer.selection import Selection

WINDOW = 256
"""Blocks below the head whose headers are all kept, to find reorgs."""

_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.25


class Source(Protocol):
    """Where evidence comes from: JSON-RPC here; files of raw logs can be another."""

    async def fetch(self, blocks: BlockRange) -> list[Evidence]:
        """Evidence of the range, in block order, in as many pieces as the source had to make."""


class RpcSource:
    """Evidence from a JSON-RPC node."""

    def __init__(
        self,
        client: RpcClient,
        selection: Selection,
        head: int,
        *,
        attempts: int = _ATTEMPTS,
        first_pause_s: float = _FIRST_PAUSE_S,
    ) -> None:
        self._client = client
        self._selection = selection
        self._head = head
        self._attempts = attempts
        self._first_pause_s = first_pause_s
        # Learned from refusals; a node's limit on the width never grows back.
        self._widest: int | None = None

    async def fetch(self, blocks: BlockRange) -> list[Evidence]:
        """Evidence of the range; split where the node refuses its width or the answer's size.

        Raises:
            UpstreamError: the node cannot be reached, contradicts itself again and again, or
            refuses
                even a single block.
        """
        start, end = blocks
        if self._widest is not None and end - start > self._widest:
            return await self._fetch_all(list(chunks([blocks], self._widest)))
        try:
            return [await self._fetch_steadily(start, end)]
        except RangeTooWide as error:
            width = min(error.limit or end - start, (end - start + 1) // 2)
            if end - start <= 1:
                raise
            self._widest = min(self._widest or width, width)
            return await self._fetch_all(list(chunks([blocks], width)))
        except TooManyResults as error:
            if end - start <= 1:
                message = f"block {start} alone is too much for the node: {error}"
                raise UpstreamError(message) from error
            middle = (start + end) // 2
            return await self._fetch_all([(start, middle), (middle, end)])

    async def _fetch_all(self, parts: Sequence[BlockRange]) -> list[Evidence]:
        return [evidence for part in parts for evidence in await self.fetch(part)]

    async def _fetch_steadily(self, start: int, end: int) -> Evidence:
        """One answer that does not contradict itself; asks again while it does."""
        pause_s = self._first_pause_s
        for attempt in range(1, self._attempts + 1):
            try:
                return await self._fetch_once(start, end)
            except RetryableError as error:
                if attempt == self._attempts:
                    message = (
                        f"{self._client.endpoint}, blocks {start}:{end}: {error} "
                        f"({attempt} attempts); try again later or another --rpc-url"
                    )
                    raise UpstreamError(message) from error
            await asyncio.sleep(pause_s)
            pause_s *= 2
        raise AssertionError

    async def _fetch_once(self, start: int, end: int) -> Evidence:
        chain_id = self._selection.context.chain_id
        started, before = time.monotonic(), self._client.traffic.n_bytes
        span = {"fromBlock": hex(start), "toBlock": hex(end - 1)}
        filters = [
            Request("eth_getLogs", ({**each, **span},)) for each in self._selection.log_filters
        ]
        # The header of the last block comes in the same batch, so from the same backend: a node
        # that lacks the block cannot pass off an empty list of logs as the truth.
        *answers, tip = await self._client.batch([*filters, _block(end - 1)])
        parsed = parse_logs(answers, chain_id)
        tip_header = parse_headers([tip], chain_id)
        blocks, transactions, too_rich = await self._blocks(start, end, parsed.logs, tip_header)
        _check(parsed.logs, blocks, start, end)
        times = blocks.select("block_hash", pl.col("block_time").alias("header_time"))
        logs = parsed.logs.join(times, on="block_hash", how="left", maintain_order="left")
        logs = logs.with_columns(pl.coalesce("header_time", "block_time").alias("block_time"))
        return Evidence(
            start=start,
            end=end,
            tip_hash=tip_header["block_hash"][0],
            logs=logs.drop("header_time"),
            blocks=blocks,
            quarantine=pl.concat([parsed.malformed, too_rich]),
            transactions=transactions,
            n_requests=len(filters) + blocks.height,
            n_bytes=self._client.traffic.n_bytes - before,
            elapsed_ms=(time.monotonic() - started) * 1_000,
            endpoint=self._client.endpoint,
        )

    async def _blocks(
        self, start: int, end: int, logs: pl.DataFrame, tip: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Headers that are needed: for times, for the reorg window, and for funding all of them."""
        chain_id = self._selection.context.chain_id
        if self._selection.wants_transactions:
            results = await self._get_blocks(range(start, end), full=True)
            headers, transactions, too_rich = parse_full_blocks(results, chain_id)
            return _agreeing(headers, tip), transactions, too_rich
        timeless = logs.filter(pl.col("block_time").is_null())["block_number"].unique()
        wanted = set(timeless) | set(range(max(start, self._head + 1 - WINDOW), end))
        results = await self._get_blocks(sorted(wanted - {end - 1}), full=False)
        headers = pl.concat([parse_headers(results, chain_id), tip]) if results else tip
        empty = parse_full_blocks([], chain_id)
        return headers, empty[1], empty[2]

    async def _get_blocks(self, numbers: Sequence[int], *, full: bool) -> list[bytes]:
        results: list[bytes] = []
        for at in range(0, len(numbers), MAX_BATCH):
            part = numbers[at : at + MAX_BATCH]
            results += await self._client.batch([_block(number, full=full) for number in part])
        return results


def _block(number: int, *, full: bool = False) -> Request:
    return Request("eth_getBlockByNumber", (hex(number), full))


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
    both = pl.concat([headers.drop("parent_hash"), logs.select("block_number", "block_hash")])
    if both.unique().select(pl.col("block_number").is_duplicated().any()).item():
        message = "logs and headers of one block come from different forks"
        raise RetryableError(message)
    follows = pl.col("block_number") == pl.col("block_number").shift(1) + 1
    breaks = headers.filter(follows & (pl.col("parent_hash") != pl.col("block_hash").shift(1)))
    if not breaks.is_empty():
        message = f"block {breaks['block_number'][0]} does not follow the one before it"
        raise RetryableError(message)
