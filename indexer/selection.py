"""What an index run asks for: the routes of its protocols on one chain, and the log filters."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from data.errors import UsageError
from indexer.abi import Event
from indexer.protocols.base import ChainContext, Protocol, Route

LOCAL_CHAIN_ID = 31_337
"""Chain of anvil; its blocks are fetched with their transactions, to derive funding."""

_MOST_TOPICS = 4

LogFilter = dict[str, Any]
"""`address` and `topics` of an eth_getLogs request."""


@dataclass(frozen=True)
class Claim:
    """An event that a protocol reads, by its routes, of which the first that fits counts."""

    protocol: str
    event: Event
    routes: tuple[Route, ...]

    @cached_property
    def is_event(self) -> pl.Expr:
        """Whether a log is of the event, by `topic0` and `n_topics`."""
        topic0, n_topics = self.event.topic0, self.event.n_topics
        return (pl.col("topic0") == topic0) & (pl.col("n_topics") == n_topics)

    @cached_property
    def version(self) -> pl.Expr:
        """The version of the first route that claims a log; NULL without any."""
        version = pl.lit(None, pl.String)
        for route in self.routes:
            is_ours = (
                pl.lit(value=True)
                if route.emitters is None
                else pl.col("address").is_in(sorted(route.emitters))
            )
            version = (
                pl.when(is_ours & version.is_null()).then(pl.lit(route.version)).otherwise(version)
            )
        return version.alias("version")


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

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """The events of the protocols, in the order of these."""
        of_event: dict[tuple[str, Event], list[Route]] = {}
        for protocol, route in self.routes:
            of_event.setdefault((protocol.name, route.event), []).append(route)
        return tuple(Claim(*key, tuple(routes)) for key, routes in of_event.items())

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
