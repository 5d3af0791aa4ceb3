"""BendDAO: loans of a pool against tokens that it holds.

The loan book (LendPoolLoan) says what happened to a loan: created, updated (more lent, or a part
repaid), repaid, auctioned, redeemed out of the auction, liquidated. The pool speaks of the same
moments a few logs later and adds what the book leaves out: the borrower, the rate, what was left
for the borrower. `Repay` of the pool also tells partial repayments, so only `LoanRepaid` of the
book closes a loan. Amounts in the book's events are tokens, not yet divided by the borrow index;
the rate is variable, and the debt grows between events. The highest bidder of a liquidated loan
gets the token for the bid; that is told here, not as a sale. What a redeemer pays to the first
bidder as a fine is no part of the debt and is not read.

Source: events of the protocol table; contracts LendPoolLoan and LendPool of the public repository
BendDAO/bend-lending-protocol.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.loans import loan_rows, loan_tables, loan_uid

_NAME = "benddao"
_BOOK = frozenset({"0x5f6ac80cdb9e87f3cfa6a90e5140b9a16a361d5c"})
_POOL = frozenset({"0x70b97a0da65c15dfb0ffa02aee6fa36e507c2762"})
_RAY = 1e27  # a rate of 1, which is 10,000 basis points
_ASSET = " address nftAsset, uint256 nftTokenId,"
_HEAD = f"(address indexed user, uint256 indexed loanId,{_ASSET}"
_BOOK_EVENTS = (
    Event.parse(
        "LoanCreated(address indexed user, address indexed onBehalfOf, uint256 indexed loanId,"
        f"{_ASSET} address reserveAsset, uint256 amount, uint256 borrowIndex)",
        wei=["amount"],
    ),
    Event.parse(
        f"LoanUpdated{_HEAD} address reserveAsset, uint256 amountAdded, uint256 amountTaken,"
        " uint256 borrowIndex)",
        wei=["amountAdded", "amountTaken"],
    ),
    Event.parse(
        f"LoanRepaid{_HEAD} address reserveAsset, uint256 amount, uint256 borrowIndex)",
        wei=["amount"],
    ),
    Event.parse(
        f"LoanAuctioned{_HEAD} uint256 amount, uint256 borrowIndex, address bidder, uint256 price,"
        " address previousBidder, uint256 previousPrice)",
        wei=["amount", "price", "previousPrice"],
    ),
    Event.parse(
        f"LoanRedeemed{_HEAD} address reserveAsset, uint256 amountTaken, uint256 borrowIndex)",
        wei=["amountTaken"],
    ),
    Event.parse(
        f"LoanLiquidated{_HEAD} address reserveAsset, uint256 amount, uint256 borrowIndex)",
        wei=["amount"],
    ),
)
_OF_POOL = " address indexed nftAsset, uint256 nftTokenId,"
_BORROWER = " address indexed borrower, uint256 loanId)"
_POOL_EVENTS = (
    Event.parse(
        "Borrow(address user, address indexed reserve, uint256 amount, address nftAsset,"
        " uint256 nftTokenId, address indexed onBehalfOf, uint256 borrowRate, uint256 loanId,"
        " uint16 indexed referral)",
        wei=["amount"],
    ),
    Event.parse(
        f"Repay(address user, address indexed reserve, uint256 amount,{_OF_POOL}{_BORROWER}",
        wei=["amount"],
    ),
    Event.parse(
        "Auction(address user, address indexed reserve, uint256 bidPrice,"
        " address indexed nftAsset, uint256 nftTokenId, address onBehalfOf,"
        f"{_BORROWER}",
        wei=["bidPrice"],
    ),
    Event.parse(
        "Redeem(address user, address indexed reserve, uint256 borrowAmount, uint256 fineAmount,"
        f"{_OF_POOL}{_BORROWER}",
        wei=["borrowAmount", "fineAmount"],
    ),
    Event.parse(
        "Liquidate(address user, address indexed reserve, uint256 repayAmount,"
        f" uint256 remainAmount,{_OF_POOL}{_BORROWER}",
        wei=["repayAmount", "remainAmount"],
    ),
)


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [
        *(Route(event, "1", _BOOK) for event in _BOOK_EVENTS),
        *(Route(event, "1", _POOL) for event in _POOL_EVENTS),
    ]


_LOAN = loan_uid(_NAME, "loanId")
_COLLATERAL: dict[str, pl.Expr | str] = {
    "account": "user",
    "collection": "nftAsset",
    "token_id": "nftTokenId",
    "quantity": pl.lit("1"),
}


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    frames = {name: decoded.rows for name, decoded in events.items()}
    makers = {
        "LoanCreated": _created,
        "LoanUpdated": _updated,
        "LoanRepaid": _repaid,
        "LoanAuctioned": _auctioned,
        "LoanRedeemed": _redeemed,
        "LoanLiquidated": _liquidated,
    }
    return loan_tables([make(frames) for name, make in makers.items() if name in frames])


def _said_by_pool(
    frames: Mapping[str, pl.DataFrame], name: str, pool_event: str, *columns: str
) -> pl.DataFrame:
    """An event of the book with columns of the pool's next event about the loan; else NULL."""
    rows = frames[name]
    if pool_event not in frames:
        schema = {event.name: _kinds(event) for event in _POOL_EVENTS}[pool_event]
        return rows.with_columns(pl.lit(None, schema[each]).alias(each) for each in columns)
    key = ["block_hash", "tx_hash", "loanId"]
    said = frames[pool_event].select(*key, "log_index", *columns)
    return rows.sort("log_index").join_asof(
        said.sort("log_index"),
        on="log_index",
        by=key,
        strategy="forward",
        check_sortedness=False,  # polars cannot check it within groups; both are sorted above
    )


