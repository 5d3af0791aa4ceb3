"""The command line: assembles each package's commands, and turns errors into one line.

Commands are named in VERBS and imported only when they run, so that `raisonne --help` answers at
once. Each is a plain Typer function, or a Typer app, in its package's `cli.py`. What crosses
packages (the demo) is wired here.
"""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from data.config import CONFIG_FILE, defaults_for_verbs, load_file
from data.errors import IntegrityError, RaisonneError, UsageError
from data.masking import mask_urls

DEMO_STORE = Path(".raisonne/demo/market.duckdb")


@dataclass(frozen=True)
class Verb:
    """A command: its Typer function or app, its one-line help, its panel, its subcommands."""

    target: str
    help: str
    panel: str
    parts: tuple[str, ...] = ()


_CHAIN = ("up", "down", "deploy", "simulate")

VERBS: dict[str, Verb] = {
    "demo": Verb("raisonne:demo", "Once around the loop on a local chain.", "Start here"),
    "dashboard": Verb("dashboard.cli:dashboard", "Serve the dashboard of a store.", "Start here"),
    "index": Verb("indexer.cli:index", "Index a chain into the store.", "Index"),
    "audit": Verb(
        "indexer.audit_cli:audit", "Certify that no log is missing from the store.", "Index"
    ),
    "status": Verb("indexer.ops_cli:status", "Say what the store holds, and its lag.", "Index"),
    "plan": Verb("indexer.ops_cli:plan", "Tell what index would do, and cost.", "Index"),
    "rebuild": Verb("indexer.ops_cli:rebuild", "Derive all rows again from evidence.", "Index"),
    "explain": Verb("indexer.ops_cli:explain", "Say why a sale looks as it does.", "Index"),
    "doctor": Verb("indexer.ops_cli:doctor", "Find out what an endpoint can do.", "Index"),
    "analyze": Verb("analytics.cli:analyze", "Compute signals from facts.", "Analyze"),
    "forecast": Verb("analytics.cli:forecast", "Forecast demand and prices.", "Analyze"),
    "brief": Verb("analytics.cli:brief", "Write what the studio should make.", "Analyze"),
    "generate": Verb("generation.cli:generate", "Make, mint and list a brief's works.", "Studio"),
    "verify": Verb("generation.cli:verify", "Check the lineage of a work.", "Studio"),
    "train": Verb("generation.cli:train", "Train the built-in model.", "Studio"),
    "chain": Verb("contracts.cli:app", "Local chain: up, down, deploy, simulate.", "Chain", _CHAIN),
    "sql": Verb("data.cli:sql", "Run a read-only query.", "Data"),
    "export": Verb("data.cli:export", "Export a table to a file.", "Data"),
    "config": Verb("data.cli:config_app", "Show the resolved configuration.", "Data"),
}


