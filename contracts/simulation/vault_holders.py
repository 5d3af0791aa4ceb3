"""Share holders and raiders: votes on a price, dividends, buyouts, and what is left to fetch."""

import numpy as np

from contracts.simulation.agents import Raider
from contracts.simulation.books.loans import LOANS
from contracts.simulation.books.vaults import Phase, Vault
from contracts.simulation.world import World, asking_price_wei, to_eth, to_wei

_QUIET_DAYS = 1
_VOTE_CHANCE, _UNVOTE_CHANCE = 0.25, 0.01
_VOTE_LOW, _VOTE_HIGH = 0.85, 1.30
_CURATOR_CHANCE = 0.5
_DIVIDEND_CHANCE = 0.10
_DIVIDEND_LOW, _DIVIDEND_HIGH = 0.004, 0.02
_CLAIM_WEI = to_wei(0.0004)
_CLAIM_CHANCE = 0.12
_START_CHANCE, _OUTBID_CHANCE = 0.10, 0.15
_JUMP = 1.10
_REDEEM_CHANCE = 0.35
_SETTLE_CHANCE = 0.8
_STAKE_ETH = 12.0


class VaultHolders:
    """Everybody around the vaults but who opened them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._claims: dict[int, Vault] = {}
        self._collectors = {collector.address for collector in world.people.collectors}

    def act(self, rng: np.random.Generator) -> None:
        """A day in every vault."""
        vaults = self._world.vaults
        for vault in list(vaults.running.values()):
            if vault.phase == Phase.OPEN and self._world.day - vault.opened_day > _QUIET_DAYS:
                self._vote(rng, vault)
                self._exhibit(rng, vault)
            self._raid(rng, vault)
        for vault in [vault for vault in vaults.opened.values() if vault.is_unfinished]:
            self._redeem(rng, vault)
        for vault in self._claims.values():
            self._claim(rng, vault)

    def fund(self) -> None:
        """Brings the raiders their capital, on the first day."""
        for raider in self._world.people.raiders:
            exchange, ledger = self._world.people.exchange, self._world.ledger
            ledger.send_eth(exchange, raider.address, to_wei(raider.capital_eth))

    def _vote(self, rng: np.random.Generator, vault: Vault) -> None:
        """Holders say what the whole work should cost; the curator is the most eager."""
        world = self._world
        value_eth = world.value_eth(world.ledger.pieces[vault.token_id])
        for holder in list(vault.shares.balances):
            person = holder == vault.curator or holder in self._collectors
            if not person or not world.ledger.can_pay(holder, 0):
                continue
            if holder in vault.votes:
                if rng.random() < _UNVOTE_CHANCE:
                    world.vaults.unvote(holder, vault)
                continue
            chance = _CURATOR_CHANCE if holder == vault.curator else _VOTE_CHANCE
            if rng.random() >= chance:
                continue
            shares = vault.shares.balances[holder] // int(rng.integers(1, 3))
            least_wei, most_wei = vault.vote_bounds_wei(holder, shares)
            wish_wei = to_wei(value_eth * float(rng.uniform(_VOTE_LOW, _VOTE_HIGH)))
            world.vaults.vote(holder, vault, min(max(wish_wei, least_wei), most_wei), shares)

    def _exhibit(self, rng: np.random.Generator, vault: Vault) -> None:
        """The curator shows the work for a fee and passes it on to the holders."""
        if rng.random() >= _DIVIDEND_CHANCE:
            return
        part = float(rng.uniform(_DIVIDEND_LOW, _DIVIDEND_HIGH))
        # To the wei, so that it cannot be divided evenly.
        amount_wei = int(vault.valuation_wei * part) + int(rng.integers(0, 10**9))
        if self._world.ledger.can_pay(vault.curator, amount_wei):
            self._world.vaults.distribute(vault.curator, vault, amount_wei)
            self._claims[vault.number] = vault

    def _claim(self, rng: np.random.Generator, vault: Vault) -> None:
        world = self._world
        for holder in vault.shares.holders():
            person = holder == vault.curator or holder in self._collectors
            if not person or rng.random() >= _CLAIM_CHANCE or not world.ledger.can_pay(holder, 0):
                continue
            if vault.shares.claimable_wei(holder) >= _CLAIM_WEI:
                world.vaults.claim_dividend(holder, vault)

    def _raid(self, rng: np.random.Generator, vault: Vault) -> None:
        """Starts, continues or ends the buyout of a work."""
        world = self._world
        if vault.phase == Phase.BUYOUT and world.ledger.now > vault.end_time:
            if rng.random() < _SETTLE_CHANCE and world.ledger.can_pay(vault.bidder, 0):
                winner = vault.bidder
                world.vaults.settle(winner, vault)
                value_eth = world.value_eth(world.ledger.pieces[vault.token_id])
                world.ledger.offer(vault.token_id, asking_price_wei(rng, 1.1 * value_eth))
            return
        raiders = world.people.raiders
        raider = raiders[int(rng.integers(0, len(raiders)))]
        chance = _START_CHANCE if vault.phase == Phase.OPEN else _OUTBID_CHANCE
        if rng.random() < chance and raider.address != vault.bidder:
            self._bid(rng, raider, vault)

    def _bid(self, rng: np.random.Generator, raider: Raider, vault: Vault) -> None:
        world = self._world
        if vault.phase == Phase.OPEN and not vault.has_quorum:
            return
        value_eth = world.value_eth(world.ledger.pieces[vault.token_id])
        least_wei = vault.least_bid_wei
        if to_eth(least_wei) > value_eth * raider.premium * _JUMP:
            return
        if not world.ledger.can_pay(raider.address, 2 * least_wei):
            exchange = world.people.exchange
            world.ledger.send_eth(exchange, raider.address, 2 * least_wei + to_wei(_STAKE_ETH))
            return
        amount_wei = least_wei + int(least_wei * float(rng.uniform(0.0, 0.05)))
        world.vaults.bid(raider.address, vault, amount_wei)

    def _redeem(self, rng: np.random.Generator, vault: Vault) -> None:
        """Holders fetch what the buyout brought them; the outbid fetch their bids."""
        world = self._world
        for account in list(vault.refunds_wei):
            if rng.random() < _REDEEM_CHANCE and world.ledger.can_pay(account, 0):
                world.vaults.withdraw(account, vault)
        for holder in list(vault.shares.balances):
            able = holder != LOANS.name and world.ledger.can_pay(holder, 0)
            if able and rng.random() < _REDEEM_CHANCE:
                world.vaults.redeem(holder, vault)
