"""Sales of the modules of Zora 3: each event ends a sale, whose money moved before it."""

from collections.abc import Mapping

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.abi import Decoded
from indexer.protocols.base import PLACE, Around
from indexer.protocols.flows import native_payments, transfers_around
from indexer.protocols.sales import LEG, leg, with_unexplained

_FEE_RECIPIENT = "0xd1d1d4e36117ab794ec5d4c78cbd3a8904e691d0"
_WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
_HEAD = ["block_hash", "log_index"]
_NOBODY = pl.lit(None, pl.String)
_ETHER = pl.lit(NATIVE)
_FIELDS = ("trade_kind", "seller", "funds", "buyer", "finder", "currency", "price_wei", "maker")


def settle_modules(
    events: Mapping[str, Decoded], around: Around
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sales as `sale_tables` takes them, and their legs; no columns without any sale."""
    parts = [
        events[name].rows.with_columns(
            *(value.alias(field) for field, value in zip(_FIELDS, values, strict=True))
        )
        for name, values in _MEANINGS.items()
        if name in events
    ]
    if not parts:
        return pl.DataFrame(), pl.DataFrame(schema=LEG)
    is_sold = pl.col("buyer") != "0x" + "0" * 40
    heads = pl.concat(
        [
            part.filter(is_sold).select(
                *PLACE, "version", "address", "tokenContract", "tokenId", *_FIELDS
            )
            for part in parts
        ]
    ).with_columns(pl.lit(0, pl.Int64).alias("item_index"))
    royalties = _royalties(heads, events)
    legs = pl.concat(
        [
            leg(royalties, "recipient", "creator", "amount_wei", "fee_event"),
            _others(heads, _payments(heads, around), royalties),
        ]
    )
    sales = heads.select(
        *PLACE,
        "item_index",
        "version",
        "trade_kind",
        pl.col("tokenContract").alias("collection"),
        pl.col("tokenId").alias("token_id"),
        "seller",
        "buyer",
        "maker",
        pl.when(pl.col("maker") == pl.col("seller"))
        .then(pl.col("buyer"))
        .otherwise(pl.col("seller"))
        .alias("taker"),
        "currency",
        "price_wei",
    )
    return with_unexplained(sales, legs), legs


_MEANINGS: dict[str, tuple[pl.Expr, ...]] = {
    "AskFilled": (
        pl.lit("listing"),
        pl.col("ask.seller"),
        pl.col("ask.fundsRecipient"),
        pl.col("buyer"),
        pl.col("finder"),
        pl.col("ask.currency"),
        pl.col("ask.price"),
        pl.col("ask.seller"),
    ),
    "AskFilledCore": (
        pl.lit("listing"),
        pl.col("seller"),
        pl.col("seller"),
        pl.col("buyer"),
        _NOBODY,
        _ETHER,
        pl.col("price"),
        pl.col("seller"),
    ),
    "AskFilledPrivate": (
        pl.lit("private"),
        pl.col("ask.seller"),
        pl.col("ask.seller"),
        pl.col("ask.buyer"),
        _NOBODY,
        _ETHER,
        pl.col("ask.price"),
        pl.col("ask.seller"),
    ),
    "OfferFilled": (
        pl.lit("bid"),
        pl.col("taker"),
        pl.col("taker"),
        pl.col("offer.maker"),
        pl.col("finder"),
        pl.col("offer.currency"),
        pl.col("offer.amount"),
        pl.col("offer.maker"),
    ),
    "AuctionEnded": (
        pl.lit("auction"),
        pl.col("auction.seller"),
        pl.col("auction.fundsRecipient"),
        pl.col("auction.highestBidder"),
        _NOBODY,
        _ETHER,
        pl.col("auction.highestBid"),
        pl.col("auction.seller"),
    ),
}
"""What each event says of _FIELDS."""


def _royalties(heads: pl.DataFrame, events: Mapping[str, Decoded]) -> pl.DataFrame:
    """Royalties with the place of their sale: ITEM, recipient, currency, amount_wei, nth."""
    schema = {
        **{name: LEG[name] for name in (*_HEAD, "item_index", "recipient", "currency")},
        "amount_wei": WEI.polars,
        "nth": pl.Int64(),
    }
    if "RoyaltyPayout" not in events:
        return pl.DataFrame(schema=schema)
    same = [*_HEAD, "address", "tokenContract", "tokenId"]
    return (
        transfers_around(heads, events["RoyaltyPayout"].rows)
        .join(heads.select(*same, "item_index", "currency"), on=same, maintain_order="left")
        .rename({"amount": "amount_wei"})
        .with_columns(_nth())
        .select(list(schema))
    )


def _nth() -> pl.Expr:
    """Which of several equal payments of a sale it is, from 0."""
    return (
        pl.int_range(pl.len(), dtype=pl.Int64).over(*_HEAD, "recipient", "amount_wei").alias("nth")
    )


def _payments(heads: pl.DataFrame, around: Around) -> pl.DataFrame:
    """What the module sent on in the currency of the sale: _HEAD, recipient, amount_wei, source.

    Ether that its receiver refused, and that was wrapped for him, is left out.
    """
    ether = native_payments(
        heads.filter(pl.col("currency") == NATIVE), around.beside.value_traces
    ).filter(pl.col("recipient") != _WETH)
    same = [*_HEAD, "address", "currency"]
    tokens = (
        transfers_around(heads, around.payments)
        .rename({"from_address": "address", "to_address": "recipient"})
        .join(heads.select(same), on=same, maintain_order="left")
    )
    columns = [*_HEAD, "recipient", "amount_wei"]
    return pl.concat(
        [
            ether.select(*columns, pl.lit("trace").alias("source")),
            tokens.select(*columns, pl.lit("transfer_log").alias("source")),
        ]
    ).with_columns(_nth())


def _others(heads: pl.DataFrame, payments: pl.DataFrame, royalties: pl.DataFrame) -> pl.DataFrame:
    """Legs of all payments that were no royalties, which are paid first."""
    parties = heads.select(*_HEAD, "item_index", "seller", "funds", "finder", "currency")
    known = royalties.select(*_HEAD, "recipient", "amount_wei", "nth")
    rest = payments.join(known, on=known.columns, how="anti", maintain_order="left").join(
        parties, on=_HEAD, maintain_order="left"
    )
    who = pl.col("recipient")
    kind = (
        pl.when((who == pl.col("funds")) | (who == pl.col("seller")))
        .then(pl.lit("seller"))
        .when(who == pl.col("finder"))
        .then(pl.lit("affiliate"))
        .when(who == _FEE_RECIPIENT)
        .then(pl.lit("platform"))
        .otherwise(pl.lit("unknown"))
    )
    return rest.with_columns(kind.alias("recipient_class")).select(list(LEG))
