"""Drops: artists sell series at a price that follows demand, and visitors take what is fair."""

from collections.abc import Sequence

import numpy as np

from contracts.reference.vrgda import VrgdaParams
from contracts.simulation.agents import Artist
from contracts.simulation.books.drops import Drop
from contracts.simulation.books.royalties import TREASURY
from contracts.simulation.collectors import Crowd
from contracts.simulation.registrars import Registrars
from contracts.simulation.works import make_work
from contracts.simulation.world import World, asking_price_wei, to_eth, to_wei

_WAD = 10**18
_OPEN_CHANCE = 0.16
_WORKS = (3, 8)
_START_LOW, _START_HIGH = 0.95, 1.25
_FLOOR_PART, _CAP_TIMES = 0.45, 3.0
_DECAY_LOW, _DECAY_HIGH = 0.06, 0.20
_WORKS_PER_DAY = (0.4, 1.2)
_LOOK_CHANCE = 0.5
_OPINION_SIGMA = 0.15
_SHARE_OF_PURSE = 0.8
_REPRICE_DAYS, _LAST_DAYS = 5, 16
_STEP = 0.85
_MINT_ETH = 0.03


class DropSellers:
    """Artists who sell series, and the visitors who look at all drops, the studio's included."""

    def __init__(self, world: World, crowd: Crowd, registrars: Registrars) -> None:
        self._world = world
        self._crowd = crowd
        self._registrars = registrars

    def act(self, rng: np.random.Generator) -> None:
        """Sees after the running drops of artists, and sometimes opens one."""
        world = self._world
        for drop in [d for d in world.drops.running.values() if d.seller != TREASURY]:
            self._see_after(rng, drop)
        if rng.random() < _OPEN_CHANCE:
            artists = world.people.artists
            self._open(rng, artists[int(rng.integers(0, len(artists)))])

    def divert(self, rng: np.random.Generator, visits: Sequence[int]) -> list[int]:
        """The visits that are left for the market, when some have bought out of a drop."""
        if not self._world.drops.running:
            return list(visits)
        return [style for style in visits if not self._visit(rng, style)]

    def _open(self, rng: np.random.Generator, artist: Artist) -> None:
        world = self._world
        if not world.ledger.can_pay(artist.address, to_wei(_MINT_ETH)):
            return
        style = artist.styles[0]
        tokens, values_eth = [], []
        for _ in range(int(rng.integers(*_WORKS))):
            artistry = world.artistry[artist.address]
            artistry.made += 1
            work = make_work(
                rng,
                creator=artist.address,
                artist=artist.name,
                number=artistry.made,
                style=style,
                royalty_bps=artist.royalty_bps,
                materials=self._registrars.materials(artist, style),
            )
            tokens.append(world.ledger.mint(work, world.split_of(work)))
            values_eth.append(world.asking_value_eth(artistry.level_eth, work))
        world.drops.open(artist.address, tokens, price_params(rng, float(np.median(values_eth))))

    def _visit(self, rng: np.random.Generator, style: int) -> bool:
        """Whether a visitor takes the most appealing work of a drop at its price."""
        world = self._world
        drops = [drop for drop in world.drops.running.values() if drop.style == style]
        if not drops or rng.random() >= _LOOK_CHANCE:
            return False
        drop = drops[int(rng.integers(0, len(drops)))]
        (visitor,) = self._crowd.draw(rng, style, 1)
        opinion = float(np.exp(rng.normal(0.0, _OPINION_SIGMA)))
        price_wei = drop.price_wei(world.ledger.now)
        best = max(drop.works, key=lambda token: world.ledger.pieces[token].log_appeal)
        value_eth = world.value_eth(world.ledger.pieces[best]) * opinion
        purse_wei = int(world.ledger.balance_wei(visitor.address) * _SHARE_OF_PURSE)
        affordable = world.ledger.can_pay(visitor.address, price_wei) and price_wei <= purse_wei
        if visitor.address == drop.seller or not affordable or to_eth(price_wei) > value_eth:
            return False
        world.drops.buy(visitor.address, drop, best)
        return True

    def _see_after(self, rng: np.random.Generator, drop: Drop) -> None:
        """Lowers the price of what does not sell, and takes the rest back in the end."""
        world, age_days = self._world, self._world.day - drop.opened_day
        if not world.ledger.can_pay(drop.seller, 0):
            return
        if age_days >= _LAST_DAYS:
            for token_id in world.drops.take_back(drop):
                if world.ledger.can_pay(drop.seller, 0):
                    value_eth = world.value_eth(world.ledger.pieces[token_id])
                    world.ledger.offer(token_id, asking_price_wei(rng, value_eth))
                    world.artistry[drop.seller].works.append(token_id)
        elif age_days >= _REPRICE_DAYS and not drop.repriced and drop.sold == 0:
            world.drops.reprice(drop, lowered(drop.params))


def price_params(rng: np.random.Generator, value_eth: float) -> VrgdaParams:
    """Parameters for works that are worth about so much: they start there, then follow sales."""
    start_wei = to_wei(value_eth * float(rng.uniform(_START_LOW, _START_HIGH)))
    return VrgdaParams(
        start_wei=start_wei,
        floor_wei=int(start_wei * _FLOOR_PART),
        cap_wei=int(start_wei * _CAP_TIMES),
        decay_wad=int(rng.uniform(_DECAY_LOW, _DECAY_HIGH) * _WAD),
        rate_wad=int(rng.uniform(*_WORKS_PER_DAY) * _WAD),
    )


def lowered(params: VrgdaParams) -> VrgdaParams:
    """The same schedule a step lower, within the step that is governed."""
    return VrgdaParams(
        start_wei=int(params.start_wei * _STEP),
        floor_wei=int(params.floor_wei * _STEP),
        cap_wei=params.cap_wei,
        decay_wad=params.decay_wad,
        rate_wad=params.rate_wad,
    )
