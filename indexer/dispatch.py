"""Which event of which protocol a log is: by (topic0, number of topics, emitter)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import polars as pl

from indexer.abi import Event
from indexer.protocols.base import Protocol, Route
from indexer.selection import Selection

TOPICS = ("topic0", "topic1", "topic2", "topic3")

Batches = list[tuple[Event, pl.DataFrame]]
"""Events with their logs; these have `version` besides the columns of the table `logs`."""


def count_topics(logs: pl.DataFrame) -> pl.DataFrame:
    """The logs with `n_topics`."""
    return logs.with_columns(
        pl.sum_horizontal(pl.col(name).is_not_null() for name in TOPICS).alias("n_topics")
    )


def dispatch(logs: pl.DataFrame, selection: Selection) -> dict[str, Batches]:
    """Logs by the name of the protocol that reads them; protocols without logs are left out.

    Args:
        logs: with `n_topics`; may hold logs that no route reads.
        selection: the protocols.
    """
    present = set(logs.select("topic0", "n_topics").unique().rows())
    by_protocol: dict[str, Batches] = {}
    for protocol in selection.protocols:
        batches = list(_batches(selection.routes_of(protocol), logs, present))
        if batches:
            by_protocol[protocol.name] = batches
    return by_protocol


def _batches(
    routes: Sequence[Route], logs: pl.DataFrame, present: set[tuple[str, int]]
) -> Iterator[tuple[Event, pl.DataFrame]]:
    by_event: dict[Event, list[Route]] = defaultdict(list)
    for route in routes:
        by_event[route.event].append(route)
    for event, claims in by_event.items():
        if (event.topic0, event.n_topics) not in present:
            continue
        is_event = (pl.col("topic0") == event.topic0) & (pl.col("n_topics") == event.n_topics)
        batch = logs.filter(is_event).drop("n_topics")
        batch = batch.with_columns(_version(claims)).filter(pl.col("version").is_not_null())
        if not batch.is_empty():
            yield event, batch


def _version(claims: Sequence[Route]) -> pl.Expr:
    """The version of the first route that claims a log; NULL without any."""
    version = pl.lit(None, pl.String)
    for route in claims:
        is_ours = (
            pl.lit(value=True)
            if route.emitters is None
            else pl.col("address").is_in(sorted(route.emitters))
        )
        version = (
            pl.when(is_ours & version.is_null()).then(pl.lit(route.version)).otherwise(version)
        )
    return version.alias("version")


def in_order(protocols: Sequence[Protocol]) -> list[Protocol]:
    """The protocols, each behind those whose facts it reads."""
    rest, ordered = list(protocols), []
    names = {protocol.name for protocol in protocols}
    while rest:
        waiting = {protocol.name for protocol in rest}
        ready = [each for each in rest if not waiting & (set(each.after) & names - {each.name})]
        if not ready:
            message = f"protocols wait for each other: {', '.join(sorted(waiting))}"
            raise ValueError(message)
        ordered += ready
        rest = [each for each in rest if each not in ready]
    return ordered
