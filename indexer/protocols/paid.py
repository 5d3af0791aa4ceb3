"""What was paid for sales whose events name a price and no recipients."""

import polars as pl

from data.units import NATIVE
from indexer.protocols.base import Around
from indexer.protocols.sales import ITEM, LEG

_TX = ("block_hash", "tx_hash")
_GROUP = (*_TX, "address", "currency")
PAID = pl.Schema(
    {
        **{name: LEG[name] for name in ITEM},
        "recipient": pl.String(),
        "currency": pl.String(),
        "amount_wei": LEG["amount_wei"],
        "source": pl.String(),
        "is_on_top": pl.Boolean(),
    }
)
"""Payments by the sale that they are for, in order; those beyond its price are on top of it."""


def paid_in_order(sales: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Payments told apart by their order: the first that add up to a price are for that sale.

    A sale is left without payments where a boundary between prices falls into a payment, or where
    its seller is not among those paid. Only the last sale of a transaction may have payments on
    top; those back to the payer are left out.

    Args:
        sales: PLACE, item_index, address (who pays in native coin), payer (who pays in tokens),
            seller, currency, price (Int128).
        around: for its traces and ERC-20 transfers.

    Returns:
        The columns PAID.
    """
    order = ["log_index", "item_index"]
    price = pl.col("price").cast(pl.Float64)
    spans = (
        sales.select(*ITEM, "tx_hash", "address", "payer", "seller", "currency", "price")
        .sort("block_hash", *order)
        .with_columns(
            pl.col("price").cum_sum().over(_GROUP).alias("until"),
            price.sum().over(_GROUP).alias("total"),
            (pl.int_range(pl.len()).over(_GROUP) == pl.len().over(_GROUP) - 1).alias("is_last"),
        )
        .filter(pl.col("total") < 1e37)
        .with_columns((pl.col("until") - pl.col("price")).alias("since"))
    )
    moved = pl.concat([_native(spans, around), _tokens(spans, around)])
    amount = pl.col("amount_wei").cast(pl.Int128)
    moved = moved.filter(pl.col("amount_wei").cast(pl.Float64) < 1e37).with_columns(
        amount.cum_sum().over(_GROUP).alias("end")
    )
    begin = pl.col("end") - amount
    found = moved.join(spans, on=list(_GROUP)).filter(
        (begin < pl.col("until")) & (pl.col("end") > pl.col("since"))
        | pl.col("is_last") & (begin >= pl.col("until")) & (pl.col("recipient") != pl.col("payer"))
    )
    is_inside = (begin >= pl.col("since")) & (pl.col("end") <= pl.col("until"))
    is_on_top = pl.col("is_last") & (begin >= pl.col("until"))
    inside = pl.when(is_inside).then(amount).otherwise(0).sum().over(ITEM)
    has_seller = (is_inside & (pl.col("recipient") == pl.col("seller"))).any().over(ITEM)
    is_clean = (is_inside | is_on_top).all().over(ITEM)
    return (
        found.with_columns(is_on_top.alias("is_on_top"))
        .filter(is_clean & has_seller & (inside == pl.col("price")))
        .sort("block_hash", *order, "nth")
        .select(list(PAID))
    )


def _native(spans: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Native coin sent by the contract, in order of execution."""
    wanted = spans.filter(pl.col("currency") == NATIVE).select(*_TX, "address").unique()
    return (
        around.beside.value_traces.join(
            wanted, left_on=[*_TX, "from_address"], right_on=[*_TX, "address"], how="semi"
        )
        .filter((pl.col("value_wei") > 0) & (pl.col("to_address") != pl.col("from_address")))
        .select(
            *_TX,
            pl.col("from_address").alias("address"),
            pl.lit(NATIVE).alias("currency"),
            pl.col("to_address").alias("recipient"),
            pl.col("value_wei").alias("amount_wei"),
            pl.lit("trace").alias("source"),
            pl.col("place").cast(pl.Int64).alias("nth"),
        )
        .sort("block_hash", "nth")
    )


def _tokens(spans: pl.DataFrame, around: Around) -> pl.DataFrame:
    """ERC-20 transfers by whoever pays for the sales of a transaction, in order."""
    wanted = spans.select(*_GROUP, pl.col("payer").alias("from_address")).unique()
    return (
        around.payments.join(wanted, on=[*_TX, "currency", "from_address"])
        .filter((pl.col("amount_wei") > 0) & (pl.col("to_address") != pl.col("address")))
        .select(
            *_GROUP,
            pl.col("to_address").alias("recipient"),
            "amount_wei",
            pl.lit("transfer_log").alias("source"),
            pl.col("log_index").alias("nth"),
        )
        .sort("block_hash", "nth")
    )
