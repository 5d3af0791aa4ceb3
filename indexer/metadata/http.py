"""Fetching over HTTP what strangers name: resolve once, check, connect to what was checked.

A check before the connection alone would not do: the name may resolve to another address a moment
later (DNS rebinding). So the resolver below is the only one that the connection has, what it found
is what is connected to, and the socket itself is refused for any other address. Redirects are
followed here, hop by hop, under the same rules.
"""

import asyncio
import socket
import ssl
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from indexer.metadata.addresses import is_public, look_up
from indexer.metadata.errors import FetchFailed, NotTaken, Refused
from indexer.metadata.limits import FetchLimits

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_DOWN = frozenset({"timeout", "unreachable", "tls"})
_PIECE = 64 << 10
_AGENT = "raisonne (https; metadata of tokens)"


@dataclass(frozen=True)
class Allowance:
    """Hosts that may be asked though they are not public, or not over TLS.

    `origins` are those that the user names (gateways); tests name their own servers. What a
    contract says adds nothing to it.
    """

    origins: frozenset[tuple[str, str, int]] = frozenset()

    @classmethod
    def of(cls, urls: Iterable[str]) -> "Allowance":
        """The allowance for the origins of some URLs, and nothing else on their hosts."""
        return cls(frozenset(_origin(url) for url in urls))

    def covers(self, url: str) -> bool:
        """Whether a URL is of an allowed origin."""
        return _origin(url) in self.origins


@dataclass(frozen=True)
class Answer:
    """What came: the bytes, after decompression, and the address that they came from in the end."""

    raw: bytes
    url: str


class _AddressError(OSError):
    """A socket or a name that leads to no public address; OSError, so that aiohttp cleans up."""


