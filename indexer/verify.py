"""Verification: whether the logs of a range are all there are, by the log blooms of its headers.

A block is silent for a filter if the answer holds no log of it that this filter alone matches. If
the bloom of its header excludes the filter, the silence is proven; if not, the block gets a second
look (see `indexer.witness`). One lie found makes the whole answer suspect: then every block of the
range is tested, and every block whose bloom allows a log, silent or not, gets its second look.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.errors import RetryableError, UsageError
from indexer.answers import block_request
from indexer.bloom import Blooms
from indexer.errors import GapError
from indexer.evidence import NO_VERDICTS, VERDICTS, Evidence, parse_headers
from indexer.fetch import Source
from indexer.patience import steadily
from indexer.ranges import BlockRange
from indexer.roots import EMPTY_ROOT
from indexer.rpc import MAX_BATCH, RpcClient
from indexer.selection import LogFilter, Selection
from indexer.witness import Look, SecondLook, matches

VerifyMode = Literal["off", "sample", "full"]

SAMPLED_SHARE = 0.01
"""Share of the blocks of an empty answer that `sample` tests; at least one block."""

_SLICE = 4 * MAX_BATCH  # headers in memory at a time
_LOOKS = 8  # second looks under way at a time
_CONTROLS = 3  # blocks with logs whose blooms must hold these logs
_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.25


@dataclass
class VerifyingSource:
    """A source whose evidence has been verified."""

    source: Source
    verifier: Verifier
    attempts: int = _ATTEMPTS
    first_pause_s: float = _FIRST_PAUSE_S

    async def fetch(self, blocks: BlockRange) -> list[Evidence]:
        """Verified evidence of the range; asks again where headers contradict the logs.

        Raises:
            UpstreamError: they do so again and again.
        """

        async def act() -> list[Evidence]:
            return [await self.verifier.verify(each) for each in await self.source.fetch(blocks)]

        return await steadily(
            act,
            blocks,
            lambda: self.verifier.client.endpoint,
            attempts=self.attempts,
            first_pause_s=self.first_pause_s,
        )


@dataclass
class Verifier:
    """Tests evidence in one mode: `off` not at all, `sample`, or `full`.

    The sample depends on `seed`, selection and range alone. Once a bloom, or a receipts root, was
    found to lie, none of the chain is believed for the rest of the run.
    """

    client: RpcClient
    second_look: SecondLook
    selection: Selection
    mode: VerifyMode = "sample"
    seed: int = 0
    _bloom_lies: bool = False
    _root_lies: bool = False

    async def verify(self, evidence: Evidence) -> Evidence:
        """The evidence with its proof, hidden logs added, and nothing of blocks that are gaps.

        Raises:
            RetryableError: headers contradict the logs or each other; the range must be asked
            again.
        """
        if self.mode == "off":
            return evidence
        silent = _silence(evidence, self.selection.log_filters)
        numbers = np.arange(evidence.start, evidence.end)
        if self.mode == "full":
            picked = silent.any(axis=0)
        else:
            # What a node hid from an answer that is not empty is for `full` to find.
            silent &= silent.all(axis=1, keepdims=True)
            picked = silent.any(axis=0) & self._sample(evidence)
        trial = await self._try(evidence, numbers[picked], silent[:, picked])
        mode = self.mode
        if trial.is_contradicted:
            mode = "full"
            everything = np.ones((len(self.selection.log_filters), len(numbers)), dtype=np.bool_)
            repeated = await self._try(evidence, numbers, everything)
            trial = replace(repeated, n_requests=repeated.n_requests + trial.n_requests)
        return trial.apply(evidence, mode)

    def _sample(self, evidence: Evidence) -> NDArray[np.bool_]:
        """Which blocks of a range are tested in mode `sample`."""
        length = evidence.end - evidence.start
        place = (self.seed, self.selection.digest, evidence.start, evidence.end)
        rng = random.Random(repr(place))  # noqa: S311 - a sample, not a secret
        chosen = np.zeros(length, dtype=np.bool_)
        chosen[rng.sample(range(length), max(1, round(SAMPLED_SHARE * length)))] = True
        return chosen

    async def _try(
        self, evidence: Evidence, numbers: NDArray[np.int64], doubted: NDArray[np.bool_]
    ) -> _Trial:
        """Tests the blocks of these numbers; `doubted` says for each filter which of them."""
        believed = self._bloom_lies, self._root_lies
        trial = await self._pass(evidence, numbers, doubted)
        if (self._bloom_lies, self._root_lies) != believed:
            # Blocks before the lie were judged by headers that are not believed any more.
            again = await self._pass(evidence, numbers, doubted)
            return replace(again, n_requests=again.n_requests + trial.n_requests)
        return trial

    async def _pass(
        self, evidence: Evidence, numbers: NDArray[np.int64], doubted: NDArray[np.bool_]
    ) -> _Trial:
        trial = _Trial()
        if not len(numbers):
            return trial
        controls = np.setdiff1d(_some_with_logs(evidence), numbers)
        self._find_lies(await self._headers(evidence, controls, trial), evidence.logs)
        for at in range(0, len(numbers), _SLICE):
            part = slice(at, at + _SLICE)
            headers = await self._headers(evidence, numbers[part], trial)
            self._find_lies(headers, evidence.logs)
            await self._test(evidence, headers, doubted[:, part], trial)
        return trial

    async def _headers(
        self, evidence: Evidence, numbers: NDArray[np.int64], trial: _Trial
    ) -> pl.DataFrame:
        """Headers of blocks, ascending: those of the evidence, the others from the node."""
        wanted = set(numbers.tolist())
        have = evidence.blocks.filter(pl.col("block_number").is_in(wanted))
        missing = sorted(wanted - set(have["block_number"]))
        batches = [
            [block_request(number) for number in missing[at : at + MAX_BATCH]]
            for at in range(0, len(missing), MAX_BATCH)
        ]
        answers = await asyncio.gather(*map(self.client.batch, batches))
        raw = [one for batch in answers for one in batch]
        trial.n_requests += len(raw)
        trial.n_bytes += sum(map(len, raw))
        fetched = [parse_headers(raw, self.selection.context.chain_id)] if raw else []
        headers = pl.concat([have, *fetched]).sort("block_number")
        if headers["block_number"].to_list() != sorted(wanted):
            message = "headers of other blocks than were asked for"
            raise RetryableError(message)
        trial.check(evidence, headers)
        return headers

    def _find_lies(self, headers: pl.DataFrame, logs: pl.DataFrame) -> None:
        """Notes whether blooms or receipts roots of the chain are not what they should be.

        A bloom that lacks logs of its block, or has bits though the block has no receipts, is of
        another block. A block with logs has receipts, whatever its header says.
        """
        blooms, is_bare = Blooms.of(headers), _has_no_receipts(headers)
        places = headers.select("block_number").with_row_index("place")
        own = logs.join(places, on="block_number", maintain_order="left")
        at = own["place"].to_numpy()
        is_stale = blooms.content.any(axis=1) & is_bare
        self._bloom_lies |= bool(is_stale.any() or not blooms.hold(own, at).all())
        self._root_lies |= bool(is_bare[at].any())

    async def _test(
        self,
        evidence: Evidence,
        headers: pl.DataFrame,
        doubted: NDArray[np.bool_],
        trial: _Trial,
    ) -> None:
        blooms = Blooms.of(headers)
        usable = blooms.is_usable & (not self._bloom_lies)
        is_bare = _has_no_receipts(headers) & (not self._root_lies)
        filters = self.selection.log_filters
        allowed = np.array([blooms.may_hold(each) for each in filters]) | ~usable
        is_open = (allowed & doubted).any(axis=0) & ~is_bare
        trial.add_proven(headers["block_number"].to_numpy()[~is_open])
        gate = asyncio.Semaphore(_LOOKS)

        async def look(header: dict[str, Any]) -> None:
            known = evidence.logs.filter(pl.col("block_number") == header["block_number"])
            if self._root_lies:
                header = {**header, "receipts_root": None}
            async with gate:
                found = await self.second_look.look(header, known, evidence.endpoint)
            trial.add(header, found)

        doubtful = headers.filter(pl.Series(is_open))
        await asyncio.gather(*(look(header) for header in doubtful.iter_rows(named=True)))


@dataclass
class Tally:
    """Tests of a run by their outcome; `gaps` are block numbers."""

    tested: int = 0
    proven: int = 0
    reasked: int = 0
    repaired: int = 0
    unproven: int = 0
    gaps: list[int] = field(default_factory=list)

    def count(self, batch: Sequence[Evidence]) -> None:
        """Adds the verdicts of evidence."""
        for verdicts in (evidence.proof.verdicts for evidence in batch):
            verdict = verdicts["verdict"]
            self.tested += verdicts.height
            self.proven += int((verdict == "proven").sum())
            self.reasked += int(verdicts["is_reasked"].sum())
            self.repaired += int((verdict == "repaired").sum())
            self.unproven += int((verdict == "unproven").sum())
            gaps = verdicts.filter(verdict == "gap")["block_number"]
            self.gaps = sorted({*self.gaps, *gaps})


@dataclass
class _Trial:
    """What testing a range has found out so far."""

    verdicts: list[pl.DataFrame] = field(default_factory=list)
    looks: dict[int, Look] = field(default_factory=dict)
    repaired: list[dict[str, Any]] = field(default_factory=list)
    n_requests: int = 0
    n_bytes: int = 0
    hashes: dict[int, str] = field(default_factory=dict)

    @property
    def is_contradicted(self) -> bool:
        """Whether a second look showed logs that the answer lacked."""
        return any(look.n_logs_hidden for look in self.looks.values())

    def add_proven(self, numbers: NDArray[np.int64]) -> None:
        rows = pl.DataFrame({"block_number": numbers}, schema_overrides={"block_number": pl.Int64})
        self.verdicts.append(
            rows.select(
                "block_number",
                pl.lit("proven").alias("verdict"),
                pl.lit(value=False).alias("is_reasked"),
                pl.lit(0, pl.Int64).alias("n_logs_hidden"),
                pl.lit("").alias("reason"),
            )
        )

    def add(self, header: dict[str, Any], look: Look) -> None:
        number = header["block_number"]
        row = (number, look.verdict, True, look.n_logs_hidden, look.reason)
        self.verdicts.append(pl.DataFrame([row], schema=VERDICTS, orient="row"))
        self.looks[number] = look
        self.n_requests += look.n_requests
        if look.n_logs_hidden and look.verdict != "gap":
            self.repaired.append(header)

    def check(self, evidence: Evidence, headers: pl.DataFrame) -> None:
        """Refuses headers that are of another fork than the logs, or than each other.

        Raises:
            RetryableError: names the contradiction.
        """
        known = dict(evidence.logs.select("block_number", "block_hash").unique().iter_rows())
        known |= {evidence.end - 1: evidence.tip_hash}
        for number, block_hash, parent_hash in headers.select(
            "block_number", "block_hash", "parent_hash"
        ).iter_rows():
            self.hashes[number] = block_hash
            is_known = known.get(number, block_hash) == block_hash
            before = self.hashes.get(number - 1, parent_hash)
            if not is_known or before != parent_hash:
                message = f"header of block {number} is of another fork than the logs or its parent"
                raise RetryableError(message)

    def apply(self, evidence: Evidence, mode: str) -> Evidence:
        """The evidence with proof, with the logs that looks brought, without what is a gap."""
        verdicts = pl.concat([NO_VERDICTS, *self.verdicts]).sort("block_number")
        gaps = verdicts.filter(pl.col("verdict") == "gap")["block_number"]
        brought = {
            number: look.logs
            for number, look in self.looks.items()
            if look.n_logs_hidden and look.verdict != "gap"
        }
        kept = [_without(evidence.logs, [*brought, *gaps]), *brought.values()]
        headers = [evidence.blocks, pl.DataFrame(self.repaired, schema=evidence.blocks.schema)]
        return replace(
            evidence,
            logs=pl.concat(kept).sort("block_number", "log_index"),
            blocks=pl.concat(headers).unique("block_hash", keep="first", maintain_order=True),
            transactions=_without(evidence.transactions, gaps),
            quarantine=_without(evidence.quarantine, gaps),
            n_requests=evidence.n_requests + self.n_requests,
            n_bytes=evidence.n_bytes + self.n_bytes,
            proof=replace(evidence.proof, mode=mode, verdicts=verdicts),
        )


def parse_mode(text: str) -> VerifyMode:
    """The mode of a name.

    Raises:
        UsageError: there is no such mode.
    """
    for mode in get_args(VerifyMode):
        if text == mode:
            return cast(VerifyMode, mode)
    message = f"verification {text!r} is unknown; give --verify off, sample or full"
    raise UsageError(message)


def require_complete(gaps: Sequence[int], unproven: int, *, strict: bool) -> None:
    """Refuses to call a result complete that is not.

    Raises:
        GapError: there are gaps, or, if strict, unproven blocks.
    """
    if gaps:
        first = ", ".join(map(str, gaps[:5])) + (", ..." if len(gaps) > 5 else "")
        message = (
            f"{len(gaps)} blocks hold logs that the endpoint did not give and no source proves: "
            f"{first}; run `raisonne index` again with another --rpc-url"
        )
        raise GapError(message)
    if strict and unproven:
        message = (
            f"{unproven} blocks may hold logs that were not given, and no source decides; name "
            "another endpoint with --rpc-url, or one that serves eth_getBlockReceipts, and run "
            "`raisonne index --verify full` again"
        )
        raise GapError(message)


def _silence(evidence: Evidence, filters: Sequence[LogFilter]) -> NDArray[np.bool_]:
    """For each filter and each block whether the answer has no log that only this filter matches.

    What several filters match may have come by another one, and says nothing of this one's answer.
    """
    silent = np.ones((len(filters), evidence.end - evidence.start), dtype=np.bool_)
    numbers = evidence.logs["block_number"].to_numpy()
    matched = np.array([_mask(evidence.logs, matches(each)) for each in filters])
    is_own = matched & (matched.sum(axis=0) == 1)
    for place, own in enumerate(is_own):
        silent[place, np.unique(numbers[own]) - evidence.start] = False
    return silent


def _mask(logs: pl.DataFrame, condition: pl.Expr) -> NDArray[np.bool_]:
    return logs.select(condition).to_series().to_numpy()


def _has_no_receipts(headers: pl.DataFrame) -> NDArray[np.bool_]:
    flags: NDArray[np.bool_] = headers["receipts_root"].eq_missing(EMPTY_ROOT).to_numpy()
    return flags


def _some_with_logs(evidence: Evidence) -> NDArray[np.int64]:
    """A few blocks with logs, spread over the range."""
    numbers: NDArray[np.int64] = evidence.logs["block_number"].unique().sort().to_numpy()
    if len(numbers) <= _CONTROLS:
        return numbers
    places = np.linspace(0, len(numbers) - 1, _CONTROLS).astype(np.intp)
    return np.asarray(numbers[places])


def _without(rows: pl.DataFrame, numbers: Any) -> pl.DataFrame:
    return rows.filter(~pl.col("block_number").is_in(list(numbers)).fill_null(value=False))
