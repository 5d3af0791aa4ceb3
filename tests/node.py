"""A small JSON-RPC node that replays recorded logs and headers, and misbehaves when told to.

In a test: `with ReplayNode(1, logs, headers) as node:` serves on a free loopback port from a thread
and names it in `node.url`; the same port takes WebSockets (`node.ws_url`), with `eth_subscribe` for
`newHeads`. As a process of its own, for tests that kill its clients:
`python -m tests.node --chain-id 1 --port 0 --logs PATH` prints one JSON line with its `url`.

`node.faults` is the list of faults in force, see `tests/faults`. `node.chain` may be set to another
state of the chain (see `tests/forks.py`), `node.advance` mines, `node.tags` scripts `finalized`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from tests.faults import Exchange, Fault, HttpError, RangeCap, ResultCap, RpcError, ScriptedFault
from tests.methods import INVALID_PARAMS, Methods
from tests.recording import Json, Recording
from tests.replay import ReplayChain

PARSE_ERROR, INVALID_REQUEST = -32700, -32600  # JSON-RPC 2.0
_NOT_IN_HEADS = {"transactions", "uncles", "size", "totalDifficulty"}


# -- server


@dataclass
class Server:
    """Answers JSON-RPC requests: single calls and batches, faults, error objects, new heads."""

    methods: Methods
    faults: list[Fault] = field(default_factory=list)
    delay_s: float = 0
    calls: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    is_mute: bool = False
    subscriptions: dict[str, web.WebSocketResponse] = field(default_factory=dict)
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    _subscribed: int = 0
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The HTTP response to one request."""
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        try:
            answer = self.answer(await request.read())
        except HttpError as fault:
            return await self._send_fault(request, fault)
        return web.Response(body=answer, content_type="application/json")

    def answer(self, body: bytes) -> bytes:
        """The JSON text that answers a JSON text.

        Raises:
            HttpError: a fault wants another HTTP response.
        """
        self.requests += 1
        try:
            asked = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return _error_only(PARSE_ERROR, "parse error")
        if asked == []:
            return _error_only(INVALID_REQUEST, "empty batch")
        calls = asked if isinstance(asked, list) else [asked]
        methods = [self.methods] * len(calls)
        exchange = Exchange(self.requests, self, calls, isinstance(asked, list), methods)
        scripted = [fault for fault in self.faults if isinstance(fault, ScriptedFault)]
        for fault in scripted:
            fault.begin(exchange)
        exchange.answers = [
            self._answer_one(*pair) for pair in zip(calls, exchange.methods, strict=True)
        ]
        for fault in scripted:
            fault.finish(exchange)
        answers = exchange.answers
        return msgspec.json.encode(answers if exchange.is_batch else answers[0])

    def _answer_one(self, asked: Any, methods: Methods) -> Json:
        if not isinstance(asked, dict) or not isinstance(asked.get("method"), str):
            error = {"code": INVALID_REQUEST, "message": "invalid request"}
            return {"jsonrpc": "2.0", "id": None, "error": error}
        head = {"jsonrpc": "2.0", "id": asked.get("id")}
        method, params = asked["method"], asked.get("params", [])
        self.calls[method] += 1
        try:
            if not isinstance(params, list):
                message = "params must be a list"
                raise RpcError(INVALID_PARAMS, message)
            result = methods.call(method, params)
            for fault in self.faults:
                result = fault(method, params, result)
        except RpcError as error:
            return {**head, "error": error.error}
        return {**head, "result": result}

    async def _send_fault(self, request: web.Request, fault: HttpError) -> web.StreamResponse:
        await asyncio.sleep(fault.hold_s)
        response = web.StreamResponse(status=fault.status or 200, headers=fault.headers)
        if fault.status:
            await self._send_body(request, response, fault)
        is_broken = fault.keep is not None or fault.drip_s or not fault.status
        if is_broken and request.transport is not None:
            request.transport.close()  # the promised rest never comes
        return response

    async def _send_body(
        self, request: web.Request, response: web.StreamResponse, fault: HttpError
    ) -> None:
        if not fault.drip_s:
            response.content_length = len(fault.body)
        try:
            await response.prepare(request)
            await response.write(fault.body[: fault.keep])
            dripped_s = 0.0
            while fault.drip_s and dripped_s < fault.limit_s:
                await asyncio.sleep(fault.drip_s)
                await response.write(b" ")
                dripped_s += fault.drip_s
        except ConnectionError:
            return  # the client had enough

    # -- WebSocket

    async def handle_socket(self, request: web.Request) -> web.WebSocketResponse:
        """A WebSocket: the same calls, and `eth_subscribe` for new heads."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await socket.send_str(self._answer_socket(socket, message.data))
        except HttpError:
            await socket.close()
        finally:
            self.sockets.discard(socket)
            self.subscriptions = {k: v for k, v in self.subscriptions.items() if v is not socket}
        return socket

    def _answer_socket(self, socket: web.WebSocketResponse, text: str) -> str:
        asked = json.loads(text)
        method = asked.get("method") if isinstance(asked, dict) else None
        if method not in ("eth_subscribe", "eth_unsubscribe"):
            return self.answer(text.encode()).decode()
        self.calls[method] += 1
        head = {"jsonrpc": "2.0", "id": asked.get("id")}
        kind = (asked.get("params") or [None])[0]
        if method == "eth_unsubscribe":
            return json.dumps({**head, "result": self.subscriptions.pop(kind, None) is not None})
        if kind != "newHeads":
            error = {"code": INVALID_PARAMS, "message": f"no {kind!r} subscription"}
            return json.dumps({**head, "error": error})
        self._subscribed += 1
        name = hex(self._subscribed)
        self.subscriptions[name] = socket
        return json.dumps({**head, "result": name})

    def switch(self, chain: ReplayChain) -> None:
        """Serves another state of the chain and tells subscribers the heads that are new in it."""
        before, self.methods.chain = self.methods.chain, chain
        first = min(before.head, chain.head)
        while first and before.hash(first) != chain.hash(first):
            first -= 1
        self.publish(range(first + 1, chain.head + 1))

    def publish(self, numbers: Iterable[int]) -> None:
        """Sends headers to all subscribers; nothing while `is_mute`."""
        if self.is_mute or not self.subscriptions:
            return
        for number in numbers:
            header = self.methods.chain.header(number)
            header = {key: value for key, value in header.items() if key not in _NOT_IN_HEADS}
            for name, socket in self.subscriptions.items():
                params = {"subscription": name, "result": header}
                told = {"jsonrpc": "2.0", "method": "eth_subscription", "params": params}
                self._send_later(socket, json.dumps(told))

    def _send_later(self, socket: web.WebSocketResponse, text: str) -> None:
        async def send() -> None:
            if not socket.closed:
                await socket.send_str(text)

        task = asyncio.get_running_loop().create_task(send())
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def close_sockets(self) -> None:
        """Closes every WebSocket, as a node does that is restarted."""
        for socket in list(self.sockets):
            await socket.close()


def _error_only(code: int, message: str) -> bytes:
    error = {"code": code, "message": message}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": error})


class ReplayNode:
    """A node for one chain on a free loopback port, served from a thread while entered.

    `recording` gives everything at once; else `logs` and `headers` do.
    """

    def __init__(
        self,
        chain_id: int,
        logs: Iterable[Json] = (),
        headers: Iterable[Json] = (),
        *,
        recording: Recording | None = None,
        faults: Iterable[Fault] = (),
        delay_s: float = 0,
        head: int | None = None,
        is_whole: bool = False,
        log_times: bool = True,
        counts_trailing_nulls: bool = True,
        port: int = 0,
    ) -> None:
        recording = recording or Recording(chain_id, list(logs), list(headers))
        chain = ReplayChain(recording, head=head, is_whole=is_whole)
        methods = Methods(chain, log_times, counts_trailing_nulls)
        self.server = Server(methods, list(faults), delay_s)
        self._port = port
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="replay-node", daemon=True)

    @property
    def chain(self) -> ReplayChain:
        """The state of the chain that is served; setting it tells subscribers the new heads."""
        return self.server.methods.chain

    @chain.setter
    def chain(self, chain: ReplayChain) -> None:
        self._in_loop(self.server.switch, chain)

    def advance(self, head: int) -> None:
        """Makes a later block of the same chain the head, and tells subscribers those between."""
        before, self.chain.head = self.chain.head, head
        self._in_loop(self.server.publish, range(before + 1, head + 1))

    @property
    def tags(self) -> dict[str, int | None]:
        """Scripted blocks of the tags `finalized`, `safe` and `latest`."""
        return self.server.methods.tags

    def close_sockets(self) -> None:
        """Closes every WebSocket, as a node does that is restarted."""
        asyncio.run_coroutine_threadsafe(self.server.close_sockets(), self._loop).result(5)

    def _in_loop(self, act: Callable[[Any], None], argument: Any) -> None:
        """Acts in the thread of the server, so that no answer is given in between."""

        async def acted() -> None:
            act(argument)

        asyncio.run_coroutine_threadsafe(acted(), self._loop).result(5)

    @property
    def faults(self) -> list[Fault]:
        """Faults in force, applied in order; may be changed while the node serves."""
        return self.server.faults

    @property
    def calls(self) -> Counter[str]:
        """Calls answered so far, by method."""
        return self.server.calls

    @property
    def url(self) -> str:
        """Address of the node."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def ws_url(self) -> str:
        """Address of the node for WebSockets."""
        return f"ws://127.0.0.1:{self._port}"

    def __enter__(self) -> ReplayNode:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()

    def wait(self) -> None:
        """Blocks until the node ends."""
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/{path:.*}", self.server.handle)
        app.router.add_get("/{path:.*}", self.server.handle_socket)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        await site.start()
        self._port = runner.addresses[0][1]
        self._ready.set()
        await self._done.wait()
        await runner.cleanup()


