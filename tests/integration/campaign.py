"""Runs `raisonne index` against a node with a fault, lifts the fault, runs it again, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import polars as pl

from tests.faults import ScriptedFault
from tests.forks import fork
from tests.integration.harness import Outcome, digest_of, query, raisonne
from tests.integration.hasty import hurried
from tests.node import ReplayNode
from tests.replay import ReplayChain

DOCUMENTED = (0, 4, 5)
"""Exit codes that a fault may end in: done, upstream failed, integrity in doubt."""

_KEYS = {
    "logs": "block_hash, log_index",
    "transfers": "block_hash, log_index, item_index",
    "settled_sales": "sale_id",
    "sale_payments": "sale_id, seq",
    "sales": "sale_id",
    "quarantine": "block_hash, log_index, item_index",
}


@cache
def has_verify() -> bool:
    """Whether `raisonne index` can be told how much to verify."""
    return "--verify" in raisonne("index", "--help", cwd=Path.cwd()).out


def verify(mode: str) -> tuple[str, ...]:
    """The option that sets how much is verified, where there is one."""
    return ("--verify", mode) if has_verify() else ()


def rows_of(store: Path) -> Counter[tuple[object, ...]]:
    """The keys of all rows of facts, as often as they occur, with the name of their table."""
    found: Counter[tuple[object, ...]] = Counter()
    for table, keys in _KEYS.items():
        found.update((table, *row) for row in query(store, f"SELECT {keys} FROM {table}").rows())
    return found


@dataclass(frozen=True)
class Truth:
    """What an undisturbed run over some blocks leaves."""

    digest: dict[str, str]
    rows: Counter[tuple[object, ...]]

    @classmethod
    def of(cls, store: Path) -> Truth:
        """The truth that a store holds."""
        return cls(digest_of(store), rows_of(store))


@dataclass(frozen=True)
class Scene:
    """The chain of a campaign, the blocks that are indexed, and how many at once."""

    chain: ReplayChain
    blocks: Sequence[int]
    max_range: int = 2

    def forked(self) -> ReplayChain:
        """A sibling of the chain from the first of the blocks on."""
        return fork(self.chain, self.blocks[0], logs="kept")


@dataclass(frozen=True)
class Case:
    """A fault of a campaign.

    `is_quick` puts it into the default suite. `unasked` is the method that it concerns, where the
    engine may do without.
    """

    make: Callable[[Scene], ScriptedFault]
    is_quick: bool = False
    unasked: str = ""


@dataclass
class Report:
    """What a fault did to a run, and what was left when it was lifted."""

    name: str
    fired: int
    first: Outcome
    has_recovered: bool
    lost: int
    doubled: int
    codes: list[int] = field(default_factory=list)


def run_case(
    name: str,
    case: Case,
    node: ReplayNode,
    scene: Scene,
    blocks: str,
    store: Path,
    truth: Truth,
    *options: object,
) -> Report:
    """Indexes with the fault; unless that ends well, lifts it and indexes again."""
    fault = case.make(scene)
    node.faults[:] = [fault]
    node.server.requests = 0
    node.calls.clear()
    command = ("index", "--rpc-url", node.url, "--blocks", blocks, "--store", store)
    command += ("--max-range", scene.max_range, *options)
    with hurried():
        codes = [(first := raisonne(*command, cwd=store.parent)).code]
        node.faults.clear()
        node.chain = scene.chain
        if first.code:
            codes.append(raisonne(*command, cwd=store.parent).code)
    is_same = codes[-1] == 0 and digest_of(store) == truth.digest
    found = truth.rows if is_same else rows_of(store)
    lost, doubled = (truth.rows - found).total(), (found - truth.rows).total()
    return Report(name, fault.fired, first, is_same, lost, doubled, codes)


def table_of(reports: Sequence[Report]) -> str:
    """The reports as a table of text."""
    frame = pl.DataFrame(
        {
            "fault": [report.name for report in reports],
            "fired": [report.fired for report in reports],
            "exit": [report.first.code for report in reports],
            "recovered": ["yes" if report.has_recovered else "NO" for report in reports],
            "rows lost": [report.lost for report in reports],
            "rows doubled": [report.doubled for report in reports],
        }
    )
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True,
                   fmt_str_lengths=60, tbl_width_chars=120):  # fmt: skip
        return str(frame)
