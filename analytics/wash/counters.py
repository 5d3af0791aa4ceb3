"""Naming of the counter-trades that a flag rests on."""

from collections.abc import Sequence

import polars as pl

MAX_COUNTERS = 25
"""Counter-trades named per rule and trade. A pool can trade one token thousands of times, and
naming every pair would grow with the square of that; the earliest ones are evidence enough."""


def name_counters(
    flagged: pl.DataFrame, pool: pl.DataFrame, keys: Sequence[str], *, skip_self: bool
) -> pl.DataFrame:
    """The earliest counter-trades of each flagged trade: columns row, counters (list of ids).

    `flagged` has row, trade_id and the keys; `pool` has trade_id, block_number and the keys. Both
    are matched on the keys; a trade is not its own counter when `skip_self`. Rows without a named
    counter are left out. The order of the pool does not matter.
    """
    candidates = (
        pool.lazy()
        .join(flagged.lazy().select(keys).unique(), on=list(keys), how="semi")
        .filter(pl.col("trade_id").is_not_null())
        .sort("block_number", "trade_id", nulls_last=True)
        .group_by(list(keys))
        .agg(counter=pl.col("trade_id").head(MAX_COUNTERS + 1))
        .explode("counter")
    )
    pairs = flagged.lazy().join(candidates, on=list(keys), how="inner", maintain_order="left_right")
    if skip_self:
        pairs = pairs.filter(pl.col("counter") != pl.col("trade_id"))
    return (
        pairs.group_by("row", maintain_order=True)
        .agg(counters=pl.col("counter").head(MAX_COUNTERS))
        .collect()
    )
