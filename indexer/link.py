"""Link tables: what needs more than one transaction, as SQL over facts.

Every table is rebuilt as a whole in one transaction, so that it depends on the facts alone and not
on the order in which ranges arrived. The rows stay in the database, which keeps them off memory.
"""

from collections.abc import Mapping

import polars as pl

from data.currencies import currencies, priced_as
from data.schema import table
from data.store import Store, Transaction
from indexer.ledger import replace_ledger
from indexer.link_loans import LOANS
from indexer.link_own import (
    AUCTION_STATES,
    BUDGETS,
    DROPS,
    LOOP_STATES,
    REFUNDS,
    ROYALTY_BALANCES,
    VAULT_CHARGES,
    VETTING_ROUNDS,
)
from indexer.link_royalties import ROYALTY_LEDGER, ROYALTY_TERMS, SPLITS
from indexer.link_sql import (
    FUNDING,
    LABELS,
    METADATA_URIS,
    SALES,
    TOKEN_TRAITS,
    TOKENS,
)
from indexer.link_taint import TAINTED_ASSETS, TAINTED_WORKS
from indexer.link_vaults import (
    DIVIDENDS,
    VAULT_HOLDERS,
    VAULT_ITEMS,
    VAULT_SUPPLY,
    VAULTS,
)
from indexer.metadata.events import read_metadata
from indexer.royalty_reads import register_reads
from indexer.vault_books import DIVIDEND_BALANCES, register_books

# `royalty_ledger` reads `sales`, `royalty_terms`, `splits` and `vault_charges`, `vaults` its supply
# and items, `loans` sales, `tainted_works` tainted assets.
SELECTS = {
    "sales": SALES,
    "royalty_terms": ROYALTY_TERMS,
    "splits": SPLITS,
    "vault_charges": VAULT_CHARGES,
    "royalty_ledger": ROYALTY_LEDGER,
    "vault_supply": VAULT_SUPPLY,
    "vault_items": VAULT_ITEMS,
    "vault_holders": VAULT_HOLDERS,
    "vaults": VAULTS,
    "dividends": DIVIDENDS,
    "dividend_balances": DIVIDEND_BALANCES,
    "funding": FUNDING,
    "labels": LABELS,
    "tokens": TOKENS,
    "token_traits": TOKEN_TRAITS,
    "loans": LOANS,
    "royalty_balances": ROYALTY_BALANCES,
    "refunds": REFUNDS,
    "auction_states": AUCTION_STATES,
    "drops": DROPS,
    "vetting_rounds": VETTING_ROUNDS,
    "budgets": BUDGETS,
    "loop_states": LOOP_STATES,
    "tainted_assets": TAINTED_ASSETS,
    "tainted_works": TAINTED_WORKS,
}
"""The query of each link table, in the order in which they are to be asked."""

SOURCES = {
    "sales": ("settled_sales",),
    "royalty_terms": ("royalty_events",),
    "splits": ("split_events",),
    "vault_charges": ("vault_events",),
    "royalty_ledger": ("sales", "sale_payments", "vault_charges", "vault_payments"),
    "vault_supply": ("vault_events",),
    "vault_items": ("vault_events",),
    "vault_holders": ("vault_events", "share_transfers"),
    "vaults": ("vault_events",),
    "dividends": ("vault_events",),
    "dividend_balances": ("vault_events",),
    "funding": ("transactions", "funding"),
    "labels": ("provenance_events", "labels"),
    "tokens": ("transfers",),
    "token_traits": ("provenance_events", "token_uris"),
    "loans": ("loan_events",),
    "royalty_balances": ("split_payments",),
    "refunds": ("payouts",),
    "auction_states": ("auctions",),
    "drops": ("drop_events",),
    "vetting_rounds": ("rounds",),
    "budgets": ("governance_events",),
    "loop_states": ("governance_events",),
    "tainted_assets": ("provenance_events",),
    "tainted_works": ("provenance_events",),
}
"""The tables without whose rows a link has none either: most stores hold a few protocols, and to
plan a long query takes longer than to answer it."""

