"""Seaport 1.1 to 1.6: orders become sales that balance to the wei.

A log `OrderFulfilled` is one order, not one sale: orders filled against each other (matchOrders)
mirror the same tokens and money, so they are joined into trades first and each token is counted
once.

- Price: what the buyer paid. A listing pays the sum of its currency consideration; a bid its whole
  offer; matched orders what they offered (plus native coin that the caller added).
- Legs are classed by address, never by position: to the seller; to a known fee wallet (platform);
any
  other, in a trade that pays its seller, is taken for the creator (tips cannot be told apart in the
  event, so such a sale has confidence `inferred`); in a trade that does not pay its seller,
  unknown.
- A bundle is one row per token. Each leg is divided equally among the tokens that its order moves
  (settlement.split_legs).

Sources: Seaport's event documentation; rules and quirks in reference/markets.md, section 6.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.schema import conform
from data.types import WEI
from data.units import NATIVE, ZERO_ADDRESS
from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.fee_wallets import fee_wallets
from indexer.protocols.seaport_listings import settle_listings
from indexer.protocols.seaport_trades import (
    FIRST_TOKEN_TYPE,
    MOST_MONEY,
    join_tokens,
    join_trades,
    read_items,
    read_orders,
)
from indexer.protocols.settlement import balance, sale_id, split_legs

_FULFILLED = Event.parse(
    "OrderFulfilled(bytes32 orderHash, address indexed offerer, address indexed zone,"
    " address recipient,"
    " (uint8 itemType, address token, uint256 identifier, uint256 amount)[] offer,"
    " (uint8 itemType, address token, uint256 identifier, uint256 amount, address payable"
    " recipient)[] consideration)",
    wei=["offer.amount", "consideration.amount"],
)
_MATCHED = Event.parse("OrdersMatched(bytes32[] orderHashes)")

_DEPLOYMENTS = {
    "1.1": "0x00000000006c3852cbef3e08e8df289169ede581",
    # 1.2 and 1.3 were short-lived; their logs have the same layout.
    "1.2": "0x00000000000006c7676171937c444f6bde3d6282",
    "1.3": "0x0000000000000ad24e80fd803c6ac37206a45f15",
    "1.4": "0x00000000000001ad428e4906ae43d8f9852d0dd6",
    "1.5": "0x00000000000000adc04c56bf30ac9d3c0aaf14dc",
    "1.6": "0x0000000000000068f116a894984e2db1123eb395",
}
_ZKSYNC = {"1.5": "0xd756e8070b33a35e42f00140ac92c4b4e0bbfb82"}
_ZKSYNC_ID = 324
_WITHOUT_MATCHED = ("1.1", "1.2", "1.3")  # OrdersMatched came with 1.4


def _routes(context: ChainContext) -> Sequence[Route]:
    deployments = _ZKSYNC if context.chain_id == _ZKSYNC_ID else _DEPLOYMENTS
    return [
        Route(event, version, frozenset({address}))
        for version, address in deployments.items()
        for event in (_FULFILLED, _MATCHED)
        if not (event is _MATCHED and version in _WITHOUT_MATCHED)
    ]


def _settle(events: Mapping[str, Decoded], _: Around) -> Tables:
    if "OrderFulfilled" not in events:
        return {}
    orders = read_orders(events)
    plain = settle_listings(orders, events["OrderFulfilled"])
    tables = {"settled_sales": plain.sales, "sale_payments": plain.payments}
    others = orders.join(plain.rows.to_frame(), on="row", how="anti", maintain_order="left")
    if others.is_empty():
        return tables
    return _settle_others(others, events["OrderFulfilled"], tables)


def _settle_others(orders: pl.DataFrame, decoded: Decoded, tables: Tables) -> Tables:
    """Adds what became of orders that were filled together, or are bundles, bids or swaps."""
    items = read_items(decoded).join(orders.select("row"), on="row", maintain_order="left")
    trades, unclear = join_trades(orders, items)
    tokens, tangled = join_tokens(trades, items)
    legs, unbalanced = _legs(trades, items, tokens)
    refused = pl.concat([unclear, tangled, unbalanced]).unique("trade", keep="first")
    tokens = tokens.join(refused, on="trade", how="anti")
    legs = legs.join(refused, on="trade", how="anti")
    sales, payments = _sales(trades, tokens, legs)
    return {
        "settled_sales": _together("settled_sales", tables, sales),
        "sale_payments": _together("sale_payments", tables, payments),
        "quarantine": _set_aside(trades, refused),
    }


def _together(name: str, tables: Tables, more: pl.DataFrame) -> pl.DataFrame:
    whole = pl.concat([tables[name], conform(name, more)])
    return whole.sort("block_number", "log_index", "item_index", maintain_order=True)


# --- money


def _legs(
    trades: pl.DataFrame, items: pl.DataFrame, tokens: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Legs divided among tokens: trade, item_key, recipient, currency, amount_wei, paid share."""
    money = items.filter(~pl.col("is_token")).join(
        trades.select("row", "trade", "size", "version", "recipient"), on="row"
    )
    flows = _flows(money, tokens)
    # Flows come in any order; of several reasons the same one is told each time.
    refused = flows.filter(pl.col("reason").is_not_null()).select("trade", "reason")
    refused = refused.sort("trade", "reason")
    asked = money.filter(pl.col("side") == "consideration").select(
        "trade",
        "row",
        pl.col("item").alias("seq"),
        pl.col("party").alias("recipient"),
        pl.col("token").alias("currency"),
        pl.col("amount").alias("amount_wei"),
    )
    # What a bid offers beyond the legs named goes to whoever filled it; the filler of a lone bid
    # is the seller. Both numbers are read from the event.
    rest = flows.filter((pl.col("rest") > 0) & pl.col("reason").is_null()).select(
        "trade",
        pl.col("offer_row").alias("row"),
        pl.lit(1_000_000, pl.Int64).alias("seq"),
        pl.when(pl.col("filler") != ZERO_ADDRESS).then(pl.col("filler")).alias("recipient"),
        "currency",
        pl.col("rest").cast(WEI.polars).alias("amount_wei"),
    )
    legs = pl.concat([asked.cast({"seq": pl.Int64}), rest]).with_row_index("leg")
    shares = split_legs(legs, _payees(legs, tokens))
    return shares, refused


