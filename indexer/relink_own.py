"""Links of our own contracts brought up to date: key by key, and what disputes and vaults touch."""

from dataclasses import dataclass
from typing import Any

from data.store import Transaction
from indexer.link import TAINT_TABLES, link_rows, replace_link
from indexer.link_own import OWN_KEYS, Keyed

_WITHIN = "chain_id = $chain AND block_number >= $start AND block_number < $until"
_REFUNDS = Keyed("refunds", ("chain_id", "contract", "account"), ("payouts",))
_TOUCHED_REFUNDS = f"""
SELECT DISTINCT chain_id, contract, account FROM payouts WHERE {_WITHIN}
UNION
-- What a contract paid counts from when on it is known to be a vault of ours.
SELECT chain_id, contract, account FROM payouts WHERE (chain_id, contract) IN (
    SELECT (chain_id, vault) FROM vault_events WHERE event = 'opened' AND {_WITHIN})
"""
_DISPUTED = f"""
SELECT EXISTS (FROM provenance_events WHERE protocol = 'raisonne' AND {_WITHIN})
    OR EXISTS (FROM lineage_edges WHERE {_WITHIN}) AS is_disputed
"""
CHARGES = """
SELECT chain_id, sale_id FROM vault_charges SEMI JOIN touched_tokens
USING (chain_id, collection, token_id)
UNION SELECT chain_id, sale_id FROM vault_charges SEMI JOIN touched_vaults USING (chain_id, vault)
"""
"""Openings and buyouts that the touched tokens and vaults bear on."""


@dataclass(frozen=True)
class TouchedOwn:
    """Which links of our contracts have touched keys, beside temporary tables of these."""

    links: tuple[str, ...]
    is_disputed: bool


def find_touched_own(transaction: Transaction, bounds: dict[str, Any]) -> TouchedOwn:
    """Remembers the keys that blocks bear on, in tables `touched_<link>`, and `touched_vaults`."""
    for each in OWN_KEYS:
        key = ", ".join(each.key)
        facts = " UNION ".join(
            f"SELECT {key} FROM {name} WHERE protocol = 'raisonne' AND {_WITHIN}"
            for name in each.facts
        )
        transaction.execute(f"CREATE OR REPLACE TEMP TABLE touched_{each.link} AS {facts}", bounds)
    transaction.execute(
        f"CREATE OR REPLACE TEMP TABLE touched_refunds AS {_TOUCHED_REFUNDS}", bounds
    )
    transaction.execute(
        "CREATE OR REPLACE TEMP TABLE touched_vaults AS SELECT DISTINCT chain_id, vault"
        f" FROM vault_events WHERE protocol = 'raisonne' AND {_WITHIN}",
        bounds,
    )
    counts = ", ".join(
        f"EXISTS (FROM touched_{each.link}) AS {each.link}" for each in (*OWN_KEYS, _REFUNDS)
    )
    found = transaction.query(f"SELECT {counts}").row(0, named=True)
    is_disputed = bool(transaction.query(_DISPUTED, bounds).item())
    return TouchedOwn(tuple(name for name, is_touched in found.items() if is_touched), is_disputed)


def relink_own(transaction: Transaction, touched: TouchedOwn) -> int:
    """Derives the rows of the touched keys anew; returns the rows written."""
    written = 0
    for each in (*OWN_KEYS, _REFUNDS):
        if each.link in touched.links:
            written += _relink(transaction, each)
    if touched.is_disputed:
        written += sum(replace_link(transaction, name) for name in TAINT_TABLES)
    return written


def _relink(transaction: Transaction, each: Keyed) -> int:
    key = ", ".join(each.key)
    keys = f"touched_{each.link}"
    parts = {name: f"SELECT * FROM {name} SEMI JOIN {keys} USING ({key})" for name in each.facts}
    rows = link_rows(transaction, each.link, parts)
    transaction.execute(f"DELETE FROM {each.link} WHERE ({key}) IN (SELECT ({key}) FROM {keys})")
    return transaction.append(each.link, rows)
