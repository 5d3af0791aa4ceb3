"""The second look at a block: what other endpoints, or the block's receipts, say about its logs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

import msgspec
import polars as pl

from data.errors import RetryableError, UpstreamError
from data.schema import table
from indexer.endpoints import Endpoint
from indexer.errors import RootError
from indexer.evidence import parse_logs
from indexer.roots import receipts_root
from indexer.rpc import Request, RpcClient
from indexer.selection import LogFilter, Selection

CONTENT = ["log_index", "tx_hash", "address", "topic0", "topic1", "topic2", "topic3", "data"]


@dataclass(frozen=True)
class Look:
    """What a second look found out about a block.

    `verdict` is `proven` (the recomputed receipts root leaves no room for another log), `agreed`
    (another endpoint says the same), `repaired` (`logs` are the block's wanted logs, with those
    that were hidden), `unproven` or `gap`; `n_logs_hidden` is how many logs the first answer
    lacked or had otherwise.
    """

    verdict: str
    reason: str
    logs: pl.DataFrame
    n_logs_hidden: int = 0
    n_requests: int = 0


def matches(log_filter: LogFilter) -> pl.Expr:
    """Whether a row of table `logs` is matched by a filter, as geth reads it.

    A list of topics matches no log with fewer topics, even where it ends in wildcards.
    """
    address, topics = log_filter.get("address"), log_filter.get("topics", ())
    wanted = [pl.lit(value=True)]
    if address:
        wanted.append(pl.col("address").is_in([address] if isinstance(address, str) else address))
    for place, alternatives in enumerate(topics):
        column = pl.col(f"topic{place}")
        wanted.append(column.is_in(alternatives) if alternatives else column.is_not_null())
    return pl.all_horizontal(wanted).fill_null(value=False)


@dataclass(frozen=True)
class SecondLook:
    """Looks at single blocks again, through a client of all endpoints that there are.

    All endpoints are asked, and whoever shows a log is believed: a node can hide a log of a
    block with a known hash, but one that it makes up would have to be in the block's bloom.
    """

    client: RpcClient
    selection: Selection

    async def look(
        self, header: Mapping[str, Any], known: pl.DataFrame, first_endpoint: str
    ) -> Look:
        """The verdict on a block (a row of table `blocks`).

        `known` are the logs that `first_endpoint` gave of it, in the columns of table `logs`.
        """
        usable = [each for each in self.client.pool.endpoints if not each.excluded]
        # The first one too: a node that hides logs from ranges may show them to who asks by hash.
        asked = usable if len(usable) > 1 else []
        answers = dict(await asyncio.gather(*(self._ask(header, each) for each in asked)))
        answers.pop("", None)
        merged = _merge([known, *answers.values()])
        hidden = merged.height - known.height
        if hidden or set(answers) - {first_endpoint}:
            reason = f"asked {', '.join(sorted(answers))}"
            return Look("repaired" if hidden else "agreed", reason, merged, hidden, len(asked))
        look = await self._read_receipts(header, known)
        return replace(look, n_requests=look.n_requests + len(asked))

    async def _ask(
        self, header: Mapping[str, Any], endpoint: Endpoint | None = None
    ) -> tuple[str, pl.DataFrame]:
        """Who answered, and the wanted logs of the block; nobody where none can answer."""
        requests = [
            Request("eth_getLogs", ({**each, "blockHash": header["block_hash"]},))
            for each in self.selection.log_filters
        ]
        try:
            reply = await self.client.ask(requests, only=endpoint)
            return reply.endpoint.name, self._wanted(reply.results, header)
        except UpstreamError:
            return "", table("logs").empty()

    def _wanted(self, answers: Sequence[bytes], header: Mapping[str, Any]) -> pl.DataFrame:
        """The logs of answers that the selection asks for."""
        wanted = reduce(or_, map(matches, self.selection.log_filters), pl.lit(value=False))
        return self._parse(answers, header).filter(wanted)

    def _parse(self, answers: Sequence[bytes], header: Mapping[str, Any]) -> pl.DataFrame:
        """The logs of answers, with the time of their block.

        Raises:
            RetryableError: a log is of another block, or is no log.
        """
        logs = parse_logs(answers, self.selection.context.chain_id).logs
        if not logs["block_hash"].eq(header["block_hash"]).all():
            message = f"logs of block {header['block_number']} name another block's hash"
            raise RetryableError(message)
        time = pl.lit(header["block_time"], table("logs").polars_schema["block_time"])
        return logs.with_columns(time.alias("block_time"))

    async def _read_receipts(self, header: Mapping[str, Any], known: pl.DataFrame) -> Look:
        """The verdict of the block's receipts; where there are none, of its logs by hash."""
        number = header["block_number"]
        request = Request("eth_getBlockReceipts", (hex(number),))
        try:
            (raw,) = await self.client.batch([request])
            receipts = msgspec.json.decode(raw)
            if not isinstance(receipts, list):
                message = f"receipts of block {number} are {type(receipts).__name__}, no list"
                raise RetryableError(message)
            logs = msgspec.json.encode([log for one in receipts for log in one["logs"]])
            whole, wanted = self._parse([logs], header), self._wanted([logs], header)
        except (UpstreamError, KeyError, TypeError, msgspec.DecodeError) as error:
            return await self._ask_same(header, known, f"no receipts ({error})")
        return _judge(header, receipts, known, whole, wanted)

    async def _ask_same(self, header: Mapping[str, Any], known: pl.DataFrame, why: str) -> Look:
        """A node that hides logs from a range may show them to who asks for the block."""
        _, shown = await self._ask(header)
        merged = _merge([known, shown])
        hidden = merged.height - known.height
        n_requests = 1 + len(self.selection.log_filters)
        return Look("repaired" if hidden else "unproven", why, merged, hidden, n_requests)


def _judge(
    header: Mapping[str, Any],
    receipts: Sequence[Mapping[str, Any]],
    known: pl.DataFrame,
    whole: pl.DataFrame,
    wanted: pl.DataFrame,
) -> Look:
    """What receipts say, by whether their recomputed root is the header's.

    `whole` are all their logs, `wanted` those that the selection asks for. Logs of receipts whose
    root cannot be recomputed are as good as any answer, but no proof; logs of receipts that
    contradict the header are not taken.
    """
    hidden = wanted.join(known, on=CONTENT, how="anti", nulls_equal=True).height
    true = known.join(whole, on=CONTENT, how="semi", nulls_equal=True, maintain_order="left")
    expected = header["receipts_root"]
    try:
        root = receipts_root(receipts)
    except RootError as error:
        return Look("unproven", f"root not recomputed: {error}", _merge([known, wanted]), hidden, 1)
    if expected is None:
        reason = "the header names no receipts root"
        return Look("unproven", reason, _merge([known, wanted]), hidden, 1)
    if root != expected:
        reason = "the receipts are not those that the header commits to"
        return Look("gap" if hidden else "unproven", reason, known, hidden, 1)
    wrong = hidden + known.height - true.height
    reason = "receipts with the header's root"
    return Look("repaired" if wrong else "proven", reason, _merge([wanted, true]), wrong, 1)


def _merge(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Logs of one block by log index; the first frame that has an index decides."""
    return pl.concat(frames).unique("log_index", keep="first", maintain_order=True)
