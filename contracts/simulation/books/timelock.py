"""What the timelock holds back: calls of its own that are made once their delay is over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contracts.simulation.calls import OPERATOR, Calldata, Place
from contracts.simulation.ledger import Ledger

TIMELOCK = Place("timelock")
_NO_PREDECESSOR = bytes(32)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A call that may be made from `ready_at` (Unix seconds) on, and what it changes then."""

    call: Calldata
    salt: bytes
    ready_at: int
    effect: Callable[[], None]


class Timelock:
    """Books of a TimelockController whose proposer and executor is the operator."""

    def __init__(self, ledger: Ledger, delay_s: int) -> None:
        self.delay_s = delay_s
        self.waiting: list[Proposal] = []
        self.proposed = 0
        self.executed = 0
        self._ledger = ledger

    def schedule(
        self, to: Place, function: str, values: tuple[Any, ...], effect: Callable[[], None]
    ) -> None:
        """Proposes a call; `effect` changes the books when it is made."""
        self.proposed += 1
        # A salt of its own, so that the same call can be proposed twice.
        salt = self.proposed.to_bytes(32, "big")
        proposal = Proposal(
            Calldata(to, function, values), salt, self._ledger.now + self.delay_s, effect
        )
        self._ledger.call(
            OPERATOR, TIMELOCK, "schedule",
            to, 0, proposal.call, _NO_PREDECESSOR, salt, self.delay_s,
        )  # fmt: skip
        self.waiting.append(proposal)

    def execute_due(self) -> None:
        """Makes the calls whose delay is over, in the order proposed."""
        due = [proposal for proposal in self.waiting if proposal.ready_at <= self._ledger.now]
        for proposal in due:
            self.waiting.remove(proposal)
            self._ledger.call(
                OPERATOR, TIMELOCK, "execute",
                proposal.call.to, 0, proposal.call, _NO_PREDECESSOR, proposal.salt,
            )  # fmt: skip
            proposal.effect()
            self.executed += 1
