"""What Market, Auctions and Drops say, and where all the money of our contracts went."""

import polars as pl

from data.schema import table
from data.units import NATIVE
from indexer.protocols.auctions import auction_rows
from indexer.protocols.base import PLACE, Tables
from indexer.protocols.raisonne_rows import NAME, Frames, end_of, fact, recipient_class, told
from indexer.protocols.settlement import balance, sale_id

Columns = dict[str, pl.Expr | str]
_KINDS = {0: "fixed", 1: "auction", 2: "drop"}
_TX = ["block_hash", "tx_hash", "address"]
_SALE_ROLES = (0, 1, 2, 3)
_KIND = pl.col("kind").cast(pl.Int64).replace_strict(_KINDS, default=None, return_dtype=pl.String)


def listings(frames: Frames, artwork: str) -> pl.DataFrame:
    """Rows of `listings`: of all venues; when an auction ends, `auctions` tells."""
    token: Columns = {
        "collection": pl.lit(artwork),
        "token_id": "tokenId",
        "seller": "seller",
    }
    listed: Columns = {
        "kind": _KIND,
        "price_wei": "price",
        "end_time": pl.when(_KIND != "auction").then(end_of("endTime")),
    }
    return told(
        frames,
        ("Listed", "listed", token | listed),
        ("ListingCancelled", "cancelled", token),
    )


def auctions(frames: Frames, artwork: str, venue: str | None) -> pl.DataFrame:
    """Rows of `auctions`: an auction goes by its work, which is in one at a time."""
    parts = []
    named: dict[str, dict[str, pl.Expr | str]] = {
        "Listed": {"seller": "seller", "amount_wei": "price", "end_time": end_of("endTime")},
        "BidPlaced": {"bidder": "bidder", "amount_wei": "amount", "end_time": end_of("endTime")},
        "Sold": {"seller": "seller", "bidder": "buyer", "amount_wei": "price"},
        "ListingCancelled": {"seller": "seller"},
    }
    called = {"Listed": "created", "BidPlaced": "bid", "Sold": "settled"}
    for name, columns in named.items():
        if name not in frames or venue is None:
            continue
        rows = frames[name].filter(pl.col("address") == venue)
        token = {"collection": pl.lit(artwork), "token_id": pl.col("tokenId")}
        event = called.get(name, "cancelled")
        parts.append(auction_rows(rows, NAME, event, "tokenId", {**token, **columns}))
    return pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame()


def drop_events(frames: Frames, venue: str | None) -> pl.DataFrame:
    """Rows of `drop_events`; when a work leaves, the event names no drop."""
    leaving = {
        name: frames[name].filter(pl.col("address") == venue)
        for name in ("Sold", "ListingCancelled")
        if name in frames
    }
    frames = {**frames, **leaving}
    left: Columns = {"contract": "address", "token_id": "tokenId"}
    drop: Columns = {"contract": "address", "drop_id": "dropId"}
    opened: Columns = {
        "seller": "seller",
        "works": _count("works"),
        "start_time": end_of("startTime"),
    }
    params: Columns = {
        "start_price": _text("start"),
        "decay": _text("decay"),
        "rate": _text("rate"),
    }
    bounds: Columns = {
        "contract": "address",
        "floor_wei": "minFloor",
        "cap_wei": "maxCap",
        "min_decay": _text("minDecay"),
        "max_decay": _text("maxDecay"),
        "max_step_bps": _count("maxStepBps"),
    }
    return told(
        frames,
        ("DropOpened", "opened", drop | opened),
        ("PriceParamsSet", "params_set", drop | params),
        ("PriceRangeSet", "range_set", drop | {"floor_wei": "floor", "cap_wei": "cap"}),
        ("Dropped", "entered", drop | {"token_id": "tokenId"}),
        ("Sold", "sold", left),
        ("ListingCancelled", "taken_back", left),
        ("PriceBoundsSet", "bounds_set", bounds),
    )


