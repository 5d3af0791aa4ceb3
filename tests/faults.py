"""What a node does wrong, as values to put on `ReplayNode.faults`.

A fault is a callable `(method, params, result) -> result`. All are applied in order to every result
before it is sent. A fault returns another result (a lying empty), raises `RpcError` (an error
object in place of the result) or `HttpError` (another HTTP response for the whole request:
a status such as 429, a truncated or foreign body).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.recording import Json

Fault = Callable[[str, list[Any], Any], Any]

LIMIT_EXCEEDED = -32005  # EIP-1474
_QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)")


class RpcError(Exception):
    """Becomes the error object of one call."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.error: Json = {"code": code, "message": message}
        if data is not None:
            self.error["data"] = data


class HttpError(Exception):
    """Becomes the HTTP response to the request that the call came in, batch or not.

    `keep` cuts the body after that many bytes while Content-Length still names the whole.
    """

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        keep: int | None = None,
    ) -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.body, self.keep = status, body, keep
        self.headers = headers or {}


@dataclass
class ResultCap:
    """Refuses answers of more than `max_logs` logs, as nodes with a result cap do."""

    max_logs: int

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_getLogs" and len(result) > self.max_logs:
            message = f"query returned more than {self.max_logs} results"
            raise RpcError(LIMIT_EXCEEDED, message)
        return result


@dataclass
class RangeCap:
    """Refuses eth_getLogs over more than `max_blocks` blocks (both ends count)."""

    max_blocks: int
    message: str = "block range is too large, at most {limit} blocks are allowed"

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getLogs" or "blockHash" in params[0]:
            return result
        ends = [params[0].get(end, "latest") for end in ("fromBlock", "toBlock")]
        if all(_QUANTITY.fullmatch(end) for end in ends):
            first, last = (int(end, 16) for end in ends)
            if last - first + 1 > self.max_blocks:
                raise RpcError(-32000, self.message.format(limit=self.max_blocks))
        return result


@dataclass
class TooManyRequests:
    """Answers the first `times` HTTP requests with 429 and a Retry-After."""

    times: int
    retry_after_s: float = 0
    given: int = 0

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if self.given < self.times:
            self.given += 1
            raise HttpError(429, b"Too Many Requests", {"Retry-After": f"{self.retry_after_s:g}"})
        return result