@dataclass
class HttpFetcher:
    """Fetches URLs under limits; one per run, used as an async context manager.

    Args:
        limits: of each fetch.
        allowance: origins that may be private or without TLS.
        resolve: addresses of a host and port; called once per connection, in a thread.
        tls: how certificates are checked; None: by the system's authorities.
    """

    limits: FetchLimits = field(default_factory=FetchLimits)
    allowance: Allowance = field(default_factory=Allowance)
    resolve: Callable[[str, int], list[str]] = look_up
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self._strikes: Counter[str] = Counter()

    async def __aenter__(self) -> "HttpFetcher":
        self._public = self._session(is_public)
        # Named origins have connections of their own, so that no other host ever gets one.
        self._named = self._session(lambda _: True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._public.close()
        await self._named.close()

    async def get(self, url: str, *, max_bytes: int, accept: str = "*/*") -> Answer:
        """The answer to a GET, redirects followed; asked twice where the host wants patience.

        A host that was silent several times in a row is not asked again in this run.

        Raises:
            Refused: an address, a scheme or a size that is not allowed.
            FetchFailed: no answer in time, or not with status 200.
        """
        host = _host(url)
        if self._strikes[host] >= self.limits.max_strikes:
            message = f"{host} was silent {self._strikes[host]} times; the next run asks again"
            raise FetchFailed(message, "host-down")
        try:
            answer = await self._get(url, max_bytes, accept)
        except FetchFailed as error:
            self._strikes[host] += error.code in _DOWN
            if error.code != "http-later":
                raise
            await asyncio.sleep(self.limits.retry_pause_s)
            answer = await self._get(url, max_bytes, accept)
        del self._strikes[host]
        return answer

    async def _get(self, url: str, max_bytes: int, accept: str) -> Answer:
        try:
            async with asyncio.timeout(self.limits.total_s):
                return await self._follow(url, max_bytes, accept)
        except TimeoutError as error:
            message = f"{_host(url)} took longer than {self.limits.total_s:g} s"
            raise FetchFailed(message, "timeout") from error

    async def _follow(self, url: str, max_bytes: int, accept: str) -> Answer:
        for _ in range(self.limits.max_redirects + 1):
            self._check(url)
            answer = await self._ask(url, max_bytes, accept)
            if isinstance(answer, Answer):
                return answer
            url = answer
        message = f"more than {self.limits.max_redirects} redirects"
        raise Refused(message, "redirects")

    def _check(self, url: str) -> None:
        """Refuses a URL for what can be seen of it."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            message = f"the URL is malformed: {error}"
            raise Refused(message, "malformed-uri") from error
        if len(url) > self.limits.max_url_bytes:
            message = f"a URL of {len(url):,} characters"
            raise Refused(message, "uri-too-long")
        if parts.username is not None or parts.password is not None:
            message = "the URL carries a user name"
            raise Refused(message, "malformed-uri")
        if self.allowance.covers(url):
            return
        if parts.scheme != "https":
            message = f"{parts.scheme[:20] or 'no scheme'!r} is not https, which alone is fetched"
            raise Refused(message, "scheme")
        # aiohttp connects to a literal address without asking a resolver.
        if _is_literal(host) and not is_public(host):
            message = f"{host} is no public address"
            raise Refused(message, "private-address")

    async def _ask(self, url: str, max_bytes: int, accept: str) -> Answer | str:
        """The answer of one hop, or where it redirects to."""
        session = self._named if self.allowance.covers(url) else self._public
        headers = {"accept": accept, "accept-encoding": "identity", "user-agent": _AGENT}
        try:
            async with session.get(
                URL(url, encoded=True), headers=headers, allow_redirects=False
            ) as reply:
                if reply.status in _REDIRECTS:
                    return urljoin(url, reply.headers.get("location", ""))
                if reply.status != 200:
                    code = "http-later" if reply.status in _LATER else "http-status"
                    message = f"{_host(url)} answered with status {reply.status}"
                    raise FetchFailed(message, code)
                return Answer(await self._read(reply, max_bytes), url)
        except NotTaken:
            raise
        except TimeoutError as error:
            message = f"{_host(url)} did not answer in time"
            raise FetchFailed(message, "timeout") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _explain(url, error) from error

    async def _read(self, reply: aiohttp.ClientResponse, max_bytes: int) -> bytes:
        """The body, inflated here, where both sizes are bounded."""
        length = reply.content_length
        if length is not None and length > max_bytes:
            raise _too_large(length, max_bytes)
        inflate = _inflater(reply.headers.get("content-encoding", ""))
        body, received = bytearray(), 0
        async for piece in reply.content.iter_chunked(_PIECE):
            received += len(piece)
            body += inflate(piece, max_bytes + 1 - len(body))
            if max(received, len(body)) > max_bytes:
                raise _too_large(None, max_bytes)
        return bytes(body)

    def _session(self, is_allowed: Callable[[str], bool]) -> aiohttp.ClientSession:
        def open_socket(info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
            family, kind, protocol, _, address = info
            if not is_allowed(str(address[0])):
                message = f"{address[0]} is no public address"
                raise _AddressError(message)
            return socket.socket(family, kind, protocol)

        limits = self.limits
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=_Resolver(self.resolve, is_allowed),
                use_dns_cache=False,
                socket_factory=open_socket,  # type: ignore[arg-type]
                ssl=self.tls or True,
                limit_per_host=4,
            ),
            timeout=aiohttp.ClientTimeout(sock_connect=limits.connect_s, sock_read=limits.idle_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_line_size=limits.max_header_bytes,
            max_field_size=limits.max_header_bytes,
            read_bufsize=_PIECE,
        )


@dataclass(frozen=True)
class _Resolver(AbstractResolver):
    """Resolves once, and gives no address of a host of which one is not allowed."""

    look_up: Callable[[str, int], list[str]]
    is_allowed: Callable[[str], bool]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.to_thread(self.look_up, host, port)
        bad = next((address for address in found if not self.is_allowed(address)), None)
        if bad is not None:
            message = f"{host} resolves to {bad}, which is no public address"
            raise _AddressError(message)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Holds nothing."""


def _inflater(encoding: str) -> Callable[[bytes, int], bytes]:
    """Inflates the next piece to so many bytes at most; nothing was asked to be compressed.

    Raises:
        Refused: an encoding that is not read.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return lambda piece, _: piece
    if name not in ("gzip", "x-gzip", "deflate"):
        message = f"content encoding {name[:20]!r} is not read"
        raise Refused(message, "encoding")
    engine = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def inflate(piece: bytes, most: int) -> bytes:
        try:
            return engine.decompress(piece, max(most, 1))
        except zlib.error as error:
            message = f"the compressed body is damaged: {error}"
            raise FetchFailed(message, "damaged") from error

    return inflate


def _too_large(size: int | None, most: int) -> Refused:
    told = "more" if size is None else f"{size:,} bytes"
    return Refused(f"the body has {told}; {most:,} bytes is the limit", "too-large")


def _explain(url: str, error: Exception) -> NotTaken:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _AddressError):
            return Refused(str(cause), "private-address")
        cause = getattr(cause, "os_error", None) or cause.__cause__
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return FetchFailed(f"{_host(url)} has no valid certificate", "tls")
    # After TLS: errors of certificates are ValueErrors too.
    if isinstance(error, (aiohttp.InvalidURL, ValueError)):
        return Refused(f"the URL is malformed: {str(error)[:120]}", "malformed-uri")
    if isinstance(error, (aiohttp.ClientConnectorError, socket.gaierror)):
        return FetchFailed(f"{_host(url)} cannot be reached", "unreachable")
    return FetchFailed(f"{_host(url)} broke off: {type(error).__name__}", "broken")


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "?")[:120]
    except ValueError:
        return "?"


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    return parts.scheme, (parts.hostname or "").lower(), parts.port or default


def _is_literal(host: str) -> bool:
    """Whether a host is a number: dotted or not, IPv4 or IPv6, which no resolver is asked for."""
    if ":" in host:
        return True
    last = host.rstrip(".").rpartition(".")[2].lower()
    return last.isdigit() or last.startswith("0x")
