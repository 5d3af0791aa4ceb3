"""Logs to facts: dispatch, decoding and settlement; pure functions of logs and selection."""

from collections import defaultdict

import polars as pl

from data.schema import conform, table
from indexer.abi import Decoded, Event, decode
from indexer.protocols.base import PLACE, ChainContext, Protocol, Route, Tables
from indexer.selection import Selection

_LOG_KEY = ("block_hash", "log_index")
_TOPICS = ("topic0", "topic1", "topic2", "topic3")


def settle_logs(logs: pl.DataFrame, selection: Selection) -> Tables:
    """Facts of whole transactions.

    Args:
        logs: rows of the table `logs`; may hold logs that no route of the selection reads.
        selection: what to read them as.

    Returns:
        Frames by table name, in the declared columns: `logs` (those that a route reads), the fact
        tables that got rows, and `quarantine`.
    """
    logs = conform("logs", logs)
    if not is_ascending(logs):
        logs = logs.unique(_LOG_KEY, keep="first", maintain_order=True)
        logs = logs.sort("block_number", "log_index")
    logs = logs.with_columns(
        pl.sum_horizontal(pl.col(name).is_not_null() for name in _TOPICS).alias("n_topics")
    )
    parts: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for protocol in selection.protocols:
        routes = [route for owner, route in selection.routes if owner is protocol]
        for name, frame in _settle_protocol(protocol, routes, logs, selection.context).items():
            parts[name].append(frame)
    return {name: _joined(name, frames) for name, frames in parts.items()}


def is_ascending(logs: pl.DataFrame) -> bool:
    """Whether logs come in the order of the chain, each once: so nearly every answer is."""
    number, index = pl.col("block_number"), pl.col("log_index")
    is_next = (number > number.shift(1)) | ((number == number.shift(1)) & (index > index.shift(1)))
    return bool(logs.select(is_next.fill_null(value=True).all()).item())


def _joined(name: str, frames: list[pl.DataFrame]) -> pl.DataFrame:
    whole = pl.concat([conform(name, frame) for frame in frames])
    if len(frames) == 1:
        return whole
    return whole.unique(list(table(name).key), keep="first", maintain_order=True)


def _settle_protocol(
    protocol: Protocol, routes: list[Route], logs: pl.DataFrame, context: ChainContext
) -> Tables:
    matched: list[pl.DataFrame] = []
    faults: list[pl.DataFrame] = []
    events: dict[str, list[Decoded]] = defaultdict(list)
    for event, batch in _dispatch(routes, logs):
        if batch.is_empty():
            continue
        matched.append(batch.drop("version"))
        decoded = decode(event, batch.drop("topic0"))
        events[event.name].append(decoded)
        faults.append(_faulty(event, batch, decoded))
    if not matched:
        return {}
    named = {name: _stack(parts) for name, parts in events.items()}
    tables = protocol.settle(named, context)
    own = pl.concat(matched)
    aside = [*faults, _refused(tables.pop("quarantine", None), own)]
    tables["quarantine"] = pl.concat(aside, how="diagonal").with_columns(
        pl.lit(protocol.name).alias("protocol"),
    )
    return tables | {"logs": own}


def _dispatch(routes: list[Route], logs: pl.DataFrame) -> list[tuple[Event, pl.DataFrame]]:
    """Logs by event, with `version`: by (topic0, number of topics, emitter)."""
    by_event: dict[Event, list[Route]] = defaultdict(list)
    for route in routes:
        by_event[route.event].append(route)
    batches = []
    for event, claims in by_event.items():
        is_event = (pl.col("topic0") == event.topic0) & (pl.col("n_topics") == event.n_topics)
        batch = logs.filter(is_event).drop("n_topics")
        version = pl.lit(None, pl.String)
        for route in claims:
            is_ours = (
                pl.lit(value=True)
                if route.emitters is None
                else pl.col("address").is_in(sorted(route.emitters))
            )
            version = (
                pl.when(is_ours & version.is_null()).then(pl.lit(route.version)).otherwise(version)
            )
        batch = batch.with_columns(version.alias("version")).filter(pl.col("version").is_not_null())
        batches.append((event, batch))
    return batches


def _stack(parts: list[Decoded]) -> Decoded:
    """Several layouts of one event as one, with `row` still unique."""
    if len(parts) == 1:
        return parts[0]
    shift = 0
    rows, items = [], defaultdict(list)
    for part in parts:
        rows.append(part.rows.with_columns(pl.col("row") + shift))
        for name, frame in part.items.items():
            items[name].append(frame.with_columns(pl.col("row") + shift))
        shift += part.rows.height + part.faults.height
    return Decoded(
        pl.concat(rows, how="diagonal"),
        {name: pl.concat(frames, how="diagonal") for name, frames in items.items()},
        parts[0].faults.clear(),
    )


def _faulty(event: Event, batch: pl.DataFrame, decoded: Decoded) -> pl.DataFrame:
    return raw_log_columns(
        batch.with_row_index("row").join(decoded.faults, on="row", how="inner")
    ).with_columns(pl.lit(event.name).alias("event"))


def _refused(refused: pl.DataFrame | None, logs: pl.DataFrame) -> pl.DataFrame:
    """What a protocol could not settle, with its raw log."""
    if refused is None or refused.is_empty():
        return pl.DataFrame()
    reasons = refused.select("block_hash", "log_index", "event", "reason")
    return raw_log_columns(logs.join(reasons, on=list(_LOG_KEY), how="inner"), "event")


def raw_log_columns(logs: pl.DataFrame, *extra: str) -> pl.DataFrame:
    """Columns of `quarantine` that come from the raw log and its `reason`."""
    return logs.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        "address",
        pl.concat_str(*_TOPICS, separator=",", ignore_nulls=True).alias("topics"),
        "data",
        *(["version"] if "version" in logs.columns else []),
        *extra,
        "reason",
    )
