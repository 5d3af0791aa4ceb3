"""What the deployed contracts fix, as the market's books must know it."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.reference.splits import ALL_BPS, Seat
from contracts.simulation.books.royalties import TREASURY


@dataclass(frozen=True, slots=True)
class Terms:
    """Fees and shares in basis points, the timelock's delay in seconds."""

    fee_bps: int = 250
    model_bps: int = 500
    dataset_bps: int = 500
    treasury_bps: int = 250
    delay_s: int = 2 * 86_400

    def split(
        self,
        creator: str,
        model_registrant: str,
        dataset_registrant: str,
        parents: Sequence[Seat] = (),
    ) -> tuple[Seat, ...]:
        """The split that a mint sets: creator first with the rest, one place per account."""
        shares_bps = {creator: 0}
        others = (
            Seat(model_registrant, self.model_bps),
            Seat(dataset_registrant, self.dataset_bps),
            *parents,
            Seat(TREASURY, self.treasury_bps),
        )
        for seat in others:
            if seat.bps:
                shares_bps[seat.payee] = shares_bps.get(seat.payee, 0) + seat.bps
        shares_bps[creator] += ALL_BPS - sum(seat.bps for seat in others)
        return tuple(Seat(payee, bps) for payee, bps in shares_bps.items())
