"""Seaport listings of one token, filled alone: most orders, settled without the general joins.

Such an order offers one token and asks for money of one kind; no other order was filled against it.
Its rows are those that the general way in `seaport` makes, which a test compares.
"""

from dataclasses import dataclass

import polars as pl

from data.schema import conform
from data.types import WEI
from data.units import NATIVE
from indexer.abi import Decoded
from indexer.protocols.base import PLACE
from indexer.protocols.fee_wallets import fee_wallets
from indexer.protocols.seaport_trades import FIRST_TOKEN_TYPE, MOST_MONEY
from indexer.protocols.settlement import CLASS_COLUMNS, sale_id

_INFERRED = ("creator", "unknown")


@dataclass(frozen=True)
class Listings:
    """Rows of the tables, and `row` of the orders that they come from."""

    sales: pl.DataFrame
    payments: pl.DataFrame
    rows: pl.Series


def settle_listings(orders: pl.DataFrame, items: Decoded) -> Listings:
    """Sales of plain listings, with their legs.

    Args:
        orders: decoded orders with `is_single`, whether no other order was filled against it.
        items: the same orders, for their items.
    """
    offers = _offers(items.items["offer"])
    legs, totals = _money(items.items["consideration"])
    plain = (
        orders.filter("is_single")
        .join(offers, on="row", maintain_order="left")
        .join(totals, on="row", maintain_order="left")
        .with_columns(
            pl.lit(0, pl.Int64).alias("item_index"),
            pl.col("offerer").alias("seller"),
            pl.col("recipient").alias("buyer"),
        )
        .with_columns(sale_id().alias("sale_id"))
    )
    sold = plain.select("row", *PLACE, "item_index", "sale_id", "seller", "buyer")
    classed = _classify(legs.join(sold, on="row", maintain_order="left"))
    priced = plain.join(_sums(classed), on="row", maintain_order="left")
    return Listings(
        conform("settled_sales", priced.select(_sale_columns())),
        conform("sale_payments", classed.select(_payment_columns())),
        plain["row"],
    )


def _offers(offer: pl.DataFrame) -> pl.DataFrame:
    """The token of each order that offers nothing else."""
    is_only = (pl.col("row") != pl.col("row").shift(1)).fill_null(value=True) & (
        pl.col("row") != pl.col("row").shift(-1)
    ).fill_null(value=True)
    return offer.filter(is_only & (pl.col("itemType") >= FIRST_TOKEN_TYPE)).select(
        pl.col("row").cast(pl.Int64),
        "itemType",
        pl.col("token").alias("collection"),
        pl.col("identifier").alias("token_id"),
        pl.col("amount").cast(pl.String).alias("quantity"),
    )


def _money(consideration: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Legs of money; and by order, where it asks for money of one kind alone, the currency."""
    currency = pl.when(pl.col("itemType") == 0).then(pl.lit(NATIVE)).otherwise(pl.col("token"))
    legs = consideration.select(
        pl.col("row").cast(pl.Int64),
        pl.col("item").cast(pl.Int64).alias("seq"),
        pl.col("itemType") < FIRST_TOKEN_TYPE,
        currency.alias("currency"),
        "recipient",
        pl.col("amount").alias("amount_wei"),
    )
    is_same = (pl.col("currency") == pl.col("currency").shift(1)) | (
        pl.col("row") != pl.col("row").shift(1)
    )
    totals = (
        legs.with_columns((is_same.fill_null(value=True) & pl.col("itemType")).alias("is_plain"))
        .group_by(pl.col("row").set_sorted(), maintain_order=True)
        .agg(
            pl.col("currency").first(),
            pl.col("is_plain").all(),
            pl.col("amount_wei").cast(pl.Float64).sum().alias("size"),
        )
        .filter(pl.col("is_plain") & (pl.col("size") <= MOST_MONEY))
    )
    return legs.drop("itemType"), totals.select("row", "currency")


def _classify(legs: pl.DataFrame) -> pl.DataFrame:
    is_seller = pl.col("recipient") == pl.col("seller")
    paying = legs.filter(is_seller).select("row", pl.lit(value=True).alias("pays_seller")).unique()
    is_unknown = (pl.col("recipient") == pl.col("buyer")) | pl.col("pays_seller").is_null()
    return (
        legs.join(fee_wallets(), on="recipient", how="left", maintain_order="left")
        .join(paying, on="row", how="left", maintain_order="left")
        .with_columns(
            pl.when(is_seller)
            .then(pl.lit("seller"))
            .when(pl.col("venue").is_not_null())
            .then(pl.lit("platform"))
            .when(is_unknown)
            .then(pl.lit("unknown"))
            .otherwise(pl.lit("creator"))
            .alias("recipient_class")
        )
    )


def _sums(legs: pl.DataFrame) -> pl.DataFrame:
    """By order: the price, its parts by class, the venue, and whether a class was inferred."""
    amount = pl.col("amount_wei").cast(pl.Int128)
    of_class = {
        name: pl.when(pl.col("recipient_class").is_in(classes)).then(amount).otherwise(0)
        for name, classes in CLASS_COLUMNS.items()
    }
    return (
        legs.select(
            "row",
            amount.alias("price_wei"),
            *(part.alias(name) for name, part in of_class.items()),
            "venue",
            pl.col("recipient_class").is_in(_INFERRED).alias("is_inferred"),
        )
        .group_by(pl.col("row").set_sorted(), maintain_order=True)
        .agg(
            pl.col("price_wei", *CLASS_COLUMNS).sum(),
            pl.col("venue").min(),
            pl.col("is_inferred").any(),
        )
    )


def _sale_columns() -> list[pl.Expr | str]:
    parts = [pl.col(name) for name in CLASS_COLUMNS]
    residual = pl.col("price_wei") - sum(parts[1:], parts[0])
    is_erc721 = pl.col("itemType") == FIRST_TOKEN_TYPE
    return [
        *PLACE,
        "item_index",
        "sale_id",
        pl.lit(1).alias("bundle_size"),
        pl.col("venue").fill_null("seaport").alias("marketplace"),
        pl.lit("seaport").alias("protocol"),
        "version",
        pl.lit("listing").alias("trade_kind"),
        "collection",
        "token_id",
        pl.when(is_erc721)
        .then(pl.lit("erc721"))
        .otherwise(pl.lit("erc1155"))
        .alias("token_standard"),
        "quantity",
        "seller",
        "buyer",
        pl.col("seller").alias("maker"),
        pl.col("buyer").alias("taker"),
        "currency",
        *(pl.col(name).cast(WEI.polars) for name in ("price_wei", *CLASS_COLUMNS)),
        residual.cast(WEI.polars).alias("residual_wei"),
        pl.when("is_inferred")
        .then(pl.lit("inferred"))
        .otherwise(pl.lit("decoded"))
        .alias("confidence"),
    ]


def _payment_columns() -> list[pl.Expr | str]:
    return [
        *PLACE,
        "item_index",
        "sale_id",
        "seq",
        "recipient",
        "recipient_class",
        "currency",
        "amount_wei",
        pl.lit("consideration").alias("source"),
    ]
