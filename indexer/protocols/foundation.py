"""Foundation: reserve auctions, buy prices, offers, private sales, and drops at a fixed price.

Every event of a sale names three amounts that add up to the price: fees (the treasury's, and in
it the share of whoever referred the buyer), creators' and seller's. Where the seller's is 0, the
creators sold it themselves: theirs are the proceeds. Who the creators are no event says; traces of
the market's payments do.

The end of an auction does not name its token. It is the one that the market hands to the winner;
`sales` takes it from the auction's creation where no transfer was seen.

Offers, bids and prices that were merely set are not read. Source: f8n/fnd-protocol, MarketFees and
NFTMarketReserveAuction; events of the protocol table.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.auctions import auction_rows
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.flows import HEAD, native_payments, transfers_around
from indexer.protocols.sales import ITEM, LEG, leg, price_of, sale_tables, spread, with_standard

_NAME = "foundation"
_MARKET = frozenset({"0xcda72070e455bb31c7690a170224ce43623d0b6f"})
_DROPS = frozenset({"0x53f451165ba6fdbe39a134673d13948261b2334a"})
_TREASURY = "0x67df244584b67e8c51b10ad610aaffa9a402fdb6"
_ESCROW = "0x49128cf8abe9071ee24540a296b5ded3f9d50443"  # FETH keeps what could not be sent
_SALE = "(address indexed nftContract, uint256 indexed tokenId, address indexed "
_FEES = " uint256 fee, uint256 creatorRev, uint256 sellerRev"
_WEI = ("fee", "creatorRev", "sellerRev")
_PRIVATE = Event.parse(
    f"PrivateSaleFinalized{_SALE}seller, address buyer,{_FEES}, uint256 deadline)", wei=_WEI
)
_BOUGHT = Event.parse(f"BuyPriceAccepted{_SALE}seller, address buyer,{_FEES})", wei=_WEI)
_OFFER = Event.parse(f"OfferAccepted{_SALE}buyer, address seller,{_FEES})", wei=_WEI)
_CREATED = Event.parse(
    "ReserveAuctionCreated(address indexed seller, address indexed nftContract,"
    " uint256 indexed tokenId, uint256 duration, uint256 extensionDuration,"
    " uint256 reservePrice, uint256 auctionId)",
    wei=["reservePrice"],
)
_FINALIZED = Event.parse(
    "ReserveAuctionFinalized(uint256 indexed auctionId, address indexed seller,"
    f" address indexed bidder,{_FEES})",
    wei=_WEI,
)
_REFERRED = Event.parse(
    "BuyReferralPaid(address indexed nftContract, uint256 indexed tokenId, address buyReferrer,"
    " uint256 buyReferrerFee, uint256 buyReferrerSellerFee)",
    wei=["buyReferrerFee"],
)
_MINTED = Event.parse(
    "MintFromFixedPriceDrop(address indexed nftContract, address indexed buyer,"
    " uint256 indexed firstTokenId, uint256 count, uint256 fee, uint256 creatorRev)",
    wei=["fee", "creatorRev"],
)
_KINDS = {
    # event: (trade kind, who made the order, who took it)
    "PrivateSaleFinalized": ("private", "seller", "buyer"),
    "BuyPriceAccepted": ("listing", "seller", "buyer"),
    "OfferAccepted": ("bid", "buyer", "seller"),
    "ReserveAuctionFinalized": ("auction", "seller", "buyer"),
    "MintFromFixedPriceDrop": ("primary_mint", "seller", "buyer"),
}


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [
        Route(_PRIVATE, "1 (legacy private sale)", _MARKET),
        *(Route(event, "2", _MARKET) for event in (_BOUGHT, _OFFER, _CREATED, _FINALIZED)),
        Route(_REFERRED, "2", _MARKET),
        Route(_REFERRED, "drop-market", _DROPS),
        Route(_MINTED, "drop-market", _DROPS),
    ]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    tables: Tables = {}
    heads = _heads(events)
    if not heads.is_empty():
        heads = _with_referrers(heads, events)
        transfers = around.fact("transfers")
        moved = _moved(heads, transfers)
        legs, payees = _legs(heads, around.beside.value_traces)
        items = _items(heads, moved, payees)
        shares = spread(legs, items)
        sales = items.join(price_of(shares), on=list(ITEM), how="left", maintain_order="left")
        sales = with_standard(sales.with_columns(pl.col("price_wei").fill_null(0)), transfers)
        tables = sale_tables(_NAME, sales, [shares])
    auctions = _auctions(events, tables)
    return tables | ({} if auctions.is_empty() else {"auctions": auctions})


# --- sales


def _heads(events: Mapping[str, Decoded]) -> pl.DataFrame:
    """The events of sales alike: what they name, and `total`, what they add up to."""
    parts = []
    for name, (kind, maker, taker) in _KINDS.items():
        if name not in events:
            continue
        rows = events[name].rows
        for column, value in {
            "buyer": pl.col("bidder") if "bidder" in rows.columns else None,
            "nftContract": pl.lit(None, pl.String),
            "tokenId": pl.col("firstTokenId") if "firstTokenId" in rows.columns else pl.lit(None),
            "seller": pl.lit(None, pl.String),
            "sellerRev": pl.lit(0, WEI.polars),
            "count": pl.lit("1"),
        }.items():
            if column not in rows.columns and value is not None:
                rows = rows.with_columns(value.alias(column))
        parts.append(
            rows.select(
                *PLACE,
                pl.lit(0, pl.Int64).alias("item_index"),
                "version",
                "address",
                pl.lit(kind).alias("trade_kind"),
                pl.col("nftContract").alias("collection"),
                pl.col("tokenId").cast(pl.String).alias("token_id"),
                "seller",
                "buyer",
                pl.lit(maker).alias("maker"),
                pl.lit(taker).alias("taker"),
                pl.lit(NATIVE).alias("currency"),
                "fee",
                "creatorRev",
                "sellerRev",
                "count",
            )
        )
    return pl.concat(parts) if parts else pl.DataFrame()


def _with_referrers(heads: pl.DataFrame, events: Mapping[str, Decoded]) -> pl.DataFrame:
    """The sales with `referrer` and what it got out of the fee."""
    if "BuyReferralPaid" not in events:
        return heads.with_columns(
            pl.lit(None, pl.String).alias("referrer"), pl.lit(0, WEI.polars).alias("referral")
        )
    paid = transfers_around(heads, events["BuyReferralPaid"].rows)
    found = paid.unique(list(HEAD), keep="last", maintain_order=True).select(
        *HEAD, pl.col("buyReferrer").alias("referrer"), pl.col("buyReferrerFee").alias("referral")
    )
    return heads.join(found, on=list(HEAD), how="left", maintain_order="left").with_columns(
        pl.col("referral").fill_null(0)
    )


def _moved(heads: pl.DataFrame, transfers: pl.DataFrame) -> pl.DataFrame:
    """Tokens that went to the buyer before the event: HEAD, item, collection, token_id."""
    named = heads.select(*HEAD, "address", "buyer", "trade_kind", pl.col("collection").alias("of"))
    by_market = pl.col("from_address") == pl.col("address")
    is_mint = (pl.col("kind") == "mint") & (pl.col("collection") == pl.col("of"))
    kind = pl.col("trade_kind")
    return (
        transfers_around(heads, transfers)
        .drop("item_index")
        .join(named, on=list(HEAD), maintain_order="left")
        .filter(
            pl.col("to_address") == pl.col("buyer"),
            ((kind == "auction") & by_market) | ((kind == "primary_mint") & is_mint),
        )
        .select(
            *HEAD,
            pl.int_range(pl.len(), dtype=pl.Int64).over(HEAD).alias("item"),
            pl.len().over(HEAD).cast(pl.Int64).alias("n_moved"),
            pl.col("collection").alias("moved_collection"),
            pl.col("token_id").alias("moved_id"),
        )
    )


def _items(heads: pl.DataFrame, moved: pl.DataFrame, payees: pl.DataFrame) -> pl.DataFrame:
    """One row per token sold; a drop whose tokens were not seen is one row of many units."""
    is_drop = pl.col("trade_kind") == "primary_mint"
    all_seen = pl.col("n_moved").cast(pl.String) == pl.col("count")
    whole = heads.join(moved, on=list(HEAD), how="left", maintain_order="left_right")
    # One token per auction; several would not tell which of them it was.
    is_known = pl.when(is_drop).then(all_seen).otherwise(pl.col("n_moved") == 1)
    whole = whole.with_columns(is_known.fill_null(value=False).alias("is_known")).filter(
        pl.col("is_known") | (pl.col("item").fill_null(0) == 0)
    )
    known = pl.col("is_known")
    seller = pl.coalesce("seller", pl.when(is_drop).then(pl.coalesce("payee", "collection")))
    return (
        whole.join(payees, on=list(HEAD), how="left", maintain_order="left")
        .with_columns(seller.alias("seller"))
        .select(
            *PLACE,
            pl.when(known).then(pl.col("item")).otherwise(0).alias("item_index"),
            pl.when(known & is_drop).then(pl.col("n_moved")).otherwise(1).alias("bundle_size"),
            "version",
            "trade_kind",
            pl.coalesce(pl.when(known).then("moved_collection"), "collection").alias("collection"),
            pl.coalesce(pl.when(known).then("moved_id"), "token_id").alias("token_id"),
            pl.when(is_drop & known).then(pl.lit("1")).otherwise("count").alias("quantity"),
            "seller",
            "buyer",
            *(
                pl.when(pl.col(role) == "seller").then("seller").otherwise("buyer").alias(role)
                for role in ("maker", "taker")
            ),
            "currency",
            pl.when(is_drop & ~known)
            .then(pl.lit("inferred"))
            .otherwise(pl.lit("decoded"))
            .alias("confidence"),
        )
    )


# --- legs


def _legs(heads: pl.DataFrame, traces: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Legs as the market paid them where traces agree with the event, else as the event says.

    Besides, HEAD and `payee`: who got the proceeds of a drop.
    """
    paid = _paid(heads, traces)
    told = _told(heads)
    key = [*ITEM, "recipient_class"]
    amount = pl.col("amount_wei").cast(pl.Int128)
    inside = paid.filter(pl.col("recipient_class") != "refund")
    sums = inside.group_by(key).agg(amount.sum().alias("paid"))
    wanted = told.group_by(key).agg(amount.sum().alias("told"))
    differ = wanted.join(sums, on=key, how="full", coalesce=True).filter(
        pl.col("paid").ne_missing(pl.col("told"))
    )
    odd = pl.concat([differ.select(ITEM), paid.filter(pl.col("recipient") == _ESCROW).select(ITEM)])
    read = paid.join(odd.unique(), on=list(ITEM), how="anti", maintain_order="left")
    rest = told.join(read.select(ITEM).unique(), on=list(ITEM), how="anti", maintain_order="left")
    proceeds = read.filter(pl.col("recipient_class") == "seller").join(
        heads.select(*ITEM, "tx_hash"), on=list(ITEM), maintain_order="left"
    )
    payees = proceeds.group_by(HEAD, maintain_order=True).agg(
        pl.col("recipient").first().alias("payee")
    )
    return pl.concat([read, rest]), payees