VAULT_TABLES = (
    "vault_supply",
    "vault_items",
    "vault_holders",
    "vaults",
    "dividends",
    "dividend_balances",
)
"""Links about vaults, which are always rebuilt together."""

TAINT_TABLES = ("tainted_assets", "tainted_works")
"""Links about disputes, which are always rebuilt together."""

# They keep the rows that came from files.
_READ_THEMSELVES = {"funding", "labels"}


def rebuild_links(store: Store) -> dict[str, int]:
    """Rebuilds every link table from the facts, in one transaction; returns rows by table."""
    with store.transaction() as transaction:
        return replace_links(transaction)


def replace_links(transaction: Transaction) -> dict[str, int]:
    """Rebuilds every link table within a transaction under way; returns rows by table."""
    prepare_links(transaction)
    return {name: replace_link(transaction, name) for name in SELECTS}


def replace_link(transaction: Transaction, name: str) -> int:
    """Rebuilds one link table within a transaction under way; returns its rows."""
    if not transaction.has_rows(*SOURCES[name]):
        transaction.execute(f"DELETE FROM {name}")
        return 0
    if name == "royalty_ledger":
        return replace_ledger(transaction)
    return transaction.replace_by(name, SELECTS[name], reads_itself=name in _READ_THEMSELVES)


def link_rows(transaction: Transaction, name: str, parts: Mapping[str, str]) -> pl.DataFrame:
    """The rows of a link table over a part of its facts.

    Args:
        transaction: where `prepare_links` made what the query reads beside the facts.
        name: the link table.
        parts: a SELECT in place of each table of which only a part counts.
    """
    if not transaction.has_rows(
        *(f"({parts.get(each, f'FROM {each}')})" for each in SOURCES[name])
    ):
        return table(name).empty()
    return transaction.query(over(parts, SELECTS[name]))


def over(parts: Mapping[str, str], select: str) -> str:
    """The query with tables replaced by the part of them that a SELECT gives."""
    given = ", ".join(f"{name} AS MATERIALIZED ({part})" for name, part in parts.items())
    return f"WITH {given} SELECT * FROM ({select})"


def prepare_links(transaction: Transaction) -> None:
    """Makes the temporary tables that the queries of link tables read beside the facts."""
    register_currencies(transaction)
    register_texts(transaction)
    register_reads(transaction)
    register_books(transaction)


def register_currencies(transaction: Transaction) -> None:
    """A temporary table of the currencies whose unit is known (data/currencies.csv)."""
    transaction.execute(
        "CREATE OR REPLACE TEMP TABLE known_currencies (chain_id BIGINT, currency VARCHAR,"
        " decimals BIGINT, is_ether BOOLEAN, priced_as VARCHAR)"
    )
    values = ", ".join(
        f"({each.chain_id}, '{each.address}', {each.decimals}, {each.is_ether},"
        f" '{priced_as(each)}')"
        for each in currencies().values()
    )
    transaction.execute(f"INSERT INTO known_currencies VALUES {values}")


def register_texts(transaction: Transaction, select: str = METADATA_URIS) -> None:
    """A temporary table of what the JSON in the URI of a mint's event says of each token."""
    transaction.execute(
        "CREATE OR REPLACE TEMP TABLE token_texts"
        " (chain_id BIGINT, collection VARCHAR, token_id VARCHAR, name VARCHAR, style VARCHAR,"
        " traits VARCHAR)"
    )
    transaction.execute(f"CREATE OR REPLACE TEMP TABLE event_uris AS {select}")
    batches = transaction.query("SELECT DISTINCT batch FROM event_uris ORDER BY batch")["batch"]
    for batch in batches:
        uris = transaction.query(
            f"SELECT chain_id, collection, token_id, uri FROM event_uris WHERE batch = {batch}"
        )
        transaction.insert("token_texts", read_metadata(uris))
