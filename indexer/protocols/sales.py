"""From what a protocol read to rows of `settled_sales` and `sale_payments`."""

from collections.abc import Sequence

import polars as pl

from data.schema import table
from data.types import WEI
from indexer.protocols.base import PLACE, Tables
from indexer.protocols.settlement import balance, sale_id, split_legs

ITEM = ("block_hash", "log_index", "item_index")
"""What tells the rows of a protocol's sales apart."""

LEG = pl.Schema(
    {
        "block_hash": pl.String(),
        "log_index": pl.Int64(),
        "item_index": pl.Int64(),
        "recipient": pl.String(),
        "recipient_class": pl.String(),
        "currency": pl.String(),
        "amount_wei": WEI.polars,
        "source": pl.String(),
    }
)
"""Columns of money legs, before they get the identity of their sale."""

_DEFAULTS = {
    "bundle_id": pl.lit(None, pl.String),
    "bundle_size": pl.lit(1, pl.Int64),
    "token_standard": pl.lit("erc721"),
    "quantity": pl.lit("1"),
    "maker": pl.col("seller"),
    "taker": pl.col("buyer"),
    "aggregator": pl.lit(None, pl.String),
    "confidence": pl.lit("decoded"),
    "residual_reason": pl.lit(None, pl.String),
}

_MOST = 9.0e37  # sums above this might not fit DECIMAL(38,0)
_TOO_LARGE = "the amounts paid are too large to be added up"

_ALWAYS = ("marketplace", "bundle_size", "token_standard", "quantity", "confidence")
"""Columns of which every sale has a value."""


def sale_tables(protocol: str, sales: pl.DataFrame, legs: Sequence[pl.DataFrame]) -> Tables:
    """Tables `settled_sales` and `sale_payments`.

    Args:
        protocol: its name; also the marketplace, where the sales have no column of that name.
        sales: one row per item sold: PLACE, item_index, version, trade_kind, collection, token_id,
            seller, buyer, currency, price_wei; and what is not as usual of token_standard
            (erc721), quantity (1), maker (seller), taker (buyer), marketplace, aggregator,
            bundle_size (1), confidence (decoded), residual_reason (why legs are not known: such a
            sale has no residual).
        legs: frames with the columns LEG, in the order in which legs are numbered; those of no
            amount are left out. A leg of source `computed` takes its sale out of the balance.
            Where their sum might not fit its type (`summable`) the sale has neither legs nor price.
    """
    defaults = {"marketplace": pl.lit(protocol), **_DEFAULTS}
    rows = sales.with_columns(
        pl.lit(protocol).alias("protocol"),
        sale_id().alias("sale_id"),
        *(value.alias(name) for name, value in defaults.items() if name not in sales.columns),
        # Sales of several events may have been put together, of which some say nothing of it.
        *(pl.col(name).fill_null(defaults[name]) for name in _ALWAYS if name in sales.columns),
    )
    first_id = pl.col("sale_id").first().over("block_hash", "log_index")
    rows = rows.with_columns(
        pl.when(pl.col("bundle_size") > 1).then(first_id).alias("bundle_id")
        if "bundle_id" not in sales.columns
        else pl.col("bundle_id")
    )
    empty = pl.DataFrame(schema=LEG)
    whole = pl.concat([empty, *(each.select(list(LEG)).cast(LEG) for each in legs)])
    rows, whole = _without_too_large(rows, whole)
    identity = rows.select(*PLACE, pl.col("item_index").cast(pl.Int64), "sale_id")
    payments = identity.join(
        whole.filter(pl.col("amount_wei") > 0), on=list(ITEM), maintain_order="left_right"
    ).with_columns(pl.int_range(pl.len()).over("sale_id").alias("seq"))
    balanced = balance(rows.drop("residual_reason"), payments).join(
        _reasons(rows, payments), on="sale_id", how="left", maintain_order="left"
    )
    # A contract that contradicts itself has no balance; one of ours that did would be found by the
    # tests against traces.
    is_torn = pl.col("residual_wei") != 0
    reason = pl.coalesce(
        "reason",
        "residual_reason",
        pl.when(is_torn).then(pl.lit("the legs that the logs name do not add up to the price")),
    )
    balanced = balanced.with_columns(reason.alias("residual_reason")).with_columns(
        pl.when(pl.col("residual_reason").is_null()).then("residual_wei").alias("residual_wei")
    )
    columns = [name for name in table("settled_sales").column_names if name in balanced.columns]
    return {"settled_sales": balanced.select(columns), "sale_payments": payments}


