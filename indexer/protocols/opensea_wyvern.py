"""OpenSea on Wyvern 2 (until February 2022) and 2.3.

`OrdersMatched` says the price and the makers of the two orders, but neither token nor currency nor
fees. What else is told, each by its own evidence:

- the token, and which maker sells: the token transfers since the last match. A bundle, moved by
  the atomicizer, is several of them;
- native coin: the exchange receives it with its call and pays seller, fee collectors and, what is
  left over, the buyer. All of these are read from traces;
- ERC-20 tokens: the buyer pays the seller, then seller and buyer pay the fee collectors, before
  the token moves. What the seller keeps is what came in less what went out, both read;
- call data of `atomicMatch_` (of the transaction, or of the traced call from an aggregator) name
  currency, fees and collectors. Legs worked out from them are `computed`.

A buyer's fee comes on top of the event's price; price_wei has it. Creators' shares went to OpenSea
and were handed on later, so they are part of the platform fee here.

Source: the exchange as verified at the two addresses (ExchangeCore: executeFundsTransfer,
atomicMatch); quirks in reference/markets.md, section 6.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.fee_wallets import fee_wallets
from indexer.protocols.flows import HEAD, native_payments, transfers_around
from indexer.protocols.observed import numbered, shared
from indexer.protocols.opensea_wyvern_legs import first_payments, read_legs, with_price
from indexer.protocols.sales import sale_tables, with_unexplained
from indexer.protocols.wyvern_orders import read_orders

_NAME = "opensea_wyvern"
_EMITTERS = {
    "2": "0x7be8076f4ea4a4ad08075c2508e481d6c946d12b",
    "2.3": "0x7f268357a8c2552623316e2562d90e642bb538e5",
}
_MATCHED = Event.parse(
    "OrdersMatched(bytes32 buyHash, bytes32 sellHash, address indexed maker,"
    " address indexed taker, uint256 price, bytes32 indexed metadata)",
    wei=["price"],
)


_MAX_PRICE_WEI = 10**33


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [Route(_MATCHED, version, frozenset({at})) for version, at in _EMITTERS.items()]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    matches = events["OrdersMatched"].rows if "OrdersMatched" in events else pl.DataFrame()
    if matches.is_empty():
        return {}
    heads = matches.select(*PLACE, "version", "address", "maker", "taker", "price").with_columns(
        pl.lit(0, pl.Int64).alias("item_index")
    )
    heads = heads.join(read_orders(heads, around), on=list(HEAD), how="left")
    # What no money is worth is not multiplied: it might leave 128 bits.
    fits = pl.col("price") < _MAX_PRICE_WEI
    heads = heads.with_columns(
        pl.when(fits).then(pl.col(name)).alias(name) for name in ("seller_fee_bps", "buyer_fee_bps")
    )
    tokens = _tokens(heads, around.fact("transfers"))
    heads = _with_parties(heads, tokens)
    native = native_payments(heads, around.beside.value_traces)
    heads = _with_currency(heads, native, around)
    legs = read_legs(heads, native, tokens, around.payments)
    heads = with_unexplained(with_price(heads, legs), legs)
    sales, shares = shared(_items(heads, tokens), heads, legs)
    return sale_tables(_NAME, _with_marketplace(_with_reason(sales), legs), [shares])


# --- tokens and parties


def _tokens(heads: pl.DataFrame, transfers: pl.DataFrame) -> pl.DataFrame:
    """The tokens of each match: HEAD, collection, token_id, …, giver, receiver, moved_at.

    A seller may be behind a contract that mints on delivery, a buyer may have the token delivered
    to somebody else; what a router hands on after the last match is none of this one's.
    """
    makers = heads.select(*HEAD, "maker", "taker")
    moved = transfers_around(heads, transfers).join(makers, on=list(HEAD))
    giver, receiver = pl.col("from_address"), pl.col("to_address")
    maker, taker = pl.col("maker"), pl.col("taker")
    rank = (
        pl.when(((giver == maker) & (receiver == taker)) | ((giver == taker) & (receiver == maker)))
        .then(0)
        .when(giver == maker)
        .then(1)
        .when((receiver == maker) | (receiver == taker))
        .then(2)
        .when(giver == taker)
        .then(3)
    )
    ranked = moved.with_columns(rank.alias("rank")).filter(pl.col("rank").is_not_null())
    best = pl.col("rank") == pl.col("rank").min().over(HEAD)
    return ranked.filter(best).select(
        *HEAD,
        "moved_at",
        pl.col("item_index").alias("moved_item"),
        "collection",
        "token_id",
        "token_standard",
        "quantity",
        giver.alias("giver"),
        receiver.alias("receiver"),
    )


def _with_parties(heads: pl.DataFrame, tokens: pl.DataFrame) -> pl.DataFrame:
    """The matches with `seller` and `buyer` (makers of the orders) and `receiver` of the token."""
    first = tokens.sort("moved_at", "moved_item").unique(
        list(HEAD), keep="first", maintain_order=True
    )
    known = heads.join(
        first.select(*HEAD, "giver", "receiver"), on=list(HEAD), how="left", maintain_order="left"
    )
    maker, taker = pl.col("maker"), pl.col("taker")
    maker_sells = (
        pl.when(pl.col("sell_maker").is_not_null())
        .then(pl.col("sell_maker") == maker)
        .when(pl.col("giver") == maker)
        .then(pl.lit(value=True))
        .when(pl.col("giver") == taker)
        .then(pl.lit(value=False))
        .when(pl.col("receiver") == taker)
        .then(pl.lit(value=True))
        .when(pl.col("receiver") == maker)
        .then(pl.lit(value=False))
    )
    return known.with_columns(maker_sells.alias("maker_sells"))


# --- money


def _with_currency(heads: pl.DataFrame, native: pl.DataFrame, around: Around) -> pl.DataFrame:
    """The matches with currency, seller, buyer; NULL where the evidence does not tell.

    Only the taker of a listing can pay native coin. That no ERC-20 token moved is told by the
    receipt, which was asked for along with the transaction.
    """
    asked = around.beside.transactions.select("block_hash", "tx_hash").unique()
    heads = heads.join(
        asked.with_columns(pl.lit(value=True).alias("was_asked")),
        on=["block_hash", "tx_hash"],
        how="left",
        maintain_order="left",
    ).join(
        native.select(*HEAD).unique().with_columns(pl.lit(value=True).alias("paid_native")),
        on=list(HEAD),
        how="left",
        maintain_order="left",
    )
    paid = first_payments(heads, around.payments)
    heads = heads.join(paid, on=list(HEAD), how="left", maintain_order="left")
    is_native = pl.col("paid_native").is_not_null() | (pl.col("value_wei") > 0)
    told = (
        pl.when(pl.col("payment_token").is_not_null())
        .then(pl.col("payment_token"))
        .when(is_native)
        .then(pl.lit(NATIVE))
        .otherwise(pl.col("paid_in"))
    )
    inferred = pl.when(pl.col("was_asked").is_not_null()).then(pl.lit(NATIVE))
    heads = heads.with_columns(
        pl.coalesce(told, inferred).alias("currency"), told.is_null().alias("is_inferred")
    )
    maker_sells = pl.coalesce(
        "maker_sells",
        pl.when(pl.col("currency") == NATIVE).then(pl.lit(value=True)),
        pl.col("payee") == pl.col("maker"),
    )
    sides = {
        "seller": pl.when(maker_sells).then(pl.col("maker")).when(~maker_sells).then("taker"),
        "buyer": pl.when(maker_sells).then(pl.col("taker")).when(~maker_sells).then("maker"),
    }
    return heads.with_columns(**sides)


# --- rows


def _items(heads: pl.DataFrame, tokens: pl.DataFrame) -> pl.DataFrame:
    """One row per token of a match; one without a token where none was seen to move."""
    moved = numbered(tokens.sort("moved_at", "moved_item"), "giver", "receiver")
    seller, buyer = pl.col("seller"), pl.col("buyer")
    kind = (
        pl.when(pl.col("maker") == buyer)
        .then(pl.lit("bid"))
        .when(pl.col("is_private"))
        .then(pl.lit("private"))
        .otherwise(pl.lit("listing"))
    )
    unsure = pl.col("is_inferred") | pl.col("token_id").is_null()
    return (
        heads.drop("item_index", "receiver")
        .join(moved, on=list(HEAD), how="left", maintain_order="left_right")
        .select(
            *PLACE,
            pl.col("item").fill_null(0).alias("item_index"),
            pl.col("bundle_size").fill_null(1),
            "version",
            "address",
            kind.alias("trade_kind"),
            "collection",
            "token_id",
            "token_standard",
            pl.col("quantity").fill_null("1"),
            seller,
            # A router's order may have the token delivered to whom it acts for.
            pl.when(pl.col("giver") == seller)
            .then(pl.col("receiver"))
            .otherwise(buyer)
            .alias("buyer"),
            "maker",
            "taker",
            pl.when(unsure)
            .then(pl.lit("inferred"))
            .otherwise(pl.lit("decoded"))
            .alias("confidence"),
        )
    )


def _with_reason(sales: pl.DataFrame) -> pl.DataFrame:
    """The items, whose first reason for a lack of balance is that nobody knows the currency."""
    no_currency = "neither call data, traces nor transfers tell the currency"
    reason = pl.when(pl.col("currency").is_null()).then(pl.lit(no_currency))
    return sales.with_columns(pl.coalesce(reason, "residual_reason").alias("residual_reason"))


def _with_marketplace(sales: pl.DataFrame, legs: pl.DataFrame) -> pl.DataFrame:
    """The sales with the venue that the fees went to."""
    venues = (
        legs.join(fee_wallets(), on="recipient")
        .group_by("block_hash", "log_index")
        .agg(pl.col("venue").sort().first().alias("marketplace"))
    )
    return sales.join(
        venues, on=["block_hash", "log_index"], how="left", maintain_order="left"
    ).with_columns(pl.col("marketplace").fill_null(_NAME))


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"input", "receipt", "trace"}),
    after=("erc721", "erc1155"),
    limits=(
        "Without traces a sale in native coin has no legs that were read.",
        "A token that does not announce its moves as ERC-721 or ERC-1155 is not named.",
        "Creators' shares, which OpenSea collected with its fee, are part of the platform fee.",
        "Fees in the exchange's own token (never used by OpenSea) are left out.",
    ),
)
