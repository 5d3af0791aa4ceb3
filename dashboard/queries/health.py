"""Questions about the store itself: coverage, balance, quarantine, runs."""

from __future__ import annotations

import polars as pl

from dashboard.queries.scope import Source
from data.schema import TABLES


def row_counts(source: Source) -> pl.DataFrame:
    """Rows of every declared table: table, kind, rows."""
    parts = " UNION ALL ".join(
        f"SELECT '{name}' AS \"table\", '{declared.kind}' AS kind, count(*) AS rows FROM {name}"
        for name, declared in TABLES.items()
    )
    return source.query(parts)


def coverage(source: Source) -> pl.DataFrame:
    """Covered block spans, merged: chain_id, selection, from_block, to_block, ranges, logs, gap."""
    return source.query("""
        WITH reach AS (
          SELECT *, max(to_block) OVER (PARTITION BY chain_id, selection
            ORDER BY from_block, to_block ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS seen
          FROM ranges
        ), islands AS (
          SELECT *, sum(CASE WHEN seen IS NULL OR from_block > seen THEN 1 ELSE 0 END)
            OVER (PARTITION BY chain_id, selection ORDER BY from_block, to_block) AS island
          FROM reach
        ) SELECT chain_id, selection, min(from_block) AS from_block, max(to_block) AS to_block,
          count(*) AS ranges, CAST(sum(n_logs) AS BIGINT) AS logs,
          CAST(sum(n_requests) AS BIGINT) AS requests, max(committed_at) AS committed_at,
          min(from_block) - lag(max(to_block))
            OVER (PARTITION BY chain_id, selection ORDER BY min(from_block)) AS gap_before
        FROM islands GROUP BY chain_id, selection, island
        ORDER BY chain_id, selection, from_block""")


def residuals(source: Source) -> pl.DataFrame:
    """How the sales balance: chain_id, protocol, version, sales, balanced, off, unknown, share."""
    return source.query("""
        SELECT chain_id, protocol, version, count(*) AS sales,
          count(*) FILTER (residual_wei = 0) AS balanced,
          count(*) FILTER (residual_wei <> 0) AS off_by_some_wei,
          count(*) FILTER (residual_wei IS NULL) AS not_known,
          count(*) FILTER (residual_wei IS NULL) / count(*) AS not_known_share,
          mode(residual_reason) AS usual_reason
        FROM sales GROUP BY ALL ORDER BY sales DESC, protocol, version""")


def quarantined(source: Source) -> pl.DataFrame:
    """Logs set aside, by reason: chain_id, protocol, version, event, reason, logs, last_at."""
    return source.query("""
        SELECT chain_id, protocol, version, event, reason, count(*) AS logs,
          max(block_time) AS last_at
        FROM quarantine GROUP BY ALL ORDER BY logs DESC, reason""")


def runs(source: Source) -> pl.DataFrame:
    """The last runs: verb, finished_at, seconds, code_version, details, run_id."""
    return source.query("""
        SELECT verb, finished_at, epoch(finished_at - started_at) AS seconds, code_version, details,
          run_id
        FROM runs ORDER BY finished_at DESC LIMIT 50""")
