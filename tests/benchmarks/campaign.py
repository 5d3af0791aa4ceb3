"""What is measured: the chains, the spans of them, the tools and the rounds of each section."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.chain import Plan, Span, running_chain
from tests.benchmarks.install import Peers
from tests.benchmarks.machine import describe
from tests.benchmarks.measure import peak_mib
from tests.benchmarks.tools import (
    ROOT,
    Cryo,
    EthereumEtl,
    Ponder,
    Raisonne,
    Tool,
    alternate,
    start_tool,
)
from tests.postgres import Postgres, running_postgres

SECTIONS = (
    "starts",
    "transfers-100",
    "slow",
    "parts-transfers",
    "transfers-1000",
    "orders-100",
    "parts-orders",
    "curve",
)
_STAGES_S = 900


@dataclass(frozen=True)
class Sizes:
    """How much is measured, and how often."""

    transfers: int = 1_000_000
    orders: int = 200_000
    slow: int = 100_000
    curve: tuple[int, ...] = (10_000, 100_000, 1_000_000, 4_000_000)
    parts_transfers: int = 500_000
    parts_orders: int = 100_000
    rounds: int = 5
    slow_rounds: int = 3
    curve_rounds: int = 3


QUICK = Sizes(
    transfers=100_000,
    orders=20_000,
    slow=20_000,
    curve=(10_000, 100_000),
    parts_transfers=100_000,
    parts_orders=20_000,
    rounds=3,
    slow_rounds=1,
    curve_rounds=1,
)


@dataclass
class Campaign:
    """Measures sections and keeps each as a JSON file of raw rounds in `folder`/results."""

    folder: Path
    peers: Peers
    sizes: Sizes
    only: frozenset[str]
    stack: ExitStack = field(default_factory=ExitStack)
    _postgres: Postgres | None = None

    def run(self) -> None:
        """Builds each chain that a wanted section needs, once."""
        with self.stack:
            if "starts" in self.only:
                self._measure("starts", self._starts)
            for plan, jobs in self._chains():
                wanted = [(name, job) for name, job in jobs if name in self.only]
                if not wanted:
                    continue
                say(f"building {plan.name}: {plan.blocks:,} blocks of {plan.per_block:,} logs")
                with running_chain(plan, self.folder) as span:
                    for name, job in wanted:
                        self._measure(name, job, span)

    def _chains(self) -> Iterator[tuple[Plan, list[tuple[str, Callable[[Span], dict]]]]]:
        size = self.sizes
        yield (
            Plan("transfers-100", "transfers", size.transfers // 100, 100),
            [
                ("transfers-100", self._fast),
                ("slow", self._slow),
                ("parts-transfers", lambda span: self._stages(span, size.parts_transfers)),
            ],
        )
        yield (
            Plan("transfers-1000", "transfers", size.transfers // 1_000, 1_000),
            [("transfers-1000", self._fast)],
        )
        yield (
            Plan("orders-100", "orders", size.orders // 100, 100),
            [
                ("orders-100", self._fast),
                ("parts-orders", lambda span: self._stages(span, size.parts_orders)),
            ],
        )
        yield (
            Plan("curve", "transfers", max(size.curve) // 1_000, 1_000),
            [("curve", self._curve)],
        )

    def _fast(self, span: Span) -> dict[str, Any]:
        return {"tools": self._alternate(span, self._fast_tools(), self.sizes.rounds)}

    def _slow(self, span: Span) -> dict[str, Any]:
        tools = [*self._fast_tools(), EthereumEtl(self.peers.etl), self._ponder()]
        part = span.head(self.sizes.slow)
        return {"tools": self._alternate(part, tools, self.sizes.slow_rounds)}

    def _curve(self, span: Span) -> dict[str, Any]:
        tools: list[Tool] = [Raisonne(), Cryo(self.peers.cryo_python, is_decoding=True)]
        return {
            "sizes": {
                str(logs): self._alternate(span.head(logs), tools, self.sizes.curve_rounds)
                for logs in self.sizes.curve
            },
            "node_peak_mib": peak_mib(span.pid),
        }

    def _stages(self, span: Span, logs: int) -> dict[str, Any]:
        load = os.getloadavg()[0]
        arguments = [span.url, span.plan.kind, logs, span.plan.per_block, self.sizes.rounds]
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.parts", *map(str, arguments)],
            cwd=ROOT,
            env={"POLARS_MAX_THREADS": "1", "PATH": "/usr/bin:/bin"},
            check=True,
            stdout=subprocess.PIPE,
            timeout=_STAGES_S,
        )
        return {**json.loads(done.stdout), "load": load}

    def _starts(self) -> dict[str, Any]:
        tools = [*self._fast_tools(), EthereumEtl(self.peers.etl), self._ponder()]
        rounds = range(self.sizes.rounds)
        folder = self.folder / "run"
        return {"tools": {tool.name: [start_tool(tool, folder) for _ in rounds] for tool in tools}}

    def _fast_tools(self) -> list[Tool]:
        python = self.peers.cryo_python
        return [Raisonne(), Cryo(python, is_decoding=False), Cryo(python, is_decoding=True)]

    def _ponder(self) -> Ponder:
        if self._postgres is None:
            self._postgres = self.stack.enter_context(running_postgres())
        return Ponder(self.peers, self._postgres)

    def _alternate(self, span: Span, tools: Sequence[Tool], rounds: int) -> dict[str, Any]:
        say(f"{span.plan.name}: {span.logs:,} logs, {rounds} rounds")
        return alternate(tools, span, rounds, self.folder)

    def _measure(self, name: str, job: Callable[..., dict[str, Any]], *arguments: Span) -> None:
        about = describe()
        if self._postgres is not None:
            about["PostgreSQL"] = self._postgres.version
        result = {"about": about, **job(*arguments)}
        path = self.folder / "results" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def read_sections(folder: Path) -> dict[str, Any]:
    """What earlier runs and this one measured, by section."""
    paths = {name: folder / "results" / f"{name}.json" for name in SECTIONS}
    return {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name, path in paths.items()
        if path.is_file()
    }


def say(text: str) -> None:
    """Tells on stderr what happens now."""
    print(text, file=sys.stderr, flush=True)
