"""Facts and links derived once more from the stored evidence, without a network.

Facts are settled by the same pure function that indexing calls, span of blocks by span of blocks,
so that memory stays flat; all of it is one transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from contracts.addresses import known_addresses
from data.errors import IntegrityError
from data.ids import short
from data.schema import TABLES, conform, table
from data.store import Store, Transaction
from indexer.decode import settle_logs
from indexer.link import SELECTS, prepare_links, replace_links
from indexer.protocols import select_protocols
from indexer.protocols.base import Beside, ChainContext, Tables
from indexer.selection import Selection

FACTS = tuple(name for name, declared in TABLES.items() if declared.kind == "fact")
LINKS = tuple(name for name, declared in TABLES.items() if declared.kind == "link")

_KEPT = {
    # Logs that a node sent without a place, which no protocol ever saw.
    "quarantine": "protocol = ''",
    "prices": "source LIKE 'file:%'",
}
"""Rows of fact tables that no stored log holds: what a node garbled, and what files brought."""

_SPAN_LOGS = 50_000
_MIN_BLOCK, _MAX_BLOCK = -1, 2**62

OnProgress = Callable[[float, float, str], None]
"""Called with logs done now, logs in all, and a note."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild left: rows and digest by table, and the tables that it changed."""

    logs: int
    rows: dict[str, int]
    digest: dict[str, str]
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """How a stored table differs from what it is derived from, with one row as an example."""

    table: str
    missing: int
    extra: int
    example: dict[str, Any]


@dataclass(frozen=True)
class _Span:
    """Neighbouring blocks of one chain, and how many logs they hold; both ends are included."""

    chain_id: int
    first: int
    last: int
    logs: int


def rebuild(
    store: Store,
    *,
    state_dir: Path = Path(".raisonne"),
    span_logs: int = _SPAN_LOGS,
    on_progress: OnProgress | None = None,
) -> Rebuilt:
    """Derives every table of facts and links from the evidence, in place of what is stored.

    Evidence, records and signals stay, and so do rows that came from files and logs that the node
    garbled. Killed at any moment, the store is as it was.

    Args:
        store: to rebuild.
        state_dir: folder with the addresses of local deployments.
        span_logs: logs to settle at a time; bounds the memory.
        on_progress: told of each span.

    Raises:
        IntegrityError: a stored log is read by no protocol; nothing is changed.
    """
    tell = on_progress or _silent
    before = store.digest()
    settler = _Settler(state_dir)
    with store.run("rebuild") as run, store.transaction() as transaction:
        rows = dict.fromkeys(FACTS, 0)
        for name in FACTS:
            transaction.execute(f"DELETE FROM {name}{_not_kept(name)}")
        spans = _spans(transaction, span_logs)
        total = sum(span.logs for span in spans)
        tell(0, total, "")
        for span in spans:
            for name, frame in settler.settle(*_evidence(transaction, span)).items():
                rows[name] += transaction.insert(name, frame)
            tell(span.logs, total, f"chain {span.chain_id}, block {span.last:,}")
        rows |= replace_links(transaction)
        run.details |= {"logs": total, "rows": rows}
    digest = store.digest()
    changed = tuple(name for name in digest if digest[name] != before[name])
    return Rebuilt(total, {name: n for name, n in rows.items() if n}, digest, changed)


def check(
    store: Store,
    *,
    state_dir: Path = Path(".raisonne"),
    span_logs: int = _SPAN_LOGS,
    on_progress: OnProgress | None = None,
) -> list[Difference]:
    """Compares every fact with the evidence, and every link with the facts; writes nothing.

    Returns:
        One entry per table that differs: rows that the rebuild would add (`missing`) and take
        away (`extra`), duplicates included; empty when a rebuild would change nothing.

    Raises:
        IntegrityError: a stored log is read by no protocol.
    """
    tell = on_progress or _silent
    settler = _Settler(state_dir)
    with store.transaction() as transaction:
        tally = _Tally(transaction)
        spans = _spans(transaction, span_logs)
        total = sum(span.logs for span in spans)
        tell(0, total, "")
        for span in spans:
            tables = settler.settle(*_evidence(transaction, span))
            for name in FACTS:
                tally.compare_span(name, tables.get(name, table(name).empty()), span)
            tell(span.logs, total, f"chain {span.chain_id}, block {span.last:,}")
        for name in FACTS:
            tally.count_rest(name, spans)
        prepare_links(transaction)
        for name, select in SELECTS.items():
            tally.compare_link(name, select)
        return tally.differences()


def _silent(_done: float, _total: float, _note: str) -> None:
    """Reports to nobody."""


# --- evidence


def _spans(transaction: Transaction, span_logs: int) -> list[_Span]:
    """Spans that cover every block number of each chain with logs, in order."""
    rows = transaction.query(
        "WITH blocks AS (SELECT chain_id, block_number, count(*) AS n FROM logs GROUP BY ALL),"
        " numbered AS (SELECT *, (sum(n) OVER (PARTITION BY chain_id ORDER BY block_number) - n)"
        " // ? AS span FROM blocks)"
        " SELECT chain_id, max(block_number) AS last, sum(n)::BIGINT AS logs FROM numbered"
        " GROUP BY chain_id, span ORDER BY chain_id, last",
        [span_logs],
    ).rows()
    spans = []
    for place, (chain_id, last, logs) in enumerate(rows):
        is_first = place == 0 or rows[place - 1][0] != chain_id
        is_last = place == len(rows) - 1 or rows[place + 1][0] != chain_id
        first = _MIN_BLOCK if is_first else rows[place - 1][1] + 1
        spans.append(_Span(chain_id, first, _MAX_BLOCK if is_last else last, logs))
    return spans


