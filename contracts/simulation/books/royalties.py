"""Royalties: what each source owed, and what the Splitter keeps for whom."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from contracts.reference.splits import ALL_BPS, Seat, SplitBooks
from contracts.simulation.errors import SimulationError
from data.units import ZERO_ADDRESS

TREASURY = "studio"
"""The studio's contract: treasury of every split, and recipient of the venues' fees."""


class Source(IntEnum):
    """Where a royalty comes from, as the Splitter's events say it."""

    PRIMARY = 1
    RESALE = 2
    AUCTION = 3
    FRACTIONALIZATION = 4
    BUYOUT = 5


@dataclass(slots=True)
class Flow:
    """Royalties of one source: how many payments, and their sum."""

    payments: int = 0
    wei: int = 0


class Royalties:
    """The Splitter's books, with the royalty terms of every work.

    Amounts are exact: the terms alone say what is owed, and all of it is paid into the Splitter.
    """

    def __init__(self) -> None:
        self.splits = SplitBooks(TREASURY, creators={})
        self.flows: dict[Source, Flow] = {source: Flow() for source in Source}
        self._bps: dict[int, int] = {}
        self._waiting: defaultdict[str, dict[int, None]] = defaultdict(dict)

    def set_terms(self, token_id: int, bps: int) -> None:
        """Fixes the royalty of a work, or changes it for later sales."""
        self._bps[token_id] = bps

    def set_split(self, token_id: int, creator: str, seats: Sequence[Seat]) -> None:
        """Says who shares in a work's royalties; without seats its creator has them all."""
        self.splits.creators[token_id] = creator
        if seats:
            self.splits.set_split(token_id, seats)

    def note_split(self, token_id: int, seats: Sequence[Seat]) -> None:
        """Takes in a split that others set, or in which they handed a place on."""
        self.splits.seats[token_id] = list(seats)

    def owed_wei(self, token_id: int, price_wei: int) -> int:
        """The royalty on a price, rounded down: ERC-2981."""
        return price_wei * self._bps[token_id] // ALL_BPS

    def pay(self, token_id: int, amount_wei: int, source: Source) -> None:
        """Books a royalty that a contract pays into the Splitter; zero is no payment."""
        if amount_wei == 0:
            return
        flow = self.flows[source]
        flow.payments += 1
        flow.wei += amount_wei
        self.receive(token_id, amount_wei)

    def receive(self, token_id: int, amount_wei: int) -> None:
        """Divides what came for a work, from the market or from others."""
        self.splits.receive(token_id, ZERO_ADDRESS, amount_wei)
        for seat in self._seats(token_id):
            self._waiting[seat.payee][token_id] = None

    def waiting(self, payee: str) -> list[int]:
        """The works for which something waits for a payee, oldest first."""
        books = self.splits.releasable
        tokens = [t for t in self._waiting[payee] if books.get((t, ZERO_ADDRESS, payee), 0)]
        self._waiting[payee] = dict.fromkeys(tokens)
        return tokens

    def waiting_wei(self, payee: str) -> int:
        """How much waits for a payee."""
        books = self.splits.releasable
        return sum(books.get((token, ZERO_ADDRESS, payee), 0) for token in self._waiting[payee])

    def release(self, payee: str, token_ids: Sequence[int]) -> int:
        """Takes out what waits for a payee from these works; returns the wei.

        Raises:
            SimulationError: nothing waits, so that the contract would refuse.
        """
        amount_wei = self.splits.release(token_ids, ZERO_ADDRESS, payee)
        if amount_wei == 0:
            message = f"nothing waits for {payee} from {len(token_ids)} works"
            raise SimulationError(message)
        return amount_wei

    def seats_of(self, token_id: int) -> tuple[Seat, ...]:
        """The split in force; empty where the creator has the whole."""
        return tuple(self.splits.seats.get(token_id, ()))

    def reassign(self, token_id: int, seat: int, payee: str) -> None:
        """Hands a place on, for later payments."""
        self.splits.reassign(token_id, seat, payee)

    def _seats(self, token_id: int) -> Sequence[Seat]:
        seats = self.splits.seats.get(token_id)
        return seats or [Seat(self.splits.creators[token_id], ALL_BPS)]
