"""What LooksRare 1 and exchanges forked from it share: events name the price, WETH moves.

The exchange always pays in an ERC-20 token (native coin is wrapped first), to protocol, creator and
seller, and speaks at the end. Who got what is told by the transfers between one sale and the next;
what a recipient is, by the events beside them.
"""

from collections.abc import Mapping

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around
from indexer.protocols.flows import transfers_around
from indexer.protocols.sales import LEG, with_unexplained

_SALE = (
    "(bytes32 orderHash, uint256 orderNonce, address indexed taker, address indexed maker,"
    " address indexed strategy, address currency, address collection, uint256 tokenId,"
    " uint256 amount, uint256 price)"
)
_PAYMENT = (
    "(address indexed collection, uint256 indexed tokenId, address indexed recipient,"
    " address currency, uint256 amount)"
)
TAKER_ASK = Event.parse("TakerAsk" + _SALE, wei=["price"])
TAKER_BID = Event.parse("TakerBid" + _SALE, wei=["price"])
ROYALTY_PAYMENT = Event.parse("RoyaltyPayment" + _PAYMENT, wei=["amount"])
FEE_PAYMENT = Event.parse("ProtocolFeePayment" + _PAYMENT, wei=["amount"])

_SIDES = {"TakerBid": ("maker", "taker", "listing"), "TakerAsk": ("taker", "maker", "bid")}


def sales_and_legs(
    events: Mapping[str, Decoded], around: Around, named: Mapping[str, str], rest: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sales, as `sale_tables` takes them, and their legs (columns LEG); empty without a sale.

    Args:
        events: decoded logs, by event name.
        around: needs ERC-20 payments.
        named: recipient class by the name of the event that names such a payment.
        rest: recipient class of what the exchange paid to neither seller nor a named recipient.
    """
    parts = [
        events[name].rows.with_columns(
            pl.col(seller).alias("seller"),
            pl.col(buyer).alias("buyer"),
            pl.lit(kind).alias("trade_kind"),
        )
        for name, (seller, buyer, kind) in _SIDES.items()
        if name in events
    ]
    if not parts:
        return pl.DataFrame(), pl.DataFrame(schema=LEG)
    sales = pl.concat(parts, how="diagonal").select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        "version",
        "address",
        "trade_kind",
        "collection",
        pl.col("tokenId").alias("token_id"),
        pl.col("amount").alias("quantity"),
        "seller",
        "buyer",
        "maker",
        "taker",
        "currency",
        pl.col("price").alias("price_wei"),
    )
    legs = _legs(sales, around, _named_payments(sales, events, named), rest)
    return with_unexplained(sales, legs), legs


def _legs(sales: pl.DataFrame, around: Around, named: pl.DataFrame, rest: str) -> pl.DataFrame:
    parties = sales.select("block_hash", "log_index", "address", "seller", "buyer", "currency")
    moved = (
        transfers_around(sales, around.payments)
        .join(parties, on=["block_hash", "log_index", "currency"])
        .filter(
            # A buyer who pays in native coin may add WETH: that goes to the exchange, then on.
            pl.col("to_address") != pl.col("address"),
            (pl.col("from_address") == pl.col("buyer"))
            | (pl.col("from_address") == pl.col("address")),
        )
    )
    is_seller = pl.col("to_address") == pl.col("seller")
    return (
        moved.join(
            named,
            left_on=["block_hash", "log_index", "to_address", "amount_wei"],
            right_on=["block_hash", "log_index", "recipient", "amount"],
            how="left",
            maintain_order="left",
        )
        .with_columns(
            pl.when(is_seller)
            .then(pl.lit("seller"))
            .otherwise(pl.coalesce("named", pl.lit(rest)))
            .alias("recipient_class"),
            pl.lit(0, pl.Int64).alias("item_index"),
            pl.col("to_address").alias("recipient"),
            pl.lit("transfer_log").alias("source"),
        )
        .select(list(LEG))
    )


def _named_payments(
    sales: pl.DataFrame, events: Mapping[str, Decoded], named: Mapping[str, str]
) -> pl.DataFrame:
    """Payments that events name: block_hash, log_index (of the sale), recipient, amount, named."""
    kinds = {name: LEG[name] for name in ("block_hash", "log_index", "recipient")}
    empty = pl.DataFrame(schema={**kinds, "amount": LEG["amount_wei"], "named": pl.String()})
    found = [
        transfers_around(sales, events[name].rows).select(
            "block_hash", "log_index", "recipient", "amount", pl.lit(kind).alias("named")
        )
        for name, kind in named.items()
        if name in events
    ]
    whole = pl.concat([empty, *found])
    return whole.unique(["block_hash", "log_index", "recipient", "amount"], keep="first")
