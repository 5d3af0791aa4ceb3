"""Known routers and aggregators: contracts that trade on marketplaces for those who call them."""

from functools import cache
from pathlib import Path

import polars as pl

_FILE = Path(__file__).parent / "routers.csv"


@cache
def routers(chain_id: int) -> frozenset[str]:
    """Addresses of known routers and aggregators on a chain."""
    known = pl.read_csv(_FILE).filter(pl.col("chain_id") == chain_id)
    return frozenset(known["address"].to_list())
