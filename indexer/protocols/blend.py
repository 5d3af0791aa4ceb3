"""Blend: loans of Blur without an end, and sales of tokens that are locked in them.

A lien is numbered by the contract. `LoanOfferTaken` opens it, unless a `Refinance` of the same lien
follows at once: then the offer refinanced it. Interest runs continuously at the rate named, until
the lien is repaid; the lender may start an auction of the lien and seize the token when nobody took
it over. `Repay` names no amount: the pool transfers that follow tell the debt and the lender.

A borrower may sell the locked token: into a bid (a sale of Blur whose seller is this contract,
which indexer.attribution puts right), or to somebody who takes the sell offer (`BuyLocked`, a sale
told here). Its price is everything paid: fees before the repayment, the debt to the lender, the
rest to the borrower; the buyer may borrow again at once (`LoanOfferTaken` right after), which is a
new lien.

Source: events of the protocol table; `StartAuction`, `Seize` and the order of payments by the
contract's verified source; a lien's auction lasts blocks, not seconds.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.blend_payments import Repayments, read_repayments
from indexer.protocols.loans import loan_rows, loan_tables, loan_uid
from indexer.protocols.sales import LEG, leg, price_of, sale_tables, with_unexplained

_NAME = "blend"
CONTRACT = "0x29469395eaf6f95920e59f858042f0e28d98a20b"
POOL = "0x0000000000a39bb272e79075ade125fd351887ac"
_EVENTS = (
    Event.parse(
        "LoanOfferTaken(bytes32 offerHash, uint256 lienId, address collection, address lender,"
        " address borrower, uint256 loanAmount, uint256 rate, uint256 tokenId,"
        " uint256 auctionDuration)",
        wei=["loanAmount"],
    ),
    Event.parse(
        "Refinance(uint256 lienId, address collection, address newLender, uint256 newAmount,"
        " uint256 newRate, uint256 newAuctionDuration)",
        wei=["newAmount"],
    ),
    Event.parse("Repay(uint256 lienId, address collection)"),
    Event.parse("StartAuction(uint256 lienId, address collection)"),
    Event.parse("Seize(uint256 lienId, address collection)"),
    Event.parse(
        "BuyLocked(uint256 lienId, address collection, address buyer, address seller,"
        " uint256 tokenId)"
    ),
)
_LOAN = loan_uid(_NAME, "lienId")
_PLACED = ("block_hash", "tx_hash", "log_index")


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [Route(event, "1", frozenset({CONTRACT})) for event in _EVENTS]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    frames = {name: decoded.rows for name, decoded in events.items()}
    repaid = read_repayments(frames, around, CONTRACT, POOL)
    parts = [*_lent(frames), *_repaid(frames, repaid), *_auctions(frames, around)]
    return loan_tables(parts) | _sales(frames, repaid)


# --- loans


def _lent(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    parts = []
    offers = frames.get("LoanOfferTaken")
    refinances = frames.get("Refinance")
    if offers is not None:
        if refinances is not None:
            answered = refinances.select(*_PLACED, "lienId").with_columns(pl.col("log_index") - 1)
            offers = offers.join(answered, on=[*_PLACED, "lienId"], how="anti")
        parts.append(_opened(offers))
    if refinances is not None:
        parts.append(_refinanced(refinances, frames.get("LoanOfferTaken")))
    return parts


def _opened(offers: pl.DataFrame) -> pl.DataFrame:
    return loan_rows(
        _NAME,
        offers,
        "open",
        _LOAN,
        borrower="borrower",
        lender="lender",
        collection="collection",
        token_id=pl.col("tokenId"),
        quantity=pl.lit("1"),
        currency=pl.lit(POOL),
        principal_wei="loanAmount",
        apr_bps=pl.col("rate").cast(pl.Float64),
        start_time="block_time",
    )


def _refinanced(refinances: pl.DataFrame, offers: pl.DataFrame | None) -> pl.DataFrame:
    """Refinances, with token and borrower where an offer was taken for them."""
    known = refinances.with_columns(
        pl.lit(None, pl.String).alias("borrower"), pl.lit(None, pl.String).alias("tokenId")
    )
    if offers is not None:
        taken = offers.select(*_PLACED, "lienId", "borrower", "tokenId")
        known = refinances.join(
            taken.with_columns(pl.col("log_index") + 1),
            on=[*_PLACED, "lienId"],
            how="left",
            maintain_order="left",
        )
    return loan_rows(
        _NAME,
        known,
        "refinance",
        _LOAN,
        borrower="borrower",
        lender="newLender",
        collection="collection",
        token_id=pl.col("tokenId"),
        quantity=pl.lit("1"),
        currency=pl.lit(POOL),
        principal_wei="newAmount",
        apr_bps=pl.col("newRate").cast(pl.Float64),
        start_time="block_time",
    )


def _repaid(frames: Mapping[str, pl.DataFrame], repaid: Repayments) -> list[pl.DataFrame]:
    if "Repay" not in frames:
        return []
    return [
        loan_rows(
            _NAME,
            repaid.rows,
            "repay",
            _LOAN,
            borrower="borrower",
            lender="lender",
            collection="collection",
            token_id=pl.col("token_id"),
            quantity=pl.lit("1"),
            currency=pl.lit(POOL),
            amount_wei="debt_wei",
            remainder_wei="remainder_wei",
        )
    ]


def _auctions(frames: Mapping[str, pl.DataFrame], around: Around) -> list[pl.DataFrame]:
    parts = []
    for name, event in (("StartAuction", "auction_start"), ("Seize", "seize")):
        if name not in frames:
            continue
        rows = frames[name].with_columns(
            pl.lit(None, pl.String).alias("token_id"), pl.lit(None, pl.String).alias("lender")
        )
        if name == "Seize":
            rows = _with_seized(frames[name], around)
        parts.append(
            loan_rows(
                _NAME,
                rows,
                event,
                _LOAN,
                lender="lender",
                account="lender",
                collection="collection",
                token_id=pl.col("token_id"),
                quantity=pl.lit("1"),
                currency=pl.lit(POOL),
            )
        )
    return parts


def _with_seized(rows: pl.DataFrame, around: Around) -> pl.DataFrame:
    """Seizures with the token and its receiver: it moves right before the event."""
    moved = around.fact("transfers").filter(pl.col("from_address") == CONTRACT)
    found = moved.select(
        *_PLACED[:2],
        pl.col("log_index") + 1,
        "collection",
        "token_id",
        pl.col("to_address").alias("lender"),
    )
    return rows.join(found, on=[*_PLACED, "collection"], how="left", maintain_order="left")


# --- sales of locked tokens


def _sales(frames: Mapping[str, pl.DataFrame], repaid: Repayments) -> Tables:
    if "BuyLocked" not in frames:
        return {}
    sales = frames["BuyLocked"].with_columns(
        pl.lit(0, pl.Int64).alias("item_index"), pl.lit(POOL).alias("currency")
    )
    legs = _legs(sales, repaid)
    priced = sales.join(
        price_of(legs), on=["block_hash", "log_index", "item_index"], how="left"
    ).with_columns(pl.lit("listing").alias("trade_kind"), pl.col("tokenId").alias("token_id"))
    explained = with_unexplained(priced, legs).with_columns(
        pl.when(pl.col("price_wei").is_null())
        .then(pl.lit("no payment was seen"))
        .otherwise(pl.col("residual_reason"))
        .alias("residual_reason")
    )
    columns = [name for name in explained.columns if name not in ("lienId", "tokenId", "row")]
    return sale_tables(_NAME, explained.select(columns), [legs])


def _legs(sales: pl.DataFrame, repaid: Repayments) -> pl.DataFrame:
    """Fees, the debt to the lender and the rest to the seller, as the pool moved them."""
    key = ["block_hash", "tx_hash", "lienId"]
    told = sales.join(
        repaid.rows.select(*key, "lender", "debt_wei", "remainder_wei"), on=key, how="left"
    )
    fees = repaid.fees.rename({"log_index": "repay_index"}).join(
        sales.select(*key, "log_index", "item_index", "currency"), on=key
    )
    return (
        pl.concat(
            [
                leg(fees, "recipient", "unknown", "amount_wei", "transfer_log"),
                leg(told, "lender", "lender", "debt_wei", "transfer_log"),
                leg(told, "seller", "seller", "remainder_wei", "transfer_log"),
            ]
        )
        .filter(pl.col("amount_wei") > 0)
        .select(list(LEG))
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"receipt"}),
    after=("erc721",),
    limits=(
        "Without the pool's transfers a repayment has no amount, and a sale of a locked token no"
        " price.",
        "Interest is compounded continuously at `apr_bps`; a loan has no end.",
        "Of a sale of a locked token the debt goes to the lender: class `lender`.",
    ),
)
