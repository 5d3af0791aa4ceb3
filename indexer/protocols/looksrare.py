"""LooksRare 1 and 2.

- 1: always paid in WETH (native coin is wrapped first). The events name the price and, apart, the
  royalty; who else got what is told by the WETH transfers between one sale and the next.
- 2: the event names all three legs: seller, creator, protocol. An affiliate is paid out of the
  protocol's share, by an event of its own before the sale.

Source: events of the protocol table; quirks in reference/markets.md, section 6.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.types import WEI
from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.flows import transfers_around
from indexer.protocols.looksrare_v1 import ROYALTY_PAYMENT, TAKER_ASK, TAKER_BID, sales_and_legs
from indexer.protocols.sales import (
    ITEM,
    LEG,
    leg,
    price_of,
    sale_tables,
    spread,
    with_standard,
)

_NAME = "looksrare"
_V1 = frozenset({"0x59728544b08ab483533076417fbbb2fd0b17ce3a"})
_V2 = frozenset({"0x0000000000e655fae4d56241588680f86e3b2377"})
_V2_SALE = (
    " uint256 strategyId, address currency, address collection, uint256[] itemIds,"
    " uint256[] amounts, address[2] feeRecipients, uint256[3] feeAmounts)"
)
_NONCE = "((bytes32 orderHash, uint256 orderNonce, bool isInvalidated) nonce,"
_ASK_2 = Event.parse(
    f"TakerAsk{_NONCE} address askUser, address bidUser,{_V2_SALE}",
    wei=["feeAmounts"],
    name="TakerAsk2",
)
_BID_2 = Event.parse(
    f"TakerBid{_NONCE} address bidUser, address bidRecipient,{_V2_SALE}",
    wei=["feeAmounts"],
    name="TakerBid2",
)
_AFFILIATE = Event.parse(
    "AffiliatePayment(address affiliate, address currency, uint256 affiliateFee)",
    wei=["affiliateFee"],
)


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [
        *(Route(event, "1", _V1) for event in (TAKER_ASK, TAKER_BID, ROYALTY_PAYMENT)),
        *(Route(event, "2", _V2) for event in (_ASK_2, _BID_2, _AFFILIATE)),
    ]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    first, first_legs = sales_and_legs(events, around, {"RoyaltyPayment": "creator"}, "platform")
    second, second_legs = _settle_2(events)
    sales = pl.concat([each for each in (first, second) if each.width], how="diagonal")
    if not sales.width:
        return {}
    sales = with_standard(sales, around.fact("transfers"))
    return sale_tables(_NAME, sales, [first_legs, second_legs])


# --- 2


def _settle_2(events: Mapping[str, Decoded]) -> tuple[pl.DataFrame, pl.DataFrame]:
    sides = {"TakerBid2": ("bidRecipient", "listing"), "TakerAsk2": ("bidUser", "bid")}
    sales, legs = [], []
    for name, (buyer, kind) in sides.items():
        if name not in events:
            continue
        decoded = events[name]
        heads = _heads_2(decoded).with_columns(
            pl.col(buyer).alias("buyer"), pl.lit(kind).alias("trade_kind")
        )
        items = _items_2(decoded, heads)
        shares = spread(_legs_2(heads, events), items)
        legs.append(shares)
        sales.append(items.join(price_of(shares), on=list(ITEM), how="left"))
    if not sales:
        return pl.DataFrame(), pl.DataFrame(schema=LEG)
    whole = pl.concat(sales, how="diagonal")
    return whole.with_columns(pl.col("price_wei").fill_null(0)), pl.concat(legs)


def _heads_2(decoded: Decoded) -> pl.DataFrame:
    """Sales with `seller`, `creator`, and what these and the protocol got, in a column each."""
    recipients = _wide(decoded.items["feeRecipients"], ("seller", "creator"))
    amounts = _wide(decoded.items["feeAmounts"], ("to_seller", "to_creator", "to_protocol"))
    return decoded.rows.join(recipients, on="row").join(amounts, on="row")


def _wide(items: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The items of a fixed array as columns."""
    return items.group_by("row", maintain_order=True).agg(
        pl.col("value").get(place).alias(name) for place, name in enumerate(names)
    )


def _items_2(decoded: Decoded, heads: pl.DataFrame) -> pl.DataFrame:
    amounts = decoded.items["amounts"].rename({"value": "quantity"})
    items = decoded.items["itemIds"].rename({"value": "token_id"})
    maker = pl.when(pl.col("trade_kind") == "listing").then("seller").otherwise("buyer")
    taker = pl.when(pl.col("trade_kind") == "listing").then("buyer").otherwise("seller")
    return (
        heads.join(items, on="row", maintain_order="left_right")
        .join(amounts, on=["row", "item"], how="left", maintain_order="left")
        .select(
            *PLACE,
            pl.col("item").cast(pl.Int64).alias("item_index"),
            pl.len().over("row").cast(pl.Int64).alias("bundle_size"),
            "version",
            "trade_kind",
            "collection",
            "token_id",
            pl.col("quantity").fill_null("1"),
            "seller",
            "buyer",
            maker.alias("maker"),
            taker.alias("taker"),
            "currency",
        )
    )


def _legs_2(heads: pl.DataFrame, events: Mapping[str, Decoded]) -> pl.DataFrame:
    """Seller, creator, protocol and affiliate of each sale, as its events name them."""
    affiliates = _affiliates(heads, events)
    heads = heads.with_columns(pl.lit(0, pl.Int64).alias("item_index")).join(
        affiliates, on=["block_hash", "log_index", "currency"], how="left", maintain_order="left"
    )
    # The affiliate is paid out of what the event names as the protocol's.
    rest = pl.col("to_protocol").cast(pl.Int128) - pl.col("to_affiliate").fill_null(0).cast(
        pl.Int128
    )
    nobody = pl.lit(None, pl.String)
    return pl.concat(
        [
            leg(heads, "seller", "seller", "to_seller", "fee_event"),
            leg(heads, "creator", "creator", "to_creator", "fee_event"),
            leg(heads, nobody, "platform", rest, "fee_event"),
            leg(heads, "affiliate", "affiliate", "to_affiliate", "fee_event"),
        ]
    ).filter(pl.col("amount_wei") > 0)


def _affiliates(heads: pl.DataFrame, events: Mapping[str, Decoded]) -> pl.DataFrame:
    if "AffiliatePayment" not in events:
        return pl.DataFrame(
            schema={
                **{name: LEG[name] for name in ("block_hash", "log_index", "currency")},
                "affiliate": pl.String(),
                "to_affiliate": WEI.polars,
            }
        )
    paid = transfers_around(heads, events["AffiliatePayment"].rows)
    return paid.group_by("block_hash", "log_index", "currency").agg(
        pl.col("affiliate").first(), pl.col("affiliateFee").first().alias("to_affiliate")
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"receipt"}),
    after=("erc721", "erc1155"),
    limits=(
        "1: without the WETH transfers of its transaction a sale has no legs.",
        "2: the event does not name who collects the protocol fee; bundle prices are shares.",
    ),
)
