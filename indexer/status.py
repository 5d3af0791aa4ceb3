"""What the store holds, how far behind it is, what is missing, and what was set aside."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data.schema import TABLES
from data.store import Store
from indexer.chains import chain_name
from indexer.ranges import BlockRange, count_blocks, merge, subtract

_SHOWN = 5  # ranges or gaps on one line


@dataclass(frozen=True)
class Head:
    """The newest block of a chain, as an endpoint tells it."""

    chain_id: int
    number: int
    time: datetime


def read_status(
    store: Store,
    *,
    now: datetime | None = None,
    head: Head | None = None,
    with_digest: bool = False,
) -> dict[str, Any]:
    """Rows by table, committed ranges, lag, gaps, quarantine and unbalanced sales of a store.

    Args:
        store: to look at.
        now: the time, UTC; without it there is no `age_s`.
        head: the head of one chain, freshly asked; without it the head is that of the last run.
        with_digest: also hash every table of facts and links.

    Returns:
        `tables` (rows by name, empty ones left out), `chains` (see `_chain`), `findings` (gaps and
        unproven blocks of the completeness proof), `quarantine` (rows by protocol, event,
        reason), `sales` (per protocol: n, residual_nonzero, residual_null, residual_null_share)
        and, if asked for, `digest` (SHA-256 by table).
    """
    status: dict[str, Any] = {
        "tables": _row_counts(store),
        "chains": [_chain(store, chain_id, now, head) for chain_id in _chain_ids(store)],
        "findings": store.query(
            "SELECT chain_id, verdict, reason, sum(to_block - from_block)::BIGINT AS blocks"
            " FROM completeness_findings GROUP BY ALL ORDER BY ALL"
        ).to_dicts(),
        "quarantine": store.query(
            "SELECT protocol, event, reason, count(*) AS rows FROM quarantine"
            " GROUP BY ALL ORDER BY ALL"
        ).to_dicts(),
        "sales": store.query(
            "SELECT protocol, count(*) AS n,"
            " count(*) FILTER (residual_wei <> 0) AS residual_nonzero,"
            " count(*) FILTER (residual_wei IS NULL) AS residual_null,"
            " residual_null / n AS residual_null_share"
            " FROM sales AS s GROUP BY protocol ORDER BY protocol"
        ).to_dicts(),
    }
    if with_digest:
        status["digest"] = store.digest()
    return status


def _row_counts(store: Store) -> dict[str, int]:
    counts = {name: int(store.query(f"SELECT count(*) AS n FROM {name}").item()) for name in TABLES}
    return {name: count for name, count in counts.items() if count}


def _chain_ids(store: Store) -> list[int]:
    return store.query("SELECT DISTINCT chain_id FROM ranges ORDER BY chain_id")[
        "chain_id"
    ].to_list()


def _chain(store: Store, chain_id: int, now: datetime | None, head: Head | None) -> dict[str, Any]:
    """One chain.

    `ranges` and `blocks` of all selections together, `gaps` between them; the same per selection in
    `selections`. `head` and `head_from` (endpoint, or last run), `behind` in blocks; `last_time` of
    the newest block, `lag_s` behind the head's time and `age_s` behind the clock.
    """
    rows = store.query(
        "SELECT selection, from_block, to_block FROM ranges WHERE chain_id = ? ORDER BY ALL",
        [chain_id],
    ).rows()
    ranges = merge((start, end) for _, start, end in rows)
    asked = head if head is not None and head.chain_id == chain_id else None
    number = asked.number if asked else _head_of_last_run(store, chain_id)
    last_time = _last_time(store, chain_id)
    selections = sorted({row[0] for row in rows})
    return {
        "chain_id": chain_id,
        "ranges": _texts(ranges),
        "blocks": count_blocks(ranges),
        "gaps": _texts(_gaps(ranges)),
        "selections": [
            _selection(digest, [row[1:] for row in rows if row[0] == digest])
            for digest in selections
        ],
        "head": number,
        "head_from": "endpoint" if asked else "last run",
        "behind": None if number is None else max(number + 1 - ranges[-1][1], 0),
        "last_time": last_time.isoformat() if last_time else None,
        "lag_s": _seconds(last_time, asked.time if asked else None),
        "age_s": _seconds(last_time, now),
    }


def _selection(digest: str, rows: Sequence[BlockRange]) -> dict[str, Any]:
    ranges = merge(rows)
    return {
        "selection": digest,
        "ranges": _texts(ranges),
        "blocks": count_blocks(ranges),
        "gaps": _texts(_gaps(ranges)),
    }


def _gaps(ranges: Sequence[BlockRange]) -> list[BlockRange]:
    return subtract([(ranges[0][0], ranges[-1][1])], ranges) if ranges else []


def _texts(ranges: Sequence[BlockRange]) -> list[str]:
    return [f"{start}:{end}" for start, end in ranges]


def _seconds(since: datetime | None, until: datetime | None) -> float | None:
    """Seconds from one time to a later one; a node's clock may be ahead of ours."""
    return None if since is None or until is None else max((until - since).total_seconds(), 0.0)


