"""What the deployed contracts fix, as the market's books must know it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contracts.reference.splits import ALL_BPS, Seat
from contracts.simulation.books.royalties import TREASURY
from data.units import WEI_PER_ETH

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class StudioTerms:
    """How the studio runs: windows of a round and epochs in seconds, shares in basis points.

    `reserve_wei` stays in the studio when proceeds are shared; budgets are per epoch, of computing
    and gas in wei.
    """

    shares: int = 1_000_000 * WEI_PER_ETH
    submit_s: int = 2 * DAY_S
    commit_s: int = 2 * DAY_S
    reveal_s: int = 2 * DAY_S
    cap_bps: int = 1_000
    quorum_bps: int = 2_000
    epoch_s: int = 7 * DAY_S
    reserve_wei: int = 5 * WEI_PER_ETH
    burns_per_epoch: int = 10
    price_step_bps: int = 2_000
    compute_wei: int = 2 * WEI_PER_ETH
    gas_wei: int = WEI_PER_ETH
    mints: int = 64
    images: int = 10_000


@dataclass(frozen=True, slots=True)
class DropTerms:
    """Bounds of drops' parameters: prices in wei, decay in wads, the largest step of a start."""

    min_floor_wei: int = 10**12
    max_cap_wei: int = 1_000 * WEI_PER_ETH
    min_decay_wad: int = 10**16
    max_decay_wad: int = 9 * 10**17
    max_step_bps: int = 2_000


@dataclass(frozen=True, slots=True)
class Terms:
    """Fees and shares in basis points, the timelock's delay in seconds."""

    fee_bps: int = 250
    model_bps: int = 500
    dataset_bps: int = 500
    treasury_bps: int = 250
    delay_s: int = 2 * DAY_S
    studio: StudioTerms = StudioTerms()
    drops: DropTerms = DropTerms()

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Terms":
        """The inverse of `dataclasses.asdict`."""
        studio, drops = StudioTerms(**values["studio"]), DropTerms(**values["drops"])
        return cls(**{**values, "studio": studio, "drops": drops})

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
