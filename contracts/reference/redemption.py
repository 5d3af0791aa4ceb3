"""What a `Vault` lets whom do and owes to whom, in whole wei and share units; no floats, no chain.

Where the contract keeps running totals, this reference goes through all holders anew: the reserve
from every vote, a dividend to every holder at the moment it is paid.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

ALL_BPS = 10_000
QUORUM_BPS = 5_000
STEP_BPS = 500
TAKE_OUT_BPS = 9_500
VOTE_RANGE = 5
MIN_BUYOUT_WEI = 10**15
BUYOUT_S = 7 * 86_400
EXTENSION_S = 15 * 60
MOST_WEI = 2**128 - 1

OPEN, BUYOUT, OVER = range(3)
"""Phases, as the contract numbers them."""


class RefusedError(ValueError):
    """The contract reverts such a call, and nothing changes."""


@dataclass(frozen=True, slots=True)
class Vote:
    """A price in wei for the whole work, and the share units locked behind it."""

    price_wei: int
    shares: int


def reserve_wei(votes: list[Vote]) -> int:
    """Returns the mean of the votes by shares, rounded up; 0 without votes."""
    locked = sum(vote.shares for vote in votes)
    return ceil(Fraction(sum(v.price_wei * v.shares for v in votes), locked)) if locked else 0


def redemption_wei(proceeds_wei: int, shares: int, supply: int) -> int:
    """Returns what `shares` of `supply` fetch of the proceeds, rounded down."""
    return floor(Fraction(proceeds_wei * shares, supply))


@dataclass
class VaultBooks:
    """The books of one vault, moved by the same calls as the contract.

    `shares` starts with all of the supply at the curator. `earned` is in wei times shares.
    """

    curator: str
    supply: int
    valuation_wei: int
    royalty_bps: int
    shares: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    votes: dict[str, Vote] = field(default_factory=dict)
    phase: int = OPEN
    bidder: str = ""
    bid_wei: int = 0
    end_s: int = 0
    refunds: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    proceeds_wei: int = 0
    claim_shares: int = 0
    redeemed_wei: int = 0
    treasury_wei: int = 0
    royalty_wei: int = 0
    paid_wei: int = 0
    earned: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    claimed: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.shares[self.curator] = self.supply

    @property
    def reserve_wei(self) -> int:
        """The mean of all votes in wei."""
        return reserve_wei(list(self.votes.values()))

    @property
    def least_bid_wei(self) -> int:
        """The lowest bid that would be taken next."""
        if self.phase == OPEN:
            return max(self.reserve_wei, MIN_BUYOUT_WEI)
        return self.bid_wei + ceil(Fraction(self.bid_wei * STEP_BPS, ALL_BPS))

    def vote_bounds(self, voter: str, shares: int) -> tuple[int, int]:
        """Returns the lowest and highest price that a voter may name with so many shares."""
        others = [vote for name, vote in self.votes.items() if name != voter]
        silent = self.supply - shares - sum(vote.shares for vote in others)
        if silent:
            others.append(Vote(self.valuation_wei, silent))
        weight = sum(vote.shares for vote in others)
        said = sum(v.price_wei * v.shares for v in others) // weight if weight else None
        said = self.valuation_wei if said is None else said
        return ceil(Fraction(said, VOTE_RANGE)), min(said * VOTE_RANGE, MOST_WEI)

    def take_out_wei(self, holder: str) -> int:
        """Returns what a holder pays for the others' shares to take the work out."""
        price_wei = max(self.reserve_wei, self.valuation_wei)
        return ceil(Fraction(price_wei * (self.supply - self.shares[holder]), self.supply))

    def dividend_wei(self, holder: str) -> int:
        """Returns what a holder can claim now: exact, rounded down once."""
        return floor(Fraction(self.earned[holder], self.supply)) - self.claimed[holder]

    def redemption_wei(self, holder: str) -> int:
        """Returns what a holder's shares fetch now."""
        if not self.claim_shares:
            return 0
        return redemption_wei(self.proceeds_wei, self.shares[holder], self.claim_shares)

    def transfer(self, holder: str, to: str, shares: int) -> None:
        """Gives shares away; those behind a vote stay until the work is gone."""
        locked = self.votes[holder].shares if holder in self.votes and self.phase != OVER else 0
        _refuse_unless(shares <= self.shares[holder] - locked, "these shares are not free")
        self.shares[holder] -= shares
        self.shares[to] += shares

    def vote(self, voter: str, price_wei: int, shares: int) -> None:
        """Names a price with shares behind it, in place of the voter's last."""
        self._require(OPEN)
        _refuse_unless(0 < shares <= self.shares[voter], "not the voter's shares")
        least, most = self.vote_bounds(voter, shares)
        _refuse_unless(least <= price_wei <= most, "out of bounds")
        self.votes[voter] = Vote(price_wei, shares)

    def unvote(self, voter: str) -> None:
        """Takes a vote back."""
        self._require(OPEN)
        _refuse_unless(voter in self.votes, "no vote")
        del self.votes[voter]

    def start(self, bidder: str, amount_wei: int, now_s: int) -> None:
        """Opens the auction of the work."""
        self._require(OPEN)
        locked = sum(vote.shares for vote in self.votes.values())
        _refuse_unless(locked * ALL_BPS >= self.supply * QUORUM_BPS, "no quorum")
        _refuse_unless(amount_wei >= self.least_bid_wei, "too low")
        self.phase = BUYOUT
        self.bidder, self.bid_wei, self.end_s = bidder, amount_wei, now_s + BUYOUT_S

    def bid(self, bidder: str, amount_wei: int, now_s: int) -> None:
        """Outbids; the bidder before is credited."""
        self._require(BUYOUT)
        _refuse_unless(now_s <= self.end_s, "too late")
        _refuse_unless(amount_wei >= self.least_bid_wei, "too low")
        self.refunds[self.bidder] += self.bid_wei
        self.bidder, self.bid_wei = bidder, amount_wei
        self.end_s = max(self.end_s, now_s + EXTENSION_S)

    def settle(self, now_s: int) -> None:
        """Ends the auction and freezes what the shares divide."""
        self._require(BUYOUT)
        _refuse_unless(now_s > self.end_s, "too early")
        self._hand_over(self.bid_wei, self.supply)

    def take_out(self, holder: str, amount_wei: int) -> None:
        """Takes the work out with 95 % of the shares; the change goes back at once."""
        self._require(OPEN)
        own = self.shares[holder]
        _refuse_unless(own * ALL_BPS >= self.supply * TAKE_OUT_BPS, "too few shares")
        due_wei = self.take_out_wei(holder)
        _refuse_unless(amount_wei >= due_wei, "too little")
        self._hand_over(due_wei, self.supply - own)
        self.shares[holder] = 0

    def redeem(self, holder: str) -> int:
        """Returns what the holder's shares fetched, and burns them."""
        self._require(OVER)
        _refuse_unless(self.shares[holder] > 0, "no shares")
        part_wei = self.redemption_wei(holder)
        self.redeemed_wei += part_wei
        self.shares[holder] = 0
        if not any(self.shares.values()):
            self.treasury_wei += self.proceeds_wei - self.redeemed_wei
            self.redeemed_wei = self.proceeds_wei
        return part_wei

    def distribute(self, amount_wei: int) -> None:
        """Pays a dividend to all who hold shares now."""
        _refuse_unless(self.phase != OVER, "the work is gone")
        _refuse_unless(0 < amount_wei <= MOST_WEI - self.paid_wei, "no amount")
        self.paid_wei += amount_wei
        for holder, shares in self.shares.items():
            self.earned[holder] += amount_wei * shares

    def claim(self, holder: str) -> int:
        """Returns the dividends that a holder took."""
        amount_wei = self.dividend_wei(holder)
        _refuse_unless(amount_wei > 0, "nothing to claim")
        self.claimed[holder] += amount_wei
        return amount_wei

    def withdraw(self, account: str) -> int:
        """Returns what an account that was outbid took back."""
        _refuse_unless(self.refunds[account] > 0, "nothing to withdraw")
        return self.refunds.pop(account)

    @property
    def balance_wei(self) -> int:
        """All the ETH that the vault must hold."""
        return (
            sum(self.refunds.values())
            + (self.bid_wei if self.phase == BUYOUT else 0)
            + self.proceeds_wei
            - self.redeemed_wei
            + self.paid_wei
            - sum(self.claimed.values())
        )

    def _require(self, phase: int) -> None:
        _refuse_unless(self.phase == phase, f"phase {self.phase}, not {phase}")

    def _hand_over(self, amount_wei: int, claim_shares: int) -> None:
        self.phase = OVER
        self.royalty_wei = amount_wei * self.royalty_bps // ALL_BPS
        self.proceeds_wei, self.claim_shares = amount_wei - self.royalty_wei, claim_shares


def _refuse_unless(condition: bool, why: str) -> None:
    if not condition:
        raise RefusedError(why)
