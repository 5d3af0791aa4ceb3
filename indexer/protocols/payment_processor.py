"""Limit Break's Payment Processor 1 and 2, the exchange behind Magic Eden and others.

Events name tokens, parties and price, but neither royalty nor fee: who else was paid is read from
what the processor moved, in its order: creator, marketplace, seller. What comes on top of the price
(a fee that the taker adds) follows behind.

- 1: names the marketplace. Bundles and sweeps list their items, of which some may have failed.
- 2: one event per item, also in sweeps; `beneficiary` gets the token.

Where several items are paid for together, payments are told apart by their order and only where
they add up to each price; else the sale has no legs.

Source: the contracts' public source; reference/markets.md, section 6.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.fee_wallets import fee_wallets
from indexer.protocols.paid import paid_in_order
from indexer.protocols.sales import ITEM, LEG, price_of, sale_tables
from indexer.routers import routers

_NAME = "payment-processor"
_V1 = {
    1: "0x009a1dc9f1a6e2134ad4236fcd75b1ae62858507",
    137: "0x009a1d0fecd7d6475188082f3f542e93f5e07ff1",
}
_V2 = "0x9a1d00bed7cd04bcda516d721a596eb22aac6834"
_V2_CHAINS = frozenset({1, 10, 56, 137, 1_101, 8_453, 42_161, 43_114})

_HEAD = "(address indexed marketplace, address indexed tokenAddress, address indexed paymentCoin,"
_LIST = "uint256[] tokenIds, uint256[] amounts, uint256[] salePrices)"
_LIST_721 = "uint256[] tokenIds, uint256[] salePrices)"
_SINGLE = Event.parse(
    f"BuySingleListing{_HEAD} address buyer, address seller, uint256 tokenId, uint256 amount,"
    " uint256 salePrice)",
    wei=["salePrice"],
)
_BUNDLE = " address buyer, address seller, bool[] unsuccessfulFills, "
_SWEEP = " address buyer, bool[] unsuccessfulFills, address[] sellers, "
_LISTS = {
    name: Event.parse(f"{name}{_HEAD}{fields}{items}", wei=["salePrices"])
    for name, fields, items in (
        ("BuyBundledListingERC721", _BUNDLE, _LIST_721),
        ("BuyBundledListingERC1155", _BUNDLE, _LIST),
        ("SweepCollectionERC721", _SWEEP, _LIST_721),
        ("SweepCollectionERC1155", _SWEEP, _LIST),
    )
}
_WHAT = "address beneficiary, address paymentCoin, uint256 tokenId,"
_BUY = "(address indexed buyer, address indexed seller, address indexed tokenAddress,"
_ACCEPT = "(address indexed seller, address indexed buyer, address indexed tokenAddress,"
_SALES_2 = {
    f"{name}{standard}": Event.parse(
        f"{name}{standard}{parties} {_WHAT}{amount} uint256 salePrice)", wei=["salePrice"]
    )
    for name, parties in (("BuyListing", _BUY), ("AcceptOffer", _ACCEPT))
    for standard, amount in (("ERC721", ""), ("ERC1155", " uint256 amount,"))
}

_COLUMNS = (
    *PLACE, "item_index", "version", "address", "event", "trade_kind", "collection", "token_id",
    "token_standard", "quantity", "seller", "buyer", "maker", "taker", "payer", "currency",
    "marketplace_wallet", "price", "bundle_size", "aggregator",
)  # fmt: skip
_TOGETHER = "payments of several sales cannot be told apart"


def _routes(context: ChainContext) -> Sequence[Route]:
    routes = []
    if context.chain_id in _V1:
        emitters = frozenset({_V1[context.chain_id]})
        routes += [Route(event, "1", emitters) for event in (_SINGLE, *_LISTS.values())]
    if context.chain_id in _V2_CHAINS:
        routes += [Route(event, "2", frozenset({_V2})) for event in _SALES_2.values()]
    return routes


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    lists = [_read_list(events[name], name) for name in _LISTS if name in events]
    parts = [rows for rows, _ in lists]
    if _SINGLE.name in events:
        parts.append(_read_single(events[_SINGLE.name].rows))
    known = sorted(routers(around.context.chain_id))
    parts += [_read_2(events[name].rows, name, known) for name in _SALES_2 if name in events]
    sales = pl.concat([each.select(_COLUMNS) for each in parts], how="vertical_relaxed")
    aside = [uneven for _, uneven in lists]
    tables: Tables = {"quarantine": pl.concat(aside)} if aside else {}
    if sales.is_empty():
        return tables
    sales = sales.sort("block_number", "log_index", "item_index")
    legs = _classed(sales, paid_in_order(sales, around))
    return tables | sale_tables(_NAME, _explained(sales, legs), [legs])


# --- events


def _read_single(rows: pl.DataFrame) -> pl.DataFrame:
    return _named_1(rows).with_columns(
        pl.lit(_SINGLE.name).alias("event"),
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit(1, pl.Int64).alias("bundle_size"),
        pl.col("tokenId").alias("token_id"),
        pl.col("amount").alias("quantity"),
        pl.col("salePrice").cast(pl.Int128).alias("price"),
        pl.lit(None, pl.String).alias("token_standard"),
        pl.col("seller").alias("maker"),
    )


def _named_1(rows: pl.DataFrame) -> pl.DataFrame:
    """Columns that all events of version 1 share. An accepted offer looks as a purchase does."""
    return rows.with_columns(
        pl.lit("listing").alias("trade_kind"),
        pl.col("tokenAddress").alias("collection"),
        pl.col("buyer").alias("taker"),
        pl.col("buyer").alias("payer"),
        pl.col("paymentCoin").alias("currency"),
        pl.col("marketplace").alias("marketplace_wallet"),
        pl.lit(None, pl.String).alias("aggregator"),
    )


def _read_list(decoded: Decoded, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The items that were sold, and the logs whose lists differ in length, for quarantine."""
    lists = [each for each in decoded.items if each != "unsuccessfulFills"]
    counts = [
        decoded.items[each].group_by("row").len().rename({"len": each}) for each in decoded.items
    ]
    lengths = decoded.rows.select("row")
    for count in counts:
        lengths = lengths.join(count, on="row", how="left")
    n_items = pl.col("tokenIds")
    is_uneven = pl.any_horizontal(pl.col(each).ne_missing(n_items) for each in decoded.items)
    uneven = lengths.filter(is_uneven).select("row")
    items = decoded.items["unsuccessfulFills"].rename({"value": "has_failed"})
    for each in lists:
        items = items.join(
            decoded.items[each].rename({"value": each[:-1]}), on=["row", "item"], how="left"
        )
    sold = _named_1(decoded.rows).join(items, on="row", maintain_order="left_right")
    is_bundle = name.startswith("BuyBundled")
    is_multiple = name.endswith("1155")
    sold = sold.join(uneven, on="row", how="anti", maintain_order="left").filter(
        ~pl.col("has_failed")
    )
    size = pl.len().over("row") if is_bundle else pl.lit(1)
    read = sold.with_columns(
        pl.lit(name).alias("event"),
        pl.col("item").cast(pl.Int64).alias("item_index"),
        size.cast(pl.Int64).alias("bundle_size"),
        pl.col("tokenId").alias("token_id"),
        (pl.col("amount") if is_multiple else pl.lit("1")).alias("quantity"),
        pl.col("salePrice").cast(pl.Int128).alias("price"),
        pl.lit("erc1155" if is_multiple else "erc721").alias("token_standard"),
        pl.col("seller").alias("maker"),
    )
    return read, decoded.rows.join(uneven, on="row", how="semi").select(
        *PLACE,
        pl.lit(name).alias("event"),
        pl.lit("the lists of the items differ in length").alias("reason"),
    )


