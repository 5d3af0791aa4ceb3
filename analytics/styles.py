"""Which styles sell: sales by style and week, and one row of signals per style."""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from analytics.enrich import with_style
from analytics.survival import listing_spells, sold_within

SELL_THROUGH_DAYS = 28
RECENT_WEEKS = 4
EARLIER_WEEKS = 12
_STYLE = ("chain_id", "style")
_WEEK = (*_STYLE, "week")


@dataclass(frozen=True)
class Market:
    """What the style signals rest on.

    sales: the `sales` table with is_wash and style; tokens and listings: those tables;
    index_times: chain_id, indexed_to (time of the newest indexed block, UTC).
    """

    sales: pl.DataFrame
    tokens: pl.DataFrame
    listings: pl.DataFrame
    index_times: pl.DataFrame


def style_sales(market: Market) -> pl.DataFrame:
    """Sales by style and ISO week (its Monday), zero weeks included, sorted by chain, style, week.

    Out: is_complete (the index reaches past Sunday), sales, clean_sales, volume_wei and
    clean_volume_wei (exact; sales without an ETH value add none), median_price_eth (clean, per
    sale; NULL in a week without), buyers (distinct, clean), mints. A style's weeks run from its
    first mint or sale to the week the index ends in.
    """
    weekly = _weekly_sales(market.sales).join(
        _weekly_mints(market.tokens), on=_WEEK, how="full", coalesce=True
    )
    counts = ["sales", "clean_sales", "volume_wei", "clean_volume_wei", "buyers", "mints"]
    return (
        _week_grid(weekly, market.index_times)
        .join(weekly, on=_WEEK, how="left")
        .with_columns(pl.col(counts).fill_null(0))
        .select(
            *_WEEK,
            "is_complete",
            "sales",
            "clean_sales",
            "volume_wei",
            "clean_volume_wei",
            "median_price_eth",
            "buyers",
            "mints",
        )
        .sort(_WEEK)
        .collect()
    )


def style_signals(market: Market, weekly: pl.DataFrame) -> pl.DataFrame:
    """One row per style over the whole index, sorted by chain and style; see the `styles` table.

    `weekly` is the output of style_sales. breadth = distinct buyers / clean sales; buyer_hhi =
    10,000 times the sum of squared buyer shares of clean sales; momentum = share of the market's
    clean sales in the last 4 complete weeks over the share in the 12 before, NULL without 16
    weeks or without sales to compare; sell_through by Kaplan-Meier over listing spells.
    """
    minted = market.tokens.lazy().filter(pl.col("style").is_not_null())
    works = minted.group_by(_STYLE).agg(works=pl.len().cast(pl.Int64))
    frames = [_sold_signals(market.sales), _listed_signals(market), _momentum(weekly)]
    styles = pl.concat(
        [
            works.select(_STYLE),
            market.sales.lazy().filter(pl.col("style").is_not_null()).select(_STYLE),
        ]
    ).unique()
    joined = styles.join(works, on=_STYLE, how="left")
    for frame in frames:
        joined = joined.join(frame, on=_STYLE, how="left")
    counts = ["works", "listed", "sold", "clean_sales", "buyers"]
    volumes = ["clean_volume_eth", "flagged_volume_eth"]
    return (
        joined.with_columns(pl.col(counts).fill_null(0), pl.col(volumes).fill_null(0.0))
        .select(
            *_STYLE,
            "works",
            "listed",
            "sold",
            "sell_through",
            "clean_sales",
            *volumes,
            "median_price_eth",
            "buyers",
            "breadth",
            "buyer_hhi",
            "momentum",
        )
        .sort(_STYLE)
        .collect()
    )


def _weekly_sales(sales: pl.DataFrame) -> pl.LazyFrame:
    wei = pl.when(pl.col("price_eth").is_not_null()).then(pl.col("price_wei"))
    clean = ~pl.col("is_wash")
    return (
        sales.lazy()
        .filter(pl.col("style").is_not_null())
        .with_columns(week=pl.col("block_time").dt.truncate("1w").dt.date(), wei=wei)
        .group_by(_WEEK)
        .agg(
            sales=pl.len().cast(pl.Int64),
            clean_sales=clean.sum().cast(pl.Int64),
            volume_wei=pl.col("wei").sum(),
            clean_volume_wei=pl.col("wei").filter(clean).sum(),
            median_price_eth=pl.col("price_eth").filter(clean).median(),
            buyers=pl.col("buyer").filter(clean).n_unique().cast(pl.Int64),
        )
    )


