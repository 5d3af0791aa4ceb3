"""The whole market, day by day: agents act, and their actions come out as blocks.

Pure: no chain, no clock; the same seed, days and outside offers give the same blocks.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from contracts.chain import GENESIS_TIME
from contracts.reference.splits import Seat
from contracts.simulation import artists
from contracts.simulation.actions import Action, Block
from contracts.simulation.agents import SLOTS_PER_DAY, draw_people
from contracts.simulation.auctioneers import Auctioneers
from contracts.simulation.books.royalties import TREASURY
from contracts.simulation.books.terms import Terms
from contracts.simulation.collectors import Crowd
from contracts.simulation.demand import price_index, true_demand
from contracts.simulation.drop_sellers import DropSellers
from contracts.simulation.ledger import Ledger, Piece
from contracts.simulation.lenders import Lenders
from contracts.simulation.outside import Outside, OutsideOffer, SplitterEvent
from contracts.simulation.payees import Payees
from contracts.simulation.registrars import Registrars
from contracts.simulation.studio_rounds import StudioRounds
from contracts.simulation.traders import Flippers, Fractionalizers
from contracts.simulation.vault_holders import VaultHolders
from contracts.simulation.wash import Washing
from contracts.simulation.world import World, to_wei
from data.styles import style_names

DAY_S = 86_400
FIRST_BLOCK_S = 7 * 3_600
"""Seconds into a day before which no block of it is mined."""

_BLOCK_EVERY_S = 6 * 3_600
_JITTER_S = 2 * 3_600
_RESALE_SLOT, _VAULT_SLOT = 1, 1
_REGISTRY_SLOT, _LOAN_SLOT = 0, 1
_WASH_SLOTS, _FLIP_SLOTS = frozenset({1, 2}), frozenset({0, 2})
_START_USD, _USD_SIGMA = 3_300.0, 0.028
_USD_DECIMALS = 10**8
_ARTIST_START_ETH, _FRACTIONALIZER_START_ETH, _LAB_START_ETH = 0.6, 12.0, 1.0

# Streams of randomness of a day: one kind of agent cannot shift what another draws.
_CLOCK, _PRICE, _ARTISTS, _CROWD, _FLIP, _WASH, _VAULTS, _STRANGERS = range(8)
_REGISTRY, _AUCTIONS, _LOANS, _PAYEES, _HOLDERS, _DROPS, _VISITORS, _STUDIO = range(8, 16)
_STREAMS = 16

# A newcomer's work is thought of a little less, and much less surely, than a known artist's.
_STRANGER_APPEAL, _STRANGER_SIGMA = -0.1, 0.3


class Economy:
    """One market from its first day on.

    `seed` fixes people and demand; `terms` are those of the contracts.
    """

    def __init__(self, seed: int, terms: Terms | None = None) -> None:
        terms = terms or Terms()
        self.people = draw_people(seed)
        self._seed = seed
        self._style_count = len(style_names())
        ledger = Ledger(terms.fee_bps, 1, self._style_count, self.people.exchange)
        demand = true_demand(seed, 1)
        self.world = World(self.people, demand, price_index(demand), ledger, terms)
        self._crowd = Crowd(self.world)
        self._flippers = Flippers(self.world)
        self._vaults = Fractionalizers(self.world)
        self._washing = Washing(self.world)
        self._registrars = Registrars(self.world)
        self._auctioneers = Auctioneers(self.world, self._crowd)
        self._lenders = Lenders(self.world, self._crowd)
        self._payees = Payees(self.world)
        self._holders = VaultHolders(self.world)
        self._drops = DropSellers(self.world, self._crowd, self._registrars)
        self._studio = StudioRounds(self.world)
        self._usd = _START_USD
        self._days_run = 0

    @property
    def ledger(self) -> Ledger:
        """The books."""
        return self.world.ledger

    def run(self, first_day: int, days: int, seed: int) -> Iterator[tuple[int, list[Block]]]:
        """Yields (day, blocks) for `days` days; `seed` fixes what happens on them."""
        demand = true_demand(self._seed, first_day + days)
        self.world.demand, self.world.index = demand, price_index(demand)
        self.world.clock = partial(_block_times, seed)
        for day in range(first_day, first_day + days):
            yield day, self._run_day(day, seed)

    def see_outside(self, outside: Outside) -> None:
        """Takes in what others did on the chain: royalties, offers, owners, and ids given."""
        ledger = self.ledger
        for event in outside.splitter:
            self._note_split(event)
        for token_id, owner in outside.moved:
            ledger.move(token_id, owner)
        for token_id in outside.gone:
            ledger.drop_listing(token_id)
        for offer in outside.offers:
            if offer.token_id not in ledger.pieces:
                ledger.add_piece(self._stranger(offer))
            ledger.add_listing(offer.seller, offer.token_id, offer.price_wei)
        counts = outside.counts
        ledger.next_token = counts.minted + 1
        self.world.loans.next_loan = counts.loans + 1
        self.world.drops.next_drop = counts.drops + 1
        self.world.studio.rounds_before = counts.rounds - len(self.world.studio.rounds)
        ledger.note_balance(TREASURY, counts.studio_wei)

    def _note_split(self, event: SplitterEvent) -> None:
        """What the Splitter did for others: its books must know it to divide what comes next."""
        royalties = self.ledger.royalties
        if event.kind == "received":
            royalties.receive(event.token_id, event.amount_wei)
        elif event.kind == "released":
            royalties.release(event.seats[0][0], [event.token_id])
        else:
            royalties.note_split(event.token_id, [Seat(*seat) for seat in event.seats])

    def _stranger(self, offer: OutsideOffer) -> Piece:
        """A work from outside, as collectors see it beside those of the style's own artists."""
        rng = np.random.default_rng([self._seed, _STRANGERS, offer.token_id])
        return Piece(
            token_id=offer.token_id,
            creator=offer.creator,
            style=offer.style,
            royalty_bps=offer.royalty_bps,
            log_appeal=float(rng.normal(_STRANGER_APPEAL, _STRANGER_SIGMA)),
            owner=offer.seller,
            acquired_day=self.ledger.day,
        )

    def _run_day(self, day: int, seed: int) -> list[Block]:
        self.world.begin_day(day)
        streams = [np.random.default_rng([seed, day, stream]) for stream in range(_STREAMS)]
        visits = self._crowd.visits(streams[_CROWD])
        blocks: list[Block] = []
        for slot, timestamp in enumerate(self.world.clock(day)):
            self.ledger.now = timestamp
            self._run_slot(slot, streams, visits[slot])
            actions: tuple[Action, ...] = self.ledger.close_block()
            if actions:
                blocks.append(Block(timestamp, actions))
        self._days_run += 1
        return blocks

    def _run_slot(
        self, slot: int, streams: Sequence[np.random.Generator], visits: Sequence[int]
    ) -> None:
        if slot == 0:
            self._open_day(streams)
        self._institutions(slot, streams)
        self._supply(slot, streams)
        if slot == 1 and self._days_run == 0:
            for ring in self.people.rings:
                self._washing.fund_wallets(ring)
        elif slot in _WASH_SLOTS:
            for ring in self.people.rings:
                self._washing.act(streams[_WASH], ring)
        for style in self._drops.divert(streams[_VISITORS], visits):
            self._crowd.visit(streams[_CROWD], style)
        if slot in _FLIP_SLOTS:
            for flipper in self.people.flippers:
                self._flippers.offer(streams[_FLIP], flipper)
                self._flippers.hunt(streams[_FLIP], flipper)

    def _institutions(self, slot: int, streams: Sequence[np.random.Generator]) -> None:
        """Auctions, loans, vaults, labs and payees, each at their hour."""
        self.world.timelock.execute_due()
        self._auctioneers.act(streams[_AUCTIONS], slot)
        self._studio.act(streams[_STUDIO], slot)
        if slot == _REGISTRY_SLOT:
            for lab in self.people.labs:
                self._registrars.act(streams[_REGISTRY], lab)
            self._registrars.quarrel(streams[_REGISTRY])
        elif slot == _LOAN_SLOT:
            self._lenders.act(streams[_LOANS])
            self._drops.act(streams[_DROPS])
        else:
            self._holders.act(streams[_HOLDERS])
            self._payees.fetch()
            self._payees.hand_on(streams[_PAYEES])
            self._payees.haggle(streams[_PAYEES])

    def _supply(self, slot: int, streams: Sequence[np.random.Generator]) -> None:
        """Artists, resellers and fractionalizers, each at their hour."""
        for artist in self.people.artists:
            if artist.slot == slot:
                artists.make_and_offer(self.world, self._registrars, streams[_ARTISTS], artist)
                artists.lower_or_withdraw(self.world, streams[_ARTISTS], artist)
        if slot == _RESALE_SLOT:
            self._crowd.resell(streams[_CROWD])
        if slot == _VAULT_SLOT:
            self._crowd.buy_back()
            for agent in self.people.fractionalizers:
                self._vaults.act(streams[_VAULTS], agent)

    def _open_day(self, streams: Sequence[np.random.Generator]) -> None:
        self._usd *= float(np.exp(streams[_PRICE].normal(0.0, _USD_SIGMA)))
        self.ledger.push_price(round(self._usd * _USD_DECIMALS))
        if self._days_run == 0:
            self._fund_everybody()
            self._registrars.open()
            self._studio.open(streams[_STUDIO])
        self._crowd.pay_day()
        for artist in self.people.artists:
            artists.cash_out(self.world, artist)

    def _fund_everybody(self) -> None:
        exchange = self.people.exchange
        for artist in self.people.artists:
            self.ledger.send_eth(exchange, artist.address, to_wei(_ARTIST_START_ETH))
        for flipper in self.people.flippers:
            self.ledger.send_eth(exchange, flipper.address, to_wei(flipper.capital_eth))
        for agent in self.people.fractionalizers:
            self.ledger.send_eth(exchange, agent.address, to_wei(_FRACTIONALIZER_START_ETH))
        for lab in self.people.labs:
            self.ledger.send_eth(exchange, lab.address, to_wei(_LAB_START_ETH))
        for ring in self.people.rings:
            self._washing.fund_operator(ring)
        self._lenders.fund()
        self._holders.fund()


def _block_times(seed: int, day: int) -> list[int]:
    """Unix seconds of a day's blocks: a few hours apart, never at the full hour."""
    rng = np.random.default_rng([seed, day, _CLOCK])
    start = GENESIS_TIME + day * DAY_S
    return [
        start + FIRST_BLOCK_S + slot * _BLOCK_EVERY_S + int(rng.integers(0, _JITTER_S))
        for slot in range(SLOTS_PER_DAY)
    ]
