"""Our own contracts: works and their lineage, the market, vaults and the local price feed.

Emitters are trusted only where `contracts.addresses` names them. The one exception is
`SharesRedeemed`: every vault emits its own, so a row says which vault spoke for itself, and the
table `vaults` counts only those that the factory opened.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.currencies import PriceFeed
from data.types import WEI
from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.base import (
    PLACE,
    Around,
    ChainContext,
    Protocol,
    Route,
    Tables,
)
from indexer.protocols.quotes import ANSWER, quotes
from indexer.protocols.settlement import balance, sale_id

_VERSION = "1"
_ARTWORK_EVENTS = (
    Event.parse(
        "ArtworkMinted(uint256 indexed tokenId, bytes32 indexed manifest, address indexed creator,"
        " bytes32 pixelHash, bytes32 model, bytes32 dataset, bytes32 process, uint256 seed,"
        " string uri)"
    ),
    Event.parse(
        "ArtworkBurned(uint256 indexed tokenId, address indexed by, bytes32 manifest, uint8 reason)"
    ),
    Event.parse(
        "LineageEdge(uint256 indexed child, uint256 indexed ordinal,"
        " address indexed parentContract, uint256 parentToken, uint8 relation, uint16 shareBps)"
    ),
    Event.parse("RoyaltySet(uint256 indexed tokenId, address recipient, uint96 bps)"),
)
_PAID = Event.parse(
    "Paid(uint256 indexed tokenId, address indexed recipient, uint8 indexed role, uint256 amount,"
    " bool credited)",
    wei=["amount"],
)
_MARKET_EVENTS = (
    Event.parse(
        "Listed(uint256 indexed tokenId, address indexed seller, uint8 kind, uint256 price,"
        " uint64 endTime)",
        wei=["price"],
    ),
    Event.parse("ListingCancelled(uint256 indexed tokenId, address indexed seller)"),
    Event.parse(
        "Sold(uint256 indexed tokenId, address indexed seller, address indexed buyer, uint8 kind,"
        " uint256 price, uint256 royalty, uint256 fee)",
        wei=["price", "royalty", "fee"],
    ),
)
_FACTORY_EVENTS = (
    Event.parse(
        "VaultOpened(address indexed vault, uint256 indexed tokenId, address indexed curator,"
        " uint256 supply, uint256 royalty)",
        wei=["royalty"],
    ),
)
_REDEEMED = Event.parse(
    "SharesRedeemed(address indexed vault, address indexed holder, uint256 shares, uint256 amount)",
    wei=["amount"],
)
_FEED_DECIMALS = 8
_ROLES = {0: "seller", 1: "creator", 2: "platform", 3: "refund"}
_FACT = (*PLACE, pl.lit(0).alias("item_index"))
_PAID_IN_NATIVE = (
    pl.col("address").alias("emitter"),
    pl.lit(NATIVE).alias("currency"),
    pl.lit("event").alias("amount_source"),
)
_OWNED = (pl.lit("raisonne").alias("protocol"), pl.col("version"))


def _routes(context: ChainContext) -> Sequence[Route]:
    own = context.own
    if own is None:
        return []
    by_emitter = (
        (_ARTWORK_EVENTS, {own.artwork}),
        (_MARKET_EVENTS, {own.market}),
        (_FACTORY_EVENTS, {own.vault_factory}),
        ((_PAID,), {own.market, own.vault_factory}),
        ((ANSWER,), {own.price_feed}),
    )
    routes = [
        Route(event, _VERSION, frozenset(emitters))
        for events, emitters in by_emitter
        for event in events
    ]
    return [*routes, Route(_REDEEMED, _VERSION)]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    own = around.context.own
    if own is None:
        return {}
    collection = pl.lit(own.artwork).alias("collection")
    frames = {name: decoded.rows for name, decoded in events.items()}
    tables = {
        "provenance_events": _provenance(frames),
        "lineage_edges": _edges(frames),
        "royalty_events": _royalties(frames),
        "listings": _listings(frames, collection),
        "vault_events": (vaults := _vault_events(frames, collection)),
        "share_transfers": _share_transfers(vaults),
        "prices": _prices(frames, own.chain_id, own.price_feed),
    }
    tables |= _sales(frames, collection) | _vault_payments(frames, collection)
    orphans = _orphan_payments(frames)
    return {name: frame for name, frame in tables.items() if frame.width} | orphans


def _provenance(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    parts = []
    token = (pl.col("address").alias("collection"), pl.col("tokenId").alias("token_id"))
    if "ArtworkMinted" in frames:
        minted = frames["ArtworkMinted"].select(
            *_FACT,
            *_OWNED,
            pl.lit("minted").alias("event"),
            *token,
            pl.col("creator").alias("account"),
            "manifest",
            pl.col("pixelHash").alias("pixel_hash"),
            "model",
            "dataset",
            "process",
            "seed",
            "uri",
        )
        parts.append(minted)
    if "ArtworkBurned" in frames:
        burned = frames["ArtworkBurned"].select(
            *_FACT,
            *_OWNED,
            pl.lit("burned").alias("event"),
            *token,
            pl.col("by").alias("account"),
            "manifest",
        )
        parts.append(burned)
    return pl.concat(parts, how="diagonal") if parts else pl.DataFrame()


def _edges(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    if "LineageEdge" not in frames:
        return pl.DataFrame()
    return frames["LineageEdge"].select(
        *_FACT,
        *_OWNED,
        pl.col("address").alias("collection"),
        pl.col("child").alias("token_id"),
        pl.col("ordinal").cast(pl.Int64, strict=False),
        pl.col("parentContract").alias("parent_collection"),
        pl.col("parentToken").alias("parent_token_id"),
        "relation",
        pl.col("shareBps").alias("share_bps"),
    )


def _royalties(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    if "RoyaltySet" not in frames:
        return pl.DataFrame()
    return frames["RoyaltySet"].select(
        *_FACT,
        *_OWNED,
        pl.lit("RoyaltySet").alias("event"),
        pl.lit("token").alias("level"),
        pl.col("address").alias("collection"),
        pl.col("tokenId").alias("token_id"),
        "recipient",
        pl.col("bps").cast(pl.Int64),
    )


def _listings(frames: Mapping[str, pl.DataFrame], collection: pl.Expr) -> pl.DataFrame:
    token = (collection, pl.col("tokenId").alias("token_id"), pl.col("seller"))
    parts = []
    if "Listed" in frames:
        # 0 means no end; what lies beyond the year 9999 no calendar can show, and is no end either.
        end_s = pl.col("endTime").cast(pl.Int64, strict=False)
        end = pl.when(end_s.is_between(1, 253_402_300_799)).then(end_s * 1_000_000)
        listed = frames["Listed"].select(
            *_FACT,
            *_OWNED,
            pl.lit("listed").alias("event"),
            *token,
            pl.col("price").alias("price_wei"),
            end.cast(pl.Datetime("us")).alias("end_time"),
        )
        parts.append(listed)
    if "ListingCancelled" in frames:
        cancelled = frames["ListingCancelled"].select(
            *_FACT, *_OWNED, pl.lit("cancelled").alias("event"), *token
        )
        parts.append(cancelled)
    return pl.concat(parts, how="diagonal") if parts else pl.DataFrame()


def _vault_events(frames: Mapping[str, pl.DataFrame], collection: pl.Expr) -> pl.DataFrame:
    parts = []
    if "VaultOpened" in frames:
        opened = frames["VaultOpened"].select(
            *_FACT,
            *_OWNED,
            pl.lit("opened").alias("event"),
            "vault",
            collection,
            pl.col("tokenId").alias("token_id"),
            pl.lit("1").alias("quantity"),
            pl.col("curator").alias("account"),
            pl.col("supply").alias("shares"),
            pl.col("royalty").alias("amount_wei"),
            *_PAID_IN_NATIVE,
        )
        parts.append(opened)
    if "SharesRedeemed" in frames:
        redeemed = (
            frames["SharesRedeemed"]
            .filter(pl.col("vault") == pl.col("address"))
            .select(
                *_FACT,
                *_OWNED,
                pl.lit("redeemed").alias("event"),
                "vault",
                pl.col("holder").alias("account"),
                "shares",
                pl.col("amount").alias("amount_wei"),
                *_PAID_IN_NATIVE,
            )
        )
        parts.append(redeemed)
    return pl.concat(parts, how="diagonal") if parts else pl.DataFrame()


def _share_transfers(vaults: pl.DataFrame) -> pl.DataFrame:
    """Shares minted on opening, and all of them burned on redemption: our vaults do no more."""
    if not vaults.width:
        return pl.DataFrame()
    nobody = pl.lit(NATIVE)
    is_mint = pl.col("event") == "opened"
    return vaults.select(
        *_FACT,
        "vault",
        pl.when(is_mint).then(nobody).otherwise("account").alias("from_address"),
        pl.when(is_mint).then("account").otherwise(nobody).alias("to_address"),
        pl.col("shares").cast(WEI.polars, strict=False),
    ).filter(pl.col("shares").is_not_null())


def _prices(frames: Mapping[str, pl.DataFrame], chain_id: int, feed: str) -> pl.DataFrame:
    if "AnswerUpdated" not in frames:
        return pl.DataFrame()
    own = PriceFeed(chain_id, feed, NATIVE, _FEED_DECIMALS, "ETH/USD")
    return quotes(frames["AnswerUpdated"], [own])


# --- money


def _paid_after(frames: Mapping[str, pl.DataFrame], event: str) -> pl.DataFrame:
    """`Paid` legs beside the place of the `event` (`Sold`, `VaultOpened`) that they follow.

    Each leg belongs to the last such event before it of the same transaction, emitter and token.
    Neither contract can be re-entered, so that legs of two events never mingle.
    """
    if event not in frames or "Paid" not in frames:
        return pl.DataFrame()
    same = ["block_hash", "tx_hash", "address", "tokenId"]
    heads = frames[event].select(*same, "log_index", pl.col("log_index").alias("head_index"))
    return (
        frames["Paid"]
        .sort("log_index")
        .join_asof(
            heads.sort("log_index"),
            on="log_index",
            by=same,
            strategy="backward",
            check_sortedness=False,  # polars cannot check it within groups; both are sorted above
        )
        .filter(pl.col("head_index").is_not_null())
        .with_columns(
            pl.col("head_index").alias("log_index"),
            pl.col("role").replace_strict(_ROLES, default="unknown").alias("recipient_class"),
            (pl.col("log_index").rank("ordinal").over("block_hash", "head_index") - 1).alias("seq"),
            pl.lit(NATIVE).alias("currency"),
        )
        .sort("block_number", "log_index", "seq")
    )


def _sales(frames: Mapping[str, pl.DataFrame], collection: pl.Expr) -> Tables:
    if "Sold" not in frames:
        return {}
    sales = (
        frames["Sold"]
        .select(
            *_FACT,
            pl.lit(1).alias("bundle_size"),
            pl.lit("raisonne").alias("marketplace"),
            *_OWNED,
            pl.lit("listing").alias("trade_kind"),
            collection,
            pl.col("tokenId").alias("token_id"),
            pl.lit("erc721").alias("token_standard"),
            pl.lit("1").alias("quantity"),
            "seller",
            "buyer",
            pl.col("seller").alias("maker"),
            pl.col("buyer").alias("taker"),
            pl.lit(NATIVE).alias("currency"),
            pl.col("price").alias("price_wei"),
            pl.lit("decoded").alias("confidence"),
        )
        .with_columns(sale_id().alias("sale_id"))
    )
    paid = _paid_after(frames, "Sold")
    if not paid.width:
        return {"settled_sales": balance(sales, _no_legs())}
    legs = paid.select(
        *_FACT,
        "seq",
        "recipient",
        "recipient_class",
        "currency",
        pl.col("amount").alias("amount_wei"),
        pl.lit("fee_event").alias("source"),
    ).with_columns(sale_id().alias("sale_id"))
    return {"settled_sales": balance(sales, legs), "sale_payments": legs}


def _no_legs() -> pl.DataFrame:
    from data.schema import table

    return table("sale_payments").empty()


def _vault_payments(frames: Mapping[str, pl.DataFrame], collection: pl.Expr) -> Tables:
    paid = _paid_after(frames, "VaultOpened")
    if not paid.width:
        return {}
    payments = paid.select(
        *PLACE,
        pl.col("seq").alias("item_index"),
        collection,
        pl.col("tokenId").alias("token_id"),
        "recipient",
        "recipient_class",
        "currency",
        pl.col("amount").alias("amount_wei"),
    )
    return {"vault_payments": payments}


def _orphan_payments(frames: Mapping[str, pl.DataFrame]) -> Tables:
    """Payments that no sale and no opening explains; they are set aside, not dropped."""
    if "Paid" not in frames:
        return {}
    same = ["block_hash", "tx_hash", "address", "tokenId"]
    heads = [frames[name].select(*same) for name in ("Sold", "VaultOpened") if name in frames]
    orphans = frames["Paid"]
    if heads:
        orphans = orphans.join(pl.concat(heads), on=same, how="anti")
    row = orphans.select(
        *_FACT, pl.lit("Paid").alias("event"), pl.lit("payment without its sale").alias("reason")
    )
    return {} if row.is_empty() else {"quarantine": row}


PROTOCOL = Protocol(
    "raisonne",
    _routes,
    _settle,
    limits=(
        "Who holds shares of a vault after its opening is not known: only its events are read.",
    ),
)
