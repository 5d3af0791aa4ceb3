"""Rows of `split_events` from lists of recipients and their shares."""

import polars as pl

from indexer.protocols.base import Tables
from indexer.protocols.royalty_lists import select_facts

_MOST = 2**62
_WHOLE_PPM = 1_000_000
_ODD = "shares without a recipient each, or that do not add up"


def share_tables(heads: pl.DataFrame, listed: pl.DataFrame, protocol: str = "0xsplits") -> Tables:
    """Tables `split_events` and `quarantine`.

    Args:
        heads: one row per event: PLACE, row, version, event, split, total_allocation, reward_ppm;
            collection and token_id where works are told apart.
        listed: row, item, recipient, allocation. A log whose shares do not add up to their total
            is set aside whole.
        protocol: its name in the rows.
    """
    heads = heads.with_columns(
        pl.col("total_allocation", "reward_ppm").cast(pl.Int64, strict=False)
    )
    listed = listed.with_columns(pl.col("allocation").cast(pl.Int64, strict=False))
    share = pl.col("allocation")
    sums = listed.group_by("row").agg(
        share.cast(pl.Int128).sum().alias("sum"),
        (pl.col("recipient").is_null() | share.is_null() | (share < 0)).any().alias("is_torn"),
    )
    total, reward = pl.col("total_allocation"), pl.col("reward_ppm")
    is_whole = (
        ~pl.col("is_torn")
        & (pl.col("sum") == total.cast(pl.Int128))
        & total.is_between(1, _MOST)
        & reward.is_between(0, _WHOLE_PPM)
    )
    heads = heads.join(sums, on="row", how="left", maintain_order="left").with_columns(
        is_whole.fill_null(value=False).alias("is_whole")
    )
    shares = (
        heads.filter("is_whole")
        .join(listed, on="row", maintain_order="left")
        .sort("row", "item")
        .with_columns(
            pl.col("item").cast(pl.Int64).alias("item_index"),
            pl.lit(protocol).alias("protocol"),
        )
    )
    aside = heads.filter(~pl.col("is_whole")).select(
        "block_hash", "log_index", "event", pl.lit(_ODD).alias("reason")
    )
    return {"split_events": select_facts("split_events", shares), "quarantine": aside}