def _flows(money: pl.DataFrame, tokens: pl.DataFrame) -> pl.DataFrame:
    """Per trade and currency: what was offered, asked for, and the rest for the filler."""
    amount = pl.col("amount").cast(pl.Int128)
    is_offer = pl.col("side") == "offer"
    sides = tokens.group_by("trade").agg(
        pl.col("row").is_not_null().any().alias("has_offered_token")
    )
    flows = (
        money.group_by("trade", pl.col("token").alias("currency"))
        .agg(
            amount.filter(is_offer).sum().alias("offered"),
            amount.filter(~is_offer).sum().alias("asked"),
            pl.col("amount").cast(pl.Float64).sum().alias("size_of_all"),
            pl.col("row").filter(is_offer).min().alias("offer_row"),
            pl.col("recipient").filter(is_offer).first().alias("filler"),
            pl.col("size").first(),
            pl.col("version").first(),
        )
        .join(sides, on="trade")
    )
    is_lone = pl.col("size") == 1
    gives_both = is_lone & (pl.col("offered") > 0) & pl.col("has_offered_token")
    is_short = (pl.col("offered") > 0) & (pl.col("asked") > pl.col("offered"))
    is_unpaid = is_short & (is_lone | (pl.col("currency") != NATIVE))
    # Before 1.4 Seaport leaves what was offered and not used with the offerer; later versions hand
    # it over.
    keeps_rest = ~is_lone & pl.col("version").is_in(_WITHOUT_MATCHED)
    rest = pl.when(~keeps_rest & (pl.col("offered") > 0)).then(pl.col("offered") - pl.col("asked"))
    return flows.with_columns(
        rest.fill_null(0).alias("rest"),
        pl.when(pl.col("size_of_all") > MOST_MONEY)
        .then(pl.lit("amounts above 38 digits together"))
        .when(gives_both)
        .then(pl.lit("money and tokens are offered together"))
        .when(is_unpaid)
        .then(pl.lit("more money is asked for than offered"))
        .alias("reason"),
    )


def _payees(legs: pl.DataFrame, tokens: pl.DataFrame) -> pl.DataFrame:
    """Tokens each leg pays for: those its order offers, else asks for, else all of the trade."""
    pairs = legs.select("leg", "trade", pl.col("row").alias("leg_row")).join(
        tokens.select("trade", "item_key", pl.col("item_index").alias("place"), "row", "row_asked"),
        on="trade",
    )
    closeness = (
        pl.when(pl.col("row") == pl.col("leg_row"))
        .then(0)
        .when(pl.col("row_asked") == pl.col("leg_row"))
        .then(1)
        .otherwise(2)
    )
    return pairs.filter(closeness == closeness.min().over("leg")).select("leg", "item_key", "place")


# --- sales


