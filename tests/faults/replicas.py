"""Several backends behind one address: pruned, lagging, forked; and a chain that changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults.base import Exchange, ScriptedFault
from tests.recording import Json
from tests.replay import ReplayChain


class View:
    """A chain as one backend sees it; what is not overridden is that of the chain."""

    def __init__(self, chain: ReplayChain) -> None:
        self._chain = chain
        self.hidden = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def _hide(self, found: list[Json], kept: list[Json]) -> list[Json]:
        self.hidden += len(found) > len(kept)
        return kept


class PrunedView(View):
    """A chain without the logs and receipts, and perhaps headers, below a block."""

    def __init__(self, chain: ReplayChain, first_kept: int, *, keeps_headers: bool = True) -> None:
        super().__init__(chain)
        self.first_kept, self.keeps_headers = first_kept, keeps_headers

    def logs_between(self, first: int, last: int) -> list[Json]:
        """Logs, none of pruned blocks."""
        whole = self._chain.logs_between(first, last)
        return self._hide(whole, self._chain.logs_between(max(first, self.first_kept), last))

    def logs_with_topic0(self, topics: Iterable[str], first: int, last: int) -> list[Json]:
        """Logs of some topics, none of pruned blocks."""
        whole = self._chain.logs_with_topic0(topics, first, last)
        kept = self._chain.logs_with_topic0(topics, max(first, self.first_kept), last)
        return self._hide(whole, kept)

    def receipts(self, number: int) -> list[Json] | None:
        """Receipts; None for pruned blocks, as for those not recorded."""
        return None if number < self.first_kept else self._chain.receipts(number)

    def has(self, number: int) -> bool:
        """Whether the backend can tell the header of a block."""
        known = self._chain.has(number) and (self.keeps_headers or number >= self.first_kept)
        self.hidden += self._chain.has(number) and not known
        return known


class LaggingView(View):
    """A chain whose last blocks the backend has not heard of."""

    def __init__(self, chain: ReplayChain, head: int) -> None:
        super().__init__(chain)
        self.head = min(head, chain.head)

    def has(self, number: int) -> bool:
        """Whether the backend can tell the header of a block."""
        self.hidden += self._chain.has(number) and number > self.head
        return number <= self.head and self._chain.has(number)

    def number(self, block_hash: str) -> int | None:
        """Number of a block that the backend has."""
        number = self._chain.number(block_hash)
        return number if number is not None and number <= self.head else None

    def clip(self, number: int) -> int:
        """The last block of a range, at most the backend's head."""
        self.hidden += bool(self._chain.logs_between(self.head + 1, self._chain.clip(number)))
        return min(number, self.head)


@dataclass
class Replica(ScriptedFault):
    """Base: two backends behind one address, each HTTP request answered by one of them.

    `turns` is the script, repeated: True where the other backend has its turn. It is the turn of
    the other one that is an occasion; `fired` counts requests in which it hid something.
    """

    turns: Sequence[bool] = (False, True)
    _views: list[View] = field(default_factory=list)

    def begin(self, exchange: Exchange) -> None:
        turn = self.turns[(exchange.number - 1) % len(self.turns)]
        spent = self.times is not None and self.fired >= self.times
        self.occasions += turn
        if not turn or spent or self.occasions <= self.after:
            return
        view = self.view(exchange.server.methods.chain)
        self._views.append(view)
        exchange.methods = [replace(methods, chain=view) for methods in exchange.methods]

    def finish(self, exchange: Exchange) -> None:
        self.fired += sum(view.hidden > 0 for view in self._views)
        self._views.clear()

    def view(self, chain: ReplayChain) -> View:
        """The chain as the other backend sees it."""
        raise NotImplementedError


@dataclass
class PrunedReplica(Replica):
    """A backend that answers `[]` for old blocks whose headers it still has (lotus#13749).

    There an endpoint behind a balancer gave `[]` for a canonical block with 55 logs. Without
    `keeps_headers` their headers are null too, which gives it away.
    """

    first_kept: int = 0
    keeps_headers: bool = True

    def view(self, chain: ReplayChain) -> View:
        """The chain without the logs of old blocks."""
        return PrunedView(chain, self.first_kept, keeps_headers=self.keeps_headers)


@dataclass
class LaggingReplica(Replica):
    """A backend whose head is `head`: `[]` and null past it (go-ethereum#24078, boundless#1538)."""

    head: int = 0

    def view(self, chain: ReplayChain) -> View:
        """The chain up to the backend's head."""
        return LaggingView(chain, self.head)


@dataclass
class MixedForks(ScriptedFault):
    """Answers every second call of a batch from another fork (cowprotocol/services#3515).

    `odd` gives the fork the second, fourth, ... call, else the first, third, ...
    """

    fork: ReplayChain | None = None
    odd: bool = True

    def begin(self, exchange: Exchange) -> None:
        assert self.fork is not None
        if len(exchange.calls) < 2 or not self.strikes():
            return
        other = self.fork
        exchange.methods = [
            replace(methods, chain=other) if place % 2 == self.odd else methods
            for place, methods in enumerate(exchange.methods)
        ]


# -- a chain that changes


@dataclass
class ChainChange(ScriptedFault):
    """Serves the next state of the chain after so many requests: reorgs in flight.

    `states` are (k, chain): the chain is served from the request after the k-th that asks `method`
    (any request, if that is empty). A reorg, a double reorg and a shorter chain are lists of these
    (squid-sdk#406, hyperindex#740, cowprotocol/services#2069); see `tests.forks` for chains.
    """

    states: Sequence[tuple[int, ReplayChain]] = ()
    method: str = ""
    asked: int = field(default=0, init=False)

    def begin(self, exchange: Exchange) -> None:
        while self.fired < len(self.states) and self.asked >= self.states[self.fired][0]:
            exchange.server.methods.chain = self.states[self.fired][1]
            self.fired += 1
        self.asked += not self.method or exchange.asks(self.method)


@dataclass
class ChainIdChange(ScriptedFault):
    """Becomes an endpoint of another chain between two requests (helios#175, chains#8635).

    From the first firing on every request is answered from `chain`.
    """

    chain: ReplayChain | None = None

    def begin(self, exchange: Exchange) -> None:
        assert self.chain is not None
        if self.strikes():
            other = self.chain
            exchange.methods = [replace(methods, chain=other) for methods in exchange.methods]
