"""What a deployment wrote down before it began: so that one that was stopped can go on."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from contracts.addresses import read_toml, write_toml
from contracts.errors import DeploymentError


@dataclass(frozen=True)
class Journal:
    """A deployment: by whom, from which nonce, told what, to where, and what is done.

    `blocks` and `gas` have the block and the gas used of each contract that a receipt was seen of.
    """

    deployer: str
    first_nonce: int
    started_block: int
    settings: dict[str, Any]
    places: dict[str, str]
    blocks: dict[str, int] = field(default_factory=dict)
    gas: dict[str, int] = field(default_factory=dict)

    def note(self, name: str, block: int, gas: int) -> "Journal":
        """Returns the journal with one more contract done."""
        return replace(self, blocks={**self.blocks, name: block}, gas={**self.gas, name: gas})


def journal_path(chain_id: int, state_dir: Path) -> Path:
    """Returns where the journal of a chain's deployment is kept."""
    return state_dir / str(chain_id) / "deployment.toml"


def write_journal(journal: Journal, chain_id: int, state_dir: Path) -> None:
    """Writes a journal, whole or not at all."""
    write_toml(journal_path(chain_id, state_dir), asdict(journal))


def read_journal(chain_id: int, state_dir: Path) -> Journal | None:
    """Returns the journal of a chain's deployment, if there is one.

    Raises:
        DeploymentError: it is damaged.
    """
    path = journal_path(chain_id, state_dir)
    if not path.is_file():
        return None
    try:
        return Journal(**read_toml(path))
    except TypeError as problem:
        message = f"{path} is of no use ({problem}); delete it and run: raisonne chain deploy"
        raise DeploymentError(message) from problem
