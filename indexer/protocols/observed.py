"""Sales whose events do not say who was paid: prices and legs from the money that moved."""

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.protocols.base import Around
from indexer.protocols.fee_wallets import fee_wallets
from indexer.protocols.flows import HEAD, calls_of, native_payments, transfers_around
from indexer.protocols.sales import ITEM, LEG, price_of, spread, summable

_AMOUNT = pl.col("amount_wei").cast(pl.Int128)
_SHORT = "the payments seen do not add up to the price"
_NONE = "no payment was seen"


def observe(heads: pl.DataFrame, around: Around) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What was paid in sales: price, currency, and legs.

    Native coin is what the marketplace sent on while it was called; ERC-20 tokens are what left the
    buyer or the marketplace since the last sale. What reached the seller is of class seller, what
    came back to the buyer refund, a known fee wallet's platform; the rest is unknown.

    Args:
        heads: one row per sale: HEAD, item_index (0), address (the marketplace), seller, buyer,
            currency (NULL: as it was paid), stated (the least that the buyer paid, NULL where no
            event says).
        around: traces, transactions and ERC-20 transfers.

    Returns:
        The heads with currency, price_wei (everything paid; without a payment `stated`) and
        residual_reason; and their legs, with the columns LEG.
    """
    paid = _payments(heads, around)
    heads = _with_currency(heads, paid)
    legs = _legs(heads, paid)
    refund = pl.col("recipient_class") == "refund"
    sums = legs.group_by(ITEM).agg(
        _AMOUNT.filter(~refund).sum().alias("sum"), _AMOUNT.filter(refund).sum().alias("back")
    )
    sent = calls_of(heads, calls_to(heads, around)).select(*HEAD, "value_wei")
    known = heads.join(sums, on=list(ITEM), how="left", maintain_order="left").join(
        sent, on=list(HEAD), how="left", maintain_order="left"
    )
    kept = pl.col("value_wei").cast(pl.Int128) - pl.col("back")
    stated = pl.col("stated").cast(pl.Int128)
    total = pl.col("sum")
    # Without a payment in the call itself the money lay in escrow.
    is_short = (total < stated) | (
        (pl.col("currency") == NATIVE) & (pl.col("value_wei") > 0) & (kept > total)
    )
    price = pl.when(is_short).then(pl.max_horizontal(stated, kept)).otherwise(total)
    reason = (
        pl.when(pl.coalesce("sum", "stated").ne_missing(0) & total.is_null())
        .then(pl.lit(_NONE))
        .when(is_short)
        .then(pl.lit(_SHORT))
    )
    return (
        known.with_columns(
            pl.coalesce(price, stated).cast(WEI.polars).alias("price_wei"),
            reason.alias("residual_reason"),
        ).drop("sum", "back", "value_wei"),
        legs,
    )


def calls_to(heads: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Calls of the contracts of some events; the transaction itself where it was not traced.

    Args:
        heads: HEAD and address.
        around: traces and transactions.

    Returns:
        block_hash, tx_hash, trace_address, call_type, from_address, to_address, value_wei, input,
        place.
    """
    columns = (
        "block_hash", "tx_hash", "trace_address", "call_type", "from_address", "to_address",
        "value_wei", "input",
    )  # fmt: skip
    key = ["block_hash", "tx_hash", "to_address"]
    wanted = heads.select("block_hash", "tx_hash", pl.col("address").alias("to_address")).unique()
    traces = around.beside.value_traces.select(*columns, "place")
    traced = traces.join(wanted, on=key, how="semi")
    direct = around.beside.transactions.with_columns(
        pl.lit("").alias("trace_address"),
        pl.lit("call").alias("call_type"),
        pl.lit(0, pl.Int64).alias("place"),
    ).select(*columns, "place")
    direct = direct.join(wanted, on=key, how="semi").join(
        traced, on=["block_hash", "tx_hash"], how="anti"
    )
    return pl.concat([traced, direct])


def numbered(moved: pl.DataFrame, *more: pl.Expr | str) -> pl.DataFrame:
    """The tokens of each sale with their place in it.

    Args:
        moved: transfers with the HEAD of their sale, in order.
        more: further columns.

    Returns:
        HEAD, item (from 0), bundle_size, collection, token_id, token_standard, quantity, more.
    """
    return moved.select(
        *HEAD,
        pl.int_range(pl.len(), dtype=pl.Int64).over(HEAD).alias("item"),
        pl.len().over(HEAD).cast(pl.Int64).alias("bundle_size"),
        "collection",
        "token_id",
        "token_standard",
        "quantity",
        *more,
    )