def _read_2(rows: pl.DataFrame, name: str, known: list[str]) -> pl.DataFrame:
    is_offer = name.startswith("Accept")
    is_multiple = name.endswith("1155")
    is_router = pl.col("buyer").is_in(known)
    maker, taker = ("buyer", "seller") if is_offer else ("seller", "buyer")
    return rows.with_columns(
        pl.lit(name).alias("event"),
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit(1, pl.Int64).alias("bundle_size"),
        pl.lit("bid" if is_offer else "listing").alias("trade_kind"),
        pl.col("tokenAddress").alias("collection"),
        pl.col("tokenId").alias("token_id"),
        pl.lit("erc1155" if is_multiple else "erc721").alias("token_standard"),
        (pl.col("amount") if is_multiple else pl.lit("1")).alias("quantity"),
        pl.col(maker).alias("maker"),
        pl.col(taker).alias("taker"),
        pl.col("buyer").alias("payer"),
        pl.when(is_router).then("beneficiary").otherwise("buyer").alias("buyer"),
        pl.when(is_router).then("buyer").alias("aggregator"),
        pl.col("paymentCoin").alias("currency"),
        pl.lit(None, pl.String).alias("marketplace_wallet"),
        pl.col("salePrice").cast(pl.Int128).alias("price"),
    )


