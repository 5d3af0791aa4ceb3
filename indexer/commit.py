"""One transaction per range: evidence, facts and the checkpoint together, or nothing."""

from collections.abc import Callable
from datetime import datetime

import polars as pl

from data.store import Store, Transaction
from indexer.decode import settle_logs
from indexer.errors import ReorgError
from indexer.evidence import Evidence
from indexer.selection import Selection


def commit(
    store: Store,
    evidence: Evidence,
    selection: Selection,
    *,
    run_id: str,
    clock: Callable[[], datetime],
) -> dict[str, int]:
    """Decodes a range and writes it with its row in `ranges`; returns new rows by table.

    Raises:
        ReorgError: the range does not continue the stored chain; nothing is written.
    """
    tables = settle_logs(evidence.logs, selection)
    tables["quarantine"] = pl.concat(
        [evidence.quarantine, *([tables["quarantine"]] if "quarantine" in tables else [])]
    )
    tables["blocks"] = evidence.blocks
    tables["transactions"] = evidence.transactions
    with store.transaction() as transaction:
        _check_continuity(transaction, evidence, selection.context.chain_id)
        counts = {name: transaction.append(name, frame) for name, frame in tables.items()}
        transaction.append("ranges", _range_row(evidence, selection, run_id, clock()))
    return counts


def _check_continuity(transaction: Transaction, evidence: Evidence, chain_id: int) -> None:
    stored = transaction.query(
        "SELECT block_number, block_hash FROM blocks"
        " WHERE chain_id = ? AND block_number BETWEEN ? AND ?",
        [chain_id, evidence.start - 1, evidence.end - 1],
    )
    parent = stored.filter(pl.col("block_number") == evidence.start - 1)["block_hash"].to_list()
    if evidence.first_parent is not None and parent and evidence.first_parent not in parent:
        message = (
            f"block {evidence.start} does not follow the stored block {evidence.start - 1}; "
            "the chain was reorganised"
        )
        raise ReorgError(message)
    known = evidence.blocks.select("block_number", pl.col("block_hash").alias("new_hash"))
    changed = stored.join(known, on="block_number").filter(
        pl.col("block_hash") != pl.col("new_hash")
    )
    if not changed.is_empty():
        message = f"block {changed['block_number'][0]} has another hash than the stored one"
        raise ReorgError(message)


def _range_row(
    evidence: Evidence, selection: Selection, run_id: str, committed_at: datetime
) -> pl.DataFrame:
    row = {
        "chain_id": selection.context.chain_id,
        "selection": selection.digest,
        "from_block": evidence.start,
        "to_block": evidence.end,
        "tip_hash": evidence.tip_hash,
        "n_logs": evidence.logs.height,
        "n_requests": evidence.n_requests,
        "n_bytes": evidence.n_bytes,
        "elapsed_ms": evidence.elapsed_ms,
        "endpoint": evidence.endpoint,
        "verified_by": "header",
        "committed_at": committed_at,
        "run_id": run_id,
    }
    return pl.DataFrame([row])
