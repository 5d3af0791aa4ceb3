"""What Loans holds: collateral in escrow, and who owes what to whom until when."""

from dataclasses import dataclass
from enum import IntEnum

from contracts.simulation.books.vaults import Vault, Vaults
from contracts.simulation.calls import Hashed, Place, VaultOf
from contracts.simulation.errors import SimulationError
from contracts.simulation.ledger import Ledger

LOANS = Place("loans")
ARTWORK = Place("artwork")

_TERMS = ("address", "address", "uint96", "uint96", "uint128", "uint128", "uint32")


class State(IntEnum):
    """Where a loan is in its life, as the contract counts."""

    OFFERED = 1
    STARTED = 2
    REPAID = 3
    CLAIMED = 4
    CANCELLED = 5


@dataclass(frozen=True, slots=True)
class Offered:
    """What a borrower asks for, in wei and seconds."""

    principal_wei: int
    repayment_wei: int
    term_s: int


@dataclass(slots=True)
class Loan:
    """A loan in wei; `shares` of vault `vault` are in escrow, or the work where that is 0.

    `dividends_before_wei` is what the vault had paid to all shares when these came.
    """

    loan_id: int
    borrower: str
    token_id: int
    vault: int
    shares: int
    offered: Offered
    state: State = State.OFFERED
    lender: str = ""
    due_time: int = 0
    dividends_before_wei: int = 0

    @property
    def collateral(self) -> Place | VaultOf:
        """The contract of what is in escrow."""
        return VaultOf(self.vault) if self.vault else ARTWORK

    @property
    def terms(self) -> Hashed:
        """What a lender agrees to: the contract's `termsOf`."""
        quantity = self.shares or 1
        values = (
            self.borrower, self.collateral, self.token_id, quantity,
            *_values(self.offered),
        )  # fmt: skip
        return Hashed(_TERMS, values)


class Loans:
    """Books of the Loans contract; `next_loan` is the id that it gives next.

    What shares earn in escrow goes with them.
    """

    def __init__(self, ledger: Ledger, vaults: Vaults, next_loan: int = 1) -> None:
        self.loans: dict[int, Loan] = {}
        self.next_loan = next_loan
        self._dividends_wei: dict[int, int] = {}
        self._ledger = ledger
        self._vaults = vaults

    def offer_work(self, token_id: int, offered: Offered) -> Loan:
        """Offers a work of its owner as collateral."""
        borrower = self._ledger.pieces[token_id].owner
        self._ledger.approve(borrower, "loans")
        self._ledger.call(borrower, LOANS, "offerWork", token_id, *_values(offered))
        self._ledger.hand_over(token_id, LOANS.name)
        return self._book(Loan(self.next_loan, borrower, token_id, 0, 0, offered))

    def offer_shares(self, borrower: str, vault: Vault, shares: int, offered: Offered) -> Loan:
        """Offers shares of a vault as collateral; they are approved for just that."""
        self._vaults.approve(borrower, vault, LOANS, shares)
        self._ledger.call(borrower, LOANS, "offerShares", vault.place, shares, *_values(offered))
        self._vaults.move(vault, borrower, LOANS.name, shares)
        loan = Loan(self.next_loan, borrower, vault.token_id, vault.number, shares, offered)
        loan.dividends_before_wei = vault.shares.paid_wei
        return self._book(loan)

    def cancel(self, loan: Loan) -> None:
        """Takes an offer back that nobody took."""
        self._require(loan, State.OFFERED)
        self._ledger.call(loan.borrower, LOANS, "cancel", loan.loan_id)
        loan.state = State.CANCELLED
        self._give(loan, loan.borrower)

    def lend(self, loan: Loan, lender: str) -> None:
        """Pays the principal to the borrower."""
        self._require(loan, State.OFFERED)
        self._ledger.call(
            lender, LOANS, "lend", loan.loan_id, loan.terms, value_wei=loan.offered.principal_wei
        )
        loan.state, loan.lender = State.STARTED, lender
        loan.due_time = self._ledger.now + loan.offered.term_s
        self._ledger.receive(loan.borrower, loan.offered.principal_wei)

    def repay(self, loan: Loan, payer: str) -> None:
        """Pays the lender; the collateral goes back to the borrower, whoever pays."""
        self._require(loan, State.STARTED)
        if self._ledger.now > loan.due_time:
            message = f"loan {loan.loan_id} was due at {loan.due_time}"
            raise SimulationError(message)
        self._ledger.call(payer, LOANS, "repay", loan.loan_id, value_wei=loan.offered.repayment_wei)
        loan.state = State.REPAID
        self._ledger.receive(loan.lender, loan.offered.repayment_wei)
        self._give(loan, loan.borrower)

    def claim(self, loan: Loan) -> None:
        """Gives the collateral of an overdue loan to its lender: no sale, and no royalty."""
        self._require(loan, State.STARTED)
        if self._ledger.now <= loan.due_time:
            message = f"loan {loan.loan_id} is not due before {loan.due_time}"
            raise SimulationError(message)
        self._ledger.call(loan.lender, LOANS, "claim", loan.loan_id)
        loan.state = State.CLAIMED
        self._give(loan, loan.lender)

    def transfer_note(self, loan: Loan, to: str) -> None:
        """Makes somebody else the lender."""
        self._require(loan, State.STARTED)
        self._ledger.call(loan.lender, LOANS, "transferNote", loan.loan_id, to)
        loan.lender = to

    def earned_wei(self, loan: Loan) -> int:
        """What the shares of a loan earned in dividends since they are in escrow."""
        if not loan.vault:
            return 0
        shares = self._vaults.opened[loan.vault].shares
        return loan.shares * (shares.paid_wei - loan.dividends_before_wei) // shares.issued

    @property
    def held_wei(self) -> int:
        """Dividends that were claimed for shares in escrow, and not passed on yet."""
        return sum(self._dividends_wei.values())

    def _book(self, loan: Loan) -> Loan:
        self.loans[loan.loan_id] = loan
        self.next_loan += 1
        return loan

    def _give(self, loan: Loan, to: str) -> None:
        if loan.vault:
            vault = self._vaults.opened[loan.vault]
            self._vaults.move(vault, LOANS.name, to, loan.shares)
            self._pay_dividends(loan, vault, to)
        else:
            self._ledger.hand_over(loan.token_id, to)

    def _pay_dividends(self, loan: Loan, vault: Vault, to: str) -> None:
        """What the shares earned in escrow goes with them; claimed when there is too little."""
        amount_wei = self.earned_wei(loan)
        if amount_wei == 0:
            return
        there_wei = self._dividends_wei.get(vault.number, 0)
        if there_wei < amount_wei:
            there_wei += vault.shares.claim(LOANS.name)
        self._dividends_wei[vault.number] = there_wei - amount_wei
        self._ledger.receive(to, amount_wei)

    def _require(self, loan: Loan, state: State) -> None:
        if loan.state != state:
            message = f"loan {loan.loan_id} is {loan.state.name}, not {state.name}"
            raise SimulationError(message)


def _values(offered: Offered) -> tuple[int, int, int]:
    return offered.principal_wei, offered.repayment_wei, offered.term_s
