"""Link tables brought up to date for the tokens that some blocks touched.

A link row depends on the facts of its own token, sale, loan or address alone, and on quotes; a loan
also on the sales of its collection. So the SQL of the links, run over the facts of what was
touched, gives the same rows as over all facts; its cost follows the blocks, not the store.
Everything happens in the transaction that changed the facts: a reader never sees facts without
their links.
"""

from dataclasses import dataclass

from data.store import Transaction
from indexer.link import (
    SELECTS,
    VAULT_TABLES,
    link_rows,
    over,
    register_currencies,
    register_texts,
    replace_link,
)
from indexer.link_sql import METADATA_URIS
from indexer.relink_auctions import OPEN_SALES, touch_auctions
from indexer.relink_own import CHARGES, TouchedOwn, find_touched_own, relink_own
from indexer.relink_royalties import (
    TouchedRoyalties,
    find_touched_royalties,
    relink_ledger,
    relink_terms,
)
from indexer.selection import LOCAL_CHAIN_ID
from indexer.vault_books import register_books

_ITEM = "chain_id, collection, token_id"
_FACTS_OF_TOKENS = (
    "transfers",
    "settled_sales",
    "royalty_events",
    "provenance_events",
    "vault_events",
    "punk_bids",
)
_OF_TOKENS = (*_FACTS_OF_TOKENS, "token_uris")
# What vaults hold, and ERC-1155 shares and cards of theirs, move without a word of the vault.
_OF_VAULTS = (
    "SELECT chain_id, vault AS address FROM vault_events WHERE event = 'opened'"
    " UNION SELECT chain_id, share_token FROM vault_events WHERE share_token IS NOT NULL"
)
_WITHIN = "chain_id = $chain AND block_number >= $start AND block_number < $until"
_REPRICED = f"chain_id = $chain AND block_time >= (SELECT min(time) FROM prices WHERE {_WITHIN})"
_BY_TOKEN = f"SEMI JOIN touched_tokens USING ({_ITEM})"
_SALES_OF_TOKENS = f"SELECT chain_id, sale_id FROM sales {_BY_TOKEN}"


@dataclass(frozen=True)
class Touched:
    """What the facts of some blocks bear on, beside the temporary tables of tokens and wallets."""

    tokens: int
    wallets: int
    has_vaults: bool
    has_creators: bool
    loans: int
    royalties: TouchedRoyalties
    own: TouchedOwn


def find_touched(
    transaction: Transaction, chain_id: int, start: int, end: int | None = None
) -> Touched:
    """Remembers the tokens and wallets that the blocks `start` to `end` (half-open) bear on.

    Called before facts are deleted, or after they are appended. A new quote bears on every later
    sale in its currency.
    """
    until = 2**62 if end is None else end
    facts = " UNION ALL ".join(
        f"SELECT {_ITEM} FROM {name} WHERE {_WITHIN}" for name in _FACTS_OF_TOKENS
    )
    bounds = {"chain": chain_id, "start": start, "until": until}
    transaction.execute(
        "CREATE OR REPLACE TEMP TABLE touched_tokens AS"
        f" SELECT DISTINCT {_ITEM} FROM ({facts} UNION ALL"
        f" SELECT {_ITEM} FROM settled_sales WHERE {_REPRICED})",
        bounds,
    )
    royalties = find_touched_royalties(transaction, bounds)
    touch_auctions(transaction, bounds, _WITHIN, _REPRICED)
    transaction.execute(
        "CREATE OR REPLACE TEMP TABLE touched_wallets AS"
        " SELECT DISTINCT chain_id, to_address AS address FROM transactions"
        f" WHERE {_WITHIN} AND chain_id = {LOCAL_CHAIN_ID}"
        " AND to_address IS NOT NULL AND value_wei > 0",
        bounds,
    )
    transaction.execute(
        # A loan is valued by the sales of its collection before it was opened.
        "CREATE OR REPLACE TEMP TABLE touched_loans AS"
        f" SELECT DISTINCT chain_id, loan_uid FROM loan_events WHERE {_WITHIN}"
        " UNION SELECT chain_id, loan_uid FROM loan_events"
        " SEMI JOIN touched_tokens USING (chain_id, collection)"
        " WHERE chain_id = $chain AND block_number >= $start",
        bounds,
    )
    row = transaction.query(
        "SELECT (SELECT count(*) FROM touched_tokens)"
        " + (SELECT count(*) FROM touched_open) AS tokens,"
        " (SELECT count(*) FROM touched_wallets) AS wallets,"
        " (SELECT count(*) FROM touched_loans) AS loans,"
        f" EXISTS (FROM vault_events WHERE {_WITHIN})"
        f" OR EXISTS (FROM share_transfers WHERE {_WITHIN})"
        " OR EXISTS (FROM (SELECT chain_id,"
        " unnest([collection, from_address, to_address]) AS address"
        f" FROM transfers WHERE {_WITHIN}) SEMI JOIN ({_OF_VAULTS}) USING (chain_id, address))"
        " AS has_vaults,"
        f" EXISTS (FROM provenance_events WHERE {_WITHIN} AND event = 'minted') AS has_creators",
        bounds,
    ).row(0, named=True)
    own = find_touched_own(transaction, bounds)
    return Touched(**row, royalties=royalties, own=own)


