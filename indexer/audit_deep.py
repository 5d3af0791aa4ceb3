"""The deep audit: stored logs against the receipts of their blocks, and these against the header.

Receipts whose recomputed root is that of the header are the block's receipts, so a stored log that
is not among them is wrong, and a wanted log among them that is not stored is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import polars as pl

from contracts.addresses import known_addresses
from data.errors import RaisonneError, UpstreamError
from data.schema import table
from data.store import Store
from indexer.audit import read_selections
from indexer.decode import settle_logs
from indexer.errors import GapError, RootError
from indexer.evidence import parse_logs
from indexer.protocols import select_protocols
from indexer.protocols.base import ChainContext
from indexer.ranges import BlockRange, merge, parse_blocks
from indexer.roots import header_hash, receipts_root
from indexer.rpc import Request, RpcClient
from indexer.selection import Selection
from indexer.witness import CONTENT, matches

_BATCH_BLOCKS = 32
_IN_FLIGHT = 8

OnProgress = Callable[[float, float, str], None]


@dataclass
class DeepAudit:
    """What the deep audit of one chain found; all counts but the logs are blocks.

    `roots_recomputed` had receipts with the root that their header names; `headers_recomputed` had
    besides a header with the hash under which it is stored, which ties the logs to that hash.
    `unchecked` counts the others by reason. `logs_missing` are wanted but not stored, `logs_wrong`
    stored but not in the receipts; `bad_blocks` hold such logs.
    """

    chain_id: int
    blocks: int = 0
    roots_recomputed: int = 0
    headers_recomputed: int = 0
    unchecked: dict[str, int] = field(default_factory=dict)
    logs_checked: int = 0
    logs_missing: int = 0
    logs_wrong: int = 0
    bad_blocks: list[int] = field(default_factory=list)

    def require_sound(self, *, strict: bool) -> None:
        """Refuses wrong and missing logs, and, if strict, blocks that could not be checked.

        Raises:
            GapError: there are such; names the first blocks.
        """
        if self.bad_blocks:
            first = ", ".join(map(str, self.bad_blocks[:5]))
            message = (
                f"{self.logs_missing} logs are missing and {self.logs_wrong} are not in the "
                f"receipts, in {len(self.bad_blocks)} blocks ({first}); index into a new store "
                "with --verify full"
            )
            raise GapError(message)
        if strict and self.unchecked:
            why = "; ".join(f"{n} blocks: {reason}" for reason, n in self.unchecked.items())
            message = f"not every stored block could be checked ({why}); try another --rpc-url"
            raise GapError(message)


def audit_deep(
    store: Store,
    rpc_urls: Sequence[str],
    *,
    blocks: Sequence[str] = (),
    state_dir: Path = Path(".raisonne"),
    on_progress: OnProgress = lambda _done, _total, _note: None,
) -> DeepAudit:
    """Compares the stored logs of the endpoint's chain, in all blocks or some, with receipts.

    Raises:
        UpstreamError: the endpoint cannot be reached.
        UsageError: `blocks` cannot be understood.
    """
    return asyncio.run(_audit(store, rpc_urls, blocks, state_dir, on_progress))


async def _audit(
    store: Store,
    rpc_urls: Sequence[str],
    wanted: Sequence[str],
    state_dir: Path,
    on_progress: OnProgress,
) -> DeepAudit:
    async with aiohttp.ClientSession() as session:
        client = RpcClient(tuple(rpc_urls), session)
        chain_id = int(await client.call("eth_chainId"), 16)
        stored = _stored_blocks(store, chain_id, wanted)
        auditor = _Auditor(store, client, chain_id, _covered(store, chain_id, state_dir))
        on_progress(0, stored.height, "")
        for part in stored.iter_slices(_BATCH_BLOCKS):
            await auditor.check(part)
            bad = len(auditor.found.bad_blocks)
            on_progress(part.height, stored.height, f"{bad} bad blocks" if bad else "")
        return auditor.found


def _stored_blocks(store: Store, chain_id: int, wanted: Sequence[str]) -> pl.DataFrame:
    """Blocks with stored logs, ascending: block_number, block_hash."""
    stored = store.query(
        "SELECT DISTINCT block_number, block_hash FROM logs WHERE chain_id = ? ORDER BY ALL",
        [chain_id],
    )
    if not wanted or stored.is_empty():
        return stored
    ranges = parse_blocks(wanted, int(stored["block_number"][-1]))
    is_wanted = (pl.col("block_number").is_between(start, end - 1) for start, end in ranges)
    return stored.filter(reduce(or_, is_wanted, pl.lit(value=False)))


def _covered(
    store: Store, chain_id: int, state_dir: Path
) -> list[tuple[Selection, list[BlockRange]]]:
    """Selections of a chain that can be made again from what runs recorded, with their ranges."""
    context = ChainContext(chain_id, known_addresses(chain_id, state_dir))
    rows = store.query(
        "SELECT selection, from_block, to_block FROM ranges WHERE chain_id = ?", [chain_id]
    )
    runs = read_selections(store)
    covered = []
    for (digest,), ranges in rows.group_by("selection", maintain_order=True):
        run = runs.get((chain_id, digest), {})
        names, addresses = run.get("protocols", ()), run.get("addresses", ())
        try:
            selection = Selection(context, select_protocols(tuple(names)), tuple(addresses))
        except RaisonneError:  # a protocol of another version of the program
            continue
        if selection.digest == digest:
            covered.append((selection, merge(ranges.select("from_block", "to_block").rows())))
    return covered


class _Auditor:
    """Checks blocks in batches and adds up what it finds."""

    def __init__(
        self,
        store: Store,
        client: RpcClient,
        chain_id: int,
        covered: Sequence[tuple[Selection, list[BlockRange]]],
    ) -> None:
        self._store = store
        self._client = client
        self._covered = covered
        self._gate = asyncio.Semaphore(_IN_FLIGHT)
        self.found = DeepAudit(chain_id)

    async def check(self, blocks: pl.DataFrame) -> None:
        """Checks blocks (block_number, block_hash, ascending)."""
        self.found.blocks += blocks.height
        fetched = await asyncio.gather(*(self._fetch(*row) for row in blocks.iter_rows()))
        proven = {number: raw for number, raw in fetched if raw is not None}
        if not proven:
            return
        told = parse_logs(list(proven.values()), self.found.chain_id).logs
        numbers = sorted(proven)
        stored = self._store.query(
            "SELECT * FROM logs WHERE chain_id = ? AND block_number IN (SELECT unnest(?))",
            [self.found.chain_id, numbers],
        )
        self._compare(stored, told, self._wanted(told, numbers))

    async def _fetch(self, number: int, block_hash: str) -> tuple[int, bytes | None]:
        """The logs of a block's receipts as JSON if their root is the header's; counts if not."""
        requests = [
            Request("eth_getBlockByHash", (block_hash, False)),
            Request("eth_getBlockReceipts", (hex(number),)),
        ]
        try:
            async with self._gate:
                raw = await self._client.batch(requests)
            header, receipts = (msgspec.json.decode(each) for each in raw)
            return number, self._prove(header, receipts, block_hash)
        except RootError as error:
            self._leave(f"root not recomputed: {error}")
        except UpstreamError:
            self._leave("the endpoint refuses the block or its receipts")
        return number, None

    def _prove(self, header: Any, receipts: Any, block_hash: str) -> bytes | None:
        if not isinstance(header, dict) or not isinstance(receipts, list):
            self._leave("the endpoint does not have the block or its receipts")
            return None
        if receipts_root(receipts) != header.get("receiptsRoot"):
            self._leave("the receipts are not those that the header commits to")
            return None
        self.found.roots_recomputed += 1
        with suppress(RootError):  # other chains have other headers
            self.found.headers_recomputed += header_hash(header) == block_hash
        return msgspec.json.encode([log for receipt in receipts for log in receipt["logs"]])

    def _leave(self, reason: str) -> None:
        self.found.unchecked[reason] = self.found.unchecked.get(reason, 0) + 1

    def _wanted(self, told: pl.DataFrame, numbers: Sequence[int]) -> pl.DataFrame:
        """The logs that must be stored, by the selections that cover their blocks."""
        wanted = [table("logs").empty()]
        for selection, ranges in self._covered:
            inside = [n for n in numbers if any(start <= n < end for start, end in ranges)]
            is_asked = reduce(or_, map(matches, selection.log_filters), pl.lit(value=False))
            asked = told.filter(pl.col("block_number").is_in(inside) & is_asked)
            wanted.append(settle_logs(asked, selection).get("logs", asked.clear()))
        return pl.concat(wanted).unique(["block_hash", "log_index"], maintain_order=True)

    def _compare(self, stored: pl.DataFrame, told: pl.DataFrame, wanted: pl.DataFrame) -> None:
        place = ["block_hash", *CONTENT]
        wrong = stored.join(told, on=place, how="anti", nulls_equal=True)
        missing = wanted.join(stored, on=place, how="anti", nulls_equal=True)
        self.found.logs_checked += stored.height
        self.found.logs_wrong += wrong.height
        self.found.logs_missing += missing.height
        bad = {*wrong["block_number"], *missing["block_number"]}
        self.found.bad_blocks = sorted({*self.found.bad_blocks, *bad})
