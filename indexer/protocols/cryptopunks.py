"""CryptoPunks: the market that the contract of 2017 has built in, and how its punks move.

`PunkBought` tells a purchase from a listing whole. Of an accepted bid it tells neither price nor
buyer, because the contract has deleted the bid by then: the buyer is the receiver of the `Transfer`
(of ERC-20's shape) just before, and the price is that of the bid in force, from an earlier
transaction. Such a sale is a fact without a price; `sales` fills it from `punk_bids`.

The contract keeps no fee: it credits sellers with the whole price.

Source: the contract (larvalabs/cryptopunks); reference/markets.md, section 6.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.units import NATIVE, ZERO_ADDRESS
from indexer.abi import Decoded, Event
from indexer.protocols.base import (
    PLACE,
    Around,
    ChainContext,
    Protocol,
    Route,
    Tables,
    transfer_kind,
)
from indexer.protocols.sales import leg, sale_tables

_NAME = "cryptopunks"
PUNKS = "0xb47e3cd837ddf8e4c57f05d70ab865de6e193bbb"
_EVENTS = (
    Event.parse("Assign(address indexed to, uint256 punkIndex)"),
    Event.parse("PunkTransfer(address indexed from, address indexed to, uint256 punkIndex)"),
    Event.parse("Transfer(address indexed from, address indexed to, uint256 value)"),
    Event.parse(
        "PunkBidEntered(uint256 indexed punkIndex, uint256 value, address indexed fromAddress)",
        wei=["value"],
    ),
    Event.parse(
        "PunkBidWithdrawn(uint256 indexed punkIndex, uint256 value, address indexed fromAddress)",
        wei=["value"],
    ),
    Event.parse(
        "PunkBought(uint256 indexed punkIndex, uint256 value, address indexed fromAddress,"
        " address indexed toAddress)",
        wei=["value"],
    ),
)
BID_ELSEWHERE = "the price is that of a bid in an earlier transaction"


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [Route(event, "1", frozenset({PUNKS})) for event in _EVENTS]


def _settle(events: Mapping[str, Decoded], _: Around) -> Tables:
    bought = _bought(events)
    tables = {"transfers": _transfers(events, bought), "punk_bids": _bids(events, bought)}
    if bought.is_empty():
        return tables
    return tables | _sales(bought)


def _bought(events: Mapping[str, Decoded]) -> pl.DataFrame:
    """Purchases and accepted bids with `seller`, `buyer` and `is_bid`."""
    if "PunkBought" not in events:
        return pl.DataFrame()
    rows = events["PunkBought"].rows.with_columns(pl.col("fromAddress").alias("seller"))
    key = ["block_hash", "tx_hash", "seller"]
    if "Transfer" in events:
        moved = events["Transfer"].rows.select(
            "block_hash", "tx_hash", "log_index", pl.col("from").alias("seller"), "to"
        )
        rows = rows.sort("log_index").join_asof(
            moved.sort("log_index"), on="log_index", by=key, check_sortedness=False
        )
    else:
        rows = rows.with_columns(pl.lit(None, pl.String).alias("to"))
    # A purchase by the zero address is impossible; an accepted bid shows as one.
    is_bid = pl.col("toAddress") == ZERO_ADDRESS
    return rows.sort("block_number", "log_index").with_columns(
        is_bid.alias("is_bid"), pl.when(is_bid).then("to").otherwise("toAddress").alias("buyer")
    )


def _sales(bought: pl.DataFrame) -> Tables:
    """A seller is credited with the price; that of an accepted bid is not known here."""
    is_bid = pl.col("is_bid")
    unknown = ("price_wei", "proceeds_wei", "platform_fee_wei", "royalty_wei", "other_wei")
    sales = bought.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        "version",
        pl.when(is_bid).then(pl.lit("bid")).otherwise(pl.lit("listing")).alias("trade_kind"),
        pl.lit(PUNKS).alias("collection"),
        pl.col("punkIndex").alias("token_id"),
        "seller",
        "buyer",
        pl.when(is_bid).then("buyer").otherwise("seller").alias("maker"),
        pl.when(is_bid).then("seller").otherwise("buyer").alias("taker"),
        pl.lit(NATIVE).alias("currency"),
        pl.when(~is_bid).then("value").alias("price_wei"),
        pl.when(is_bid).then(pl.lit(BID_ELSEWHERE)).alias("residual_reason"),
    )
    told = sales.filter(pl.col("price_wei").is_not_null())
    tables = sale_tables(_NAME, sales, [leg(told, "seller", "seller", "price_wei", "fee_event")])
    is_known = pl.col("price_wei").is_not_null()
    return tables | {
        "settled_sales": tables["settled_sales"].with_columns(
            pl.when(is_known).then(pl.col(name)).alias(name) for name in unknown
        )
    }


def _transfers(events: Mapping[str, Decoded], bought: pl.DataFrame) -> pl.DataFrame:
    """Every move of a punk: who got one first, gifts, and sales whose buyer is known."""
    parts = []
    if "Assign" in events:
        first = pl.lit(ZERO_ADDRESS).alias("from")
        parts.append(events["Assign"].rows.with_columns(first))
    if "PunkTransfer" in events:
        parts.append(events["PunkTransfer"].rows)
    if not bought.is_empty():
        ends = pl.col("seller").alias("from"), pl.col("buyer").alias("to")
        parts.append(bought.drop("to").with_columns(ends).filter(pl.col("to").is_not_null()))
    columns = [*PLACE, "punkIndex", "from", "to"]
    moves = [each.select(columns) for each in parts]
    if not moves:
        return pl.DataFrame()
    return pl.concat(moves).select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        transfer_kind().alias("kind"),
        pl.lit(PUNKS).alias("collection"),
        pl.col("punkIndex").alias("token_id"),
        pl.lit("erc721").alias("token_standard"),
        pl.col("from").alias("from_address"),
        pl.col("to").alias("to_address"),
        pl.lit("1").alias("quantity"),
    )


def _bids(events: Mapping[str, Decoded], bought: pl.DataFrame) -> pl.DataFrame:
    """Rows of `punk_bids`."""
    parts = [
        events[name].rows.with_columns(
            pl.lit(told).alias("event"),
            pl.col("fromAddress").alias("bidder"),
            pl.col("value").alias("amount_wei"),
        )
        for name, told in (("PunkBidEntered", "entered"), ("PunkBidWithdrawn", "withdrawn"))
        if name in events
    ]
    if not bought.is_empty():
        parts.append(
            bought.filter("is_bid").with_columns(
                pl.lit("accepted").alias("event"),
                pl.col("buyer").alias("bidder"),
                pl.lit(None).cast(bought.schema["value"]).alias("amount_wei"),
            )
        )
    if not parts:
        return pl.DataFrame()
    columns = [*PLACE, "version", "event", "punkIndex", "bidder", "amount_wei"]
    return pl.concat([each.select(columns) for each in parts]).select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit(_NAME).alias("protocol"),
        "version",
        "event",
        pl.lit(PUNKS).alias("collection"),
        pl.col("punkIndex").alias("token_id"),
        "bidder",
        "amount_wei",
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    limits=(
        "Sellers are credited with the price, and withdraw it in a transaction of their own.",
        "The price of an accepted bid is in `sales` where the bid was indexed too; it has no row"
        " in `sale_payments`, since it was paid in an earlier transaction.",
        "A purchase at price 0 may be a gift; wrapping a punk moves a wrapper's token besides.",
    ),
)
