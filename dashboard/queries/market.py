"""Questions about the market as a whole: totals, dots, volume, leaders."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl

from dashboard.queries.scope import (
    BINS_PRICE,
    BINS_TIME,
    GROUPS,
    MAX_EXTREMES,
    MAX_ROWS,
    ORDER,
    SALES,
    Scope,
    Source,
)


def chains(source: Source) -> pl.DataFrame:
    """Chains, the one with most sales first: chain_id, sales, newest_block, newest_at."""
    return source.query("""
        WITH known AS (
          SELECT chain_id FROM ranges UNION SELECT chain_id FROM sales
          UNION SELECT chain_id FROM blocks
        ), heights AS (
          SELECT chain_id, max(block_number) AS block, max(block_time) AS newest_at
          FROM (SELECT chain_id, block_number, block_time FROM blocks
                UNION ALL SELECT chain_id, block_number, block_time FROM sales
                UNION ALL SELECT chain_id, block_number, block_time FROM transfers)
          GROUP BY chain_id
        ), sold AS (SELECT chain_id, count(*) AS sales FROM sales GROUP BY chain_id)
        SELECT k.chain_id, coalesce(s.sales, 0) AS sales, h.block AS newest_block,
          h.newest_at
        FROM known k LEFT JOIN heights h USING (chain_id) LEFT JOIN sold s USING (chain_id)
        ORDER BY sales DESC, k.chain_id""")


def market_totals(source: Source, scope: Scope) -> dict[str, Any]:
    """One row of figures over the scope: volumes, counts, median, shares, and what was left out."""
    return source.query(
        SALES
        + """SELECT coalesce(sum(price) FILTER (counted), 0) AS volume,
          coalesce(sum(price) FILTER (NOT flagged), 0) AS clean_volume,
          coalesce(sum(price) FILTER (flagged), 0) AS flagged_volume,
          coalesce(sum(price), 0) AS raw_volume,
          count(*) FILTER (counted) AS sales, count(*) AS raw_sales,
          count(*) FILTER (flagged) AS flagged_sales,
          median(unit_price) FILTER (counted AND unit_price > 0) AS median_price,
          count(DISTINCT buyer) FILTER (counted) AS buyers,
          count(DISTINCT seller) FILTER (counted) AS sellers,
          count(*) FILTER (price IS NULL) AS unpriced, count(*) FILTER (price <= 0) AS free,
          count(*) FILTER (NOT evaluated) AS unevaluated, min(block_time) AS first_at
        FROM scoped""",
        scope.bound,
    ).row(0, named=True)


def first_sale_at(source: Source, chain_id: int) -> datetime | None:
    """Time of the first sale of a chain."""
    rows = source.query("SELECT min(block_time) FROM sales WHERE chain_id = ?", [chain_id])
    first: datetime | None = rows.item()
    return first


def floors(source: Source, scope: Scope) -> pl.DataFrame:
    """Realised floor and rolling median of the market by day: day, window_days, n_sales, …_eth."""
    return source.query(
        """SELECT day, window_days, realised_floor_eth, median_eth, n_sales FROM floors
        WHERE chain_id = $chain AND scope = 'market' AND day >= CAST($since AS DATE)
          AND day <= CAST($until AS DATE) ORDER BY day""",
        {"chain": scope.chain_id, "since": scope.since, "until": scope.until},
    )


def sale_dots(source: Source, scope: Scope) -> pl.DataFrame:
    """The drawn sales with a price: time, unit_price, flagged, is_primary, style; may be long."""
    return source.query(
        SALES
        + f"""SELECT block_time AS time, unit_price, flagged, is_primary, style
        FROM scoped WHERE drawn AND unit_price > 0 {ORDER}""",
        scope.bound,
    )


def drawn_sales(source: Source, scope: Scope) -> int:
    """How many sales the dots would be."""
    rows = source.query(
        SALES + "SELECT count(*) FROM scoped WHERE drawn AND unit_price > 0", scope.bound
    )
    return int(rows.item())


def sale_density(source: Source, scope: Scope) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sales binned by time and log price (time, log_price, sales), and the extreme ones as dots."""
    limits = """, drawn AS (
          SELECT block_time AS time, unit_price, flagged, is_primary, style, sale_id,
            log10(unit_price) AS log_price, epoch(block_time) AS epoch_s
          FROM scoped WHERE drawn AND unit_price > 0
        ), edges AS (
          SELECT min(epoch_s) AS t0,
            greatest(max(epoch_s) - min(epoch_s), 1) AS t_span, min(log_price) AS p0,
            greatest(max(log_price) - min(log_price), 1e-9) AS p_span,
            quantile_cont(unit_price, 0.01) AS low, quantile_cont(unit_price, 0.99) AS high,
            median(log_price) AS middle
          FROM drawn
        )"""
    cells = source.query(
        SALES
        + limits
        + f""", cells AS (
          SELECT least(floor((epoch_s - t0) / t_span * {BINS_TIME}), {BINS_TIME - 1}) AS i,
            least(floor((log_price - p0) / p_span * {BINS_PRICE}), {BINS_PRICE - 1}) AS j,
            count(*) AS sales
          FROM drawn, edges GROUP BY ALL
        ) SELECT make_timestamp(CAST((t0 + (i + 0.5) / {BINS_TIME} * t_span) * 1e6 AS BIGINT))
            AS time, p0 + (j + 0.5) / {BINS_PRICE} * p_span AS log_price, sales
        FROM cells, edges ORDER BY time, log_price""",
        scope.bound,
    )
    extremes = source.query(
        SALES
        + limits
        + f"""SELECT time, unit_price, flagged, is_primary, style FROM drawn, edges
        WHERE unit_price < low OR unit_price > high
        ORDER BY abs(log_price - middle) DESC, sale_id LIMIT {MAX_EXTREMES}""",
        scope.bound,
    )
    return cells, extremes


