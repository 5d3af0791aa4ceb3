"""Questions about the studio: briefs, works, and what became of them on chain."""

from __future__ import annotations

import polars as pl

from dashboard.queries.scope import Source


def briefs(source: Source) -> pl.DataFrame:
    """Briefs, newest first: brief_id, created_at, chain_id, lines, works, made."""
    return source.query("""
        SELECT b.brief_id, max(b.created_at) AS created_at, any_value(b.chain_id) AS chain_id,
          count(*) AS lines, CAST(sum(b.works) AS BIGINT) AS works,
          (SELECT count(*) FROM works w WHERE w.brief_id = b.brief_id) AS made
        FROM briefs b GROUP BY b.brief_id ORDER BY created_at DESC, b.brief_id""")


_WORK_STATE = """
WITH minted AS (
  SELECT w.*, t.chain_id, t.collection, t.token_id, t.owner, t.minted_at
  FROM works w LEFT JOIN tokens t ON t.manifest = w.work_id
  WHERE w.brief_id = $brief
  QUALIFY row_number() OVER (PARTITION BY w.work_id ORDER BY t.minted_at) = 1
), state AS (
  SELECT m.*, p.tx_hash AS mint_tx,
    (SELECT max(l.block_time) FROM listings l WHERE l.event = 'listed' AND l.chain_id = m.chain_id
      AND l.collection = m.collection AND l.token_id = m.token_id) AS listed_at,
    (SELECT min(s.block_time) FROM sales s WHERE s.chain_id = m.chain_id
      AND s.collection = m.collection AND s.token_id = m.token_id) AS sold_at,
    (SELECT arg_min(s.price_wei, s.block_time) FROM sales s WHERE s.chain_id = m.chain_id
      AND s.collection = m.collection AND s.token_id = m.token_id) AS sold_wei
  FROM minted m LEFT JOIN provenance_events p
    ON p.manifest = m.work_id AND p.event = 'minted' AND p.chain_id = m.chain_id
  QUALIFY row_number() OVER (PARTITION BY m.work_id ORDER BY p.block_number) = 1
)
"""


def brief_lines(source: Source, brief_id: str) -> pl.DataFrame:
    """Lines of a brief with what became of them: style, works, price_wei, …, made, minted, sold."""
    return source.query(
        _WORK_STATE
        + """, done AS (
          SELECT line, count(*) AS made, count(token_id) AS minted, count(listed_at) AS listed,
            count(sold_at) AS sold, sum(sold_wei) AS sold_wei
          FROM state GROUP BY line
        ) SELECT b.line, b.style, b.works, b.price_wei, b.expected_sales, b.lo_80, b.hi_80, b.model,
          b.reason, coalesce(d.made, 0) AS made, coalesce(d.minted, 0) AS minted,
          coalesce(d.listed, 0) AS listed, coalesce(d.sold, 0) AS sold, d.sold_wei
        FROM briefs b LEFT JOIN done d USING (line) WHERE b.brief_id = $brief ORDER BY b.line""",
        {"brief": brief_id},
    )


def brief_works(source: Source, brief_id: str) -> pl.DataFrame:
    """Works of a brief with their place on chain: columns of `works`, token, listed_at, sold_at."""
    return source.query(
        _WORK_STATE + "SELECT * FROM state ORDER BY line, seed", {"brief": brief_id}
    )


def run_seed(source: Source, run_id: str) -> str | None:
    """The seed that a run of `generate` recorded; None if it recorded none."""
    rows = source.query(
        "SELECT json_extract_string(details, '$.seed') FROM runs WHERE run_id = ?", [run_id]
    )
    return rows.item() if rows.height else None
