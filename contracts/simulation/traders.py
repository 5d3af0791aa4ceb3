"""Flippers buy below the going price and offer again; fractionalizers turn works into shares."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from contracts.simulation.agents import Flipper, Fractionalizer
from contracts.simulation.books.vaults import Phase, Vault
from contracts.simulation.ledger import Listing, Piece
from contracts.simulation.world import (
    World,
    asking_price_wei,
    sample_offers,
    to_eth,
    to_wei,
)

_HUNT_CHANCE = 0.4
_LOOKS_AT = 12
_ERROR_SIGMA = 0.08
_RELIST_DAYS = 4
_FLIP_CUT_DAYS, _FLIP_CUT_CHANCE = 7, 0.12
_SHARE = 10**18
_SUPPLIES = (1_000, 10_000, 100_000)
_LEAST_VALUE_ETH = 0.2
_TAKE_OUT_AFTER_DAYS = 16
_CLOSE_EVERY = 4
_WIDE_PART, _CLOSE_PART = 100, 2_000
_STAKE_ETH = 12.0


class Flippers:
    """All flippers of a market, with the works each still has to offer."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stock: dict[str, list[int]] = {f.address: [] for f in world.people.flippers}

    def hunt(self, rng: np.random.Generator, flipper: Flipper) -> None:
        """Buys the best bargain of a random style, if one is far enough below its value."""
        world = self._world
        if rng.random() >= _HUNT_CHANCE:
            return
        style = int(rng.integers(0, len(world.ledger.offered)))
        best, best_ratio = None, flipper.discount
        for piece, listing in sample_offers(world, rng, style, _LOOKS_AT):
            estimate_eth = world.value_eth(piece) * float(np.exp(rng.normal(0.0, _ERROR_SIGMA)))
            ratio = to_eth(listing.price_wei) / estimate_eth
            affordable = world.ledger.can_pay(flipper.address, listing.price_wei)
            if ratio < best_ratio and affordable and listing.seller != flipper.address:
                best, best_ratio = piece.token_id, ratio
        if best is not None:
            world.ledger.buy(flipper.address, best)
            self._stock[flipper.address].append(best)

    def offer(self, rng: np.random.Generator, flipper: Flipper) -> None:
        """Offers new stock within days, and lowers what does not move."""
        world, stock = self._world, self._stock[flipper.address]
        for token_id in list(stock):
            piece = world.ledger.pieces.get(token_id)
            if piece is None or piece.owner != flipper.address:
                stock.remove(token_id)
                continue
            listing = world.ledger.listings.get(token_id)
            if listing is None and rng.random() < 1.0 / _RELIST_DAYS:
                self._relist(rng, piece)
            elif listing and self._tired(rng, listing):
                price_eth = to_eth(listing.price_wei) * float(rng.uniform(0.85, 0.95))
                new_wei = asking_price_wei(rng, price_eth)
                if new_wei < listing.price_wei:
                    world.ledger.offer(token_id, new_wei)

    def _relist(self, rng: np.random.Generator, piece: Piece) -> None:
        if self._world.ledger.can_pay(piece.owner, 0):
            price_eth = self._world.value_eth(piece) * float(rng.uniform(0.98, 1.12))
            self._world.ledger.offer(piece.token_id, asking_price_wei(rng, price_eth))

    def _tired(self, rng: np.random.Generator, listing: Listing) -> bool:
        age_days = self._world.day - listing.day
        can_pay = self._world.ledger.can_pay(listing.seller, 0)
        return age_days >= _FLIP_CUT_DAYS and rng.random() < _FLIP_CUT_CHANCE and can_pay


@dataclass(frozen=True, slots=True)
class Plan:
    """What a fractionalizer does on a day: opens a vault for a work, or acts in a vault."""

    day: int
    step: Literal["open", "hand_out", "take_out"]
    subject: int


