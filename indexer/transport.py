"""One HTTP post of a JSON-RPC batch, bounded in time and in bytes."""

import asyncio
import errno
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from data.errors import RetryableError, UpstreamError
from indexer.errors import SlowAnswer, TooManyBytes, Unreachable

MAX_ANSWER_BYTES = 256 << 20
"""Longest answer that is read, after decompression; a range with more is asked for in parts."""

_READ_BYTES = 1 << 20
_REFUSED = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})


@dataclass(frozen=True)
class Timeouts:
    """Longest waits of one post, in seconds."""

    connect_s: float = 10.0
    first_byte_s: float = 60.0
    idle_s: float = 20.0
    total_s: float = 180.0


@dataclass(frozen=True)
class HttpAnswer:
    """What came back; `first_byte_s` is how long the node took to begin."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    first_byte_s: float


async def post(
    session: aiohttp.ClientSession,
    url: str,
    body: bytes,
    *,
    timeouts: Timeouts | None = None,
    max_bytes: int = MAX_ANSWER_BYTES,
) -> HttpAnswer:
    """The whole answer to one post.

    Raises:
        Unreachable: no connection.
        SlowAnswer: a limit of `timeouts` was passed.
        TooManyBytes: the answer is longer than `max_bytes`.
        RetryableError: the connection broke.
        UpstreamError: the URL is none.
    """
    limits = timeouts or Timeouts()
    name = mask_url(url)
    try:
        async with asyncio.timeout(limits.total_s):
            return await _exchange(session, url, body, limits, max_bytes)
    except aiohttp.InvalidURL as error:
        message = f"{url!r} is no URL; give --rpc-url http://host:port"
        raise UpstreamError(message) from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        message = f"{name} did not answer: {mask_text(_reason(error), url)}"
        raise Unreachable(message) from error
    except TimeoutError as error:
        message = f"{name} did not answer in time ({_reason(error)})"
        raise SlowAnswer(message) from error
    except (aiohttp.ClientError, OSError) as error:
        message = f"{name} did not answer: {mask_text(_reason(error), url)}"
        raise RetryableError(message) from error


async def _exchange(
    session: aiohttp.ClientSession, url: str, body: bytes, limits: Timeouts, max_bytes: int
) -> HttpAnswer:
    started_s = time.monotonic()
    request = session.post(
        url,
        data=body,
        headers={"content-type": "application/json"},
        timeout=aiohttp.ClientTimeout(sock_connect=limits.connect_s, sock_read=limits.first_byte_s),
        read_bufsize=_READ_BYTES,
    )
    async with request as reply:
        first_byte_s = time.monotonic() - started_s
        chunks: list[bytes] = []
        length = 0
        while True:
            # A body that only drips is cut off here or, if it drips steadily, by the total.
            async with asyncio.timeout(limits.idle_s):
                chunk = await reply.content.readany()
            if not chunk:
                break
            chunks.append(chunk)
            length += len(chunk)
            if length > max_bytes:
                message = f"{mask_url(url)} sends more than {max_bytes:,} bytes"
                raise TooManyBytes(message, max_bytes)
        return HttpAnswer(reply.status, reply.headers, b"".join(chunks), first_byte_s)


def _reason(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno in _REFUSED:
        return "connection refused"
    return str(error) or type(error).__name__


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
