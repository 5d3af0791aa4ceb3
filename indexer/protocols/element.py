"""Element, on all chains that it is on.

Four events, each in two layouts of different meaning:

- with `fees`: the amount is everything that the buyer pays, fees included, and these are listed.
  What the seller gets is the difference; it counts as known where the payments agree with it.
- without: the amount is what the seller gets; fees come on top of it, and only the payments tell
  how much. Without them the price is not known.

Orders matched against each other emit both a sale and a purchase of the same token: one sale.

Source: the exchange's verified source; reference/markets.md, section 6.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.fee_wallets import fee_wallets
from indexer.protocols.flows import native_payments, transfers_around
from indexer.protocols.paid import with_movements
from indexer.protocols.sales import ITEM, LEG, leg, price_of, sale_tables

_NAME = "element"
_EXCHANGES = {
    1: "0x20f780a973856b93f63670377900c1d2a50a77c4",
    10: "0x2317d8b224328644759319dffa2a5da77c72e0e9",
    56: "0xb3e3dfcb2d9f3dde16d78b9e6eb3538eb32b5ae1",
    137: "0xeaf5453b329eb38be159a872a6ce91c9a8fb0260",
    204: "0x5417c5215f239b8d04f9d9c04bf43034b35ad4bd",
    324: "0x64848eefbc2921102a153b08fa64536ae1f8e937",
    8_453: "0xa39a5f160a1952ddf38781bd76e402b0006912a9",
    42_161: "0x18cd9270dbdca86d470cfb3be1b156241fffa9de",
    43_114: "0x18cd9270dbdca86d470cfb3be1b156241fffa9de",
    59_144: "0x0cab6977a9c70e04458b740476b498b214019641",
    81_457: "0x4196b39157659bf0de9ebf6e505648b7889a39ce",
    534_352: "0x0cab6977a9c70e04458b740476b498b214019641",
}
_COIN = "0x" + "ee" * 20
_FEES = "(address recipient, uint256 amount)[] fees,"


def _events() -> dict[str, Event]:
    """The eight layouts, by the event's name and whether it lists fees."""
    found = {}
    for side in ("Sell", "Buy"):
        for standard, units in (("ERC721", ""), ("ERC1155", ", uint128 quantity")):
            name = f"{standard}{side}OrderFilled"
            token = f" address collection, uint256 tokenId{units}"
            plain = f"(address maker, address taker, address coin, uint256 amount,{token},"
            found[name] = Event.parse(f"{name}{plain} bytes32 orderHash)", wei=["amount"])
            listed = (
                "(bytes32 orderHash, address maker, address taker, uint256 nonce, address coin,"
                f" uint256 amount, {_FEES}{token})"
            )
            found[f"{name}Fees"] = Event.parse(
                f"{name}{listed}", wei=["amount", "fees.amount"], name=f"{name}Fees"
            )
    return found


_EVENTS = _events()
_COLUMNS = (
    *PLACE, "item_index", "version", "address", "trade_kind", "collection", "token_id",
    "token_standard", "quantity", "seller", "buyer", "maker", "taker", "currency", "amount",
)  # fmt: skip
_MOST = 9.0e37  # sums above this might not fit DECIMAL(38,0)
_ON_TOP = "fees on top of what the seller got are not in the event, and no payment was seen"
_MATCHED = "orders were matched: who kept what they differ by is not told"
_TOO_MUCH = "fees above the price"


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id not in _EXCHANGES:
        return []
    emitters = frozenset({_EXCHANGES[context.chain_id]})
    return [Route(event, "1", emitters) for event in _EVENTS.values()]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    listed, refused = _listed(events, around)
    plain = _plain(events, around)
    parts = [each for each in (listed, plain) if each is not None]
    tables: Tables = {"quarantine": refused}
    sales = pl.concat([sales for sales, _ in parts], how="diagonal_relaxed") if parts else None
    if sales is None or sales.is_empty():
        return tables
    return tables | sale_tables(_NAME, _once(sales), [legs for _, legs in parts])


