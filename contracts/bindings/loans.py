"""Calls of `Loans`: a work or vault shares against ETH, between two people."""

from enum import IntEnum
from typing import NamedTuple

from contracts.bindings.artwork import Artwork
from contracts.bindings.base import SECONDS_PER_DAY, PayingBinding, Session
from contracts.bindings.vaults import Vault
from contracts.decoding import first_event


class LoanState(IntEnum):
    """Where a loan stands."""

    NONE = 0
    OFFERED = 1
    STARTED = 2
    REPAID = 3
    CLAIMED = 4
    CANCELLED = 5


class Loan(NamedTuple):
    """A loan, over or not: times in Unix seconds, `term_s` in seconds; `lender` holds the note."""

    borrower: str
    due_time: int
    term_s: int
    state: LoanState
    lender: str
    token_id: int
    collateral: str
    quantity: int
    principal_wei: int
    repayment_wei: int


class Loans(PayingBinding):
    """The place where loans are made."""

    NAME = "Loans"

    def __init__(self, session: Session, address: str, artwork: Artwork) -> None:
        super().__init__(session, address)
        self._artwork = artwork

    def offer_work(self, token_id: int, principal_wei: int, repayment_wei: int, days: float) -> int:
        """Asks for a loan against a work of the signer; returns the loan's id."""
        self._artwork.approve_once(self.address)
        term_s = round(days * SECONDS_PER_DAY)
        receipt = self._send("offerWork", token_id, principal_wei, repayment_wei, term_s)
        return int(first_event(receipt, self.NAME, "LoanOffered")["loanId"])

    def offer_shares(
        self, vault: str, amount: int, principal_wei: int, repayment_wei: int, days: float
    ) -> int:
        """Asks for a loan against shares (units of 10^-18) of the signer; returns the loan's id."""
        Vault(self.session, vault).approve(self.address, amount)
        term_s = round(days * SECONDS_PER_DAY)
        receipt = self._send("offerShares", vault, amount, principal_wei, repayment_wei, term_s)
        return int(first_event(receipt, self.NAME, "LoanOffered")["loanId"])

    def cancel(self, loan_id: int) -> None:
        """Takes the signer's offer and its collateral back."""
        self._send("cancel", loan_id)

    def lend(self, loan_id: int, terms: bytes | None = None) -> None:
        """Lends the principal on the terms seen before, else on those that stand there now."""
        expected = self.terms_of(loan_id) if terms is None else terms
        self._send("lend", loan_id, expected, value_wei=self.loan(loan_id).principal_wei)

    def repay(self, loan_id: int) -> None:
        """Pays a loan back; the collateral returns to its borrower, whoever pays."""
        self._send("repay", loan_id, value_wei=self.loan(loan_id).repayment_wei)

    def claim(self, loan_id: int) -> None:
        """Takes the collateral of an overdue loan whose note is the signer's."""
        self._send("claim", loan_id)

    def transfer_note(self, loan_id: int, to_address: str) -> None:
        """Gives the signer's note away."""
        self._send("transferNote", loan_id, to_address)

    def loan(self, loan_id: int) -> Loan:
        """Returns a loan; of state NONE where there is none of that id."""
        values = self._read("loanOf", loan_id)
        return Loan(*values[:3], LoanState(values[3]), *values[4:])

    def terms_of(self, loan_id: int) -> bytes:
        """Returns the hash of what a lender agrees to."""
        return bytes(self._read("termsOf", loan_id))

    def dividend_of(self, loan_id: int) -> int:
        """Returns the wei that shares in escrow earned; they go where the shares go."""
        return int(self._read("dividendOf", loan_id))

    def is_claimable(self, loan_id: int) -> bool:
        """Returns whether a loan is overdue and its collateral not claimed yet."""
        return bool(self._read("isClaimable", loan_id))