class Fractionalizers:
    """Those who open vaults: what each holds, and what is to be done with it when."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plans: dict[Fractionalizer, list[Plan]] = {
            agent: [] for agent in world.people.fractionalizers
        }

    def act(self, rng: np.random.Generator, agent: Fractionalizer) -> None:
        """Buys, opens, hands out shares or takes a work out: whatever is due today."""
        day, plans = self._world.day, self._plans[agent]
        if day >= agent.first_day and (day - agent.first_day) % agent.every_days == 0:
            self._acquire(rng, agent)
        for plan in [plan for plan in plans if plan.day <= day]:
            plans.remove(plan)
            if plan.step == "open":
                self._open(rng, agent, plan.subject)
            elif plan.step == "hand_out":
                self._hand_out(rng, agent, self._world.vaults.opened[plan.subject])
            else:
                self._take_out(rng, agent, self._world.vaults.opened[plan.subject])

    def _acquire(self, rng: np.random.Generator, agent: Fractionalizer) -> None:
        world = self._world
        self._refill(agent)
        offers = [
            listing
            for style in range(len(world.ledger.offered))
            for _, listing in sample_offers(world, rng, style, _LOOKS_AT)
            if to_eth(listing.price_wei) >= _LEAST_VALUE_ETH
            and world.ledger.can_pay(agent.address, 2 * listing.price_wei)
            and listing.seller != agent.address
        ]
        if offers:
            dear = max(offers, key=lambda offer: (offer.price_wei, offer.token_id))
            world.ledger.buy(agent.address, dear.token_id)
            opening = world.day + int(rng.integers(1, 4))
            self._plans[agent].append(Plan(opening, "open", dear.token_id))

    def _refill(self, agent: Fractionalizer) -> None:
        ledger = self._world.ledger
        if to_eth(ledger.balance_wei(agent.address)) < _STAKE_ETH / 2:
            ledger.send_eth(self._world.people.exchange, agent.address, to_wei(_STAKE_ETH / 2))

    def _open(self, rng: np.random.Generator, agent: Fractionalizer, token_id: int) -> None:
        world = self._world
        piece = world.ledger.pieces[token_id]
        last_eth = to_eth(world.vaults.least_valuation_wei(token_id))
        valuation_eth = max(world.value_eth(piece), 1.1 * to_eth(piece.last_price_wei), last_eth)
        title = piece.work.title if piece.work else f"Work {token_id}"
        vault = world.vaults.open(
            token_id,
            name=f"Shares of {title}",
            symbol=f"S{token_id}",
            supply=int(rng.choice(_SUPPLIES)) * _SHARE,
            valuation_wei=to_wei(valuation_eth) + 10**9,
        )
        step: Literal["take_out", "hand_out"] = "take_out" if agent.patient else "hand_out"
        wait_days = _TAKE_OUT_AFTER_DAYS if agent.patient else 1
        self._plans[agent].append(Plan(world.day + wait_days, step, vault.number))

    def _hand_out(self, rng: np.random.Generator, agent: Fractionalizer, vault: Vault) -> None:
        """Gives shares to collectors; of some vaults so few that the work can be taken out."""
        people = self._world.people.collectors
        part = _CLOSE_PART if vault.number % _CLOSE_EVERY == 0 else _WIDE_PART
        for pick in sorted(rng.choice(len(people), int(rng.integers(3, 9)), replace=False)):
            amount = vault.shares.issued * int(rng.integers(2, 10)) // part
            self._world.vaults.send(agent.address, vault, people[int(pick)].address, amount)
        if part == _CLOSE_PART:
            due_day = self._world.day + _TAKE_OUT_AFTER_DAYS
            self._plans[agent].append(Plan(due_day, "take_out", vault.number))

    def _take_out(self, rng: np.random.Generator, agent: Fractionalizer, vault: Vault) -> None:
        """Takes a work back with 95 % of its shares or all, and offers it."""
        world = self._world
        affordable = world.ledger.can_pay(agent.address, vault.take_out_wei(agent.address))
        if vault.phase != Phase.OPEN or not vault.may_take_out(agent.address) or not affordable:
            return
        world.vaults.take_out(agent.address, vault)
        value_eth = world.value_eth(world.ledger.pieces[vault.token_id])
        world.ledger.offer(vault.token_id, asking_price_wei(rng, 1.05 * value_eth))
