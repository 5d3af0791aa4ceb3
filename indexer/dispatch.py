"""Which event of which protocol a log is: by (topic0, number of topics, emitter)."""

from collections.abc import Sequence

import polars as pl

from indexer.abi import Event
from indexer.protocols.base import Protocol
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
    for claim in selection.claims:
        if (claim.event.topic0, claim.event.n_topics) not in present:
            continue
        batch = (
            logs.lazy()
            .filter(claim.is_event)
            .with_columns(claim.version)
            .filter(pl.col("version").is_not_null())
            .drop("n_topics")
            .collect()
        )
        if not batch.is_empty():
            by_protocol.setdefault(claim.protocol, []).append((claim.event, batch))
    return by_protocol


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
