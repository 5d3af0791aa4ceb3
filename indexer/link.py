"""Link tables: what needs more than one transaction, as SQL over facts.

Every table is rebuilt as a whole in one transaction, so that it depends on the facts alone and not
on the order in which ranges arrived.
"""

from collections.abc import Iterator

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

_SELECTS = {
    "sales": SALES,
    "royalty_terms": ROYALTY_TERMS,
    "royalty_ledger": ROYALTY_LEDGER,
    "vaults": VAULTS,
    "funding": FUNDING,
    "labels": LABELS,
}


def rebuild_links(store: Store) -> dict[str, int]:
    """Rebuilds every link table from the facts, in one transaction; returns rows by table."""
    with store.transaction() as transaction:
        return replace_links(transaction)


def replace_links(transaction: Transaction) -> dict[str, int]:
    """Rebuilds every link table within a transaction under way; returns rows by table."""
    return {name: transaction.replace(name, frame) for name, frame in derive_links(transaction)}


def derive_links(transaction: Transaction) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each link table as the facts now give it, one after another; writes nothing.

    `royalty_ledger` reads the table `sales`, so whoever writes must write `sales` before asking on.
    """
    register_ether(transaction)
    for name, select in _SELECTS.items():
        yield name, transaction.query(select)
    yield "tokens", derive_tokens(transaction)


def register_ether(transaction: Transaction) -> None:
    """A temporary table of (chain, currency) that stand for one ether each."""
    transaction.execute(
        "CREATE OR REPLACE TEMP TABLE ether_currencies (chain_id BIGINT, currency VARCHAR)"
    )
    native = "0x" + "0" * 40
    rows = [(chain_id, native) for chain_id in sorted(ETHER_CHAINS)]
    rows += [(chain, token) for chain, tokens in ETHER_TOKENS.items() for token in sorted(tokens)]
    values = ", ".join(f"({chain_id}, '{currency}')" for chain_id, currency in rows)
    transaction.execute(f"INSERT INTO ether_currencies VALUES {values}")


def derive_tokens(transaction: Transaction, select: str = TOKENS) -> pl.DataFrame:
    """The table `tokens`, or the part of it that `select` gives, with metadata read from URIs."""
    tokens = transaction.query(select)
    metadata = read_metadata(tokens.select("chain_id", "collection", "token_id", "uri"))
    return pl.concat([tokens.drop("uri"), metadata.select("name", "style")], how="horizontal")
