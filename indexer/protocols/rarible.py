"""Rarible: exchange 1 (`Buy`), and exchange 2 (`Match`) in its two layouts.

- 1: the event has the order's whole amounts and how much of it was sold; a fee of the buyer comes
  on top of the part that follows from these. What was paid is read from the money that moved.
- 2, early: `Match` names makers and assets; a `Transfer` event of the exchange tells of every
  movement, and whether it is a payout, a royalty, an origin's (front end's) or the protocol's fee.
- 2, later: `Match` has fills alone. Token and parties are those of the last token that moved
  before it, price and legs the money that moved.

Cancellations are not read. Source: rarible/protocol-contracts (ExchangeV2Core, TransferManager,
LibFeeSide); the names of transfer types are hashed as LibTransfer's constants are.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer import words
from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.flows import HEAD, transfers_around
from indexer.protocols.observed import observe
from indexer.protocols.sales import ITEM, LEG, price_of, sale_tables, summable

_NAME = "rarible"
_EXCHANGE_1 = frozenset({"0xcd4ec7b66fbc029c116ba9ffb3e59351c20b5b06"})
_EXCHANGE_2 = {
    1: frozenset({"0x9757f2d2b135150bbeb65308d4a91804107cd8d6"}),
    137: frozenset({"0x12b3897a36fdb436dde2788c06eff0ffd997066e"}),
}
_BUY = Event.parse(
    "Buy(address indexed sellToken, uint256 indexed sellTokenId, uint256 sellValue, address owner,"
    " address buyToken, uint256 buyTokenId, uint256 buyValue, address buyer, uint256 amount,"
    " uint256 salt)",
)
_MATCH = Event.parse(
    "Match(bytes32 leftHash, bytes32 rightHash, uint256 newLeftFill, uint256 newRightFill)"
)
_ASSET = "(bytes4 assetClass, bytes details)"
_MATCH_WITH_ASSETS = Event.parse(
    "Match(bytes32 leftHash, bytes32 rightHash, address leftMaker, address rightMaker,"
    f" uint256 newLeftFill, uint256 newRightFill, {_ASSET} leftAsset, {_ASSET} rightAsset)",
    name="MatchWithAssets",
)
_MOVED = Event.parse(
    f"Transfer(({_ASSET} assetType, uint256 value) asset, address from, address to,"
    " bytes4 direction, bytes4 transferType)",
    wei=["asset.value"],
)
_ETHER, _ERC20 = "0xaaaebeba", "0x8ae85d84"
_CLASSES = {
    "0xa10bb5b2": "seller",  # PAYOUT
    "0xb3c5c697": "creator",  # ROYALTY
    "0xdfdfdaf4": "platform",  # ORIGIN
    "0xf87e69cb": "platform",  # PROTOCOL
}
_MONEY = (_ETHER, _ERC20)
_TOKEN_DATA = 64


def _routes(context: ChainContext) -> Sequence[Route]:
    routes = [Route(_BUY, "1", _EXCHANGE_1)] if context.chain_id == 1 else []
    exchange = _EXCHANGE_2.get(context.chain_id)
    if exchange:
        routes += [Route(each, "2", exchange) for each in (_MATCH, _MATCH_WITH_ASSETS, _MOVED)]
    return routes


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    sales, legs = [], []
    told = _told_heads(events, around)
    by_event = _event_legs(told, events)
    silent = told.join(by_event.select(ITEM).unique(), on=list(ITEM), how="anti")
    spoken = told.join(by_event.select(ITEM).unique(), on=list(ITEM), how="semi")
    if not spoken.is_empty():
        currency = by_event.group_by(ITEM).agg(pl.col("currency").first().alias("currency"))
        sales.append(
            spoken.drop("currency")
            .join(currency, on=list(ITEM), maintain_order="left")
            .join(price_of(by_event), on=list(ITEM), maintain_order="left")
            .with_columns(pl.lit(None, pl.String).alias("residual_reason"))
        )
        legs.append(by_event)
    seen = pl.concat([silent, _match_heads(events, around), _buy_heads(events, around)])
    if not seen.is_empty():
        observed, payments = observe(seen, around)
        sales.append(observed)
        legs.append(payments)
    if not sales:
        return {}
    whole = pl.concat(sales, how="diagonal").drop("stated")
    return sale_tables(_NAME, whole, legs)


def _columns(
    *, kind: pl.Expr, maker: pl.Expr, taker: pl.Expr, stated: pl.Expr, confidence: str
) -> list[pl.Expr | str]:
    """The columns that sales of every layout have until their money is known."""
    return [
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        "version",
        "address",
        kind.alias("trade_kind"),
        "collection",
        "token_id",
        "token_standard",
        "quantity",
        "seller",
        "buyer",
        maker.alias("maker"),
        taker.alias("taker"),
        pl.lit(None, pl.String).alias("currency"),
        stated.cast(WEI.polars).alias("stated"),
        pl.lit(confidence).alias("confidence"),
    ]


_SCHEMA = (
    {name: pl.String() for name in PLACE}
    | {"chain_id": pl.Int64(), "block_number": pl.Int64(), "block_time": pl.Datetime("us")}
    | {"tx_index": pl.Int64(), "log_index": pl.Int64(), "item_index": pl.Int64()}
    | {
        name: pl.String()
        for name in (
            "version", "address", "trade_kind", "collection", "token_id", "token_standard",
            "quantity", "seller", "buyer", "maker", "taker", "currency",
        )
    }
    | {"stated": WEI.polars, "confidence": pl.String()}
)  # fmt: skip


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(list(_SCHEMA)).cast({k: v for k, v in _SCHEMA.items() if k != "block_time"})


def _last_moves(heads: pl.DataFrame, around: Around) -> pl.DataFrame:
    """The token transfers before each event, numbered from the last: `back` is 0."""
    moved = transfers_around(heads, around.fact("transfers")).sort(*HEAD, "moved_at", "item_index")
    return moved.select(
        *HEAD,
        "moved_at",
        "collection",
        "token_id",
        "token_standard",
        "quantity",
        pl.col("from_address").alias("giver"),
        pl.col("to_address").alias("receiver"),
        pl.int_range(pl.len()).reverse().over(HEAD).alias("back"),
    )


# --- 2, with assets


def _told_heads(events: Mapping[str, Decoded], around: Around) -> pl.DataFrame:
    """Matches that name makers and assets."""
    if "MatchWithAssets" not in events:
        return pl.DataFrame(schema=_SCHEMA)
    rows = events["MatchWithAssets"].rows
    left_is_money = pl.col("leftAsset.assetClass").is_in(_MONEY)
    right_is_money = pl.col("rightAsset.assetClass").is_in(_MONEY)
    token = pl.when(left_is_money).then("rightAsset.details").otherwise("leftAsset.details")
    rows = rows.filter(left_is_money != right_is_money).with_columns(
        _address(token).alias("collection"),
        token.map_elements(_token_id, return_dtype=pl.String).alias("token_id"),
        pl.when(left_is_money).then("rightMaker").otherwise("leftMaker").alias("seller"),
        pl.when(left_is_money).then("leftMaker").otherwise("rightMaker").alias("buyer"),
    )
    moves = (
        _last_moves(rows, around)
        .sort("back")
        .unique([*HEAD, "collection", "token_id"], keep="first", maintain_order=True)
    )
    moves = moves.select(*HEAD, "collection", "token_id", "token_standard", "quantity")
    kind = pl.when(pl.col("leftMaker") == pl.col("seller")).then(pl.lit("listing"))
    rows = rows.join(moves, on=[*HEAD, "collection", "token_id"], how="left", maintain_order="left")
    return _named(
        rows.with_columns(
            pl.col("token_standard").fill_null("erc721"), pl.col("quantity").fill_null("1")
        ).select(
            _columns(
                kind=kind.otherwise(pl.lit("bid")),
                maker=pl.col("leftMaker"),
                taker=pl.col("rightMaker"),
                stated=pl.lit(None),
                confidence="decoded",
            )
        )
    )


def _event_legs(heads: pl.DataFrame, events: Mapping[str, Decoded]) -> pl.DataFrame:
    """Legs of matches by the exchange's own `Transfer` events; none without any of a payout.

    An amount that does not fit is set aside, and with it the legs beside it mean little.
    """
    if "Transfer" not in events or heads.is_empty():
        return pl.DataFrame(schema=LEG)
    kind = pl.col("asset.assetType.assetClass")
    data = pl.col("asset.assetType.details")
    legs = (
        transfers_around(heads, events["Transfer"].rows)
        .filter(kind.is_in(_MONEY))
        .with_columns(
            pl.lit(0, pl.Int64).alias("item_index"),
            pl.col("to").alias("recipient"),
            pl.col("transferType")
            .replace_strict(_CLASSES, default="unknown", return_dtype=pl.String)
            .alias("recipient_class"),
            pl.when(kind == _ETHER)
            .then(pl.lit(NATIVE))
            .otherwise(_address(data))
            .alias("currency"),
            pl.col("asset.value").alias("amount_wei"),
            pl.lit("fee_event").alias("source"),
        )
        .select(list(LEG))
        .cast(LEG)
    )
    legs = summable(legs)
    payouts = legs.filter(pl.col("recipient_class") == "seller").select(ITEM).unique()
    return legs.join(payouts, on=list(ITEM), how="semi", maintain_order="left")


def _address(data: pl.Expr) -> pl.Expr:
    """The first word of an asset's data: the contract."""
    return words.hex_text(data.bin.slice(12, 20))


