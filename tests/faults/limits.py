"""Refusals: of the width of a range, of the size of an answer, of so many requests, of batches."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from tests.faults.base import Exchange, HttpError, RpcError, ScriptedFault
from tests.faults.phrasings import Phrasing

LIMIT_EXCEEDED = -32005  # EIP-1474
_QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)")


def asked_range(params: list[Any]) -> tuple[int, int] | None:
    """First and last block of a filter whose both ends are numbers."""
    ends = [params[0].get(end, "latest") for end in ("fromBlock", "toBlock")]
    if "blockHash" in params[0] or not all(_QUANTITY.fullmatch(end) for end in ends):
        return None
    return int(ends[0], 16), int(ends[1], 16)


# -- caps


@dataclass
class RangeCap(ScriptedFault):
    """Refuses eth_getLogs over more than `max_blocks` blocks, both ends in (hyperindex#605)."""

    max_blocks: int
    message: str = "block range is too large, at most {limit} blocks are allowed"

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        asked = asked_range(params) if method == "eth_getLogs" else None
        if asked and asked[1] - asked[0] >= self.max_blocks and self.strikes():
            raise RpcError(-32000, self.message.format(limit=self.max_blocks))
        return result


@dataclass
class ResultCap(ScriptedFault):
    """Refuses answers of more than `max_logs` logs (quixote#9, go-ethereum#25343).

    Below the logs of the fullest block it refuses a single block, which no range can make smaller
    (zeta-chain/node#3265).
    """

    max_logs: int

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_getLogs" and len(result) > self.max_logs and self.strikes():
            message = f"query returned more than {self.max_logs} results"
            raise RpcError(LIMIT_EXCEEDED, message)
        return result


@dataclass
class PhrasedCap(ScriptedFault):
    """Refuses in the words of a provider; see `phrasings`.

    `says` is what the numbers in the words are worth. `right`: the cap, and a range that works.
    `high`: ten times the cap, and a range that is refused again (zksync-era#3412). `low`: 2, far
    below the cap. `same`: the very range that was refused (reth#23810). `inverted`: a range that
    ends before it starts (test matrix, 5; hyperindex#263 sent such). `missing`: no digits at all.
    """

    phrasing: Phrasing
    limit: int
    says: Literal["right", "high", "low", "same", "inverted", "missing"] = "right"

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getLogs" or not self._exceeds(params, result) or not self.strikes():
            return result
        first, last = asked_range(params) or (0, 0)
        numbers = self._numbers(first, last, result)
        words, payload = self._fill(self.phrasing.words, numbers), self.phrasing.payload
        error = RpcError(self.phrasing.code, words, payload and self._fill(payload, numbers))
        if self.phrasing.status == 200:
            raise error
        body = {"jsonrpc": "2.0", "id": None, "error": error.error}
        raise HttpError(self.phrasing.status, msgspec.json.encode(body), _JSON)

    def _exceeds(self, params: list[Any], result: Any) -> bool:
        if self.phrasing.caps == "logs":
            return len(result) > self.limit
        if self.phrasing.caps == "bytes":
            return len(msgspec.json.encode(result)) > self.limit
        asked = asked_range(params)
        return asked is not None and asked[1] - asked[0] >= self.limit

    def _numbers(self, first: int, last: int, result: Any) -> dict[str, Any]:
        said = {"high": self.limit * 10, "low": 2}.get(self.says, self.limit)
        works = last if self.says == "same" else self._end_that_works(first, last, result)
        if self.says == "high":
            works = last + 10 * (last - first + 1)
        if self.says == "inverted":
            first, works = works + 1, first
        return {
            "limit": said, "commas": f"{said:,}", "mega": max(1, said // 1_000_000),
            "width": last - first + 1, "end": last,
            "first": first, "last": works, "firstx": hex(first), "lastx": hex(works),
        }  # fmt: skip

    def _end_that_works(self, first: int, last: int, result: Any) -> int:
        if self.phrasing.caps == "blocks":
            return first + self.limit - 1
        if self.phrasing.caps == "logs":
            return max(first, int(result[self.limit]["blockNumber"], 16) - 1)
        return (first + last) // 2

    def _fill(self, words: str, numbers: dict[str, Any]) -> str:
        text = words.format_map(numbers)
        return re.sub(r"0x[0-9a-f]+|\d[\d,]*", "many", text) if self.says == "missing" else text


_JSON = {"Content-Type": "application/json"}


# -- so many requests


@dataclass
class TooManyRequests(ScriptedFault):
    """Answers the first `times` HTTP requests with 429 and a Retry-After (ponder#2143).

    `retry_after` None leaves the header out; a text is sent as it is, such as an HTTP date.
    """

    def __init__(self, times: int, retry_after_s: float | str | None = 0, **script: Any) -> None:
        super().__init__(times=times, **script)
        self.retry_after_s = retry_after_s

    def begin(self, exchange: Exchange) -> None:
        if not self.strikes():
            return
        wait = self.retry_after_s
        text = wait if isinstance(wait, str) else "" if wait is None else f"{wait:g}"
        raise HttpError(429, b"Too Many Requests", {"Retry-After": text} if text else {})


@dataclass
class ThrottledCalls(ScriptedFault):
    """Refuses calls with an error object in a 200 (dev-rewards#20, base/node#368).

    `code` is -32005 there, -32016 or -32000 elsewhere; some send 429 itself.
    """

    code: int = LIMIT_EXCEEDED
    message: str = "rate limit exceeded"

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if self.strikes():
            raise RpcError(self.code, self.message)
        return result


@dataclass
class ThrottledText(ScriptedFault):
    """Answers a 200 whose body is plain text about too many requests (rindexer's error classes)."""

    text: str = "Too Many Requests. Your plan allows 10 requests a second."

    def begin(self, exchange: Exchange) -> None:
        if self.strikes():
            raise HttpError(200, self.text.encode(), {"Content-Type": "text/plain"})


@dataclass
class RequestRate(ScriptedFault):
    """Lets `limit` HTTP requests through in every `window_s`, and answers 429 to the others.

    The burst and calm of a real limiter (test matrix, 7); `clock` in seconds.
    """

    limit: int = 5
    window_s: float = 0.2
    clock: Callable[[], float] = time.monotonic
    _let: deque[float] = field(default_factory=deque)

    def begin(self, exchange: Exchange) -> None:
        now = self.clock()
        while self._let and now - self._let[0] >= self.window_s:
            self._let.popleft()
        if len(self._let) >= self.limit and self.strikes():
            raise HttpError(429, b'{"message":"Too Many Requests"}', {"Retry-After": "1"})
        self._let.append(now)


# -- batches


@dataclass
class NoBatches(ScriptedFault):
    """Refuses every batch as a whole with one error object (subql#1852, besu#4951)."""

    max_calls: int = 1
    message: str = "batch requests are not supported"
    code: int = -32600

    def begin(self, exchange: Exchange) -> None:
        if not exchange.is_batch or len(exchange.calls) <= self.max_calls or not self.strikes():
            return
        error = {"code": self.code, "message": self.message}
        body = {"jsonrpc": "2.0", "id": None, "error": error}
        raise HttpError(200, msgspec.json.encode(body), _JSON)


@dataclass
class BatchLimit(ScriptedFault):
    """Refuses batches of more than `max_calls` calls as geth does (go-ethereum#26681).

    The error is that of the first call; the other calls have no answer.
    """

    max_calls: int = 3

    def finish(self, exchange: Exchange) -> None:
        if exchange.is_batch and len(exchange.calls) > self.max_calls and self.strikes():
            error = {"code": -32600, "message": "batch too large"}
            exchange.answers = [{"jsonrpc": "2.0", "id": exchange.answers[0]["id"], "error": error}]


@dataclass
class BatchDropped(ScriptedFault):
    """Closes the connection on batches of more than `max_calls` calls (erigon#18074)."""

    max_calls: int = 3

    def begin(self, exchange: Exchange) -> None:
        if exchange.is_batch and len(exchange.calls) > self.max_calls and self.strikes():
            raise HttpError(0)
