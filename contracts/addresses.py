"""Where the project's contracts live on each chain.

Local deployments are written to `<state_dir>/<chain_id>/addresses.toml`; public ones are committed
in `contracts/addresses.toml`. A local file wins.
"""

import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from contracts.errors import DeploymentError

DEFAULT_STATE_DIR = Path(".raisonne")
PUBLIC_ADDRESSES = Path(__file__).parent / "addresses.toml"

_NUMBERS = ("chain_id", "deployed_block")


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The contracts of one chain (lower-case 0x text) and the block of the first of them."""

    chain_id: int
    timelock: str
    registry: str
    splitter: str
    artwork: str
    market: str
    auctions: str
    drops: str
    vault_factory: str
    loans: str
    studio_shares: str
    studio: str
    price_feed: str
    aigc: str
    deployed_block: int

    def places(self) -> dict[str, str]:
        """Returns the address of each contract by field name, in field order."""
        return {name: value for name, value in asdict(self).items() if name not in _NUMBERS}

    def name_of(self, address: str) -> str:
        """Returns the name of the contract at an address, such as Market; empty if not ours."""
        found = next((name for name, place in self.places().items() if place == address), "")
        return "".join(part.capitalize() for part in found.split("_"))


def known_addresses(chain_id: int, state_dir: Path = DEFAULT_STATE_DIR) -> Addresses | None:
    """Returns the contracts known on a chain: local file first, then the committed one, else None.

    Raises:
        DeploymentError: a file is there but cannot be read as addresses.
    """
    local = addresses_path(chain_id, state_dir)
    if local.is_file():
        return _parse(chain_id, read_toml(local), local)
    public = read_toml(PUBLIC_ADDRESSES).get(str(chain_id))
    return None if public is None else _parse(chain_id, public, PUBLIC_ADDRESSES)


def addresses_path(chain_id: int, state_dir: Path = DEFAULT_STATE_DIR) -> Path:
    """Returns where the addresses of a local deployment are kept."""
    return state_dir / str(chain_id) / "addresses.toml"


def write_addresses(addresses: Addresses, state_dir: Path = DEFAULT_STATE_DIR) -> Path:
    """Writes a local deployment and returns the file's path."""
    path = addresses_path(addresses.chain_id, state_dir)
    write_toml(path, asdict(addresses))
    return path


def read_toml(path: Path) -> dict[str, Any]:
    """Returns a file of this module's kind.

    Raises:
        DeploymentError: it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as problem:
        message = f"{path} is not valid TOML ({problem}); delete it and run: raisonne chain deploy"
        raise DeploymentError(message) from problem


def write_toml(path: Path, entries: dict[str, Any]) -> None:
    """Writes texts, numbers, and tables of them, whole or not at all: others may be reading."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = {name: value for name, value in entries.items() if isinstance(value, dict)}
    plain = {name: value for name, value in entries.items() if name not in tables}
    lines = ["# Written by: raisonne chain deploy", *_lines(plain)]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *_lines(table)]
    partial = path.with_suffix(".partial")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.replace(path)


def _lines(entries: dict[str, Any]) -> list[str]:
    return [
        f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}"
        for name, value in entries.items()
    ]


def _parse(chain_id: int, table: dict[str, Any], path: Path) -> Addresses:
    try:
        values = {
            field.name: _value(field.name, table[field.name])
            for field in fields(Addresses)
            if field.name in table
        }
        found = Addresses(**({"chain_id": chain_id} | values))
    except (TypeError, ValueError) as problem:
        # Of a missing field the message names the field.
        message = f"{path} is of no use ({problem}); delete it and run: raisonne chain deploy"
        raise DeploymentError(message) from problem
    if found.chain_id != chain_id:
        message = f"{path} is about chain {found.chain_id}, not {chain_id}; delete it and redeploy"
        raise DeploymentError(message)
    return found


def _value(name: str, value: Any) -> Any:
    return int(value) if name in _NUMBERS else str(value).lower()
