"""Gondi 3 and 3.1: loans of several lenders, each with a tranche of its own.

Every refinancing gives the loan a new number: the old loan is replaced, the new one opened with it
as parent, its tranches among them those that went on. An overdue loan goes to the liquidator's
auction (`LoanSentToLiquidator`), which ends with `LoanLiquidated`; or the only lender takes the
token (`LoanForeclosed`).

Source: events of the protocol table; `LoanSentToLiquidator` and `LoanForeclosed` by the contract's
LiquidationHandler.
"""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.loans import duration, loan_rows, loan_tables, loan_uid, moment

_NAME = "gondi"
_VERSION = "3/3.1"
_EMITTERS = {
    1: frozenset(
        {
            "0xf41b389e0c1950dc0b16c9498eae77131cc08a56",
            "0xf65b99ce6dc5f6c556172bcc0ff27d3665a7d9a8",
        }
    ),
    999: frozenset({"0x6ad675624ec8320e5806858cd5db101a0b927fd9"}),
}
_LOAN = (
    "(address borrower, uint256 nftCollateralTokenId, address nftCollateralAddress,"
    " address principalAddress, uint256 principalAmount, uint256 startTime, uint256 duration,"
    " (uint256 loanId, uint256 floor, uint256 principalAmount, address lender,"
    " uint256 accruedInterest, uint256 startTime, uint256 aprBps)[] tranche,"
    " uint256 protocolFee) loan"
)
_WEI = [
    "loan.principalAmount",
    *(f"loan.tranche.{name}" for name in ("floor", "principalAmount", "accruedInterest")),
]
_EMITTED = Event.parse(
    f"LoanEmitted(uint256 loanId, uint256[] offerId, {_LOAN}, uint256 fee)", wei=[*_WEI, "fee"]
)
_REFINANCED = Event.parse(
    "LoanRefinanced(uint256 renegotiationId, uint256 oldLoanId, uint256 newLoanId,"
    f" {_LOAN}, uint256 fee)",
    wei=[*_WEI, "fee"],
)
_FROM_OFFERS = Event.parse(
    f"LoanRefinancedFromNewOffers(uint256 loanId, uint256 newLoanId, {_LOAN},"
    " uint256[] offerIds, uint256 totalFee)",
    wei=[*_WEI, "totalFee"],
)
_REPAID = Event.parse(
    "LoanRepaid(uint256 loanId, uint256 totalRepayment, uint256 fee)", wei=["totalRepayment", "fee"]
)
_ENDS = {
    "LoanSentToLiquidator": "auction_start",
    "LoanLiquidated": "liquidate",
    "LoanForeclosed": "claim",
}
_EVENTS = (
    _EMITTED,
    _REFINANCED,
    _FROM_OFFERS,
    _REPAID,
    Event.parse("LoanSentToLiquidator(uint256 loanId, address liquidator)"),
    Event.parse("LoanLiquidated(uint256 loanId)"),
    Event.parse("LoanForeclosed(uint256 loanId)"),
)
# The numbers of the loan that is opened, and of the one that it replaces.
_OPENINGS = {
    "LoanEmitted": ("loanId", None),
    "LoanRefinanced": ("newLoanId", "oldLoanId"),
    "LoanRefinancedFromNewOffers": ("newLoanId", "loanId"),
}


def _routes(context: ChainContext) -> Sequence[Route]:
    emitters = _EMITTERS.get(context.chain_id)
    return [Route(event, _VERSION, emitters) for event in _EVENTS] if emitters else []


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    parts = [*_ended(events)]
    tranches = []
    for name, (number, replaced) in _OPENINGS.items():
        if name not in events:
            continue
        decoded = events[name]
        parts += _opened(decoded, number, replaced)
        tranches.append(_tranches(decoded, number))
    tables = loan_tables(parts)
    return tables | {"loan_tranches": pl.concat(tranches)} if tranches else tables


def _opened(decoded: Decoded, number: str, replaced: str | None) -> Iterator[pl.DataFrame]:
    rows = decoded.rows.join(_only_lender(decoded), on="row", how="left", maintain_order="left")
    parent = loan_uid(_NAME, replaced) if replaced else pl.lit(None, pl.String)
    opened = loan_rows(
        _NAME,
        rows,
        "open",
        loan_uid(_NAME, number),
        borrower="loan.borrower",
        lender="lender",
        collection="loan.nftCollateralAddress",
        token_id=pl.col("loan.nftCollateralTokenId"),
        quantity=pl.lit("1"),
        currency="loan.principalAddress",
        principal_wei="loan.principalAmount",
        apr_bps="apr",
        start_time=moment("loan.startTime"),
        duration_s=duration("loan.duration"),
        parent_loan_uid=parent,
    )
    if replaced:
        closed = loan_rows(
            _NAME,
            rows,
            "replace",
            parent,
            borrower="loan.borrower",
            collection="loan.nftCollateralAddress",
            token_id=pl.col("loan.nftCollateralTokenId"),
            currency="loan.principalAddress",
        )
        # Two rows of one log: what ends comes before what begins.
        yield closed
        opened = opened.with_columns(pl.lit(1, pl.Int64).alias("item_index"))
    yield opened


def _only_lender(decoded: Decoded) -> pl.DataFrame:
    """By row: `lender`, where it is one, and `apr`, weighted by what the tranches lent."""
    lent = pl.col("principalAmount").cast(pl.Float64)
    rate = pl.col("aprBps").cast(pl.Float64)
    total = lent.sum()
    return (
        decoded.items["loan.tranche"]
        .group_by("row", maintain_order=True)
        .agg(
            pl.when(pl.col("lender").n_unique() == 1)
            .then(pl.col("lender").first())
            .alias("lender"),
            pl.when(total > 0).then((lent * rate).sum() / total).alias("apr"),
        )
    )


def _tranches(decoded: Decoded, number: str) -> pl.DataFrame:
    whose = decoded.rows.select(
        "row",
        *PLACE,
        "address",
        "version",
        number,
        pl.col("loan.principalAddress").alias("currency"),
    ).rename({number: "whole"})
    return (
        decoded.items["loan.tranche"]
        .join(whose, on="row", maintain_order="left")
        .select(
            *PLACE,
            pl.col("item").cast(pl.Int64).alias("item_index"),
            pl.lit(_NAME).alias("protocol"),
            "version",
            loan_uid(_NAME, "whole").alias("loan_uid"),
            loan_uid(_NAME, "loanId").alias("tranche_loan_uid"),
            "lender",
            "currency",
            pl.col("floor").alias("floor_wei"),
            pl.col("principalAmount").alias("principal_wei"),
            pl.col("accruedInterest").alias("accrued_wei"),
            pl.col("aprBps").cast(pl.Float64).alias("apr_bps"),
            moment("startTime").alias("start_time"),
        )
    )


def _ended(events: Mapping[str, Decoded]) -> Iterator[pl.DataFrame]:
    uid = loan_uid(_NAME, "loanId")
    if "LoanRepaid" in events:
        rows = events["LoanRepaid"].rows
        yield loan_rows(_NAME, rows, "repay", uid, amount_wei="totalRepayment")
    for name, event in _ENDS.items():
        if name in events:
            yield loan_rows(_NAME, events[name].rows, event, uid)


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    limits=(
        "1 and 2 are not read: their structs are others.",
        "`TranchesMerged` is not read: it gives a loan a new number without naming the old one.",
        "`lender` is NULL where a loan has several; `loan_tranches` tells them. The rate is their"
        " mean, weighted by what they lent.",
    ),
)
