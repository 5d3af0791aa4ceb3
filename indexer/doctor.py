"""What an endpoint can do, found out by asking it: caps, depth, batches, honesty.

Every probe has a time limit and may fail; then the finding is `no` or `unknown`, with the reason.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import aiohttp

from data.errors import UpstreamError
from indexer.chains import chain_name
from indexer.clock import Clock, utc_now
from indexer.doctor_caps import find_range_cap, find_result_cap
from indexer.doctor_depth import Depth, find_log_depth, find_state_depth
from indexer.probe import Answer, Probe
from indexer.roots import receipts_root
from indexer.rpc import mask_url
from indexer.status import duration

State = Literal["yes", "no", "unknown"]
Json = dict[str, Any]

_BATCHES = (2, 10, 50, 100, 200)
_LATENCIES = 5
_NEAR = 16  # blocks below the head to look for one with logs
_FAR = 12  # further ones, each twice as deep
_WIDE_ENOUGH = 100_000  # the default of --max-range
_BATCH_WANTED = 100
_STALE_S = 120.0


@dataclass(frozen=True)
class Finding:
    """One answer to one question about an endpoint."""

    state: State
    words: str
    value: Any = None


@dataclass
class Diagnosis:
    """All findings about an endpoint, by name, and what follows from them."""

    endpoint: str
    findings: dict[str, Finding] = field(default_factory=dict)
    advice: list[str] = field(default_factory=list)
    calls: int = 0

    def value(self, name: str) -> Any:
        """The value of a finding; None where it was not made."""
        found = self.findings.get(name)
        return None if found is None else found.value

    def is_yes(self, name: str) -> bool:
        """Whether a finding was made and is yes."""
        found = self.findings.get(name)
        return found is not None and found.state == "yes"

    def as_json(self) -> Json:
        """The diagnosis for JSON."""
        return asdict(self)


def diagnose(
    url: str,
    *,
    timeout_s: float = 10.0,
    clock: Clock = utc_now,
    on_finding: Callable[[str, Finding], None] | None = None,
) -> Diagnosis:
    """Probes an endpoint, with some dozens of calls.

    Args:
        url: HTTP address of the endpoint.
        timeout_s: limit of each call.
        clock: the time, UTC without an offset; for the age of the head.
        on_finding: told of each finding as it is made.

    Raises:
        UpstreamError: the endpoint does not tell even its chain.
    """
    tell = on_finding or _silent
    return asyncio.run(_diagnose(url, timeout_s, clock, tell))


def _silent(_name: str, _finding: Finding) -> None:
    """Tells nobody."""


async def _diagnose(
    url: str,
    timeout_s: float,
    clock: Clock,
    tell: Callable[[str, Finding], None],
) -> Diagnosis:
    async with _probe(url, timeout_s) as probe:
        doctor = _Doctor(probe, Diagnosis(mask_url(url)), clock, tell)
        await doctor.examine()
        doctor.found.calls = probe.calls
    doctor.found.advice = list(advise(doctor.found))
    return doctor.found


@asynccontextmanager
async def _probe(url: str, timeout_s: float) -> AsyncIterator[Probe]:
    async with aiohttp.ClientSession() as session:
        yield Probe(url, session, timeout_s)


@dataclass
class _Doctor:
    """Asks one question after another; later ones rest on earlier answers."""

    probe: Probe
    found: Diagnosis
    clock: Clock
    tell: Callable[[str, Finding], None]
    head: int = 0
    sample: Json | None = None
    logs: list[Json] = field(default_factory=list)

    async def examine(self) -> None:
        """Makes every finding.

        Raises:
            UpstreamError: the endpoint does not tell its chain or its head.
        """
        questions: dict[str, Callable[[], Awaitable[Finding]]] = {
            "chain": self._chain,
            "client": self._client,
            "head": self._head,
            "latency": self._latency,
            "finalized": lambda: self._tag("finalized"),
            "safe": lambda: self._tag("safe"),
            "batch": self._batch,
            "bloom": self._bloom,
            "logs": self._logs,
            "log_times": self._log_times,
            "logs_by_hash": self._logs_by_hash,
            "block_receipts": self._receipts,
            "debug_trace": lambda: self._trace("debug_traceTransaction", {"tracer": "callTracer"}),
            "trace": lambda: self._trace("trace_transaction"),
            "range_cap": self._range_cap,
            "result_cap": self._result_cap,
            "log_depth": self._log_depth,
            "state_depth": self._state_depth,
            "websocket": self._websocket,
        }
        for name, ask in questions.items():
            finding = await ask()
            self.found.findings[name] = finding
            self.tell(name, finding)

    # --- who and where

    async def _chain(self) -> Finding:
        answer = await self.probe.call("eth_chainId")
        number = _number(answer.result)
        if number is None:
            reason = answer.error or f"it calls its chain {answer.result!r}"
            message = f"{self.found.endpoint} is no JSON-RPC endpoint: {reason}; check --rpc-url"
            raise UpstreamError(message)
        return Finding("yes", f"{number} ({chain_name(number)})", number)

    async def _client(self) -> Finding:
        answer = await self.probe.call("web3_clientVersion")
        if not answer.is_ok:
            return Finding("no", answer.error or "not told")
        return Finding("yes", str(answer.result)[:120], str(answer.result)[:120])

    async def _head(self) -> Finding:
        answer = await self.probe.call("eth_getBlockByNumber", "latest", False)
        block = answer.result if isinstance(answer.result, dict) else {}
        number, seconds = _number(block.get("number")), _number(block.get("timestamp"))
        if number is None or seconds is None:
            reason = answer.error or "no block"
            message = f"{self.found.endpoint} does not tell its head: {reason}; check --rpc-url"
            raise UpstreamError(message)
        self.head = number
        time = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        lag_s = (self.clock() - time).total_seconds()
        side = "behind" if lag_s >= 0 else "ahead of"
        words = f"{number:,}, {duration(abs(lag_s))} {side} the clock"
        return Finding(
            "yes" if lag_s < _STALE_S else "no", words, {"block": number, "lag_s": lag_s}
        )

    async def _latency(self) -> Finding:
        times = [(await self.probe.call("eth_chainId")).elapsed_ms for _ in range(_LATENCIES)]
        median = statistics.median(times)
        return Finding("yes", f"{median:,.0f} ms, median of {_LATENCIES}", round(median, 1))

    async def _tag(self, tag: str) -> Finding:
        answer = await self.probe.call("eth_getBlockByNumber", tag, False)
        number = _number(answer.result.get("number")) if isinstance(answer.result, dict) else None
        if number is None:
            return Finding("no", answer.error or "no such block")
        return Finding("yes", f"{number:,}, {self.head - number:,} below the head", number)

    async def _batch(self) -> Finding:
        most, reason = 0, ""
        for size in _BATCHES:
            answers = await self.probe.batch([("eth_chainId", ())] * size)
            bad = next((answer for answer in answers if not answer.is_ok), None)
            if bad is not None:
                reason = f"; {size:,} are refused: {bad.error}"
                break
            most = size
        state: State = "yes" if most else "no"
        return Finding(state, f"{most:,} calls together" + reason, most)

    # --- logs of one block

    async def _bloom(self) -> Finding:
        """Finds a block whose header says that it has logs; the next questions are about it."""
        near = range(self.head, max(self.head - _NEAR, -1), -1)
        far = [self.head - (_NEAR << step) for step in range(1, _FAR)]
        looked = 0
        for number in [*near, *(number for number in far if number >= 0)]:
            answer = await self.probe.call("eth_getBlockByNumber", hex(number), False)
            block = answer.result
            if not isinstance(block, dict):
                continue
            looked += 1
            if _number(block.get("logsBloom")):
                self.sample = block
                return Finding("yes", f"block {number:,} has logs, as its header says", number)
        return Finding("no", f"{looked} headers without any bloom bit: no logs, or blooms not kept")

    async def _logs(self) -> Finding:
        if self.sample is None:
            return Finding("unknown", "no block with logs was found")
        number = self.sample["number"]
        answer = await self.probe.call("eth_getLogs", {"fromBlock": number, "toBlock": number})
        if answer.error:
            return Finding("no", answer.error)
        if not isinstance(answer.result, list) or not answer.result:
            words = f"block {int(number, 16):,} has logs by its header, but the answer is empty"
            return Finding("no", words, 0)
        self.logs = answer.result
        return Finding("yes", f"{len(self.logs):,} in block {int(number, 16):,}", len(self.logs))

    async def _log_times(self) -> Finding:
        if not self.logs:
            return Finding("unknown", "no log was seen")
        told = sum(bool(log.get("blockTimestamp")) for log in self.logs)
        if told == len(self.logs):
            return Finding("yes", "blockTimestamp in every log", value=True)
        return Finding("no", f"blockTimestamp in {told} of {len(self.logs)} logs", value=False)

    async def _logs_by_hash(self) -> Finding:
        if self.sample is None or not self.logs:
            return Finding("unknown", "no log was seen")
        answer = await self.probe.call("eth_getLogs", {"blockHash": self.sample["hash"]})
        if not isinstance(answer.result, list):
            return Finding("no", answer.error or "no list")
        if len(answer.result) != len(self.logs):
            return Finding("no", f"{len(answer.result)} logs by hash, {len(self.logs)} by number")
        return Finding("yes", "the same logs as by number", value=True)

    async def _receipts(self) -> Finding:
        if self.sample is None:
            return Finding("unknown", "no block with logs was found")
        answer = await self.probe.call("eth_getBlockReceipts", self.sample["number"])
        if not isinstance(answer.result, list):
            return Finding("no", answer.error or "null")
        n_logs = sum(len(receipt.get("logs", ())) for receipt in answer.result)
        words = f"{len(answer.result):,} receipts with {n_logs:,} logs"
        try:
            is_proof = receipts_root(answer.result) == self.sample.get("receiptsRoot")
        except (KeyError, TypeError, ValueError):
            is_proof = False
        proof = "; they hash to the header's root" if is_proof else "; their root is another"
        return Finding("yes", words + proof, {"logs": n_logs, "is_proof": is_proof})

    async def _trace(self, method: str, *options: Json) -> Finding:
        if not self.logs:
            return Finding("unknown", "no transaction was seen")
        answer = await self.probe.call(method, self.logs[0]["transactionHash"], *options)
        return Finding("yes", method) if answer.is_ok else Finding("no", _why(answer))

    # --- limits

    async def _range_cap(self) -> Finding:
        cap = await find_range_cap(self.probe, self.head)
        if cap.widest == 0:
            return Finding("no", f"not even one block: {cap.refusal}", 0)
        if not cap.refusal:
            return Finding("yes", f"no cap: all {cap.widest:,} blocks in one request")
        return Finding("yes", f"{cap.widest:,} blocks ({cap.refusal})", cap.widest)

    async def _result_cap(self) -> Finding:
        refused = self.found.findings["range_cap"].state == "no"
        widest = 1 if refused else self.found.value("range_cap") or self.head + 1
        cap = await find_result_cap(self.probe, self.head, widest)
        most = f"{cap.most_logs:,} logs in one answer of {cap.n_bytes / 1e6:,.1f} MB"
        value = {"most_logs": cap.most_logs, "cap": cap.cap, "logs_per_block": cap.logs_per_block}
        if not cap.refusal:
            return Finding("yes", f"none found: {most}", value)
        return Finding("yes", f"{most}; more is refused ({cap.refusal})", value)

    async def _log_depth(self) -> Finding:
        known = _number(self.sample["number"]) if self.sample else None
        return _depth("logs", await find_log_depth(self.probe, self.head, known))

    async def _state_depth(self) -> Finding:
        return _depth("state", await find_state_depth(self.probe, self.head))

    async def _websocket(self) -> Finding:
        from indexer.heads import websocket_urls

        reason = ""
        for url in websocket_urls(self.probe.url):
            try:
                async with asyncio.timeout(self.probe.timeout_s):
                    reason = await self._subscribe(url)
            except (aiohttp.ClientError, TimeoutError, OSError, TypeError, ValueError) as error:
                reason = str(error) or type(error).__name__
            if not reason:
                return Finding("yes", f"new heads at {mask_url(url)}", mask_url(url))
        return Finding("no", reason.replace(self.probe.url, self.found.endpoint)[:160])

    async def _subscribe(self, url: str) -> str:
        """Empty where a subscription to new heads was given, else the reason."""
        request = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
        async with self.probe.session.ws_connect(url) as socket:
            await socket.send_json(request)
            answer = await socket.receive_json()
        return "" if isinstance(answer.get("result"), str) else str(answer.get("error", "no id"))


def _number(quantity: Any) -> int | None:
    try:
        return int(quantity, 16)
    except (TypeError, ValueError):
        return None


def _depth(what: str, depth: Depth) -> Finding:
    if depth.oldest is None:
        return Finding("unknown", f"{what}: {depth.reason}")
    if depth.is_whole:
        return Finding("yes", f"no pruned {what} found ({depth.reason})", depth.oldest)
    return Finding("no", f"{what} from block {depth.oldest:,} on ({depth.reason})", depth.oldest)


def _why(answer: Answer) -> str:
    return "method is not offered" if answer.is_unknown_method else answer.error or "null"


# --- advice


def advise(found: Diagnosis) -> Sequence[str]:
    """What the findings mean for `raisonne index`, the worst first."""
    lines = []
    if not found.is_yes("batch"):
        lines.append("batches are refused: the indexer cannot use this endpoint")
    elif found.value("batch") < _BATCH_WANTED:
        lines.append(f"at most {found.value('batch')} calls in a batch: indexing will be slow")
    if found.value("logs") == 0:
        lines.append("it hides logs: name a second --rpc-url and use --verify full")
    head = found.value("head")
    if head and head["lag_s"] >= _STALE_S:
        lines.append(
            f"its head is {duration(head['lag_s'])} old: a stopped node, or a quiet local chain"
        )
    lines.append(_advise_range(found))
    lines.append(_advise_verify(found))
    lines += [words for is_due, words in _remarks(found) if is_due]
    return lines


def _advise_range(found: Diagnosis) -> str:
    cap, results = found.value("range_cap"), found.value("result_cap") or {}
    per_block, most = results.get("logs_per_block"), results.get("cap")
    # Some room, since blocks are unlike each other.
    by_logs = max(1, int(0.6 * most / per_block)) if most and per_block else None
    fitting = min((width for width in (cap, by_logs) if width), default=None)
    if fitting is None:
        return f"no cap was met: the default of --max-range ({_WIDE_ENOUGH:,}) will do"
    if fitting < _WIDE_ENOUGH:
        return f"--max-range {fitting} spares it requests that it would refuse"
    return f"the default of --max-range ({_WIDE_ENOUGH:,}) fits its caps"


def _advise_verify(found: Diagnosis) -> str:
    receipts = found.value("block_receipts") or {}
    if not found.is_yes("bloom"):
        return "--verify has no blooms to test with: name a second --rpc-url to compare"
    if receipts.get("is_proof"):
        return "--verify full settles every doubt with this endpoint alone, by receipts"
    return "--verify full leaves blocks unproven, without a second --rpc-url that has receipts"


def _remarks(found: Diagnosis) -> Sequence[tuple[bool, str]]:
    oldest = found.value("log_depth")
    is_pruned = found.findings["log_depth"].state == "no"
    return (
        (is_pruned, f"logs before block {oldest} need another endpoint"),
        (
            found.value("log_times") is False,
            "logs carry no time: one header more for each block with logs",
        ),
        (
            not found.is_yes("logs_by_hash"),
            "recent blocks cannot be asked by hash: stay behind the head",
        ),
        (not found.is_yes("finalized"), "no finalized tag: a depth by chain is used instead"),
        (not found.is_yes("websocket"), "no new heads by WebSocket: --follow polls"),
    )
