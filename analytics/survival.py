"""Kaplan-Meier: the share sold within so many days, honest about works still for sale."""

import polars as pl


def sold_within(spells: pl.DataFrame, days: float, by: tuple[str, ...]) -> pl.DataFrame:
    """Share sold within `days` of being listed, per group: columns of `by`, sold_share, spells.

    Needs the columns of `by`, duration_days (time for sale) and is_sold (False: still for sale
    or withdrawn at that age, i.e. right-censored). sold_share = 1 - S(days), where
    S(t) = prod over sale ages u <= t of (1 - sold(u) / at risk(u)); among equal ages, sales come
    before censoring. NULL where nobody was followed that long and some were still for sale.
    Source: Kaplan and Meier, JASA 53 (1958), equation 2b.
    """
    ages = (
        spells.lazy()
        .group_by(*by, "duration_days")
        .agg(sold=pl.col("is_sold").sum(), left=pl.len())
        .sort(*by, "duration_days")
        .with_columns(at_risk=pl.col("left").cum_sum(reverse=True).over(by))
    )
    surviving = 1 - pl.col("sold") / pl.col("at_risk")
    early = pl.col("duration_days") <= days
    return (
        ages.group_by(by)
        .agg(
            survival=surviving.filter(early).product(),
            longest=pl.col("duration_days").max(),
            spells=pl.col("left").sum().cast(pl.Int64),
        )
        .with_columns(
            sold_share=pl.when((pl.col("longest") >= days) | (pl.col("survival") == 0)).then(
                1 - pl.col("survival")
            )
        )
        .select(*by, "sold_share", "spells")
        .sort(by)
        .collect()
    )


def listing_spells(
    listings: pl.DataFrame, sales: pl.DataFrame, index_times: pl.DataFrame
) -> pl.DataFrame:
    """Spells for sale: from a listing to the sale, cancellation, expiry or end of the index.

    `listings` needs chain_id, collection, token_id, event (listed, cancelled), block_time,
    block_number, log_index, end_time; `sales` the same place columns and is_wash; `index_times`
    chain_id and indexed_to (time of the newest block). A listing over a listing (a new price)
    continues its spell. Only a clean sale counts as sold; a flagged one censors. Out: chain_id,
    collection, token_id, duration_days, is_sold.
    """
    token = ["chain_id", "collection", "token_id"]
    place = ["block_time", "block_number", "log_index"]
    sold = sales.select(
        *token,
        *place,
        event=pl.when(pl.col("is_wash")).then(pl.lit("flagged")).otherwise(pl.lit("sold")),
        end_time=pl.lit(None, dtype=pl.Datetime("us")),
    )
    events = pl.concat([listings.select(*token, *place, "event", "end_time"), sold])
    is_open = pl.col("event") == "listed"
    spells = (
        events.lazy()
        .sort(*token, *place)
        .with_columns(before=pl.col("event").shift(1).over(token))
        .with_columns(
            spell=(is_open & (pl.col("before") != "listed").fill_null(value=True))
            .cum_sum()
            .over(token)
        )
        .filter(pl.col("spell") > 0)
    )
    first_end = pl.col("event").filter(~is_open).first()
    until = pl.col("block_time").filter(~is_open).first()
    return (
        spells.group_by(*token, "spell", maintain_order=True)
        .agg(
            start=pl.col("block_time").first(),
            ended_by=first_end,
            ended_at=until,
            expires=pl.col("end_time").filter(is_open).last(),
        )
        .join(index_times.lazy(), on="chain_id", how="left", maintain_order="left")
        .with_columns(closed=pl.min_horizontal("expires", "indexed_to"))
        .with_columns(in_time=(pl.col("ended_at") <= pl.col("closed")).fill_null(value=False))
        .with_columns(
            end=pl.when("in_time").then("ended_at").otherwise("closed"),
            is_sold=pl.col("in_time") & (pl.col("ended_by") == "sold"),
        )
        .select(
            *token,
            duration_days=(pl.col("end") - pl.col("start")).dt.total_seconds() / 86_400,
            is_sold=pl.col("is_sold").fill_null(value=False),
        )
        .collect()
    )
