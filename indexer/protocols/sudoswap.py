"""Sudoswap 1 and 2: pools that buy and sell tokens along a price curve.

The pool emits its event when tokens and money have moved. A pool that sells (`SwapNFTOutPair`) is
the seller, one that buys (`SwapNFTInPair`) the buyer. Several tokens of one swap are a bundle.

- 1: the events have no arguments: tokens, prices and legs are what moved in the call of the pool.
- 2: `amountIn` is all that the buyer paid; `amountOut` is what the seller got, after royalties and
  the protocol's fee. So the price of a purchase by a pool is what it paid out in all.

What a pool keeps of a payment is what came with its call less what it sent on, both read. The
protocol's fee goes to the factory; as any contract may use the words of a pool, a swap that paid no
fee is `inferred`. Deposits, withdrawals and changes of curves are not read.

Source: sudoswap/lssvm and sudoswap/lssvm2 (LSSVMPairERC721, LSSVMPairETH, LSSVMPairERC20).
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.flows import HEAD, calls_of, native_payments, transfers_around
from indexer.protocols.observed import calls_to, numbered, shared
from indexer.protocols.sales import ITEM, LEG, price_of, sale_tables, summable, with_unexplained

_NAME = "sudoswap"
_FACTORIES = {
    (1, "1"): "0xb16c1342e617a5b6e4b631eb114483fdb289c0a4",
    (1, "2"): "0xa020d57ab0448ef74115c112d18a9c231cc86000",
    (8453, "2"): "0x605145d263482684590f630e9e581b21e4938eb8",
}
_SOLD_1 = Event.parse("SwapNFTOutPair()")
_BOUGHT_1 = Event.parse("SwapNFTInPair()")
_WHAT = ("uint256[] ids", "uint256 numNFTs")
_ROYALTY = ("", ", uint256 royaltyAmount")
_SOLD_2 = [
    Event.parse(
        f"SwapNFTOutPair(uint256 amountIn, {what}{royalty})", wei=["amountIn"], name="Sold2"
    )
    for what in _WHAT
    for royalty in _ROYALTY
]
_BOUGHT_2 = [
    Event.parse(
        f"SwapNFTInPair(uint256 amountOut, {what}{royalty})", wei=["amountOut"], name="Bought2"
    )
    for what in _WHAT
    for royalty in _ROYALTY
]
_KINDS = {
    # event: (does the pool sell, column of the amount)
    "SwapNFTOutPair": (True, None),
    "SwapNFTInPair": (False, None),
    "Sold2": (True, "amountIn"),
    "Bought2": (False, "amountOut"),
}
_AMOUNT = pl.col("amount_wei").cast(pl.Int128)


def _routes(context: ChainContext) -> Sequence[Route]:
    versions = {version for chain_id, version in _FACTORIES if chain_id == context.chain_id}
    routes = [Route(event, "1") for event in (_SOLD_1, _BOUGHT_1) if "1" in versions]
    return routes + [Route(event, "2") for event in (*_SOLD_2, *_BOUGHT_2) if "2" in versions]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    heads = _heads(events, around.context.chain_id)
    if heads.is_empty():
        return {}
    moved = _moved(heads, events, around.fact("transfers"))
    first = moved.filter(pl.col("item") == 0).select(*HEAD, "giver", "receiver")
    heads = heads.join(first, on=list(HEAD), how="left", maintain_order="left").with_columns(
        pl.when("sells").then("address").otherwise("giver").alias("seller"),
        pl.col("receiver").alias("buyer"),
    )
    native = _native_legs(heads, around)
    rest = heads.join(native.select(ITEM).unique(), on=list(ITEM), how="anti")
    legs = summable(pl.concat([native, _token_legs(rest, around.payments)]))
    heads = with_unexplained(_with_price(heads, legs), legs)
    priced = heads.filter(pl.col("price_wei").is_not_null()).select(ITEM)
    legs = legs.join(priced, on=list(ITEM), how="semi", maintain_order="left")
    items = _items(heads, moved)
    sales, shares = shared(items, heads, legs)
    return sale_tables(_NAME, sales, [shares])


def _heads(events: Mapping[str, Decoded], chain_id: int) -> pl.DataFrame:
    """The swaps: PLACE, item_index, version, address, sells, stated amount, factory."""
    parts = [
        events[name].rows.select(
            *PLACE,
            pl.lit(0, pl.Int64).alias("item_index"),
            "version",
            "address",
            pl.lit(sells).alias("sells"),
            (pl.col(amount) if amount else pl.lit(None)).cast(WEI.polars).alias("stated"),
        )
        for name, (sells, amount) in _KINDS.items()
        if name in events
    ]
    if not parts:
        return pl.DataFrame()
    factories = {version: at for (chain, version), at in _FACTORIES.items() if chain == chain_id}
    return pl.concat(parts).with_columns(
        pl.col("version").replace_strict(factories, return_dtype=pl.String).alias("factory")
    )


# --- tokens


def _moved(
    heads: pl.DataFrame, events: Mapping[str, Decoded], transfers: pl.DataFrame
) -> pl.DataFrame:
    """The tokens of each swap, numbered: what left the pool, or reached it.

    A pool may have what it buys sent to somebody else; then the event's ids tell.
    """
    ids = [
        events[name].items["ids"].join(events[name].rows.select("row", *HEAD), on="row")
        for name in ("Sold2", "Bought2")
        if name in events and "ids" in events[name].items
    ]
    named = (
        pl.concat([each.select(*HEAD, pl.col("value").alias("token_id")) for each in ids])
        if (ids)
        else pl.DataFrame(schema={**{n: heads.schema[n] for n in HEAD}, "token_id": pl.String()})
    )
    named = named.unique().with_columns(pl.lit(value=True).alias("is_named"))
    pools = heads.select(*HEAD, "address", "sells")
    to_pool = pl.col("to_address") == pl.col("address")
    from_pool = pl.col("from_address") == pl.col("address")
    is_its = pl.when("sells").then(from_pool).otherwise(to_pool | pl.col("is_named"))
    moved = (
        transfers_around(heads, transfers)
        .join(pools, on=list(HEAD), maintain_order="left")
        .join(named, on=[*HEAD, "token_id"], how="left", maintain_order="left")
        .with_columns(pl.col("is_named").fill_null(value=False))
        .filter(is_its)
        .sort(*HEAD, "moved_at", "item_index")
    )
    return numbered(
        moved, pl.col("from_address").alias("giver"), pl.col("to_address").alias("receiver")
    )


def _items(heads: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    is_sure = pl.col("was_charged") & pl.col("token_id").is_not_null()
    # The pool's offer stands; who trades with it takes.
    pool = pl.when("sells").then("seller").otherwise("buyer")
    other = pl.when("sells").then("buyer").otherwise("seller")
    return (
        heads.drop("item_index", "giver", "receiver")
        .join(moved, on=list(HEAD), how="left", maintain_order="left_right")
        .select(
            *PLACE,
            pl.col("item").fill_null(0).alias("item_index"),
            pl.col("bundle_size").fill_null(1),
            "version",
            "address",
            pl.when("sells").then(pl.lit("listing")).otherwise(pl.lit("bid")).alias("trade_kind"),
            "collection",
            "token_id",
            pl.col("token_standard").fill_null("erc721"),
            pl.col("quantity").fill_null("1"),
            "seller",
            "buyer",
            pool.alias("maker"),
            other.alias("taker"),
            pl.when(is_sure)
            .then(pl.lit("decoded"))
            .otherwise(pl.lit("inferred"))
            .alias("confidence"),
        )
    )


# --- money


def _class(*, is_refund: pl.Expr, to_pool: pl.Expr) -> pl.Expr:
    """What a payment is, by who got it.

    Version 1 pays the factory and the trader's or the pool's side; version 2 besides royalties: of
    what a pool pays out they are all that is neither the stated amount nor the fee. When it sells,
    royalties cannot be told from the recipients that its owner has chosen.
    """
    is_first = pl.col("version") == "1"
    is_stated = pl.col("amount_wei") == pl.col("stated")
    return (
        pl.when(pl.col("recipient") == pl.col("factory"))
        .then(pl.lit("platform"))
        .when(pl.col("sells") & is_refund)
        .then(pl.lit("refund"))
        .when(to_pool | is_first | (~pl.col("sells") & is_stated))
        .then(pl.lit("seller"))
        .when(~pl.col("sells"))
        .then(pl.lit("creator"))
        .otherwise(pl.lit("unknown"))
    )


def _native_legs(heads: pl.DataFrame, around: Around) -> pl.DataFrame:
    calls = calls_of(heads, calls_to(heads, around)).select(*HEAD, "caller", "value_wei")
    heads = heads.join(calls, on=list(HEAD), how="left", maintain_order="left")
    paid = native_payments(heads, around.beside.value_traces).join(
        heads.select(*HEAD, "item_index", "address", "version", "factory", "sells", "stated",
                     "caller"),
        on=list(HEAD),
        maintain_order="left",
    ).with_columns(
        _class(
            is_refund=pl.col("recipient") == pl.col("caller"), to_pool=pl.lit(value=False)
        ).alias("recipient_class"),
        pl.lit("trace").alias("source"),
    )  # fmt: skip
    sent_on = paid.group_by(HEAD).agg(_AMOUNT.sum().alias("sent_on"))
    kept = (
        heads.filter(pl.col("sells"), pl.col("value_wei") > 0)
        .join(sent_on, on=list(HEAD), maintain_order="left")
        .with_columns(
            pl.col("address").alias("recipient"),
            pl.lit("seller").alias("recipient_class"),
            pl.lit(NATIVE).alias("currency"),
            (pl.col("value_wei").cast(pl.Int128) - pl.col("sent_on")).alias("amount_wei"),
            pl.lit("trace").alias("source"),
        )
    )
    legs = [each.select(list(LEG)).cast(LEG) for each in (paid, kept)]
    return pl.concat(legs).filter(pl.col("amount_wei") > 0)


def _token_legs(heads: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """Legs in ERC-20 tokens: what the pool paid, or what its payer paid to it and beside it."""
    moved = transfers_around(heads, payments).join(
        heads.select(*HEAD, "item_index", "address", "version", "factory", "sells", "stated"),
        on=list(HEAD),
        maintain_order="left",
    )
    to_pool = pl.col("to_address") == pl.col("address")
    payer = (
        moved.filter(pl.col("sells"), to_pool)
        .unique(list(HEAD), keep="last", maintain_order=True)
        .select(*HEAD, "currency", pl.col("from_address").alias("payer"))
    )
    moved = moved.join(payer, on=[*HEAD, "currency"], how="left", maintain_order="left").filter(
        pl.when("sells")
        .then(pl.col("from_address") == pl.col("payer"))
        .otherwise(pl.col("from_address") == pl.col("address"))
    )
    return (
        moved.with_columns(pl.col("to_address").alias("recipient"))
        .with_columns(
            _class(is_refund=pl.lit(value=False), to_pool=pl.col("sells") & to_pool).alias(
                "recipient_class"
            ),
            pl.lit("transfer_log").alias("source"),
        )
        .select(list(LEG))
        .cast(LEG)
    )


def _with_price(heads: pl.DataFrame, legs: pl.DataFrame) -> pl.DataFrame:
    """The swaps with currency, price_wei and whether the factory was paid."""
    found = legs.group_by(ITEM).agg(
        pl.col("currency").first(),
        (pl.col("recipient_class") == "platform").any().alias("was_charged"),
    )
    paid = price_of(legs).rename({"price_wei": "paid_wei"})
    # What a pool of version 2 pays out is net in the event; what it asks is the whole price.
    price = pl.when("sells").then(pl.coalesce("stated", "paid_wei")).otherwise("paid_wei")
    sellers = (
        legs.filter(pl.col("recipient_class") == "seller")
        .group_by(ITEM)
        .agg(_AMOUNT.sum().cast(WEI.polars).alias("proceeds"))
    )
    # Without the stated amount among the payments these are of another matter.
    is_odd = (
        ~pl.col("sells")
        & pl.col("stated").is_not_null()
        & pl.col("stated").ne_missing(pl.col("proceeds"))
    )
    return (
        heads.join(found, on=list(ITEM), how="left", maintain_order="left")
        .join(paid, on=list(ITEM), how="left", maintain_order="left")
        .join(sellers, on=list(ITEM), how="left", maintain_order="left")
        .with_columns(
            pl.when(~is_odd).then(price).alias("price_wei"),
            pl.col("was_charged").fill_null(value=False),
        )
        .drop("paid_wei", "proceeds")
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"input", "receipt", "trace"}),
    after=("erc721", "erc1155"),
    limits=(
        "Without traces a swap in native coin has no legs, and but for a sale by a pool of version"
        " 2 no price.",
        "Any contract may emit these events; a swap that paid the factory nothing is inferred.",
        "Royalties that a router pays beside a pool of version 1 are not part of the sale.",
        "2: when a pool sells, royalties cannot be told from its owner's recipients.",
        "Shares of a swap of several tokens are equal, though the curve moves with each.",
    ),
)
