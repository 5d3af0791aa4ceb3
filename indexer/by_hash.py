"""Evidence asked block by block, by hash: for blocks that can still be reorganised.

A range of block numbers can be answered from two forks; a block hash names one block for good.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from data.errors import RetryableError, UpstreamError
from indexer.answers import block_request
from indexer.endpoints import Endpoint
from indexer.errors import ReorgError, RpcError
from indexer.evidence import Evidence, Proof, parse_full_blocks, parse_headers, parse_logs
from indexer.pages import PageCheck
from indexer.patience import steadily
from indexer.places import listed_transactions, with_times
from indexer.ranges import BlockRange
from indexer.rpc import MAX_BATCH, Request, RpcClient
from indexer.selection import Selection

VERIFIED_BY = "hash"
"""How `ranges` tells of a range whose logs were asked by block hash, and not read again since."""

MAX_BLOCKS = 16
"""Blocks in one piece of evidence."""

_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.1


@dataclass
class HashSource:
    """Evidence of recent blocks from a JSON-RPC node, each block asked by its hash.

    `known` are hashes that are known already, by block number: a new head comes with its hash.
    With `pages`, an answer that may have been cut is refused; a range can be asked in parts.
    """

    client: RpcClient
    selection: Selection
    known: Mapping[int, str] = field(default_factory=dict)
    pages: PageCheck | None = None

    async def fetch(self, blocks: BlockRange) -> list[Evidence]:
        """One piece of evidence for the whole range.

        Raises:
            ReorgError: a block left the chain while it was being read.
            TooManyResults: an answer may have been cut.
            UpstreamError: the node does not answer, or contradicts itself again and again.
        """
        evidence = await steadily(
            lambda: self._fetch_once(blocks),
            blocks,
            lambda: self.client.endpoint,
            attempts=_ATTEMPTS,
            first_pause_s=_FIRST_PAUSE_S,
        )
        return [evidence]

    async def _fetch_once(self, blocks: BlockRange) -> Evidence:
        started, before = time.monotonic(), self.client.traffic.n_bytes
        hashes = [self.known[n] for n in range(*blocks) if n in self.known]
        if len(hashes) < blocks[1] - blocks[0]:
            hashes = await self._hashes(blocks)
        requests = [request for block_hash in hashes for request in self._requests(block_hash)]
        try:
            answers, endpoint = await self._ask(requests)
        except UpstreamError as error:
            await self._refuse_departed(blocks, hashes)
            if isinstance(error, RpcError):
                raise
            raise RetryableError(str(error)) from error
        if any(raw.strip() == b"null" for raw in answers):
            await self._refuse_departed(blocks, hashes)
        return replace(
            self._read(blocks, answers, endpoint),
            n_requests=len(requests),
            n_bytes=self.client.traffic.n_bytes - before,
            elapsed_ms=(time.monotonic() - started) * 1_000,
            endpoint=endpoint.name,
        )

    async def _refuse_departed(self, blocks: BlockRange, hashes: Sequence[str]) -> None:
        """Tells a block that left the chain from one that a lagging node does not have yet.

        Raises:
            ReorgError: another block has the place of one of these.
        """
        numbers = [Request("eth_getBlockByNumber", (hex(n), False)) for n in range(*blocks)]
        now, _ = await self._ask(numbers)
        pairs = zip(hashes, now, strict=True)
        present = [(known, raw) for known, raw in pairs if raw.strip() != b"null"]
        if not present:
            return
        headers = parse_headers([raw for _, raw in present], self.selection.context.chain_id)
        for (known, _), current in zip(present, headers["block_hash"], strict=True):
            if known != current:
                message = f"block {known} left the chain while its logs were being read"
                raise ReorgError(message)

    async def _hashes(self, blocks: BlockRange) -> list[str]:
        answers = await self.client.batch([block_request(number) for number in range(*blocks)])
        return parse_headers(answers, self.selection.context.chain_id)["block_hash"].to_list()

    def _requests(self, block_hash: str) -> list[Request]:
        """The logs of a block and the block itself: who does not have it cannot say `[]`."""
        return [
            *(
                Request("eth_getLogs", ({**each, "blockHash": block_hash},))
                for each in self.selection.log_filters
            ),
            Request("eth_getBlockByHash", (block_hash, self.selection.wants_transactions)),
        ]

    async def _ask(self, requests: Sequence[Request]) -> tuple[list[bytes], Endpoint]:
        """The answers, and the endpoint that gave the last of them."""
        per_block = len(self.selection.log_filters) + 1
        # The requests of one block stay in one batch.
        size = max(MAX_BATCH // per_block, 1) * per_block
        answers: list[bytes] = []
        for at in range(0, len(requests), size):
            # A block that has gone is found out by one attempt; the others are made by `fetch`.
            reply = await self.client.ask(requests[at : at + size], attempts=1)
            answers += reply.results
        return answers, reply.endpoint

    def _read(self, blocks: BlockRange, answers: Sequence[bytes], endpoint: Endpoint) -> Evidence:
        chain_id = self.selection.context.chain_id
        per_block = len(self.selection.log_filters) + 1
        raw_blocks = answers[per_block - 1 :: per_block]
        raw_logs = [raw for place, raw in enumerate(answers) if (place + 1) % per_block]
        parsed = parse_logs(raw_logs, chain_id)
        if self.pages is not None:
            self.pages.refuse(endpoint, parsed.counts)
        headers, transactions, too_rich = self._parse_blocks(raw_blocks)
        _check(parsed.logs, headers, blocks)
        is_full = self.selection.wants_transactions
        listed = transactions if is_full else listed_transactions(raw_blocks)
        logs = with_times(parsed.logs, headers, listed, endpoint)
        return Evidence(
            start=blocks[0],
            end=blocks[1],
            tip_hash=headers["block_hash"][-1],
            logs=logs,
            blocks=headers,
            quarantine=pl.concat([parsed.malformed, too_rich]),
            transactions=transactions,
            proof=Proof(verified_by=VERIFIED_BY),
        )

    def _parse_blocks(
        self, raw: Sequence[bytes]
    ) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        chain_id = self.selection.context.chain_id
        if self.selection.wants_transactions:
            return parse_full_blocks(raw, chain_id)
        _, transactions, too_rich = parse_full_blocks([], chain_id)
        return parse_headers(raw, chain_id), transactions, too_rich


def _check(logs: pl.DataFrame, headers: pl.DataFrame, blocks: BlockRange) -> None:
    """Refuses blocks that are no chain over the range, and logs of other blocks.

    Raises:
        RetryableError: names the contradiction.
    """
    if headers["block_number"].to_list() != list(range(*blocks)):
        message = "blocks asked by hash are of other heights than they were"
        raise RetryableError(message)
    torn = headers.filter(pl.col("parent_hash") != pl.col("block_hash").shift(1))
    if not torn.is_empty():
        message = f"block {torn['block_number'][0]} does not follow the one before it"
        raise RetryableError(message)
    strange = logs.join(headers, on=["block_number", "block_hash"], how="anti")
    if not strange.is_empty():
        message = f"a log of block {strange['block_number'][0]} names another block's hash"
        raise RetryableError(message)
