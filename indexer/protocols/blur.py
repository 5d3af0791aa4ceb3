"""Blur 1 and 2.

- 1: one event per sale. The token is that of the sell order: a bid on a collection has token 0.
  Fees are rates, taken out of the price.
- 2: four layouts of one event, after the token has moved; three are packed into words. They name
  the maker (`trader`); the taker is the other end of the token's transfer. Of a listing the maker's
  and the protocol's fee come out of the price and the taker's on top of it; of a bid it is the
  other way round for maker and taker.

Listings are paid in native coin, bids in the token of Blur's pool (in early days in WETH). Blend
locks tokens under its own name: its sales are left as they are here.

Sources: the exchange's verified source; reference/markets.md, section 6.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.blur_legs import FEE, fee_legs, seller_legs, with_fees
from indexer.protocols.paid import with_movements
from indexer.protocols.sales import ITEM, sale_tables, with_standard

_NAME = "blur"
_V1 = frozenset({"0x000000000000ad05ccc4f10045630fb830b95127"})
_V2 = frozenset({"0xb2ecfe4e4d61f8790bbb9de2d1259b9e2410cea5"})
POOL = "0x0000000000a39bb272e79075ade125fd351887ac"
_COLLECTION_BIDS = "0x0000000000b92d5d043faf7cecf7e2ee6aaed232"

_ORDER = (
    "(address trader, uint8 side, address matchingPolicy, address collection, uint256 tokenId,"
    " uint256 amount, address paymentToken, uint256 price, uint256 listingTime,"
    " uint256 expirationTime, (uint16 rate, address recipient)[] fees, uint256 salt,"
    " bytes extraParams)"
)
_MATCHED = Event.parse(
    f"OrdersMatched(address indexed maker, address indexed taker, {_ORDER} sell, bytes32 sellHash,"
    f" {_ORDER} buy, bytes32 buyHash)",
    wei=["sell.price"],
)
_PACKED = "(bytes32 orderHash, uint256 tokenIdListingIndexTrader, uint256 collectionPriceSide"
_PLAIN = Event.parse(f"Execution721Packed{_PACKED})")
_MAKER_FEE = Event.parse(f"Execution721MakerFeePacked{_PACKED}, uint256 makerFeeRecipientRate)")
_TAKER_FEE = Event.parse(f"Execution721TakerFeePacked{_PACKED}, uint256 takerFeeRecipientRate)")
_RATE = "(address recipient, uint16 rate)"
_EXECUTION = Event.parse(
    "Execution((address trader, uint256 id, uint256 amount, address collection, uint8 assetType)"
    " transfer, bytes32 orderHash, uint256 listingIndex, uint256 price,"
    f" {_RATE} makerFee, ({_RATE} protocolFee, {_RATE} takerFee) fees, uint8 orderType)",
    wei=["price"],
)

_LOW_160 = (1 << 160) - 1
_LOW_88 = (1 << 88) - 1
_V2_HEAD = pl.Schema(
    {
        "side": pl.Int64(),
        "trader": pl.String(),
        "collection": pl.String(),
        "token_id": pl.String(),
        "quantity": pl.String(),
        "price": pl.Int128(),
    }
)


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    packed = (_PLAIN, _MAKER_FEE, _TAKER_FEE, _EXECUTION)
    return [Route(_MATCHED, "1", _V1), *(Route(event, "2", _V2) for event in packed)]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    transfers = around.fact("transfers")
    first, first_fees = _read_1(events)
    second, second_fees = _read_2(events, transfers)
    sales = pl.concat([first, second], how="diagonal")
    if sales.is_empty():
        return {}
    sales, fees, refused = with_fees(sales, pl.concat([first_fees, second_fees]))
    legs = pl.concat([seller_legs(sales), fee_legs(fees, sales)])
    sales, legs = with_movements(sales, legs, around)
    return sale_tables(_NAME, with_standard(sales, transfers), [legs]) | {"quarantine": refused}


# --- 1


def _read_1(events: Mapping[str, Decoded]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sales of version 1, and their fees (columns FEE)."""
    if "OrdersMatched" not in events:
        return pl.DataFrame(), pl.DataFrame(schema=FEE)
    decoded = events["OrdersMatched"]
    is_listing = (pl.col("sell.paymentToken") == NATIVE) | (pl.col("maker") == pl.col("seller"))
    rows = decoded.rows.with_columns(
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.col("sell.trader").alias("seller"),
        pl.col("buy.trader").alias("buyer"),
    )
    sales = rows.select(
        *PLACE,
        "item_index",
        "version",
        "address",
        pl.lit("OrdersMatched").alias("event"),
        pl.when(is_listing)
        .then(pl.lit("listing"))
        .when(pl.col("buy.matchingPolicy") == _COLLECTION_BIDS)
        .then(pl.lit("collection_bid"))
        .otherwise(pl.lit("bid"))
        .alias("trade_kind"),
        pl.col("sell.collection").alias("collection"),
        pl.col("sell.tokenId").alias("token_id"),
        pl.col("sell.amount").alias("quantity"),
        "seller",
        "buyer",
        "maker",
        "taker",
        pl.col("sell.paymentToken").alias("currency"),
        pl.col("sell.price").cast(pl.Int128).alias("price"),
    )
    fees = decoded.items["sell.fees"].join(rows.select("row", *ITEM), on="row")
    return sales, fees.select(
        *ITEM,
        pl.col("item").cast(pl.Int64).alias("place"),
        "recipient",
        pl.lit("creator").alias("recipient_class"),
        pl.col("rate").cast(pl.Int128),
        pl.lit(value=False).alias("is_on_top"),
        pl.lit(value=True).alias("is_exact"),
    )


