"""Blur's money: fees by their rates, what is left for sellers, and what was seen to move.

Events name a price and rates. An amount that follows from them by the contract's own formula
without taking it off the price is as good as named (`fee_event`); what the seller gets after fees
is a difference, and counts as known only where the payments of the transaction agree with it.
"""

import polars as pl

from indexer.protocols.fee_wallets import fee_wallets
from indexer.protocols.sales import ITEM, LEG

_BPS = 10_000
FEE = pl.Schema(
    {
        **{name: LEG[name] for name in ITEM},
        "place": pl.Int64(),
        "recipient": pl.String(),
        "recipient_class": pl.String(),
        "rate": pl.Int128(),
        "is_on_top": pl.Boolean(),
        "is_exact": pl.Boolean(),
    }
)
"""Fees of sales: rate in basis points of the price, whether on top of it, and whether to trust."""


def with_fees(
    sales: pl.DataFrame, fees: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The sales with `price_wei` and `deducted`, the fees with `amount`, and what was refused.

    Args:
        sales: ITEM, event and price (Int128), to which fees are added or from which they come.
        fees: the columns FEE.
    """
    price = pl.col("price")
    is_sane = pl.col("rate") <= _BPS
    amount = price // _BPS * pl.col("rate") + price % _BPS * pl.col("rate") // _BPS
    priced = fees.join(sales.select(*ITEM, "price"), on=list(ITEM)).with_columns(
        pl.when(is_sane).then(amount).alias("amount")
    )
    rates = pl.col("rate").filter(~pl.col("is_on_top")).sum()
    sums = priced.group_by(ITEM).agg(
        pl.col("amount").filter(pl.col("is_on_top")).sum().alias("added"),
        pl.col("amount").filter(~pl.col("is_on_top")).sum().alias("deducted"),
        (is_sane.all() & (rates <= _BPS)).alias("is_sound"),
    )
    whole = sales.join(sums, on=list(ITEM), how="left", maintain_order="left").with_columns(
        pl.col("added", "deducted").fill_null(0), pl.col("is_sound").fill_null(value=True)
    )
    is_sound, total = pl.col("is_sound"), price + pl.col("added")
    is_small = (total >= price) & (total < 10**38)  # a sum above 128 bits turns negative
    kept = whole.filter(is_sound & is_small).with_columns(total.alias("price_wei"))
    refused = whole.filter(~(is_sound & is_small)).select(
        "block_hash",
        "log_index",
        "event",
        pl.when(is_sound)
        .then(pl.lit("price and fees above 38 digits together"))
        .otherwise(pl.lit("fees above the price"))
        .alias("reason"),
    )
    priced = priced.join(kept, on=list(ITEM), how="semi").sort(*ITEM, "place")
    return kept.drop("is_sound", "added"), priced, refused


def seller_legs(sales: pl.DataFrame) -> pl.DataFrame:
    """What sellers get: the price, less the fees that come out of it (columns LEG)."""
    is_whole = pl.col("deducted") == 0
    return sales.select(
        *ITEM,
        pl.col("seller").alias("recipient"),
        pl.lit("seller").alias("recipient_class"),
        "currency",
        (pl.col("price") - pl.col("deducted")).cast(LEG["amount_wei"]).alias("amount_wei"),
        pl.when(is_whole).then(pl.lit("fee_event")).otherwise(pl.lit("computed")).alias("source"),
    )


def fee_legs(fees: pl.DataFrame, sales: pl.DataFrame) -> pl.DataFrame:
    """Fees as legs (columns LEG); to a known wallet of a marketplace they are its own."""
    currencies = sales.select(*ITEM, "currency")
    is_known = pl.col("recipient").is_in(fee_wallets()["recipient"].implode())
    return fees.join(currencies, on=list(ITEM), maintain_order="left").select(
        *ITEM,
        "recipient",
        pl.when(is_known)
        .then(pl.lit("platform"))
        .otherwise(pl.col("recipient_class"))
        .alias("recipient_class"),
        "currency",
        pl.col("amount").cast(LEG["amount_wei"]).alias("amount_wei"),
        pl.when(pl.col("is_exact"))
        .then(pl.lit("fee_event"))
        .otherwise(pl.lit("computed"))
        .alias("source"),
    )
