"""The tools that are compared: how each is run over a span of blocks, and what it wrote."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from contracts.chain import free_port
from tests.benchmarks.chain import CHAIN_ID, Span
from tests.benchmarks.install import Peers
from tests.benchmarks.measure import FailedRunError, Usage, cpu_seconds, peak_mib, run_measured
from tests.postgres import Postgres

ROOT = Path(__file__).parents[2]
_LOGS_PER_REQUEST = 10_000
_READY_S = 600.0


@dataclass(frozen=True)
class Output:
    """What a run left: its rows, and what is to be said of them."""

    rows: int
    facts: dict[str, Any] = field(default_factory=dict)


class Tool(Protocol):
    """A program that indexes a span of blocks."""

    @property
    def name(self) -> str:
        """What the tables call it."""

    def run(self, span: Span, folder: Path) -> Usage:
        """Runs once, into an empty folder."""

    def read(self, span: Span, folder: Path) -> Output:
        """Counts what the run wrote there."""

    def start(self, folder: Path) -> Usage:
        """Starts the program with what it loads, and does nothing with it."""


@dataclass(frozen=True)
class Raisonne:
    """`raisonne index`: decoded, with times, settled and linked, in DuckDB."""

    name: str = "Raisonné"

    def run(self, span: Span, folder: Path) -> Usage:
        """One process, from its start until the store is closed."""
        command = [
            sys.executable, ROOT / "raisonne.py", "index", "--rpc-url", span.url,
            "--store", folder / "market.duckdb", "--state-dir", folder / "state",
            "--blocks", f"{span.first}:{span.last + 1}", "--address", span.plan.address,
            "--verify", "off", "--json",
        ]  # fmt: skip
        return run_measured(command, cwd=ROOT, log=folder / "log")

    def read(self, span: Span, folder: Path) -> Output:
        """Rows of the fact table, and whether every sale balances."""
        import duckdb

        with duckdb.connect(str(folder / "market.duckdb"), read_only=True) as store:

            def value(sql: str) -> Any:
                row = store.execute(sql).fetchone()
                return row[0] if row else None

            if span.plan.kind == "transfers":
                return Output(value("SELECT count(*) FROM transfers WHERE block_time IS NOT NULL"))
            price = value("SELECT sum(price_wei) FROM sales WHERE residual_wei = 0")
            return Output(
                value("SELECT count(*) FROM sales WHERE block_time IS NOT NULL"),
                {"is_price_exact": int(price or 0) == span.price_sum_wei()},
            )

    def start(self, folder: Path) -> Usage:
        """The modules that an index run loads."""
        code = "import raisonne, indexer.follow, indexer.parquet_run, indexer.run, data.store"
        return run_measured([sys.executable, "-c", code], cwd=ROOT, log=folder / "log")


@dataclass(frozen=True)
class Cryo:
    """cryo through its Python package: Parquet, raw or decoded, without times."""

    python: Path
    is_decoding: bool

    @property
    def name(self) -> str:
        """Decoding is a way of its own to run it."""
        return f"cryo {'decoded' if self.is_decoding else 'raw'}"

    def run(self, span: Span, folder: Path) -> Usage:
        """A file for each request of 10,000 logs: the fastest of fourteen ways tried."""
        blocks = str(max(1, _LOGS_PER_REQUEST // span.plan.per_block))
        event = [span.plan.event] if self.is_decoding else []
        script = Path(__file__).with_name("cryo_run.py")
        command = [
            self.python, script, span.url, str(span.first), str(span.last), span.plan.address,
            folder / "out", blocks, blocks, *event,
        ]  # fmt: skip
        return run_measured(command, cwd=folder, log=folder / "log")

    def read(self, span: Span, folder: Path) -> Output:
        """Rows of all files; of orders also, how many have their items."""
        import polars as pl

        files = sorted((folder / "out").glob("*.parquet"))
        if not files:
            return Output(0)
        frame = pl.scan_parquet(files)
        rows = frame.select(pl.len()).collect().item()
        if not self.is_decoding or span.plan.kind == "transfers":
            return Output(rows)
        items = frame.select(pl.col("event__consideration").count()).collect().item()
        return Output(rows, {"rows_with_price": items})

    def start(self, folder: Path) -> Usage:
        """The interpreter and the package."""
        command = [self.python, "-c", "import asyncio, cryo"]
        return run_measured(command, cwd=folder, log=folder / "log")


@dataclass(frozen=True)
class EthereumEtl:
    """`ethereumetl export_token_transfers`: CSV, decoded, without times."""

    script: Path
    name: str = "ethereum-etl"

    def run(self, span: Span, folder: Path) -> Usage:
        """Two threads and ten blocks a request: the fastest of those tried."""
        command = [
            self.script, "export_token_transfers", "-s", str(span.first), "-e", str(span.last),
            "-p", span.url, "-b", "10", "-w", "2", "-o", folder / "transfers.csv",
        ]  # fmt: skip
        return run_measured(command, cwd=folder, log=folder / "log")

    def read(self, span: Span, folder: Path) -> Output:
        """Lines without the heading."""
        with (folder / "transfers.csv").open("rb") as file:
            return Output(sum(1 for _ in file) - 1)

    def start(self, folder: Path) -> Usage:
        """The command's modules."""
        command = [self.script, "export_token_transfers", "--help"]
        return run_measured(command, cwd=folder, log=folder / "log")


