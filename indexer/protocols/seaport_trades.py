"""Seaport orders joined into trades, and the tokens that change hands in each."""

from collections.abc import Mapping

import polars as pl

from data.units import NATIVE, ZERO_ADDRESS
from indexer.abi import Decoded
from indexer.protocols.matching import assign_by_amount, connect

FIRST_TOKEN_TYPE = 2
"""Item types: 0 native, 1 ERC-20, 2 ERC-721, 3 ERC-1155."""

MOST_MONEY = 9.0e37
"""Sums above this might not fit DECIMAL(38,0)."""


# --- orders and trades


def read_orders(events: Mapping[str, Decoded]) -> pl.DataFrame:
    """Orders with `group`: orders of one group were filled against each other.

    `is_single` tells that an order is a group of its own.
    """
    orders = events["OrderFulfilled"].rows.with_columns(pl.col("row").cast(pl.Int64))
    by_event = _matched_groups(orders, events.get("OrdersMatched"))
    is_open = (pl.col("recipient") == ZERO_ADDRESS) & pl.col("match").is_null()
    return (
        orders.join(by_event, on="row", how="left")
        .with_columns(
            pl.when(pl.col("match").is_not_null())
            .then(pl.concat_str(pl.lit("match"), "block_hash", "match", separator=":"))
            # Before 1.4 there is no OrdersMatched; a zero recipient marks matched orders.
            .when(is_open)
            .then(pl.concat_str(pl.lit("open"), "block_hash", "tx_hash", "address", separator=":"))
            .otherwise(pl.concat_str(pl.lit("single"), "row", separator=":"))
            .alias("group"),
            (pl.col("match").is_null() & ~is_open).alias("is_single"),
        )
        .drop("match")
    )


def _matched_groups(orders: pl.DataFrame, matched: Decoded | None) -> pl.DataFrame:
    """`row` of each matched order and `match`, the log index of its OrdersMatched."""
    if matched is None:
        return pl.DataFrame(schema={"row": pl.Int64, "match": pl.Int64})
    same = ["block_hash", "tx_hash", "address"]
    named = (
        matched.items["orderHashes"]
        .group_by("row", "value")
        .len("times")
        .join(matched.rows.select("row", *same, pl.col("log_index").alias("match")), on="row")
        .drop("row")
        .rename({"value": "orderHash"})
    )
    before = orders.select("row", *same, "orderHash", "log_index").join(
        named, on=[*same, "orderHash"]
    )
    # An order filled in several calls belongs, each time, to the next OrdersMatched; one call may
    # name it several times.
    return (
        before.filter(pl.col("log_index") < pl.col("match"))
        .filter(pl.col("match") == pl.col("match").min().over("row"))
        .filter(
            pl.col("log_index").rank("ordinal", descending=True).over("match", "orderHash", *same)
            <= pl.col("times")
        )
        .select("row", "match")
    )


def read_items(orders: Decoded) -> pl.DataFrame:
    """All items of all orders: row, side, item, party, kind of asset, amount.

    `party` is who gives (offer) or who gets (consideration).
    """
    given = orders.items["offer"].join(orders.rows.select("row", "offerer"), on="row")
    parts = [
        given.rename({"offerer": "party"}).with_columns(pl.lit("offer").alias("side")),
        orders.items["consideration"]
        .rename({"recipient": "party"})
        .with_columns(pl.lit("consideration").alias("side")),
    ]
    is_token = pl.col("itemType") >= FIRST_TOKEN_TYPE
    return pl.concat(parts, how="diagonal").with_columns(
        pl.col("row").cast(pl.Int64),
        is_token.alias("is_token"),
        pl.when(pl.col("itemType") == 0)
        .then(pl.lit(NATIVE))
        .otherwise(pl.col("token"))
        .alias("token"),
    )


