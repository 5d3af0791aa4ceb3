"""Realised floor: what the cheapest clean sales of a rolling window really paid.

Asks are signed off chain and cannot be indexed, so the floor shown is one of sales. Tensor's
method is the model: drop sales far under the rolling median, then a low quantile, not the minimum.
"""

from datetime import date, timedelta

import polars as pl

WINDOW_DAYS = 30
FLOOR_QUANTILE = 0.05
OUTLIER_SHARE = 0.2
"""A sale under this share of the window's median is an accident or a gift, not a floor."""
_COLUMNS = (
    "chain_id",
    "scope",
    "scope_id",
    "day",
    "window_days",
    "realised_floor_eth",
    "median_eth",
    "n_sales",
)


def realised_floors(
    sales: pl.DataFrame, *, window_days: int = WINDOW_DAYS, last_day: date | None = None
) -> pl.DataFrame:
    """Realised floor by collection, by style and of the market, for every day with a window.

    `sales` needs chain_id, block_time, unit_price_eth (ETH), is_wash, and optionally collection
    and style; a scope whose column is absent or NULL is left out. Flagged and unpriced sales do
    not count. Out, sorted by chain_id, scope, scope_id, day: window_days, realised_floor_eth (5th
    percentile, linear, of the window's prices that reach 0.2 of its median), median_eth (median
    of the same prices), n_sales (their number). The window ends with `day` and includes it; days
    run to `last_day` (default: the last sale), and one without a sale in its window has no row.
    """
    clean = sales.filter(~pl.col("is_wash") & pl.col("unit_price_eth").is_not_null())
    days = clean.with_columns(day=pl.col("block_time").dt.date())
    end = last_day or days["day"].max()
    scopes = [
        _scope(days, scope, column, window_days)
        for scope, column in (
            ("collection", pl.col("collection")),
            ("style", pl.col("style")),
            ("market", pl.lit("all")),
        )
        if scope in days.columns or scope == "market"
    ]
    return (
        pl.concat(scopes)
        .filter(pl.col("day") <= pl.lit(end, dtype=pl.Date))
        .select(_COLUMNS)
        .sort("chain_id", "scope", "scope_id", "day")
        .collect()
    )


def _scope(days: pl.DataFrame, scope: str, scope_id: pl.Expr, window_days: int) -> pl.LazyFrame:
    reach = timedelta(days=window_days - 1)
    price = pl.col("unit_price_eth")
    kept = price.filter(price >= OUTLIER_SHARE * price.median())
    return (
        days.lazy()
        .with_columns(scope=pl.lit(scope), scope_id=scope_id.cast(pl.String))
        .filter(pl.col("scope_id").is_not_null())
        .sort("day")
        .group_by_dynamic(
            "day",
            every="1d",
            period=f"{window_days}d",
            offset=f"-{window_days - 1}d",
            group_by=["chain_id", "scope", "scope_id"],
        )
        .agg(
            realised_floor_eth=kept.quantile(FLOOR_QUANTILE, "linear"),
            median_eth=kept.median(),
            n_sales=kept.len().cast(pl.Int64),
        )
        .filter(pl.col("n_sales") > 0)
        .with_columns(day=pl.col("day") + reach, window_days=pl.lit(window_days, dtype=pl.Int64))
    )