def _weekly_mints(tokens: pl.DataFrame) -> pl.LazyFrame:
    return (
        tokens.lazy()
        .filter(pl.col("style").is_not_null() & pl.col("minted_at").is_not_null())
        .with_columns(week=pl.col("minted_at").dt.truncate("1w").dt.date())
        .group_by(_WEEK)
        .agg(mints=pl.len().cast(pl.Int64))
    )


def _week_grid(weekly: pl.LazyFrame, index_times: pl.DataFrame) -> pl.LazyFrame:
    last_week = pl.col("indexed_to").dt.truncate("1w").dt.date()
    whole_week = timedelta(days=7)
    return (
        weekly.group_by(_STYLE)
        .agg(first=pl.col("week").min())
        .join(index_times.lazy(), on="chain_id", how="inner")
        .with_columns(week=pl.date_ranges("first", last_week, interval="1w"))
        .explode("week")
        .filter(pl.col("week").is_not_null())
        .with_columns(
            is_complete=pl.col("indexed_to") >= pl.col("week").cast(pl.Datetime("us")) + whole_week
        )
        .select(*_WEEK, "is_complete")
    )


def _sold_signals(sales: pl.DataFrame) -> pl.LazyFrame:
    clean = ~pl.col("is_wash")
    per_buyer = (
        sales.lazy()
        .filter(clean & pl.col("style").is_not_null())
        .group_by(*_STYLE, "buyer")
        .agg(bought=pl.len())
    )
    concentration = per_buyer.group_by(_STYLE).agg(
        buyers=pl.len().cast(pl.Int64),
        buyer_hhi=10_000 * ((pl.col("bought") / pl.col("bought").sum()) ** 2).sum(),
    )
    token = pl.struct("collection", "token_id")
    return (
        sales.lazy()
        .filter(pl.col("style").is_not_null())
        .group_by(_STYLE)
        .agg(
            sold=token.filter(clean).n_unique().cast(pl.Int64),
            clean_sales=clean.sum().cast(pl.Int64),
            clean_volume_eth=pl.col("price_eth").filter(clean).sum(),
            flagged_volume_eth=pl.col("price_eth").filter(~clean).sum(),
            median_price_eth=pl.col("price_eth").filter(clean).median(),
        )
        .join(concentration, on=_STYLE, how="left")
        .with_columns(
            breadth=pl.when(pl.col("clean_sales") > 0).then(
                pl.col("buyers") / pl.col("clean_sales")
            )
        )
    )


def _listed_signals(market: Market) -> pl.LazyFrame:
    listed = with_style(market.listings, market.tokens).filter(
        pl.col("style").is_not_null() & (pl.col("event") == "listed")
    )
    spells = listing_spells(market.listings, market.sales, market.index_times)
    styled = with_style(spells, market.tokens).filter(pl.col("style").is_not_null())
    shares = sold_within(styled, SELL_THROUGH_DAYS, _STYLE)
    return (
        listed.lazy()
        .group_by(_STYLE)
        .agg(listed=pl.struct("collection", "token_id").n_unique().cast(pl.Int64))
        .join(shares.lazy().rename({"sold_share": "sell_through"}), on=_STYLE, how="left")
        .drop("spells")
    )


def _momentum(weekly: pl.DataFrame) -> pl.LazyFrame:
    complete = weekly.lazy().filter("is_complete")
    age = (pl.col("week").max().over("chain_id") - pl.col("week")).dt.total_days() // 7
    aged = complete.with_columns(age=age)
    weeks = aged.group_by("chain_id").agg(weeks=pl.col("age").max() + 1)
    recent = pl.col("age") < RECENT_WEEKS
    earlier = ~recent & (pl.col("age") < RECENT_WEEKS + EARLIER_WEEKS)
    sales = pl.col("clean_sales")
    per_style = aged.group_by(_STYLE).agg(
        recent=sales.filter(recent).sum(), earlier=sales.filter(earlier).sum()
    )
    recent_share = pl.col("recent") / pl.col("recent").sum().over("chain_id")
    earlier_share = pl.col("earlier") / pl.col("earlier").sum().over("chain_id")
    ratio = recent_share / earlier_share
    enough = pl.col("weeks") >= RECENT_WEEKS + EARLIER_WEEKS
    return per_style.join(weeks, on="chain_id").select(
        *_STYLE, momentum=pl.when(enough & ratio.is_finite()).then(ratio)
    )
