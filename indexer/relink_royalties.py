"""Royalty links brought up to date: what some blocks said of terms and splits bears on other sales.

Terms of a collection bear on all of its sales, also where another contract's terms override its
own; the shares of a split on the sales that paid it, or a split that it is part of.
"""

from dataclasses import dataclass
from typing import Any

from data.store import Transaction
from indexer.link import link_rows
from indexer.royalty_reads import register_reads

_WITHIN = "chain_id = $chain AND block_number >= $start AND block_number < $until"

_COLLECTIONS = f"""
CREATE OR REPLACE TEMP TABLE touched_collections AS
WITH spoken AS (
    SELECT DISTINCT chain_id, collection, token_id IS NULL AS of_all FROM royalty_events
    WHERE {_WITHIN}
)
SELECT chain_id, collection FROM spoken WHERE of_all
UNION
SELECT e.chain_id, e.collection FROM royalty_events e
JOIN spoken s ON s.chain_id = e.chain_id AND s.collection = e.via WHERE e.level = 'override'
"""

_TERMS = f"""
CREATE OR REPLACE TEMP TABLE touched_terms AS
SELECT DISTINCT chain_id, collection FROM royalty_events WHERE {_WITHIN}
"""

_SPLITS = f"""
CREATE OR REPLACE TEMP TABLE touched_splits AS
SELECT DISTINCT chain_id, split, token_id FROM split_events WHERE {_WITHIN}
"""

_SPLIT_SALES = f"""
CREATE OR REPLACE TEMP TABLE touched_split_sales AS
WITH RECURSIVE payers AS (
    SELECT chain_id, split, token_id FROM touched_splits
    UNION
    SELECT e.chain_id, e.split, e.token_id FROM split_events e
    JOIN payers p ON p.chain_id = e.chain_id AND p.split = e.recipient
),
paying AS (
    SELECT chain_id, sale_id, recipient FROM royalty_ledger
    UNION SELECT chain_id, sale_id, recipient FROM sale_payments
    UNION SELECT chain_id, sale_id, recipient FROM vault_payments
),
sold AS (
    SELECT chain_id, sale_id, token_id FROM settled_sales
    UNION ALL SELECT chain_id, sale_id, token_id FROM vault_charges
)
SELECT paying.chain_id, paying.sale_id FROM paying
-- A split that tells works apart bears on the sales of that work; work 0 on those that name none.
JOIN payers ON payers.chain_id = paying.chain_id AND payers.split = paying.recipient
LEFT JOIN sold ON sold.chain_id = paying.chain_id AND sold.sale_id = paying.sale_id
WHERE payers.token_id IS NULL OR payers.token_id = '0' OR payers.token_id = sold.token_id
UNION
SELECT chain_id, sale_id FROM settled_sales
SEMI JOIN (FROM split_payments WHERE {_WITHIN}) USING (chain_id, block_hash, tx_hash)
"""

_CONTRACTS = """
CREATE OR REPLACE TEMP TABLE touched_contracts AS
WITH sold AS (
    SELECT chain_id, collection FROM sales SEMI JOIN touched_sales USING (chain_id, sale_id)
    UNION
    SELECT chain_id, collection FROM vault_charges SEMI JOIN touched_sales USING (chain_id, sale_id)
)
FROM sold UNION
SELECT chain_id, via FROM royalty_terms SEMI JOIN sold USING (chain_id, collection)
WHERE level = 'override' AND via IS NOT NULL
"""


@dataclass(frozen=True)
class TouchedRoyalties:
    """What some blocks said, beside temporary tables of collections, splits and sales."""

    terms: int
    splits: int
    """Splits that spoke, of their shares or of what they gave on."""


def find_touched_royalties(transaction: Transaction, bounds: dict[str, Any]) -> TouchedRoyalties:
    """Remembers collections, splits and the sales of splits that blocks bear on.

    Adds to `touched_tokens` the sold tokens of collections whose terms changed.
    """
    for statement in (_COLLECTIONS, _TERMS, _SPLITS):
        transaction.execute(statement, bounds)
    found = transaction.query(
        "SELECT (SELECT count(*) FROM touched_terms) AS terms,"
        " (SELECT count(*) FROM touched_splits)"
        f" + (SELECT count(*) FROM split_payments WHERE {_WITHIN}) AS splits",
        bounds,
    ).row(0, named=True)
    if found["terms"]:
        transaction.execute(
            "INSERT INTO touched_tokens SELECT DISTINCT chain_id, collection, token_id FROM ("
            "SELECT chain_id, collection, token_id FROM settled_sales"
            " UNION ALL SELECT chain_id, collection, token_id FROM sales)"
            " SEMI JOIN touched_collections USING (chain_id, collection)"
            " ANTI JOIN touched_tokens USING (chain_id, collection, token_id)"
            " WHERE token_id IS NOT NULL"
        )
    if found["splits"]:
        transaction.execute(_SPLIT_SALES, bounds)
    else:
        transaction.execute(
            "CREATE OR REPLACE TEMP TABLE touched_split_sales AS"
            " SELECT chain_id, sale_id FROM royalty_ledger LIMIT 0"
        )
    return TouchedRoyalties(**found)


def relink_terms(transaction: Transaction, touched: TouchedRoyalties) -> int:
    """Terms of the touched collections, and shares of the touched splits; rows written."""
    written = 0
    for count, name, facts, by, key in (
        (touched.terms, "royalty_terms", "royalty_events", "touched_terms", "collection"),
        (
            touched.splits,
            "splits",
            "split_events",
            "touched_splits",
            "split, coalesce(token_id, '')",
        ),
    ):
        if not count:
            continue
        part = (
            f"SELECT * FROM {facts} WHERE (chain_id, {key}) IN (SELECT (chain_id, {key}) FROM {by})"
        )
        rows = link_rows(transaction, name, {facts: part})
        transaction.execute(
            f"DELETE FROM {name} WHERE (chain_id, {key}) IN (SELECT (chain_id, {key}) FROM {by})"
        )
        written += transaction.append(name, rows)
    return written


def relink_ledger(transaction: Transaction) -> int:
    """The ledger of the sales in `touched_sales`; rows written."""
    transaction.execute(_CONTRACTS)
    sales = "SELECT * FROM sales SEMI JOIN touched_sales USING (chain_id, sale_id)"
    register_reads(
        transaction,
        f"(FROM contract_reads SEMI JOIN ({sales}) USING (chain_id, block_number, block_hash))",
    )
    parts = {
        "sales": sales,
        "royalty_terms": "SELECT * FROM royalty_terms SEMI JOIN touched_contracts USING"
        " (chain_id, collection)",
        **{
            name: f"SELECT * FROM {name} SEMI JOIN touched_sales USING (chain_id, sale_id)"
            for name in ("sale_payments", "vault_charges", "vault_payments")
        },
    }
    rows = link_rows(transaction, "royalty_ledger", parts)
    transaction.execute(
        "DELETE FROM royalty_ledger WHERE (chain_id, sale_id) IN"
        " (SELECT (chain_id, sale_id) FROM touched_sales)"
    )
    return transaction.append("royalty_ledger", rows)
