"""What VaultFactory, vaults, StudioShares and Loans say."""

from collections.abc import Mapping

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.protocols.base import PLACE, Tables
from indexer.protocols.loans import duration, loan_rows, loan_tables, loan_uid
from indexer.protocols.raisonne_rows import NAME, Frames, end_of
from indexer.protocols.vaults import together, vault_rows

Named = Mapping[str, pl.Expr | str]


def vault_events(frames: Frames, artwork: str) -> pl.DataFrame:
    """Rows of `vault_events`: of vaults that speak for themselves, and of the factory."""
    parts = [
        vault_rows(_own(frames[name]), NAME, event, **columns)
        for name, event, columns in _TOLD
        if name in frames
    ]
    if "VaultOpened" in frames:
        parts.append(
            vault_rows(
                frames["VaultOpened"],
                NAME,
                "opened",
                vault="vault",
                collection=pl.lit(artwork),
                token_id=pl.col("tokenId"),
                quantity=pl.lit("1"),
                account="curator",
                shares="supply",
                amount_wei="royalty",
            )
        )
    return together(parts) if parts else pl.DataFrame()


_BID: Named = {"account": "bidder", "amount_wei": "amount", "end_time": end_of("endTime")}
_TOLD: tuple[tuple[str, str, Named], ...] = (
    ("ReserveVote", "vote", {"account": "voter", "shares": "shares", "amount_wei": "price"}),
    ("BuyoutStarted", "started", _BID),
    ("BuyoutBid", "bid", _BID),
    (
        "BuyoutSettled",
        "won",
        {"account": "winner", "amount_wei": "amount", "royalty_wei": "royalty"},
    ),
    ("SharesRedeemed", "cash", {"account": "holder", "shares": "shares", "amount_wei": "amount"}),
    ("DividendPaid", "dividend", {"account": "payer", "amount_wei": "amount"}),
    ("DividendClaimed", "dividend_claim", {"account": "holder", "amount_wei": "amount"}),
)


def _own(rows: pl.DataFrame) -> pl.DataFrame:
    """What a vault says of itself; nobody speaks for another."""
    return rows.filter(pl.col("vault") == pl.col("address"))


def share_transfers(frames: Frames, studio_shares: str | None) -> pl.DataFrame:
    """Rows of `share_transfers`: every move of shares, which our share contracts tell."""
    if "SharesMoved" not in frames:
        return pl.DataFrame()
    is_studio = pl.col("address") == pl.lit(studio_shares or "")
    return _own(frames["SharesMoved"]).select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        "vault",
        pl.col("from").alias("from_address"),
        pl.col("to").alias("to_address"),
        pl.col("shares").cast(WEI.polars),
        pl.when(is_studio).then(pl.lit("own")).otherwise(pl.lit("event")).alias("source"),
    )


def loan_events(frames: Frames, artwork: str) -> Tables:
    """Table `loan_events`. Collateral is a work, or `quantity` units of the share token."""
    loan = loan_uid(NAME, "loanId")
    token: Named = {
        "collection": "collateral",
        "token_id": pl.when(pl.col("collateral") == artwork).then("tokenId"),
        "quantity": "quantity",
        "currency": pl.lit(NATIVE),
    }
    since = pl.col("block_time").dt.epoch("s")
    due = (
        pl.col("dueTime").cast(pl.Int64, strict=False) - since if "LoanStarted" in frames else None
    )
    terms: Named = {"principal_wei": "principal", "repayment_wei": "repayment"}
    both: Named = {"borrower": "borrower", "lender": "lender"}
    parts: list[tuple[str, str, Named]] = [
        ("LoanOffered", "offer", {**token, **terms, "borrower": "borrower",
                                  "duration_s": duration("term")}),
        ("LoanCancelled", "cancel", {"borrower": "borrower"}),
        ("LoanRepaid", "repay", {**token, **both, "account": "payer", "amount_wei": "repayment"}),
        ("LoanClaimed", "claim", {**token, **both, "account": "lender"}),
        ("NoteTransferred", "transfer", {"account": "from", "lender": "to"}),
    ]  # fmt: skip
    if due is not None:
        started = {**token, **terms, **both, "account": "lender",
                   "start_time": "block_time", "duration_s": duration(due)}  # fmt: skip
        parts.append(("LoanStarted", "open", started))
    return loan_tables(
        [
            loan_rows(NAME, frames[name], event, loan, **columns)
            for name, event, columns in parts
            if name in frames
        ]
    )
