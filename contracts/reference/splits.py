"""What `Splitter` owes to whom, in whole units of a currency; no floats, no chain.

The contract's rule: of all that a token ever received in a currency since its split was set, each
place is owed its share in basis points, rounded down once. What cannot be divided yet is dust.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

ALL_BPS = 10_000
MAX_SEATS = 12
UNATTRIBUTED = 0
"""The token of payments that name none; it is the treasury's."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One place in a split: who is paid, and their share in basis points."""

    payee: str
    bps: int


def parts(received: int, amount: int, shares_bps: Sequence[int]) -> list[int]:
    """Returns what each place is credited when `amount` arrives after `received`, in that order."""
    total = received + amount
    return [total * bps // ALL_BPS - received * bps // ALL_BPS for bps in shares_bps]


def dust(received: int, shares_bps: Sequence[int]) -> int:
    """Returns what could not be divided of `received`: less than one unit per place."""
    return received - sum(received * bps // ALL_BPS for bps in shares_bps)


@dataclass
class SplitBooks:
    """The books of one Splitter, moved by the same calls as the contract.

    `creators` names the creator of each minted token: they have the whole until a split is set.
    Balances are by (token, currency, payee), totals by (token, currency).
    """

    treasury: str
    creators: dict[int, str]
    seats: dict[int, list[Seat]] = field(default_factory=dict)
    releasable: defaultdict[tuple[int, str, str], int] = field(
        default_factory=lambda: defaultdict(int)
    )
    received: defaultdict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    held: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.seats[UNATTRIBUTED] = [Seat(self.treasury, ALL_BPS)]

    def set_split(self, token_id: int, seats: Sequence[Seat]) -> None:
        """Sets the split of a token, once.

        Raises:
            ValueError: it is set already, or its shares are not a whole of 1 to 12 positive parts.
        """
        if token_id in self.seats:
            message = f"the split of token {token_id} is set already"
            raise ValueError(message)
        whole = sum(seat.bps for seat in seats) == ALL_BPS
        if not 1 <= len(seats) <= MAX_SEATS or not whole or any(seat.bps <= 0 for seat in seats):
            shown = [seat.bps for seat in seats]
            message = f"shares {shown} are not 1 to {MAX_SEATS} positive parts of {ALL_BPS}"
            raise ValueError(message)
        self.seats[token_id] = list(seats)

    def reassign(self, token_id: int, seat: int, payee: str) -> None:
        """Hands a place on; what it was credited so far stays with who had it."""
        self.seats[token_id][seat] = Seat(payee, self.seats[token_id][seat].bps)

    def receive(self, token_id: int, currency: str, amount: int) -> None:
        """Divides a payment for a token among the places of its split, or for its creator.

        Raises:
            KeyError: the token was never minted.
        """
        if amount == 0:
            return
        self.held[currency] += amount
        seats = self.seats.get(token_id)
        if seats is None:
            self.releasable[token_id, currency, self.creators[token_id]] += amount
            return
        before = self.received[token_id, currency]
        self.received[token_id, currency] = before + amount
        credits = parts(before, amount, [seat.bps for seat in seats])
        for seat, part in zip(seats, credits, strict=True):
            self.releasable[token_id, currency, seat.payee] += part

    def release(self, token_ids: Sequence[int], currency: str, payee: str) -> int:
        """Returns what a payee fetches from these tokens, and books it as gone."""
        amount = sum(self.releasable.pop((token, currency, payee), 0) for token in set(token_ids))
        self.held[currency] -= amount
        return amount

    def dust(self, token_id: int, currency: str) -> int:
        """Returns what a token received in a currency and could not divide yet."""
        shares_bps = [seat.bps for seat in self.seats.get(token_id, [])]
        return dust(self.received[token_id, currency], shares_bps)