class LazyGroup(TyperGroup):
    """A group that knows its commands by name and imports one only to run it."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the commands, in the order of VERBS."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command if it was loaded, else a placeholder that carries its help."""
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        verb = VERBS.get(cmd_name)
        return verb and TyperCommand(cmd_name, help=verb.help, rich_help_panel=verb.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments name, now really imported."""
        if args and args[0] in VERBS and args[0] not in self.commands:
            self.commands[args[0]] = _load(args[0])
        return super().resolve_command(ctx, args)


def _load(name: str) -> Any:
    module_name, _, attribute = VERBS[name].target.partition(":")
    found = getattr(importlib.import_module(module_name), attribute)
    if isinstance(found, typer.Typer):
        app = found
    else:
        app = typer.Typer(add_completion=False)
        app.command(name)(found)
    command = typer.main.get_command(app)
    command.name = name
    return command


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="A catalogue raisonné computed from blockchains: index, signal, forecast, studio.",
    epilog="Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 upstream, 5 integrity.",
)


@app.callback()
def _root(
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Show tracebacks of errors."),
) -> None:
    if verbose:
        os.environ["RAISONNE_VERBOSE"] = "1"


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits with the documented code."""
    # Told to end by a service manager: as by Ctrl+C, so that no server or node is left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Two spinning OpenMP threads are 30 times slower than one on a shared machine.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        parts = {name: verb.parts for name, verb in VERBS.items()}
        defaults = defaults_for_verbs(load_file(CONFIG_FILE, VERBS), VERBS, parts)
        command = typer.main.get_command(app)
        command.main(args=arguments, prog_name="raisonne", default_map=defaults)
    except RaisonneError as error:
        if os.environ.get("RAISONNE_VERBOSE"):
            raise
        sys.stderr.write(f"error: {mask_urls(str(error))}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was committed is kept, run the command again\n")
        sys.exit(130)


@dataclass
class Stages:
    """Tells each stage as it runs, and keeps its result and time for the summary."""

    total: int
    rows: list[tuple[str, str, float]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Runs one stage; what is appended to the list it yields is its result."""
        typer.echo(f"[{len(self.rows) + 1:>2}/{self.total}] {name}", err=True)
        result: list[str] = []
        started = time.monotonic()
        yield result
        seconds = time.monotonic() - started
        self.rows.append((name, ", ".join(result), seconds))
        typer.echo(f"        {', '.join(result)} ({seconds:.1f} s)", err=True)

    def print_summary(self) -> None:
        """Prints the stages as a table on stdout."""
        from rich import box
        from rich.console import Console
        from rich.table import Table

        table = Table("stage", "result", box=box.SIMPLE_HEAD)
        table.add_column("seconds", justify="right")
        for name, result, seconds in self.rows:
            table.add_row(name, result, f"{seconds:.1f}")
        table.add_section()
        table.add_row("all", "", f"{sum(seconds for *_, seconds in self.rows):.1f}")
        Console().print(table)


def demo(
    *,
    days: Annotated[int, typer.Option(min=98, help="Days of market to simulate.")] = 180,
    buyer_days: Annotated[int, typer.Option(min=1, help="Days after the studio listed.")] = 14,
    seed: Annotated[int, typer.Option(min=0, help="Seed of market and works.")] = 7,
    works: Annotated[int, typer.Option(min=1, help="Works for the studio to make.")] = 12,
    dashboard: Annotated[bool, typer.Option(help="Serve the dashboard at the end.")] = True,
    port: Annotated[int, typer.Option(help="Port of the dashboard, or a free one.")] = 8501,
    store: Annotated[Path, typer.Option(help="Store to make anew.")] = DEMO_STORE,
) -> None:
    """Once around the loop on a local chain, with nothing mocked.

    A market is simulated on real contracts, indexed, analysed and forecast; the forecast's brief
    is generated, minted, listed and sold; the sales are indexed again and shown.
    """
    from contracts import chain
    from contracts.addresses import DEFAULT_STATE_DIR

    chain_port = chain.DEFAULT_PORT if _is_free(chain.DEFAULT_PORT) else chain.free_port()
    _make_way(store, DEFAULT_STATE_DIR)
    stages = Stages(total=13 if dashboard else 12)
    with stages.stage("chain up") as result:
        node = chain.up(chain_port, state_dir=DEFAULT_STATE_DIR, kept_states=64)
        result.append(f"anvil at {node.rpc_url}")
    try:
        loop = DemoLoop(stages, node.rpc_url, str(store), DEFAULT_STATE_DIR, seed)
        loop.make_market(days)
        loop.read_market()
        loop.run_studio(works)
        loop.sell(buyer_days)
    finally:
        chain.down(chain_port, state_dir=DEFAULT_STATE_DIR)
    if not dashboard:
        stages.print_summary()
        typer.echo(f"store: {store}   look at it: raisonne dashboard --store {store}")
        return
    _serve_demo(stages, str(store), port)


@dataclass(frozen=True)
class DemoLoop:
    """The stages of the demo, each a call of one package."""

    stages: Stages
    rpc_url: str
    store: str
    state_dir: Path
    seed: int

    def make_market(self, days: int) -> None:
        """Deploys the contracts and lets agents trade on them."""
        from contracts.deploy import deploy
        from contracts.simulation.run import simulate

        with self.stages.stage("deploy") as result:
            addresses = deploy(self.rpc_url, self.state_dir)
            result.append(f"{len(addresses.places())} contracts, Artwork at {addresses.artwork}")
        with self.stages.stage("simulate") as result:
            done = simulate(self.rpc_url, days=days, seed=self.seed, state_dir=self.state_dir)
            result.append(f"{days} days, {done['transactions']:,} transactions")
            result.append(f"{done['sales']:,} sales ({done['wash_sales']:,} washed)")

    def read_market(self) -> None:
        """Indexes the chain, computes signals, forecasts, and writes the brief's evidence."""
        from analytics.run import forecast
        from data.store import Store

        self.index("index")
        with Store.open(self.store) as opened:
            self.analyze(opened, "analyze")
            with self.stages.stage("forecast") as result:
                made = forecast(opened)
                result.append(f"{made.n_series} series, {made.n_rows:,} rows")
                if made.refusals:
                    result.append(f"{len(made.refusals)} refused for want of data")

    def run_studio(self, works: int) -> None:
        """Writes the brief, makes its works, and mints and lists them."""
        from analytics.run import write_brief
        from contracts.bindings import Contracts
        from data.progress import progress
        from data.store import Store
        from generation.engine import open_engine
        from generation.mint import mint_and_list
        from generation.run import generate

        with Store.open(self.store) as opened:
            with self.stages.stage("brief") as result:
                lines = write_brief(opened, budget_works=works)
                asked = zip(lines["works"], lines["style"], strict=True)
                result.extend(f"{count} {style}" for count, style in asked if count)
            with self.stages.stage("generate") as result:
                out = Path(self.store).parent / "works"
                made = generate(opened, open_engine(), seed=self.seed, out_dir=out)
                result.append(f"{made.works.height} works in {out / made.brief_id}")
        with self.stages.stage("mint and list") as result:
            chain = Contracts.connect(self.rpc_url, self.state_dir)
            with progress("mint", total=made.works.height, unit="works") as bar:
                minted = mint_and_list(made.works, chain, on_work=lambda note: bar.advance(1, note))
            result.append(f"{minted.height} works on the market")

    def sell(self, days: int) -> None:
        """Lets collectors meet the studio's works, and indexes what they did."""
        from contracts.simulation.run import simulate_buyers
        from data.store import Store

        with self.stages.stage("simulated buyers") as result:
            done = simulate_buyers(
                self.rpc_url, days=days, seed=self.seed, state_dir=self.state_dir
            )
            result.append(f"{days} days, {done['outside_sales']} of the studio's works sold")
        self.index("index again")
        with Store.open(self.store) as opened:
            self.analyze(opened, "analyze again")

    def index(self, name: str) -> None:
        """Brings the store up to the head of the chain."""
        from data.progress import progress
        from data.store import Store
        from indexer.run import IndexOptions, index

        with self.stages.stage(name) as result, Store.open(self.store) as opened:
            options = IndexOptions((self.rpc_url,), state_dir=self.state_dir)
            with progress("index", total=None, unit="blocks") as bar:
                done = index(opened, options, lambda step, _total, note: bar.advance(step, note))
            result.append(f"{done.blocks:,} blocks, {done.logs:,} logs")
            result.append(_balance(opened))

    def analyze(self, opened: Any, name: str) -> None:
        """Replaces the signals of the store."""
        from analytics.run import analyze

        with self.stages.stage(name) as result:
            analyze(opened, ["all"])
            row = opened.query(
                "SELECT count(*) FILTER (is_wash) AS flagged, count(*) AS sales FROM wash_flags"
            ).row(0, named=True)
            result.append(f"{row['flagged']:,} of {row['sales']:,} sales flagged")


def _balance(opened: Any) -> str:
    """The count of sales, and per protocol the share whose legs are not all known.

    Raises:
        IntegrityError: the legs of a sale do not add up to its price.
    """
    rows = opened.query(
        "SELECT protocol, count(*) AS sales, count(*) FILTER (residual_wei <> 0) AS wrong,"
        " 100 * avg((residual_wei IS NULL)::INT) AS unknown_percent"
        " FROM sales GROUP BY 1 ORDER BY 1"
    )
    wrong = int(rows["wrong"].sum())
    if wrong:
        message = f"{wrong} sales do not balance; see residual_wei in table sales"
        raise IntegrityError(message)
    shares = (
        f"{row['protocol']} {row['unknown_percent']:.1f} %" for row in rows.iter_rows(named=True)
    )
    return f"{rows['sales'].sum():,} sales, no residual but 0 (unknown: {', '.join(shares)})"


def _serve_demo(stages: Stages, store: str, port: int) -> None:
    from contracts import chain
    from dashboard.cli import address, serving, wait

    with ExitStack() as stack:
        with stages.stage("dashboard") as result:
            free = port if _is_free(port) else chain.free_port()
            server = stack.enter_context(serving(store, free))
            result.append(address(free))
        stages.print_summary()
        wait(server, f"dashboard: {address(free)}   (store {store}; Ctrl+C stops it)")


def _make_way(store: Path, state_dir: Path) -> None:
    """Removes what an earlier demo left: its store, its works, and the dead chain's state."""
    from contracts.chain import LOCAL_CHAIN_ID

    if store == DEMO_STORE:
        shutil.rmtree(store.parent, ignore_errors=True)
    elif store.exists():
        message = f"{store} exists already; name another --store, or delete it"
        raise UsageError(message)
    shutil.rmtree(state_dir / str(LOCAL_CHAIN_ID), ignore_errors=True)


def _is_free(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


if __name__ == "__main__":
    main()
