"""Sales as the signals need them: with wash verdict, style and exact unit price beside them."""

import polars as pl

DAY = pl.col("block_time").dt.date()


def with_verdict(sales: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
    """Sales with `is_wash` (Boolean); a sale that no flag covers counts as clean.

    Both need chain_id and sale_id; flags also is_wash.
    """
    verdicts = flags.select("chain_id", "sale_id", "is_wash")
    return sales.join(
        verdicts, on=["chain_id", "sale_id"], how="left", maintain_order="left"
    ).with_columns(pl.col("is_wash").fill_null(value=False))


def with_style(rows: pl.DataFrame, tokens: pl.DataFrame) -> pl.DataFrame:
    """Rows of tokens (chain_id, collection, token_id) with the `style` of each; NULL without."""
    keys = ["chain_id", "collection", "token_id"]
    styles = tokens.select(*keys, "style").unique(keys)
    return rows.join(styles, on=keys, how="left", maintain_order="left")


def with_unit_price(sales: pl.DataFrame) -> pl.DataFrame:
    """Sales with `unit_price_eth`: price_eth per unit sold; NULL where the price is unknown or 0.

    Needs price_eth and quantity (units, decimal text). A price of zero is a gift or a claim, and
    says nothing about a floor.
    """
    units = pl.col("quantity").cast(pl.Float64)
    unit_price = pl.col("price_eth") / units
    return sales.with_columns(
        unit_price_eth=pl.when((pl.col("price_eth") > 0) & (units > 0)).then(unit_price)
    )
