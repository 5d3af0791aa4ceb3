"""Auctions: owners put works up, collectors bid against each other, somebody ends it."""

from dataclasses import dataclass

import numpy as np

from contracts.simulation.books.auctions import MIN_DURATION_S, Auction
from contracts.simulation.collectors import Crowd
from contracts.simulation.world import World, asking_price_wei, to_eth, to_wei

_OPEN_CHANCE = 0.6
_HELD_DAYS = 8
_RESERVE_LOW, _RESERVE_HIGH = 0.55, 0.95
_HOPELESS_CHANCE, _HOPELESS_FACTOR = 0.15, 4.0
_DAYS = (2, 6)
_LATE_CHANCE = 0.4
_LATEST_S = 12 * 60
_LEAST_ETH = 0.03
_VISITORS = 4
_OPINION, _OPINION_SIGMA = 0.02, 0.20
_SHARE_OF_PURSE = 0.7
_JUMP = 1.25
_CANCEL_CHANCE = 0.10
_FETCH_WEI = to_wei(0.02)
_FETCH_CHANCE = 0.15


@dataclass(frozen=True, slots=True)
class Lot:
    """A running auction as its seller thinks of it."""

    auction: Auction
    hopeless: bool


class Auctioneers:
    """Those who sell and buy by auction: all collectors and artists."""

    def __init__(self, world: World, crowd: Crowd) -> None:
        self._world = world
        self._crowd = crowd
        self._lots: list[Lot] = []

    def act(self, rng: np.random.Generator, slot: int) -> None:
        """Ends what is over, lets collectors bid, and sometimes opens an auction."""
        self._end()
        for lot in self._lots:
            self._bid(rng, lot)
        if slot == 1:
            self._fetch(rng)
            self._give_up(rng)
            if rng.random() < _OPEN_CHANCE:
                self._open(rng)

    def _open(self, rng: np.random.Generator) -> None:
        world = self._world
        tokens = list(world.ledger.pieces)
        for pick in rng.integers(0, max(len(tokens), 1), 24 if tokens else 0):
            piece = world.ledger.pieces[tokens[int(pick)]]
            person = self._crowd.knows(piece.owner) or piece.owner in world.artistry
            held_days = world.day - piece.acquired_day
            able = person and world.ledger.can_pay(piece.owner, 0)
            if able and held_days >= _HELD_DAYS and world.value_eth(piece) >= _LEAST_ETH:
                break
        else:
            return
        hopeless = bool(rng.random() < _HOPELESS_CHANCE)
        factor = _HOPELESS_FACTOR if hopeless else rng.uniform(_RESERVE_LOW, _RESERVE_HIGH)
        reserve_wei = asking_price_wei(rng, world.value_eth(piece) * float(factor))
        auction = world.auctions.open(piece.token_id, reserve_wei, self._duration_s(rng))
        self._lots.append(Lot(auction, hopeless))

    def _duration_s(self, rng: np.random.Generator) -> int:
        """Days; some end minutes after the last bids of an evening, which extends them."""
        world = self._world
        last_day = world.day + int(rng.integers(*_DAYS))
        if rng.random() < _LATE_CHANCE:
            end = world.clock(last_day)[-1] + int(rng.integers(1, _LATEST_S))
        else:
            end = world.clock(last_day)[-1] - int(rng.integers(1, 3 * 3_600))
        return max(end - world.ledger.now, MIN_DURATION_S)

    def _bid(self, rng: np.random.Generator, lot: Lot) -> None:
        world, auction = self._world, lot.auction
        piece = world.ledger.pieces[auction.token_id]
        for collector in self._crowd.draw(rng, piece.style, _VISITORS):
            opinion = float(np.exp(rng.normal(_OPINION, _OPINION_SIGMA)))
            purse_eth = to_eth(world.ledger.balance_wei(collector.address)) * _SHARE_OF_PURSE
            most_wei = to_wei(min(world.value_eth(piece) * opinion, purse_eth))
            least_wei = auction.least_bid_wei
            if collector.address in (auction.seller, auction.bidder) or most_wei < least_wei:
                continue
            if not world.ledger.can_pay(collector.address, most_wei):
                continue
            jump_wei = min(most_wei, int(least_wei * float(rng.uniform(1.0, _JUMP))))
            world.auctions.bid(collector.address, auction.token_id, max(jump_wei, least_wei))

    def _end(self) -> None:
        """Sellers end what is over; the winner does it for a seller without money for gas."""
        world = self._world
        for lot in list(self._lots):
            auction = lot.auction
            if world.ledger.now <= auction.end_time:
                continue
            people = (auction.seller, auction.bidder or auction.seller)
            sender = next((who for who in people if world.ledger.can_pay(who, 0)), None)
            if sender is not None:
                world.auctions.settle(sender, auction.token_id)
                self._lots.remove(lot)

    def _give_up(self, rng: np.random.Generator) -> None:
        """Sellers who asked too much see it before the end, sometimes."""
        for lot in [lot for lot in self._lots if lot.hopeless and lot.auction.bidder is None]:
            able = self._world.ledger.can_pay(lot.auction.seller, 0)
            if able and rng.random() < _CANCEL_CHANCE:
                self._world.auctions.cancel(lot.auction.token_id)
                self._lots.remove(lot)

    def _fetch(self, rng: np.random.Generator) -> None:
        """Those who were outbid fetch their money, sooner or later."""
        auctions, ledger = self._world.auctions, self._world.ledger
        for account in list(auctions.refunds_wei):
            due = auctions.refunds_wei[account] >= _FETCH_WEI and rng.random() < _FETCH_CHANCE
            if due and ledger.can_pay(account, 0):
                auctions.withdraw(account)
