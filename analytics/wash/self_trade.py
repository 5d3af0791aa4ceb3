"""Rule 1, `same_buyer_seller`: the buyer is the seller."""

import polars as pl


def flag_self_trades(trades: pl.DataFrame) -> pl.Series:
    """True where buyer and seller are one address; one value per trade, in the order of trades.

    Needs buyer and seller. NULL where either is unknown.
    Source: Dune spellbook, `nft.wash_trades`, filter 1.
    """
    return trades.select(same_buyer_seller=pl.col("buyer") == pl.col("seller")).to_series()
