"""What was paid in matches of OpenSea's Wyvern orders; see `opensea_wyvern`."""

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.protocols.flows import HEAD, transfers_around
from indexer.protocols.sales import ITEM, LEG, summable

_AMOUNT = pl.col("amount_wei").cast(pl.Int128)


def read_legs(
    heads: pl.DataFrame, native: pl.DataFrame, tokens: pl.DataFrame, payments: pl.DataFrame
) -> pl.DataFrame:
    """Legs of matches, by the best evidence of each.

    Args:
        heads: HEAD, item_index, seller, buyer, currency, price, what `first_payments` and
            `wyvern_orders.read_orders` tell.
        native: payments of the exchange (flows.native_payments).
        tokens: HEAD and moved_at of the tokens that moved.
        payments: ERC-20 transfers.
    """
    legs = [_native_legs(heads, native), _token_legs(heads, tokens, payments)]
    return summable(_without_doubles(pl.concat([*legs, _computed_legs(heads)])))


def first_payments(heads: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """The ERC-20 transfer of just the price between the makers: HEAD, paid_in, payee, paid_at."""
    makers = heads.select(*HEAD, "maker", "taker", "price")
    sender, receiver = pl.col("from_address"), pl.col("to_address")
    one_way = (sender == pl.col("maker")) & (receiver == pl.col("taker"))
    other_way = (sender == pl.col("taker")) & (receiver == pl.col("maker"))
    return (
        transfers_around(heads, payments)
        .join(makers, on=list(HEAD))
        .filter((one_way | other_way) & (pl.col("amount_wei") == pl.col("price")))
        .sort("moved_at")
        .unique(list(HEAD), keep="first", maintain_order=True)
        .select(
            *HEAD,
            pl.col("currency").alias("paid_in"),
            receiver.alias("payee"),
            pl.col("moved_at").alias("paid_at"),
        )
    )


def _native_legs(heads: pl.DataFrame, native: pl.DataFrame) -> pl.DataFrame:
    """What the exchange paid in native coin; back to the buyer goes what was sent in excess."""
    parties = heads.filter(pl.col("currency") == NATIVE).select(
        *HEAD, "item_index", "seller", "buyer"
    )
    is_seller = pl.col("recipient") == pl.col("seller")
    is_buyer = pl.col("recipient") == pl.col("buyer")
    return (
        native.join(parties, on=list(HEAD), maintain_order="left")
        .with_columns(
            pl.when(is_seller & is_buyer)
            .then(pl.lit("unknown"))
            .when(is_seller)
            .then(pl.lit("seller"))
            .when(is_buyer)
            .then(pl.lit("refund"))
            .otherwise(pl.lit("platform"))
            .alias("recipient_class"),
            pl.lit("trace").alias("source"),
        )
        .select(list(LEG))
    )


def _token_legs(heads: pl.DataFrame, tokens: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """What was paid in an ERC-20 token between the payment of the price and the token's move."""
    moved_at = tokens.group_by(HEAD).agg(pl.col("moved_at").min().alias("until"))
    sales = (
        heads.filter(pl.col("paid_in") == pl.col("currency"))
        .join(moved_at, on=list(HEAD), how="left", maintain_order="left")
        .select(
            *HEAD, "item_index", "seller", "buyer", "currency", "price", "paid_at",
            pl.coalesce("until", "log_index").alias("until"),
        )
    )  # fmt: skip
    parties = [pl.col("seller"), pl.col("buyer")]
    fees = (
        transfers_around(heads, payments)
        .join(sales, on=[*HEAD, "currency"], maintain_order="left")
        .filter(
            pl.col("moved_at").is_between("paid_at", "until", closed="none"),
            pl.any_horizontal(pl.col("from_address") == party for party in parties),
            pl.all_horizontal(pl.col("to_address") != party for party in parties),
        )
    )
    from_seller = pl.col("from_address") == pl.col("seller")
    given = fees.filter(from_seller).group_by(HEAD).agg(_AMOUNT.sum().alias("given"))
    proceeds = sales.join(given, on=list(HEAD), how="left", maintain_order="left").with_columns(
        pl.col("seller").alias("recipient"),
        pl.lit("seller").alias("recipient_class"),
        (pl.col("price").cast(pl.Int128) - pl.col("given").fill_null(0)).alias("amount_wei"),
    )
    fees = fees.with_columns(
        pl.col("to_address").alias("recipient"), pl.lit("platform").alias("recipient_class")
    )
    source = pl.lit("transfer_log").alias("source")
    return pl.concat(
        [each.with_columns(source).select(list(LEG)).cast(LEG) for each in (fees, proceeds)]
    )


def _computed_legs(heads: pl.DataFrame) -> pl.DataFrame:
    """Legs as the orders' fees say; floor(price * bps / 10000), as the exchange divides."""
    known = heads.filter(pl.col("seller_fee_bps").is_not_null())
    price = pl.col("price").cast(pl.Int128)
    to_collector = price * pl.col("seller_fee_bps") // 10_000
    on_top = price * pl.col("buyer_fee_bps") // 10_000
    rows = [
        ("fee_recipient", "platform", to_collector + on_top),
        ("seller", "seller", price - to_collector),
    ]
    return pl.concat(
        [
            known.select(
                "block_hash",
                "log_index",
                "item_index",
                pl.col(recipient).alias("recipient"),
                pl.lit(kind).alias("recipient_class"),
                "currency",
                amount.cast(WEI.polars).alias("amount_wei"),
                pl.lit("computed").alias("source"),
            )
            for recipient, kind, amount in rows
        ]
    )


def _without_doubles(legs: pl.DataFrame) -> pl.DataFrame:
    """Computed legs only where none was read."""
    read = legs.filter(pl.col("source") != "computed").select(ITEM).unique()
    is_computed = pl.col("source") == "computed"
    return pl.concat(
        [legs.filter(~is_computed), legs.filter(is_computed).join(read, on=list(ITEM), how="anti")]
    )


def with_price(heads: pl.DataFrame, legs: pl.DataFrame) -> pl.DataFrame:
    """The matches with price_wei.

    Native coin: what the exchange got less what it gave back. Else the event's price, and the fees
    on top of it that the legs show.
    """
    refund = pl.col("recipient_class") == "refund"
    sums = legs.group_by(ITEM).agg(
        _AMOUNT.filter(refund).sum().alias("given_back"), _AMOUNT.filter(~refund).sum().alias("sum")
    )
    heads = heads.join(sums, on=list(ITEM), how="left", maintain_order="left")
    price = pl.col("price").cast(pl.Int128)
    received = pl.col("value_wei").cast(pl.Int128) - pl.col("given_back")
    was_native = (pl.col("currency") == NATIVE) & pl.col("paid_native").is_not_null()
    paid = (
        pl.when(was_native)
        .then(received)
        .when(pl.col("currency") != NATIVE)
        .then(pl.col("sum"))
        .otherwise(price + price * pl.col("buyer_fee_bps") // 10_000)
    )
    return heads.with_columns(
        pl.max_horizontal(price, paid.fill_null(price)).cast(WEI.polars).alias("price_wei")
    ).drop("given_back", "sum")
