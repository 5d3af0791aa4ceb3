"""What an index run would do, told before any log is asked for: ranges, requests, rough cost."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

import aiohttp
import msgspec

from contracts.addresses import known_addresses
from data.store import Store
from indexer.chains import chain_id_of, chain_name
from indexer.errors import WrongChainError
from indexer.fetch import WINDOW
from indexer.finality import Finality
from indexer.protocols import select_protocols
from indexer.protocols.base import ChainContext
from indexer.ranges import BlockRange, chunks, count_blocks, merge, parse_blocks, subtract
from indexer.rpc import RpcClient, mask_url
from indexer.run import IndexOptions
from indexer.selection import Selection
from indexer.status import Head
from indexer.verify import SAMPLED_SHARE
from indexer.width import FIRST_WIDTH

LOGS, BLOCK, BLOCK_BY_HASH = "eth_getLogs", "eth_getBlockByNumber", "eth_getBlockByHash"
CHAIN_ID = "eth_chainId"
_START = (CHAIN_ID, "eth_blockNumber")


class _Header(msgspec.Struct):
    number: str
    timestamp: str


@dataclass(frozen=True)
class Calls:
    """Expected calls of one method: a lower and an upper bound, and what they are for."""

    at_least: int
    at_most: int
    why: tuple[str, ...]


@dataclass(frozen=True)
class Pace:
    """What earlier runs of the same selection measured."""

    blocks_per_s: float
    bytes_per_block: float
    logs_per_block: float


@dataclass(frozen=True)
class Plan:
    """What an index run would do now."""

    chain_id: int
    head: int
    final_block: int
    protocols: tuple[str, ...]
    log_filters: int
    selection: str
    todo: tuple[BlockRange, ...]
    committed_blocks: int
    calls: Mapping[str, Calls]
    pace: Pace | None

    @property
    def blocks(self) -> int:
        """Blocks still to do."""
        return count_blocks(self.todo)

    def credits(self, prices: Mapping[str, float]) -> tuple[float, float]:
        """Cost in a provider's credits, at least and at most; methods without a price are free."""
        low = sum(prices.get(method, 0) * calls.at_least for method, calls in self.calls.items())
        high = sum(prices.get(method, 0) * calls.at_most for method, calls in self.calls.items())
        return low, high

    def as_json(self) -> dict[str, Any]:
        """The plan for JSON, ranges as `first:end` (half-open)."""
        found = asdict(self)
        found["todo"] = [f"{start}:{end}" for start, end in self.todo]
        found["blocks"] = self.blocks
        found["calls"] = {method: asdict(calls) for method, calls in self.calls.items()}
        return found


def make_plan(store: Store | None, options: IndexOptions) -> Plan:
    """Plans an index run; asks the endpoint for its chain, head and final block, for no log.

    Args:
        store: what is indexed already; None where there is no store yet.
        options: what would be indexed, and from where.

    Raises:
        UpstreamError: no endpoint answers.
        WrongChainError: the endpoint serves another chain than `options.chain`.
        UsageError: an option cannot be understood.
    """
    return asyncio.run(_make_plan(store, options))


def ask_head(urls: Sequence[str]) -> Head:
    """The newest block of the first endpoint that answers.

    Raises:
        UpstreamError: no endpoint answers.
    """
    return asyncio.run(_ask_head(urls))


async def _ask_head(urls: Sequence[str]) -> Head:
    async with _client(urls) as client:
        chain_id = int(await client.call("eth_chainId"), 16)
        found = msgspec.convert(await client.call(BLOCK, "latest", False), _Header)
        time = datetime.fromtimestamp(int(found.timestamp, 16), UTC).replace(tzinfo=None)
        return Head(chain_id, int(found.number, 16), time)


@asynccontextmanager
async def _client(urls: Sequence[str]) -> AsyncIterator[RpcClient]:
    async with aiohttp.ClientSession() as session:
        yield RpcClient(tuple(urls), session)


