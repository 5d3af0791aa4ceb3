"""Rule 2, `back_and_forth`: the same token also went the other way between the same two."""

import polars as pl

from analytics.wash.counters import name_counters

_PAIR = ("collection", "token_id", "buyer", "seller")


def flag_back_and_forth(trades: pl.DataFrame) -> pl.Series:
    """True where some trade of the same token has buyer and seller exchanged, at any time.

    Needs collection, token_id, buyer, seller. Price, venue, token standard and chain of the other
    trade do not matter, so a self-trade counts against itself. NULL where a party is unknown.
    Source: Dune spellbook, `nft.wash_trades`, filter 2.
    """
    reversed_pairs = _reversed(trades).select(_PAIR).unique().with_columns(found=pl.lit(True))
    return (
        trades.lazy()
        .select(_PAIR)
        .join(reversed_pairs.lazy(), on=_PAIR, how="left", maintain_order="left")
        .select(
            back_and_forth=pl.when(
                pl.col("buyer").is_not_null() & pl.col("seller").is_not_null()
            ).then(pl.col("found").fill_null(value=False))
        )
        .collect()
        .to_series()
    )


def back_and_forth_counters(trades: pl.DataFrame, flags: pl.Series) -> pl.DataFrame:
    """The trades that went the other way: columns row, counters (list of trade ids)."""
    flagged = trades.with_row_index("row").filter(flags.fill_null(value=False))
    pool = _reversed(trades).select("trade_id", "block_number", *_PAIR)
    return name_counters(flagged.select("row", "trade_id", *_PAIR), pool, _PAIR, skip_self=False)


def _reversed(trades: pl.DataFrame) -> pl.DataFrame:
    return trades.rename({"buyer": "seller", "seller": "buyer"})
