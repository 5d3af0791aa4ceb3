"""What analytics reads from a store: tables, the newest block, and a digest of what was read."""

import hashlib
from collections.abc import Iterable

import polars as pl

from data.digest import digest_table
from data.schema import TABLES
from data.store import Store

FACTS = ("sales", "tokens", "listings", "funding", "labels", "royalty_ledger")
"""Tables that the signals rest on."""


def facts_digest(store: Store, names: Iterable[str] = FACTS) -> str:
    """SHA-256 over the digests of the named tables: equal facts, equal digest."""
    total = hashlib.sha256()
    with store.cursor() as cursor:
        for name in names:
            total.update(f"{name}:{digest_table(cursor, TABLES[name])}\n".encode())
    return total.hexdigest()


def index_times(store: Store) -> pl.DataFrame:
    """Time of the newest block per chain: chain_id, indexed_to (UTC), sorted by chain_id.

    Headers tell it; a store without headers is read up to its newest sale.
    """
    return store.query(
        "SELECT chain_id, max(block_time) AS indexed_to FROM"
        " (SELECT chain_id, block_time FROM blocks UNION ALL"
        " SELECT chain_id, block_time FROM sales)"
        " GROUP BY chain_id ORDER BY chain_id"
    ).with_columns(pl.col("indexed_to").cast(pl.Datetime("us")))