def _without_too_large(rows: pl.DataFrame, legs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sales and legs, without the price and the legs of sales whose legs cannot be added up."""
    kept = summable(legs)
    if kept.height == legs.height:
        return rows, legs
    odd = legs.join(kept, on=list(ITEM), how="anti").select(ITEM).unique()
    marked = rows.with_columns(pl.col("item_index").cast(pl.Int64)).join(
        odd.with_columns(pl.lit(value=True).alias("is_odd")),
        on=list(ITEM),
        how="left",
        maintain_order="left",
    )
    is_fine = pl.col("is_odd").is_null()
    reason = pl.when(~is_fine).then(pl.lit(_TOO_LARGE)).otherwise("residual_reason")
    marked = marked.with_columns(
        pl.when(is_fine).then("price_wei").alias("price_wei"), reason.alias("residual_reason")
    )
    return marked.drop("is_odd"), kept


def _reasons(rows: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """Why sales are left out of the balance: sale_id, reason (NULL: they are not)."""
    computed = (
        payments.filter(pl.col("source") == "computed")
        .select("sale_id", pl.lit("a leg was computed, not read").alias("computed"))
        .unique()
    )
    return rows.join(computed, on="sale_id", how="left").select(
        "sale_id", pl.coalesce("residual_reason", "computed").alias("reason")
    )


def leg(
    sales: pl.DataFrame,
    recipient: pl.Expr | str,
    recipient_class: pl.Expr | str,
    amount: pl.Expr | str,
    source: str,
) -> pl.DataFrame:
    """One leg per sale, in the sale's currency.

    Args:
        sales: ITEM and currency, and what the other arguments refer to.
        recipient: expression or column.
        recipient_class: expression, or the class itself.
        amount: expression or column, in the smallest unit of the currency.
        source: as in table `sale_payments`.
    """
    kind = pl.lit(recipient_class) if isinstance(recipient_class, str) else recipient_class
    return sales.select(
        *ITEM,
        _column(recipient).alias("recipient"),
        kind.alias("recipient_class"),
        "currency",
        _column(amount).cast(WEI.polars).alias("amount_wei"),
        pl.lit(source).alias("source"),
    )


def _column(value: pl.Expr | str) -> pl.Expr:
    return pl.col(value) if isinstance(value, str) else value


def spread(legs: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Legs of a log divided equally among the items that it sold, to the last unit.

    Args:
        legs: the columns LEG, of which item_index is not looked at.
        items: ITEM of each item sold.

    Returns:
        The columns LEG; the shares of a leg add up to it (settlement.split_legs).
    """
    numbered = legs.drop("item_index").with_row_index("leg")
    whose = numbered.select("leg", "block_hash", "log_index").join(
        items.select(ITEM), on=["block_hash", "log_index"]
    )
    places = whose.select("leg", "item_index", pl.col("item_index").alias("place"))
    return split_legs(numbered, places).sort("leg", "place").select(list(LEG))


def summable(legs: pl.DataFrame, by: Sequence[str] = ITEM) -> pl.DataFrame:
    """The legs of those sales whose legs together fit 38 digits.

    Only a token that somebody made up moves more; its sales have no legs and no price. Sizes are
    added as floats, so that no sum of hostile amounts wraps around.

    Args:
        legs: needs amount_wei and the columns `by`.
        by: what tells apart that whose amounts are added up.
    """
    size = pl.col("amount_wei").cast(pl.Float64)
    return legs.filter(size.sum().over(by) < _MOST)


def price_of(legs: pl.DataFrame) -> pl.DataFrame:
    """What was paid for each item, by ITEM: `price_wei`, the sum of its legs without refunds.

    Items whose legs are not `summable` have no row.
    """
    amount = pl.col("amount_wei").cast(pl.Int128)
    paid = summable(legs).filter(pl.col("recipient_class") != "refund")
    return paid.group_by(ITEM).agg(amount.sum().cast(WEI.polars).alias("price_wei"))


def with_standard(sales: pl.DataFrame, transfers: pl.DataFrame) -> pl.DataFrame:
    """The sales with `token_standard`, as the token moved in the same transaction; else erc721."""
    key = ["block_hash", "tx_hash", "collection", "token_id"]
    known = transfers.select(*key, "token_standard").unique(key, keep="first")
    return sales.join(known, on=key, how="left", maintain_order="left").with_columns(
        pl.col("token_standard").fill_null("erc721")
    )


def with_unexplained(sales: pl.DataFrame, legs: pl.DataFrame) -> pl.DataFrame:
    """The sales with `residual_reason` where legs, read from money that moved, miss the price.

    A price that an event names is certain, while a transfer may have been left out or be of
    another matter: such a sale is not balanced rather than balanced wrongly.
    """
    paid = price_of(legs).rename({"price_wei": "paid_wei"})
    found = sales.join(paid, on=list(ITEM), how="left", maintain_order="left")
    reason = (
        pl.when(pl.col("price_wei") == pl.col("paid_wei").fill_null(0))
        .then(pl.lit(None, pl.String))
        .when(pl.col("paid_wei").is_null())
        .then(pl.lit("no payment was seen"))
        .otherwise(pl.lit("the payments seen do not add up to the price"))
    )
    return found.with_columns(reason.alias("residual_reason")).drop("paid_wei")
