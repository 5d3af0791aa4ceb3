"""Rows of `auctions`: what events about auctions and listings with a number of their own say."""

from collections.abc import Mapping

import polars as pl

from data.units import NATIVE
from indexer.protocols.base import PLACE


def auction_rows(
    rows: pl.DataFrame,
    protocol: str,
    event: str,
    auction_id: str,
    named: Mapping[str, pl.Expr | str],
) -> pl.DataFrame:
    """Rows of table `auctions`.

    Args:
        rows: decoded logs.
        protocol: its name.
        event: created, bid, settled or cancelled.
        auction_id: column of the number.
        named: further columns of the table; the currency is the native coin unless named.
    """
    columns = {"currency": pl.lit(NATIVE), **named}
    return rows.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit(protocol).alias("protocol"),
        "version",
        pl.lit(event).alias("event"),
        pl.col("address").alias("contract"),
        pl.col(auction_id).cast(pl.String).alias("auction_id"),
        *(
            (pl.col(value) if isinstance(value, str) else value).alias(name)
            for name, value in columns.items()
        ),
    )