def _kinds(event: Event) -> dict[str, pl.DataType]:
    wei = pl.Decimal(38, 0)
    return {
        each.name: wei if each.name in event.wei else pl.String()
        for each in event.signature.parameters
    }


def _created(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return loan_rows(
        _NAME,
        _said_by_pool(frames, "LoanCreated", "Borrow", "borrowRate"),
        "open",
        _LOAN,
        **_COLLATERAL,
        borrower="onBehalfOf",
        currency="reserveAsset",
        principal_wei="amount",
        apr_bps=_rate(),
        start_time="block_time",
    )


def _rate() -> pl.Expr:
    return pl.col("borrowRate").cast(pl.Float64) / _RAY * 10_000


def _updated(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    rows = frames["LoanUpdated"]
    is_more = pl.col("amountAdded") > 0
    more = _said_by_pool({**frames, "LoanUpdated": rows.filter(is_more)}, "LoanUpdated", "Borrow",
                         "borrowRate", "onBehalfOf")  # fmt: skip
    less = _said_by_pool({**frames, "LoanUpdated": rows.filter(~is_more)}, "LoanUpdated", "Repay",
                         "borrower")  # fmt: skip
    added = loan_rows(
        _NAME,
        more,
        "borrow",
        _LOAN,
        **_COLLATERAL,
        borrower="onBehalfOf",
        currency="reserveAsset",
        amount_wei="amountAdded",
        apr_bps=_rate(),
    )
    taken = loan_rows(
        _NAME,
        less,
        "partial_repay",
        _LOAN,
        **_COLLATERAL,
        borrower="borrower",
        currency="reserveAsset",
        amount_wei="amountTaken",
    )
    return pl.concat([added, taken], how="diagonal")


def _repaid(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return loan_rows(
        _NAME,
        _said_by_pool(frames, "LoanRepaid", "Repay", "borrower"),
        "repay",
        _LOAN,
        **_COLLATERAL,
        borrower="borrower",
        currency="reserveAsset",
        amount_wei="amount",
    )


def _auctioned(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    is_first = pl.col("previousBidder") == "0x" + "0" * 40
    return loan_rows(
        _NAME,
        _said_by_pool(frames, "LoanAuctioned", "Auction", "borrower", "reserve"),
        pl.when(is_first).then(pl.lit("auction_start")).otherwise(pl.lit("bid")),
        _LOAN,
        **(_COLLATERAL | {"account": "bidder"}),
        borrower="borrower",
        currency="reserve",
        amount_wei="price",
    )


def _redeemed(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return loan_rows(
        _NAME,
        _said_by_pool(frames, "LoanRedeemed", "Redeem", "borrower"),
        "redeem",
        _LOAN,
        **_COLLATERAL,
        borrower="borrower",
        currency="reserveAsset",
        amount_wei="amountTaken",
    )


def _liquidated(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return loan_rows(
        _NAME,
        _said_by_pool(frames, "LoanLiquidated", "Liquidate", "borrower", "remainAmount"),
        "liquidate",
        _LOAN,
        **_COLLATERAL,
        borrower="borrower",
        currency="reserveAsset",
        amount_wei="amount",
        remainder_wei="remainAmount",
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    limits=(
        "The rate is variable: `apr_bps` is the pool's rate at that moment.",
        "The lender is a pool, so it is NULL.",
        "A token that a bidder got by liquidation is told in `loan_events`, not as a sale.",
    ),
)
