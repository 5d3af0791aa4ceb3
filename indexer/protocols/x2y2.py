"""X2Y2.

One event per order filled, `EvInventory`; just before it `EvProfit` tells what the seller got. The
tokens stand in the order's item as bytes, of a layout that its delegate decides; an order for any
token of a collection has a mask over them, and the taker's bytes under it. Fees are rates per
million of the price, taken out of it. Price, profit and fees are told apart, so their balance is a
test. An auction's price stands in earlier bids: its sale has none.

Source: the exchange's verified source (EvProfit and the meaning of `op` are not in the protocol
table); quirks in reference/markets.md, section 6.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.fee_wallets import fee_wallets
from indexer.protocols.sales import (
    ITEM,
    LEG,
    leg,
    price_of,
    sale_tables,
    spread,
    with_unexplained,
)

_NAME = "x2y2"
_EXCHANGE = frozenset({"0x74312363e45dcaba76c59ec49a7aa8a65a67eed3"})
_INVENTORY = Event.parse(
    "EvInventory(bytes32 indexed itemHash, address maker, address taker, uint256 orderSalt,"
    " uint256 settleSalt, uint256 intent, uint256 delegateType, uint256 deadline,"
    " address currency, bytes dataMask, (uint256 price, bytes tokens) order,"
    " (uint8 op, uint256 orderIdx, uint256 itemIdx, uint256 price, bytes32 itemHash,"
    " address executionDelegate, bytes dataReplacement, uint256 bidIncentivePct,"
    " uint256 aucMinIncrementPct, uint256 aucIncDurationSecs,"
    " (uint256 percentage, address to)[] fees) detail)",
    wei=["detail.price"],
)
_PROFIT = Event.parse(
    "EvProfit(bytes32 itemHash, address currency, address to, uint256 amount)", wei=["amount"]
)

_SELL, _BUY, _AUCTION = 1, 2, 5  # `op` of orders that end in a sale
_KINDS = {_SELL: "listing", _BUY: "bid", _AUCTION: "auction"}
_LAYOUTS = {"1": "(address,uint256)[]", "2": "(address,uint256,uint256)[]"}
_RATE_BASE = 1_000_000
_TOKEN = pl.Schema(
    {
        "row": pl.get_index_type(),
        "item_index": pl.Int64(),
        "collection": pl.String(),
        "token_id": pl.String(),
        "quantity": pl.String(),
    }
)
_NO_AUCTION_PRICE = "the price of an auction is told by its bids"


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [Route(_INVENTORY, "1", _EXCHANGE), Route(_PROFIT, "1", _EXCHANGE)]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    if "EvInventory" not in events:
        return {}
    decoded = events["EvInventory"]
    heads = decoded.rows.filter(pl.col("detail.op").is_in(list(_KINDS)))
    tokens, unread = _tokens(heads)
    fees, excessive = _fees(heads, decoded.items["detail.fees"])
    refused = pl.concat([unread, excessive]).unique("row", keep="first")
    heads = heads.join(refused, on="row", how="anti", maintain_order="left")
    tables: Tables = {"quarantine": _set_aside(decoded, refused)}
    if heads.is_empty():
        return tables
    transfers = around.fact("transfers")
    heads = _heads(heads, tokens, transfers)
    whole = pl.concat([_profits(heads, events), _fee_legs(heads, fees)])
    heads = _with_reason(heads, whole)
    items = heads.drop("item_index").join(tokens, on="row", maintain_order="left_right")
    legs = spread(whole, items)
    return tables | sale_tables(_NAME, _with_price(heads, items, legs), [legs])


def _set_aside(decoded: Decoded, refused: pl.DataFrame) -> pl.DataFrame:
    return decoded.rows.join(refused, on="row").select(
        *PLACE, pl.lit("EvInventory").alias("event"), "reason"
    )


# --- tokens


def _tokens(heads: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tokens of each order (_TOKEN), and the rows whose bytes cannot be read, with reason."""
    columns = ("row", "delegateType", "order.tokens", "dataMask", "detail.dataReplacement")
    found: list[tuple[int, int, str, str, str]] = []
    unread: list[tuple[int, str]] = []
    for row, kind, data, mask, replacement in heads.select(columns).iter_rows():
        try:
            tokens = _read_tokens(kind, _masked(data, mask, replacement))
        except ValueError as error:
            unread.append((row, str(error)))
            continue
        found += [
            (row, place, str(token[0]), str(token[1]), str(token[2]) if kind == "2" else "1")
            for place, token in enumerate(tokens)
        ]
    faults = {"row": pl.get_index_type(), "reason": pl.String}
    return (
        pl.DataFrame(found, schema=_TOKEN, orient="row"),
        pl.DataFrame(unread, schema=faults, orient="row"),
    )


def _masked(data: bytes, mask: bytes, replacement: bytes) -> bytes:
    """The bytes with those of the taker where the mask is set."""
    if not mask or not replacement:
        return data
    if not len(data) == len(mask) == len(replacement):
        message = "the order's mask is of another length than its tokens"
        raise ValueError(message)
    pairs = zip(data, replacement, mask, strict=True)
    return bytes(theirs if is_masked else own for own, theirs, is_masked in pairs)


def _read_tokens(kind: str, data: bytes) -> tuple[tuple[str | int, ...], ...]:
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    if kind not in _LAYOUTS:
        message = f"tokens of delegate type {kind} cannot be read"
        raise ValueError(message)
    try:
        tokens: tuple[tuple[str | int, ...], ...] = decode([_LAYOUTS[kind]], data)[0]
    except (DecodingError, OverflowError) as error:
        message = f"the order's tokens cannot be read ({type(error).__name__})"
        raise ValueError(message) from error
    if not tokens:
        message = "the order has no token"
        raise ValueError(message)
    return tokens


