"""What nodes answer about single transactions, as frames: themselves, their calls, their receipts.

These are few beside the logs, so they are read object by object.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
import polars as pl

from data.errors import RetryableError
from data.schema import table
from data.units import MAX_DECIMAL38

_NO_VALUE = frozenset({"delegatecall", "staticcall"})
"""Calls that show their caller's value, or none, and move nothing."""

_TRACE = {
    name: kind
    for name, kind in table("value_traces").polars_schema.items()
    if name not in ("chain_id", "block_number", "block_hash", "block_time", "tx_index")
}


class _Receipt(msgspec.Struct):
    blockHash: str | None = None  # noqa: N815 - as JSON-RPC spells it
    logs: msgspec.Raw = msgspec.Raw(b"[]")


def parse_transactions(
    results: Sequence[bytes], places: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Transactions of eth_getTransactionByHash results, and those worth more than 38 digits.

    Args:
        results: raw answers.
        places: chain_id, block_number, block_hash, block_time, tx_hash, tx_index of each.

    Returns:
        Columns of table `transactions`; and block_hash, tx_hash of those left out.

    Raises:
        RetryableError: an answer is no transaction, or in another block.
    """
    rows, rich = [], []
    for raw, place in zip(results, places.iter_rows(named=True), strict=True):
        told = _object(raw, place, "transaction")
        value_wei = int(told["value"], 16) if told.get("value") else None
        if (value_wei or 0) > MAX_DECIMAL38:
            rich.append((place["block_hash"], place["tx_hash"]))
            continue
        rows.append(
            {
                **place,
                "from_address": _lower(told.get("from")),
                "to_address": _lower(told.get("to")),
                "value_wei": value_wei,
                "input": _bytes(told.get("input")),
            }
        )
    return (
        pl.DataFrame(rows, schema=table("transactions").polars_schema, strict=False),
        pl.DataFrame(rich, schema={"block_hash": pl.String, "tx_hash": pl.String}, orient="row"),
    )


def receipt_logs(results: Sequence[bytes], places: pl.DataFrame) -> list[bytes]:
    """The lists of logs in eth_getTransactionReceipt results, as eth_getLogs would give them.

    Raises:
        RetryableError: an answer is no receipt, or in another block.
    """
    lists = []
    for raw, place in zip(results, places.iter_rows(named=True), strict=True):
        _object(raw, place, "receipt")
        lists.append(bytes(msgspec.json.decode(raw, type=_Receipt).logs))
    return lists


def parse_traces(
    results: Sequence[bytes], places: pl.DataFrame, contracts: Collection[str]
) -> pl.DataFrame:
    """Calls of debug_traceTransaction (callTracer) or trace_transaction results.

    Args:
        results: raw answers; a null or empty one stands for a transaction that was not traced.
        places: as for `parse_transactions`.
        contracts: calls to these are kept, with their call data, also when they move nothing.

    Returns:
        Columns of table `value_traces`: calls that were not reverted and moved native coin, or
        went to one of the contracts.
    """
    rows: list[dict[str, Any]] = []
    for raw, place in zip(results, places.iter_rows(named=True), strict=True):
        told = msgspec.json.decode(raw)
        if not told:
            continue
        calls = _walk(told) if isinstance(told, dict) else _unnest(told)
        for number, call in enumerate(calls):
            is_ours = call["to_address"] in contracts and call["call_type"] != "delegatecall"
            if call["value_wei"] or is_ours:
                kept = call if is_ours else {**call, "input": None}
                rows.append({**place, **kept, "place": number})
    return pl.DataFrame(rows, schema=table("value_traces").polars_schema, strict=False)


def _walk(call: dict[str, Any], address: str = "") -> Iterator[dict[str, Any]]:
    """Calls of callTracer, each before those that it makes; not those that were reverted."""
    stack = [(call, address)]
    while stack:
        each, place = stack.pop()
        if each.get("error"):
            continue
        yield _call(each.get("type", "call"), each, place)
        inner = [
            (child, f"{place}_{number}" if place else str(number))
            for number, child in enumerate(each.get("calls") or [])
        ]
        stack += reversed(inner)


def _unnest(traces: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Calls of trace_transaction, which lists them with their addresses in order of execution."""
    reverted: list[tuple[int, ...]] = []
    for trace in traces:
        place = tuple(trace.get("traceAddress") or ())
        if trace.get("error"):
            reverted.append(place)
        if any(place[: len(root)] == root for root in reverted):
            continue
        action = trace.get("action") or {}
        created = (trace.get("result") or {}).get("address")
        call = {
            "from": action.get("from") or action.get("address"),
            "to": action.get("to") or action.get("refundAddress") or created,
            "value": action.get("value") or action.get("balance"),
            "input": action.get("input") or action.get("init"),
        }
        kind = action.get("callType") or trace.get("type") or "call"
        yield _call(kind, call, "_".join(map(str, place)))


def _call(kind: str, call: dict[str, Any], place: str) -> dict[str, Any]:
    kind = kind.lower()
    value_wei = 0 if kind in _NO_VALUE else int(call.get("value") or "0x0", 16)
    return {
        "trace_address": place,
        "call_type": "suicide" if kind == "selfdestruct" else kind,
        "from_address": _lower(call.get("from")),
        "to_address": _lower(call.get("to")),
        "value_wei": min(value_wei, MAX_DECIMAL38),
        "input": _bytes(call.get("input")),
    }


def _object(raw: bytes, place: dict[str, Any], what: str) -> dict[str, Any]:
    told = msgspec.json.decode(raw)
    if not isinstance(told, dict):
        message = f"the node answered with something that is no {what} {place['tx_hash']}"
        raise RetryableError(message)
    if _lower(told.get("blockHash")) != place["block_hash"]:
        message = f"{what} {place['tx_hash']} is in another block than its logs"
        raise RetryableError(message)
    return told


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None


def _bytes(text: str | None) -> bytes | None:
    return bytes.fromhex(text[2:]) if text is not None else None
