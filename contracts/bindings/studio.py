"""Calls of `Studio`: vetting rounds, works and drops within limits, budgets, steps of the loop."""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from contracts.bindings.base import Binding
from contracts.bindings.drops import PriceParams
from contracts.calldata import MintRequest, mint_fields
from contracts.decoding import first_event


class BudgetKind(IntEnum):
    """What a budget is of: wei below 128, counts from there on."""

    COMPUTE = 0
    GAS = 1
    STORAGE = 2
    BURNS = 128
    MINTS = 129
    IMAGES = 130


class RoundPhase(IntEnum):
    """What can be done in a round."""

    UNKNOWN = 0
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


class LoopState(IntEnum):
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


class Closing(NamedTuple):
    """How a round was closed: votes in units of 10^-18 share; no manifest unless accepted."""

    outcome: Outcome
    votes_for: int
    votes_cast: int
    manifest: bytes | None


class Studio(Binding):
    """The autonomous studio: the operator acts within limits, holders of its shares vote."""

    NAME = "Studio"

    def open_round(self) -> int:
        """Opens a round of vetting, as the operator, and returns its number."""
        return int(first_event(self._send("openRound"), self.NAME, "RoundOpened")["round"])

    def submit(self, round_id: int, manifest: bytes) -> int:
        """Puts a work up for election and returns its choice."""
        self._send("submit", round_id, manifest)
        return int(self._read("choiceOf", round_id, manifest))

    def commit_vote(self, round_id: int, choice: int, salt: bytes) -> None:
        """Votes, hidden; choice 0 is none of the works. The salt must be random and kept."""
        self._send("commitVote", round_id, self._read("hashVote", round_id, self.me, choice, salt))

    def reveal_vote(self, round_id: int, choice: int, salt: bytes) -> None:
        """Shows the signer's vote, which counts from now on."""
        self._send("revealVote", round_id, choice, salt)

    def close_round(self, round_id: int) -> Closing:
        """Ends a round whose windows have passed."""
        closed = first_event(self._send("closeRound", round_id), self.NAME, "RoundClosed")
        outcome = Outcome(closed["outcome"])
        manifest = bytes(closed["manifest"]) if outcome == Outcome.ACCEPTED else None
        return Closing(outcome, closed["votesForIt"], closed["votesCast"], manifest)

    def phase_of(self, round_id: int) -> RoundPhase:
        """Returns what can be done in a round now."""
        return RoundPhase(self._read("phaseOf", round_id))

    def weight_of(self, round_id: int, voter: str) -> int:
        """Returns what a vote weighs in a round, in units of 10^-18 share."""
        return int(self._read("weightOf", round_id, voter))

    def round_of(self, manifest: bytes) -> int | None:
        """Returns the round that accepted a manifest, None if none did."""
        return int(self._read("acceptedIn", manifest)) or None

    def mint(self, request: MintRequest) -> int:
        """Mints an accepted manifest for the studio, as the operator; returns its token id."""
        receipt = self._send("mint", mint_fields(request))
        return int(first_event(receipt, "Artwork", "ArtworkMinted")["tokenId"])

    def burn(self, token_id: int, reason: int = 0) -> None:
        """Destroys a work of the studio, within the limit per epoch."""
        self._send("burn", token_id, reason)

    def token_of(self, manifest: bytes) -> int | None:
        """Returns the work of an accepted manifest, None until it is minted."""
        return int(self._read("tokenOf", manifest)) or None

    def open_drop(self, token_ids: Sequence[int], params: PriceParams, start_time: int = 0) -> int:
        """Offers works of the studio in a new drop and returns its id."""
        receipt = self._send("openDrop", list(token_ids), params, start_time)
        return int(first_event(receipt, "Drops", "DropOpened")["dropId"])

    def reprice_drop(self, drop_id: int, params: PriceParams) -> None:
        """Changes the price of a drop of the studio, by a step at most and once an epoch."""
        self._send("repriceDrop", drop_id, params)

    def withdraw_drop(self, drop_id: int, token_ids: Sequence[int]) -> None:
        """Takes unsold works back from a drop of the studio."""
        self._send("withdrawDrop", drop_id, list(token_ids))

    def spend(self, kind: BudgetKind, to: str, amount_wei: int) -> None:
        """Pays out wei of a budget, as the operator."""
        self._send("spend", int(kind), to, amount_wei)

    def meter(self, kind: BudgetKind, amount: int) -> None:
        """Reports work that costs no wei here, before it is done."""
        self._send("meter", int(kind), amount)

    def left_of(self, kind: BudgetKind) -> int:
        """Returns what is left of a budget in this epoch."""
        return int(self._read("leftOf", int(kind)))

    def share_proceeds(self) -> int:
        """Gives the share holders all ETH above the working capital; returns the wei."""
        receipt = self._send("shareProceeds")
        return int(first_event(receipt, self.NAME, "ProceedsShared")["amount"])

    def transition(self, to: LoopState, anchor: bytes) -> None:
        """Takes the loop a step, with the head of the operator's log as its anchor."""
        self._send("transition", int(to), anchor)

    def can_move(self, to: LoopState, account: str) -> bool:
        """Returns whether an account may take the loop to a state now, were it not paused."""
        return bool(self._read("canMove", int(to), account))

    def state(self) -> LoopState:
        """Returns where the loop stands."""
        return LoopState(self._read("state"))

    def loop(self) -> int:
        """Returns the number of the loop that runs or ran last, 0 before the first."""
        return int(self._read("loop"))

    def pause(self) -> None:
        """Stops everything, as the guardian; only the timelock lets it go on."""
        self._send("pause")

    def is_paused(self) -> bool:
        """Returns whether everything is stopped."""
        return bool(self._read("paused"))

    def operator(self) -> str:
        """Returns who acts within the limits."""
        return str(self._read("operator"))

    def guardian(self) -> str:
        """Returns who can stop everything."""
        return str(self._read("guardian"))
