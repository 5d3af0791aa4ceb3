"""Rule 3, `bought_or_sold_3x`: one wallet bought, or sold, the same token more than twice."""

import polars as pl

from analytics.wash.counters import name_counters

BLEND_LENDING = "0x29469395eaf6f95920e59f858042f0e28d98a20b"
"""Blur's lending contract; its purchases are loans. Source: Dune `nft.wash_trades`, filter 3."""
MAX_ROUNDS = 2
_ERC = ("erc721", "erc20")
_BEP = ("bep721", "bep20")
_BNB = ("56", "bnb")
_TOKEN = ("chain_id", "collection", "token_id")


def flag_bought_or_sold(trades: pl.DataFrame) -> pl.Series:
    """True where the buyer bought this token, or the seller sold it, more than twice in all.

    Needs chain_id, collection, token_id, token_standard, buyer, seller. Only single-unit
    standards are counted, so ERC-1155 never is. The bought side is not evaluated for trades with
    Blend; the sold side always is. NULL where a party is unknown.
    Source: Dune spellbook, `nft.wash_trades`, filter 3.
    """
    known = pl.col("buyer").is_not_null() & pl.col("seller").is_not_null()
    flag = pl.when(known).then(_bought() | _sold())
    return trades.lazy().select(bought_or_sold_3x=flag).collect().to_series()


def bought_or_sold_counters(trades: pl.DataFrame, flags: pl.Series) -> pl.DataFrame:
    """The other purchases or sales that were counted: columns row, counters (list of ids)."""
    numbered = trades.with_row_index("row")
    traded = numbered.filter(flags.fill_null(value=False)).select(_TOKEN).unique()
    rows = (
        numbered.lazy()
        .join(traded.lazy(), on=_TOKEN, how="semi")  # only these tokens' trades can be counters
        .with_columns(bought=_bought(), sold=_sold(), counted=_counted())
        .collect()
    )
    sides = []
    for side, party in (("bought", "buyer"), ("sold", "seller")):
        keys = (*_TOKEN, party)
        flagged = rows.filter(pl.col(side) & pl.col(party).is_not_null())
        sides.append(
            name_counters(
                flagged.select("row", "trade_id", *keys),
                rows.filter("counted").select("trade_id", "block_number", *keys),
                keys,
                skip_self=True,
            )
        )
    return (
        pl.concat(sides)
        .group_by("row", maintain_order=True)
        .agg(pl.col("counters").explode().unique(maintain_order=True))
    )


def _counted() -> pl.Expr:
    on_bnb = pl.col("chain_id").cast(pl.String).is_in(_BNB)
    standard = pl.col("token_standard")
    counted = pl.when(on_bnb).then(standard.is_in(_BEP)).otherwise(standard.is_in(_ERC))
    return counted.fill_null(value=False)


def _bought() -> pl.Expr:
    is_loan = (pl.col("buyer") == BLEND_LENDING) | (pl.col("seller") == BLEND_LENDING)
    return (_counted().sum().over(*_TOKEN, "buyer") > MAX_ROUNDS) & ~is_loan.fill_null(value=False)


def _sold() -> pl.Expr:
    return _counted().sum().over(*_TOKEN, "seller") > MAX_ROUNDS
