"""How faults take part in an answer, and the two errors with which they replace one.

A fault is any callable `(method, params, result) -> result`; all are applied in order to every
result before it is sent. A fault returns another result (a lying empty), raises `RpcError` (an
error object in place of the result) or `HttpError` (another HTTP response for the whole request).

`ScriptedFault` is the base of the faults in this package. It may take part at two more moments:
`begin` sees a whole HTTP request before any of its calls is answered and may give its calls to
other backends; `finish` sees all answers and may reorder, drop or replace them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zlib import crc32

from tests.recording import Json

if TYPE_CHECKING:
    from tests.node import Methods, Server

Fault = Callable[[str, list[Any], Any], Any]


class RpcError(Exception):
    """Becomes the error object of one call."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.error: Json = {"code": code, "message": message}
        if data is not None:
            self.error["data"] = data


class HttpError(Exception):
    """Becomes the HTTP response to the request that the call came in, batch or not.

    `keep` cuts the body after that many bytes while Content-Length still names the whole. `hold_s`
    waits before the first byte. `drip_s` sends a space each so many seconds after the body, which
    never completes it, until `limit_s` have passed and the connection is closed. A status of 0
    closes the connection without a byte.
    """

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        keep: int | None = None,
        *,
        hold_s: float = 0,
        drip_s: float = 0,
        limit_s: float = 0,
    ) -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.body, self.keep = status, body, keep
        self.headers = headers or {}
        self.hold_s, self.drip_s, self.limit_s = hold_s, drip_s, limit_s


@dataclass
class Exchange:
    """One HTTP request on its way through the node.

    `calls` as they were asked, `methods` the backend that answers each of them, `answers` the
    JSON-RPC answers, `is_batch` whether a list was sent (and is sent back).
    """

    number: int
    server: Server
    calls: list[Any]
    is_batch: bool
    methods: list[Methods]
    answers: list[Json] = field(default_factory=list)

    def asks(self, method: str) -> bool:
        """Whether one of the calls is of a method."""
        return any(isinstance(call, dict) and call.get("method") == method for call in self.calls)


@dataclass(kw_only=True)
class ScriptedFault:
    """A fault with a script: the first `after` occasions pass, then it fires at most `times`.

    An occasion is whatever the subclass calls so, such as an answer with logs. Nothing is random:
    what a subclass chooses, it chooses by a hash of `seed` and of what was asked, so the order in
    which concurrent requests arrive changes nothing.
    """

    times: int | None = None
    after: int = 0
    seed: int = 0
    fired: int = field(default=0, init=False)
    occasions: int = field(default=0, init=False)

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        """The result to send in place of `result`."""
        return result

    def begin(self, exchange: Exchange) -> None:
        """Takes note of a request, or gives its calls to other backends."""

    def finish(self, exchange: Exchange) -> None:
        """Changes the answers of a request."""

    def strikes(self) -> bool:
        """Counts an occasion, and the firing if the script says that it fires now."""
        self.occasions += 1
        if self.occasions <= self.after or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True

    def draw(self, *parts: object) -> int:
        """A number from 0 to 2^32 - 1 that depends on the seed and on `parts` alone."""
        return crc32(repr((self.seed, *parts)).encode())
