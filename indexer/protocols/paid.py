"""What was paid for sales, beside what their events tell of it."""

import polars as pl

from data.units import NATIVE
from indexer.protocols.base import Around
from indexer.protocols.sales import ITEM, LEG

_TX = ("block_hash", "tx_hash")
_GROUP = (*_TX, "address", "currency")
_PAYEE = (*_TX, "currency", "recipient")
_MOST = 9.0e37  # sums above this might not fit DECIMAL(38,0)
_UNSEEN = "the payments seen do not add up to the price"
PAID = pl.Schema(
    {
        **{name: LEG[name] for name in ITEM},
        "recipient": pl.String(),
        "currency": pl.String(),
        "amount_wei": LEG["amount_wei"],
        "source": pl.String(),
        "is_on_top": pl.Boolean(),
    }
)
"""Payments by the sale that they are for, in order; those beyond its price are on top of it."""


def paid_in_order(sales: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Payments told apart by their order: the first that add up to a price are for that sale.

    A sale is left without payments where a boundary between prices falls into a payment, or where
    its seller is not among those paid. Only the last sale of a transaction may have payments on
    top; those back to the payer are left out.

    Args:
        sales: PLACE, item_index, address (who pays in native coin), payer (who pays in tokens),
            seller, currency, price (Int128).
        around: for its traces and ERC-20 transfers.

    Returns:
        The columns PAID.
    """
    order = ["log_index", "item_index"]
    price = pl.col("price").cast(pl.Float64)
    spans = (
        sales.select(*ITEM, "tx_hash", "address", "payer", "seller", "currency", "price")
        .sort("block_hash", *order)
        .with_columns(
            pl.col("price").cum_sum().over(_GROUP).alias("until"),
            price.sum().over(_GROUP).alias("total"),
            (pl.int_range(pl.len()).over(_GROUP) == pl.len().over(_GROUP) - 1).alias("is_last"),
        )
        .filter(pl.col("total") < _MOST)
        .with_columns((pl.col("until") - pl.col("price")).alias("since"))
    )
    moved = pl.concat([_native(spans, around), _tokens(spans, around)])
    amount = pl.col("amount_wei").cast(pl.Int128)
    # Whoever makes a token may move any amount of it: beyond this, sums would wrap around.
    size = pl.col("amount_wei").cast(pl.Float64).cum_sum().over(_GROUP)
    moved = moved.filter(size < _MOST).with_columns(amount.cum_sum().over(_GROUP).alias("end"))
    begin = pl.col("end") - amount
    found = moved.join(spans, on=list(_GROUP)).filter(
        (begin < pl.col("until")) & (pl.col("end") > pl.col("since"))
        | pl.col("is_last") & (begin >= pl.col("until")) & (pl.col("recipient") != pl.col("payer"))
    )
    is_inside = (begin >= pl.col("since")) & (pl.col("end") <= pl.col("until"))
    is_on_top = pl.col("is_last") & (begin >= pl.col("until"))
    inside = pl.when(is_inside).then(amount).otherwise(0).sum().over(ITEM)
    has_seller = (is_inside & (pl.col("recipient") == pl.col("seller"))).any().over(ITEM)
    is_clean = (is_inside | is_on_top).all().over(ITEM)
    return (
        found.with_columns(is_on_top.alias("is_on_top"))
        .filter(is_clean & has_seller & (inside == pl.col("price")))
        .sort("block_hash", *order, "nth")
        .select(list(PAID))
    )


def _native(spans: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Native coin sent by the contract, in order of execution."""
    wanted = spans.filter(pl.col("currency") == NATIVE).select(*_TX, "address").unique()
    return (
        around.beside.value_traces.join(
            wanted, left_on=[*_TX, "from_address"], right_on=[*_TX, "address"], how="semi"
        )
        .filter((pl.col("value_wei") > 0) & (pl.col("to_address") != pl.col("from_address")))
        .select(
            *_TX,
            pl.col("from_address").alias("address"),
            pl.lit(NATIVE).alias("currency"),
            pl.col("to_address").alias("recipient"),
            pl.col("value_wei").alias("amount_wei"),
            pl.lit("trace").alias("source"),
            pl.col("place").cast(pl.Int64).alias("nth"),
        )
        .sort("block_hash", "nth")
    )


def _tokens(spans: pl.DataFrame, around: Around) -> pl.DataFrame:
    """ERC-20 transfers by whoever pays for the sales of a transaction, in order."""
    wanted = spans.select(*_GROUP, pl.col("payer").alias("from_address")).unique()
    return (
        around.payments.join(wanted, on=[*_TX, "currency", "from_address"])
        .filter((pl.col("amount_wei") > 0) & (pl.col("to_address") != pl.col("address")))
        .select(
            *_GROUP,
            pl.col("to_address").alias("recipient"),
            "amount_wei",
            pl.lit("transfer_log").alias("source"),
            pl.col("log_index").alias("nth"),
        )
        .sort("block_hash", "nth")
    )


def with_movements(
    sales: pl.DataFrame, legs: pl.DataFrame, around: Around
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The sales with `residual_reason`, and their legs after a look at what was paid.

    Per transaction, currency and recipient the legs are compared in sum with the payments: a bulk
    pays each party once. Computed legs that agree become `trace` or `transfer_log`; a sale with a
    leg that does not agree is not balanced. Where no payment was seen at all nothing changes.
    """
    tx_of = sales.select(*ITEM, "tx_hash")
    owed = legs.join(tx_of, on=list(ITEM), maintain_order="left")
    amount = pl.col("amount_wei").cast(pl.Int128)
    expected = owed.group_by(_PAYEE).agg(amount.sum().alias("expected"))
    moved = _movements(sales, around)
    seen = moved.select("block_hash", "tx_hash", "currency", pl.lit(value=True).alias("is_seen"))
    paid = moved.group_by(_PAYEE).agg(amount.sum().alias("paid"))
    checked = (
        expected.join(paid, on=list(_PAYEE), how="left")
        .join(seen.unique(), on=["block_hash", "tx_hash", "currency"], how="left")
        .with_columns((pl.col("paid") == pl.col("expected")).fill_null(value=False).alias("agrees"))
    )
    owed = owed.join(checked, on=list(_PAYEE), how="left", nulls_equal=True, maintain_order="left")
    is_native = pl.col("currency") == NATIVE
    source = pl.when(is_native).then(pl.lit("trace")).otherwise(pl.lit("transfer_log"))
    is_read = (pl.col("source") == "computed") & pl.col("agrees")
    owed = owed.with_columns(pl.when(is_read).then(source).otherwise("source").alias("source"))
    is_odd = pl.col("is_seen").fill_null(value=False) & ~pl.col("agrees") & (amount > 0)
    odd = owed.filter(is_odd).select(*ITEM, pl.lit(_UNSEEN).alias("residual_reason")).unique()
    sales = sales.join(odd, on=list(ITEM), how="left", maintain_order="left")
    return sales, owed.select(list(LEG))


def _movements(sales: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Payments by the exchange or by a buyer: _PAYEE and amount_wei.

    A transaction that was traced, or whose transfers are known, has a row without recipient, so
    that nothing paid is told from nothing known.
    """
    places = ["block_hash", "tx_hash"]
    exchanges = sales.select(*places, pl.col("address").alias("from_address"))
    buyers = sales.select(*places, pl.col("buyer").alias("from_address"))
    traces = around.beside.value_traces.join(exchanges.select(places), on=places, how="semi")
    native = traces.join(exchanges, on=[*places, "from_address"], how="semi").select(
        *places,
        pl.lit(NATIVE).alias("currency"),
        pl.col("to_address").alias("recipient"),
        pl.col("value_wei").alias("amount_wei"),
    )
    payers = pl.concat([exchanges, buyers]).unique()
    own = exchanges.rename({"from_address": "to_address"}).unique()
    tokens = (
        around.payments.join(payers, on=[*places, "from_address"], how="semi")
        .join(own, on=[*places, "to_address"], how="anti")
        .select(*places, "currency", pl.col("to_address").alias("recipient"), "amount_wei")
    )
    blank = pl.lit(None, pl.String).alias("recipient"), pl.lit(0, LEG["amount_wei"])
    marks = [
        traces.select(
            *places, pl.lit(NATIVE).alias("currency"), blank[0], blank[1].alias("amount_wei")
        ),
        around.payments.join(exchanges.select(places), on=places, how="semi").select(
            *places, "currency", blank[0], blank[1].alias("amount_wei")
        ),
    ]
    return pl.concat([native, tokens, *(mark.unique() for mark in marks)])
