"""What all agents see of the market on a day: values, prices, recent sales."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from contracts.reference.splits import Seat
from contracts.simulation.agents import People
from contracts.simulation.books.auctions import Auctions
from contracts.simulation.books.drops import Drops
from contracts.simulation.books.loans import Loans
from contracts.simulation.books.registry import Registry
from contracts.simulation.books.studio import Studio
from contracts.simulation.books.terms import Terms
from contracts.simulation.books.timelock import Timelock
from contracts.simulation.books.vaults import Vaults
from contracts.simulation.calls import OPERATOR
from contracts.simulation.demand import Matrix
from contracts.simulation.ledger import Ledger, Listing, Piece, Sale
from contracts.simulation.works import Work
from data.units import WEI_PER_ETH

MIN_PRICE_ETH, MAX_PRICE_ETH = 0.004, 8.0
_MIN_LEVEL_ETH, _MAX_LEVEL_ETH = 0.01, 3.0
_FAME_PER_SALE = 1.006
_FAME_PER_CUT = 0.994
_SALES_MEMORY_DAYS = 10.0


@dataclass
class Artistry:
    """What changes about an artist: the price level, works made, and the style of each."""

    level_eth: float
    made: int = 0
    works: list[int] = field(default_factory=list)


class World:
    """The state of one market and its books, and what follows from both.

    `clock` tells the times of the blocks of a day, in Unix seconds.
    """

    def __init__(
        self, people: People, demand: Matrix, index: Matrix, ledger: Ledger, terms: Terms
    ) -> None:
        self.people = people
        self.demand = demand
        self.index = index
        self.ledger = ledger
        self.terms = terms
        self.timelock = Timelock(ledger, terms.delay_s)
        self.registry = Registry(ledger, self.timelock, registrars=(OPERATOR,))
        self.auctions = Auctions(ledger)
        self.vaults = Vaults(ledger)
        self.loans = Loans(ledger, self.vaults)
        self.drops = Drops(ledger)
        self.studio = Studio(ledger, self.timelock, self.drops, terms.studio)
        self.clock: Callable[[int], list[int]] = lambda _: []
        self.artistry = {a.address: Artistry(a.level_eth) for a in people.artists}
        self.expected_sales = demand[:, 0].copy()
        self.unmet = 0
        self._levels_eth = self._style_levels()
        self._sold_today = np.zeros(demand.shape[0])
        ledger.on_sale = self._note_sale

    @property
    def day(self) -> int:
        """The day of the simulation."""
        return self.ledger.day

    def begin_day(self, day: int) -> None:
        """Closes the last day (everybody learns what sold) and opens the next."""
        keep = 1.0 - 1.0 / _SALES_MEMORY_DAYS
        if day > 0:
            self.expected_sales = keep * self.expected_sales + (1.0 - keep) * self._sold_today
        self._sold_today[:] = 0.0
        self._levels_eth = self._style_levels()
        self.ledger.day = day

    def value_eth(self, piece: Piece) -> float:
        """What a work is worth today: price level x what it shows x fashion of its style."""
        artistry = self.artistry.get(piece.creator)
        level_eth = artistry.level_eth if artistry else self._levels_eth[piece.style]
        return level_eth * float(np.exp(piece.log_appeal)) * self.fashion(piece.style)

    def asking_value_eth(self, level_eth: float, work: Work) -> float:
        """What an artist of a level may expect for a new work today."""
        return level_eth * float(np.exp(work.log_appeal)) * self.fashion(work.style)

    def fashion(self, style: int) -> float:
        """What today's demand does to the prices of a style, around 1."""
        return float(self.index[style, min(self.day, self.index.shape[1] - 1)])

    def split_of(self, work: Work) -> tuple[Seat, ...]:
        """Who shares in the royalties of a new work, as its mint will set it."""
        assets, pieces = self.registry.assets, self.ledger.pieces
        return self.terms.split(
            work.creator,
            assets[work.materials.model].registrant,
            assets[work.materials.dataset].registrant,
            [Seat(pieces[parent.token_id].creator, parent.share_bps) for parent in work.parents],
        )

    def lower_fame(self, artist: str) -> None:
        """An unsold work had to be offered for less."""
        self._scale_level(artist, _FAME_PER_CUT)

    def _note_sale(self, sale: Sale) -> None:
        if sale.is_wash:
            return
        self._sold_today[sale.style] += 1.0
        if sale.primary:
            self._scale_level(sale.seller, _FAME_PER_SALE)

    def _scale_level(self, artist: str, factor: float) -> None:
        artistry = self.artistry.get(artist)
        if artistry:
            level_eth = artistry.level_eth * factor
            artistry.level_eth = min(max(level_eth, _MIN_LEVEL_ETH), _MAX_LEVEL_ETH)

    def _style_levels(self) -> list[float]:
        """The median level of the artists of each style: what a stranger's work is measured by."""
        return [
            float(
                np.median(
                    [
                        self.artistry[a.address].level_eth
                        for a in self.people.artists
                        if style in a.styles
                    ]
                )
            )
            for style in range(self.demand.shape[0])
        ]


def asking_price_wei(rng: np.random.Generator, value_eth: float) -> int:
    """A price as people write it: two significant digits mostly, three or four else."""
    value_eth = min(max(value_eth, MIN_PRICE_ETH), MAX_PRICE_ETH)
    digits = int(rng.choice((2, 3, 4), p=(0.6, 0.3, 0.1)))
    return max(1, int(f"{round(float(f'{value_eth:.{digits - 1}e}') * 10**9)}")) * 10**9


def to_wei(value_eth: float) -> int:
    """An amount in wei, to the nearest 10^-9 ETH."""
    return round(value_eth * 10**9) * 10**9


def to_eth(value_wei: int) -> float:
    """An amount in ETH, for comparing; never for booking."""
    return value_wei / WEI_PER_ETH


def sample_offers(
    world: World, rng: np.random.Generator, style: int, count: int
) -> list[tuple[Piece, Listing]]:
    """Some public offers of a style, each at most once."""
    offered = world.ledger.offered[style]
    if not offered:
        return []
    picks = {int(pick) for pick in rng.integers(0, len(offered), count)}
    tokens = [offered[pick] for pick in sorted(picks)]
    return [(world.ledger.pieces[token], world.ledger.listings[token]) for token in tokens]
