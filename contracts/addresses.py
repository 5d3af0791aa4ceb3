"""Where the project's contracts live on each chain.

Local deployments are written to `<state_dir>/<chain_id>/addresses.toml`; public ones are committed
in `contracts/addresses.toml`. A local file wins.
"""

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contracts.errors import DeploymentError

DEFAULT_STATE_DIR = Path(".raisonne")
PUBLIC_ADDRESSES = Path(__file__).parent / "addresses.toml"


@dataclass(frozen=True)
class Addresses:
    """The contracts of one chain (lower-case 0x text) and the block of the first of them."""

    chain_id: int
    artwork: str
    market: str
    vault_factory: str
    price_feed: str
    deployed_block: int


def known_addresses(chain_id: int, state_dir: Path = DEFAULT_STATE_DIR) -> Addresses | None:
    """Returns the contracts known on a chain: local file first, then the committed one, else None.

    Raises:
        DeploymentError: a file is there but cannot be read as addresses.
    """
    local = addresses_path(chain_id, state_dir)
    if local.is_file():
        return _parse(chain_id, _read(local), local)
    public = _read(PUBLIC_ADDRESSES).get(str(chain_id))
    return None if public is None else _parse(chain_id, public, PUBLIC_ADDRESSES)


def addresses_path(chain_id: int, state_dir: Path = DEFAULT_STATE_DIR) -> Path:
    """Returns where the addresses of a local deployment are kept."""
    return state_dir / str(chain_id) / "addresses.toml"


def write_addresses(addresses: Addresses, state_dir: Path = DEFAULT_STATE_DIR) -> Path:
    """Writes a local deployment and returns the file's path."""
    path = addresses_path(addresses.chain_id, state_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["# Written by: raisonne chain deploy"]
    for name, value in asdict(addresses).items():
        lines.append(f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}")
    # Whole or not at all: another process may read it at any moment.
    partial = path.with_suffix(".partial")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as problem:
        message = f"{path} is not valid TOML ({problem}); delete it and run: raisonne chain deploy"
        raise DeploymentError(message) from problem


def _parse(chain_id: int, table: dict[str, Any], path: Path) -> Addresses:
    try:
        found = Addresses(
            chain_id=int(table.get("chain_id", chain_id)),
            artwork=str(table["artwork"]).lower(),
            market=str(table["market"]).lower(),
            vault_factory=str(table["vault_factory"]).lower(),
            price_feed=str(table["price_feed"]).lower(),
            deployed_block=int(table["deployed_block"]),
        )
    except (KeyError, ValueError) as problem:
        message = f"{path} lacks a usable {problem}; delete it and run: raisonne chain deploy"
        raise DeploymentError(message) from problem
    if found.chain_id != chain_id:
        message = f"{path} is about chain {found.chain_id}, not {chain_id}; delete it and redeploy"
        raise DeploymentError(message)
    return found
