"""The royalty ledger of many sales, derived some blocks at a time.

The rows of a sale depend on the sale, its payments, and on terms and splits as a whole; never on
another sale. So the query over some blocks gives the rows of their sales, and memory follows the
sales of those blocks, not the store.
"""

import polars as pl

from data.store import Transaction
from indexer.link_royalties import ROYALTY_LEDGER

_BY_BLOCK = ("sales", "sale_payments", "vault_charges", "vault_payments")

SALES_AT_ONCE = 50_000
"""About 200 MB of the database's memory."""


def replace_ledger(transaction: Transaction, sales_at_once: int = SALES_AT_ONCE) -> int:
    """Rebuilds the royalty ledger of all sales, and of our vaults; returns its rows.

    Reads sales, `vault_charges`, the payments of both, terms, splits and the temporary table
    `royalty_reads`.
    """
    transaction.execute("DELETE FROM royalty_ledger")
    return sum(
        transaction.insert_by("royalty_ledger", _of_blocks(chain_id, first, last))
        for chain_id, first, last in _spans(transaction, sales_at_once)
    )


def _spans(transaction: Transaction, sales_at_once: int) -> list[tuple[int, int, int]]:
    """Chain, first and last block (both included) of parts that hold so many sales, or a block."""
    blocks = transaction.query(
        "SELECT chain_id, block_number, count(*) AS sales FROM ("
        "SELECT chain_id, block_number FROM sales"
        " UNION ALL SELECT chain_id, block_number FROM vault_charges)"
        " GROUP BY ALL ORDER BY ALL"
    )
    return (
        blocks.with_columns(
            ((pl.col("sales").cum_sum() - pl.col("sales")).over("chain_id") // sales_at_once)
            .alias("part")
        )
        .group_by("chain_id", "part", maintain_order=True)
        .agg(pl.min("block_number").alias("first"), pl.max("block_number").alias("last"))
        .select("chain_id", "first", "last")
        .rows()
    )  # fmt: skip


def _of_blocks(chain_id: int, first: int, last: int) -> str:
    """The ledger's query over the sales of some blocks, whose payments stand in the same blocks."""
    within = f"chain_id = {chain_id} AND block_number BETWEEN {first} AND {last}"
    parts = ", ".join(f"{name} AS (SELECT * FROM {name} WHERE {within})" for name in _BY_BLOCK)
    return f"WITH {parts} SELECT * FROM ({ROYALTY_LEDGER})"
