"""The committed ABI and bytecode of each contract, and what can be read from an ABI alone."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from contracts.errors import DeploymentError

ABI_FOLDER = Path(__file__).parent / "abi"


@dataclass(frozen=True)
class ContractArtifact:
    """A compiled contract: what to call, what to deploy, and what the chain then holds.

    `immutables` lists (offset, length) in bytes of the runtime code that the constructor fills in.
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: str
    runtime: str
    immutables: tuple[tuple[int, int], ...]
    solc: str


@cache
def load(name: str) -> ContractArtifact:
    """Returns the committed artifact of one contract, such as `Artwork`.

    Raises:
        DeploymentError: no contract of that name is committed; the message lists the known ones.
    """
    path = ABI_FOLDER / f"{name}.json"
    if not path.is_file():
        message = f"unknown contract {name!r}; known: {', '.join(artifact_names())}"
        raise DeploymentError(message)
    raw = json.loads(path.read_text(encoding="utf-8"))
    immutables = tuple((start, length) for start, length in raw["immutables"])
    return ContractArtifact(
        name=name,
        abi=raw["abi"],
        bytecode=raw["bytecode"],
        runtime=raw["runtime"],
        immutables=immutables,
        solc=raw["solc"],
    )


def artifact_names() -> list[str]:
    """Returns the names of all committed contracts, sorted."""
    return sorted(path.stem for path in ABI_FOLDER.glob("*.json"))


def canonical_type(parameter: dict[str, Any]) -> str:
    """Returns the type as it stands in a signature: structs as tuples of their parts."""
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(canonical_type(part) for part in parameter["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


def signature(entry: dict[str, Any]) -> str:
    """Returns the canonical signature of an ABI function, event or error."""
    return f"{entry['name']}({','.join(canonical_type(part) for part in entry['inputs'])})"


def entry_of(name: str, kind: str, member: str) -> dict[str, Any]:
    """Returns the ABI entry of one function, event or error; names are unique in our contracts.

    Raises:
        DeploymentError: the contract has no such member.
    """
    for entry in load(name).abi:
        if entry["type"] == kind and entry.get("name") == member:
            return entry
    message = f"{name} has no {kind} {member!r}; recompile with: make contracts"
    raise DeploymentError(message)


@cache
def selector(name: str, function: str) -> bytes:
    """Returns the four bytes that call a function of a contract."""
    return _keccak(signature(entry_of(name, "function", function)))[:4]


@cache
def event_topics(name: str) -> dict[str, str]:
    """Returns topic0 as 0x text by canonical event signature, for every event of a contract."""
    events = [entry for entry in load(name).abi if entry["type"] == "event"]
    return {signature(e): "0x" + _keccak(signature(e)).hex() for e in events}


@cache
def errors_by_selector() -> dict[bytes, dict[str, Any]]:
    """Returns the custom errors of all our contracts by their four bytes, for decoding reverts."""
    return {
        _keccak(signature(entry))[:4]: entry
        for name in artifact_names()
        for entry in load(name).abi
        if entry["type"] == "error"
    }


def _keccak(text: str) -> bytes:
    # eth_utils takes a quarter of a second to import; nothing needs it before the first call.
    from eth_utils.crypto import keccak

    return bytes(keccak(text=text))
