"""Manifold: purchases and accepted offers of its marketplace, and mints of its claim contracts.

- Marketplace: the events name listing, buyer and the whole amount. The token is the one that moved;
  the seller (and the token, where none was seen) stands in the listing's creation, from which
  `sales` takes it. The market's fee stays in its contract: what came with the call less what was
  sent on, both read; of an offer, whose money came before, it is computed.
- Claims: the events name the collection and, at most, how many. The price is what came with the
  call. What is sent on are the proceeds; what stays is the mint fee, which no event mentions. So
  all of them are `inferred`.

Auctions end without a word of price or winner (`FinalizeListing`); they are not read, nor are bids,
offers and cancellations. Source: manifoldxyz marketplace (SettlementLib, MarketplaceLib), claims.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.auctions import auction_rows
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.flows import HEAD, calls_of, native_payments, transfers_around
from indexer.protocols.observed import calls_to, numbered, shared
from indexer.protocols.sales import ITEM, LEG, sale_tables, summable, with_unexplained

_NAME = "manifold"
_MARKET = frozenset({"0x3a3548e060be10c2614d0a4cb0c03cc9093fd799"})
_CLAIMS = frozenset(
    {"0x1eb73fee2090fb1c20105d5ba887e3c3ba14a17e", "0xdb8d79c775452a3929b86ac5deab3e9d38e1c006"}
)
_PURCHASE = Event.parse(
    "PurchaseEvent(uint40 indexed listingId, address referrer, address buyer, uint24 count,"
    " uint256 amount)",
    wei=["amount"],
)
_OFFER = Event.parse(
    "AcceptOfferEvent(uint40 indexed listingId, address oferrer, uint256 amount)", wei=["amount"]
)
_CREATED = Event.parse(
    "CreateListing(uint40 indexed listingId, uint16 marketplaceBPS, uint16 referrerBPS,"
    " uint8 listingType, uint24 totalAvailable, uint24 totalPerSale, uint48 startTime,"
    " uint48 endTime, uint256 initialAmount, uint16 extensionInterval, uint16 minIncrementBPS,"
    " address erc20, address identityVerifier)",
    wei=["initialAmount"],
)
_DETAILS = Event.parse(
    "CreateListingTokenDetails(uint40 indexed listingId, uint256 id, address address_, uint8 spec,"
    " bool lazy)"
)
_CLAIM = "(address indexed creatorContract, uint256 indexed instanceId"
_MINTS = [
    Event.parse(f"ClaimMint{_CLAIM})"),
    Event.parse(f"ClaimMintBatch{_CLAIM}, uint16 mintCount)"),
    Event.parse(f"ClaimMintProxy{_CLAIM}, uint16 mintCount, address proxy, address mintFor)"),
    Event.parse(
        f"ClaimMintSignature{_CLAIM}, uint16 mintCount, address proxy, address mintFor,"
        " bytes32 nonce)"
    ),
]
_AMOUNT = pl.col("amount_wei").cast(pl.Int128)
_END_OF_TIME_S = 253_402_300_799  # 9999-12-31


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    market = (_PURCHASE, _OFFER, _CREATED, _DETAILS)
    return [
        *(Route(event, "marketplace-1", _MARKET) for event in market),
        *(Route(event, "claim", _CLAIMS) for event in _MINTS),
    ]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    tables: Tables = {}
    heads = _heads(events)
    if not heads.is_empty():
        moved = _moved(heads, around.fact("transfers"))
        first = moved.filter(pl.col("item") == 0).select(*HEAD, "receiver")
        heads = heads.join(first, on=list(HEAD), how="left", maintain_order="left").with_columns(
            pl.coalesce("buyer", "receiver").alias("buyer")
        )
        heads, legs = _paid(heads, around)
        sales, shares = shared(_items(heads, moved, legs), heads, legs)
        tables = sale_tables(_NAME, sales, [shares])
    auctions = _auctions(events, around)
    return tables | ({} if auctions.is_empty() else {"auctions": auctions})


def _heads(events: Mapping[str, Decoded]) -> pl.DataFrame:
    """Purchases, accepted offers and claims: what their events tell."""
    nobody, nothing = pl.lit(None, pl.String), pl.lit(None, WEI.polars)
    kinds: dict[str, tuple[str, pl.Expr, pl.Expr, pl.Expr, pl.Expr]] = {
        # event: (trade kind, buyer, referrer, amount, collection)
        "PurchaseEvent": ("listing", pl.col("buyer"), pl.col("referrer"), pl.col("amount"), nobody),
        "AcceptOfferEvent": ("bid", pl.col("oferrer"), nobody, pl.col("amount"), nobody),
    }
    for mint in _MINTS:
        kinds[mint.name] = ("primary_mint", nobody, nobody, nothing, pl.col("creatorContract"))
    parts = [
        events[name].rows.select(
            *PLACE,
            pl.lit(0, pl.Int64).alias("item_index"),
            "version",
            "address",
            pl.lit(kind).alias("trade_kind"),
            buyer.alias("buyer"),
            referrer.alias("referrer"),
            amount.alias("stated"),
            collection.alias("minted"),
        )
        for name, (kind, buyer, referrer, amount, collection) in kinds.items()
        if name in events
    ]
    return pl.concat(parts) if parts else pl.DataFrame()


# --- tokens


def _moved(heads: pl.DataFrame, transfers: pl.DataFrame) -> pl.DataFrame:
    """The tokens of each sale: what reached the buyer, or was minted in the claim's collection.

    Of an offer the token may be handed over after it was paid; nobody has two for one listing.
    """
    named = heads.select(*HEAD, "buyer", "minted", "trade_kind")
    is_bid = pl.col("trade_kind") == "bid"
    before = transfers_around(heads.filter(~is_bid), transfers)
    offers = heads.filter(is_bid).select(HEAD)
    any_time = transfers.rename({"log_index": "moved_at"}).join(
        offers, on=["block_hash", "tx_hash"], maintain_order="left"
    )
    is_mint = (pl.col("kind") == "mint") & (pl.col("collection") == pl.col("minted"))
    to_buyer = pl.col("to_address") == pl.col("buyer")
    is_claim = pl.col("trade_kind") == "primary_mint"
    moved = (
        pl.concat([before, any_time.select(before.columns)])
        .join(named, on=list(HEAD), maintain_order="left")
        .filter(pl.when(is_claim).then(is_mint).otherwise(to_buyer))
        .sort(*HEAD, "moved_at", "item_index")
    )
    return numbered(moved, pl.col("to_address").alias("receiver"))


def _items(heads: pl.DataFrame, moved: pl.DataFrame, legs: pl.DataFrame) -> pl.DataFrame:
    payees = legs.filter(pl.col("recipient_class") == "seller").group_by(
        "block_hash", "log_index", maintain_order=True
    )
    payee = payees.agg(pl.col("recipient").first().alias("payee"))
    is_claim = pl.col("trade_kind") == "primary_mint"
    # Who minted the work for sale is told by the money; else the collection stands for them.
    seller = (
        pl.when(is_claim)
        .then(pl.coalesce("payee", "minted"))
        .when(pl.col("trade_kind") == "bid")
        .then("caller")
    )
    by_seller = pl.when(pl.col("trade_kind") != "bid")
    return (
        heads.drop("item_index", "receiver", "residual_reason", "price_wei", "currency")
        .join(payee, on=["block_hash", "log_index"], how="left", maintain_order="left")
        .join(moved, on=list(HEAD), how="left", maintain_order="left_right")
        .with_columns(seller.alias("seller"))
        .select(
            *PLACE,
            pl.col("item").fill_null(0).alias("item_index"),
            pl.col("bundle_size").fill_null(1),
            "version",
            "trade_kind",
            pl.coalesce("collection", "minted").alias("collection"),
            "token_id",
            pl.col("token_standard").fill_null("erc721"),
            pl.col("quantity").fill_null("1"),
            "seller",
            "buyer",
            by_seller.then("seller").otherwise("buyer").alias("maker"),
            by_seller.then("buyer").otherwise("seller").alias("taker"),
            pl.when(is_claim | pl.col("token_id").is_null())
            .then(pl.lit("inferred"))
            .otherwise(pl.lit("decoded"))
            .alias("confidence"),
        )
    )


# --- money


def _paid(heads: pl.DataFrame, around: Around) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The sales with currency, price_wei and residual_reason; and their legs."""
    calls = calls_of(heads, calls_to(heads, around)).select(*HEAD, "caller", "value_wei")
    traced = around.beside.value_traces.select("block_hash", "tx_hash").unique()
    heads = heads.join(calls, on=list(HEAD), how="left", maintain_order="left").join(
        traced.with_columns(pl.lit(value=True).alias("was_traced")),
        on=["block_hash", "tx_hash"],
        how="left",
        maintain_order="left",
    )
    native = _classed(heads, native_payments(heads, around.beside.value_traces), "trace")
    sent = native.group_by(ITEM).agg(
        _AMOUNT.sum().alias("sent_on"),
        _AMOUNT.filter(pl.col("recipient_class") == "refund").sum().alias("back"),
    )
    heads = heads.join(sent, on=list(ITEM), how="left", maintain_order="left").with_columns(
        pl.col("sent_on", "back").fill_null(0)
    )
    tokens = _classed(heads, _token_payments(heads, around.payments), "transfer_log")
    legs = summable(pl.concat([native, _kept(heads), tokens]))
    return with_unexplained(_priced(heads, legs), legs), legs


