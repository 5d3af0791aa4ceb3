"""Evidence of emitted and of real transactions, completed by the code that asks real nodes."""

import asyncio
import json
from collections.abc import Iterable
from functools import cache, cached_property
from typing import Any

import msgspec
import polars as pl

from data.schema import table
from indexer.beside import Completer
from indexer.decode import settle_logs
from indexer.errors import RpcError
from indexer.evidence import Evidence, parse_headers, parse_logs
from indexer.protocols import PROTOCOLS
from indexer.protocols.base import Beside, ChainContext, Tables
from indexer.selection import Selection
from tests.emission.emit import FOLDER
from tests.paths import MAINNET
from tests.recording import Recording
from tests.replay import ReplayChain

Json = dict[str, Any]


class Answers:
    """Stands for an RpcClient: gives recorded answers, and refuses what was not recorded."""

    endpoint = "recorded"

    def __init__(self, answers: dict[tuple[str, str], Any]) -> None:
        self._answers = answers

    async def batch(self, requests: Iterable[Any], **_options: Any) -> list[bytes]:
        return [msgspec.json.encode(self._answer(each.method, each.params)) for each in requests]

    async def call(self, method: str, *params: Any) -> Any:
        return self._answer(method, params)

    def _answer(self, method: str, params: Any) -> Any:
        first = params[0]
        key = first if isinstance(first, str) else first["to"] + first["data"][2:10]
        if (method, key) not in self._answers:
            message = f"{method} of {key} was not recorded"
            raise RpcError(message)
        return self._answers[method, key]


def settle_evidence(evidence: Evidence, answers: Answers, chain_id: int) -> Tables:
    """Facts of evidence by every protocol, after asking for what these need; all fact tables."""
    selection = Selection(ChainContext(chain_id), tuple(PROTOCOLS.values()))
    whole = asyncio.run(Completer(answers, selection).complete(evidence))
    beside = Beside(whole.transactions, whole.value_traces, whole.contract_reads)
    tables = settle_logs(whole.logs, selection, beside)
    names = ("transfers", "settled_sales", "sale_payments", "quarantine")
    return {name: table(name).empty() for name in names} | tables


# --- emitted


@cache
def settle_emitted(name: str, *without: str) -> Tables:
    """Facts of the transactions in the fixture of a protocol (`make fixtures` writes it).

    `without` names what is not to be had: "traces", "input" (call data). Column `tx` of every table
    is the place of the transaction in the scenario, from 0.
    """
    recorded = json.loads((FOLDER / f"{name}.json").read_text())
    chain_id = recorded["chain_id"]
    logs = [log for receipt in recorded["receipts"] for log in receipt["logs"]]
    answers = {
        ("eth_call", read["contract"] + read["selector"]): "0x" + read["output"]
        for read in recorded["reads"]
    }
    hashes = [each["hash"] for each in recorded["transactions"]]
    for method, kind in (
        ("eth_getTransactionByHash", "transactions"),
        ("eth_getTransactionReceipt", "receipts"),
        ("debug_traceTransaction", "traces"),
    ):
        if kind in without:
            continue
        answers |= {(method, h): each for h, each in zip(hashes, recorded[kind], strict=True)}
    if "input" in without:
        for each in recorded["transactions"]:
            each["input"] = None
    evidence = _evidence(logs, chain_id, recorded["blocks"])
    tables = settle_evidence(evidence, Answers(answers), chain_id)
    places = {h: place for place, h in enumerate(hashes)}
    place = pl.col("tx_hash").replace_strict(places, return_dtype=pl.Int64).alias("tx")
    return {key: frame.with_columns(place) for key, frame in tables.items()}


