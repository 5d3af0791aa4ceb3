"""The contract that fills the benchmark chains, compiled from its source at every use."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from contracts.compile import FOLDER, find_node
from contracts.errors import CompilerError

SOURCE = Path(__file__).with_name("Emitter.sol")
NAME = SOURCE.stem


@dataclass(frozen=True)
class Contract:
    """Code to be put at an address, and the first four bytes of the calls it takes."""

    runtime: str
    selectors: dict[str, str]

    def call(self, function: str, *numbers: int) -> str:
        """The input of a transaction that calls a function of numbers."""
        return self.selectors[function] + "".join(f"{number:064x}" for number in numbers)


def compile_emitter() -> Contract:
    """Compiles Emitter.sol with the solc that contracts/ uses.

    Raises:
        CompilerError: node is missing, or the source does not compile.
    """
    node = find_node()
    if node is None:
        message = "cannot compile the benchmark contract: node is missing; run: make setup"
        raise CompilerError(message)
    done = subprocess.run(
        [node, str(FOLDER / "solc-wrap"), "--standard-json"],
        input=json.dumps(_request()),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    errors = [e["formattedMessage"] for e in answer.get("errors", []) if e["severity"] == "error"]
    if errors:
        message = f"the benchmark contract does not compile:\n{''.join(errors)}"
        raise CompilerError(message)
    evm = answer["contracts"][SOURCE.name][NAME]["evm"]
    selectors = {
        signature.partition("(")[0]: f"0x{selector}"
        for signature, selector in evm["methodIdentifiers"].items()
    }
    return Contract("0x" + evm["deployedBytecode"]["object"], selectors)


def _request() -> dict:
    return {
        "language": "Solidity",
        "sources": {SOURCE.name: {"content": SOURCE.read_text(encoding="utf-8")}},
        "settings": {
            "optimizer": {"enabled": True, "runs": 200},
            "evmVersion": "cancun",
            "outputSelection": {
                "*": {"*": ["evm.deployedBytecode.object", "evm.methodIdentifiers"]}
            },
        },
    }