def _classed(heads: pl.DataFrame, paid: pl.DataFrame, source: str) -> pl.DataFrame:
    """Payments as legs. Only the seller can take an offer; a purchase does not tell who sells."""
    recipient = pl.col("recipient")
    is_bid = pl.col("trade_kind") == "bid"
    by_caller = recipient == pl.col("caller")
    kind = (
        pl.when((recipient == pl.col("buyer")) | (~is_bid & by_caller))
        .then(pl.lit("refund"))
        .when(by_caller)
        .then(pl.lit("seller"))
        .when(recipient == pl.col("address"))
        .then(pl.lit("platform"))
        .when(recipient == pl.col("referrer"))
        .then(pl.lit("referrer"))
        .when(pl.col("trade_kind") == "primary_mint")
        .then(pl.lit("seller"))
        .otherwise(pl.lit("unknown"))
    )
    named = heads.select(
        *HEAD, "item_index", "address", "buyer", "caller", "referrer", "trade_kind"
    )
    return (
        paid.select(*HEAD, "recipient", "currency", "amount_wei")
        .join(named, on=list(HEAD), maintain_order="left")
        .with_columns(kind.alias("recipient_class"), pl.lit(source).alias("source"))
        .select(list(LEG))
        .cast(LEG)
    )


def _token_payments(heads: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """ERC-20 transfers from the buyer, or of an offer's money from the market."""
    ends = heads.select(*HEAD, "address", "buyer", "caller", "trade_kind")
    sender = pl.col("from_address")
    by_buyer = (sender == pl.col("buyer")) | (sender == pl.col("caller"))
    is_bid = pl.col("trade_kind") == "bid"
    return (
        transfers_around(heads, payments)
        .join(ends, on=list(HEAD), maintain_order="left")
        .filter(pl.when(is_bid).then(sender == pl.col("address")).otherwise(by_buyer))
        .with_columns(pl.col("to_address").alias("recipient"))
    )


def _kept(heads: pl.DataFrame) -> pl.DataFrame:
    """What stayed in the contract: of a call's value, or of an offer that was paid before."""
    is_bid = pl.col("trade_kind") == "bid"
    came = pl.when(is_bid).then(pl.col("stated")).otherwise(pl.col("value_wei")).cast(pl.Int128)
    source = pl.when(is_bid).then(pl.lit("computed")).otherwise(pl.lit("trace"))
    was_paid = pl.when(is_bid).then(pl.col("sent_on") > 0).otherwise(pl.col("was_traced"))
    spent = pl.col("sent_on") - pl.when(is_bid).then(pl.col("back")).otherwise(0)
    return (
        heads.filter(was_paid, came > spent)
        .with_columns(
            pl.col("address").alias("recipient"),
            pl.lit("platform").alias("recipient_class"),
            pl.lit(NATIVE).alias("currency"),
            (came - spent).alias("amount_wei"),
            source.alias("source"),
        )
        .select(list(LEG))
        .cast(LEG)
    )


def _priced(heads: pl.DataFrame, legs: pl.DataFrame) -> pl.DataFrame:
    """The sales with price_wei: what the event says, for a claim what came with the call."""
    found = legs.group_by(ITEM).agg(pl.col("currency").first().alias("paid_in"))
    tokens = legs.filter(pl.col("source") == "transfer_log", pl.col("recipient_class") != "refund")
    in_tokens = tokens.group_by(ITEM).agg(_AMOUNT.sum().alias("in_tokens"))
    came = pl.when(pl.col("was_traced")).then(pl.col("value_wei").cast(pl.Int128) - pl.col("back"))
    is_native = pl.col("value_wei") > 0
    price = pl.coalesce(pl.col("stated").cast(pl.Int128), "in_tokens", came)
    return (
        heads.join(found, on=list(ITEM), how="left", maintain_order="left")
        .join(in_tokens, on=list(ITEM), how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("paid_in", pl.when(is_native).then(pl.lit(NATIVE))).alias("currency"),
            price.cast(WEI.polars).alias("price_wei"),
        )
        .drop("paid_in", "in_tokens", "sent_on", "back", "was_traced", "value_wei")
    )


# --- listings


def _auctions(events: Mapping[str, Decoded], around: Around) -> pl.DataFrame:
    """Rows of `auctions`: creations of listings, and what was bought of them."""
    parts = []
    if "CreateListing" in events:
        end = pl.col("endTime").cast(pl.Int64)
        end_time = pl.when(end.is_between(1, _END_OF_TIME_S)).then(end) * 1_000_000
        parts.append(
            auction_rows(
                _with_seller(events["CreateListing"].rows, around),
                _NAME,
                "created",
                "listingId",
                {
                    "seller": "seller",
                    "currency": "erc20",
                    "amount_wei": "initialAmount",
                    "end_time": end_time.cast(pl.Datetime("us")),
                },
            )
        )
    if "CreateListingTokenDetails" in events:
        # The number of a work that is minted on delivery is not that of a token.
        token_id = pl.when(~pl.col("lazy")).then(pl.col("id"))
        named: dict[str, pl.Expr | str] = {"collection": "address_", "token_id": token_id}
        rows = events["CreateListingTokenDetails"].rows
        parts.append(auction_rows(rows, _NAME, "created", "listingId", named))
    for name, buyer in (("PurchaseEvent", "buyer"), ("AcceptOfferEvent", "oferrer")):
        if name in events:
            sold: dict[str, pl.Expr | str] = {"bidder": buyer, "amount_wei": "amount"}
            rows = events[name].rows
            parts.append(auction_rows(rows, _NAME, "settled", "listingId", sold))
    return pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame()


def _with_seller(rows: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Creations with `seller`: whose token the market took in, else who called it."""
    taken = (
        transfers_around(rows, around.fact("transfers"))
        .join(rows.select(*HEAD, "address"), on=list(HEAD), maintain_order="left")
        .filter(pl.col("to_address") == pl.col("address"))
        .unique(list(HEAD), keep="last", maintain_order=True)
        .select(*HEAD, pl.col("from_address").alias("giver"))
    )
    caller = calls_of(rows, calls_to(rows, around)).select(*HEAD, "caller")
    return (
        rows.join(taken, on=list(HEAD), how="left", maintain_order="left")
        .join(caller, on=list(HEAD), how="left", maintain_order="left")
        .with_columns(pl.coalesce("giver", "caller").alias("seller"))
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"input", "receipt", "trace"}),
    after=("erc721", "erc1155"),
    limits=(
        "Ends of auctions (FinalizeListing) are not read: they say neither price nor winner.",
        "Marketplace: which leg is the seller's is not told by a purchase; such legs are unknown.",
        "Claims: without traces there is no price; the mint fee is what stayed in the contract.",
        "Burn-redeems are not read.",
    ),
)
