"""The certificate: what a store covers, and with what evidence that nothing is missing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from data.store import Store
from indexer.ranges import BlockRange, count_blocks, merge, subtract
from indexer.verify import require_complete


@dataclass(frozen=True)
class Finding:
    """Blocks that stay open: `verdict`, `reason` and `n_logs_hidden` as in the table."""

    from_block: int
    to_block: int
    verdict: str
    reason: str
    endpoint: str
    n_logs_hidden: int


@dataclass(frozen=True)
class Certificate:
    """What is known of one selection on one chain; all counts but the last three are blocks.

    `holes` lie between the first and the last range: nobody asked for them. `gaps` and `unproven`
    count the blocks of `findings`. `blocks_tested` and what follows count tests; ranges that a
    reorg has cut do not tell any more, and count nothing.
    """

    chain_id: int
    selection: str
    protocols: tuple[str, ...]
    addresses: tuple[str, ...]
    blocks_covered: int
    ranges: list[BlockRange]
    holes: list[BlockRange]
    blocks_by_evidence: dict[str, int]
    blocks_by_mode: dict[str, int]
    blocks_tested: int
    blocks_proven_empty: int
    blocks_reasked: int
    blocks_repaired: int
    unproven: int
    gaps: int
    logs: int
    requests: int
    endpoints: list[str]
    findings: list[Finding] = field(default_factory=list)


def read_certificates(store: Store) -> list[Certificate]:
    """One certificate for each chain and selection of the store, in that order."""
    keys = store.query(
        "SELECT chain_id, selection FROM ranges"
        " UNION SELECT chain_id, selection FROM completeness_findings ORDER BY ALL"
    )
    described = read_selections(store)
    return [
        _certify(store, chain_id, selection, described.get((chain_id, selection), {}))
        for chain_id, selection in keys.iter_rows()
    ]


def read_selections(store: Store) -> dict[tuple[int, str], dict[str, Any]]:
    """Protocols and addresses by chain and selection, as the runs that used them recorded them."""
    rows = store.query("SELECT details FROM runs WHERE verb = 'index' ORDER BY finished_at")
    runs = [json.loads(text) for text in rows["details"]]
    return {(run["chain_id"], run["selection"]): run for run in runs if "selection" in run}


def require_gapless(certificates: list[Certificate], *, strict: bool) -> None:
    """Refuses a store with gaps, and, if strict, one with unproven blocks.

    Raises:
        GapError: names the first of them.
    """
    findings = [found for certificate in certificates for found in certificate.findings]
    gaps = [found.from_block for found in findings if found.verdict == "gap"]
    require_complete(gaps, sum(each.unproven for each in certificates), strict=strict)


def _certify(store: Store, chain_id: int, selection: str, run: dict[str, Any]) -> Certificate:
    key = [chain_id, selection]
    rows = store.query(
        "SELECT * FROM ranges WHERE chain_id = ? AND selection = ? ORDER BY from_block", key
    )
    found = store.query(
        "SELECT from_block, to_block, verdict, reason, endpoint, n_logs_hidden"
        " FROM completeness_findings WHERE chain_id = ? AND selection = ? ORDER BY ALL",
        key,
    )
    findings = [Finding(**row) for row in found.iter_rows(named=True)]
    ranges = merge(rows.select("from_block", "to_block").rows())
    gaps = _spans(findings, "gap")
    whole = [(ranges[0][0], ranges[-1][1])] if ranges else []
    return Certificate(
        chain_id=chain_id,
        selection=selection,
        protocols=tuple(run.get("protocols", ())),
        addresses=tuple(run.get("addresses", ())),
        blocks_covered=count_blocks(ranges),
        ranges=ranges,
        holes=subtract(whole, [*ranges, *gaps]),
        blocks_by_evidence=_blocks_by(rows, "verified_by"),
        blocks_by_mode=_blocks_by(rows, "verify_mode"),
        **{name: int(rows[name].sum()) for name in _TESTS},
        unproven=count_blocks(_spans(findings, "unproven")),
        gaps=count_blocks(gaps),
        logs=int(rows["n_logs"].sum()),
        requests=int(rows["n_requests"].sum()),
        endpoints=rows["endpoint"].drop_nulls().unique().sort().to_list(),
        findings=findings,
    )


_TESTS = ("blocks_tested", "blocks_proven_empty", "blocks_reasked", "blocks_repaired")


def _spans(findings: list[Finding], verdict: str) -> list[BlockRange]:
    return merge((each.from_block, each.to_block) for each in findings if each.verdict == verdict)


def _blocks_by(rows: pl.DataFrame, column: str) -> dict[str, int]:
    grouped = (
        rows.with_columns(pl.col(column).fill_null("unknown"))
        .group_by(column)
        .agg((pl.col("to_block") - pl.col("from_block")).sum().alias("blocks"))
        .sort(column)
    )
    return dict(grouped.iter_rows())
