"""Blocks taken out of a store, with their place in `ranges`, so that they are asked anew."""

from collections.abc import Sequence

import polars as pl

from data.schema import BLOCK_KINDS, TABLES
from data.store import Store, Transaction
from indexer.fetch import WINDOW
from indexer.ranges import BlockRange, subtract
from indexer.relink import find_touched, relink
from indexer.reorg import fetch_hashes
from indexer.rpc import RpcClient
from indexer.selection import Selection

_INSIDE = (
    "EXISTS (SELECT 1 FROM (SELECT unnest(?) AS first, unnest(?) AS last)"
    " WHERE block_number >= first AND block_number < last)"
)


async def drop_orphaned_ranges(
    store: Store, client: RpcClient, selection: Selection, run_id: str
) -> list[BlockRange]:
    """Looks at the last block of each range once more, and drops the ranges that ended elsewhere.

    One backend on another fork can answer a whole range without contradicting itself; asked later,
    the node tells another block there. Looked at are the ranges of this run, and of runs that did
    not end; those in the reorg window hang together by their headers.

    Returns:
        The ranges that were dropped, with every row of their blocks.
    """
    chain_id = selection.context.chain_id
    tips = store.query(
        "SELECT from_block, to_block, tip_hash FROM ranges WHERE chain_id = ? AND selection = ?"
        " AND tip_hash IS NOT NULL AND verified_by = 'header'"
        " AND (run_id = ? OR run_id NOT IN (SELECT run_id FROM runs))"
        " AND to_block + ? <= (SELECT max(block_number) FROM blocks WHERE chain_id = ?)",
        [chain_id, selection.digest, run_id, WINDOW, chain_id],
    ).rows()
    now = await fetch_hashes(client, chain_id, [end - 1 for _, end, _ in tips])
    orphaned = [(start, end) for start, end, tip in tips if now.get(end - 1, tip) != tip]
    if orphaned:
        with store.transaction() as transaction:
            drop_blocks(transaction, chain_id, orphaned)
            cut_ranges(transaction, chain_id, orphaned)
    return orphaned


def drop_blocks(transaction: Transaction, chain_id: int, spans: Sequence[BlockRange]) -> None:
    """Deletes evidence and facts of blocks, and what the links make of them."""
    bounds = [start for start, _ in spans], [end for _, end in spans]
    touched = find_touched(transaction, chain_id, min(bounds[0]), max(bounds[1]))
    for declared in TABLES.values():
        if declared.kind in BLOCK_KINDS:
            transaction.execute(
                f"DELETE FROM {declared.name} WHERE chain_id = ? AND {_INSIDE}",
                [chain_id, *bounds],
            )
    relink(transaction, touched)


def cut_ranges(
    transaction: Transaction, chain_id: int, spans: Sequence[BlockRange], *, spare: str = ""
) -> None:
    """Takes blocks out of `ranges`, so that they count as never asked for.

    Args:
        transaction: under way.
        chain_id: the chain.
        spans: the blocks.
        spare: digest of a selection whose ranges stay as they are.
    """
    where = "chain_id = ? AND selection <> ? AND from_block < ? AND to_block > ?"
    last, first = max(end for _, end in spans), min(start for start, _ in spans)
    values = [chain_id, spare, last, first]
    rows = transaction.query(f"SELECT * FROM ranges WHERE {where}", values)
    transaction.execute(f"DELETE FROM ranges WHERE {where}", values)
    transaction.append("ranges", without(rows, spans))


def without(rows: pl.DataFrame, holes: Sequence[BlockRange]) -> pl.DataFrame:
    """Rows with `from_block` and `to_block`, cut around the holes; a cut end has no known hash."""
    pieces = []
    for row in rows.iter_rows(named=True):
        for start, end in subtract([(row["from_block"], row["to_block"])], holes):
            piece = {**row, "from_block": start, "to_block": end}
            if end != row["to_block"] and "tip_hash" in row:
                piece["tip_hash"] = None
            pieces.append(piece)
    return pl.DataFrame(pieces, schema=rows.schema)
