"""Questions about styles: which sell, at what price, and how steadily."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from dashboard.queries.scope import SALES, Scope, Source


def style_signals(source: Source, chain_id: int) -> pl.DataFrame:
    """Table `styles` of a chain, best clean volume first."""
    return source.query(
        """SELECT * EXCLUDE (run_id) FROM styles WHERE chain_id = ?
        ORDER BY clean_volume_eth DESC, style""",
        [chain_id],
    )


def style_weeks(source: Source, chain_id: int, since: datetime) -> pl.DataFrame:
    """Table `style_sales` of a chain from the week of `since` on."""
    return source.query(
        """SELECT * EXCLUDE (run_id) FROM style_sales
        WHERE chain_id = ? AND week >= date_trunc('week', CAST(? AS TIMESTAMP))
        ORDER BY style, week""",
        [chain_id, since],
    )


def style_prices(source: Source, scope: Scope) -> pl.DataFrame:
    """Unit prices per style in the scope: style, n, low (q25), median_price, high (q75), market."""
    return source.query(
        SALES
        + """SELECT style, count(*) AS n, quantile_cont(unit_price, 0.25) AS low,
          median(unit_price) AS median_price, quantile_cont(unit_price, 0.75) AS high,
          (SELECT median(unit_price) FROM scoped WHERE counted AND unit_price > 0) AS market
        FROM scoped WHERE counted AND unit_price > 0 AND style IS NOT NULL
        GROUP BY style ORDER BY median_price""",
        scope.bound,
    )
