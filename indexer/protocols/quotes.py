"""Prices out of `AnswerUpdated`, which Chainlink's aggregators and our own feed emit alike."""

from collections.abc import Sequence

import polars as pl

from data.currencies import PriceFeed
from data.types import FLOAT
from indexer.abi import Event
from indexer.protocols.base import PLACE

ANSWER = Event.parse(
    "AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)"
)
_END_OF_TIME_S = 253_402_300_799


def quotes(answers: pl.DataFrame, feeds: Sequence[PriceFeed]) -> pl.DataFrame:
    """Rows of table `prices`: one per answer and currency that its feed prices.

    Answers of no price, or of a time that no calendar shows, are left out.

    Args:
        answers: decoded rows of ANSWER.
        feeds: the feeds; emitters of other answers price nothing.
    """
    known = pl.DataFrame(
        {
            "address": [each.aggregator for each in feeds],
            "currency": [each.currency for each in feeds],
            "decimals": [each.decimals for each in feeds],
        },
        schema={"address": pl.String, "currency": pl.String, "decimals": pl.Int64},
    )
    numbered = known.with_columns(pl.int_range(pl.len()).over("address").alias("item_index"))
    seconds = pl.col("updatedAt").cast(pl.Int64, strict=False)
    answer = pl.col("current").cast(FLOAT.polars)
    return (
        answers.filter(seconds.is_between(0, _END_OF_TIME_S), answer > 0)
        .join(numbered, on="address", maintain_order="left_right")
        .select(
            *PLACE,
            "item_index",
            "currency",
            (seconds * 1_000_000).cast(pl.Datetime("us")).alias("time"),
            (answer / 10.0 ** pl.col("decimals")).alias("usd"),
            pl.concat_str(pl.lit("feed:"), "address").alias("source"),
        )
    )
