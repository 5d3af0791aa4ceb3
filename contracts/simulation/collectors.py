"""Collectors: demand walks in, looks around, and buys what is worth its price."""

import numpy as np
from numpy.typing import NDArray

from contracts.simulation.actions import Story
from contracts.simulation.agents import PAYDAY_DAYS, SLOTS_PER_DAY, Collector
from contracts.simulation.ledger import Listing, Sale
from contracts.simulation.world import (
    World,
    asking_price_wei,
    sample_offers,
    to_eth,
    to_wei,
)

HOURS_SHARE = (0.24, 0.34, 0.42)
"""How the visitors of a day spread over its blocks; evenings are busiest."""

CROWD = 1.5
"""Visitors are drawn from a crowd of 1.5 times the demand: a third of a Poisson's variance."""

_LOOKS_AT = 7
_ATTEMPTS = 6
_OPINION_SIGMA = 0.18
_TOLERANCE = 0.12
_SHARE_OF_PURSE = 0.8
_START_INCOMES = 4.0
_RICH_INCOMES = 14.0
_HELD_DAYS = 9
_RESALE_CHANCE = 0.0045
_RESALE_MARKUP, _RESALE_SIGMA = 0.08, 0.15
_CUT_AFTER_DAYS, _CUT_CHANCE, _MOST_CUTS = 12, 0.06, 3
_BUY_BACK_CHANCE = 0.05


