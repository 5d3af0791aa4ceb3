"""Clean and flagged volume by day and marketplace."""

import polars as pl

_KEYS = ("chain_id", "day", "marketplace")


def daily_volume(sales: pl.DataFrame) -> pl.DataFrame:
    """Sales and volume per day and marketplace, clean beside flagged.

    Needs chain_id, block_time (UTC), marketplace, price_wei, price_eth, is_wash. Sales in a
    currency without an ETH value (price_eth NULL) are counted but add no volume. Out, sorted by
    chain_id, day, marketplace: sales, clean_sales, flagged_sales, volume_wei, clean_volume_wei,
    flagged_volume_wei (exact) and clean_volume_eth, flagged_volume_eth (for display).
    """
    wei = pl.when(pl.col("price_eth").is_not_null()).then(pl.col("price_wei"))
    flagged = pl.col("is_wash")
    return (
        sales.lazy()
        .with_columns(day=pl.col("block_time").dt.date(), wei=wei)
        .group_by(_KEYS)
        .agg(
            sales=pl.len().cast(pl.Int64),
            clean_sales=(~flagged).sum().cast(pl.Int64),
            flagged_sales=flagged.sum().cast(pl.Int64),
            volume_wei=pl.col("wei").sum(),
            clean_volume_wei=pl.col("wei").filter(~flagged).sum(),
            flagged_volume_wei=pl.col("wei").filter(flagged).sum(),
            clean_volume_eth=pl.col("price_eth").filter(~flagged).sum(),
            flagged_volume_eth=pl.col("price_eth").filter(flagged).sum(),
        )
        .sort(_KEYS)
        .collect()
    )
