"""What the dashboard is told when it starts: which store to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

DEFAULT_STORE = "market.duckdb"
STORE_VARIABLE = "RAISONNE_STORE"


def store_url(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The store named by `--store`, else by RAISONNE_STORE, else `market.duckdb`."""
    for place, argument in enumerate(arguments):
        if argument.startswith("--store="):
            return argument.removeprefix("--store=")
        if argument == "--store" and place + 1 < len(arguments):
            return arguments[place + 1]
    return environment.get(STORE_VARIABLE) or DEFAULT_STORE