def sales(frames: Frames, artwork: str, splitter: str | None) -> Tables:
    """Tables `settled_sales` and `sale_payments`."""
    if "Sold" not in frames:
        return {}
    is_auction = pl.col("kind") == 1
    sold = fact(
        frames["Sold"],
        None,
        bundle_size=pl.lit(1),
        marketplace=pl.lit(NAME),
        trade_kind=pl.when(is_auction).then(pl.lit("auction")).otherwise(pl.lit("listing")),
        collection=pl.lit(artwork),
        token_id=pl.col("tokenId"),
        token_standard=pl.lit("erc721"),
        quantity=pl.lit("1"),
        seller="seller",
        buyer="buyer",
        maker="seller",
        taker="buyer",
        currency=pl.lit(NATIVE),
        price_wei="price",
        confidence=pl.lit("decoded"),
    ).with_columns(sale_id().alias("sale_id"))
    paid = _paid_after(frames, "Sold", splitter)
    if not paid.width:
        return {"settled_sales": balance(sold, table("sale_payments").empty())}
    legs = paid.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        "seq",
        "recipient",
        "recipient_class",
        "currency",
        pl.col("amount").alias("amount_wei"),
        pl.lit("fee_event").alias("source"),
    ).with_columns(sale_id().alias("sale_id"))
    return {"settled_sales": balance(sold, legs), "sale_payments": legs}


def vault_payments(frames: Frames, artwork: str, splitter: str | None) -> pl.DataFrame:
    """Rows of `vault_payments`: what the opening of a vault, or its buyout, paid."""
    parts = []
    for event, same in (("VaultOpened", [*_TX, "tokenId"]), ("BuyoutSettled", _TX)):
        paid = _paid_after(frames, event, splitter, same)
        if paid.width:
            parts.append(paid)
    if not parts:
        return pl.DataFrame()
    zero = pl.lit(0, pl.Int64).alias("item_index")
    return (
        pl.concat(parts, how="diagonal_relaxed")
        .with_columns(zero)
        .with_columns(sale_id().alias("sale_id"))
        .select(
            *PLACE,
            pl.col("seq").cast(pl.Int64).alias("item_index"),
            "sale_id",
            pl.lit(artwork).alias("collection"),
            pl.col("tokenId").alias("token_id"),
            "recipient",
            "recipient_class",
            "currency",
            pl.col("amount").alias("amount_wei"),
        )
    )


def payouts(frames: Frames, known: list[str], splitter: str | None) -> pl.DataFrame:
    """Rows of `payouts`: every payment, credit and withdrawal, of sales or not."""
    common: Columns = {
        "contract": "address",
        "is_ours": pl.col("address").is_in(known),
        "currency": pl.lit(NATIVE),
        "amount_wei": "amount",
    }
    paid: Columns = {
        "token_id": "tokenId",
        "account": "recipient",
        "recipient_class": recipient_class(splitter),
        "is_credited": "credited",
    }
    taken: Columns = {"account": "account", "to_address": "to"}
    return told(frames, ("Paid", "paid", common | paid), ("Withdrawn", "withdrawn", common | taken))


def orphan_payments(frames: Frames, known: list[str]) -> Tables:
    """Legs that no sale and no opening explains; they are set aside, not dropped."""
    if "Paid" not in frames:
        return {}
    same = [*_TX, "tokenId"]
    orphans = frames["Paid"].filter(
        pl.col("address").is_in(known), pl.col("role").is_in(_SALE_ROLES)
    )
    heads = [frames[name].select(*same) for name in ("Sold", "VaultOpened") if name in frames]
    if heads:
        orphans = orphans.join(pl.concat(heads), on=same, how="anti")
    if orphans.is_empty():
        return {}
    aside = orphans.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit("Paid").alias("event"),
        pl.lit("payment without its sale").alias("reason"),
    )
    return {"quarantine": aside}


def _paid_after(
    frames: Frames, event: str, splitter: str | None, same: list[str] | None = None
) -> pl.DataFrame:
    """`Paid` legs beside the place of the event that they follow.

    Each leg belongs to the last such event before it of the same transaction, emitter and token.
    No contract of ours can be re-entered, so that legs of two events never mingle.
    """
    if event not in frames or "Paid" not in frames:
        return pl.DataFrame()
    same = same or [*_TX, "tokenId"]
    heads = frames[event].select(*same, "log_index", pl.col("log_index").alias("head_index"))
    return (
        frames["Paid"]
        .filter(pl.col("role").is_in(_SALE_ROLES))
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
            recipient_class(splitter).alias("recipient_class"),
            (pl.col("log_index").rank("ordinal").over("block_hash", "head_index") - 1).alias("seq"),
            pl.lit(NATIVE).alias("currency"),
        )
        .sort("block_number", "log_index", "seq")
    )


def _count(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int64, strict=False)


def _text(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String)
