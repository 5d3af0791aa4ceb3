"""NFTfi, three generations of loans between two people, for a fixed repayment.

- 1: one contract.
- 2, 2.1 and 2.3: single and collection offers, each in a contract of its own.
- 3: the terms name borrower and lender too, and an origination fee.

Loan ids of different contracts overlap, so the identity holds the contract. `LoanLiquidated` means
that the lender took the collateral of an overdue loan: a claim, and no sale. The lender of an event
that closes is who held the promissory note then. A refinancing repays one loan and opens another
in one transaction; the event of the adapter that would name both is not among those deployed, so
the link `loans` joins them by token and transaction.

Source: events of the protocol table; those of 3 and the addresses of 2, 2.1 (collection offers,
redeployed) and 3 by the public repository NFTfi-Genesis/nftfi-opensource and its deployments.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.loans import duration, loan_rows, loan_tables, loan_uid, moment, total

_NAME = "nftfi"
_V1 = frozenset({"0x88341d1a8f672d2780c8dc725902aae72f143b0c"})
_V2 = {
    "2": frozenset(
        {
            "0xf896527c49b44aab3cf22ae356fa3af8e331f280",
            "0xe52cec0e90115abeb3304baa36bc2655731f7934",
        }
    ),
    "2.1": frozenset({"0x8252df1d8b29057d1afe3062bf5a64d503152bc8"}),
    "2.3": frozenset(
        {
            "0xd0a40eb7fd94ee97102ba8e9342243a2b2e22207",
            "0xd0c6e59b50c32530c627107f50acc71958c4341f",
        }
    ),
}
_V3 = frozenset(
    {
        "0x9f10d706d789e4c76a1a6434cd1a9841c875c0a6",
        "0xb6adec2acc851d30d5fb64f3137234bcdcbbad0d",
    }
)
_CLOSED = (
    " uint256 loanPrincipalAmount, uint256 nftCollateralId, uint256 loanMaturityDate,"
    " uint256 loanLiquidationDate, address nftCollateralContract)"
)
_STARTED_1 = Event.parse(
    "LoanStarted(uint256 loanId, address borrower, address lender, uint256 loanPrincipalAmount,"
    " uint256 maximumRepaymentAmount, uint256 nftCollateralId, uint256 loanStartTime,"
    " uint256 loanDuration, uint256 loanInterestRateForDurationInBasisPoints,"
    " address nftCollateralContract, address loanERC20Denomination, bool interestIsProRated)",
    wei=["loanPrincipalAmount", "maximumRepaymentAmount"],
    name="LoanStarted1",
)
_REPAID_1 = Event.parse(
    "LoanRepaid(uint256 loanId, address borrower, address lender, uint256 loanPrincipalAmount,"
    " uint256 nftCollateralId, uint256 amountPaidToLender, uint256 adminFee,"
    " address nftCollateralContract, address loanERC20Denomination)",
    wei=["loanPrincipalAmount", "amountPaidToLender", "adminFee"],
    name="LoanRepaid1",
)
_LIQUIDATED_1 = Event.parse(
    "LoanLiquidated(uint256 loanId, address borrower, address lender," + _CLOSED,
    wei=["loanPrincipalAmount"],
    name="LoanLiquidated1",
)
_PARTIES = "uint32 indexed loanId, address indexed borrower, address indexed lender,"
_STARTED_2 = Event.parse(
    f"LoanStarted({_PARTIES} (uint256 loanPrincipalAmount, uint256 maximumRepaymentAmount,"
    " uint256 nftCollateralId, address loanERC20Denomination, uint32 loanDuration,"
    " uint16 loanInterestRateForDurationInBasisPoints, uint16 loanAdminFeeInBasisPoints,"
    " address nftCollateralWrapper, uint64 loanStartTime, address nftCollateralContract,"
    " address borrower) loanTerms, (address revenueSharePartner,"
    " uint16 revenueShareInBasisPoints, uint16 referralFeeInBasisPoints) loanExtras)",
    wei=["loanTerms.loanPrincipalAmount", "loanTerms.maximumRepaymentAmount"],
    name="LoanStarted2",
)
_REPAID_2 = Event.parse(
    f"LoanRepaid({_PARTIES} uint256 loanPrincipalAmount, uint256 nftCollateralId,"
    " uint256 amountPaidToLender, uint256 adminFee, uint256 revenueShare,"
    " address revenueSharePartner, address nftCollateralContract, address loanERC20Denomination)",
    wei=["loanPrincipalAmount", "amountPaidToLender", "adminFee", "revenueShare"],
    name="LoanRepaid2",
)
_LIQUIDATED_2 = Event.parse(
    f"LoanLiquidated({_PARTIES}" + _CLOSED, wei=["loanPrincipalAmount"], name="LoanLiquidated2"
)
_TERMS = (
    " uint32 newLoanDuration, uint256 newMaximumRepaymentAmount, uint256 renegotiationFee,"
    " uint256 renegotiationAdminFee"
)
_TERMS_WEI = ["newMaximumRepaymentAmount", "renegotiationFee", "renegotiationAdminFee"]
_RENEGOTIATED_2 = Event.parse(
    f"LoanRenegotiated({_PARTIES}{_TERMS})", wei=_TERMS_WEI, name="LoanRenegotiated2"
)
_STARTED_3 = Event.parse(
    f"LoanStarted({_PARTIES} (uint256 loanPrincipalAmount, uint256 maximumRepaymentAmount,"
    " uint256 nftCollateralId, address loanERC20Denomination, uint32 loanDuration,"
    " uint16 loanInterestRateForDurationInBasisPoints, uint16 loanAdminFeeInBasisPoints,"
    " uint256 originationFee, address nftCollateralWrapper, uint64 loanStartTime,"
    " address nftCollateralContract, address borrower, address lender, address escrow,"
    " bool isProRata) loanTerms)",
    wei=[
        "loanTerms.loanPrincipalAmount",
        "loanTerms.maximumRepaymentAmount",
        "loanTerms.originationFee",
    ],
    name="LoanStarted3",
)
_REPAID_3 = Event.parse(
    f"LoanRepaid({_PARTIES} uint256 loanPrincipalAmount, uint256 nftCollateralId,"
    " uint256 amountPaidToLender, uint256 adminFee, address nftCollateralContract,"
    " address loanERC20Denomination)",
    wei=["loanPrincipalAmount", "amountPaidToLender", "adminFee"],
    name="LoanRepaid3",
)
_RENEGOTIATED_3 = Event.parse(
    f"LoanRenegotiated({_PARTIES}{_TERMS}, bool isProRata)",
    wei=_TERMS_WEI,
    name="LoanRenegotiated3",
)


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    second = (_STARTED_2, _REPAID_2, _LIQUIDATED_2, _RENEGOTIATED_2)
    third = (_STARTED_3, _REPAID_3, _LIQUIDATED_2, _RENEGOTIATED_3)
    return [
        *(Route(event, "1", _V1) for event in (_STARTED_1, _REPAID_1, _LIQUIDATED_1)),
        *(Route(event, version, _V2[version]) for event in second for version in _V2),
        *(Route(event, "3", _V3) for event in third),
    ]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    frames = {name: decoded.rows for name, decoded in events.items()}
    parts = [
        *(_opened(rows) for rows in _of(frames, "LoanStarted")),
        *(_repaid(rows) for rows in _of(frames, "LoanRepaid")),
        *(_claimed(rows) for rows in _of(frames, "LoanLiquidated")),
        *(_renegotiated(rows) for rows in _of(frames, "LoanRenegotiated")),
    ]
    return loan_tables(parts)


def _of(frames: Mapping[str, pl.DataFrame], event: str) -> list[pl.DataFrame]:
    """An event in each generation, terms named alike."""
    found = [frames[f"{event}{number}"] for number in (1, 2, 3) if f"{event}{number}" in frames]
    prefix = "loanTerms."
    return [
        rows.drop(
            name[len(prefix) :]
            for name in rows.columns
            if name.startswith(prefix) and name[len(prefix) :] in rows.columns
        ).rename(lambda name: name.removeprefix(prefix))
        for rows in found
    ]


_LOAN = loan_uid(_NAME, "loanId")
_COLLATERAL: dict[str, pl.Expr | str] = {
    "borrower": "borrower",
    "lender": "lender",
    "collection": "nftCollateralContract",
    "token_id": "nftCollateralId",
    "quantity": pl.lit("1"),
}


def _opened(rows: pl.DataFrame) -> pl.DataFrame:
    return loan_rows(
        _NAME,
        rows,
        "open",
        _LOAN,
        **_COLLATERAL,
        currency="loanERC20Denomination",
        principal_wei="loanPrincipalAmount",
        repayment_wei="maximumRepaymentAmount",
        start_time=moment("loanStartTime"),
        duration_s=duration("loanDuration"),
    )


def _repaid(rows: pl.DataFrame) -> pl.DataFrame:
    fees = [name for name in ("adminFee", "revenueShare") if name in rows.columns]
    return loan_rows(
        _NAME,
        rows,
        "repay",
        _LOAN,
        **_COLLATERAL,
        currency="loanERC20Denomination",
        amount_wei=total("amountPaidToLender", *fees),
        fee_wei=total(*fees),
    )


def _claimed(rows: pl.DataFrame) -> pl.DataFrame:
    return loan_rows(_NAME, rows, "claim", _LOAN, **_COLLATERAL, account="lender")


def _renegotiated(rows: pl.DataFrame) -> pl.DataFrame:
    return loan_rows(
        _NAME,
        rows,
        "refinance",
        _LOAN,
        borrower="borrower",
        lender="lender",
        amount_wei="renegotiationFee",
        fee_wei="renegotiationAdminFee",
        repayment_wei="newMaximumRepaymentAmount",
        duration_s=duration("newLoanDuration"),
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    limits=(
        "1 and 2 with prorated interest: the repayment is the highest that can be owed.",
        "Bundles of NFTfi are one token; what they hold is not read.",
        "A refinanced loan is repaid and another opened, joined by token and transaction.",
    ),
)
