"""Settings that several commands share, and where each value came from.

The order is the same everywhere: flag, environment, `raisonne.toml`, default. Typer applies the
flag and the environment; the file reaches it as default values.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import UsageError

CONFIG_FILE = Path("raisonne.toml")


@dataclass(frozen=True)
class Setting:
    """A setting: its name in the file, its environment variable, its default and its meaning."""

    name: str
    env: str
    default: str
    meaning: str


SETTINGS = (
    Setting("store", "RAISONNE_STORE", "market.duckdb", "Store: a DuckDB file or a DuckLake URL"),
    Setting("rpc_url", "ETH_RPC_URL", "http://127.0.0.1:8545", "JSON-RPC endpoint"),
    Setting("state_dir", "RAISONNE_STATE_DIR", ".raisonne", "Run-time state of the local chain"),
    Setting("signer", "RAISONNE_SIGNER", "", "Keystore file, or name of a variable with a key"),
    Setting("model", "RAISONNE_MODEL", "", "Model folder or name; empty for the built-in model"),
)


@dataclass(frozen=True)
class Resolved:
    """The value of a setting and its origin: environment, file or default."""

    setting: Setting
    value: str
    origin: str


def load_file(path: Path, verbs: Iterable[str]) -> dict[str, Any]:
    """The content of a configuration file; empty when there is none.

    Args:
        path: TOML file with settings at the top and one table per command.
        verbs: commands that may have a table.

    Raises:
        UsageError: the file is no TOML, or names a setting or command that does not exist.
    """
    if not path.exists():
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        message = f"{path} is no valid TOML: {error}; mend that line"
        raise UsageError(message) from error
    known = {setting.name for setting in SETTINGS} | set(verbs)
    unknown = sorted(set(content) - known)
    if unknown:
        message = (
            f"{path} sets {', '.join(unknown)}, which is unknown; known: {', '.join(sorted(known))}"
        )
        raise UsageError(message)
    return content


def defaults_for_verbs(
    content: Mapping[str, Any],
    verbs: Iterable[str],
    parts: Mapping[str, Iterable[str]] | None = None,
) -> dict[str, Any]:
    """Default values per command: the shared settings of the file under the command's own table.

    `parts` names the subcommands of commands that have some: theirs are the command's, under a
    table of their own (`[chain.deploy]`).
    """
    shared = {s.name: content[s.name] for s in SETTINGS if s.name in content}
    found: dict[str, Any] = {}
    for verb in verbs:
        table = {**shared, **content.get(verb, {})}
        plain = {name: value for name, value in table.items() if not isinstance(value, dict)}
        below = {part: {**plain, **table.get(part, {})} for part in (parts or {}).get(verb, ())}
        found[verb] = {**table, **below}
    return found


def resolve(content: Mapping[str, Any], environ: Mapping[str, str]) -> list[Resolved]:
    """Every shared setting with its value and origin, in the order of SETTINGS."""
    return [_resolve(setting, content, environ) for setting in SETTINGS]


def _resolve(setting: Setting, content: Mapping[str, Any], environ: Mapping[str, str]) -> Resolved:
    if environ.get(setting.env):
        return Resolved(setting, environ[setting.env], f"environment {setting.env}")
    if setting.name in content:
        return Resolved(setting, str(content[setting.name]), f"file {CONFIG_FILE}")
    return Resolved(setting, setting.default, "default")
