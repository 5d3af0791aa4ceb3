"""Questions about forecasts: the selected one of a series, its past, and how it was tested."""

from __future__ import annotations

from typing import Any

import polars as pl

from dashboard.queries.scope import Source


def forecast_series(source: Source, chain_id: int) -> pl.DataFrame:
    """Series with a selected forecast and how its model did: unique_id, style, target, model, …."""
    return source.query(
        """WITH chosen AS (
          SELECT unique_id, any_value(style) AS style, any_value(target) AS target,
            any_value(model) AS model, min(ds) AS first_week, max(ds) AS last_week
          FROM forecasts WHERE chain_id = ? AND selected GROUP BY unique_id
        ) SELECT c.*, b.n_windows, b.mae, b.mase, b.skill, b.coverage_80, b.coverage_95,
          b.beats_naive
        FROM chosen c LEFT JOIN forecast_backtests b
          ON b.chain_id = ? AND b.unique_id = c.unique_id AND b.model = c.model
        ORDER BY c.target, c.unique_id""",
        [chain_id, chain_id],
    )


def forecast(source: Source, chain_id: int, unique_id: str) -> pl.DataFrame:
    """The selected forecast of a series by week."""
    return source.query(
        """SELECT * EXCLUDE (run_id) FROM forecasts
        WHERE chain_id = ? AND unique_id = ? AND selected ORDER BY ds""",
        [chain_id, unique_id],
    )


def forecast_history(source: Source, chain_id: int, style: str | None, target: str) -> pl.DataFrame:
    """Complete weeks of a series as they happened: week, value, n (clean sales)."""
    value = "median_price_eth" if target == "median_price_eth" else "clean_sales"
    return source.query(
        f"""SELECT week, CAST({value} AS DOUBLE) AS value, clean_sales AS n FROM style_sales
        WHERE chain_id = ? AND style = ? AND is_complete ORDER BY week""",
        [chain_id, style or ""],
    )


def backtests(source: Source, chain_id: int, unique_id: str) -> pl.DataFrame:
    """How every model did on a series, best first."""
    return source.query(
        """SELECT * EXCLUDE (run_id, chain_id, unique_id) FROM forecast_backtests
        WHERE chain_id = ? AND unique_id = ? ORDER BY mae NULLS LAST, model""",
        [chain_id, unique_id],
    )


def last_run(source: Source, verb: str) -> dict[str, Any] | None:
    """The newest run of a verb: run_id, finished_at, code_version; None if there was none."""
    rows = source.query(
        """SELECT run_id, finished_at, code_version FROM runs WHERE verb = ?
        ORDER BY finished_at DESC LIMIT 1""",
        [verb],
    )
    return rows.row(0, named=True) if rows.height else None
