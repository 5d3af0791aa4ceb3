"""The command line: assembles each package's commands, and turns errors into one line.

Commands are named in VERBS and imported only when they run, so that `raisonne --help` answers at
once. Each is a plain Typer function, or a Typer app, in its package's `cli.py`. What crosses
packages (the demo) is wired here.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from data.config import CONFIG_FILE, defaults_for_verbs, load_file
from data.errors import RaisonneError
from data.masking import mask_urls


@dataclass(frozen=True)
class Verb:
    """A command: where its Typer function or app lives, its one-line help, its panel."""

    target: str
    help: str
    panel: str


VERBS: dict[str, Verb] = {
    "demo": Verb("raisonne:demo", "Once around the loop on a local chain.", "Start here"),
    "dashboard": Verb("dashboard.cli:dashboard", "Serve the dashboard of a store.", "Start here"),
    "index": Verb("indexer.cli:index", "Index a chain into the store.", "Index"),
    "status": Verb("indexer.cli:status", "Say what the store holds and how far it got.", "Index"),
    "analyze": Verb("analytics.cli:analyze", "Compute signals from facts.", "Analyze"),
    "forecast": Verb("analytics.cli:forecast", "Forecast demand and prices.", "Analyze"),
    "brief": Verb("analytics.cli:brief", "Write what the studio should make.", "Analyze"),
    "generate": Verb("generation.cli:generate", "Make, mint and list a brief's works.", "Studio"),
    "verify": Verb("generation.cli:verify", "Check the lineage of a work.", "Studio"),
    "train": Verb("generation.cli:train", "Train the built-in model.", "Studio"),
    "chain": Verb("contracts.cli:app", "Local chain: up, down, deploy, simulate.", "Chain"),
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
    # Two spinning OpenMP threads are 30 times slower than one on a shared machine.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        defaults = defaults_for_verbs(load_file(CONFIG_FILE, VERBS), VERBS)
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


if __name__ == "__main__":
    main()
