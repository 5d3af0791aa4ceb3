"""Acts out transactions on a real node and records what it says of them: `make fixtures`."""

from __future__ import annotations

import importlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contracts import chain
from contracts.rpc import Rpc
from tests.emission.script import Call, View, compile_transaction

FOLDER = Path(__file__).parent.parent / "fixtures" / "protocols"
GENESIS_TIME = 1_700_000_000
STEP_S = 12
_RICH = hex(10**30)


@contextmanager
def node(chain_id: int) -> Iterator[Rpc]:
    """An anvil that says it is the chain."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [
        str(chain.find_anvil()), "--port", str(port), "--chain-id", str(chain_id), "--silent",
        "--timestamp", str(GENESIS_TIME), "--base-fee", "0", "--gas-price", "0", "--no-mining",
        "--disable-code-size-limit", "--gas-limit", "1000000000",
    ]  # fmt: skip
    process = subprocess.Popen(arguments)
    try:
        rpc = Rpc(f"http://127.0.0.1:{port}")
        _await(rpc)
        yield rpc
    finally:
        process.terminate()
        process.wait(timeout=10)


def _await(rpc: Rpc) -> None:
    for _ in range(200):
        try:
            rpc.call("eth_chainId")
        except Exception:
            time.sleep(0.05)
        else:
            return
    message = "anvil does not answer"
    raise TimeoutError(message)


def emit(scenario: Sequence[Call], views: Sequence[View] = (), chain_id: int = 1) -> dict[str, Any]:
    """What a node says of transactions that were acted out, each in a block of its own.

    Returns:
        blocks, transactions, receipts and traces as the node gives them, in order, and reads
        (contract, selector, output).
    """
    recorded: dict[str, Any] = {"chain_id": chain_id, "reads": []}
    recorded |= {name: [] for name in ("blocks", "transactions", "receipts", "traces")}
    with node(chain_id) as rpc:
        for receipt in act_out(rpc, scenario, views):
            tx_hash, number = receipt["transactionHash"], receipt["blockNumber"]
            tracer = {"tracer": "callTracer"}
            recorded["receipts"].append(receipt)
            recorded["blocks"].append(rpc.call("eth_getBlockByNumber", [number, False]))
            recorded["transactions"].append(rpc.call("eth_getTransactionByHash", [tx_hash]))
            recorded["traces"].append(rpc.call("debug_traceTransaction", [tx_hash, tracer]))
    recorded["reads"] = [
        {"contract": v.contract, "selector": v.selector.hex(), "output": v.output.hex()}
        for v in views
    ]
    return recorded


def act_out(
    rpc: Rpc, scenario: Sequence[Call], views: Sequence[View] = ()
) -> Iterator[dict[str, Any]]:
    """Receipts of transactions that are acted out on a node, each in a block of its own.

    Raises:
        RuntimeError: one was reverted.
    """
    coded: set[str] = set()
    for number, each in enumerate(scenario, start=1):
        codes = compile_transaction(each, views)
        for address in coded - set(codes):
            # What it did in an earlier transaction it is not to do again when it is paid.
            rpc.call("anvil_setCode", [address, "0x"])
        for address, code in codes.items():
            rpc.call("anvil_setCode", [address, "0x" + code.hex()])
            rpc.call("anvil_setBalance", [address, _RICH])
        coded |= set(codes)
        tx_hash = _send(rpc, each)
        rpc.call("evm_setNextBlockTimestamp", [GENESIS_TIME + STEP_S * number])
        rpc.call("evm_mine")
        receipt = rpc.call("eth_getTransactionReceipt", [tx_hash])
        if int(receipt["status"], 16) != 1:
            message = f"transaction {number} to {each.to} was reverted"
            raise RuntimeError(message)
        yield receipt


def _send(rpc: Rpc, each: Call) -> str:
    sender = each.sender or "0x" + "5e" * 20
    rpc.call("anvil_impersonateAccount", [sender])
    rpc.call("anvil_setBalance", [sender, _RICH])
    transaction = {
        "from": sender,
        "to": each.to,
        "value": hex(each.value),
        "data": "0x" + each.data.hex(),
        "gas": hex(20_000_000),
        "gasPrice": "0x0",
    }
    return str(rpc.call("eth_sendTransaction", [transaction]))


_KEPT = {
    "blocks": ("number", "hash", "parentHash", "timestamp", "logsBloom", "receiptsRoot"),
    "transactions": (
        "hash", "blockHash", "blockNumber", "transactionIndex", "from", "to", "value", "input",
    ),
    "receipts": ("transactionHash", "blockHash", "blockNumber", "logs"),
    "traces": None,
}  # fmt: skip
_CALL = ("type", "from", "to", "value", "input", "error", "calls")


def _slim(name: str, each: dict[str, Any]) -> dict[str, Any]:
    if name == "traces":
        kept = {key: each[key] for key in _CALL if key in each}
        if "calls" in kept:
            kept["calls"] = [_slim(name, inner) for inner in kept["calls"]]
        return kept
    return {key: each[key] for key in _KEPT[name] or ()}


def write(name: str) -> Path:
    """Emits the scenario of the test of a protocol anew, and writes its fixture."""
    module = importlib.import_module(f"tests.indexer.protocols.test_{name}")
    chain_id = getattr(module, "CHAIN_ID", 1)
    recorded = emit(module.SCENARIO, getattr(module, "VIEWS", ()), chain_id)
    slim = {
        key: [_slim(key, each) for each in value] if key in _KEPT else value
        for key, value in recorded.items()
    }
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(slim, separators=(",", ":"), sort_keys=True) + "\n")
    return path


def main() -> None:
    """Writes the fixtures of the named protocols, or of all that have one."""
    names = sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.json"))
    for name in names:
        path = write(name)
        sys.stdout.write(f"{path.relative_to(FOLDER.parent.parent.parent)}\n")


if __name__ == "__main__":
    main()
