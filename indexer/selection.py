"""What an index run asks for: the routes of its protocols on one chain, and the log filters."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from data.errors import UsageError
from indexer.protocols.base import ChainContext, Protocol, Route

LOCAL_CHAIN_ID = 31_337
"""Chain of anvil; its blocks are fetched with their transactions, to derive funding."""

_MOST_TOPICS = 4

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

        Each costs a request per range, so there are three at most: events of any contract with
        four topics (padding with null asks for at least so many: ERC-20 transfers, with their
        three, never travel), those with fewer, and events of named contracts.
        """
        full: set[str] = set()
        fewer: dict[str, int] = {}
        named: set[str] = set()
        named_topics: set[str] = set()
        for _, route in self.routes:
            topic0, n_topics = route.event.topic0, route.event.n_topics
            if route.emitters is not None:
                named |= route.emitters
                named_topics.add(topic0)
            elif n_topics == _MOST_TOPICS:
                full.add(topic0)
            else:
                fewer[topic0] = min(n_topics, fewer.get(topic0, n_topics))
        filters: list[LogFilter] = []
        if fewer:
            filters.append({"topics": [sorted(fewer), *[None] * (min(fewer.values()) - 1)]})
        # What the filter of fewer topics matches need not be asked for twice.
        if full - set(fewer):
            filters.append({"topics": [sorted(full - set(fewer)), None, None, None]})
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
