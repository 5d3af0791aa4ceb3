"""What all marketplaces share: identities of sales, and the balance of price and legs."""

import polars as pl

from data.types import WEI

CLASS_COLUMNS = {
    "proceeds_wei": ("seller",),
    "platform_fee_wei": ("platform",),
    "royalty_wei": ("creator", "split"),
    "other_wei": ("affiliate", "referrer", "tip", "lender", "unknown"),
}
"""Classes of recipients by the column of a sale that sums their legs."""


def sale_id() -> pl.Expr:
    """`chain:block_hash:log_index:item_index`, as data.ids.sale_id writes it."""
    return pl.concat_str("chain_id", "block_hash", "log_index", "item_index", separator=":")


def balance(sales: pl.DataFrame, legs: pl.DataFrame) -> pl.DataFrame:
    """The sales with their legs summed by class, and what is left over.

    Args:
        sales: one row per sale; needs sale_id, currency, price_wei.
        legs: one row per leg; needs sale_id, recipient_class, currency, amount_wei. Legs of class
            `refund` (the buyer's own excess) are outside the price and the balance.

    Returns:
        The sales with proceeds_wei, platform_fee_wei, royalty_wei, other_wei and residual_wei
        (price minus the four). Where a leg is in another currency than the price, residual_wei is
        NULL and residual_reason says so.
    """
    inside = legs.filter(pl.col("recipient_class") != "refund").join(
        sales.select("sale_id", pl.col("currency").alias("sale_currency")), on="sale_id"
    )
    is_same = pl.col("currency") == pl.col("sale_currency")
    amount = pl.when(is_same).then(pl.col("amount_wei")).cast(pl.Int128)
    sums = inside.group_by("sale_id").agg(
        *(
            amount.filter(pl.col("recipient_class").is_in(classes)).sum().alias(name)
            for name, classes in CLASS_COLUMNS.items()
        ),
        (~is_same).any().alias("is_mixed"),
    )
    totals = [pl.col(name).fill_null(0).cast(pl.Int128) for name in CLASS_COLUMNS]
    residual = pl.col("price_wei").cast(pl.Int128) - sum(totals[1:], totals[0])
    is_mixed = pl.col("is_mixed").fill_null(value=False)
    return (
        sales.join(sums, on="sale_id", how="left", maintain_order="left")
        .with_columns(
            *(total.cast(WEI.polars) for total in totals),
            pl.when(~is_mixed).then(residual).cast(WEI.polars).alias("residual_wei"),
            pl.when(is_mixed).then(pl.lit("paid in several currencies")).alias("residual_reason"),
        )
        .drop("is_mixed")
    )


def split_legs(legs: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Each leg divided equally among the items that it pays for, to the last unit.

    What does not divide goes to the first item, so that the shares add up to the leg. No price of a
    single item is invented by this: `bundle_id` and `bundle_size` tell that a row is a share.

    Args:
        legs: needs `leg` (identity) and amount_wei.
        items: one row per leg and item it pays for: `leg`, `item_key`, `place` (order of the
        items).

    Returns:
        One row per leg and item: the columns of both, with amount_wei replaced by the share.
    """
    amount = pl.col("amount_wei").cast(pl.Int128)
    count = pl.col("count").cast(pl.Int128)
    is_first = pl.col("place") == pl.col("place").min().over("leg")
    share = amount // count + pl.when(is_first).then(amount % count).otherwise(0)
    return (
        legs.join(items, on="leg", how="inner")
        .with_columns(pl.len().over("leg").alias("count"))
        .with_columns(share.cast(WEI.polars).alias("amount_wei"))
        .drop("count")
    )