def _read(decoded: Decoded, name: str) -> pl.DataFrame:
    is_listing, is_multiple = "Sell" in name, "1155" in name
    seller, buyer = ("maker", "taker") if is_listing else ("taker", "maker")
    is_coin = pl.col("coin") == _COIN
    return decoded.rows.with_columns(
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit("listing" if is_listing else "bid").alias("trade_kind"),
        pl.col("tokenId").alias("token_id"),
        pl.lit("erc1155" if is_multiple else "erc721").alias("token_standard"),
        (pl.col("quantity") if is_multiple else pl.lit("1")).alias("quantity"),
        pl.col(seller).alias("seller"),
        pl.col(buyer).alias("buyer"),
        pl.when(is_coin).then(pl.lit(NATIVE)).otherwise("coin").alias("currency"),
    )


def _class() -> pl.Expr:
    """Events do not say whether a fee is the exchange's or a creator's."""
    is_known = pl.col("recipient").is_in(fee_wallets()["recipient"].implode())
    return pl.when(is_known).then(pl.lit("platform")).otherwise(pl.lit("unknown"))


# --- with fees


def _listed(
    events: Mapping[str, Decoded], around: Around
) -> tuple[tuple[pl.DataFrame, pl.DataFrame] | None, pl.DataFrame]:
    """Sales and legs of the events that list fees, and the logs whose fees exceed the amount."""
    names = [name for name in _EVENTS if name.endswith("Fees") and name in events]
    sales, fees, refused = [], [], []
    for name in names:
        rows = _read(events[name], name)
        own = events[name].items["fees"].join(rows.select("row", *ITEM), on="row")
        fees.append(own.with_columns(pl.col("item").cast(pl.Int64).alias("place")))
        # In floats, so that no sum of hostile amounts wraps around; exact ones follow.
        sums = own.group_by("row").agg(pl.col("amount").cast(pl.Float64).sum().alias("sum"))
        known = rows.join(sums, on="row", how="left", maintain_order="left")
        is_sane = pl.col("sum").fill_null(0.0) <= pl.col("amount").cast(pl.Float64)
        sales.append(known.filter(is_sane).select(_COLUMNS))
        refused.append(
            known.filter(~is_sane).select(
                "block_hash",
                "log_index",
                pl.lit(name).alias("event"),
                pl.lit(_TOO_MUCH).alias("reason"),
            )
        )
    if not names:
        return None, pl.DataFrame()
    whole, charged = pl.concat(sales), pl.concat([each.drop("row") for each in fees])
    charged = charged.join(whole.select(*ITEM, "currency"), on=list(ITEM)).sort(*ITEM, "place")
    legs = pl.concat(
        [
            _seller_legs(whole, charged),
            leg(charged, "recipient", _class(), "amount", "fee_event"),
        ]
    )
    priced = whole.with_columns(pl.col("amount").alias("price_wei"))
    return with_movements(priced, legs, around), pl.concat(refused)


def _seller_legs(sales: pl.DataFrame, fees: pl.DataFrame) -> pl.DataFrame:
    total = pl.col("amount").cast(pl.Int128)
    sums = fees.group_by(ITEM).agg(total.sum().alias("charged"))
    known = sales.join(sums, on=list(ITEM), how="left", maintain_order="left").with_columns(
        pl.col("charged").fill_null(0)
    )
    rest = (total - pl.col("charged")).alias("rest")
    is_whole = pl.col("charged") == 0
    return leg(known.with_columns(rest), "seller", "seller", "rest", "computed").with_columns(
        pl.when(known.select(is_whole).to_series())
        .then(pl.lit("fee_event"))
        .otherwise("source")
        .alias("source")
    )


# --- without fees