@dataclass(frozen=True)
class Ponder:
    """`ponder start` with one handler: a table in PostgreSQL, decoded, with times."""

    peers: Peers
    postgres: Postgres
    name: str = "ponder"

    def run(self, span: Span, folder: Path) -> Usage:
        """Until /ready says that history is done; a new database, so that no cache is warm.

        Raises:
            FailedRunError: it ended, or is not ready in time.
        """
        port = free_port()
        settings = {
            "DATABASE_URL": self.postgres.fresh_database("ponder"),
            "PONDER_TELEMETRY_DISABLED": "1",
            "BENCH_RPC_URL": span.url,
            "BENCH_CHAIN_ID": str(CHAIN_ID),
            "BENCH_ADDRESS": span.plan.address,
            "BENCH_FIRST": str(span.first),
            "BENCH_LAST": str(span.last),
        }
        command = ["start", "--schema", "bench", "-p", str(port), "--log-format", "json"]
        with (folder / "log").open("wb") as log:
            started = time.monotonic()
            process = subprocess.Popen(
                ["node", self.peers.ponder_script, *command],
                cwd=self.peers.ponder,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                self._wait_until_ready(process, port)
                wall_s = time.monotonic() - started
                return Usage(wall_s, cpu_seconds(process.pid), peak_mib(process.pid))
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _wait_until_ready(self, process: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                message = f"ponder ended with {process.returncode} before it was ready"
                raise FailedRunError(message)
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
                    return
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.05)
        message = f"ponder was not ready within {_READY_S:.0f} s"
        raise FailedRunError(message)

    def read(self, span: Span, folder: Path) -> Output:
        """Rows of the handler's table."""
        return Output(int(self.postgres.query("ponder", "SELECT count(*) FROM bench.transfer")))

    def start(self, folder: Path) -> Usage:
        """The command's modules."""
        command = ["node", self.peers.ponder_script, "--version"]
        return run_measured(command, cwd=self.peers.ponder, log=folder / "log")


def run_tool(tool: Tool, span: Span, folder: Path) -> dict[str, Any]:
    """One run in an emptied folder: what it cost, what the node worked for it, what it wrote."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    load = os.getloadavg()[0]
    node_before_s = cpu_seconds(span.pid)
    try:
        usage = tool.run(span, folder)
    except FailedRunError as problem:
        return {"failed": str(problem), "expected": span.logs, "load": load}
    node_s = cpu_seconds(span.pid) - node_before_s
    output = tool.read(span, folder)
    shutil.rmtree(folder)
    return {
        **usage.as_dict(),
        "node_cpu_s": node_s,
        "rows": output.rows,
        "expected": span.logs,
        "load": load,
        **output.facts,
    }


def start_tool(tool: Tool, folder: Path) -> dict[str, Any]:
    """One start of a tool that does nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return tool.start(folder).as_dict()


def alternate(
    tools: Sequence[Tool], span: Span, rounds: int, folder: Path
) -> dict[str, list[dict[str, Any]]]:
    """Every tool once, then every tool again: a load that comes and goes meets all of them."""
    results: dict[str, list[dict[str, Any]]] = {tool.name: [] for tool in tools}
    for number in range(rounds):
        for tool in tools:
            result = run_tool(tool, span, folder / "run")
            results[tool.name].append(result)
            shown = result.get("failed") or f"{result['wall_s']:.2f} s, {result['rows']:,} rows"
            print(f"  round {number + 1}: {tool.name}: {shown}", file=sys.stderr, flush=True)
    return results