# --- heads


def _heads(heads: pl.DataFrame, tokens: pl.DataFrame, transfers: pl.DataFrame) -> pl.DataFrame:
    """One row per order: place, parties, currency and price (NULL of an auction)."""
    op = pl.col("detail.op")
    is_bid, is_auction = op == _BUY, op == _AUCTION
    receivers = _receivers(heads, tokens, transfers)
    return heads.join(receivers, on="row", how="left", maintain_order="left").select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        "row",
        "version",
        "address",
        "itemHash",
        op.replace_strict(_KINDS, return_dtype=pl.String).alias("trade_kind"),
        pl.when(is_bid).then("taker").otherwise("maker").alias("seller"),
        pl.when(is_auction)
        .then("receiver")
        .when(is_bid)
        .then("maker")
        .otherwise("taker")
        .alias("buyer"),
        "maker",
        "taker",
        "currency",
        pl.when(~is_auction).then("detail.price").alias("price_wei"),
        pl.when(pl.col("delegateType") == "2")
        .then(pl.lit("erc1155"))
        .otherwise(pl.lit("erc721"))
        .alias("token_standard"),
    )


def _receivers(heads: pl.DataFrame, tokens: pl.DataFrame, transfers: pl.DataFrame) -> pl.DataFrame:
    """Who got the first token of an order, by `row`: the winner of an auction."""
    key = ["block_hash", "tx_hash", "collection", "token_id"]
    first = heads.select("row", *PLACE).join(tokens.filter(pl.col("item_index") == 0), on="row")
    moved = transfers.select(*key, "log_index", pl.col("to_address").alias("receiver"))
    return (
        first.sort("log_index")
        .join_asof(moved.sort("log_index"), on="log_index", by=key, check_sortedness=False)
        .select("row", "receiver")
    )


# --- money


def _profits(heads: pl.DataFrame, events: Mapping[str, Decoded]) -> pl.DataFrame:
    """What sellers got: the last EvProfit of the item before its order (columns LEG)."""
    if "EvProfit" not in events:
        return pl.DataFrame(schema=LEG)
    key = ["block_hash", "tx_hash", "itemHash", "currency"]
    told = events["EvProfit"].rows.select(*key, "log_index", "to", "amount")
    found = heads.sort("log_index").join_asof(
        told.sort("log_index"), on="log_index", by=key, check_sortedness=False
    )
    return leg(found.filter(pl.col("to").is_not_null()), "to", "seller", "amount", "fee_event")


def _fees(heads: pl.DataFrame, fees: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rates by row, and the rows whose rates are above the whole price, with reason."""
    is_short = pl.col("percentage").str.len_chars() <= 7
    rates = fees.join(
        heads.select("row"), on="row", how="semi", maintain_order="left"
    ).with_columns(pl.when(is_short).then(pl.col("percentage")).cast(pl.Int128).alias("rate"))
    excessive = (
        rates.group_by("row")
        .agg(pl.col("rate").is_null().any().alias("is_odd"), pl.col("rate").sum())
        .filter(pl.col("is_odd") | (pl.col("rate") > _RATE_BASE))
        .select("row", pl.lit("fees above the price").alias("reason"))
    )
    return rates, excessive


def _fee_legs(heads: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    price = pl.col("price_wei").cast(pl.Int128)
    rate = pl.col("rate")
    amount = price // _RATE_BASE * rate + price % _RATE_BASE * rate // _RATE_BASE
    is_known = pl.col("to").is_in(fee_wallets()["recipient"].implode())
    charged = heads.filter(pl.col("price_wei").is_not_null()).join(
        rates, on="row", maintain_order="left_right"
    )
    kind = pl.when(is_known).then(pl.lit("platform")).otherwise(pl.lit("creator"))
    return leg(charged, "to", kind, amount, "fee_event")


def _with_reason(heads: pl.DataFrame, legs: pl.DataFrame) -> pl.DataFrame:
    is_auction = pl.col("trade_kind") == "auction"
    return with_unexplained(heads, legs).with_columns(
        pl.when(is_auction)
        .then(pl.lit(_NO_AUCTION_PRICE))
        .otherwise("residual_reason")
        .alias("residual_reason")
    )


def _with_price(heads: pl.DataFrame, items: pl.DataFrame, legs: pl.DataFrame) -> pl.DataFrame:
    """One sale per token with its share of the price: of legs that add up to it, their sum."""
    nobody = pl.lit(None, pl.String)
    paid = price_of(legs).rename({"price_wei": "paid_wei"})
    share = price_of(spread(leg(heads, nobody, "unknown", "price_wei", "computed"), items))
    is_explained = pl.col("residual_reason").is_null()
    return (
        items.drop("price_wei")
        .join(share, on=list(ITEM), how="left", maintain_order="left")
        .join(paid, on=list(ITEM), how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("trade_kind") == "auction")
            .then(None)
            .when(is_explained)
            .then(pl.col("paid_wei").fill_null(0))
            .otherwise("price_wei")
            .alias("price_wei"),
            pl.len().over("row").cast(pl.Int64).alias("bundle_size"),
        )
        .drop("paid_wei")
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    after=("erc721", "erc1155"),
    limits=(
        "Who is paid a fee that goes to no wallet of the exchange is taken for the creator.",
        "The price of an auction stands in its earlier bids, and is NULL.",
    ),
)
