"""The studio: candidates, votes, what is accepted minted and sold, money spent and shared."""

from dataclasses import dataclass, field

import numpy as np

from contracts.simulation.agents import Collector
from contracts.simulation.books.royalties import TREASURY
from contracts.simulation.books.studio import (
    COMPUTE,
    GAS,
    IMAGES,
    Loop,
    Outcome,
    Phase,
    Round,
)
from contracts.simulation.calls import OPERATOR
from contracts.simulation.drop_sellers import lowered, price_params
from contracts.simulation.works import Work, first_materials, make_work
from contracts.simulation.world import World, to_wei

STUDIO_NAME = "Raisonné Studio"

_JURORS = 14
_HOLDING_BPS = (250, 600)
_FIRST_DAY, _EVERY_DAYS = 2, 11
_CANDIDATES = (3, 6)
_IMAGES = 48
_PRESENT, _ABSENT = 0.85, 0.15
_LONELY_EVERY, _LONELY = 4, 2
_FORGET_CHANCE = 0.12
_NONE_CHANCE = 0.08
_ROYALTY_BPS = 750
_DROP_OF = 2
_REPRICE_DAYS, _LAST_DAYS = 8, 20
_BURN_CHANCE = 0.5
_WITHDRAWN = 1
_SPEND_EVERY_DAYS = 9
_COMPUTE_PART, _GAS_PART = 0.06, 0.02
_SHARE_EVERY_DAYS = 30
_CLAIM_CHANCE = 0.08
_CLAIM_WEI = to_wei(0.002)
_PAUSE_DAY, _PAUSE_EVERY_DAYS = 19, 180
_ALARM_DAYS = 1


@dataclass(slots=True)
class Vetting:
    """A round as the jurors see it: who comes, and what each would vote."""

    round: Round
    jurors: list[str]
    choices: dict[str, int] = field(default_factory=dict)


