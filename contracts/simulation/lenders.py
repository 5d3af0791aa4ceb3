"""Loans: owners borrow against works or shares; some repay, some default, notes change hands."""

from dataclasses import dataclass

import numpy as np

from contracts.simulation.books.loans import Loan, Offered, State
from contracts.simulation.collectors import Crowd
from contracts.simulation.world import World, asking_price_wei, to_wei

DAY_S = 86_400

_ASK_CHANCE = 0.45
_SHARES_CHANCE = 0.35
_LEAST_ETH, _LEAST_SHARES_ETH = 0.08, 0.005
_HELD_DAYS = 4
_TERM_DAYS = (4, 32)
_LEND_CHANCE = 0.6
_GIVE_UP_DAYS = 4
_DEFAULT_EVERY, _DEFAULT = 4, 2
_NOTE_CHANCE = 0.02
_SELL_MARKUP = 1.02
_STAKE_ETH = 6.0
_MONTH_DAYS = 30.0


@dataclass(slots=True)
class Deal:
    """A loan as its borrower thinks of it: until when to wait, and whether to pay it back."""

    loan: Loan
    offered_day: int
    honest: bool


class Lenders:
    """Those who lend, and the collectors who borrow from them."""

    def __init__(self, world: World, crowd: Crowd) -> None:
        self._world = world
        self._crowd = crowd
        self._deals: list[Deal] = []
        self._lenders = {lender.address: lender for lender in world.people.lenders}

    def act(self, rng: np.random.Generator) -> None:
        """Repays, claims, lends, gives up, sells notes, and asks for new loans."""
        for deal in list(self._deals):
            if deal.loan.state == State.STARTED:
                self._go_on(rng, deal)
            elif deal.loan.state == State.OFFERED:
                self._negotiate(rng, deal)
            else:
                self._deals.remove(deal)
        if rng.random() < _ASK_CHANCE:
            by_shares = rng.random() < _SHARES_CHANCE
            self._ask_with_shares(rng) if by_shares else self._ask_with_work(rng)

    def _ask_with_work(self, rng: np.random.Generator) -> None:
        world = self._world
        tokens = list(world.ledger.pieces)
        for pick in rng.integers(0, max(len(tokens), 1), 12 if tokens else 0):
            piece = world.ledger.pieces[tokens[int(pick)]]
            held_days = world.day - piece.acquired_day
            ours = self._crowd.knows(piece.owner) and held_days >= _HELD_DAYS
            if ours and world.value_eth(piece) >= _LEAST_ETH:
                break
        else:
            return
        if world.ledger.can_pay(piece.owner, 0):
            terms = self._terms(rng, world.value_eth(piece))
            self._note(world.loans.offer_work(piece.token_id, terms))

    def _ask_with_shares(self, rng: np.random.Generator) -> None:
        world = self._world
        holdings = [
            (vault, holder)
            for vault in world.vaults.running.values()
            for holder in vault.shares.balances
            if self._crowd.knows(holder) and vault.free(holder) and self._able(holder, 0)
        ]
        if not holdings:
            return
        vault, holder = holdings[int(rng.integers(0, len(holdings)))]
        shares = vault.free(holder) // int(rng.integers(1, 4))
        whole_eth = world.value_eth(world.ledger.pieces[vault.token_id])
        value_eth = whole_eth * shares / vault.shares.issued
        if value_eth >= _LEAST_SHARES_ETH:
            terms = self._terms(rng, value_eth)
            self._note(world.loans.offer_shares(holder, vault, shares, terms))

    def _terms(self, rng: np.random.Generator, value_eth: float) -> Offered:
        """What a borrower asks for: as much as lenders give, at their interest."""
        lenders = self._world.people.lenders
        lender = lenders[int(rng.integers(0, len(lenders)))]
        days = int(rng.integers(*_TERM_DAYS))
        principal_wei = max(to_wei(value_eth * lender.advance), 10**12)
        interest = lender.interest * days / _MONTH_DAYS
        repayment_wei = principal_wei + int(principal_wei * interest)
        return Offered(principal_wei, repayment_wei, days * DAY_S)

    def _note(self, loan: Loan) -> None:
        # By turns, so that a short market, too, sees both ends.
        honest = len(self._world.loans.loans) % _DEFAULT_EVERY != _DEFAULT
        self._deals.append(Deal(loan, self._world.day, honest))

    def _negotiate(self, rng: np.random.Generator, deal: Deal) -> None:
        """A lender may take the offer of an earlier day; in the end the borrower takes it back."""
        world, loan = self._world, deal.loan
        lenders = world.people.lenders
        lender = lenders[int(rng.integers(0, len(lenders)))].address
        # A lender counts on what the chain shows: the offer must be in an earlier block.
        if world.day == deal.offered_day:
            return
        if rng.random() < _LEND_CHANCE:
            if world.ledger.can_pay(lender, loan.offered.principal_wei):
                world.loans.lend(loan, lender)
            else:
                exchange = world.people.exchange
                world.ledger.send_eth(
                    exchange, lender, loan.offered.principal_wei + to_wei(_STAKE_ETH)
                )
        elif world.day - deal.offered_day >= _GIVE_UP_DAYS and self._able(loan.borrower, 0):
            world.loans.cancel(loan)

    def _go_on(self, rng: np.random.Generator, deal: Deal) -> None:
        world, loan = self._world, deal.loan
        left_s = loan.due_time - world.ledger.now
        if left_s < 0:
            if self._able(loan.lender, 0):
                world.loans.claim(loan)
                self._sell(rng, loan)
        elif (
            deal.honest
            and left_s < 3 * DAY_S
            and self._able(loan.borrower, loan.offered.repayment_wei)
        ):
            world.loans.repay(loan, loan.borrower)
        elif rng.random() < _NOTE_CHANCE and self._able(loan.lender, 0):
            others = [address for address in self._lenders if address != loan.lender]
            world.loans.transfer_note(loan, others[int(rng.integers(0, len(others)))])

    def _sell(self, rng: np.random.Generator, loan: Loan) -> None:
        """Lenders keep shares, and offer works that became theirs."""
        world = self._world
        if loan.vault or not world.ledger.can_pay(loan.lender, 0):
            return
        value_eth = world.value_eth(world.ledger.pieces[loan.token_id]) * _SELL_MARKUP
        world.ledger.offer(loan.token_id, asking_price_wei(rng, value_eth))

    def _able(self, address: str, value_wei: int) -> bool:
        return self._world.ledger.can_pay(address, value_wei)

    def fund(self) -> None:
        """Brings the lenders their capital, on the first day."""
        for lender in self._world.people.lenders:
            exchange, ledger = self._world.people.exchange, self._world.ledger
            ledger.send_eth(exchange, lender.address, to_wei(lender.capital_eth))
