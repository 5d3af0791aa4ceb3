"""What the studio holds: rounds of vetting, budgets, the loop's state, works and ETH."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from contracts.chain import LOCAL_CHAIN_ID
from contracts.reference.splits import ALL_BPS, Seat
from contracts.reference.vrgda import VrgdaParams
from contracts.simulation.books.drops import Drop, Drops, params_tuple
from contracts.simulation.books.royalties import TREASURY
from contracts.simulation.books.shares import Shares
from contracts.simulation.books.terms import StudioTerms
from contracts.simulation.books.timelock import Timelock
from contracts.simulation.calls import GUARDIAN, OPERATOR, Hashed, Place
from contracts.simulation.errors import SimulationError
from contracts.simulation.ledger import Ledger
from contracts.simulation.works import Work, manifest_hash, metadata, token_uri

STUDIO, SHARES = Place("studio"), Place("studio_shares")
COMPUTE, GAS, MINTS, BURNS, IMAGES = 0, 1, 129, 128, 130
NOBODY = 0
_BALLOT = ("uint256", "address", "uint256", "address", "uint8", "bytes32")


class Phase(IntEnum):
    """What can be done in a round."""

    SUBMISSION = 1
    COMMITMENT = 2
    REVEAL = 3
    TALLY = 4
    CLOSED = 5


class Outcome(IntEnum):
    """How a round ended."""

    OPEN = 0
    ACCEPTED = 1
    NO_QUORUM = 2
    TIED = 3
    REJECTED = 4


class Loop(IntEnum):
    """Where the loop from forecast to learning stands."""

    IDLE = 0
    FORECAST = 1
    PLAN = 2
    GENERATE = 3
    SCREEN = 4
    SHORTLIST = 5
    VET_COMMIT = 6
    VET_REVEAL = 7
    TALLY = 8
    MINT = 9
    SELL = 10
    SETTLE = 11
    DISTRIBUTE = 12
    LEARN = 13
    PAUSED = 14
    DISPUTED = 15
    REJECTED = 16
    BUDGET_OUT = 17


@dataclass(slots=True)
class Ballot:
    """A vote as its voter knows it."""

    choice: int
    salt: bytes
    revealed: bool = False


@dataclass(slots=True)
class Round:
    """One vetting round; `weights` are the balances when it opened. Times before any pause."""

    number: int
    weights: dict[str, int]
    submit_until: int
    commit_until: int
    reveal_until: int
    paused_before: int
    works: list[Work] = field(default_factory=list)
    ballots: dict[str, Ballot] = field(default_factory=dict)
    votes: dict[int, int] = field(default_factory=dict)
    cast: int = 0
    leader: int = 0
    best: int = 0
    tied: bool = False
    outcome: Outcome = Outcome.OPEN

    @property
    def winner(self) -> Work | None:
        """The work that the round accepted."""
        return self.works[self.leader - 1] if self.outcome == Outcome.ACCEPTED else None


class Studio:
    """Books of the Studio and of its shares, all of which the operator has at first."""

    def __init__(
        self, ledger: Ledger, timelock: Timelock, drops: Drops, terms: StudioTerms
    ) -> None:
        self.terms = terms
        self.shares = Shares(OPERATOR, terms.shares)
        self.rounds: list[Round] = []
        self.rounds_before = 0
        self.loop = 0
        self.state = Loop.IDLE
        self.paused_at = 0
        self.paused_s = 0
        self.spent: dict[tuple[int, int], int] = {}
        self.works: list[int] = []
        self._state_before_pause = Loop.IDLE
        self._anchors = 0
        self._ledger = ledger
        self._timelock = timelock
        self._drops = drops

    @property
    def balance_wei(self) -> int:
        """The ETH that the studio holds."""
        return self._ledger.balance_wei(TREASURY)

    @property
    def is_paused(self) -> bool:
        """Whether the guardian has stopped it."""
        return self.paused_at != 0

    @property
    def epoch(self) -> int:
        """The epoch of the current block, counted from 1970."""
        return self._ledger.now // self.terms.epoch_s

    def send_shares(self, sender: str, to: str, amount: int) -> None:
        """Gives shares of the studio away."""
        self._ledger.call(sender, SHARES, "transfer", to, amount)
        self.shares.move(sender, to, amount)

    def claim_dividend(self, holder: str) -> None:
        """Fetches a holder's part of the proceeds."""
        self._ledger.call(holder, SHARES, "claimDividend")
        self._ledger.receive(holder, self.shares.claim(holder))

    def open_round(self) -> Round:
        """Opens a round; who holds shares now votes in it.

        Raises:
            SimulationError: another is open.
        """
        if self.rounds and self.rounds[-1].outcome == Outcome.OPEN:
            message = f"round {self.rounds[-1].number} is still open"
            raise SimulationError(message)
        self._ledger.call(OPERATOR, STUDIO, "openRound")
        submit_until = self._ledger.now + self.terms.submit_s
        commit_until = submit_until + self.terms.commit_s
        opened = Round(
            self.rounds_before + len(self.rounds) + 1, dict(self.shares.balances),
            submit_until, commit_until, commit_until + self.terms.reveal_s, self.paused_s,
        )  # fmt: skip
        self.rounds.append(opened)
        return opened

    def phase(self, vetted: Round) -> Phase:
        """What can be done in a round in this block."""
        if vetted.outcome != Outcome.OPEN:
            return Phase.CLOSED
        time = (self.paused_at or self._ledger.now) - (self.paused_s - vetted.paused_before)
        if time <= vetted.submit_until:
            return Phase.SUBMISSION
        if time <= vetted.commit_until:
            return Phase.COMMITMENT
        return Phase.REVEAL if time <= vetted.reveal_until else Phase.TALLY

    def submit(self, vetted: Round, work: Work, sender: str = OPERATOR) -> None:
        """Puts a work up for election."""
        self._require(vetted, Phase.SUBMISSION)
        manifest = manifest_hash(work, metadata(work))
        self._ledger.call(sender, STUDIO, "submit", vetted.number, manifest)
        vetted.works.append(work)

    def commit(self, vetted: Round, voter: str, choice: int, salt: bytes) -> None:
        """Votes for a choice, hidden."""
        self._require(vetted, Phase.COMMITMENT)
        ballot = Hashed(_BALLOT, (LOCAL_CHAIN_ID, STUDIO, vetted.number, voter, choice, salt))
        self._ledger.call(voter, STUDIO, "commitVote", vetted.number, ballot)
        vetted.ballots[voter] = Ballot(choice, salt)

    def reveal(self, vetted: Round, voter: str) -> None:
        """Shows a vote, which counts from now on."""
        self._require(vetted, Phase.REVEAL)
        ballot = vetted.ballots[voter]
        self._ledger.call(voter, STUDIO, "revealVote", vetted.number, ballot.choice, ballot.salt)
        ballot.revealed = True
        cap = self.shares.issued * self.terms.cap_bps // ALL_BPS
        weight = min(vetted.weights.get(voter, 0), cap)
        votes = vetted.votes.get(ballot.choice, 0) + weight
        vetted.votes[ballot.choice] = votes
        vetted.cast += weight
        if votes > vetted.best:
            vetted.leader, vetted.best, vetted.tied = ballot.choice, votes, False
        elif votes == vetted.best:
            vetted.tied = True

    def close(self, vetted: Round) -> Outcome:
        """Ends a round: accepts the leading work if enough voted and no other has as many."""
        self._require(vetted, Phase.TALLY)
        self._ledger.call(OPERATOR, STUDIO, "closeRound", vetted.number)
        if vetted.cast * ALL_BPS < self.shares.issued * self.terms.quorum_bps:
            vetted.outcome = Outcome.NO_QUORUM
        elif vetted.tied:
            vetted.outcome = Outcome.TIED
        elif vetted.leader == NOBODY:
            vetted.outcome = Outcome.REJECTED
        else:
            vetted.outcome = Outcome.ACCEPTED
        return vetted.outcome

    def mint(self, work: Work, seats: tuple[Seat, ...]) -> int:
        """Mints an accepted work for the studio; returns its id."""
        document = metadata(work)
        token_id = self._ledger.note_minted(work, seats)
        self.consume(MINTS, 1)
        materials = work.materials
        request: tuple[Any, ...] = (
            STUDIO, manifest_hash(work, document), work.pixel_hash,
            materials.model, materials.dataset, materials.process,
            work.seed, work.royalty_bps, token_uri(document), [],
        )  # fmt: skip
        self._ledger.call(OPERATOR, STUDIO, "mint", request, expects=token_id)
        self.works.append(token_id)
        return token_id

    def burn(self, token_id: int, reason: int) -> None:
        """Destroys a work of the studio's."""
        self.consume(BURNS, 1)
        self._ledger.call(OPERATOR, STUDIO, "burn", token_id, reason)
        del self._ledger.pieces[token_id]
        self.works.remove(token_id)

    def open_drop(self, token_ids: list[int], params: VrgdaParams) -> Drop:
        """Offers works of the studio's in a new drop that starts at once."""
        self._ledger.call(
            OPERATOR, STUDIO, "openDrop", token_ids, params_tuple(params), self._ledger.now,
            extra_gas=140_000 * len(token_ids),
        )  # fmt: skip
        for token_id in token_ids:
            self.works.remove(token_id)
        return self._drops.note_opened(TREASURY, token_ids, params)

    def reprice_drop(self, drop: Drop, params: VrgdaParams) -> None:
        """Changes the price of a drop of the studio's, once an epoch at most."""
        self._ledger.call(OPERATOR, STUDIO, "repriceDrop", drop.drop_id, params_tuple(params))
        self._drops.note_repriced(drop, params)

    def withdraw_drop(self, drop: Drop) -> list[int]:
        """Takes the unsold works of a drop of the studio's back."""
        self._ledger.call(
            OPERATOR, STUDIO, "withdrawDrop", drop.drop_id, list(drop.works),
            extra_gas=90_000 * len(drop.works),
        )  # fmt: skip
        works = self._drops.note_taken_back(drop)
        self.works += works
        return works

    def left(self, kind: int) -> int:
        """What is left of a budget in this epoch: wei, or a count."""
        per_epoch = {
            COMPUTE: self.terms.compute_wei, GAS: self.terms.gas_wei, MINTS: self.terms.mints,
            BURNS: self.terms.burns_per_epoch, IMAGES: self.terms.images,
        }[kind]  # fmt: skip
        return per_epoch - self.spent.get((self.epoch, kind), 0)

    def spend(self, kind: int, to: str, amount_wei: int) -> None:
        """Pays out wei of a budget."""
        self.consume(kind, amount_wei)
        self._ledger.call(OPERATOR, STUDIO, "spend", kind, to, amount_wei)
        self._ledger.pay_out(TREASURY, amount_wei)
        self._ledger.receive(to, amount_wei)

    def meter(self, kind: int, amount: int) -> None:
        """Reports work that costs the studio no wei."""
        self.consume(kind, amount)
        self._ledger.call(OPERATOR, STUDIO, "meter", kind, amount)

    def consume(self, kind: int, amount: int) -> None:
        """Uses up a part of a budget.

        Raises:
            SimulationError: less is left.
        """
        if self.is_paused or amount > self.left(kind):
            message = (
                f"budget {kind} has {self.left(kind)} left in epoch {self.epoch}, not {amount}"
            )
            raise SimulationError(message)
        key = (self.epoch, kind)
        self.spent[key] = self.spent.get(key, 0) + amount

    def share_proceeds(self, sender: str = OPERATOR) -> int:
        """Gives the share holders all ETH above the reserve; returns the wei."""
        amount_wei = self.balance_wei - self.terms.reserve_wei
        self._ledger.call(sender, STUDIO, "shareProceeds")
        self._ledger.pay_out(TREASURY, amount_wei)
        self.shares.distribute(amount_wei)
        return amount_wei

    def transition(self, to: Loop) -> None:
        """Takes the loop a step on, with an anchor of its own."""
        self._anchors += 1
        anchor = Hashed(("string", "uint256"), ("anchor of the simulated loop", self._anchors))
        self._ledger.call(OPERATOR, STUDIO, "transition", int(to), anchor)
        self.loop += to == Loop.FORECAST
        self.state = to

    def pause(self) -> None:
        """The guardian stops the studio."""
        self._ledger.call(GUARDIAN, STUDIO, "pause")
        self.paused_at = self._ledger.now
        self._state_before_pause, self.state = self.state, Loop.PAUSED

    def propose_unpause(self) -> None:
        """Has the timelock let the studio go on, once its delay is over."""

        def unpause() -> None:
            self.paused_s += self._ledger.now - self.paused_at
            self.paused_at = 0
            self.state = self._state_before_pause

        self._timelock.schedule(STUDIO, "unpause", (), unpause)

    def _require(self, vetted: Round, needed: Phase) -> None:
        phase = self.phase(vetted)
        if self.is_paused or phase != needed:
            message = f"round {vetted.number} is in {phase.name}, not {needed.name}"
            raise SimulationError(message)
