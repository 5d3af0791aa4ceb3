"""The command line: assembles each package's commands, and turns errors into one line.

Commands are named here and imported only when they run, so that `raisonne --help` answers at
once. Every command is a plain Typer function in its package's `cli.py`.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG_FILE = "raisonne.toml"


@dataclass(frozen=True)
class Verb:
    """A command: where its Typer function lives, and its one-line help."""

    target: str
    help: str
    panel: str


VERBS: dict[str, Verb] = {
    "demo": Verb("demo:demo", "Once around the loop on a local chain.", "Start here"),
    "dashboard": Verb("dashboard.cli:dashboard", "Serve the dashboard of a store.", "Start here"),
    "index": Verb("indexer.cli:index", "Index a chain into the store.", "Index"),
    "status": Verb("indexer.cli:status", "Say what the store holds.", "Index"),
    "analyze": Verb("analytics.cli:analyze", "Compute signals from facts.", "Analyze"),
    "forecast": Verb("analytics.cli:forecast", "Forecast demand and prices.", "Analyze"),
    "brief": Verb("analytics.cli:brief", "Write what the studio should make.", "Analyze"),
    "generate": Verb("generation.cli:generate", "Make, mint and list the brief's works.", "Studio"),
    "verify": Verb("generation.cli:verify", "Check a work's lineage.", "Studio"),
    "train": Verb("generation.cli:train", "Train the built-in model.", "Studio"),
    "chain": Verb("contracts.cli:app", "Local chain: up, down, deploy, simulate.", "Chain"),
    "sql": Verb("data.cli:sql", "Run a read-only query.", "Data"),
    "export": Verb("data.cli:export", "Export a table to a file.", "Data"),
    "config": Verb("data.cli:config", "Show the resolved configuration.", "Data"),
}
