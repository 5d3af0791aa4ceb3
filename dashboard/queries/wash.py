"""Questions about noise: what the rules flag, and what is left without it."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from dashboard.queries.scope import ORDER, RULES, SALES, THE_BEGINNING, Scope, Source


def wash_rules(source: Source, scope: Scope) -> pl.DataFrame:
    """What each rule says in the scope: rule, sales and volume it flags, sales not evaluated."""
    parts = " UNION ALL ".join(
        f"""SELECT '{rule}' AS rule, {place} AS place, count(*) FILTER ({rule}) AS sales,
        coalesce(sum(price) FILTER ({rule}), 0) AS volume,
        count(*) FILTER ({rule} IS NULL) AS not_evaluated, count(*) AS all_sales FROM scoped"""
        for place, rule in enumerate(RULES)
    )
    return source.query(SALES + parts + " ORDER BY place", scope.bound).drop("place")


def wash_by_style(source: Source, scope: Scope) -> pl.DataFrame:
    """Volume before and after the rules: style, clean, flagged, raw_rank, clean_rank."""
    return source.query(
        SALES
        + """, totals AS (
          SELECT coalesce(style, '') AS style,
            coalesce(sum(price) FILTER (NOT flagged), 0) AS clean,
            coalesce(sum(price) FILTER (flagged), 0) AS flagged
          FROM scoped GROUP BY 1
        ) SELECT style, clean, flagged, rank() OVER (ORDER BY clean + flagged DESC) AS raw_rank,
          rank() OVER (ORDER BY clean DESC) AS clean_rank
        FROM totals ORDER BY clean + flagged DESC, style""",
        scope.bound,
    )


def artist_breadth(source: Source, scope: Scope, min_sales: int) -> pl.DataFrame:
    """Artists with enough clean sales: creator, style, n, volume, volume_percentile, breadth."""
    return source.query(
        SALES
        + """, artists AS (
          SELECT creator, mode(style) AS style, count(*) FILTER (NOT flagged) AS n,
            coalesce(sum(price), 0) AS volume,
            coalesce(sum(price) FILTER (flagged), 0) / nullif(sum(price), 0) AS flagged_share,
            count(DISTINCT buyer) FILTER (NOT flagged) AS buyers
          FROM scoped WHERE creator IS NOT NULL GROUP BY creator
        ) SELECT *, 100 * percent_rank() OVER (ORDER BY volume) AS volume_percentile,
          buyers / nullif(n, 0) AS breadth
        FROM artists QUALIFY n >= $enough ORDER BY breadth DESC, volume, creator""",
        {**scope.bound, "enough": min_sales},
    )


def flagged_sales(source: Source, scope: Scope, limit: int | None = None) -> pl.DataFrame:
    """Flagged sales with the rules that hold and the counter-trades, dearest first."""
    cut = f"LIMIT {int(limit)}" if limit else ""
    return source.query(
        SALES
        + f"""SELECT block_time, collection, token_id, name, style, price, seller, buyer, rules,
          counter_sale_ids, sale_id, tx_hash
        FROM scoped WHERE flagged ORDER BY price DESC NULLS LAST, sale_id {cut}""",
        scope.bound,
    )


def sales_by_id(source: Source, chain_id: int, sale_ids: list[str], ccy: str) -> pl.DataFrame:
    """Named sales, whatever the window: time, work, seller, buyer, price, rules, tx_hash."""
    return source.query(
        SALES
        + f"""SELECT block_time, name, token_id, seller, buyer, price, rules, sale_id, tx_hash
        FROM scoped WHERE list_contains($ids, sale_id) {ORDER}""",
        {
            "chain": chain_id,
            "since": THE_BEGINNING,
            "until": datetime.max,
            "ccy": ccy,
            "wash": "show",
            "ids": sale_ids,
        },
    )