def _evidence(logs: list[Json], chain_id: int, blocks: list[Json] | None = None) -> Evidence:
    raw = [log | {"removed": False} for log in logs]
    parsed = parse_logs([json.dumps(raw).encode()], chain_id)
    assert parsed.malformed.is_empty(), parsed.malformed
    headers = parse_headers([json.dumps(block).encode() for block in blocks or []], chain_id)
    frame = parsed.logs.sort("block_number", "log_index")
    if blocks:
        times = headers.select("block_hash", "block_time")
        frame = frame.drop("block_time").join(
            times, on="block_hash", how="left", maintain_order="left"
        )
    return Evidence(
        start=0,
        end=1,
        tip_hash=None,
        logs=frame.select(table("logs").column_names),
        blocks=headers,
        quarantine=table("quarantine").empty(),
    )


# --- real


def logs_of(logs: list[Json], chain_id: int) -> pl.DataFrame:
    """Recorded logs in the columns of table `logs`."""
    return _evidence(logs, chain_id).logs


class Mainnet:
    """Recorded logs, transactions and traces by transaction (see ../shared/mainnet/README.md)."""

    @cached_property
    def logs(self) -> dict[str, list[Json]]:
        """Logs by transaction hash; holes are filled as tests.replay says."""
        found: dict[str, list[Json]] = {}
        for chain_id, recording in Recording.load_all(MAINNET / "logs.jsonl.gz").items():
            for log in ReplayChain(recording).logs:
                found.setdefault(log["transactionHash"], []).append(log | {"chainId": chain_id})
        return found

    @cached_property
    def transactions(self) -> dict[str, Json]:
        """Rows of transactions.parquet by hash; call data were not recorded."""
        rows = pl.read_parquet(MAINNET / "transactions.parquet").rows(named=True)
        return {row["tx_hash"]: row for row in rows}

    @cached_property
    def traces(self) -> dict[str, list[Json]]:
        """Rows of eth_value_traces.parquet by transaction, in order of execution."""
        found: dict[str, list[Json]] = {}
        for row in pl.read_parquet(MAINNET / "eth_value_traces.parquet").rows(named=True):
            found.setdefault(row["tx_hash"], []).append(row)
        for rows in found.values():
            rows.sort(key=lambda row: _address(row["trace_address"]))
        return found

    def answers(self, hashes: Iterable[str], *, with_traces: bool) -> dict[tuple[str, str], Any]:
        """What a node would say of the transactions."""
        answers: dict[tuple[str, str], Any] = {}
        for tx_hash in hashes:
            logs = self.logs[tx_hash]
            place = {"blockHash": logs[0]["blockHash"], "hash": tx_hash}
            answers["eth_getTransactionReceipt", tx_hash] = place | {
                "logs": [log | {"removed": False} for log in logs]
            }
            row = self.transactions.get(tx_hash, {})
            answers["eth_getTransactionByHash", tx_hash] = place | {
                "from": row.get("from_address"),
                "to": row.get("to_address"),
                "value": hex(int(row.get("value_wei") or 0)),
            }
            if with_traces and tx_hash in self.traces:
                answers["trace_transaction", tx_hash] = [_trace(x) for x in self.traces[tx_hash]]
        return answers


def _address(text: str | None) -> list[int]:
    return [int(part) for part in (text or "").replace(",", "_").split("_") if part]


def _trace(row: Json) -> Json:
    action = {
        "from": row["from_address"],
        "to": row["to_address"],
        "value": hex(int(row["value_wei"])),
        "callType": row["call_type"],
    }
    return {
        "action": action,
        "type": row["type"],
        "error": row["error"],
        "traceAddress": _address(row["trace_address"]),
    }


@cache
def mainnet() -> Mainnet:
    """The recorded data, read once."""
    return Mainnet()


@cache
def settle_real(*hashes: str, with_traces: bool = True) -> Tables:
    """Facts of recorded transactions of one chain; without traces only logs are evidence."""
    recorded = mainnet()
    logs = [log for tx_hash in hashes for log in recorded.logs[tx_hash]]
    chain_id = logs[0]["chainId"]
    answers = Answers(recorded.answers(hashes, with_traces=with_traces))
    return settle_evidence(_evidence(logs, chain_id), answers, chain_id)
