"""Ranges into the store: evidence, facts and checkpoints in one transaction, or nothing."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import datetime

import polars as pl

from data.schema import TABLES, conform, table
from data.store import Store, Transaction
from indexer.clock import Clock
from indexer.decode import settle_logs
from indexer.errors import ReorgError
from indexer.evidence import Evidence
from indexer.holes import without
from indexer.protocols.base import Beside, Tables
from indexer.ranges import merge, subtract
from indexer.relink import find_touched, relink
from indexer.selection import Selection

MOST_LOGS = 8 * 122_880
FIRST_S = 0.5
MOST_S = 5.0
"""A transaction ends after so many logs, or seconds; the first one early, so that also a process
that is soon killed gets on."""

_LINKED = {name for name, one in TABLES.items() if one.kind == "fact"} | {"transactions"}


class Load:
    """Writes batches one after another, several in a transaction.

    DuckDB packs rows into groups of 122,880 when a transaction ends. Groups that stay small are
    packed again by the next checkpoint, with up to two full ones beside them, so that transactions
    of three groups and more take two thirds of the time of short ones, and of the space. A kill
    loses what came since the last commit, `MOST_S` seconds at most.
    """

    def __init__(
        self,
        store: Store,
        selection: Selection,
        *,
        run_id: str,
        clock: Clock,
        is_live: bool = False,
        most_logs: int = MOST_LOGS,
    ) -> None:
        """Begins nothing yet; `is_live` keeps links up to date and commits each batch."""
        self._store = store
        self._selection = selection
        self._run_id = run_id
        self._clock = clock
        self._is_live = is_live
        self._most_logs = 0 if is_live else most_logs
        self._open = ExitStack()
        self._transaction: Transaction | None = None
        self._began_s = 0.0
        self._patience_s = FIRST_S
        self._logs = 0

    def write(self, batch: Sequence[Evidence]) -> dict[str, int]:
        """Decodes ranges and writes them, each with its row in `ranges`; new rows by table.

        Raises:
            ReorgError: a range does not continue the stored chain; nothing of the batch is written.
        """
        tables = settle_batch(batch, self._selection, run_id=self._run_id, clock=self._clock)
        chain_id = self._selection.context.chain_id
        transaction = self._begin()
        check_continuity(transaction, tables["blocks"], chain_id)
        try:
            counts = write(transaction, tables)
            if self._is_live and any(counts.get(name) for name in _LINKED):
                span = min(one.start for one in batch), max(one.end for one in batch)
                relink(transaction, find_touched(transaction, chain_id, *span))
        except BaseException as error:
            self._end(error)
            raise
        self._logs += counts.get("logs", 0)
        elapsed_s = time.monotonic() - self._began_s
        if self._logs >= self._most_logs or elapsed_s > min(self._patience_s, MOST_S):
            self._patience_s = MOST_S
            self.commit()
        return counts

    def commit(self) -> None:
        """Commits what was written."""
        self._end(None)

    def _begin(self) -> Transaction:
        if self._transaction is None:
            self._transaction = self._open.enter_context(self._store.transaction())
            self._began_s, self._logs = time.monotonic(), 0
        return self._transaction

    def _end(self, error: BaseException | None) -> None:
        self._transaction = None
        if error is None:
            self._open.close()
        else:
            # The transaction rolls back, and hands the error on.
            with suppress(type(error)):
                self._open.__exit__(type(error), error, error.__traceback__)


def commit(
    store: Store,
    batch: Sequence[Evidence],
    selection: Selection,
    *,
    run_id: str,
    clock: Clock,
) -> dict[str, int]:
    """Decodes ranges and writes them in one transaction; new rows by table.

    Raises:
        ReorgError: a range does not continue the stored chain; nothing of the batch is written.
    """
    load = Load(store, selection, run_id=run_id, clock=clock, most_logs=0)
    try:
        return load.write(batch)
    finally:
        load.commit()


def settle_batch(
    batch: Sequence[Evidence],
    selection: Selection,
    *,
    run_id: str,
    clock: Clock,
) -> Tables:
    """Decodes ranges: evidence, facts and checkpoints, by table."""
    beside = Beside(
        pl.concat([evidence.transactions for evidence in batch]),
        pl.concat([evidence.value_traces for evidence in batch]),
        pl.concat([evidence.contract_reads for evidence in batch]),
    )
    tables = settle_logs(pl.concat([evidence.logs for evidence in batch]), selection, beside)
    aside = [tables["quarantine"]] if "quarantine" in tables else []
    return tables | {
        "quarantine": pl.concat([*aside, *(evidence.quarantine for evidence in batch)]),
        "blocks": pl.concat([evidence.blocks for evidence in batch]),
        "transactions": beside.transactions,
        "value_traces": beside.value_traces,
        "contract_reads": beside.contract_reads,
        "ranges": pl.concat(
            [_range_rows(evidence, selection, run_id, clock()) for evidence in batch]
        ),
        "completeness_findings": pl.concat(
            [_findings(evidence, selection, run_id, clock()) for evidence in batch]
        ),
    }


def write(transaction: Transaction, tables: Tables) -> dict[str, int]:
    """Writes decoded ranges within a transaction under way; returns new rows by table."""
    _close_findings(transaction, tables)
    return {
        name: transaction.append(name, frame)
        for name, frame in tables.items()
        if not frame.is_empty()
    }


def check_continuity(transaction: Transaction, blocks: pl.DataFrame, chain_id: int) -> None:
    """Refuses headers that do not agree with each other, or with the stored ones around them.

    Raises:
        ReorgError: names the first such block.
    """
    around = pl.concat([blocks["block_number"] + shift for shift in (-1, 0, 1)]).unique()
    stored = transaction.query(
        "SELECT block_number, block_hash, parent_hash FROM blocks"
        " WHERE chain_id = ? AND block_number IN (SELECT unnest(?))",
        [chain_id, around.to_list()],
    )
    chain = pl.concat([stored, blocks.select(stored.columns)]).unique().sort("block_number")
    twice = chain.filter(pl.col("block_number").is_duplicated())
    follows = pl.col("block_number") == pl.col("block_number").shift(1) + 1
    torn = chain.filter(follows & (pl.col("parent_hash") != pl.col("block_hash").shift(1)))
    for broken in (twice, torn):
        if not broken.is_empty():
            message = (
                f"block {broken['block_number'][0]} is not the stored one or does not follow it; "
                "the chain was reorganised"
            )
            raise ReorgError(message)


def _close_findings(transaction: Transaction, tables: Tables) -> None:
    """Removes earlier findings about blocks that were asked anew: these tell now what is open."""
    span = ["chain_id", "selection", "from_block", "to_block"]
    asked = pl.concat([tables["ranges"].select(span), tables["completeness_findings"].select(span)])
    for (chain_id, selection), rows in asked.group_by("chain_id", "selection"):
        blocks = merge(rows.select("from_block", "to_block").rows())
        where = "chain_id = ? AND selection = ? AND from_block < ? AND to_block > ?"
        values = [chain_id, selection, blocks[-1][1], blocks[0][0]]
        found = transaction.query(f"SELECT * FROM completeness_findings WHERE {where}", values)
        if not found.is_empty():
            transaction.execute(f"DELETE FROM completeness_findings WHERE {where}", values)
            transaction.append("completeness_findings", without(found, blocks))


def _range_rows(
    evidence: Evidence, selection: Selection, run_id: str, committed_at: datetime
) -> pl.DataFrame:
    """One row for a range; where it has gaps, one for each part between them.

    So a gap is in no range, and the next run asks for it again. What the requests cost is told by
    the first part.
    """
    verdicts = evidence.proof.verdicts
    gaps = [(n, n + 1) for n in verdicts.filter(pl.col("verdict") == "gap")["block_number"]]
    rows = [
        {
            "chain_id": selection.context.chain_id,
            "selection": selection.digest,
            "from_block": start,
            "to_block": end,
            "tip_hash": evidence.tip_hash if end == evidence.end else None,
            "n_logs": evidence.logs["block_number"].is_between(start, end - 1).sum(),
            "n_requests": evidence.n_requests if place == 0 else 0,
            "n_bytes": evidence.n_bytes if place == 0 else 0,
            "elapsed_ms": evidence.elapsed_ms if place == 0 else 0.0,
            "endpoint": evidence.endpoint,
            "verified_by": evidence.proof.verified_by,
            "verify_mode": evidence.proof.mode,
            **_counts(verdicts.filter(pl.col("block_number").is_between(start, end - 1))),
            "committed_at": committed_at,
            "run_id": run_id,
        }
        for place, (start, end) in enumerate(subtract([(evidence.start, evidence.end)], gaps))
    ]
    return pl.DataFrame(rows, schema=table("ranges").polars_schema)


def _counts(verdicts: pl.DataFrame) -> dict[str, int]:
    found = verdicts["verdict"]
    return {
        "blocks_tested": verdicts.height,
        "blocks_proven_empty": int((found == "proven").sum()),
        "blocks_reasked": int(verdicts["is_reasked"].sum()),
        "blocks_repaired": int((found == "repaired").sum()),
        "blocks_unproven": int((found == "unproven").sum()),
    }


def _findings(
    evidence: Evidence, selection: Selection, run_id: str, found_at: datetime
) -> pl.DataFrame:
    """Gaps, one row each, and unproven blocks, joined where they follow each other."""
    number, reason = pl.col("block_number"), pl.col("reason")
    is_gap = pl.col("verdict") == "gap"
    starts = is_gap | (number != number.shift(1) + 1) | (reason != reason.shift(1))
    spans = (
        evidence.proof.verdicts.filter(is_gap | (pl.col("verdict") == "unproven"))
        .with_columns(starts.fill_null(value=True).cum_sum().alias("span"))
        .group_by("span", "verdict", "reason", maintain_order=True)
        .agg(
            number.min().alias("from_block"),
            (number.max() + 1).alias("to_block"),
            pl.col("n_logs_hidden").sum(),
        )
    )
    return conform(
        "completeness_findings",
        spans.drop("span").with_columns(
            pl.lit(selection.context.chain_id).alias("chain_id"),
            pl.lit(selection.digest).alias("selection"),
            pl.lit(evidence.endpoint).alias("endpoint"),
            pl.lit(found_at).alias("found_at"),
            pl.lit(run_id).alias("run_id"),
        ),
    )
