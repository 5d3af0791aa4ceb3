"""What an index run asks for: the routes of its protocols on one chain, and the log filters."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from data.errors import UsageError
from indexer.protocols.base import ChainContext, Protocol, Route

LOCAL_CHAIN_ID = 31_337
"""Chain of anvil; its blocks are fetched with their transactions, to derive funding."""

LogFilter = dict[str, Any]
"""`address` and `topics` of an eth_getLogs request."""


@dataclass(frozen=True)
class Selection:
    """Protocols on one chain, and optionally the only contracts whose logs are wanted."""

    context: ChainContext
    protocols: tuple[Protocol, ...]
    addresses: tuple[str, ...] = ()

    @property
    def wants_transactions(self) -> bool:
        """Whether every block is fetched with its transactions."""
        return self.context.chain_id == LOCAL_CHAIN_ID

    @cached_property
    def routes(self) -> tuple[tuple[Protocol, Route], ...]:
        """All routes with their protocol.

        Raises:
            UsageError: two routes of different protocols claim the same logs of the same contract.
        """
        routes = tuple(
            (protocol, route)
            for protocol in self.protocols
            for route in protocol.routes(self.context)
        )
        _refuse_ambiguity(routes)
        return routes

    def routes_of(self, protocol: Protocol) -> tuple[Route, ...]:
        """The routes of one of the protocols."""
        return self._by_protocol[protocol.name]

    @cached_property
    def _by_protocol(self) -> dict[str, tuple[Route, ...]]:
        by_name: dict[str, list[Route]] = {protocol.name: [] for protocol in self.protocols}
        for protocol, route in self.routes:
            by_name[protocol.name].append(route)
        return {name: tuple(routes) for name, routes in by_name.items()}

    @cached_property
    def digest(self) -> str:
        """Identity of the selection; a committed range counts for equal selections only."""
        lines = sorted(
            [
                protocol.name,
                route.version,
                route.event.topic0,
                str(route.event.n_topics),
                *sorted(route.emitters or ["any"]),
            ]
            for protocol, route in self.routes
        )
        text = json.dumps([self.context.chain_id, sorted(self.addresses), lines])
        return "0x" + hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def log_filters(self) -> tuple[LogFilter, ...]:
        """Filters that together match every wanted log, and little else.

        Events of any contract are asked by number of topics (padding with null asks for at least so
        many): ERC-20 transfers, with their three topics, never travel.
        """
        anywhere: dict[int, set[str]] = defaultdict(set)
        named: set[str] = set()
        named_topics: set[str] = set()
        for _, route in self.routes:
            if route.emitters is None:
                anywhere[route.event.n_topics].add(route.event.topic0)
            else:
                named |= route.emitters
                named_topics.add(route.event.topic0)
        filters: list[LogFilter] = [
            {"topics": [sorted(topics), *[None] * (n_topics - 1)]}
            for n_topics, topics in sorted(anywhere.items())
        ]
        if self.addresses:
            filters = [{**each, "address": sorted(self.addresses)} for each in filters]
            named &= set(self.addresses)
        if named:
            filters.append({"address": sorted(named), "topics": [sorted(named_topics)]})
        return tuple(filters)


def _refuse_ambiguity(routes: Sequence[tuple[Protocol, Route]]) -> None:
    seen: dict[tuple[str, int, str], str] = {}
    for protocol, route in routes:
        for emitter in route.emitters or ("any contract",):
            key = (route.event.topic0, route.event.n_topics, emitter)
            if key in seen:
                message = (
                    f"protocols {seen[key]} and {protocol.name} both claim {route.event.name} with "
                    f"{route.event.n_topics} topics of {emitter}; give one of them an emitter list"
                )
                raise UsageError(message)
            seen[key] = protocol.name