# --- 2


def _read_2(
    events: Mapping[str, Decoded], transfers: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sales of version 2, and their fees (columns FEE)."""
    heads, fees = [], []
    for name, charged in (
        (_PLAIN.name, ""),
        (_MAKER_FEE.name, "maker"),
        (_TAKER_FEE.name, "taker"),
    ):
        if name in events:
            rows = _unpack(events[name].rows).with_columns(pl.lit(name).alias("event"))
            heads.append(rows)
            if charged:
                fees.append(_fees(rows, charged, *_unpack_fee(rows, f"{charged}FeeRecipientRate")))
    if "Execution" in events:
        rows = _unpacked(events["Execution"].rows)
        heads.append(rows)
        fees += [
            _fees(rows, charged, pl.col(f"{path}.recipient"), pl.col(f"{path}.rate"))
            for charged, path in (
                ("maker", "makerFee"),
                ("taker", "fees.takerFee"),
                ("protocol", "fees.protocolFee"),
            )
        ]
    columns = [*PLACE, "item_index", "version", "address", "event", *_V2_HEAD]
    if not heads:
        return pl.DataFrame(), pl.DataFrame(schema=FEE)
    whole = pl.concat([each.select(columns) for each in heads])
    return _with_taker(whole, transfers), pl.concat([pl.DataFrame(schema=FEE), *fees])


def _unpack(rows: pl.DataFrame) -> pl.DataFrame:
    """What the two packed words of an event hold: _V2_HEAD."""
    tokens = [int(text) for text in rows["tokenIdListingIndexTrader"]]
    prices = [int(text) for text in rows["collectionPriceSide"]]
    head = {
        "side": [word >> 248 for word in prices],
        "trader": [f"0x{word & _LOW_160:040x}" for word in tokens],
        "collection": [f"0x{word & _LOW_160:040x}" for word in prices],
        "token_id": [str(word >> 168) for word in tokens],
        "quantity": ["1"] * len(tokens),
        "price": [(word >> 160) & _LOW_88 for word in prices],
    }
    return pl.concat([rows, pl.DataFrame(head, schema=_V2_HEAD)], how="horizontal").with_columns(
        pl.lit(0, pl.Int64).alias("item_index")
    )


def _unpack_fee(rows: pl.DataFrame, name: str) -> tuple[pl.Series, pl.Series]:
    """Recipients and rates of a packed word."""
    words = [int(text) for text in rows[name]]
    recipients = pl.Series([f"0x{word & _LOW_160:040x}" for word in words], dtype=pl.String)
    # A rate is 16 bits; whatever is more is refused later, and must fit until then.
    rates = pl.Series([min(word >> 160, 1 << 16) for word in words], dtype=pl.Int128)
    return recipients, rates


def _unpacked(rows: pl.DataFrame) -> pl.DataFrame:
    is_multiple = pl.col("transfer.assetType") == 1
    return rows.with_columns(
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit("Execution").alias("event"),
        pl.col("orderType").cast(pl.Int64).alias("side"),
        pl.col("transfer.trader").alias("trader"),
        pl.col("transfer.collection").alias("collection"),
        pl.col("transfer.id").alias("token_id"),
        # The amount of an ERC-721 token is not set.
        pl.when(is_multiple).then("transfer.amount").otherwise(pl.lit("1")).alias("quantity"),
        pl.col("price").cast(pl.Int128),
    )


def _fees(
    rows: pl.DataFrame, charged: str, recipient: pl.Series | pl.Expr, rate: pl.Series | pl.Expr
) -> pl.DataFrame:
    """One fee of each sale (columns FEE); those of no rate are left out.

    The rate of a maker's fee is computed back from the amount by the contract, and may have lost
    one basis point unless the price divides by 10,000.
    """
    is_bid = pl.col("side") == 1
    on_top = {"maker": is_bid, "taker": ~is_bid, "protocol": pl.lit(value=False)}
    is_exact = pl.lit(value=True) if charged != "maker" else pl.col("price") % 10_000 == 0
    return (
        rows.with_columns(recipient.alias("recipient"), rate.cast(pl.Int128).alias("rate"))
        .select(
            *ITEM,
            pl.lit(("maker", "taker", "protocol").index(charged), pl.Int64).alias("place"),
            "recipient",
            pl.lit("platform" if charged == "protocol" else "creator").alias("recipient_class"),
            "rate",
            on_top[charged].alias("is_on_top"),
            is_exact.alias("is_exact"),
        )
        .filter(pl.col("rate") > 0)
    )


def _with_taker(sales: pl.DataFrame, transfers: pl.DataFrame) -> pl.DataFrame:
    """The sales with seller and buyer: the maker, and the other end of the token's last move."""
    is_ask = pl.col("side") == 0
    key = ["block_hash", "tx_hash", "collection", "token_id", "trader", "side"]
    moves = [
        transfers.select(
            *key[:4],
            pl.col(near).alias("trader"),
            pl.lit(side, pl.Int64).alias("side"),
            pl.col(far).alias("other"),
            "log_index",
        )
        for side, near, far in (
            (0, "from_address", "to_address"),
            (1, "to_address", "from_address"),
        )
    ]
    found = sales.sort("log_index").join_asof(
        pl.concat(moves).sort("log_index"),
        on="log_index",
        by=key,
        check_sortedness=False,  # polars cannot check it within groups; both are sorted above
    )
    return found.sort("block_number", "log_index").with_columns(
        pl.when(is_ask).then("trader").otherwise("other").alias("seller"),
        pl.when(is_ask).then("other").otherwise("trader").alias("buyer"),
        pl.col("trader").alias("maker"),
        pl.col("other").alias("taker"),
        pl.when(is_ask).then(pl.lit("listing")).otherwise(pl.lit("bid")).alias("trade_kind"),
        pl.when(is_ask).then(pl.lit(NATIVE)).otherwise(pl.lit(POOL)).alias("currency"),
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"receipt", "trace"}),
    after=("erc721", "erc1155", "blend"),  # its liens tell who sold a locked token
    limits=(
        "A listing whose fee comes out of the price balances only where its transaction can be"
        " traced; else what the seller got is computed.",
        "2: whether a bid was for a collection or for a trait is not in the event; both are `bid`.",
        "A bulk pays each party once; such payments are compared in sum.",
    ),
)