def daily_volume(source: Source, scope: Scope) -> pl.DataFrame:
    """Volume by day: day, clean, flagged (NULL-free), sales; flagged is 0 when hidden."""
    return source.query(
        SALES
        + """SELECT CAST(block_time AS DATE) AS day,
          coalesce(sum(price) FILTER (NOT flagged), 0) AS clean,
          coalesce(sum(price) FILTER (flagged AND drawn), 0) AS flagged,
          count(*) FILTER (counted) AS sales
        FROM scoped GROUP BY day ORDER BY day""",
        scope.bound,
    )


def leaders(source: Source, scope: Scope, group: str) -> pl.DataFrame:
    """Who leads by volume: leader, volume, sales, median_price, buyers, flagged_share, weekly."""
    return source.query(
        SALES
        + f""", named AS (SELECT *, {GROUPS[group]} AS leader FROM scoped
        ), top AS (
          SELECT leader, coalesce(sum(price) FILTER (counted), 0) AS volume,
            count(*) FILTER (counted) AS sales,
            median(unit_price) FILTER (counted AND unit_price > 0) AS median_price,
            count(DISTINCT buyer) FILTER (counted) AS buyers,
            coalesce(sum(price) FILTER (flagged), 0) / nullif(sum(price), 0) AS flagged_share
          FROM named GROUP BY leader ORDER BY volume DESC, leader LIMIT {MAX_ROWS}
        ), sold AS (
          SELECT leader, date_trunc('week', block_time) AS week, sum(price) AS volume
          FROM named SEMI JOIN top USING (leader) WHERE counted GROUP BY ALL
        ), weeks AS (SELECT DISTINCT date_trunc('week', block_time) AS week FROM named
        ), trend AS (
          SELECT t.leader, list(coalesce(s.volume, 0) ORDER BY w.week) AS weekly
          FROM top t CROSS JOIN weeks w
          LEFT JOIN sold s ON s.leader = t.leader AND s.week = w.week GROUP BY t.leader
        ) SELECT top.*, trend.weekly FROM top JOIN trend USING (leader)
        ORDER BY volume DESC, leader""",
        scope.bound,
    )


def royalty_rates(source: Source, scope: Scope) -> pl.DataFrame:
    """Royalties by marketplace, in the months that the window touches: the newest month first."""
    return source.query(
        """SELECT marketplace, month, currency, sales, sales_with_known_terms, volume_wei,
          effective_rate, owed_rate, owed_wei, paid_wei, gap_wei
        FROM royalty_rates WHERE chain_id = $chain
          AND month >= date_trunc('month', CAST($since AS DATE)) AND month <= $until
        ORDER BY month DESC, sales DESC, marketplace, currency""",
        {"chain": scope.chain_id, "since": scope.since, "until": scope.until},
    )


_SALE_COLUMNS = """block_time, chain_id, sale_id, collection, token_id, name, style, quantity,
  seller, buyer, marketplace, trade_kind, is_primary, currency, price_wei, price_eth, price_usd,
  platform_fee_wei, royalty_wei, flagged, rules, tx_hash"""


def sale_rows(source: Source, scope: Scope, limit: int | None = None) -> pl.DataFrame:
    """The drawn sales with everything an analyst exports, newest first; all of them by default."""
    cut = f"LIMIT {int(limit)}" if limit else ""
    return source.query(
        SALES
        + f"""SELECT {_SALE_COLUMNS} FROM scoped WHERE drawn
        ORDER BY block_number DESC, log_index DESC, item_index DESC {cut}""",
        scope.bound,
    )