def _told(heads: pl.DataFrame) -> pl.DataFrame:
    """Legs by the amounts of the event; of proceeds that creators share it names no recipient."""
    treasury = pl.col("fee").cast(pl.Int128) - pl.col("referral").cast(pl.Int128)
    by_creators = pl.col("sellerRev") == 0
    creators = pl.when(by_creators).then(pl.lit("seller")).otherwise(pl.lit("creator"))
    nobody = pl.lit(None, pl.String)
    legs = [
        leg(heads, pl.lit(_TREASURY), "platform", treasury, "fee_event"),
        leg(heads, "referrer", "referrer", "referral", "fee_event"),
        leg(heads, nobody, creators, "creatorRev", "fee_event"),
        leg(heads, "seller", "seller", "sellerRev", "fee_event"),
    ]
    return pl.concat(legs).filter(pl.col("amount_wei") > 0)


def _paid(heads: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """Legs by what the market paid out in its call."""
    sales = heads.select(*HEAD, "item_index", "seller", "buyer", "referrer", "sellerRev")
    recipient = pl.col("recipient")
    kind = (
        pl.when(recipient == _TREASURY)
        .then(pl.lit("platform"))
        .when(recipient == pl.col("referrer"))
        .then(pl.lit("referrer"))
        .when((recipient == pl.col("seller")) | (pl.col("sellerRev") == 0))
        .then(
            pl.when(recipient == pl.col("buyer")).then(pl.lit("refund")).otherwise(pl.lit("seller"))
        )
        .when(recipient == pl.col("buyer"))
        .then(pl.lit("refund"))
        .otherwise(pl.lit("creator"))
    )
    return (
        native_payments(heads, traces)
        .join(sales, on=list(HEAD), maintain_order="left")
        .with_columns(kind.alias("recipient_class"), pl.lit("trace").alias("source"))
        .select(list(LEG))
        .cast(LEG)
    )


# --- auctions


def _auctions(events: Mapping[str, Decoded], tables: Tables) -> pl.DataFrame:
    """Rows of `auctions`: creations, and settlements with the token that moved."""
    parts = []
    if "ReserveAuctionCreated" in events:
        parts.append(
            auction_rows(
                events["ReserveAuctionCreated"].rows,
                _NAME,
                "created",
                "auctionId",
                {
                    "collection": "nftContract",
                    "token_id": "tokenId",
                    "seller": "seller",
                    "amount_wei": "reservePrice",
                },
            )
        )
    if "ReserveAuctionFinalized" in events:
        key = ["block_hash", "log_index"]
        sold = tables["settled_sales"].select(*key, "collection", "token_id", "price_wei")
        parts.append(
            auction_rows(
                events["ReserveAuctionFinalized"].rows.join(sold, on=key, how="left"),
                _NAME,
                "settled",
                "auctionId",
                {
                    "collection": "collection",
                    "token_id": "token_id",
                    "seller": "seller",
                    "bidder": "bidder",
                    "amount_wei": "price_wei",
                },
            )
        )
    return pl.concat(parts, how="diagonal") if parts else pl.DataFrame()


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"trace"}),
    after=("erc721", "erc1155"),
    limits=(
        "Without traces the creators that were paid are not named.",
        "Events of before 2022 that have other arguments are not in the protocol table.",
        "A drop whose tokens were not seen to be minted is one row of many units.",
    ),
)
