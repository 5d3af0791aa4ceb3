"""Nouns: one auction a day, of a token that is minted for it.

A settlement is told by `AuctionSettled`: what the winner had bid, all of which goes to the DAO, to
its treasury and, since the third auction house, partly to an escrow that streams to the treasury.
Without a bid the token is burned, and nothing is sold. The DAO is the seller: a token is minted to
it and handed to the auction house; so it is named by the mint of the next token, which most
settlements begin, or by the money.

Source: nounsDAO/nouns-monorepo, NounsAuctionHouse (1, 2 and 3 have the same events and address).
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.auctions import auction_rows
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.flows import native_payments
from indexer.protocols.sales import leg, sale_tables, with_unexplained

_NAME = "nouns"
_HOUSE = "0x830bd73e4184cef73443c15111a1df14e495c706"
_NOUNS = "0x9c8ff314c9bc7f6e59a9d9225fb22946427edc03"
_WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
_SETTLING = (bytes.fromhex("f25efffc"), bytes.fromhex("a4d0a17e"))
"""Selectors of settleCurrentAndCreateNewAuction() and settleAuction()."""
_EVENTS = (
    Event.parse("AuctionCreated(uint256 indexed nounId, uint256 startTime, uint256 endTime)"),
    Event.parse(
        "AuctionBid(uint256 indexed nounId, address sender, uint256 value, bool extended)",
        wei=["value"],
    ),
    Event.parse(
        "AuctionSettled(uint256 indexed nounId, address winner, uint256 amount)", wei=["amount"]
    ),
)
_ZERO = "0x" + "0" * 40
_END_OF_TIME_S = 253_402_300_799


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [Route(event, "1", frozenset({_HOUSE})) for event in _EVENTS]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    tables = {"auctions": _auctions(events)}
    if "AuctionSettled" in events:
        rows = events["AuctionSettled"].rows
        won = rows.filter(pl.col("winner") != _ZERO)
        payments = _payments(won, around.beside.value_traces)
        sales = _sales(won, payments, around)
        legs = leg(payments, "recipient", "seller", "amount_wei", "trace")
        tables |= sale_tables(_NAME, with_unexplained(sales, legs), [legs])
    return tables


def _payments(won: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """What the auction house sent on while it settled; ether that it had to wrap is left out."""
    to_house = pl.col("to_address") == _HOUSE
    is_settling = pl.col("input").bin.slice(0, 4).is_in(_SETTLING)
    # A bid in the same transaction is a call of its own; its refund is not of the settlement.
    calls = traces.filter(~to_house | is_settling.fill_null(value=False))
    return (
        native_payments(won, calls)
        .filter(pl.col("recipient") != _WETH)
        .with_columns(pl.lit(0, pl.Int64).alias("item_index"))
    )


def _sales(won: pl.DataFrame, payments: pl.DataFrame, around: Around) -> pl.DataFrame:
    transfers = around.fact("transfers")
    minted = (
        transfers.filter(pl.col("kind") == "mint", pl.col("collection") == _NOUNS)
        .select("block_hash", "tx_hash", pl.col("to_address").alias("dao"))
        .unique(["block_hash", "tx_hash"], keep="first", maintain_order=True)
    )
    treasury = payments.group_by("block_hash", "log_index").agg(
        pl.col("recipient").first().alias("treasury")
    )
    return (
        won.join(minted, on=["block_hash", "tx_hash"], how="left", maintain_order="left")
        .join(treasury, on=["block_hash", "log_index"], how="left", maintain_order="left")
        .select(
            *PLACE,
            pl.lit(0, pl.Int64).alias("item_index"),
            "version",
            pl.lit("auction").alias("trade_kind"),
            pl.lit(_NOUNS).alias("collection"),
            pl.col("nounId").alias("token_id"),
            pl.coalesce("dao", "treasury", "address").alias("seller"),
            pl.col("winner").alias("buyer"),
            pl.lit(NATIVE).alias("currency"),
            pl.col("amount").alias("price_wei"),
        )
    )


def _auctions(events: Mapping[str, Decoded]) -> pl.DataFrame:
    parts = {
        "AuctionCreated": ("created", pl.lit(None, pl.String), pl.lit(None, WEI.polars)),
        "AuctionBid": ("bid", pl.col("sender"), pl.col("value")),
        "AuctionSettled": ("settled", pl.col("winner"), pl.col("amount")),
    }
    return pl.concat(
        [
            auction_rows(
                events[name].rows,
                _NAME,
                event,
                "nounId",
                {
                    "collection": pl.lit(_NOUNS),
                    "token_id": "nounId",
                    "bidder": bidder,
                    "amount_wei": amount,
                    "end_time": _end(name),
                },
            )
            for name, (event, bidder, amount) in parts.items()
            if name in events
        ]
    )


def _end(event: str) -> pl.Expr:
    if event != "AuctionCreated":
        return pl.lit(None, pl.Datetime("us"))
    seconds = pl.col("endTime").cast(pl.Int64, strict=False)
    in_time = pl.when(seconds.is_between(1, _END_OF_TIME_S)).then(seconds)
    return (in_time * 1_000_000).cast(pl.Datetime("us"))


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"trace"}),
    after=("erc721",),
    limits=(
        "Without traces a settlement has no legs; without traces and without a mint in the same"
        " transaction the auction house stands for the DAO as seller.",
        "An auction that nobody bid in is a row of `auctions` alone.",
    ),
)