def _plain(
    events: Mapping[str, Decoded], around: Around
) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """Sales and legs of the events that name what the seller got."""
    names = [name for name in _EVENTS if not name.endswith("Fees") and name in events]
    if not names:
        return None
    sales = pl.concat([_read(events[name], name).select(_COLUMNS) for name in names])
    # Payments before an event that lists its fees are none of the next one's.
    every = pl.concat([_read(events[name], name).select(_COLUMNS) for name in events])
    paid = pl.concat([_coins(every, around), _tokens(every, around)])
    paid = paid.join(sales, on=list(ITEM), how="semi", maintain_order="left")
    parties = sales.select(*ITEM, "seller", "buyer", "amount")
    is_seller = (pl.col("recipient") == pl.col("seller")) & (
        pl.col("amount_wei") == pl.col("amount")
    )
    known = paid.join(parties, on=list(ITEM), maintain_order="left").with_columns(
        is_seller.alias("is_seller")
    )
    # The seller's payment must be there, once; money back to the buyer is none of the price.
    size = pl.col("amount_wei").cast(pl.Float64).sum().over(ITEM)
    is_clear = (is_seller.sum().over(ITEM) == 1) & (size < _MOST)
    kind = pl.when("is_seller").then(pl.lit("seller")).otherwise(_class())
    legs = (
        known.filter(is_clear & (pl.col("recipient") != pl.col("buyer")))
        .with_columns(kind.alias("recipient_class"))
        .select(list(LEG))
    )
    seen = sales.join(price_of(legs), on=list(ITEM), how="left", maintain_order="left")
    unseen = sales.join(legs, on=list(ITEM), how="anti")
    own = leg(unseen, "seller", "seller", "amount", "fee_event")
    is_seen = pl.col("price_wei").is_not_null()
    reason = pl.when(~is_seen).then(pl.lit(_ON_TOP)).alias("residual_reason")
    return seen.with_columns(reason), pl.concat([legs, own])


def _coins(sales: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Native coin that the exchange paid while it was called for one sale."""
    paid = native_payments(sales, around.beside.value_traces)
    native = sales.filter(pl.col("currency") == NATIVE)
    own = paid.join(native, on=["block_hash", "log_index"], how="semi", maintain_order="left")
    return own.select(
        "block_hash",
        "log_index",
        pl.lit(0, pl.Int64).alias("item_index"),
        "recipient",
        "currency",
        "amount_wei",
        pl.lit("trace").alias("source"),
    )


def _tokens(sales: pl.DataFrame, around: Around) -> pl.DataFrame:
    """ERC-20 transfers by the buyer before the event of a sale."""
    parties = sales.select("block_hash", "log_index", "buyer", "currency", "address")
    moved = transfers_around(sales, around.payments).join(
        parties, on=["block_hash", "log_index", "currency"], maintain_order="left"
    )
    return moved.filter(
        (pl.col("from_address") == pl.col("buyer")) & (pl.col("to_address") != pl.col("address"))
    ).select(
        "block_hash",
        "log_index",
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.col("to_address").alias("recipient"),
        "currency",
        "amount_wei",
        pl.lit("transfer_log").alias("source"),
    )


def _once(sales: pl.DataFrame) -> pl.DataFrame:
    """The sales without the listings that were matched with bids; these say so."""
    key = ["block_hash", "tx_hash", "collection", "token_id", "seller", "buyer"]
    by_kind = {kind: sales.filter(pl.col("trade_kind") == kind) for kind in ("listing", "bid")}
    alone = by_kind["listing"].join(by_kind["bid"], on=key, how="anti", maintain_order="left")
    matched = by_kind["listing"].select(key).unique().with_columns(pl.lit("match").alias("how"))
    bids = by_kind["bid"].join(matched, on=key, how="left", maintain_order="left")
    is_match = pl.col("how").is_not_null()
    bids = bids.with_columns(
        pl.coalesce("how", "trade_kind").alias("trade_kind"),
        pl.when(is_match)
        .then(pl.lit(_MATCHED))
        .otherwise("residual_reason")
        .alias("residual_reason"),
    )
    return pl.concat([alone, bids.drop("how")]).sort("block_number", "log_index")


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"receipt", "trace"}),
    after=("erc721", "erc1155"),
    limits=(
        "Events without fees: the price is known only where the payments are seen.",
        "Whether a fee is the exchange's or a creator's is not told: `unknown`.",
    ),
)