def _token_id(data: bytes) -> str | None:
    """The second word, where there is one: collections as a whole have none."""
    return str(int.from_bytes(data[32:64], "big")) if len(data) == _TOKEN_DATA else None


# --- 2, with fills alone


def _match_heads(events: Mapping[str, Decoded], around: Around) -> pl.DataFrame:
    if "Match" not in events:
        return pl.DataFrame(schema=_SCHEMA)
    rows = events["Match"].rows
    last = _last_moves(rows, around).filter(pl.col("back") == 0)
    sender = around.beside.transactions.select("block_hash", "tx_hash", "from_address")
    rows = rows.join(last, on=list(HEAD), how="left", maintain_order="left").join(
        sender.unique(["block_hash", "tx_hash"]),
        on=["block_hash", "tx_hash"],
        how="left",
        maintain_order="left",
    )
    nobody = "0x" + "0" * 40
    rows = rows.with_columns(
        # Minted for the buyer: who signed for it is not told.
        pl.when(pl.col("giver") != nobody).then(pl.col("giver")).alias("seller"),
        pl.col("receiver").alias("buyer"),
        pl.col("quantity").fill_null("1"),
        pl.col("token_standard").fill_null("erc721"),
    )
    is_bid = (pl.col("from_address") == pl.col("seller")).fill_null(value=False)
    return _named(
        rows.select(
            _columns(
                kind=pl.when(is_bid).then(pl.lit("bid")).otherwise(pl.lit("listing")),
                maker=pl.when(is_bid).then("buyer").otherwise("seller"),
                taker=pl.when(is_bid).then("seller").otherwise("buyer"),
                stated=pl.lit(None),
                confidence="inferred",
            )
        )
    )


