"""New heads of a chain: pushed over a WebSocket where the endpoint offers one, polled otherwise.

Only the newest head counts: whoever follows finds the blocks between by their numbers. A push is
never trusted alone: when it is silent for longer than the chain is, the endpoint is asked. A
subscription that then owes a head, and still does a poll later, is given up.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import msgspec

from data.errors import RetryableError
from indexer.rpc import Request, RpcClient

_CONNECT_S = 3.0
_HEARTBEAT_S = 15.0
_RETRY_S = 5.0
_LONGEST_RETRY_S = 300.0
_POLLS_PER_BLOCK = 6
_FASTEST_POLL_S, _SLOWEST_POLL_S = 0.2, 2.0
_PATIENCE_BLOCKS, _PATIENCE_S = 3, 5.0  # silence of a subscription before the endpoint is asked
_GETH_PORTS = {8_545: 8_546}


@dataclass(frozen=True)
class Head:
    """The newest block; `seen_at` is when it was heard of, on a steady clock in seconds."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int
    seen_at: float


class _Header(msgspec.Struct, rename="camel"):
    number: str
    hash: str
    parent_hash: str
    timestamp: str


class _Params(msgspec.Struct):
    result: _Header


class _Push(msgspec.Struct):
    params: _Params


class _Reply(msgspec.Struct):
    result: str


def websocket_urls(url: str) -> list[str]:
    """Where the WebSocket of an HTTP endpoint may be: at its address, under /ws, or geth's port."""
    parts = urlsplit(url)
    parts = parts._replace(scheme={"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme))
    found = [urlunsplit(parts), urlunsplit(parts._replace(path=f"/ws{parts.path}"))]
    if parts.port in _GETH_PORTS:
        netloc = parts.netloc.replace(f":{parts.port}", f":{_GETH_PORTS[parts.port]}")
        found.append(urlunsplit(parts._replace(netloc=netloc)))
    return found


@dataclass
class HeadWatcher:
    """Waits for heads of one chain.

    `on_push` is told when a subscription begins and ends.
    """

    client: RpcClient
    session: aiohttp.ClientSession
    chain_id: int
    on_push: Callable[[bool], None]
    retry_s: float = _RETRY_S
    block_s: float | None = None
    _pushed: Head | None = None
    _last: Head | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _socket: aiohttp.ClientWebSocketResponse | None = None
    _told: int = -1  # the highest head that the subscription pushed
    _owed: int = -1  # the head that asking showed before any push

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Keeps a subscription while entered, where there is a WebSocket."""
        task = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def next(self) -> Head:
        """The newest head, as soon as it is another one than the last.

        Raises:
            UpstreamError: the endpoint does not answer.
        """
        while True:
            head = await self._heard() or await self._ask()
            if self._last is None or head.hash != self._last.hash:
                self._learn(head)
                return head

    def forget(self) -> None:
        """Makes the next head count though it is the last one: what came of it failed."""
        self._last = None

    async def _heard(self) -> Head | None:
        """A pushed head; None when it is time to ask."""
        if self._last is None and self._pushed is None:
            return None
        try:
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes with the news.
            async with asyncio.timeout(self._patience_s()):
                await self._news.wait()
        except TimeoutError:
            return None
        self._news.clear()
        head, self._pushed = self._pushed, None
        return head

    async def _ask(self) -> Head:
        # One attempt: who follows has a patience of its own, and tells meanwhile that it waits.
        request = Request("eth_getBlockByNumber", ("latest", False))
        reply = await self.client.ask([request], attempts=1)
        try:
            head = _read(msgspec.json.decode(reply.results[0], type=_Header))
        except (msgspec.MsgspecError, ValueError) as error:
            message = f"{self.client.endpoint} does not tell its latest block: {error}"
            raise RetryableError(message) from error
        if self._socket is not None and self._told < self._owed:
            # The subscription is dead, though its connection may not be.
            await self._socket.close()
        elif self._last and head.number > self._last.number:
            # Perhaps its push is under way.
            self._owed = head.number
        return head

    def _patience_s(self) -> float:
        block_s = self.block_s
        if self._socket is not None and self._told >= self._owed:
            return max(_PATIENCE_BLOCKS * (block_s or 0.0), _PATIENCE_S)
        if block_s is None:
            return _FASTEST_POLL_S
        return min(max(block_s / _POLLS_PER_BLOCK, _FASTEST_POLL_S), _SLOWEST_POLL_S)

    def _learn(self, head: Head) -> None:
        """Learns how long blocks take: the mean of the last few, newer ones count more."""
        last, self._last = self._last, head
        if last is None or head.number <= last.number:
            return
        block_s = (head.timestamp - last.timestamp) / (head.number - last.number)
        self.block_s = block_s if self.block_s is None else 0.8 * self.block_s + 0.2 * block_s

    async def _listen(self) -> None:
        pause_s = self.retry_s
        while True:
            for url in (ws for http in self.client.urls for ws in websocket_urls(http)):
                started = time.monotonic()
                # No WebSocket there, or no more: heads are polled meanwhile.
                with suppress(aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError):
                    await self._subscribe(url)
                if time.monotonic() - started > _LONGEST_RETRY_S:
                    pause_s = self.retry_s
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_RETRY_S)

    async def _subscribe(self, url: str) -> None:
        """Takes heads from one WebSocket until it ends."""
        timeout = aiohttp.ClientWSTimeout(ws_close=_CONNECT_S)
        async with asyncio.timeout(_CONNECT_S):
            socket = await self.session.ws_connect(url, heartbeat=_HEARTBEAT_S, timeout=timeout)
        try:
            if int(await _call(socket, "eth_chainId"), 16) != self.chain_id:
                return
            await _call(socket, "eth_subscribe", "newHeads")
            self._socket, self._told, self._owed = socket, -1, -1
            self.on_push(True)
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._take(message.data)
        finally:
            self._socket = None
            self.on_push(False)
            # Whoever waits for a push must ask instead.
            self._news.set()
            await socket.close()

    def _take(self, text: str) -> None:
        try:
            head = _read(msgspec.json.decode(text, type=_Push).params.result)
        except (msgspec.MsgspecError, ValueError):
            return
        self._pushed, self._told = head, max(head.number, self._told)
        self._news.set()


async def _call(socket: aiohttp.ClientWebSocketResponse, method: str, *params: str) -> str:
    await socket.send_json({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    async with asyncio.timeout(_CONNECT_S):
        message = await socket.receive()
    if message.type is not aiohttp.WSMsgType.TEXT:
        reason = f"the WebSocket ended instead of answering {method}"
        raise ConnectionError(reason)
    return msgspec.json.decode(message.data, type=_Reply).result


def _read(header: _Header) -> Head:
    return Head(
        int(header.number, 16),
        header.hash.lower(),
        header.parent_hash.lower(),
        int(header.timestamp, 16),
        time.monotonic(),
    )


def continues(head: Head, tip: tuple[int, str] | None) -> bool:
    """Whether a head is the next block after a tip."""
    return tip is not None and (head.number - 1, head.parent_hash) == tip
