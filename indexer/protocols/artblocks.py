"""Art Blocks: mints of its flagship contracts; the project of a token is token_id // 1,000,000.

`Mint` names no price. What was paid is told by the money: the call that brought ether and under
which the contract was asked to mint is the purchase; what its receiver sends back to the payer is a
refund, and the rest goes to Art Blocks, the artist, and whom the artist named. Without traces the
value of the transaction stands for the price. In an auction that settles later the money stays with
the minter: `ReceiptUpdated` says what a purchaser has posted for a project, `SelloutPriceUpdated`
what a token costs in the end; both are rows of `auctions`.

Source: ArtBlocks/artblocks-contracts (GenArt721, GenArt721Core, GenArt721CoreV3, minter suite).
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.auctions import auction_rows
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.sales import LEG, leg, sale_tables

_NAME = "artblocks"
_CORE_0 = frozenset({"0x059edd72cd353df5106d2b9cc5ab83a52287ac3a"})
_CORE_1 = frozenset({"0xa7d8d9ef8d8ce8992df33d8b8cf4aebabd5bd270"})
_CORE_3 = frozenset(
    {
        "0x99a9b7c1116f9ceeb1652de04d5969cce509b069",
        "0xab00000000002ade39f58f9d8278a31574ffbe77",
        "0xab0000000000aa06f89b268d604a9c1c41524ac6",
    }
)
_MINT_0 = Event.parse(
    "Mint(address indexed _to, uint256 indexed _tokenId, uint256 indexed _projectId,"
    " uint256 _invocations, uint256 _value)"
)
_MINT_1 = Event.parse(
    "Mint(address indexed _to, uint256 indexed _tokenId, uint256 indexed _projectId)"
)
_MINT_3 = Event.parse("Mint(address indexed _to, uint256 indexed _tokenId)")
_MINT_3_HASH = Event.parse(
    "Mint(address indexed _to, uint256 indexed _tokenId, bytes32 _tokenHash)"
)
_RECEIPT = Event.parse(
    "ReceiptUpdated(address indexed _purchaser, uint256 indexed _projectId,"
    " uint256 _numPurchased, uint256 _netPosted)",
    wei=["_netPosted"],
)
_SELLOUT = Event.parse(
    "SelloutPriceUpdated(uint256 indexed _projectId, uint256 _selloutPrice)",
    wei=["_selloutPrice"],
)
_WALLET = "0xf7a55108a6e830a809e88e74cbf5f5de9d930153"
"""Where Art Blocks has its share of first sales paid (scripts of its repository)."""
_SETTLING = "dutch-auction-settlement"
_TX = ["block_hash", "tx_hash"]
_HEAD = ["block_hash", "log_index"]
_UNSEEN = "who was paid was not seen"
_POSTED = "posted with the minter until the auction settles"


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [
        Route(_MINT_0, "core-0", _CORE_0),
        Route(_MINT_1, "core-1", _CORE_1),
        Route(_MINT_3, "core-3", _CORE_3),
        Route(_MINT_3_HASH, "core-3", _CORE_3),
        Route(_RECEIPT, _SETTLING),
        Route(_SELLOUT, _SETTLING),
    ]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    is_auction = "ReceiptUpdated" in events or "SelloutPriceUpdated" in events
    tables = {"auctions": _auctions(events)} if is_auction else {}
    if "Mint" not in events:
        return tables
    heads = events["Mint"].rows.with_columns(
        pl.lit(0, pl.Int64).alias("item_index"), pl.lit(NATIVE).alias("currency")
    )
    bought = _purchases(heads, around.beside.value_traces)
    money = _money(bought, around.beside.value_traces)
    sales = _sales(heads, bought, money, events, around)
    legs = _legs(sales, money)
    return tables | sale_tables(_NAME, sales, [legs])


def _purchases(heads: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """The call that paid for each mint: _HEAD, _TX, root, payer, minter, value_wei."""
    key = [*_TX, "address"]
    numbered = [pl.int_range(pl.len()).over(key).alias("nth"), pl.len().over(key).alias("count")]
    mints = heads.sort(_HEAD).select(*_HEAD, *key[1:]).with_columns(numbered)
    calls = (
        traces.filter(pl.col("call_type") == "call")
        .sort("block_hash", "tx_hash", "place")
        .rename({"to_address": "address"})
        .join(mints.select(key).unique(), on=key, how="semi", maintain_order="left")
        .select(*key, pl.col("trace_address").alias("asked"))
        .with_columns(numbered)
    )
    paying = traces.filter(pl.col("value_wei") > 0).select(
        *_TX,
        pl.col("trace_address").alias("root"),
        pl.col("from_address").alias("payer"),
        pl.col("to_address").alias("minter"),
        "value_wei",
        "place",
    )
    asked, root = pl.col("asked"), pl.col("root")
    is_above = (root == "") | (asked == root) | asked.str.starts_with(root + "_")
    return (
        mints.join(calls, on=[*key, "nth", "count"], maintain_order="left")
        .join(paying, on=_TX, maintain_order="left")
        .filter(is_above)
        # The innermost one is the purchase; what is around it are routers.
        .sort(*_HEAD, "place")
        .group_by(_HEAD, maintain_order=True)
        .agg(pl.col("tx_hash", "root", "payer", "minter", "value_wei").last())
        # Mints that one call paid for together have no price each.
        .filter(pl.len().over(*_TX, "root") == 1)
    )


def _money(bought: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """What the receiver of a purchase sent on: _HEAD, recipient, recipient_class, amount_wei.

    Beside Art Blocks the artist is paid, and whom the artist named; without it nobody is known.
    """
    root, place = pl.col("root"), pl.col("trace_address")
    is_inside = (place != root) & ((root == "") | place.str.starts_with(root + "_"))
    return (
        bought.drop("value_wei")
        .join(
            traces.filter(pl.col("value_wei") > 0),
            left_on=[*_TX, "minter"],
            right_on=[*_TX, "from_address"],
            maintain_order="left",
        )
        .filter(is_inside, pl.col("to_address") != pl.col("minter"))
        .sort(*_HEAD, "place")
        .select(
            *_HEAD,
            pl.col("to_address").alias("recipient"),
            pl.col("value_wei").alias("amount_wei"),
            _payee().alias("recipient_class"),
        )
    )


def _payee() -> pl.Expr:
    is_platform = pl.col("to_address") == _WALLET
    return (
        pl.when(pl.col("to_address") == pl.col("payer"))
        .then(pl.lit("refund"))
        .when(is_platform)
        .then(pl.lit("platform"))
        .when(is_platform.any().over(_HEAD))
        .then(pl.lit("seller"))
        .otherwise(pl.lit("unknown"))
    )


def _sales(
    heads: pl.DataFrame,
    bought: pl.DataFrame,
    money: pl.DataFrame,
    events: Mapping[str, Decoded],
    around: Around,
) -> pl.DataFrame:
    """The mints that somebody paid for in native coin, with `residual_reason`."""
    amount = pl.col("amount_wei").cast(pl.Int128)
    sums = money.group_by(_HEAD).agg(
        amount.filter(pl.col("recipient_class") == "refund").sum().alias("refunded"),
        amount.filter(pl.col("recipient_class") != "refund").sum().alias("paid_on"),
        pl.col("recipient").filter(pl.col("recipient_class") == "seller").first().alias("artist"),
    )
    sent = around.beside.transactions.select(*_TX, pl.col("value_wei").alias("sent_wei"))
    found = (
        heads.join(bought.drop("tx_hash"), on=_HEAD, how="left", maintain_order="left")
        .join(sums, on=_HEAD, how="left", maintain_order="left")
        .join(sent, on=_TX, how="left", maintain_order="left")
        .join(_receipts(events), on=_TX, how="left", maintain_order="left")
    )
    is_alone = pl.len().over(_TX) == 1
    traced = pl.col("value_wei").cast(pl.Int128) - pl.col("refunded").fill_null(0)
    price = pl.coalesce(traced, pl.when(is_alone).then(pl.col("sent_wei").cast(pl.Int128)))
    reason = (
        pl.when(traced.is_not_null() & (traced == pl.col("paid_on").fill_null(0)))
        .then(pl.lit(None, pl.String))
        .when(pl.col("is_receipt").fill_null(value=False))
        .then(pl.lit(_POSTED))
        .otherwise(pl.lit(_UNSEEN))
    )
    is_traced = pl.col("value_wei").is_not_null()
    return (
        found.with_columns(
            price.cast(WEI.polars).alias("price_wei"),
            reason.alias("residual_reason"),
            pl.when(is_traced)
            .then(pl.lit("decoded"))
            .otherwise(pl.lit("assumed"))
            .alias("confidence"),
        )
        .filter(pl.col("price_wei") > 0)
        .select(
            *PLACE,
            "item_index",
            "version",
            pl.lit("primary_mint").alias("trade_kind"),
            pl.col("address").alias("collection"),
            pl.col("_tokenId").alias("token_id"),
            pl.coalesce("artist", "address").alias("seller"),
            pl.col("_to").alias("buyer"),
            pl.coalesce("payer", "_to").alias("taker"),
            "currency",
            "price_wei",
            "residual_reason",
            "confidence",
        )
    )


def _receipts(events: Mapping[str, Decoded]) -> pl.DataFrame:
    if "ReceiptUpdated" not in events:
        return pl.DataFrame(
            schema={**{name: pl.String() for name in _TX}, "is_receipt": pl.Boolean()}
        )
    return events["ReceiptUpdated"].rows.select(_TX).unique().with_columns(is_receipt=True)


def _legs(sales: pl.DataFrame, money: pl.DataFrame) -> pl.DataFrame:
    known = sales.select(*_HEAD, "item_index", "currency")
    placed = money.join(known, on=_HEAD, maintain_order="left")
    kind = pl.col("recipient_class")
    return leg(placed, "recipient", kind, "amount_wei", "trace").select(list(LEG))


def _auctions(events: Mapping[str, Decoded]) -> pl.DataFrame:
    parts = {
        "ReceiptUpdated": ("bid", pl.col("_purchaser"), "_netPosted"),
        "SelloutPriceUpdated": ("settled", pl.lit(None, pl.String), "_selloutPrice"),
    }
    return pl.concat(
        [
            auction_rows(
                events[name].rows,
                _NAME,
                event,
                "_projectId",
                {"bidder": bidder, "amount_wei": amount},
            )
            for name, (event, bidder, amount) in parts.items()
            if name in events
        ]
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"input", "trace"}),
    limits=(
        "No event names the payees: beside Art Blocks' wallet they are the artist's side; where it"
        " was not paid they are of class `unknown`, and the contract stands for the seller.",
        "A price is what was paid at the mint; what an auction that settles later gives back is"
        " told by `auctions` (bid: posted in all for a project, settled: price of a token).",
        "Without traces the value of the transaction is the price, refunds included (`assumed`);"
        " mints that several were paid for together, or in tokens, are transfers alone.",
        "Contracts of Engine partners, and receipts of the shared minter suite, are not read.",
    ),
)