# --- 1


def _buy_heads(events: Mapping[str, Decoded], around: Around) -> pl.DataFrame:
    """Sales of exchange 1: the order sells a token for money, or money for a token."""
    if "Buy" not in events:
        return pl.DataFrame(schema=_SCHEMA)
    rows = events["Buy"].rows
    moves = _last_moves(rows, around).select(
        *HEAD, "collection", "token_id", "token_standard", "quantity"
    )
    parts = []
    for side, other in (("sell", "buy"), ("buy", "sell")):
        token = moves.rename({"collection": f"{side}Token", "token_id": f"{side}TokenId"})
        found = rows.join(
            token.unique([*HEAD, f"{side}Token", f"{side}TokenId"], keep="last"),
            on=[*HEAD, f"{side}Token", f"{side}TokenId"],
            maintain_order="left",
        )
        is_listing = side == "sell"
        parts.append(
            found.with_columns(
                pl.col(f"{side}Token").alias("collection"),
                pl.col(f"{side}TokenId").alias("token_id"),
                pl.col("owner" if is_listing else "buyer").alias("seller"),
                pl.col("buyer" if is_listing else "owner").alias("buyer_"),
                pl.col(f"{other}Token").alias("currency_"),
            )
            .with_columns(_stated(listing=is_listing).alias("stated_"))
            .drop("buyer")
            .rename({"buyer_": "buyer"})
            .select(
                *_columns(
                    kind=pl.lit("listing" if is_listing else "bid"),
                    maker=pl.col("seller" if is_listing else "buyer"),
                    taker=pl.col("buyer" if is_listing else "seller"),
                    stated=pl.col("stated_"),
                    confidence="decoded",
                ),
                "currency_",
            )
            .with_columns(pl.col("currency_").alias("currency"))
        )
    return _named(pl.concat(parts))


def _stated(*, listing: bool) -> pl.Expr:
    """The price before the buyer's fee; NULL where it does not fit or does not divide."""
    amount = pl.col("amount").cast(pl.Int128, strict=False)
    if not listing:
        return amount
    paid = pl.col("buyValue").cast(pl.Int128, strict=False)
    units = pl.col("sellValue").cast(pl.Int128, strict=False)
    fits = (paid < 10**27) & (amount < 10**9) & (units > 0)
    return pl.when(fits).then(paid * amount // units)


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"input", "receipt", "trace"}),
    after=("erc721", "erc1155"),
    limits=(
        "1, and 2 without assets: who got what neither reached the seller nor a known fee wallet is"
        " not classed.",
        "1, without traces: the buyer's fee, which comes on top, is not known.",
        "2 without assets: a sale in native coin has no price without traces; a token minted for"
        " the sale has no seller.",
        "Tokens for tokens (swaps) of exchange 2 with assets are left out.",
    ),
)
