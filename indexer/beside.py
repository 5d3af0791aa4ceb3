"""Asks for what protocols need of their transactions besides the logs (`Protocol.needs`)."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import msgspec
import polars as pl

from data.errors import RetryableError, UpstreamError
from data.schema import conform, table
from indexer.companions import parse_traces, parse_transactions, receipt_logs
from indexer.decode import decode_batches
from indexer.dispatch import Batches, count_topics, dispatch
from indexer.errors import RpcError, SlowAnswer
from indexer.evidence import Evidence, parse_logs, too_rich
from indexer.fetch import Source
from indexer.patience import steadily
from indexer.protocols import erc20
from indexer.protocols.base import Around, Beside, Need, Protocol
from indexer.ranges import BlockRange
from indexer.rpc import MAX_BATCH, Request, RpcClient
from indexer.selection import Selection

_PLACE = ("chain_id", "block_number", "block_hash", "block_time", "tx_hash", "tx_index")
_BLOCK = _PLACE[:4]
_TRACERS = ("debug_traceTransaction", "trace_transaction")
_CALL_TRACER = {"tracer": "callTracer"}
_TRACES_AT_ONCE = 8  # an answer may have megabytes
_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.25


@dataclass
class CompletingSource:
    """A source whose evidence holds what its protocols need besides the logs."""

    source: Source
    completer: "Completer"

    async def fetch(self, blocks: BlockRange) -> list[Evidence]:
        """Evidence of the range with everything that is needed besides.

        Raises:
            UpstreamError: the endpoint contradicts itself again and again.
        """
        return [await self._complete(piece) for piece in await self.source.fetch(blocks)]

    async def _complete(self, piece: Evidence) -> Evidence:
        # A replica that lags has it soon; a node that dropped its index of old transactions never
        # will. Once one is known to lack some, the next are waited for less.
        patience = _ATTEMPTS if not self.completer.missing else 2
        attempt = 0

        async def act() -> Evidence:
            nonlocal attempt
            attempt += 1
            return await self.completer.complete(piece, goes_without=attempt >= patience)

        return await steadily(
            act,
            (piece.start, piece.end),
            lambda: self.completer.client.endpoint,
            attempts=_ATTEMPTS,
            first_pause_s=_FIRST_PAUSE_S,
        )


@dataclass
class Completer:
    """Asks one chain.

    `untraced` counts transactions that no endpoint would trace, `missing` those that it told
    nothing else about although it has their logs.
    """

    client: RpcClient
    selection: Selection
    untraced: int = 0
    missing: int = 0
    _refused: set[str] = field(default_factory=set)

    @cached_property
    def _needing(self) -> Selection:
        """The protocols that need something."""
        protocols = tuple(each for each in self.selection.protocols if each.needs)
        return replace(self.selection, protocols=protocols)

    async def complete(self, evidence: Evidence, *, goes_without: bool = False) -> Evidence:
        """The evidence with transactions, ERC-20 transfers, traces and reads of its protocols.

        Args:
            evidence: to be completed.
            goes_without: leaves out, and counts, what the node does not have.

        Raises:
            RetryableError: the node lacks a transaction, or has it in another block than its log.
        """
        if not self._needing.protocols or evidence.logs.is_empty():
            return evidence
        batches = dispatch(count_topics(evidence.logs), self._needing)
        if not batches:
            return evidence
        wanted = _Wanted(self._needing.protocols, batches)
        evidence = await self._add_transactions(evidence, wanted.places("input"), goes_without)
        evidence = await self._add_payments(evidence, wanted.places("receipt"), goes_without)
        evidence = await self._add_traces(evidence, wanted.places("trace"), wanted.contracts())
        return await self._add_reads(evidence, wanted)

    async def _add_transactions(
        self, evidence: Evidence, places: pl.DataFrame, goes_without: bool
    ) -> Evidence:
        known = evidence.transactions.select("block_hash", "tx_hash")
        places = places.join(known, on=["block_hash", "tx_hash"], how="anti")
        if places.is_empty():
            return evidence
        results = await self._ask_each(
            [Request("eth_getTransactionByHash", (each,)) for each in places["tx_hash"]]
        )
        results = await self._ask_by_place(results, places)
        results, places = self._present(results, places, "transaction", goes_without)
        rows, left_out = parse_transactions(results, places)
        rich = places.join(left_out, on=["block_hash", "tx_hash"], how="semi")
        frames = [evidence.transactions, conform("transactions", rows)]
        return _counted(
            replace(
                evidence,
                transactions=pl.concat(frames).sort("block_number", "tx_index"),
                quarantine=pl.concat([evidence.quarantine, too_rich(rich)]),
            ),
            results,
        )

    async def _ask_by_place(self, results: Sequence[bytes], places: pl.DataFrame) -> list[bytes]:
        """Asks by place in the block for what is not known by hash: nodes drop old hashes."""
        rows = places.select("block_hash", "tx_index").rows()
        unknown = _unknown(results)
        asked = [
            Request("eth_getTransactionByBlockHashAndIndex", (rows[n][0], hex(rows[n][1])))
            for n in unknown
        ]
        found = dict(zip(unknown, await self._ask_each(asked), strict=True))
        return [found.get(n, raw) for n, raw in enumerate(results)]

    def _present(
        self, results: Sequence[bytes], places: pl.DataFrame, what: str, goes_without: bool
    ) -> tuple[list[bytes], pl.DataFrame]:
        """The results that are there, and their places.

        Raises:
            RetryableError: one is not there, and is not to be gone without.
        """
        is_there = [raw.strip() != b"null" for raw in results]
        if not all(is_there):
            if not goes_without:
                lacked = places["tx_hash"][is_there.index(False)]
                message = f"the node has no {what} {lacked}, although it has its logs"
                raise RetryableError(message)
            self.missing += is_there.count(False)
        kept = [raw for raw, is_kept in zip(results, is_there, strict=True) if is_kept]
        return kept, places.filter(pl.Series(is_there, dtype=pl.Boolean))

    async def _add_payments(
        self, evidence: Evidence, places: pl.DataFrame, goes_without: bool
    ) -> Evidence:
        """ERC-20 transfers of the transactions, among the logs in their places."""
        if places.is_empty():
            return evidence
        results = await self._ask_each(
            [Request("eth_getTransactionReceipt", (each,)) for each in places["tx_hash"]]
        )
        results, places = self._present(results, places, "receipt", goes_without)
        if places.is_empty():
            return evidence
        chain_id = self.selection.context.chain_id
        parsed = parse_logs(receipt_logs(results, places), chain_id).logs
        transfers = (
            count_topics(parsed)
            .filter(
                pl.col("topic0") == erc20.TRANSFER.topic0,
                pl.col("n_topics") == erc20.TRANSFER.n_topics,
            )
            .drop("n_topics", "block_time")
            .join(places.select("block_hash", "block_time").unique(), on="block_hash")
        )
        logs = pl.concat([evidence.logs, conform("logs", transfers)])
        logs = logs.unique(["block_hash", "log_index"], keep="first", maintain_order=True)
        logs = logs.sort("block_number", "log_index")
        return _counted(replace(evidence, logs=logs), results)

    async def _add_traces(
        self, evidence: Evidence, places: pl.DataFrame, contracts: frozenset[str]
    ) -> Evidence:
        frames, results = [], []
        for part in places.iter_slices(_TRACES_AT_ONCE):
            hashes = part["tx_hash"].to_list()
            answers = await self._trace(hashes)
            if answers is None:
                # One that cannot be traced must not cost the others theirs.
                answers = [b"".join(await self._trace([each]) or [b"null"]) for each in hashes]
            self.untraced += answers.count(b"null")
            results += answers
            frames.append(parse_traces(answers, part, contracts))
        if not frames:
            return evidence
        traces = pl.concat(frames).sort("block_number", "tx_index", "place")
        return _counted(replace(evidence, value_traces=traces), results)

    async def _trace(self, hashes: Sequence[str]) -> list[bytes] | None:
        """Traces by the first method that an endpoint has; None without any."""
        for method in _TRACERS:
            if method in self._refused:
                continue
            options = (_CALL_TRACER,) if method == "debug_traceTransaction" else ()
            try:
                return await self._ask([Request(method, (h, *options)) for h in hashes])
            except SlowAnswer:
                continue
            except RpcError as error:
                if _is_unknown_method(error):
                    self._refused.add(method)
        return None

    async def _add_reads(self, evidence: Evidence, wanted: "_Wanted") -> Evidence:
        known = Beside(transactions=evidence.transactions)
        calls = wanted.calls(Around(self.selection.context, known))
        if calls.is_empty():
            return evidence
        rows = [{**call, **await self._read(call)} for call in calls.iter_rows(named=True)]
        reads = pl.DataFrame(rows, schema=table("contract_reads").polars_schema)
        return replace(
            evidence, contract_reads=reads, n_requests=evidence.n_requests + calls.height
        )

    async def _read(self, call: dict[str, Any]) -> dict[str, Any]:
        asked = {"to": call["contract"], "data": "0x" + call["input"].hex()}
        try:
            (raw,) = await self._ask(
                [Request("eth_call", (asked, {"blockHash": call["block_hash"]}))]
            )
        except RpcError as error:
            # A contract that reverts has answered; what it says is evidence.
            return {"output": None, "error": str(error)[:500]}
        return {"output": bytes.fromhex(msgspec.json.decode(raw)[2:]), "error": None}

    async def _ask_each(self, requests: Sequence[Request]) -> list[bytes]:
        results: list[bytes] = []
        for at in range(0, len(requests), MAX_BATCH):
            part = requests[at : at + MAX_BATCH]
            results += await self._ask_elsewhere(part, await self._ask(part))
        return results

    async def _ask_elsewhere(
        self, requests: Sequence[Request], results: Sequence[bytes]
    ) -> list[bytes]:
        """Asks every endpoint by itself for what is null: one may keep what another has dropped."""
        found, unknown = list(results), _unknown(results)
        endpoints = self.client.pool.endpoints if unknown else []
        able = [each for each in endpoints if not each.excluded and not each.failures]
        for endpoint in able if len(able) > 1 else []:
            asked = [requests[n] for n in unknown]
            with suppress(UpstreamError):
                reply = await self.client.ask(asked, only=endpoint, attempts=1, proves_chain=True)
                for n, raw in zip(unknown, reply.results, strict=True):
                    found[n] = raw
            unknown = _unknown(found)
            if not unknown:
                break
        return found

    async def _ask(self, requests: Sequence[Request]) -> list[bytes]:
        # A node that became another chain's lacks all of this, and would be believed.
        return await self.client.batch(requests, proves_chain=True)


@dataclass(frozen=True)
class _Wanted:
    """Which transactions and calls the protocols with logs in a piece of evidence ask for."""

    protocols: Sequence[Protocol]
    batches: dict[str, Batches]

    def places(self, need: Need) -> pl.DataFrame:
        """The transactions of which a need is told, in order."""
        frames = [
            batch.select(_PLACE)
            for each in self._with(need)
            for _, batch in self.batches[each.name]
        ]
        if not frames:
            return table("transactions").empty().select(_PLACE)
        return pl.concat(frames).unique().sort("block_number", "tx_index", "tx_hash")

    def contracts(self) -> frozenset[str]:
        """Contracts that emitted the logs of protocols that want traces."""
        return frozenset(
            address
            for each in self._with("trace")
            for _, batch in self.batches[each.name]
            for address in batch["address"].unique()
        )

    def calls(self, around: Around) -> pl.DataFrame:
        """Contract calls to make: the place of the block, contract, input."""
        frames = []
        for each in self._with("call"):
            if each.calls is None:
                continue
            decoded, _ = decode_batches(self.batches[each.name])
            frames.append(each.calls(decoded, around))
        schema = table("contract_reads").polars_schema
        columns = [*_BLOCK, "contract", "input"]
        empty = pl.DataFrame(schema={name: schema[name] for name in columns})
        whole = pl.concat([empty, *(frame.select(columns) for frame in frames)])
        return whole.unique(maintain_order=True)

    def _with(self, need: Need) -> list[Protocol]:
        return [each for each in self.protocols if need in each.needs and each.name in self.batches]


def _unknown(results: Sequence[bytes]) -> list[int]:
    """The places of the results that are null."""
    return [n for n, raw in enumerate(results) if raw.strip() == b"null"]


def _counted(evidence: Evidence, results: Sequence[bytes]) -> Evidence:
    return replace(
        evidence,
        n_requests=evidence.n_requests + len(results),
        n_bytes=evidence.n_bytes + sum(map(len, results)),
    )


def _is_unknown_method(error: UpstreamError) -> bool:
    text = str(error).lower()
    return "method" in text or "not supported" in text or "not available" in text
