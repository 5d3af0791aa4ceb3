"""What vaults hold: works in shares, votes on their price, bids for the whole, dividends."""

from dataclasses import dataclass, field
from enum import IntEnum

from contracts.reference.splits import ALL_BPS
from contracts.simulation.books.royalties import TREASURY, Source
from contracts.simulation.books.shares import Shares
from contracts.simulation.calls import Place, VaultOf
from contracts.simulation.errors import SimulationError
from contracts.simulation.ledger import Ledger
from data.units import WEI_PER_ETH

FACTORY = Place("vault_factory")
QUORUM_BPS = 5_000
TAKE_OUT_BPS = 9_500
STEP_BPS = 500
MIN_BUYOUT_WEI = WEI_PER_ETH // 1_000
BUYOUT_S = 7 * 86_400
EXTENSION_S = 15 * 60
VOTE_RANGE = 5


class Phase(IntEnum):
    """What can be done in a vault."""

    OPEN = 0
    BUYOUT = 1
    OVER = 2


@dataclass(frozen=True, slots=True)
class Vote:
    """A price for the whole work, with the shares that are locked behind it."""

    price_wei: int
    shares: int


@dataclass(slots=True)
class Vault:
    """One work in shares; `number` counts vaults from 1."""

    number: int
    token_id: int
    curator: str
    valuation_wei: int
    shares: Shares
    opened_day: int
    phase: Phase = Phase.OPEN
    votes: dict[str, Vote] = field(default_factory=dict)
    bidder: str = ""
    bid_wei: int = 0
    end_time: int = 0
    proceeds_wei: int = 0
    claim_shares: int = 0
    redeemed_wei: int = 0
    refunds_wei: dict[str, int] = field(default_factory=dict)

    @property
    def place(self) -> VaultOf:
        """Its contract, by name."""
        return VaultOf(self.number)

    @property
    def locked(self) -> int:
        """Shares behind all votes."""
        return sum(vote.shares for vote in self.votes.values())

    @property
    def has_quorum(self) -> bool:
        """Whether enough shares are locked for a buyout to start."""
        return self.locked >= _divide_up(self.shares.issued * QUORUM_BPS, ALL_BPS)

    @property
    def reserve_wei(self) -> int:
        """The mean of the votes by shares, rounded up; 0 without any."""
        said = sum(vote.price_wei * vote.shares for vote in self.votes.values())
        return _divide_up(said, self.locked) if self.locked else 0

    @property
    def least_bid_wei(self) -> int:
        """The lowest bid that would be taken next."""
        if self.phase == Phase.OPEN:
            return max(self.reserve_wei, MIN_BUYOUT_WEI)
        return self.bid_wei + _divide_up(self.bid_wei * STEP_BPS, ALL_BPS)

    @property
    def held_wei(self) -> int:
        """What the contract holds: dividends, the leading bid, refunds, proceeds not fetched."""
        bid_wei = self.bid_wei if self.phase == Phase.BUYOUT else 0
        proceeds_wei = self.proceeds_wei - self.redeemed_wei
        return self.shares.unclaimed_wei + bid_wei + sum(self.refunds_wei.values()) + proceeds_wei

    def free(self, holder: str) -> int:
        """Shares of a holder that no vote locks."""
        held = self.shares.balances.get(holder, 0)
        locked = self.votes.get(holder, Vote(0, 0)).shares
        return held if self.phase == Phase.OVER else held - locked

    def vote_bounds_wei(self, voter: str, shares: int) -> tuple[int, int]:
        """Lowest and highest price that a holder may name with so many shares."""
        said = self.valuation_wei
        others = self.shares.issued - shares
        if others:
            voted = [vote for who, vote in self.votes.items() if who != voter]
            silent = others - sum(vote.shares for vote in voted)
            named = sum(vote.price_wei * vote.shares for vote in voted)
            said = (named + silent * self.valuation_wei) // others
        return _divide_up(said, VOTE_RANGE), said * VOTE_RANGE

    def take_out_wei(self, holder: str) -> int:
        """What a holder would have to pay for the shares of the others."""
        missing = self.shares.issued - self.shares.balances.get(holder, 0)
        price_wei = max(self.reserve_wei, self.valuation_wei)
        return _divide_up(price_wei * missing, self.shares.issued)

    @property
    def is_unfinished(self) -> bool:
        """Whether the work is gone and somebody still has shares or a bid to fetch."""
        return self.phase == Phase.OVER and bool(self.shares.supply or self.refunds_wei)

    def may_take_out(self, holder: str) -> bool:
        """Whether a holder has enough shares to take the work out."""
        needed = _divide_up(self.shares.issued * TAKE_OUT_BPS, ALL_BPS)
        return self.shares.balances.get(holder, 0) >= needed

    def redemption_wei(self, holder: str) -> int:
        """What a holder's shares would bring now."""
        if not self.claim_shares:
            return 0
        return self.proceeds_wei * self.shares.balances.get(holder, 0) // self.claim_shares


