"""Payees of royalties: they fetch what waits, sometimes hand a place on, or ask for less."""

import numpy as np

from contracts.simulation.agents import MIN_ROYALTY_BPS
from contracts.simulation.books.royalties import TREASURY
from contracts.simulation.calls import OPERATOR
from contracts.simulation.world import World, to_wei

_EVERY_DAYS = 21
_MOST_WORKS = 40
_WORTH_WEI = to_wei(0.003)
_HAND_ON_CHANCE = 0.10
_TRIES = 8
_HAGGLE_CHANCE, _STEP_BPS = 0.08, 100


class Payees:
    """Everybody in a split of the market's own works."""

    def __init__(self, world: World) -> None:
        self._world = world
        people = world.people
        self._fixed = [artist.address for artist in people.artists]
        self._fixed += [lab.address for lab in people.labs]
        self._heirs: list[str] = []

    def fetch(self) -> None:
        """Releases what waits, each payee every three weeks, for many works at once."""
        world = self._world
        for place, payee in enumerate((*self._fixed, *self._heirs)):
            if (world.day + place) % _EVERY_DAYS == 0 and world.ledger.can_pay(payee, 0):
                self._release(payee, payee)
        if world.day % _EVERY_DAYS == _EVERY_DAYS - 1:
            # Anybody may release for anybody: the operator does it for the studio and for itself.
            self._release(OPERATOR, TREASURY)
            self._release(OPERATOR, OPERATOR)

    def hand_on(self, rng: np.random.Generator) -> None:
        """Now and then a creator gives a place in a split to a collector: a present, a debt."""
        world = self._world
        if rng.random() >= _HAND_ON_CHANCE:
            return
        collectors, tokens = world.people.collectors, list(world.ledger.pieces)
        heir = collectors[int(rng.integers(0, len(collectors)))].address
        if not world.ledger.can_pay(heir, 0):
            return
        for pick in rng.integers(0, max(len(tokens), 1), _TRIES if tokens else 0):
            token_id = tokens[int(pick)]
            payees = [seat.payee for seat in world.ledger.royalties.seats_of(token_id)]
            ours = payees and payees[0] in self._fixed and world.ledger.can_pay(payees[0], 0)
            if ours and heir not in payees:
                world.ledger.reassign(token_id, 0, heir)
                if heir not in self._heirs:
                    self._heirs.append(heir)
                return

    def haggle(self, rng: np.random.Generator) -> None:
        """Now and then a creator asks for less on later sales of a work, for whoever has it."""
        world = self._world
        if rng.random() >= _HAGGLE_CHANCE:
            return
        tokens = list(world.ledger.pieces)
        for pick in rng.integers(0, max(len(tokens), 1), _TRIES if tokens else 0):
            piece = world.ledger.pieces[tokens[int(pick)]]
            lower_bps = piece.royalty_bps - _STEP_BPS
            ours = piece.creator in world.artistry and world.ledger.can_pay(piece.creator, 0)
            if ours and lower_bps >= MIN_ROYALTY_BPS:
                world.ledger.set_royalty(piece.token_id, lower_bps)
                return

    def _release(self, sender: str, payee: str) -> None:
        royalties = self._world.ledger.royalties
        if royalties.waiting_wei(payee) >= _WORTH_WEI:
            tokens = royalties.waiting(payee)
            for start in range(0, len(tokens), _MOST_WORKS):
                self._world.ledger.release(sender, payee, tokens[start : start + _MOST_WORKS])