def main() -> None:
    """Serves a recording until the process is ended; prints one JSON line with the address."""
    parser = argparse.ArgumentParser(prog="python -m tests.node", description=__doc__)
    parser.add_argument("--chain-id", type=int, required=True)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--logs", type=Path, required=True, help="JSON lines, plain or gzip")
    parser.add_argument(
        "--only-logs", action="store_true", help="ignore the headers and transactions beside it"
    )
    parser.add_argument("--delay-ms", type=float, default=0, help="before each answer")
    parser.add_argument("--max-logs", type=int, help="result cap")
    parser.add_argument("--max-blocks", type=int, help="range cap")
    options = parser.parse_args()
    faults: list[Fault] = []
    if options.max_logs is not None:
        faults.append(ResultCap(options.max_logs))
    if options.max_blocks is not None:
        faults.append(RangeCap(options.max_blocks))
    recording = Recording.load(options.chain_id, options.logs, beside=not options.only_logs)
    node = ReplayNode(
        options.chain_id,
        recording=recording,
        faults=faults,
        delay_s=options.delay_ms / 1_000,
        port=options.port,
    )
    with node:
        told = {"url": node.url, "chain_id": options.chain_id, "head": node.chain.head}
        print(json.dumps(told), flush=True)
        node.wait()


if __name__ == "__main__":
    main()
