"""Zora 1: its market of Media tokens, and the auction house, which sells any token.

The market divides a bid among owner, creator and previous owner, in that order, by ERC-20
transfers of its own before it speaks. The auction house names what the owner and the curator got; a
Media token it sells through the market, so there the market's word is the sale, and the house's
tells who really sold and bought.
"""

from collections.abc import Mapping

import polars as pl

from data.types import WEI
from indexer.abi import Decoded
from indexer.protocols.base import PLACE, Around
from indexer.protocols.flows import transfers_around
from indexer.protocols.sales import LEG, leg, with_unexplained

MEDIA = "0xabefbc9fd2f806065b4f3c237d4b59d9a97bcac7"
_HEAD = ["block_hash", "log_index"]
_TOKEN = ["block_hash", "tx_hash", "token_id"]
_SHARES = ("seller", "creator", "unknown")
"""Whom the market pays, in order: owner, creator, previous owner."""


def settle_first(
    events: Mapping[str, Decoded], around: Around
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sales as `sale_tables` takes them, and their legs; no columns without any sale."""
    ended = events["AuctionEndedHouse"].rows if "AuctionEndedHouse" in events else None
    parts, legs = [], [pl.DataFrame(schema=LEG)]
    if "BidFinalized" in events:
        heads = _with_parties(_bids(events["BidFinalized"].rows, around), ended)
        paid = _market_legs(heads, around)
        parts.append(with_unexplained(heads, paid))
        legs.append(paid)
    if ended is not None:
        # Without the market's word a Media token's price is not known.
        heads = _auctions(ended.filter(pl.col("tokenContract") != MEDIA))
        paid = pl.concat(
            [
                leg(heads, "seller", "seller", "amount", "fee_event"),
                leg(heads, "curator", "affiliate", "curatorFee", "fee_event"),
            ]
        ).filter(pl.col("amount_wei") > 0)
        parts.append(with_unexplained(heads, paid))
        legs.append(paid)
    if not parts:
        return pl.DataFrame(), legs[0]
    kept = [*PLACE, "item_index", "version", "trade_kind", "collection", "token_id", "seller"]
    kept += ["buyer", "maker", "taker", "currency", "price_wei", "residual_reason"]
    return pl.concat([part.select(kept) for part in parts]), pl.concat(legs)


def _bids(rows: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Bids that were accepted; who sold is whom the token left for the bid's recipient."""
    moved = (
        around.fact("transfers")
        .filter(pl.col("collection") == MEDIA)
        .group_by(*_TOKEN, "to_address")
        .agg(pl.col("from_address").last().alias("seller"))
    )
    return rows.join(
        moved,
        left_on=["block_hash", "tx_hash", "tokenId", "bid.recipient"],
        right_on=[*_TOKEN, "to_address"],
        how="left",
        maintain_order="left",
    ).select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        "version",
        "address",
        pl.lit("bid").alias("trade_kind"),
        pl.lit(MEDIA).alias("collection"),
        pl.col("tokenId").alias("token_id"),
        "seller",
        pl.col("bid.recipient").alias("buyer"),
        pl.col("bid.bidder").alias("maker"),
        pl.col("seller").alias("taker"),
        pl.col("bid.currency").alias("currency"),
        pl.col("bid.amount").alias("price_wei"),
    )


def _with_parties(bids: pl.DataFrame, ended: pl.DataFrame | None) -> pl.DataFrame:
    """Bids of the auction house as the auctions that they are, with what it passed on."""
    names = [*_TOKEN, "owner", "curator"]
    auctions = pl.DataFrame(
        schema=dict.fromkeys(names, pl.String())
        | dict.fromkeys(("amount", "curatorFee"), WEI.polars)
    )
    if ended is not None:
        auctions = (
            ended.filter(pl.col("tokenContract") == MEDIA)
            .rename({"tokenId": "token_id", "tokenOwner": "owner"})
            .select(auctions.columns)
            .unique(_TOKEN, keep="last")
        )
    is_auction = pl.col("owner").is_not_null()
    return bids.join(auctions, on=_TOKEN, how="left", maintain_order="left").with_columns(
        pl.coalesce("owner", "seller").alias("seller"),
        pl.coalesce("owner", "maker").alias("maker"),
        pl.when(is_auction).then(pl.col("buyer")).otherwise(pl.col("taker")).alias("taker"),
        pl.when(is_auction).then(pl.lit("auction")).otherwise("trade_kind").alias("trade_kind"),
    )


def _market_legs(heads: pl.DataFrame, around: Around) -> pl.DataFrame:
    """The market's payments; what it paid the house for an owner, as the house passed it on."""
    same = [*_HEAD, "address", "currency"]
    paid = (
        transfers_around(heads, around.payments)
        .rename({"from_address": "address", "to_address": "recipient"})
        .join(heads.select(*same, "item_index", "owner"), on=same, maintain_order="left")
        .with_columns(
            pl.int_range(pl.len()).over(_HEAD).alias("nth"), pl.len().over(_HEAD).alias("count")
        )
    )
    in_order = pl.col("nth").replace_strict(
        dict(enumerate(_SHARES)), default="unknown", return_dtype=pl.String
    )
    kind = pl.when(pl.col("count") == len(_SHARES)).then(in_order).otherwise(pl.lit("unknown"))
    of_market = paid.with_columns(
        kind.alias("recipient_class"), pl.lit("transfer_log").alias("source")
    ).filter((pl.col("recipient_class") != "seller") | pl.col("owner").is_null())
    auctions = heads.filter(pl.col("owner").is_not_null())
    return pl.concat(
        [
            of_market.select(list(LEG)),
            leg(auctions, "owner", "seller", "amount", "fee_event"),
            leg(auctions, "curator", "affiliate", "curatorFee", "fee_event"),
        ]
    ).filter(pl.col("amount_wei") > 0)


def _auctions(ended: pl.DataFrame) -> pl.DataFrame:
    price = pl.col("amount").cast(pl.Int128) + pl.col("curatorFee").cast(pl.Int128)
    return ended.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        "version",
        pl.lit("auction").alias("trade_kind"),
        pl.col("tokenContract").alias("collection"),
        pl.col("tokenId").alias("token_id"),
        pl.col("tokenOwner").alias("seller"),
        pl.col("winner").alias("buyer"),
        pl.col("tokenOwner").alias("maker"),
        pl.col("winner").alias("taker"),
        pl.col("auctionCurrency").alias("currency"),
        price.cast(pl.Decimal(38, 0), strict=False).alias("price_wei"),
        "amount",
        "curator",
        "curatorFee",
    ).filter(pl.col("price_wei").is_not_null())
