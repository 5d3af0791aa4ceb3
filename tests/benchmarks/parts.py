"""The stages of an index run apart, each on what the stage before it made, all in memory.

A program of its own: `POLARS_MAX_THREADS=1 python -m tests.benchmarks.parts URL KIND LOGS PER_BLOCK
ROUNDS` prints one JSON object: per stage the logs of a round, and wall and processor seconds of
each round.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import eth_abi
import msgspec
import polars as pl

from contracts.rpc import Rpc
from data.schema import table
from data.store import Store
from indexer.abi import Event, decode
from indexer.commit import settle_batch, write
from indexer.evidence import Evidence, parse_headers, parse_logs
from indexer.protocols import select_protocols
from indexer.protocols.base import ChainContext
from indexer.selection import Selection
from tests.benchmarks.chain import CHAIN_ID, COLLECTION, SEAPORT

_LOGS_PER_REQUEST = 10_000
_REQUESTS_AT_ONCE = 8
_EVIDENCE_PER_COMMIT = 10
_ETH_ABI_LOGS = 10_000
_EVENTS = {"transfers": ("erc721", "Transfer"), "orders": ("seaport", "OrderFulfilled")}
_ADDRESSES = {"transfers": COLLECTION, "orders": SEAPORT}
_TYPES = {
    "transfers": (["address", "address", "uint256"], []),
    "orders": (
        ["address", "address"],
        [
            "bytes32",
            "address",
            "(uint8,address,uint256,uint256)[]",
            "(uint8,address,uint256,uint256,address)[]",
        ],
    ),
}

Rounds = list[dict[str, float]]


class _Answer(msgspec.Struct):
    result: msgspec.Raw


def timed(rounds: int, work: Callable[[], Any]) -> Rounds:
    """Seconds by the clock and by the processor of each of some repetitions."""
    measured: Rounds = []
    for _ in range(rounds):
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        work()
        measured.append(
            {"wall_s": time.perf_counter() - wall_s, "cpu_s": time.process_time() - cpu_s}
        )
    return measured


def main(url: str, kind: str, logs: int, per_block: int, rounds: int) -> dict[str, Any]:
    """All stages of one kind of event."""
    spans = _spans(logs // per_block, max(1, _LOGS_PER_REQUEST // per_block))
    bodies: list[bytes] = []
    stages: dict[str, Rounds] = {
        "fetch": timed(rounds, lambda: _replace(bodies, asyncio.run(_fetch(url, kind, spans))))
    }
    results = [bytes(msgspec.json.decode(body, type=_Answer).result) for body in bodies]
    frames: list[pl.DataFrame] = []
    stages["parse"] = timed(
        rounds, lambda: _replace(frames, [parse_logs([raw], CHAIN_ID).logs for raw in results])
    )
    n_bytes = sum(map(len, bodies))
    del bodies[:], results[:]
    event, selection = _event(kind)
    batches = [pl.concat(part) for part in _parts(frames, _EVIDENCE_PER_COMMIT)]
    narrow = [batch.drop("topic0") for batch in batches]
    _require_whole(event, narrow, logs)
    stages["decode"] = timed(rounds, lambda: [decode(event, batch) for batch in narrow])
    sample = frames[0].head(_ETH_ABI_LOGS)
    evidence = _evidence(url, spans, frames)
    settled: list[Any] = []
    stages["decode and settle"] = timed(
        rounds, lambda: _replace(settled, [_settle(part, selection) for part in evidence])
    )
    stages["write"] = [_write(settled) for _ in range(rounds)]
    return {
        "logs": logs,
        "bytes": n_bytes,
        "stages": stages,
        "eth_abi": {"logs": sample.height, "rounds": _eth_abi(kind, sample, rounds)},
    }


def _replace(target: list[Any], items: list[Any]) -> None:
    target[:] = items


def _spans(blocks: int, width: int) -> list[tuple[int, int]]:
    return [(at, min(at + width, blocks + 1)) for at in range(1, blocks + 1, width)]


def _parts(items: list[Any], size: int) -> list[list[Any]]:
    return [items[at : at + size] for at in range(0, len(items), size)]


async def _fetch(url: str, kind: str, spans: list[tuple[int, int]]) -> list[bytes]:
    """Bodies only: what the node and the wire allow."""
    gate = asyncio.Semaphore(_REQUESTS_AT_ONCE)

    async def one(session: aiohttp.ClientSession, first: int, end: int) -> bytes:
        query = {"fromBlock": hex(first), "toBlock": hex(end - 1), "address": _ADDRESSES[kind]}
        call = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [query]}
        async with gate, session.post(url, json=call) as response:
            return await response.read()

    async with aiohttp.ClientSession() as session:
        return await asyncio.gather(*(one(session, *span) for span in spans))


def _event(kind: str) -> tuple[Event, Selection]:
    """The event as the protocol's own file declares it."""
    protocol, name = _EVENTS[kind]
    context = ChainContext(CHAIN_ID, None)
    protocols = select_protocols((protocol,))
    routes = protocols[0].routes(context)
    event = next(route.event for route in routes if route.event.name == name)
    return event, Selection(context, protocols)


def _require_whole(event: Event, batches: list[pl.DataFrame], logs: int) -> None:
    rows = sum(decode(event, batch).rows.height for batch in batches)
    if rows != logs:
        message = f"decoded {rows} of {logs} logs of {event.name}"
        raise ValueError(message)


def _evidence(
    url: str, spans: list[tuple[int, int]], frames: list[pl.DataFrame]
) -> list[list[Evidence]]:
    """What a source would have handed over, some ranges for each commit."""
    rpc = Rpc(url)
    made = []
    for (first, end), logs in zip(spans, frames, strict=True):
        header = rpc.call("eth_getBlockByNumber", [hex(end - 1), False])
        blocks = parse_headers([msgspec.json.encode(header)], CHAIN_ID)
        nothing = table("quarantine").empty()
        made.append(Evidence(first, end, blocks["block_hash"][0], logs, blocks, nothing))
    return _parts(made, _EVIDENCE_PER_COMMIT)


def _settle(part: list[Evidence], selection: Selection) -> Any:
    return settle_batch(part, selection, run_id="benchmark", clock=_now)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _write(settled: list[Any]) -> dict[str, float]:
    """All batches into a new store, one transaction each."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "market.duckdb")

        def commit_all() -> None:
            for tables in settled:
                with store.transaction() as transaction:
                    write(transaction, tables)

        (measured,) = timed(1, commit_all)
        store.close()
    return measured


def _eth_abi(kind: str, sample: pl.DataFrame, rounds: int) -> Rounds:
    """The same values by eth_abi, one log after the other."""
    indexed_types, data_types = _TYPES[kind]
    names = [f"topic{place}" for place in range(1, len(indexed_types) + 1)]
    heads = [
        b"".join(bytes.fromhex(topic[2:]) for topic in row)
        for row in sample.select(names).iter_rows()
    ]
    data = sample["data"].to_list()
    return timed(
        rounds,
        lambda: [
            (eth_abi.decode(indexed_types, head), eth_abi.decode(data_types, rest))
            for head, rest in zip(heads, data, strict=True)
        ],
    )


if __name__ == "__main__":
    _, _url, _kind, *_numbers = sys.argv
    json.dump(main(_url, _kind, *map(int, _numbers)), sys.stdout)
