"""Questions about one work: who held it, what was paid, and what it was made from."""

from __future__ import annotations

from typing import Any

import polars as pl

from dashboard.queries.scope import Source

MAX_TOKENS = 300
"""Works offered for choosing; any other can be named by its key."""
MAX_NEIGHBOURS = 10
"""Works of a wallet, or children of a work, that the graph shows; the rest is a number."""

_AT = "chain_id = ? AND collection = ? AND token_id = ?"


def traded_tokens(source: Source, chain_id: int) -> pl.DataFrame:
    """Works of a chain, the most traded first: collection, token_id, name, style, sales."""
    return source.query(
        f"""SELECT t.collection, t.token_id, t.name, t.style, count(s.sale_id) AS sales
        FROM tokens t LEFT JOIN sales s USING (chain_id, collection, token_id)
        WHERE t.chain_id = ? GROUP BY t.collection, t.token_id, t.name, t.style
        ORDER BY sales DESC, t.collection, length(t.token_id), t.token_id LIMIT {MAX_TOKENS}""",
        [chain_id],
    )


def token(source: Source, chain_id: int, collection: str, token_id: str) -> dict[str, Any] | None:
    """The row of `tokens`, with the studio's picture where it made the work; None if unknown."""
    rows = source.query(
        f"""SELECT t.*, w.image_path, w.title, w.brief_id
        FROM tokens t LEFT JOIN works w ON w.work_id = t.manifest WHERE {_AT} LIMIT 1""",
        [chain_id, collection, token_id],
    )
    return rows.row(0, named=True) if rows.height else None


def holdings(source: Source, chain_id: int, collection: str, token_id: str) -> pl.DataFrame:
    """Who held an ERC-721 work: owner, since, until (NULL: still), kind, tx_hash."""
    return source.query(
        f"""SELECT to_address AS owner, block_time AS since,
          lead(block_time) OVER (ORDER BY block_number, log_index, item_index) AS until,
          kind, tx_hash
        FROM transfers WHERE {_AT} AND token_standard = 'erc721'
        ORDER BY block_number, log_index, item_index""",
        [chain_id, collection, token_id],
    )


def token_sales(source: Source, chain_id: int, collection: str, token_id: str) -> pl.DataFrame:
    """Sales of a work in order: time, seller, buyer, price_eth, price_usd, flagged, tx_hash."""
    return source.query(
        """SELECT s.block_time AS time, s.seller, s.buyer, s.price_wei, s.price_eth, s.price_usd,
          s.marketplace, s.royalty_wei, coalesce(f.is_wash, false) AS flagged, f.rules, s.sale_id,
          s.tx_hash
        FROM sales s LEFT JOIN wash_flags f USING (chain_id, sale_id)
        WHERE s.chain_id = ? AND s.collection = ? AND s.token_id = ?
        ORDER BY s.block_number, s.log_index, s.item_index""",
        [chain_id, collection, token_id],
    )


def events(source: Source, chain_id: int, collection: str, token_id: str) -> pl.DataFrame:
    """Everything the chain said of a work, in order: time, event, from, to, amount_wei, detail."""
    places = "block_number, log_index, item_index, block_time AS time"
    return source.query(
        f"""SELECT * EXCLUDE (item_index) FROM (
          SELECT {places}, kind AS event, from_address AS "from", to_address AS "to",
            NULL::DECIMAL(38,0) AS amount_wei, quantity || ' unit(s)' AS detail, tx_hash
          FROM transfers WHERE {_AT}
          UNION ALL SELECT {places}, 'sale', seller, buyer, price_wei, marketplace, tx_hash
          FROM sales WHERE {_AT}
          UNION ALL SELECT {places}, event, seller, NULL, price_wei, protocol, tx_hash
          FROM listings WHERE {_AT}
          UNION ALL SELECT {places}, 'royalty set', recipient, NULL, NULL, bps || ' bps', tx_hash
          FROM royalty_events WHERE {_AT}
          UNION ALL SELECT {places}, 'vault ' || event, account, vault, amount_wei,
            shares || ' shares', tx_hash
          FROM vault_events WHERE {_AT}
          UNION ALL SELECT {places}, 'lineage ' || event, account, NULL, NULL, manifest, tx_hash
          FROM provenance_events WHERE {_AT}
          UNION ALL SELECT {places}, 'parent declared', parent_collection, NULL, NULL,
            '#' || parent_token_id || ', ' || share_bps || ' bps', tx_hash
          FROM lineage_edges WHERE {_AT}
        ) ORDER BY block_number, log_index, item_index""",
        [chain_id, collection, token_id] * 7,
    )


def making(source: Source, chain_id: int, collection: str, token_id: str) -> dict[str, Any] | None:
    """What the mint declared: account, manifest, pixel_hash, model, dataset, process, seed."""
    rows = source.query(
        f"""SELECT account, manifest, pixel_hash, model, dataset, process, seed, block_time, tx_hash
        FROM provenance_events WHERE {_AT} AND event = 'minted' ORDER BY block_number LIMIT 1""",
        [chain_id, collection, token_id],
    )
    return rows.row(0, named=True) if rows.height else None


def relatives(source: Source, chain_id: int, collection: str, token_id: str) -> pl.DataFrame:
    """Declared parents and children: side, collection, token_id, relation, share_bps, name."""
    return source.query(
        f"""SELECT r.*, t.name FROM (
          SELECT 'parent' AS side, chain_id, parent_collection AS collection,
            parent_token_id AS token_id, relation, share_bps
          FROM lineage_edges WHERE {_AT}
          UNION ALL
          SELECT 'child', chain_id, collection, token_id, relation, share_bps FROM lineage_edges
          WHERE chain_id = ? AND parent_collection = ? AND parent_token_id = ?
        ) r LEFT JOIN tokens t USING (chain_id, collection, token_id)
        ORDER BY side DESC, length(token_id), token_id""",
        [chain_id, collection, token_id] * 2,
    )


def vault_of(source: Source, chain_id: int, collection: str, token_id: str) -> pl.DataFrame:
    """Vaults that hold or held the work: vault, curator, supply, opened_at, closed_at, state."""
    return source.query(
        """SELECT v.vault, v.curator, v.supply, v.opened_at, v.state,
          (SELECT max(e.block_time) FROM vault_events e WHERE e.chain_id = v.chain_id
            AND e.vault = v.vault AND e.event = 'redeemed' AND v.state = 'redeemed') AS closed_at
        FROM vaults v WHERE v.chain_id = ? AND v.collection = ? AND v.token_id = ?
        ORDER BY v.opened_at""",
        [chain_id, collection, token_id],
    )


def wallet(source: Source, chain_id: int, address: str) -> pl.DataFrame:
    """Works that a wallet holds, newest first: collection, token_id, name, style, total."""
    return source.query(
        f"""SELECT collection, token_id, name, style, count(*) OVER () AS total
        FROM tokens WHERE chain_id = ? AND owner = ? AND NOT is_burned
        ORDER BY minted_at DESC NULLS LAST, token_id LIMIT {MAX_NEIGHBOURS}""",
        [chain_id, address],
    )


def labels(source: Source, chain_id: int, addresses: list[str]) -> dict[str, str]:
    """Known names of addresses."""
    rows = source.query(
        "SELECT address, min(name) FROM labels WHERE chain_id = ? AND list_contains(?, address)"
        " GROUP BY address",
        [chain_id, addresses],
    )
    return {address: name for address, name in rows.iter_rows() if name}
