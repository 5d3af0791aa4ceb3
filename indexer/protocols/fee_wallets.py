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


def fee_wallet_origin(address: str | None) -> str | None:
    """Marketplace and role of a fee wallet in words, None for any other address."""
    known = pl.read_csv(_FILE).filter(pl.col("address") == address)
    return None if known.is_empty() else f"{known['marketplace'][0]} {known['source'][0]}"