class Vaults:
    """Books of the factory and of all vaults, by number; `of_work` names the last of each work."""

    def __init__(self, ledger: Ledger) -> None:
        self.opened: dict[int, Vault] = {}
        self.of_work: dict[int, int] = {}
        self.running: dict[int, Vault] = {}
        self.bought_out_wei: dict[int, int] = {}
        self._ledger = ledger

    def least_valuation_wei(self, token_id: int) -> int:
        """The highest of a work's last prices, in a buyout included."""
        at_venues_wei = self._ledger.highest_last_price_wei(token_id)
        return max(at_venues_wei, self.bought_out_wei.get(token_id, 0))

    def open(
        self, token_id: int, *, name: str, symbol: str, supply: int, valuation_wei: int
    ) -> Vault:
        """Turns a work into shares of its owner, who pays the royalty on the valuation.

        Raises:
            SimulationError: the valuation is below the work's last price.
        """
        ledger, curator = self._ledger, self._ledger.pieces[token_id].owner
        least_wei = self.least_valuation_wei(token_id)
        if valuation_wei < least_wei:
            message = f"work {token_id} is valued at {valuation_wei} wei, below {least_wei}"
            raise SimulationError(message)
        royalty_wei = ledger.royalties.owed_wei(token_id, valuation_wei)
        ledger.approve(curator, "vault_factory")
        ledger.call(
            curator, FACTORY, "open",
            token_id, name, symbol, supply, valuation_wei, value_wei=royalty_wei,
        )  # fmt: skip
        ledger.royalties.pay(token_id, royalty_wei, Source.FRACTIONALIZATION)
        number = len(self.opened) + 1
        shares = Shares(curator, supply)
        vault = Vault(number, token_id, curator, valuation_wei, shares, ledger.day)
        self.opened[number] = self.running[number] = vault
        self.of_work[token_id] = number
        ledger.hand_over(token_id, "vault")
        return vault

    def send(self, sender: str, vault: Vault, to: str, amount: int) -> None:
        """Gives shares away.

        Raises:
            SimulationError: the sender has too few that are not locked.
        """
        if vault.free(sender) < amount:
            message = f"{sender} cannot send {amount} shares of vault {vault.number}"
            raise SimulationError(message)
        self._ledger.call(sender, vault.place, "transfer", to, amount)
        vault.shares.move(sender, to, amount)

    def approve(self, owner: str, vault: Vault, spender: Place, amount: int) -> None:
        """Lets a contract take so many shares."""
        self._ledger.call(owner, vault.place, "approve", spender, amount)

    def move(self, vault: Vault, sender: str, to: str, amount: int) -> None:
        """Books shares that another contract moves."""
        vault.shares.move(sender, to, amount)

    def vote(self, voter: str, vault: Vault, price_wei: int, shares: int) -> None:
        """Names a price for the whole work and locks shares behind it.

        Raises:
            SimulationError: the contract would refuse the vote.
        """
        least_wei, most_wei = vault.vote_bounds_wei(voter, shares)
        held = vault.shares.balances.get(voter, 0)
        fits = 0 < shares <= held and least_wei <= price_wei <= most_wei
        if vault.phase != Phase.OPEN or not fits:
            message = f"{voter} cannot vote {price_wei} wei with {shares} in vault {vault.number}"
            raise SimulationError(message)
        self._ledger.call(voter, vault.place, "vote", price_wei, shares)
        vault.votes[voter] = Vote(price_wei, shares)

    def unvote(self, voter: str, vault: Vault) -> None:
        """Takes a vote back."""
        self._ledger.call(voter, vault.place, "unvote")
        del vault.votes[voter]

    def bid(self, bidder: str, vault: Vault, amount_wei: int) -> None:
        """Bids for the whole work; the first bid starts the buyout.

        Raises:
            SimulationError: the contract would refuse the bid.
        """
        now = self._ledger.now
        late = vault.phase == Phase.BUYOUT and now > vault.end_time
        early = vault.phase == Phase.OPEN and not vault.has_quorum
        if vault.phase == Phase.OVER or late or early or amount_wei < vault.least_bid_wei:
            message = f"{bidder} cannot bid {amount_wei} wei for vault {vault.number}"
            raise SimulationError(message)
        function = "startBuyout" if vault.phase == Phase.OPEN else "bid"
        self._ledger.call(bidder, vault.place, function, value_wei=amount_wei)
        if vault.phase == Phase.OPEN:
            vault.phase, vault.end_time = Phase.BUYOUT, now + BUYOUT_S
        else:
            refund_wei = vault.refunds_wei.get(vault.bidder, 0) + vault.bid_wei
            vault.refunds_wei[vault.bidder] = refund_wei
            if vault.end_time - now < EXTENSION_S:
                vault.end_time = now + EXTENSION_S
        vault.bidder, vault.bid_wei = bidder, amount_wei

    def settle(self, sender: str, vault: Vault) -> None:
        """Ends a buyout: the work to the winner, the rest after the royalty to the holders."""
        if vault.phase != Phase.BUYOUT or self._ledger.now <= vault.end_time:
            message = f"the buyout of vault {vault.number} is not over at {self._ledger.now}"
            raise SimulationError(message)
        self._ledger.call(sender, vault.place, "settle")
        self.bought_out_wei[vault.token_id] = vault.bid_wei
        self._hand_over(vault, vault.bidder, vault.bid_wei, vault.shares.issued)

    def take_out(self, holder: str, vault: Vault) -> None:
        """Gives the work to a holder of 95 % of the shares, who pays for those of the others."""
        held = vault.shares.balances.get(holder, 0)
        if vault.phase != Phase.OPEN or not vault.may_take_out(holder):
            message = (
                f"{holder} cannot take the work out of vault {vault.number} with {held} shares"
            )
            raise SimulationError(message)
        due_wei = vault.take_out_wei(holder)
        self._ledger.call(holder, vault.place, "takeOut", value_wei=due_wei)
        self._hand_over(vault, holder, due_wei, vault.shares.issued - held)
        vault.shares.burn(holder, held)

    def redeem(self, holder: str, vault: Vault) -> None:
        """Burns a holder's shares for their part of the proceeds; the last one leaves the dust."""
        amount_wei = vault.redemption_wei(holder)
        self._ledger.call(holder, vault.place, "redeem")
        vault.redeemed_wei += amount_wei
        vault.shares.burn(holder, vault.shares.balances[holder])
        if vault.shares.supply == 0:
            self._ledger.receive(TREASURY, vault.proceeds_wei - vault.redeemed_wei)
            vault.redeemed_wei = vault.proceeds_wei
        self._ledger.receive(holder, amount_wei)

    def distribute(self, payer: str, vault: Vault, amount_wei: int) -> None:
        """Pays a dividend to all holders of this moment."""
        self._ledger.call(payer, vault.place, "distribute", value_wei=amount_wei)
        vault.shares.distribute(amount_wei)

    def claim_dividend(self, holder: str, vault: Vault) -> None:
        """Fetches a holder's dividends."""
        self._ledger.call(holder, vault.place, "claimDividend")
        self._ledger.receive(holder, vault.shares.claim(holder))

    def withdraw(self, account: str, vault: Vault) -> None:
        """Fetches the bid of somebody who was outbid."""
        self._ledger.call(account, vault.place, "withdraw")
        self._ledger.receive(account, vault.refunds_wei.pop(account))

    def _hand_over(self, vault: Vault, winner: str, amount_wei: int, shares: int) -> None:
        royalty_wei = self._ledger.royalties.owed_wei(vault.token_id, amount_wei)
        vault.phase = Phase.OVER
        vault.proceeds_wei, vault.claim_shares = amount_wei - royalty_wei, shares
        del self.running[vault.number]
        self._ledger.hand_over(vault.token_id, winner)
        self._ledger.royalties.pay(vault.token_id, royalty_wei, Source.BUYOUT)


def _divide_up(amount: int, by: int) -> int:
    return -(-amount // by)