def join_trades(orders: pl.DataFrame, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Orders with `trade` (smallest row in it) and `size` (orders in it), and what is unclear.

    Within a group, orders that move the same token belong together. An order of money only joins
    the group's one trade, or the trade that lacks exactly its amount.
    """
    grouped = items.join(orders.select("row", "group"), on="row")
    edges = grouped.filter("is_token").select(
        pl.col("row").alias("node"), "group", "token", "identifier"
    )
    # All tokens of one order are one trade, because connect() also spreads over the node.
    labels = connect(edges).rename({"node": "row", "component": "trade"})
    labelled = orders.join(labels, on="row", how="left")
    per_group = labelled.group_by("group").agg(
        pl.col("trade").drop_nulls().n_unique().alias("n_trades"),
        pl.col("trade").min().alias("only_trade"),
    )
    by_amount = assign_by_amount(*_open_amounts(grouped, labelled)).rename(
        {"node": "row", "component": "paired"}
    )
    joined = (
        labelled.join(per_group, on="group")
        .join(by_amount, on="row", how="left")
        .with_columns(
            pl.coalesce(
                "trade",
                pl.when(pl.col("n_trades") == 1).then(pl.col("only_trade")),
                "paired",
            ).alias("trade")
        )
    )
    lost = joined.filter(pl.col("trade").is_null() & (pl.col("n_trades") > 1)).select("group")
    unclear = joined.join(lost, on="group", how="semi").select(
        "trade", pl.lit("matched orders cannot be told apart").alias("reason")
    )
    # What is left without a trade moved no token at all: an exchange of currencies, no sale.
    trades = joined.filter(pl.col("trade").is_not_null()).with_columns(
        pl.len().over("trade").alias("size"),
        pl.col("row").min().over("trade").alias("first_row"),
    )
    return trades.sort("row"), unclear.filter(pl.col("trade").is_not_null())


def _open_amounts(
    grouped: pl.DataFrame, labelled: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    sign = pl.when(pl.col("side") == "offer").then(1).otherwise(-1).cast(pl.Int128)
    money = (
        grouped.filter(~pl.col("is_token"))
        .join(labelled.select("row", "trade"), on="row")
        .with_columns((sign * pl.col("amount").cast(pl.Int128)).alias("offered"))
    )
    givers = (
        money.filter(pl.col("trade").is_null())
        .group_by("group", pl.col("token").alias("currency"), pl.col("row").alias("node"))
        .agg(pl.col("offered").sum().alias("amount"))
    )
    takers = (
        money.filter(pl.col("trade").is_not_null())
        .group_by("group", pl.col("token").alias("currency"), pl.col("trade").alias("component"))
        .agg((0 - pl.col("offered").sum()).alias("amount"))
    )
    return givers, takers


# --- tokens


def join_tokens(trades: pl.DataFrame, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per token sold, with seller and buyer; and trades whose tokens are tangled.

    Offered and asked for: from the offerer to the receiver named. Only offered: to the order's
    recipient. Only asked for (a bid filled alone): from the order's recipient, who got the money.
    """
    receiver = pl.when(pl.col("recipient") != ZERO_ADDRESS).then(pl.col("recipient"))
    moved = items.filter("is_token").join(
        trades.select("row", "trade", receiver.alias("filler")), on="row"
    )
    same = ["trade", "token", "identifier"]
    sides = {
        side: moved.filter(pl.col("side") == side).select(
            *same, "row", "item", "itemType", "amount", "party", "filler"
        )
        for side in ("offer", "consideration")
    }
    pairs = sides["offer"].join(
        sides["consideration"], on=same, how="full", suffix="_asked", coalesce=True
    )
    n_offered = pl.struct("row", "item").n_unique().over(same)
    n_asked = pl.struct("row_asked", "item_asked").n_unique().over(same)
    is_tangled = (n_offered > 1) & (n_asked > 1)
    tangled = pairs.filter(is_tangled).select(
        "trade", pl.lit("one token is offered and asked for several times").alias("reason")
    )
    by_asked = pl.col("row_asked").is_not_null() & (n_offered == 1)
    amount = pl.when(by_asked).then(pl.col("amount_asked")).otherwise(pl.col("amount"))
    tokens = pairs.with_columns(
        pl.coalesce("party", "filler_asked").alias("seller"),
        pl.coalesce("party_asked", "filler").alias("buyer"),
        pl.coalesce(amount, "amount_asked").alias("quantity"),
        pl.coalesce("itemType", "itemType_asked").alias("itemType"),
        (pl.col("row") == pl.col("row_asked")).fill_null(value=False).alias("is_named_buyer"),
    ).sort(
        "trade", pl.coalesce("row", "row_asked"), pl.coalesce("item", "item_asked"), "item_asked"
    )
    return _with_place(tokens), tangled


def _with_place(tokens: pl.DataFrame) -> pl.DataFrame:
    placed = tokens.with_columns(
        pl.int_range(pl.len()).over("trade").alias("item_index"),
        pl.len().over("trade").alias("bundle_size"),
    )
    # Who both gives and gets tokens of a trade swaps; one token alone is never a swap.
    several = placed.filter((pl.col("bundle_size") > 1) & (pl.col("seller") != pl.col("buyer")))
    getters = placed.select("trade", pl.col("buyer").alias("seller"))
    swaps = several.join(getters, on=["trade", "seller"], how="semi")["trade"].unique()
    return placed.with_columns(
        pl.col("trade").is_in(swaps.implode()).alias("is_swap")
    ).with_row_index("item_key")