def _evidence(transaction: Transaction, span: _Span) -> tuple[pl.DataFrame, Beside]:
    """The logs of a span, and what was asked about its transactions besides."""
    logs, *beside = (
        transaction.query(
            f"SELECT * FROM {name} WHERE chain_id = ? AND block_number BETWEEN ? AND ?",
            [span.chain_id, span.first, span.last],
        )
        for name in ("logs", "transactions", "value_traces", "contract_reads")
    )
    return logs, Beside(*beside)


class _Settler:
    """Settles logs of any chain with every protocol that the program knows.

    A range that was indexed with fewer protocols holds no logs of the others, so that all protocols
    together make of it what the few did.
    """

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._selections: dict[int, Selection] = {}

    def settle(self, logs: pl.DataFrame, beside: Beside) -> Tables:
        """Facts of the logs of one chain.

        Raises:
            IntegrityError: a log is read by no protocol.
        """
        chain_id = int(logs["chain_id"][0])
        if chain_id not in self._selections:
            context = ChainContext(chain_id, known_addresses(chain_id, self._state_dir))
            self._selections[chain_id] = Selection(context, select_protocols(()))
        tables = settle_logs(logs, self._selections[chain_id], beside)
        self._refuse_unread(logs, tables.pop("logs", table("logs").empty()))
        return tables

    def _refuse_unread(self, logs: pl.DataFrame, read: pl.DataFrame) -> None:
        unread = logs.join(read, on=["block_hash", "log_index"], how="anti")
        if unread.is_empty():
            return
        log = unread.row(0, named=True)
        message = (
            f"{unread.height:,} stored logs of chain {log['chain_id']} are read by no protocol, "
            f"the first of {log['address']} with topic {short(log['topic0'] or 'none')} in block "
            f"{log['block_number']:,}; nothing was changed. Where it is a contract of your own "
            f"deployment, name its folder with --state-dir (now {self._state_dir})"
        )
        raise IntegrityError(message)


# --- comparison


class _Tally:
    """Counts rows that are stored and should not be, or should be and are not."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._missing = dict.fromkeys((*FACTS, *LINKS), 0)
        self._extra = dict.fromkeys((*FACTS, *LINKS), 0)
        self._examples: dict[str, dict[str, Any]] = {}

    def compare_span(self, name: str, derived: pl.DataFrame, span: _Span) -> None:
        """Compares the facts of a span of blocks."""
        self._compare(
            name,
            derived,
            f"{_not_kept(name)} AND chain_id = ? AND block_number BETWEEN ? AND ?",
            [span.chain_id, span.first, span.last],
        )

    def compare_link(self, name: str, select: str) -> None:
        """Compares a link table with the query that gives it; no row leaves the database."""
        self._transaction.derive(name, select)
        key = ", ".join(table(name).key)
        sides = ((self._missing, "derived", name), (self._extra, name, "derived"))
        for counts, these, those in sides:
            found = self._transaction.query(
                f"SELECT {key}, count(*) OVER () AS n"
                f" FROM (FROM {these} EXCEPT ALL FROM {those}) ORDER BY {key} LIMIT 1"
            )
            for row in found.iter_rows(named=True):
                counts[name] += row.pop("n")
                self._examples.setdefault(name, row)

    def _compare(self, name: str, derived: pl.DataFrame, where: str, bounds: Sequence[int]) -> None:
        """Compares derived rows with the stored ones, as multisets."""
        stored = conform(name, self._transaction.query(f"SELECT * FROM {name}{where}", bounds))
        given, kept = _counted(conform(name, derived)), _counted(stored)
        self._count(self._missing, name, _without(given, kept))
        self._count(self._extra, name, _without(kept, given))

    def count_rest(self, name: str, spans: Sequence[_Span]) -> None:
        """Counts facts outside every span: of a chain without logs, or without a block."""
        chains = sorted({span.chain_id for span in spans})
        is_outside = "(NOT list_contains(?, chain_id) OR chain_id IS NULL OR block_number IS NULL)"
        rest = self._transaction.query(
            f"SELECT * FROM {name}{_not_kept(name)} AND {is_outside}", [chains]
        )
        self._count(self._extra, name, rest)

    def differences(self) -> list[Difference]:
        """The tables that differ, in the order of the schema."""
        return [
            Difference(name, self._missing[name], self._extra[name], self._examples[name])
            for name in self._missing
            if self._missing[name] or self._extra[name]
        ]

    def _count(self, counts: dict[str, int], name: str, rows: pl.DataFrame) -> None:
        if rows.is_empty():
            return
        counts[name] += rows.height
        key = list(table(name).key)
        self._examples.setdefault(name, rows.sort(key).select(key).row(0, named=True))


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their number among equal ones, so that duplicates are told apart."""
    return rows.with_columns(pl.int_range(pl.len()).over(rows.columns).alias("nth"))


def _without(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    return rows.join(others, on=rows.columns, how="anti", nulls_equal=True)


def _not_kept(name: str) -> str:
    """The condition that leaves kept rows alone."""
    return f" WHERE NOT coalesce({_KEPT.get(name, 'false')}, false)"
