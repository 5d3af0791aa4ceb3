"""The orders in call data of Wyvern's `atomicMatch_`.

Its arguments begin with three fixed arrays, inline: 14 addresses and 18 numbers (of the buyer's
order, then of the seller's) and 8 small numbers.
"""

import polars as pl

from indexer import words
from indexer.protocols.base import Around
from indexer.protocols.flows import HEAD, calls_of
from indexer.protocols.observed import calls_to
from indexer.words import WORD

_SELECTOR = bytes.fromhex("ab834bab")
_BUY_MAKER, _BUY_COLLECTOR = 1, 3
_SELL_MAKER, _SELL_TAKER, _SELL_COLLECTOR, _SELL_TOKEN = 8, 9, 10, 13
_BUY_FEES, _SELL_FEES = 14, 23
_N_WORDS = 40
_MAX_BPS = 10_000
_NOBODY = "0x" + "0" * 40


def read_orders(heads: pl.DataFrame, around: Around) -> pl.DataFrame:
    """What the call in which orders were matched says of them.

    Args:
        heads: HEAD and address, maker, taker of each match.
        around: transactions and traces.

    Returns:
        HEAD and value_wei (native coin sent along), sell_maker, is_private (the seller named the
        taker), payment_token, fee_recipient, seller_fee_bps, buyer_fee_bps; all but value_wei are
        NULL where there are no call data, or they are of other makers.
    """
    is_match = pl.col("input").is_null() | (pl.col("input").bin.slice(0, 4) == pl.lit(_SELECTOR))
    calls = calls_to(heads, around)
    calls = calls_of(heads, calls.filter(is_match)).select(*HEAD, "value_wei", "input")
    is_whole = pl.col("input").bin.size() >= len(_SELECTOR) + _N_WORDS * WORD
    orders = calls.with_columns(
        _address(_SELL_MAKER).alias("sell_maker"),
        _address(_BUY_MAKER).alias("buy_maker"),
        (_address(_SELL_TAKER) != _NOBODY).alias("is_private"),
        _address(_SELL_TOKEN).alias("payment_token"),
        *_fees(),
    )
    makers = heads.select(*HEAD, "maker", "taker")
    sell, buy = pl.col("sell_maker"), pl.col("buy_maker")
    maker, taker = pl.col("maker"), pl.col("taker")
    is_ours = ((sell == maker) & (buy == taker)) | ((sell == taker) & (buy == maker))
    told = ("sell_maker", "is_private", "payment_token", "fee_recipient", "seller_fee_bps",
            "buyer_fee_bps")  # fmt: skip
    return (
        orders.with_columns(is_whole.alias("is_whole"))
        .join(makers, on=list(HEAD), how="left")
        .select(
            *HEAD,
            "value_wei",
            *(
                pl.when(is_ours & pl.col("is_whole")).then(pl.col(name)).alias(name)
                for name in told
            ),
        )
    )


def _fees() -> list[pl.Expr]:
    """Collector and fees of the two sides: relayer and protocol fees, by which order is made."""
    is_listing = _address(_SELL_COLLECTOR) != _NOBODY
    # In order: maker's and taker's relayer fee, maker's and taker's protocol fee.
    listing = _bps(_SELL_FEES) + _bps(_SELL_FEES + 2), _bps(_SELL_FEES + 1) + _bps(_SELL_FEES + 3)
    bid = _bps(_BUY_FEES + 1) + _bps(_BUY_FEES + 3), _bps(_BUY_FEES) + _bps(_BUY_FEES + 2)
    collector = (
        pl.when(is_listing).then(_address(_SELL_COLLECTOR)).otherwise(_address(_BUY_COLLECTOR))
    )
    return [
        collector.alias("fee_recipient"),
        pl.when(is_listing).then(listing[0]).otherwise(bid[0]).alias("seller_fee_bps"),
        pl.when(is_listing).then(listing[1]).otherwise(bid[1]).alias("buyer_fee_bps"),
    ]


def _word(place: int) -> pl.Expr:
    return pl.col("input").bin.slice(len(_SELECTOR) + WORD * place, WORD)


def _address(place: int) -> pl.Expr:
    return words.hex_text(_word(place).bin.slice(12, 20))


def _bps(place: int) -> pl.Expr:
    """A fee; NULL for one beyond the whole price, which no order can have."""
    value = words.pointer(_word(place))
    return pl.when(value <= _MAX_BPS).then(value)
