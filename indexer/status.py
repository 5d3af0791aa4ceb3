"""What the store holds, how complete it is, and what was set aside."""

import json
from typing import Any

from data.schema import TABLES
from data.store import Store
from indexer.ranges import count_blocks, merge


def read_status(store: Store, *, with_digest: bool = False) -> dict[str, Any]:
    """Rows by table, committed ranges, quarantine and unbalanced sales of a store.

    Returns:
        `tables` (rows by name, empty ones left out), `chains` (per chain: ranges, blocks, head at
        the last run, blocks behind it), `quarantine` (rows by protocol, event, reason), `sales`
        (per protocol: n, residual_nonzero, residual_null, residual_null_share) and, if asked
        for, `digest` (SHA-256 by table).
    """
    status: dict[str, Any] = {
        "tables": _row_counts(store),
        "chains": [_chain(store, chain_id) for chain_id in _chain_ids(store)],
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


def _chain(store: Store, chain_id: int) -> dict[str, Any]:
    rows = store.query("SELECT from_block, to_block FROM ranges WHERE chain_id = ?", [chain_id])
    ranges = merge(rows.rows())
    head = _head(store, chain_id)
    return {
        "chain_id": chain_id,
        "ranges": [f"{start}:{end}" for start, end in ranges],
        "blocks": count_blocks(ranges),
        "head": head,
        "behind": None if head is None else max(head + 1 - ranges[-1][1], 0),
    }


def _head(store: Store, chain_id: int) -> int | None:
    """The chain's head as the last finished index run saw it."""
    details = store.query(
        "SELECT details FROM runs WHERE verb = 'index' ORDER BY finished_at DESC, run_id"
    )["details"]
    for text in details:
        run = json.loads(text)
        if run.get("chain_id") == chain_id and "head" in run:
            return int(run["head"])
    return None