async def _make_plan(store: Store | None, options: IndexOptions) -> Plan:
    async with _client(options.rpc_urls) as client:
        chain_id = int(await client.call("eth_chainId"), 16)
        if options.chain is not None and chain_id_of(options.chain) != chain_id:
            message = (
                f"{mask_url(options.rpc_urls[0])} serves chain {chain_id} "
                f"({chain_name(chain_id)}), but --chain is {options.chain}; correct one of them"
            )
            raise WrongChainError(message)
        head = int(await client.call("eth_blockNumber"), 16)
        final_block = await Finality(client, chain_id).refresh(head)
    context = ChainContext(chain_id, known_addresses(chain_id, options.state_dir))
    selection = Selection(context, select_protocols(options.protocols), options.addresses)
    wanted = parse_blocks(options.blocks or ("0:",), head)
    todo = subtract(wanted, _committed(store, selection))
    return Plan(
        chain_id=chain_id,
        head=head,
        final_block=final_block,
        protocols=tuple(protocol.name for protocol in selection.protocols),
        log_filters=len(selection.log_filters),
        selection=selection.digest,
        todo=tuple(todo),
        committed_blocks=count_blocks(wanted) - count_blocks(todo),
        calls=_Work.parted(todo, selection, options, (head, final_block)).calls(),
        pace=_pace(store, selection),
    )


def _committed(store: Store | None, selection: Selection) -> list[BlockRange]:
    if store is None:
        return []
    rows = store.query(
        "SELECT from_block, to_block FROM ranges WHERE chain_id = ? AND selection = ?",
        [selection.context.chain_id, selection.digest],
    ).rows()
    return merge(rows)


# --- requests


@dataclass(frozen=True)
class _Work:
    """What there is to do, parted as a run parts it: final blocks in ranges, others by hash."""

    selection: Selection
    options: IndexOptions
    head: int
    settled: tuple[BlockRange, ...]
    recent: int

    @classmethod
    def parted(
        cls,
        todo: Sequence[BlockRange],
        selection: Selection,
        options: IndexOptions,
        tips: tuple[int, int],
    ) -> "_Work":
        """The work on blocks to do; `tips` are the head and the final block."""
        head, final = tips
        settled = tuple((start, min(end, final + 1)) for start, end in todo if start <= final)
        recent = count_blocks(todo) - count_blocks(settled)
        return cls(selection, options, head, settled, recent)

    @property
    def blocks(self) -> int:
        """Final blocks."""
        return count_blocks(self.settled)

    @property
    def filters(self) -> int:
        """Requests for logs that one range takes."""
        return len(self.selection.log_filters)

    @property
    def few(self) -> int:
        """Ranges, if each is as wide as allowed."""
        return len(list(chunks(self.settled, self.options.max_range)))

    @property
    def many(self) -> int:
        """Ranges, if none grows wider than the first one asked for."""
        return len(list(chunks(self.settled, min(self.options.max_range, FIRST_WIDTH))))

    @property
    def doubted(self) -> int:
        """Answers that may be as long as a page, and are asked for once more in two halves."""
        return 0 if self.options.verify == "off" else self.filters * self.many

    def calls(self) -> dict[str, Calls]:
        """Expected calls by method, of an endpoint that refuses and contradicts nothing."""
        if not self.blocks and not self.recent:
            return {}
        found = {method: Calls(1, 2, ("chain and head, at the start",)) for method in _START}
        if self.blocks:
            why = (*found[CHAIN_ID].why, "with the logs of each range")
            found[CHAIN_ID] = Calls(1 + self.few, 2 + self.many + self.doubted, why)
        if self.recent:
            why = ("each block that is not final, beside its logs",)
            found[BLOCK_BY_HASH] = Calls(self.recent, self.recent, why)
        headers = list(self._headers())
        return found | {
            LOGS: Calls(
                self.filters * (self.few + self.recent),
                self.filters * (self.many + self.recent) + 2 * self.doubted,
                tuple(self._log_reasons()),
            ),
            BLOCK: Calls(
                sum(low for low, *_ in headers),
                sum(high for _, high, _ in headers),
                tuple(why for *_, why in headers),
            ),
        }

    def _log_reasons(self) -> Iterator[str]:
        kinds = _count(self.filters, "filter")
        if self.few:
            ranges = _span(self.few, self.many)
            noun = "range" if self.few == self.many == 1 else "ranges"
            yield f"{kinds} × {ranges} {noun} of up to {self.options.max_range:,} blocks"
        if self.doubted:
            yield "answers as long as the longest so far, once more in halves"
        if self.recent:
            yield f"{kinds} × {self.recent:,} blocks that are not final, each by its hash"

    def _headers(self) -> Iterator[tuple[int, int, str]]:
        """Parts of the expected headers: at least, at most, and why."""
        yield 0, 2 + WINDOW, "finality and reorgs, at the start"
        if self.recent:
            yield self.recent, self.recent, "hashes of the blocks that are not final"
        if not self.blocks:
            return
        yield self.few, self.many * self.filters, "the last block of each range, beside its logs"
        yield 0, self.many, "the last block of each range once more, at the end"
        if self.selection.wants_transactions:
            yield self.blocks, self.blocks, "every block with its transactions, for funding"
            return
        window = self.head + 1 - WINDOW
        kept = sum(max(end - max(start, window), 0) for start, end in self.settled)
        if kept:
            yield max(kept - self.few, 0), kept, f"those of the last {WINDOW} blocks"
        yield 0, self.blocks, "blocks with logs, where logs carry no time"
        yield from self._verification()

    def _verification(self) -> Iterator[tuple[int, int, str]]:
        if self.options.verify == "sample":
            tested = max(self.many, ceil(2 * self.blocks * SAMPLED_SHARE))
            yield 0, min(tested, self.blocks), "about 1 % of the blocks of empty ranges, to verify"
        if self.options.verify == "full":
            yield 0, self.blocks, "every block without logs, to verify"


