"""Logs to facts: decoding and settlement; pure functions of evidence and selection."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from data.schema import conform, table
from indexer.abi import Decoded, Event, decode
from indexer.attribution import attribute
from indexer.dispatch import TOPICS, Batches, count_topics, dispatch, in_order
from indexer.protocols import erc20
from indexer.protocols.base import PLACE, Around, Beside, Protocol, Tables
from indexer.selection import Selection

_LOG_KEY = ("block_hash", "log_index")


def settle_logs(logs: pl.DataFrame, selection: Selection, beside: Beside | None = None) -> Tables:
    """Facts of whole transactions.

    Args:
        logs: rows of the table `logs`; may hold logs that no route of the selection reads.
        selection: what to read them as.
        beside: what was asked about the transactions besides their logs.

    Returns:
        Frames by table name, in the declared columns: `logs` (those that a route reads, and the
        ERC-20 transfers of transactions whose protocols need receipts), the fact tables that got
        rows, and `quarantine`.
    """
    logs = conform("logs", logs)
    if not is_ascending(logs):
        logs = logs.unique(_LOG_KEY, keep="first", maintain_order=True)
        logs = logs.sort("block_number", "log_index")
    logs = count_topics(logs)
    batches = dispatch(logs, selection)
    protocols = [each for each in selection.protocols if each.name in batches]
    parts: dict[str, list[pl.DataFrame]] = defaultdict(list)
    around = Around(selection.context, beside or Beside())
    paid = _payments(logs, protocols, batches)
    if paid is not None:
        around = replace(around, payments=paid.payments)
        parts["logs"].append(paid.logs.drop("version"))
        parts["quarantine"].append(
            _faulty(erc20.TRANSFER, paid.logs, paid.decoded).with_columns(
                pl.lit(erc20.NAME).alias("protocol")
            )
        )
    made: dict[str, Tables] = {}
    for protocol in in_order(protocols):
        seen = replace(around, facts=_together([made.get(name, {}) for name in protocol.after]))
        made[protocol.name] = _settle_protocol(protocol, batches[protocol.name], seen)
    # In the order of the selection, whatever order they were settled in.
    for protocol in protocols:
        for name, frame in made[protocol.name].items():
            parts[name].append(frame)
    whole = {name: _joined(name, frames) for name, frames in parts.items()}
    return attribute(whole, around)


def is_ascending(logs: pl.DataFrame) -> bool:
    """Whether logs come in the order of the chain, each once: so nearly every answer is."""
    number, index = pl.col("block_number"), pl.col("log_index")
    is_next = (number > number.shift(1)) | ((number == number.shift(1)) & (index > index.shift(1)))
    return bool(logs.select(is_next.fill_null(value=True).all()).item())


def decode_batches(batches: Batches) -> tuple[dict[str, Decoded], list[pl.DataFrame]]:
    """Decoded logs by the name of their event, and the logs that are malformed, for quarantine.

    Several layouts of one event come as one.
    """
    events: dict[str, list[Decoded]] = defaultdict(list)
    faults: list[pl.DataFrame] = []
    for event, batch in batches:
        decoded = decode(event, batch.drop("topic0"))
        events[event.name].append(decoded)
        faults.append(_faulty(event, batch, decoded))
    return {name: _stack(parts) for name, parts in events.items()}, faults


def _payments(
    logs: pl.DataFrame, protocols: list[Protocol], batches: Mapping[str, Batches]
) -> erc20.Payments | None:
    wanting = [
        batch.select("block_hash", "tx_hash")
        for protocol in protocols
        if "receipt" in protocol.needs
        for _, batch in batches[protocol.name]
    ]
    if not wanting:
        return None
    # CryptoPunks and older tokens than ERC-721 speak of their tokens with the same topic.
    claimed = [
        batch.select(*_LOG_KEY)
        for each in batches.values()
        for event, batch in each
        if event.topic0 == erc20.TRANSFER.topic0 and event.n_topics == erc20.TRANSFER.n_topics
    ]
    if claimed:
        logs = logs.join(pl.concat(claimed), on=list(_LOG_KEY), how="anti", maintain_order="left")
    return erc20.read_payments(logs, pl.concat(wanting).unique())


def _together(tables: list[Tables]) -> Tables:
    """The facts of several protocols by table."""
    names = {name for each in tables for name in each}
    return {
        name: pl.concat([conform(name, each[name]) for each in tables if name in each])
        for name in names
    }


def _joined(name: str, frames: list[pl.DataFrame]) -> pl.DataFrame:
    whole = pl.concat([conform(name, frame) for frame in frames])
    if len(frames) == 1:
        return whole
    return whole.unique(list(table(name).key), keep="first", maintain_order=True)


def _settle_protocol(protocol: Protocol, batches: Batches, around: Around) -> Tables:
    named, faults = decode_batches(batches)
    tables = protocol.settle(named, around)
    own = pl.concat([batch.drop("version") for _, batch in batches])
    aside = [*faults, _refused(tables.pop("quarantine", None), own)]
    tables["quarantine"] = pl.concat(aside, how="diagonal").with_columns(
        pl.lit(protocol.name).alias("protocol"),
    )
    return tables | {"logs": own}


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
        pl.concat_str(*TOPICS, separator=",", ignore_nulls=True).alias("topics"),
        "data",
        *(["version"] if "version" in logs.columns else []),
        *extra,
        "reason",
    )
