"""Questions about what the studio's share holders decided: rounds, budgets, drops, disputes."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from dashboard.queries.scope import Source

KINDS = {
    0: "Computing", 1: "Gas", 2: "Storage",
    128: "Burns", 129: "Mints", 130: "Images", 131: "GPU seconds", 132: "Gas units",
}  # fmt: skip
"""Kinds of spending; those below 128 are wei, as `contracts/plan.py` deploys them."""
FIRST_COUNT = 128

OUTCOMES = ("accepted", "no quorum", "tied", "none of them")
"""How rounds end, as the contract numbers them from 1."""


def rounds(source: Source, chain_id: int, now: datetime) -> pl.DataFrame:
    """Rounds of vetting, newest first.

    Columns out: round, outcome (an open round: its phase at the time `now`), opened, submissions,
    commits, reveals, for_share (of the votes cast, 0 to 1), shares_cast, manifest, and minted_as
    (the key of the work that was made from it).
    """
    return source.query(
        f"""SELECT CAST(r.round_id AS BIGINT) AS round,
          CASE WHEN outcome IS NOT NULL THEN {list(OUTCOMES)}[outcome]
            WHEN $now <= submit_until THEN 'submitting' WHEN $now <= commit_until THEN 'voting'
            WHEN $now <= reveal_until THEN 'revealing' ELSE 'to be counted' END AS outcome,
          snapshot_time AS opened, submissions, commits, reveals,
          CAST(votes_for AS DOUBLE) / nullif(CAST(votes_cast AS DOUBLE), 0) AS for_share,
          CAST(weight_revealed AS DOUBLE) / 1e18 AS shares_cast, manifest,
          (SELECT min(t.chain_id || ':' || t.collection || ':' || t.token_id) FROM tokens t
            WHERE t.chain_id = r.chain_id AND t.manifest = r.manifest) AS minted_as
        FROM vetting_rounds r WHERE r.chain_id = $chain ORDER BY round DESC""",
        {"chain": chain_id, "now": now},
    )


def budgets(source: Source, chain_id: int) -> pl.DataFrame:
    """Spending by epoch and kind, newest first: epoch, kind, spent, left (exact text), used."""
    found = source.query(
        """SELECT CAST(epoch AS BIGINT) AS epoch, kind AS kind_id, spent, "left",
          CAST(spent AS DOUBLE) / nullif(CAST(spent AS DOUBLE) + CAST("left" AS DOUBLE), 0) AS used
        FROM budgets WHERE chain_id = ? ORDER BY epoch DESC, kind""",
        [chain_id],
    )
    words = pl.col("kind_id").replace_strict(KINDS, default=None, return_dtype=pl.String)
    named = words.fill_null(pl.format("Kind {}", "kind_id"))
    return found.with_columns(named.alias("kind")).select(
        "epoch", "kind", "kind_id", "used", "spent", "left"
    )


def drops(source: Source, chain_id: int) -> pl.DataFrame:
    """Drops, newest first: drop, by, works, sold, left, sold_share, start_time, prices in ETH."""
    return source.query(
        """SELECT CAST(d.drop_id AS BIGINT) AS drop,
          CASE WHEN d.seller IN (SELECT contract FROM vetting_rounds r
            WHERE r.chain_id = d.chain_id) THEN 'the studio' ELSE d.seller END AS by,
          d.works, d.sold, d."left", d.sold / nullif(d.works, 0) AS sold_share, d.start_time,
          CAST(d.start_price AS DOUBLE) / 1e18 AS start_eth,
          CAST(d.floor_wei AS DOUBLE) / 1e18 AS floor_eth,
          CAST(d.cap_wei AS DOUBLE) / 1e18 AS cap_eth, d.repricings
        FROM drops d WHERE d.chain_id = ? ORDER BY drop DESC""",
        [chain_id],
    )


def disputes(source: Source, chain_id: int, collection: str, token_id: str) -> pl.DataFrame:
    """Disputes that bear on a work, upheld ones and near ones first.

    Columns out: state (upheld or open), culprit (the asset), via, distance.
    """
    return source.query(
        """SELECT state, culprit, via, distance FROM tainted_works
        WHERE chain_id = ? AND collection = ? AND token_id = ?
        ORDER BY state = 'upheld' DESC, distance, culprit""",
        [chain_id, collection, token_id],
    )