def relink(transaction: Transaction, touched: Touched) -> int:
    """Derives the links of what was touched anew from the facts as they are now.

    Returns:
        Link rows written.
    """
    # Sales that are about to be replaced, or to vanish.
    transaction.execute(
        f"CREATE OR REPLACE TEMP TABLE touched_sales_before AS {_SALES_OF_TOKENS} UNION {CHARGES}"
    )
    written = relink_terms(transaction, touched.royalties)
    if touched.tokens:
        written += _relink_tokens(transaction)
    if touched.has_vaults:
        written += replace_link(transaction, "vault_charges")
    if touched.tokens or touched.royalties.splits or touched.has_vaults:
        # Reads sales, charges, terms and splits, so it comes after.
        transaction.execute(
            f"CREATE OR REPLACE TEMP TABLE touched_sales AS {_SALES_OF_TOKENS} UNION {CHARGES}"
            " UNION FROM touched_sales_before UNION FROM touched_split_sales"
            " UNION SELECT chain_id, sale_id FROM touched_open"
        )
        written += relink_ledger(transaction)
    if touched.loans:
        written += _relink_loans(transaction)
    if touched.wallets:
        facts = {
            "transactions": "SELECT t.* FROM transactions t SEMI JOIN touched_wallets w"
            " ON t.chain_id = w.chain_id AND t.to_address = w.address",
            "funding": "SELECT f.* FROM funding f SEMI JOIN touched_wallets USING"
            " (chain_id, address)",
        }
        rows = link_rows(transaction, "funding", facts)
        _delete(transaction, "funding", "chain_id, address", "touched_wallets")
        written += transaction.append("funding", rows)
    if touched.has_vaults:
        register_currencies(transaction)
        register_books(transaction)
        written += sum(replace_link(transaction, name) for name in VAULT_TABLES)
    if touched.has_creators:
        written += replace_link(transaction, "labels")
    return written + relink_own(transaction, touched.own)


def _relink_tokens(transaction: Transaction) -> int:
    """Sales, tokens and traits, of the touched tokens."""
    by_token = {name: f"SELECT * FROM {name} {_BY_TOKEN}" for name in _OF_TOKENS}
    by_token["settled_sales"] += f" UNION ALL {OPEN_SALES}"
    register_currencies(transaction)
    register_texts(transaction, over(by_token, METADATA_URIS))
    written = 0
    for name in ("sales", "tokens", "token_traits"):
        rows = link_rows(transaction, name, by_token)
        _delete(transaction, name, _ITEM, "touched_tokens")
        if name == "sales":
            _delete(transaction, name, "chain_id, sale_id", "touched_open")
        written += transaction.append(name, rows)
    return written


def _relink_loans(transaction: Transaction) -> int:
    """The touched loans, out of their events and those of loans in the same transactions."""
    register_currencies(transaction)
    # A loan that closes where another is opened on its token is the parent of that.
    transaction.execute(
        "CREATE OR REPLACE TEMP TABLE told_loans AS"
        " SELECT DISTINCT n.chain_id, n.loan_uid FROM loan_events n SEMI JOIN ("
        " SELECT e.chain_id, e.tx_hash FROM loan_events e"
        " SEMI JOIN touched_loans USING (chain_id, loan_uid)) USING (chain_id, tx_hash)"
    )
    told = "SELECT * FROM loan_events SEMI JOIN told_loans USING (chain_id, loan_uid)"
    facts = {
        "loan_events": told,
        "sales": "SELECT s.* FROM sales s SEMI JOIN"
        f" (SELECT chain_id, collection FROM ({told})) USING (chain_id, collection)",
    }
    rows = transaction.query(
        f"SELECT * FROM ({over(facts, SELECTS['loans'])})"
        " SEMI JOIN touched_loans USING (chain_id, loan_uid)"
    )
    _delete(transaction, "loans", "chain_id, loan_uid", "touched_loans")
    return transaction.append("loans", rows)


def _delete(transaction: Transaction, name: str, key: str, touched: str) -> None:
    transaction.execute(f"DELETE FROM {name} WHERE ({key}) IN (SELECT ({key}) FROM {touched})")
