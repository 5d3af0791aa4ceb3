"""One transaction per batch of ranges: evidence, facts and checkpoints together, or nothing."""

from collections.abc import Callable, Sequence
from datetime import datetime

import polars as pl

from data.store import Store, Transaction
from indexer.decode import settle_logs
from indexer.errors import ReorgError
from indexer.evidence import Evidence
from indexer.protocols.base import Tables
from indexer.selection import Selection


def commit(
    store: Store,
    batch: Sequence[Evidence],
    selection: Selection,
    *,
    run_id: str,
    clock: Callable[[], datetime],
) -> dict[str, int]:
    """Decodes ranges and writes them, each with its row in `ranges`; returns new rows by table.

    Raises:
        ReorgError: a range does not continue the stored chain; nothing of the batch is written.
    """
    tables = settle_batch(batch, selection, run_id=run_id, clock=clock)
    with store.transaction() as transaction:
        return write(transaction, tables, selection.context.chain_id)


def settle_batch(
    batch: Sequence[Evidence],
    selection: Selection,
    *,
    run_id: str,
    clock: Callable[[], datetime],
) -> Tables:
    """Decodes ranges: evidence, facts and checkpoints, by table."""
    tables = settle_logs(pl.concat([evidence.logs for evidence in batch]), selection)
    aside = [tables["quarantine"]] if "quarantine" in tables else []
    return tables | {
        "quarantine": pl.concat([*aside, *(evidence.quarantine for evidence in batch)]),
        "blocks": pl.concat([evidence.blocks for evidence in batch]),
        "transactions": pl.concat([evidence.transactions for evidence in batch]),
        "ranges": pl.concat(
            [_range_row(evidence, selection, run_id, clock()) for evidence in batch]
        ),
    }


def write(transaction: Transaction, tables: Tables, chain_id: int) -> dict[str, int]:
    """Writes decoded ranges within a transaction under way; returns new rows by table.

    Raises:
        ReorgError: they do not continue the stored chain; the transaction must not be committed.
    """
    _check_continuity(transaction, tables["blocks"], chain_id)
    return {
        name: transaction.append(name, frame)
        for name, frame in tables.items()
        if not frame.is_empty()
    }


def _check_continuity(transaction: Transaction, blocks: pl.DataFrame, chain_id: int) -> None:
    """New headers must agree with each other and with the stored ones, and follow them."""
    around = pl.concat([blocks["block_number"] + shift for shift in (-1, 0, 1)]).unique()
    stored = transaction.query(
        "SELECT block_number, block_hash, parent_hash FROM blocks"
        " WHERE chain_id = ? AND block_number IN (SELECT unnest(?))",
        [chain_id, around.to_list()],
    )
    chain = pl.concat([stored, blocks.select(stored.columns)]).unique().sort("block_number")
    twice = chain.filter(pl.col("block_number").is_duplicated())
    follows = pl.col("block_number") == pl.col("block_number").shift(1) + 1
    torn = chain.filter(follows & (pl.col("parent_hash") != pl.col("block_hash").shift(1)))
    for broken in (twice, torn):
        if not broken.is_empty():
            message = (
                f"block {broken['block_number'][0]} is not the stored one or does not follow it; "
                "the chain was reorganised"
            )
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
