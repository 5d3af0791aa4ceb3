"""JSON-RPC over HTTP: batches out, raw results back, errors sorted by what to do about them."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from data.errors import RetryableError, UpstreamError
from indexer.errors import RangeTooWide, RpcError, TooManyResults

MAX_BATCH = 100
"""Requests in one HTTP post; larger batches are refused by common nodes."""

_TIMEOUT_S = 60.0
_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.25
_RETRYABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_THROTTLED = re.compile(
    r"rate.?limit|too many requests|throttl|capacity|credits|temporar|try again|timed? ?out"
    r"|unavailable|overload|busy|header not found|unknown block|not yet|connection",
    re.IGNORECASE,
)
_TOO_MANY = re.compile(
    r"more than [\d,_]+ (results|logs)|too many (results|logs)|response.{0,20}(size|large|big)"
    r"|log response|result.{0,20}(limit|exceed)|exceed.{0,20}(results|logs)|query returned",
    re.IGNORECASE,
)
_TOO_WIDE = re.compile(
    r"(block )?range.{0,60}(exceed|limit|large|wide|big|max|up to|greater)"
    r"|(exceed|limit|max|up to).{0,60}(block )?range|limited to.{0,30}blocks?",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"(\d[\d,_]*)\s*(k)?(?![\w])", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """One JSON-RPC call."""

    method: str
    params: tuple[Any, ...] = ()


@dataclass
class Traffic:
    """What a client has sent and received so far."""

    requests: int = 0
    n_bytes: int = 0


class _Fault(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Answer(msgspec.Struct):
    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: _Fault | None = None


@dataclass
class RpcClient:
    """Calls one or several endpoints of the same chain; the next one takes over when one fails."""

    urls: Sequence[str]
    session: aiohttp.ClientSession
    attempts: int = _ATTEMPTS
    first_pause_s: float = _FIRST_PAUSE_S
    traffic: Traffic = field(default_factory=Traffic)
    _current: int = 0

    @property
    def endpoint(self) -> str:
        """The endpoint in use, masked."""
        return mask_url(self._url)

    @property
    def _url(self) -> str:
        return self.urls[self._current % len(self.urls)]

    async def call(self, method: str, *params: Any) -> Any:
        """The decoded result of one call; errors as `batch`."""
        (raw,) = await self.batch([Request(method, params)])
        return msgspec.json.decode(raw)

    async def batch(self, requests: Sequence[Request]) -> list[bytes]:
        """Raw results of one JSON-RPC batch, in the order of the requests; one backend answers it.

        Retries what a later, equal call may survive, on the next endpoint where there are several.

        Raises:
            RangeTooWide, TooManyResults: the node refuses the size of a request.
            RpcError: the node answers with another error.
            UpstreamError: no endpoint gave a usable answer; the message names the last reason.
        """
        pause_s = self.first_pause_s
        for attempt in range(1, self.attempts + 1):
            try:
                return await self._once(requests)
            except RetryableError as error:
                if attempt == self.attempts:
                    message = f"{error} ({attempt} attempts); check --rpc-url"
                    raise UpstreamError(message) from error
            self._current += 1
            await asyncio.sleep(pause_s)
            pause_s *= 2
        message = f"{self.endpoint}: no attempt was made"
        raise UpstreamError(message)

    async def _once(self, requests: Sequence[Request]) -> list[bytes]:
        url = self._url
        body = msgspec.json.encode(
            [
                {"jsonrpc": "2.0", "id": i, "method": r.method, "params": r.params}
                for i, r in enumerate(requests)
            ]
        )
        status, content = await self._post(url, body)
        self.traffic.requests += len(requests)
        self.traffic.n_bytes += len(content)
        answers = _parse(content, status, mask_url(url))
        for answer in answers.values():
            if answer.error:
                raise classify(answer.error.message, mask_url(url))
        missing = [i for i in range(len(requests)) if i not in answers or not answers[i].result]
        if missing:
            message = f"{mask_url(url)} left {len(missing)} of {len(requests)} calls unanswered"
            raise RetryableError(message)
        return [bytes(answers[i].result) for i in range(len(requests))]

    async def _post(self, url: str, body: bytes) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"}
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        try:
            async with self.session.post(url, data=body, headers=headers, timeout=timeout) as reply:
                return reply.status, await reply.read()
        except aiohttp.InvalidURL as error:
            message = f"{url!r} is no URL; give --rpc-url http://host:port"
            raise UpstreamError(message) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = str(error) or type(error).__name__
            message = f"{mask_url(url)} did not answer: {mask_text(reason, url)}"
            raise RetryableError(message) from error


def _parse(content: bytes, status: int, endpoint: str) -> dict[int, _Answer]:
    try:
        try:
            answers = msgspec.json.decode(content, type=list[_Answer])
        except msgspec.ValidationError:
            # A node that refuses the batch as a whole answers with one object.
            answers = [msgspec.json.decode(content, type=_Answer)]
    except msgspec.DecodeError as error:
        start = content[:60].decode("utf-8", "replace").replace("\n", " ")
        message = f"{endpoint} answered {status} with something that is no JSON-RPC: {start!r}"
        if status in _RETRYABLE_STATUS or not content.lstrip().startswith(b"<"):
            raise RetryableError(message) from error
        message += "; check --rpc-url"
        raise UpstreamError(message) from error
    if not any(answer.error for answer in answers) and status in _RETRYABLE_STATUS:
        message = f"{endpoint} answered with status {status}"
        raise RetryableError(message)
    return {-1 if answer.id is None else answer.id: answer for answer in answers}


def classify(message: str, endpoint: str) -> UpstreamError:
    """The error that a node's message stands for, by what can be done about it."""
    text = f"{endpoint}: {message}"
    if _TOO_MANY.search(message):
        return TooManyResults(text)
    if _TOO_WIDE.search(message):
        return RangeTooWide(text, _named_limit(message))
    if _THROTTLED.search(message):
        return RetryableError(text)
    if "limit exceeded" in message.lower():
        return TooManyResults(text)
    return RpcError(f"{text}; the node refuses this call, try another --rpc-url")


def _named_limit(message: str) -> int | None:
    """The smallest width of two blocks or more in the text; nodes phrase the rest differently."""
    limits = [
        int(re.sub(r"[,_]", "", digits)) * (1000 if kilo else 1)
        for digits, kilo in _LIMIT.findall(message)
    ]
    return min((limit for limit in limits if limit > 1), default=None)


def mask_url(url: str) -> str:
    """The URL with user, password, path and query, which may be secret, replaced by `***`."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "***"
    if not parts.hostname:
        return "***"
    secret = "/***" if parts.path.strip("/") or parts.query or parts.username else ""
    return f"{parts.scheme}://{parts.hostname}{port}{secret}"


def mask_text(text: str, url: str) -> str:
    """A message with the URL in it masked."""
    return text.replace(url, mask_url(url))
