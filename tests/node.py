"""A small JSON-RPC node that replays recorded logs and headers, and misbehaves when told to.

In a test: `with ReplayNode(1, logs, headers) as node:` serves on a free loopback port from a thread
and names it in `node.url`. As a process of its own, for tests that kill its clients:
`python -m tests.node --chain-id 1 --port 0 --logs PATH` prints one JSON line with its `url`.

`node.faults` is the list of faults in force, see `tests/faults.py`.

Filters follow geth: a topic list longer than a log's topics never matches, trailing nulls
included. Other clients let trailing nulls match; `counts_trailing_nulls=False` does as they do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
from aiohttp import web

from tests.faults import Fault, HttpError, RangeCap, ResultCap, RpcError
from tests.recording import Json, Recording
from tests.replay import FINALIZED_DEPTH, SAFE_DEPTH, ReplayChain

# codes of the JSON-RPC 2.0 specification, and those that nodes add (EIP-1474)
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
NOT_FOUND = -32001

_QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_FILTER_KEYS = {"fromBlock", "toBlock", "blockHash", "address", "topics"}


# -- methods


@dataclass
class Methods:
    """The RPC methods over one chain; each takes the params and returns the result."""

    chain: ReplayChain
    log_times: bool = True
    counts_trailing_nulls: bool = True

    def call(self, method: str, params: list[Any]) -> Any:
        """The result of one call.

        Raises:
            RpcError: no such method, or params that it does not take.
        """
        name = _METHODS.get(method)
        if name is None:
            message = f"the method {method} does not exist/is not available"
            raise RpcError(METHOD_NOT_FOUND, message)
        try:
            return getattr(self, name)(*params)
        except TypeError as error:
            message = f"{method}: {error}"
            raise RpcError(INVALID_PARAMS, message) from error

    def chain_id(self) -> str:
        return hex(self.chain.chain_id)

    def net_version(self) -> str:
        return str(self.chain.chain_id)

    def client_version(self) -> str:
        return "raisonne-replay/1"

    def syncing(self) -> bool:
        return False

    def block_number(self) -> str:
        return hex(self.chain.head)

    def block_by_number(self, block: str, full: bool) -> Json | None:
        number = self._resolve(block)
        return self._block(number, full) if number <= self.chain.head else None

    def block_by_hash(self, block_hash: str, full: bool) -> Json | None:
        number = self.chain.number(_match(_HASH, block_hash, "block hash").lower())
        return None if number is None else self._block(number, full)

    def transaction_by_hash(self, tx_hash: str) -> Json | None:
        return self.chain.transaction(_match(_HASH, tx_hash, "transaction hash").lower())

    def receipt(self, tx_hash: str) -> Json | None:
        return self.chain.receipt(_match(_HASH, tx_hash, "transaction hash").lower())

    def block_receipts(self, block: str) -> list[Json] | None:
        number = self.chain.number(block) if _HASH.fullmatch(block) else self._resolve(block)
        if number is None or number > self.chain.head:
            return None
        receipts = self.chain.receipts(number)
        if receipts is None:
            message = f"receipts of block {number} were not recorded in full"
            raise RpcError(NOT_FOUND, message)
        return receipts

    def get_logs(self, criteria: Json) -> list[Json]:
        unknown = sorted(set(criteria) - _FILTER_KEYS)
        if unknown:
            message = f"filter has no field {', '.join(unknown)}"
            raise RpcError(INVALID_PARAMS, message)
        first, last = self._range(criteria)
        addresses = _one_or_many(criteria.get("address"), _ADDRESS, "address")
        topics = [_one_or_many(one, _HASH, "topic") for one in criteria.get("topics") or []]
        if topics and topics[0]:
            logs = self.chain.logs_with_topic0(topics[0], first, last)
        else:
            logs = self.chain.logs_between(first, last)
        found = [log for log in logs if self._matches(log, addresses, topics)]
        if self.log_times:
            return found
        return [{k: v for k, v in log.items() if k != "blockTimestamp"} for log in found]

    def _matches(self, log: Json, addresses: set[str], topics: list[set[str]]) -> bool:
        if addresses and log["address"] not in addresses:
            return False
        if self.counts_trailing_nulls and len(topics) > len(log["topics"]):
            return False
        for place, wanted in enumerate(topics):
            if wanted and (place >= len(log["topics"]) or log["topics"][place] not in wanted):
                return False
        return True

    def _range(self, criteria: Json) -> tuple[int, int]:
        if "blockHash" in criteria:
            if "fromBlock" in criteria or "toBlock" in criteria:
                message = "cannot specify both blockHash and fromBlock/toBlock"
                raise RpcError(INVALID_PARAMS, message)
            number = self.chain.number(_match(_HASH, criteria["blockHash"], "block hash").lower())
            if number is None:
                message = "unknown block"
                raise RpcError(-32000, message)
            return number, number
        first = self._resolve(criteria.get("fromBlock") or "latest")
        last = self._resolve(criteria.get("toBlock") or "latest")
        if first > last:
            message = "invalid block range params"
            raise RpcError(INVALID_PARAMS, message)
        return first, min(last, self.chain.head)

    def _resolve(self, block: str) -> int:
        head = self.chain.head
        tags = {
            "earliest": 0,
            "finalized": max(0, head - FINALIZED_DEPTH),
            "safe": max(0, head - SAFE_DEPTH),
            "latest": head,
            "pending": head,
        }
        if block in tags:
            return tags[block]
        return int(_match(_QUANTITY, block, "block number"), 16)

    def _block(self, number: int, full: bool) -> Json:
        hashes = self.chain.transaction_hashes(number)
        transactions: list[Any] = hashes
        if full:
            found = (self.chain.transaction(tx_hash) for tx_hash in hashes)
            transactions = [transaction for transaction in found if transaction is not None]
        return {**self.chain.header(number), "transactions": transactions}


_METHODS = {
    "eth_chainId": "chain_id",
    "eth_blockNumber": "block_number",
    "eth_getBlockByNumber": "block_by_number",
    "eth_getBlockByHash": "block_by_hash",
    "eth_getLogs": "get_logs",
    "eth_getBlockReceipts": "block_receipts",
    "eth_getTransactionReceipt": "receipt",
    "eth_getTransactionByHash": "transaction_by_hash",
    "eth_syncing": "syncing",
    "net_version": "net_version",
    "web3_clientVersion": "client_version",
}


def _match(pattern: re.Pattern[str], value: Any, what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        message = f"invalid {what}: {value!r}"
        raise RpcError(INVALID_PARAMS, message)
    return value


def _one_or_many(value: Any, pattern: re.Pattern[str], what: str) -> set[str]:
    """The alternatives of one place of a filter; empty when anything matches."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    if None in values:  # geth: a null among alternatives makes the place a wildcard
        return set()
    return {_match(pattern, one, what).lower() for one in values}