def shared(
    items: pl.DataFrame, heads: pl.DataFrame, legs: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Price and legs of sales divided among the tokens sold.

    Args:
        items: rows of the tokens: ITEM and more.
        heads: HEAD, item_index, currency, price_wei, residual_reason of the sales.
        legs: the columns LEG.

    Returns:
        The items with currency, price_wei, residual_reason; the shares of the legs.
    """
    whole = heads.filter(pl.col("price_wei").is_not_null()).select(
        *ITEM,
        pl.lit(None, pl.String).alias("recipient"),
        pl.lit("unknown").alias("recipient_class"),
        "currency",
        pl.col("price_wei").alias("amount_wei"),
        pl.lit("computed").alias("source"),
    )
    share = price_of(spread(whole, items)).rename({"price_wei": "share_wei"})
    shares = spread(legs, items)
    told = heads.select("block_hash", "log_index", "currency", "residual_reason")
    summed = pl.when(pl.col("residual_reason").is_null()).then(pl.col("price_wei"))
    priced = (
        items.join(told, on=["block_hash", "log_index"], how="left", maintain_order="left")
        .join(price_of(shares), on=list(ITEM), how="left", maintain_order="left")
        .join(share, on=list(ITEM), how="left", maintain_order="left")
        .with_columns(pl.coalesce(summed, "share_wei").alias("price_wei"))
        .drop("share_wei")
    )
    return priced, shares


def _payments(heads: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Payments that may be legs: HEAD, recipient, currency, amount_wei, source, in order."""
    native = native_payments(heads, around.beside.value_traces).select(
        *HEAD, "recipient", "currency", "amount_wei", pl.lit("trace").alias("source")
    )
    ends = heads.select(*HEAD, "address", "buyer")
    sender, receiver = pl.col("from_address"), pl.col("to_address")
    tokens = (
        transfers_around(heads, around.payments)
        .join(ends, on=list(HEAD), maintain_order="left")
        .filter(
            (sender == pl.col("buyer")) | (sender == pl.col("address")),
            receiver != pl.col("address"),
            sender != receiver,
        )
        .select(
            *HEAD,
            receiver.alias("recipient"),
            "currency",
            "amount_wei",
            pl.lit("transfer_log").alias("source"),
        )
    )
    return pl.concat([native, tokens])


def _with_currency(heads: pl.DataFrame, paid: pl.DataFrame) -> pl.DataFrame:
    """The heads with the currency of what reached the seller, else of the first payment."""
    sellers = heads.select(*HEAD, "seller")
    found = (
        paid.with_row_index("nth")
        .join(sellers, on=list(HEAD), maintain_order="left")
        .with_columns((pl.col("recipient") == pl.col("seller")).alias("to_seller"))
        .sort("to_seller", "nth", descending=[True, False], nulls_last=True)
        .unique(list(HEAD), keep="first", maintain_order=True)
        .select(*HEAD, pl.col("currency").alias("paid_in"))
    )
    return (
        heads.join(found, on=list(HEAD), how="left", maintain_order="left")
        .with_columns(pl.coalesce("currency", "paid_in").alias("currency"))
        .drop("paid_in")
    )


def _legs(heads: pl.DataFrame, paid: pl.DataFrame) -> pl.DataFrame:
    recipient = pl.col("recipient")
    kind = (
        pl.when(recipient == pl.col("seller"))
        .then(pl.lit("seller"))
        .when(recipient == pl.col("buyer"))
        .then(pl.lit("refund"))
        .when(recipient.is_in(fee_wallets()["recipient"].to_list()))
        .then(pl.lit("platform"))
        .otherwise(pl.lit("unknown"))
    )
    sales = heads.select(*HEAD, "item_index", "seller", "buyer", "currency")
    legs = paid.join(sales, on=[*HEAD, "currency"], maintain_order="left").with_columns(
        kind.alias("recipient_class")
    )
    return summable(legs.select(list(LEG)).cast(LEG))