class StudioRounds:
    """The operator, the guardian and the share holders of the studio."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._vetting: Vetting | None = None
        self._made = 0
        self._jurors: list[Collector] = []
        self._unsold: list[int] = []
        self._paused_day = -1

    def open(self, rng: np.random.Generator) -> None:
        """Sells shares of the studio to early collectors; the operator keeps the rest."""
        studio, people = self._world.studio, self._world.people
        early = [collector for collector in people.collectors if collector.entry_day == 0]
        for pick in sorted(rng.choice(len(early), _JURORS, replace=False)):
            juror = early[int(pick)]
            amount = studio.shares.issued * int(rng.integers(*_HOLDING_BPS)) // 10_000
            studio.send_shares(OPERATOR, juror.address, amount)
            self._jurors.append(juror)

    def act(self, rng: np.random.Generator, slot: int) -> None:
        """What the studio does in a block."""
        studio = self._world.studio
        if studio.is_paused:
            self._alarm()
            return
        if slot == 1:
            self._begin(rng)
        self._vet(rng)
        if slot == 0:
            self._sell(rng)
            self._spend()
        elif slot == 2:
            self._share(rng)
            self._alarm()

    def _begin(self, rng: np.random.Generator) -> None:
        """Opens a round with candidates, every week or two."""
        world, studio = self._world, self._world.studio
        due = world.day >= _FIRST_DAY and (world.day - _FIRST_DAY) % _EVERY_DAYS == 0
        if not due or self._vetting is not None or studio.state != Loop.IDLE:
            return
        for state in (Loop.FORECAST, Loop.PLAN, Loop.GENERATE):
            studio.transition(state)
        studio.meter(IMAGES, _IMAGES)
        vetted = studio.open_round()
        for _ in range(int(rng.integers(*_CANDIDATES))):
            studio.submit(vetted, self._candidate(rng))
        for state in (Loop.SCREEN, Loop.SHORTLIST):
            studio.transition(state)
        # One round in four is overlooked by nearly everybody.
        present = _ABSENT if vetted.number % _LONELY_EVERY == _LONELY else _PRESENT
        jurors = [juror.address for juror in self._jurors if rng.random() < present]
        self._vetting = Vetting(vetted, jurors)

    def _candidate(self, rng: np.random.Generator) -> Work:
        """A work in one of the styles that sell best."""
        self._made += 1
        expected = self._world.expected_sales
        style = int(rng.choice(len(expected), p=expected / expected.sum()))
        artists = [a for a in self._world.people.artists if style in a.styles]
        return make_work(
            rng,
            creator=TREASURY,
            artist=STUDIO_NAME,
            number=self._made,
            style=style,
            royalty_bps=_ROYALTY_BPS,
            materials=first_materials(artists[0].name, style),
        )

    def _vet(self, rng: np.random.Generator) -> None:
        """Commits, reveals and counts votes, each in its window; then mints what was accepted."""
        if self._vetting is None:
            return
        studio, vetted = self._world.studio, self._vetting.round
        phase = studio.phase(vetted)
        if phase == Phase.COMMITMENT:
            self._step(Loop.SHORTLIST, Loop.VET_COMMIT)
            self._commit(rng)
        elif phase == Phase.REVEAL:
            self._step(Loop.VET_COMMIT, Loop.VET_REVEAL)
            self._reveal(rng)
        elif phase == Phase.TALLY:
            self._tally()

    def _commit(self, rng: np.random.Generator) -> None:
        vetting = self._vetting
        assert vetting is not None  # noqa: S101 (told to mypy; `_vet` has seen to it)
        for juror in vetting.jurors:
            late = juror in vetting.round.ballots or rng.random() < 0.5
            if late or not self._world.ledger.can_pay(juror, 0):
                continue
            wanted = [work.log_appeal + float(rng.normal(0.0, 0.3)) for work in vetting.round.works]
            choice = 0 if rng.random() < _NONE_CHANCE else 1 + int(np.argmax(wanted))
            self._world.studio.commit(vetting.round, juror, choice, rng.bytes(32))

    def _reveal(self, rng: np.random.Generator) -> None:
        """Most show their votes; some forget, and their votes count for nothing."""
        vetting = self._vetting
        assert vetting is not None  # noqa: S101 (as above)
        for juror, ballot in vetting.round.ballots.items():
            forgotten = juror in vetting.choices
            if ballot.revealed or forgotten or not self._world.ledger.can_pay(juror, 0):
                continue
            if rng.random() < _FORGET_CHANCE:
                vetting.choices[juror] = ballot.choice
            else:
                self._world.studio.reveal(vetting.round, juror)

    def _tally(self) -> None:
        world, studio = self._world, self._world.studio
        vetting = self._vetting
        assert vetting is not None  # noqa: S101 (as above)
        self._vetting = None
        # A round in which nobody came leaves the loop where it was: catch up first.
        self._step(Loop.SHORTLIST, Loop.VET_COMMIT)
        self._step(Loop.VET_COMMIT, Loop.VET_REVEAL)
        self._step(Loop.VET_REVEAL, Loop.TALLY)
        if studio.close(vetting.round) != Outcome.ACCEPTED:
            for state in (Loop.REJECTED, Loop.LEARN, Loop.IDLE):
                studio.transition(state)
            return
        work = vetting.round.winner
        assert work is not None  # noqa: S101 (accepted rounds have a winner)
        studio.transition(Loop.MINT)
        self._unsold.append(studio.mint(work, world.split_of(work)))
        for state in (Loop.SELL, Loop.SETTLE, Loop.DISTRIBUTE, Loop.LEARN, Loop.IDLE):
            studio.transition(state)

    def _sell(self, rng: np.random.Generator) -> None:
        """Opens drops of accepted works, lowers slow ones, and destroys what nobody wants."""
        world, studio = self._world, self._world.studio
        for drop in world.drops.of_studio():
            age_days = world.day - drop.opened_day
            if age_days >= _LAST_DAYS:
                for token_id in studio.withdraw_drop(drop):
                    if rng.random() < _BURN_CHANCE:
                        studio.burn(token_id, _WITHDRAWN)
            elif age_days >= _REPRICE_DAYS and not drop.repriced and drop.sold == 0:
                studio.reprice_drop(drop, lowered(drop.params))
        if len(self._unsold) >= _DROP_OF:
            values_eth = [world.value_eth(world.ledger.pieces[token]) for token in self._unsold]
            studio.open_drop(self._unsold, price_params(rng, float(np.median(values_eth))))
            self._unsold = []

    def _spend(self) -> None:
        """Pays for computing and for the operator's gas, within the budgets."""
        studio, day = self._world.studio, self._world.day
        if day % _SPEND_EVERY_DAYS != _SPEND_EVERY_DAYS - 1:
            return
        lab = self._world.people.labs[day // _SPEND_EVERY_DAYS % len(self._world.people.labs)]
        for kind, to, part in (
            (COMPUTE, lab.address, _COMPUTE_PART),
            (GAS, OPERATOR, _GAS_PART),
        ):
            amount_wei = min(int(studio.balance_wei * part), studio.left(kind))
            if amount_wei > 0:
                studio.spend(kind, to, amount_wei)

    def _share(self, rng: np.random.Generator) -> None:
        """Gives the holders what the studio does not need, and lets them fetch it."""
        studio, ledger = self._world.studio, self._world.ledger
        due = self._world.day % _SHARE_EVERY_DAYS == _SHARE_EVERY_DAYS - 4
        if due and studio.balance_wei > studio.terms.reserve_wei:
            studio.share_proceeds()
        for juror in self._jurors:
            comes = rng.random() < _CLAIM_CHANCE and ledger.can_pay(juror.address, 0)
            if comes and studio.shares.claimable_wei(juror.address) >= _CLAIM_WEI:
                studio.claim_dividend(juror.address)

    def _alarm(self) -> None:
        """The guardian stops the studio once a while; the timelock lets it go on days later."""
        world, studio = self._world, self._world.studio
        if studio.is_paused:
            if self._paused_day + _ALARM_DAYS == world.day:
                studio.propose_unpause()
                self._paused_day = -1
        elif world.day % _PAUSE_EVERY_DAYS == _PAUSE_DAY:
            studio.pause()
            self._paused_day = world.day

    def _step(self, before: Loop, after: Loop) -> None:
        if self._world.studio.state == before:
            self._world.studio.transition(after)
