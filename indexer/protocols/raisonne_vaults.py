"""What VaultFactory, vaults, StudioShares and Loans say."""

from collections.abc import Mapping

import polars as pl

from data.types import WEI
from data.units import NATIVE
from indexer.protocols.base import PLACE, Tables
from indexer.protocols.loans import duration, loan_rows, loan_tables, loan_uid
from indexer.protocols.raisonne_rows import NAME, Frames, end_of
from indexer.protocols.vaults import NOBODY, together, vault_rows

_TX = ["block_hash", "tx_hash"]
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
    if "SharesRedeemed" in frames:
        parts.append(_redeemed(frames))
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
    ("DividendPaid", "dividend", {"account": "payer", "amount_wei": "amount"}),
    ("DividendClaimed", "dividend_claim", {"account": "holder", "amount_wei": "amount"}),
)


def _own(rows: pl.DataFrame) -> pl.DataFrame:
    """What a vault says of itself; nobody speaks for another."""
    return rows.filter(pl.col("vault") == pl.col("address"))


def _redeemed(frames: Frames) -> pl.DataFrame:
    """Payouts per share; where no share moved, an old vault gave the work back for all of them."""
    rows = _own(frames["SharesRedeemed"])
    moved = _moved(frames).select(*_TX, "vault").unique()
    columns: Named = {"account": "holder", "shares": "shares", "amount_wei": "amount"}
    return pl.concat(
        [
            vault_rows(rows.join(moved, on=[*_TX, "vault"], how="semi"), NAME, "cash", **columns),
            vault_rows(
                rows.join(moved, on=[*_TX, "vault"], how="anti"), NAME, "redeemed", **columns
            ),
        ]
    )


def _moved(frames: Frames) -> pl.DataFrame:
    if "SharesMoved" in frames:
        return _own(frames["SharesMoved"])
    return pl.DataFrame(schema={**dict.fromkeys(_TX, pl.String()), "vault": pl.String()})


def share_transfers(frames: Frames, studio_shares: str | None) -> pl.DataFrame:
    """Rows of `share_transfers`: every move of shares, which our share contracts tell."""
    told = _told_by_old_vaults(frames)
    if "SharesMoved" not in frames:
        return told
    is_studio = pl.col("address") == pl.lit(studio_shares or "")
    moved = _moved(frames).select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        "vault",
        pl.col("from").alias("from_address"),
        pl.col("to").alias("to_address"),
        pl.col("shares").cast(WEI.polars),
        pl.when(is_studio).then(pl.lit("own")).otherwise(pl.lit("event")).alias("source"),
    )
    return pl.concat([moved, told], how="diagonal") if told.width else moved


def _told_by_old_vaults(frames: Frames) -> pl.DataFrame:
    """Shares minted on opening and burned together, of vaults that do not tell moves."""
    parts = []
    for name, mints in (("VaultOpened", True), ("SharesRedeemed", False)):
        if name not in frames:
            continue
        rows = frames[name].join(
            _moved(frames).select(*_TX, "vault"), on=[*_TX, "vault"], how="anti"
        )
        holder = pl.col("curator" if mints else "holder")
        ends = (pl.lit(NOBODY), holder) if mints else (holder, pl.lit(NOBODY))
        shares = pl.col("supply" if mints else "shares").cast(WEI.polars, strict=False)
        parts.append(
            (rows if mints else _own(rows)).select(
                *PLACE,
                pl.lit(0, pl.Int64).alias("item_index"),
                "vault",
                ends[0].alias("from_address"),
                ends[1].alias("to_address"),
                shares.alias("shares"),
                pl.lit("receipt").alias("source"),
            )
        )
    return pl.concat(parts).drop_nulls("shares") if parts else pl.DataFrame()


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