def _sales(
    trades: pl.DataFrame, tokens: pl.DataFrame, legs: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    first = trades.filter(pl.col("row") == pl.col("first_row")).select(
        "trade", "size", *PLACE, "version", "offerer"
    )
    sales = tokens.join(first, on="trade", maintain_order="left").with_columns(
        sale_id().alias("sale_id")
    )
    payments = _classify(legs, sales)
    prices = _prices(payments)
    priced = sales.join(prices, on="item_key", how="left", maintain_order="left").with_columns(
        pl.col("currency").fill_null(NATIVE),
        pl.col("price_wei").fill_null(0).cast(WEI.polars),
    )
    rows = _sale_rows(priced)
    legs_out = payments.select(
        *PLACE,
        pl.col("item_index").cast(pl.Int64),
        "sale_id",
        (pl.int_range(pl.len()).over("item_key")).alias("seq"),
        "recipient",
        "recipient_class",
        "currency",
        "amount_wei",
        pl.lit("consideration").alias("source"),
    )
    return balance(rows, legs_out), legs_out


def _prices(payments: pl.DataFrame) -> pl.DataFrame:
    """Per token sold: price in the currency of the seller's largest leg, venue, certainty."""
    ordered = payments.sort(
        pl.col("recipient_class") != "seller",
        "amount_wei",
        "currency",
        descending=[False, True, False],
    )
    main = ordered.group_by("item_key").agg(pl.col("currency").first().alias("main"))
    is_main = pl.col("currency") == pl.col("main")
    return (
        payments.join(main, on="item_key")
        .select(
            "item_key",
            pl.col("main").alias("currency"),
            pl.when(is_main).then(pl.col("amount_wei").cast(pl.Int128)).alias("price_wei"),
            "venue",
            pl.col("recipient_class").is_in(["creator", "unknown"]).alias("is_inferred"),
        )
        .group_by("item_key")
        .agg(
            pl.col("currency").first(),
            pl.col("price_wei").sum(),
            pl.col("venue").min(),
            pl.col("is_inferred").any(),
        )
    )


def _classify(legs: pl.DataFrame, sales: pl.DataFrame) -> pl.DataFrame:
    whose = sales.select("item_key", "item_index", "sale_id", "seller", "buyer", *PLACE)
    joined = legs.join(whose, on="item_key").join(fee_wallets(), on="recipient", how="left")
    is_seller = (pl.col("recipient") == pl.col("seller")).fill_null(value=False)
    pays_seller = is_seller.any().over("item_key")
    is_own = (pl.col("recipient") == pl.col("buyer")).fill_null(value=False)
    return joined.with_columns(
        pl.when(is_seller)
        .then(pl.lit("seller"))
        .when(pl.col("venue").is_not_null())
        .then(pl.lit("platform"))
        .when(is_own | ~pays_seller | (pl.col("seq") == 1_000_000) | pl.col("recipient").is_null())
        .then(pl.lit("unknown"))
        .otherwise(pl.lit("creator"))
        .alias("recipient_class")
    ).sort("item_key", "row", "seq", "currency")


def _sale_rows(priced: pl.DataFrame) -> pl.DataFrame:
    is_lone = pl.col("size") == 1
    kind = (
        pl.when("is_swap")
        .then(pl.lit("swap"))
        .when(pl.col("is_named_buyer").any().over("trade"))
        .then(pl.lit("private"))
        .when(~is_lone)
        .then(pl.lit("match"))
        .when(pl.col("row").is_null())
        .then(pl.lit("bid"))
        .otherwise(pl.lit("listing"))
    )
    is_inferred = (
        pl.col("is_inferred").fill_null(value=False)
        | (pl.col("bundle_size") > 1)
        | pl.col("buyer").is_null()
        | pl.col("seller").is_null()
    )
    first_id = pl.col("sale_id").first().over("trade")
    return priced.select(
        *PLACE,
        pl.col("item_index").cast(pl.Int64),
        "sale_id",
        pl.when(pl.col("bundle_size") > 1).then(first_id).alias("bundle_id"),
        "bundle_size",
        pl.col("venue")
        .drop_nulls()
        .first()
        .over("trade")
        .fill_null("seaport")
        .alias("marketplace"),
        pl.lit("seaport").alias("protocol"),
        "version",
        kind.alias("trade_kind"),
        pl.col("token").alias("collection"),
        pl.col("identifier").alias("token_id"),
        pl.when(pl.col("itemType") == FIRST_TOKEN_TYPE)
        .then(pl.lit("erc721"))
        .otherwise(pl.lit("erc1155"))
        .alias("token_standard"),
        pl.col("quantity").cast(pl.String),
        "seller",
        "buyer",
        pl.col("offerer").alias("maker"),
        pl.when(pl.col("offerer") == pl.col("seller"))
        .then(pl.col("buyer"))
        .otherwise(pl.col("seller"))
        .alias("taker"),
        "currency",
        "price_wei",
        pl.when(is_inferred)
        .then(pl.lit("inferred"))
        .otherwise(pl.lit("decoded"))
        .alias("confidence"),
    )


def _set_aside(trades: pl.DataFrame, refused: pl.DataFrame) -> pl.DataFrame:
    return trades.join(refused, on="trade").select(
        *PLACE, pl.lit("OrderFulfilled").alias("event"), "reason"
    )


PROTOCOL = Protocol("seaport", _routes, _settle)
