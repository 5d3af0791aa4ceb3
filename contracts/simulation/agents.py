"""Who takes part in the simulated market, drawn from the seed alone."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.styles import style_names

SLOTS_PER_DAY = 3
"""Blocks a day. The node hashes its whole state at every block: their number is what costs time."""

ARTISTS_PER_STYLE = 3
COLLECTORS = 120
FLIPPERS = 8
FRACTIONALIZERS = 3
LENDERS = 4
RAIDERS = 3
LABS = ("Prism Lab", "Lumen Works", "Hollow Mind", "Tessera AI")

MEDIAN_LEVEL_ETH = 0.13
LEVEL_SIGMA = 1.0
MIN_ROYALTY_BPS, MAX_ROYALTY_BPS = 250, 1_000
MEDIAN_INCOME_ETH = 0.7
INCOME_SIGMA = 0.9
PAYDAY_DAYS = 14
LATEST_ENTRY_DAY = 100

_FIRST = ("Ada", "Bruno", "Cleo", "Dario", "Esme", "Farid", "Greta", "Hugo", "Ines", "Jun",
          "Kira", "Leon", "Mira", "Nils", "Oda", "Pau", "Quinn", "Rosa", "Sami", "Tove",
          "Uma", "Vito", "Wren", "Xenia", "Yara", "Zeno")  # fmt: skip
_LAST = ("Alder", "Brook", "Castell", "Dorn", "Elm", "Fjord", "Grau", "Hollis", "Iver", "Juncal",
         "Kestrel", "Lund", "Moreau", "Nacht", "Oriel", "Pell", "Quill", "Rook", "Sorrel",
         "Tamsin", "Umber", "Vale", "Winter", "Yew")  # fmt: skip


@dataclass(frozen=True)
class Artist:
    """Makes works of one or two styles; `level_eth` is the price of an average one at first.

    `slot` is the block of the day in which the artist comes to the market.
    """

    address: str
    name: str
    styles: tuple[int, ...]
    level_eth: float
    royalty_bps: int
    slot: int


@dataclass(frozen=True)
class Collector:
    """Buys what it likes: `tastes` per style sum to 1, `activity` per weekday averages 1."""

    address: str
    tastes: NDArray[np.float64]
    activity: NDArray[np.float64]
    income_eth: float
    payday: int
    entry_day: int


@dataclass(frozen=True)
class Flipper:
    """Buys below the going price and offers again within days."""

    address: str
    capital_eth: float
    discount: float


@dataclass(frozen=True)
class Ring:
    """Wallets of one operator that trade with each other.

    `typology`: self (one wallet buys from itself), back_and_forth (two wallets), common_funder
    (three or more in a circle). The exchange funds the wallets itself where `hidden`; else the
    operator does, which Dune's rule 4 can see.
    """

    typology: str
    operator: str
    wallets: tuple[str, ...]
    hidden: bool
    first_day: int


@dataclass(frozen=True)
class Fractionalizer:
    """Buys dear works and opens vaults for them; `patient` ones keep all shares and redeem."""

    address: str
    first_day: int
    every_days: int
    patient: bool


@dataclass(frozen=True)
class Lab:
    """Registers datasets and models from `first_day` on, one pair every so many days."""

    address: str
    name: str
    first_day: int
    every_days: int


@dataclass(frozen=True)
class Lender:
    """Lends up to `advance` of what collateral is worth, at `interest` a month."""

    address: str
    capital_eth: float
    advance: float
    interest: float


@dataclass(frozen=True)
class Raider:
    """Buys whole works out of vaults when the reserve is below what it thinks they are worth."""

    address: str
    capital_eth: float
    premium: float


@dataclass(frozen=True)
class People:
    """Everybody on the market; the same seed gives the same people and addresses."""

    exchange: str
    artists: tuple[Artist, ...]
    collectors: tuple[Collector, ...]
    flippers: tuple[Flipper, ...]
    rings: tuple[Ring, ...]
    fractionalizers: tuple[Fractionalizer, ...]
    labs: tuple[Lab, ...]
    lenders: tuple[Lender, ...]
    raiders: tuple[Raider, ...]

    def addresses(self) -> frozenset[str]:
        """Every address of the simulation, operators and their wallets included."""
        found = {self.exchange}
        found.update(artist.address for artist in self.artists)
        found.update(collector.address for collector in self.collectors)
        found.update(flipper.address for flipper in self.flippers)
        found.update(agent.address for agent in self.fractionalizers)
        found.update(lab.address for lab in self.labs)
        found.update(lender.address for lender in self.lenders)
        found.update(raider.address for raider in self.raiders)
        found.update(wallet for ring in self.rings for wallet in (ring.operator, *ring.wallets))
        return frozenset(found)

    def labels(self) -> list[tuple[str, str, str]]:
        """What a chain explorer would know: (address, label, name). Only the exchange is public."""
        return [(self.exchange, "cex", "Simulated Exchange")]


def address_of(seed: int, role: str, number: int) -> str:
    """The address of an agent: the last 20 bytes of a SHA-256, lower-case."""
    return "0x" + hashlib.sha256(f"raisonne/{seed}/{role}/{number}".encode()).hexdigest()[-40:]


def draw_people(seed: int) -> People:
    """Draws the whole population of a market."""
    return People(
        exchange=address_of(seed, "exchange", 0),
        artists=_artists(seed),
        collectors=_collectors(seed),
        flippers=_flippers(seed),
        rings=_rings(seed),
        fractionalizers=_fractionalizers(seed),
        labs=_labs(seed),
        lenders=_lenders(seed),
        raiders=_raiders(seed),
    )


def _stream(seed: int, role: str) -> np.random.Generator:
    return np.random.default_rng([seed, *hashlib.sha256(role.encode()).digest()[:4]])


def _artists(seed: int) -> tuple[Artist, ...]:
    rng = _stream(seed, "artist")
    styles = len(style_names())
    names = rng.permutation([f"{first} {last}" for first in _FIRST for last in _LAST])
    artists = []
    for number in range(ARTISTS_PER_STYLE * styles):
        first = number % styles
        second = (first + int(rng.integers(1, styles))) % styles
        artists.append(
            Artist(
                address=address_of(seed, "artist", number),
                name=str(names[number]),
                styles=(first, second) if rng.random() < 0.4 else (first,),
                level_eth=MEDIAN_LEVEL_ETH * float(np.exp(rng.normal(0.0, LEVEL_SIGMA))),
                royalty_bps=int(rng.integers(MIN_ROYALTY_BPS // 50, MAX_ROYALTY_BPS // 50 + 1))
                * 50,
                slot=int(rng.integers(0, SLOTS_PER_DAY)),
            )
        )
    return tuple(artists)


def _collectors(seed: int) -> tuple[Collector, ...]:
    rng = _stream(seed, "collector")
    styles = len(style_names())
    collectors = []
    for number in range(COLLECTORS):
        weekend = rng.uniform(0.4, 1.6)
        activity = np.array([2.0 - weekend] * 5 + [weekend] * 2)
        collectors.append(
            Collector(
                address=address_of(seed, "collector", number),
                tastes=rng.dirichlet(np.full(styles, 0.6)),
                activity=activity * rng.lognormal(0.0, 0.5) / activity.mean(),
                income_eth=MEDIAN_INCOME_ETH * float(np.exp(rng.normal(0.0, INCOME_SIGMA))),
                payday=int(rng.integers(0, PAYDAY_DAYS)),
                entry_day=0 if rng.random() < 0.7 else int(rng.integers(1, LATEST_ENTRY_DAY)),
            )
        )
    return tuple(collectors)


def _flippers(seed: int) -> tuple[Flipper, ...]:
    rng = _stream(seed, "flipper")
    return tuple(
        Flipper(
            address=address_of(seed, "flipper", number),
            capital_eth=float(rng.uniform(2.0, 8.0)),
            discount=float(rng.uniform(0.72, 0.82)),
        )
        for number in range(FLIPPERS)
    )


def _rings(seed: int) -> tuple[Ring, ...]:
    rng = _stream(seed, "ring")
    # Typology, wallets, hidden: every rule that can catch a ring has one that only it catches.
    plan = [
        ("self", 1, True), ("self", 1, True),
        ("back_and_forth", 2, True), ("back_and_forth", 2, False),
        ("common_funder", 3, False), ("common_funder", 4, False), ("common_funder", 5, False),
    ]  # fmt: skip
    rings = []
    for number, (typology, size, hidden) in enumerate(plan):
        wallets = tuple(address_of(seed, f"ring{number}", wallet) for wallet in range(size))
        operator = wallets[0] if hidden else address_of(seed, "operator", number)
        rings.append(Ring(typology, operator, wallets, hidden, int(rng.integers(3, 13))))
    return tuple(rings)


def _fractionalizers(seed: int) -> tuple[Fractionalizer, ...]:
    rng = _stream(seed, "fractionalizer")
    return tuple(
        Fractionalizer(
            address=address_of(seed, "fractionalizer", number),
            first_day=int(rng.integers(4, 14)),
            every_days=int(rng.integers(12, 25)),
            patient=number == 0,
        )
        for number in range(FRACTIONALIZERS)
    )


def _labs(seed: int) -> tuple[Lab, ...]:
    rng = _stream(seed, "lab")
    return tuple(
        Lab(
            address=address_of(seed, "lab", number),
            name=name,
            first_day=int(rng.integers(4, 7)) + number,
            every_days=int(rng.integers(18, 35)),
        )
        for number, name in enumerate(LABS)
    )


def _lenders(seed: int) -> tuple[Lender, ...]:
    rng = _stream(seed, "lender")
    return tuple(
        Lender(
            address=address_of(seed, "lender", number),
            capital_eth=float(rng.uniform(4.0, 10.0)),
            advance=float(rng.uniform(0.40, 0.65)),
            interest=float(rng.uniform(0.02, 0.08)),
        )
        for number in range(LENDERS)
    )


def _raiders(seed: int) -> tuple[Raider, ...]:
    rng = _stream(seed, "raider")
    return tuple(
        Raider(
            address=address_of(seed, "raider", number),
            capital_eth=float(rng.uniform(10.0, 20.0)),
            premium=float(rng.uniform(1.0, 1.3)),
        )
        for number in range(RAIDERS)
    )