class Crowd:
    """The collectors of one market, ready to be drawn by taste, weekday and purse."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._collectors = world.people.collectors
        self._addresses = {collector.address for collector in self._collectors}
        purse = np.sqrt([collector.income_eth for collector in self._collectors])
        tastes = np.array([collector.tastes for collector in self._collectors])
        activity = np.array([collector.activity for collector in self._collectors])
        self._weights = tastes[:, :, None] * activity[:, None, :] * purse[:, None, None]
        self._buy_backs: list[tuple[int, Sale]] = []

    def visits(self, rng: np.random.Generator) -> list[list[int]]:
        """The styles that visitors come for, per block of the day: true demand, drawn."""
        slots: list[list[int]] = [[] for _ in range(SLOTS_PER_DAY)]
        for style, wanted in enumerate(self._world.demand[:, self._world.day]):
            crowd = int(np.ceil(CROWD * wanted))
            for _ in range(int(rng.binomial(crowd, wanted / crowd))):
                slots[int(rng.choice(SLOTS_PER_DAY, p=HOURS_SHARE))].append(style)
        return [[int(style) for style in rng.permutation(slot)] for slot in slots]

    def visit(self, rng: np.random.Generator, style: int) -> Sale | None:
        """One wish to buy a work of a style: collectors come until one buys, six at most."""
        chance = self._chance(style)
        for pick in np.searchsorted(chance, rng.random(_ATTEMPTS)):
            token_id = self._choose(rng, self._collectors[int(pick)], style)
            if token_id is not None:
                sale = self._world.ledger.buy(self._collectors[int(pick)].address, token_id)
                self._plan_buy_back(rng, sale)
                return sale
        self._world.unmet += 1
        return None

    def pay_day(self) -> None:
        """Brings newcomers' first money and, every two weeks, what collectors can spend."""
        for collector in self._collectors:
            day, ledger = self._world.day, self._world.ledger
            exchange = self._world.people.exchange
            if day == collector.entry_day:
                first_eth = max(collector.income_eth * _START_INCOMES, 0.1)
                ledger.send_eth(exchange, collector.address, to_wei(first_eth))
            elif day > collector.entry_day and day % PAYDAY_DAYS == collector.payday:
                balance_eth = to_eth(ledger.balance_wei(collector.address))
                if balance_eth < _RICH_INCOMES * collector.income_eth:
                    ledger.send_eth(exchange, collector.address, to_wei(collector.income_eth))

    def resell(self, rng: np.random.Generator) -> None:
        """Offers some works that were held for a while, and lowers what stays unsold."""
        ledger = self._world.ledger
        tokens = list(ledger.pieces)
        picks = rng.integers(0, max(len(tokens), 1), int(rng.binomial(len(tokens), _RESALE_CHANCE)))
        for pick in sorted({int(pick) for pick in picks}):
            piece = ledger.pieces[tokens[pick]]
            held_days = self._world.day - piece.acquired_day
            if piece.owner in self._addresses and held_days > _HELD_DAYS:
                self._offer(rng, piece.token_id)
        for listing in [offer for offer in ledger.listings.values() if self._stale(offer.token_id)]:
            if rng.random() >= _CUT_CHANCE:
                continue
            if listing.cuts >= _MOST_CUTS:
                ledger.cancel(listing.token_id)
            elif ledger.can_pay(listing.seller, 0):
                self._lower(rng, listing)

    def buy_back(self) -> None:
        """Carries out honest second thoughts: a seller gets a work back, for more, weeks later."""
        due = [plan for plan in self._buy_backs if plan[0] <= self._world.day]
        self._buy_backs = [plan for plan in self._buy_backs if plan[0] > self._world.day]
        ledger = self._world.ledger
        for _, sale in due:
            token_id, seller = sale.token_id, sale.seller
            piece = ledger.pieces.get(token_id)
            price_wei = 0 if piece is None else piece.last_price_wei * 5 // 4
            if piece is None or token_id in ledger.listings or piece.owner != sale.buyer:
                continue
            if ledger.can_pay(seller, price_wei) and ledger.can_pay(piece.owner, 0):
                ledger.offer(token_id, price_wei, public=False)
                ledger.buy(seller, token_id, Story("lookalike", "buy_back", seller))

    def knows(self, address: str) -> bool:
        """Whether an account is a collector's."""
        return address in self._addresses

    def draw(self, rng: np.random.Generator, style: int, count: int) -> list[Collector]:
        """Some collectors who are about today and like a style, in the order they come."""
        picks = np.searchsorted(self._chance(style), rng.random(count))
        return [self._collectors[int(pick)] for pick in picks]

    def _chance(self, style: int) -> NDArray[np.float64]:
        weights = self._weights[:, style, self._world.day % 7]
        total = np.cumsum(weights)
        chance: NDArray[np.float64] = total / total[-1]
        return chance

    def _choose(self, rng: np.random.Generator, collector: Collector, style: int) -> int | None:
        """The best bargain among some offers that the collector can afford; None if none is one."""
        purse_wei = int(self._world.ledger.balance_wei(collector.address) * _SHARE_OF_PURSE)
        best, best_gain = None, -_TOLERANCE
        for piece, listing in sample_offers(self._world, rng, style, _LOOKS_AT):
            opinion = float(rng.normal(0.0, _OPINION_SIGMA))
            if listing.price_wei > purse_wei or listing.seller == collector.address:
                continue
            value_eth = self._world.value_eth(piece)
            gain = float(np.log(value_eth / to_eth(listing.price_wei))) + opinion
            affordable = self._world.ledger.can_pay(collector.address, listing.price_wei)
            if gain > best_gain and affordable:
                best, best_gain = piece.token_id, gain
        return best

    def _offer(self, rng: np.random.Generator, token_id: int) -> None:
        ledger = self._world.ledger
        piece = ledger.pieces[token_id]
        if token_id in ledger.listings or not ledger.can_pay(piece.owner, 0):
            return
        hope_eth = max(self._world.value_eth(piece), 0.9 * to_eth(piece.last_price_wei))
        markup = float(np.exp(rng.normal(_RESALE_MARKUP, _RESALE_SIGMA)))
        ledger.offer(token_id, asking_price_wei(rng, hope_eth * markup))

    def _lower(self, rng: np.random.Generator, listing: Listing) -> None:
        price_eth = to_eth(listing.price_wei) * float(rng.uniform(0.82, 0.94))
        new_wei = asking_price_wei(rng, price_eth)
        if new_wei < listing.price_wei:
            self._world.ledger.offer(listing.token_id, new_wei)

    def _stale(self, token_id: int) -> bool:
        listing = self._world.ledger.listings[token_id]
        age_days = self._world.day - listing.day
        return listing.seller in self._addresses and age_days >= _CUT_AFTER_DAYS

    def _plan_buy_back(self, rng: np.random.Generator, sale: Sale) -> None:
        if sale.seller in self._addresses and rng.random() < _BUY_BACK_CHANCE:
            due = self._world.day + int(rng.integers(8, 35))
            self._buy_backs.append((due, sale))