# --- money


def _classed(sales: pl.DataFrame, paid: pl.DataFrame) -> pl.DataFrame:
    """Payments as legs (columns LEG).

    The marketplace of version 1 is named. Of version 2 the contract's order tells: before the
    seller a creator and a marketplace; of one alone it is not known which.
    """
    parties = sales.select(*ITEM, "version", "seller", "marketplace_wallet")
    known = paid.join(parties, on=list(ITEM), maintain_order="left")
    is_seller = pl.col("recipient") == pl.col("seller")
    is_fee = ~is_seller & ~pl.col("is_on_top")
    nth = is_fee.cast(pl.Int64).cum_sum().over(ITEM)
    n_fees = is_fee.sum().over(ITEM)
    is_wallet = pl.col("recipient").is_in(fee_wallets()["recipient"].implode())
    kind = (
        pl.when(pl.col("is_on_top"))
        .then(pl.when(is_wallet).then(pl.lit("platform")).otherwise(pl.lit("unknown")))
        .when(is_seller)
        .then(pl.lit("seller"))
        .when(is_wallet | (pl.col("recipient") == pl.col("marketplace_wallet")))
        .then(pl.lit("platform"))
        .when(pl.col("version") == "1")
        .then(pl.lit("creator"))
        .when((n_fees == 2) & (nth == 1))
        .then(pl.lit("creator"))
        .when((n_fees == 2) & (nth == 2))
        .then(pl.lit("platform"))
        .otherwise(pl.lit("unknown"))
    )
    return known.with_columns(kind.alias("recipient_class")).select(list(LEG))


def _explained(sales: pl.DataFrame, legs: pl.DataFrame) -> pl.DataFrame:
    """The sales with `price_wei`, which is at least the price named, and `residual_reason`."""
    paid = price_of(legs).rename({"price_wei": "paid_wei"})
    price, seen = pl.col("price"), pl.col("paid_wei").cast(pl.Int128)
    n_sales = pl.len().over("block_hash", "tx_hash", "currency")
    reason = (
        pl.when(seen >= price)
        .then(pl.lit(None, pl.String))
        .when(price == 0)
        .then(pl.lit(None, pl.String))
        .when(n_sales > 1)
        .then(pl.lit(_TOGETHER))
        .otherwise(pl.lit("no payment was seen that adds up to the price"))
    )
    return (
        sales.join(paid, on=list(ITEM), how="left", maintain_order="left")
        .with_columns(
            reason.alias("residual_reason"),
            pl.max_horizontal(price, seen.fill_null(0)).cast(LEG["amount_wei"]).alias("price_wei"),
            pl.when(pl.col("token_standard").is_not_null())
            .then("token_standard")
            .when(pl.col("quantity") == "1")
            .then(pl.lit("erc721"))
            .otherwise(pl.lit("erc1155"))
            .alias("token_standard"),
        )
        .drop("paid_wei")
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"receipt", "trace"}),
    after=("erc721", "erc1155"),
    limits=(
        "1: an accepted offer looks as a purchase does; both are `listing`.",
        "Paid in native coin, legs are known only where the transaction can be traced.",
        "2: the marketplace is not named; a fee that stands alone may be its or the creator's.",
        "Several items that are paid for together have prices, but legs only where payments add up"
        " to each of them in order.",
    ),
)