def _last_time(store: Store, chain_id: int) -> datetime | None:
    newest: datetime | None = store.query(
        "SELECT max_by(block_time, block_number) AS newest FROM blocks WHERE chain_id = ?",
        [chain_id],
    ).item()
    return newest


def _head_of_last_run(store: Store, chain_id: int) -> int | None:
    """The chain's head as the last finished index run saw it."""
    details = store.query(
        "SELECT details FROM runs WHERE verb = 'index' ORDER BY finished_at DESC, run_id"
    )["details"]
    for text in details:
        run = json.loads(text)
        if run.get("chain_id") == chain_id and "head" in run:
            return int(run["head"])
    return None


# --- as text


def status_lines(found: dict[str, Any]) -> Iterator[str]:
    """The status as lines for a terminal."""
    if not found["tables"]:
        yield "the store is empty; fill it with: raisonne index"
    for chain in found["chains"]:
        yield from _chain_lines(chain)
    yield from (f"{count:>12,}  {name}" for name, count in found["tables"].items())
    for row in found["sales"]:
        yield (
            f"sales of {row['protocol']}: {row['n']:,}, {row['residual_nonzero']:,} unbalanced, "
            f"{row['residual_null_share']:.1%} without a known residual"
        )
    for row in found["findings"]:
        where = f"{row['blocks']:,} blocks of chain {row['chain_id']}"
        yield f"{row['verdict']}: {where}: {row['reason']}"
    for row in found["quarantine"]:
        origin = " ".join(part for part in (row["protocol"], row["event"]) if part) or "log"
        yield f"quarantine: {row['rows']:,} {origin}: {row['reason']}"
    yield from (f"{value}  {name}" for name, value in found.get("digest", {}).items())


def _chain_lines(chain: dict[str, Any]) -> Iterator[str]:
    name = chain_name(chain["chain_id"])
    named = "" if name == str(chain["chain_id"]) else f" ({name})"
    lag = "" if chain["lag_s"] is None else f" and {duration(chain['lag_s'])}"
    behind = (
        "" if chain["behind"] is None else f", {_count(chain['behind'], 'block')}{lag} behind head"
    )
    yield (
        f"chain {chain['chain_id']}{named}: {chain['blocks']:,} blocks "
        f"({_listed(chain['ranges'])}){behind}"
    )
    if chain["last_time"]:
        age = "" if chain["age_s"] is None else f", {duration(chain['age_s'])} ago"
        yield f"  newest block of {chain['last_time'].replace('T', ' ')} UTC{age}"
    if chain["gaps"]:
        yield f"  not indexed in between: {_listed(chain['gaps'])}"
    several = chain["selections"] if len(chain["selections"]) > 1 else []
    for each in several:
        gaps = f", gaps {_listed(each['gaps'])}" if each["gaps"] else ""
        blocks = f"{each['blocks']:,} blocks ({_listed(each['ranges'])})"
        yield f"  selection {each['selection'][:10]}: {blocks}{gaps}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(ranges: Sequence[str]) -> str:
    more = [f"and {len(ranges) - _SHOWN:,} more"] if len(ranges) > _SHOWN else []
    return " ".join([*ranges[:_SHOWN], *more])


def duration(seconds: float) -> str:
    """A span of time in its two largest units: `3 d 4 h`, `12 s`."""
    left = round(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count:,} {unit}")
    return " ".join(parts[:2])