def _pace(store: Store | None, selection: Selection) -> Pace | None:
    """Speed and density of the ranges that an equal selection committed."""
    if store is None:
        return None
    row = store.query(
        "WITH own AS (SELECT * FROM ranges WHERE chain_id = ? AND selection = ?),"
        " timed AS (SELECT sum((details->>'new_blocks')::BIGINT) AS blocks,"
        " sum(epoch(finished_at) - epoch(started_at)) AS seconds FROM runs"
        " WHERE run_id IN (SELECT run_id FROM own))"
        " SELECT (SELECT blocks / nullif(seconds, 0) FROM timed),"
        " sum(n_bytes) / nullif(sum(to_block - from_block), 0),"
        " sum(n_logs) / nullif(sum(to_block - from_block), 0) FROM own",
        [selection.context.chain_id, selection.digest],
    ).row(0)
    return None if None in row else Pace(*(float(value) for value in row))


# --- as text


def plan_lines(plan: Plan, prices: Mapping[str, float]) -> Iterator[str]:
    """The plan as lines for a terminal; `prices` are credits by method."""
    yield (
        f"chain {plan.chain_id} ({chain_name(plan.chain_id)}), head {plan.head:,}, "
        f"final up to {plan.final_block:,}"
    )
    yield f"protocols: {', '.join(plan.protocols)}"
    if not plan.todo:
        yield f"nothing to do: all {plan.committed_blocks:,} blocks asked for are committed"
        return
    shown = " ".join(f"{start}:{end}" for start, end in plan.todo[:5])
    more = f" and {len(plan.todo) - 5:,} more" if len(plan.todo) > 5 else ""
    ranges = _count(len(plan.todo), "range")
    yield f"to do: {_count(plan.blocks, 'block')} in {ranges} ({shown}{more})"
    yield f"committed already: {plan.committed_blocks:,} blocks"
    for method, calls in plan.calls.items():
        yield f"{_span(calls.at_least, calls.at_most):>24}  {method}"
        yield from (f"{'':>24}    {why}" for why in calls.why)
    low = sum(calls.at_least for calls in plan.calls.values())
    high = sum(calls.at_most for calls in plan.calls.values())
    yield f"{_span(low, high):>24}  requests in all"
    if prices:
        cheap, dear = plan.credits(prices)
        yield f"{_span(ceil(cheap), ceil(dear)):>24}  credits at the given prices"
    if plan.pace is not None:
        yield _expected(plan, plan.pace)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _span(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _expected(plan: Plan, pace: Pace) -> str:
    seconds = plan.blocks / pace.blocks_per_s
    size = plan.blocks * pace.bytes_per_block / 1e6
    return (
        f"at the pace of earlier runs: about {plan.blocks * pace.logs_per_block:,.0f} logs, "
        f"{size:,.1f} MB and {seconds:,.0f} s"
    )