# -- server


@dataclass
class Server:
    """Answers JSON-RPC requests over HTTP: single calls and batches, faults, error objects."""

    methods: Methods
    faults: list[Fault] = field(default_factory=list)
    delay_s: float = 0
    calls: Counter[str] = field(default_factory=Counter)
    requests: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The HTTP response to one request."""
        self.requests += 1
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        try:
            answer = self.answer(await request.read())
        except HttpError as fault:
            return await self._send_fault(request, fault)
        return web.Response(body=answer, content_type="application/json")

    def answer(self, body: bytes) -> bytes:
        """The JSON text that answers a JSON text."""
        try:
            asked = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return _error_only(PARSE_ERROR, "parse error")
        if not isinstance(asked, list):
            return msgspec.json.encode(self._answer_one(asked))
        if not asked:
            return _error_only(INVALID_REQUEST, "empty batch")
        return msgspec.json.encode([self._answer_one(one) for one in asked])

    def _answer_one(self, asked: Any) -> Json:
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
            result = self.methods.call(method, params)
            for fault in self.faults:
                result = fault(method, params, result)
        except RpcError as error:
            return {**head, "error": error.error}
        return {**head, "result": result}

    async def _send_fault(self, request: web.Request, fault: HttpError) -> web.StreamResponse:
        response = web.StreamResponse(status=fault.status, headers=fault.headers)
        response.content_length = len(fault.body)
        await response.prepare(request)
        await response.write(fault.body[: fault.keep])
        if fault.keep is not None and request.transport is not None:
            request.transport.close()  # the promised rest never comes
        return response


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
        log_times: bool = True,
        counts_trailing_nulls: bool = True,
        port: int = 0,
    ) -> None:
        recording = recording or Recording(chain_id, list(logs), list(headers))
        self.chain = ReplayChain(recording, head=head)
        methods = Methods(self.chain, log_times, counts_trailing_nulls)
        self.server = Server(methods, list(faults), delay_s)
        self._port = port
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="replay-node", daemon=True)

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
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
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
