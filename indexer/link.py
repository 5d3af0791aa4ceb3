"""Link tables: what needs more than one transaction, as SQL over facts.

Every table is rebuilt as a whole in one transaction, so that it depends on the facts alone and not
on the order in which ranges arrived.
"""

import polars as pl

from data.store import Store, Transaction
from indexer.chains import ETHER_CHAINS, ETHER_TOKENS
from indexer.link_sql import (
    FUNDING,
    LABELS,
    ROYALTY_LEDGER,
    ROYALTY_TERMS,
    SALES,
    TOKENS,
    VAULTS,
)
from indexer.metadata import read_metadata


def rebuild_links(store: Store) -> dict[str, int]:
    """Rebuilds every link table from the facts, in one transaction; returns rows by table."""
    with store.transaction() as transaction:
        _register_ether(transaction)
        return {
            "sales": _rebuild(transaction, "sales", SALES),
            "royalty_terms": _rebuild(transaction, "royalty_terms", ROYALTY_TERMS),
            # Reads `sales`, so it comes after.
            "royalty_ledger": _rebuild(transaction, "royalty_ledger", ROYALTY_LEDGER),
            "vaults": _rebuild(transaction, "vaults", VAULTS),
            "tokens": _rebuild_tokens(transaction),
            "funding": _rebuild(transaction, "funding", FUNDING),
            "labels": _rebuild(transaction, "labels", LABELS),
        }


def _rebuild(transaction: Transaction, name: str, select: str) -> int:
    return transaction.replace(name, transaction.query(select))


def _register_ether(transaction: Transaction) -> None:
    """A temporary table of (chain, currency) that stand for one ether each."""
    transaction.execute(
        "CREATE OR REPLACE TEMP TABLE ether_currencies (chain_id BIGINT, currency VARCHAR)"
    )
    native = "0x" + "0" * 40
    rows = [(chain_id, native) for chain_id in sorted(ETHER_CHAINS)]
    rows += [(chain, token) for chain, tokens in ETHER_TOKENS.items() for token in sorted(tokens)]
    values = ", ".join(f"({chain_id}, '{currency}')" for chain_id, currency in rows)
    transaction.execute(f"INSERT INTO ether_currencies VALUES {values}")


def _rebuild_tokens(transaction: Transaction) -> int:
    tokens = transaction.query(TOKENS)
    metadata = read_metadata(tokens.select("chain_id", "collection", "token_id", "uri"))
    frame = pl.concat([tokens.drop("uri"), metadata.select("name", "style")], how="horizontal")
    return transaction.replace("tokens", frame)
