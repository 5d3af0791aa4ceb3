"""Wallets that collect fees for marketplaces; a leg paid to one of them is a platform fee."""

from functools import cache
from pathlib import Path

import polars as pl

_FILE = Path(__file__).parents[1] / "fee_wallets.csv"


@cache
def fee_wallets() -> pl.DataFrame:
    """Known fee wallets: recipient (address), venue (marketplace)."""
    return pl.read_csv(_FILE).select(
        pl.col("address").alias("recipient"), pl.col("marketplace").alias("venue")
    )
