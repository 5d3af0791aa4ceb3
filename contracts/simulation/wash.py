"""Wash rings: sales between wallets of one operator, made to look like demand.

A campaign buys a work honestly, sells it round the ring at rising prices, and then offers it to
everybody at a price that the ring's own sales suggest.
"""

from dataclasses import dataclass

import numpy as np

from contracts.simulation.actions import Story
from contracts.simulation.agents import Ring
from contracts.simulation.world import World, asking_price_wei, sample_offers, to_eth, to_wei

WALLET_ETH = 2.5
OPERATOR_SPARE_ETH = 1.0
_LEAST_ETH, _MOST_ETH = 0.03, 0.8
_RISE, _RISE_SIGMA = 0.05, 0.03
_STEP_CHANCE = 0.65
_REST_DAYS = (12, 24)
_EXIT_MARKUP = 0.9
_EXIT_CUT = 0.75
_LOOKS_AT = 10


@dataclass
class Campaign:
    """One work on its way round a ring: who holds it, and how many sales are still to come."""

    token_id: int
    holder: int
    steps_left: int
    price_wei: int


class Washing:
    """All rings of a market and their campaigns."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._campaigns: dict[Ring, Campaign] = {}
        self._next_day = {ring: ring.first_day for ring in world.people.rings}

    def fund_operator(self, ring: Ring) -> None:
        """Brings an operator the ETH for its wallets; a hidden ring's wallets get it directly."""
        ledger, exchange = self._world.ledger, self._world.people.exchange
        if ring.hidden:
            for wallet in ring.wallets:
                ledger.send_eth(exchange, wallet, to_wei(WALLET_ETH))
            return
        total_eth = WALLET_ETH * len(ring.wallets) + OPERATOR_SPARE_ETH
        ledger.send_eth(exchange, ring.operator, to_wei(total_eth))

    def fund_wallets(self, ring: Ring) -> None:
        """Passes an operator's ETH on to its wallets: the first that they ever get."""
        if not ring.hidden:
            for wallet in ring.wallets:
                self._world.ledger.send_eth(ring.operator, wallet, to_wei(WALLET_ETH))

    def act(self, rng: np.random.Generator, ring: Ring) -> None:
        """Starts, continues or ends the ring's campaign."""
        campaign = self._campaigns.get(ring)
        if campaign is None:
            if self._world.day >= self._next_day[ring]:
                self._start(rng, ring)
        elif rng.random() < _STEP_CHANCE:
            self._step(rng, ring, campaign)

    def _start(self, rng: np.random.Generator, ring: Ring) -> None:
        world = self._world
        style = int(rng.integers(0, len(world.ledger.offered)))
        holder = int(rng.integers(0, len(ring.wallets)))
        wallet = ring.wallets[holder]
        if not self._can_pay(ring, wallet, to_wei(_MOST_ETH)):
            return
        for _, listing in sample_offers(world, rng, style, _LOOKS_AT):
            fits = _LEAST_ETH <= to_eth(listing.price_wei) <= _MOST_ETH
            if fits and listing.seller not in ring.wallets:
                sale = world.ledger.buy(wallet, listing.token_id)
                steps = _steps(rng, ring)
                self._campaigns[ring] = Campaign(sale.token_id, holder, steps, sale.price_wei)
                break
        self._lower_exits(rng, ring)

    def _step(self, rng: np.random.Generator, ring: Ring, campaign: Campaign) -> None:
        ledger = self._world.ledger
        if campaign.steps_left == 0:
            self._exit(rng, ring, campaign)
            return
        rise = float(np.exp(rng.normal(_RISE, _RISE_SIGMA)))
        # To the wei: scripts do not round their prices as people do.
        price_wei = int(campaign.price_wei * rise) + int(rng.integers(0, 10**9))
        buyer = (campaign.holder + 1) % len(ring.wallets)
        wallet = ring.wallets[buyer]
        seller_can_pay = self._can_pay(ring, ring.wallets[campaign.holder], 0)
        if not (self._can_pay(ring, wallet, price_wei) and seller_can_pay):
            return
        campaign.price_wei = price_wei
        ledger.offer(campaign.token_id, campaign.price_wei, public=False)
        ledger.buy(wallet, campaign.token_id, Story("wash", ring.typology, ring.operator))
        campaign.holder = buyer
        campaign.steps_left -= 1

    def _exit(self, rng: np.random.Generator, ring: Ring, campaign: Campaign) -> None:
        if not self._can_pay(ring, ring.wallets[campaign.holder], 0):
            return
        price_eth = to_eth(campaign.price_wei) * _EXIT_MARKUP
        self._world.ledger.offer(campaign.token_id, asking_price_wei(rng, price_eth))
        self._next_day[ring] = self._world.day + int(rng.integers(*_REST_DAYS))
        del self._campaigns[ring]

    def _lower_exits(self, rng: np.random.Generator, ring: Ring) -> None:
        """Nobody believed the ring's prices: what is still on offer from before gets cheaper."""
        ledger = self._world.ledger
        for offer in [o for o in ledger.listings.values() if o.seller in ring.wallets]:
            if self._can_pay(ring, offer.seller, 0):
                price_eth = to_eth(offer.price_wei) * _EXIT_CUT
                ledger.offer(offer.token_id, asking_price_wei(rng, price_eth))

    def _can_pay(self, ring: Ring, wallet: str, value_wei: int) -> bool:
        """Whether a wallet can pay now; else more ETH is on its way, from where its first came.

        Fees and royalties eat a ring's money.
        """
        ledger, exchange = self._world.ledger, self._world.people.exchange
        if ledger.can_pay(wallet, value_wei):
            return True
        amount_wei = value_wei + to_wei(OPERATOR_SPARE_ETH)
        if ring.hidden:
            ledger.send_eth(exchange, wallet, amount_wei)
        elif ledger.can_pay(ring.operator, amount_wei):
            ledger.send_eth(ring.operator, wallet, amount_wei)
        else:
            ledger.send_eth(exchange, ring.operator, 2 * amount_wei)
        return False


def _steps(rng: np.random.Generator, ring: Ring) -> int:
    """Sales of one campaign: a circle of n makes at most two laps short of a return sale."""
    if ring.typology == "common_funder":
        return int(rng.integers(len(ring.wallets) - 1, 2 * len(ring.wallets) - 1))
    return int(rng.integers(2, 5))
