"""One transaction, safely: simulated first, then sent, then waited for."""

import time
from typing import Any

from contracts.errors import ContractError, RpcError
from contracts.reverts import describe_revert
from contracts.rpc import Rpc
from contracts.signers import Signer

RECEIPT_S = 180.0
GAS_MARGIN = 1.2
_POLL_S = 0.02
_POLL_MOST_S = 2.0


def read_call(rpc: Rpc, to: str, data: bytes, what: str, *, sender: str | None = None) -> bytes:
    """Returns what a contract answers to a call at the latest block; `what` names it in errors.

    Raises:
        ContractError: the contract refuses; the message holds the decoded reason.
    """
    request = {"to": to, "data": "0x" + data.hex()}
    if sender is not None:
        request["from"] = sender
    return _guarded(rpc, "eth_call", request, what)


def send(
    rpc: Rpc,
    signer: Signer,
    *,
    to: str | None,
    data: bytes,
    what: str,
    value_wei: int = 0,
    timeout_s: float = RECEIPT_S,
) -> dict[str, Any]:
    """Returns the receipt of a transaction that was simulated, sent and mined successfully.

    Raises:
        ContractError: the simulation or the transaction reverted; the reason is decoded.
        RpcError: the node failed, or did not mine it within `timeout_s`.
    """
    request: dict[str, Any] = {"data": "0x" + data.hex(), "value": hex(value_wei)}
    if to is not None:
        request["to"] = to
    simulated = {**request, "from": signer.address}
    _guarded(rpc, "eth_call", simulated, what)
    # The last storage refunds and the 63/64 rule can leave an exact estimate short.
    gas = int(int.from_bytes(_guarded(rpc, "eth_estimateGas", simulated, what), "big") * GAS_MARGIN)
    tx_hash = signer.send(rpc, {**request, "gas": hex(gas)})
    receipt = _wait(rpc, tx_hash, what, timeout_s)
    if receipt["status"] != "0x1":
        message = f"{what} reverted in {tx_hash}: the chain changed after its simulation; try again"
        raise ContractError(message)
    return receipt


def _guarded(rpc: Rpc, method: str, request: dict[str, Any], what: str) -> bytes:
    params = [request, "latest"] if method == "eth_call" else [request]
    try:
        answer: str = rpc.call(method, params)
    except RpcError as problem:
        if problem.data is None and "revert" not in str(problem):
            raise
        message = f"{what} refused: {describe_revert(problem.data)}"
        raise ContractError(message) from problem
    digits = answer.removeprefix("0x")
    return bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)


def _wait(rpc: Rpc, tx_hash: str, what: str, timeout_s: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout_s
    pause_s = _POLL_S
    while True:
        receipt: dict[str, Any] | None = rpc.call("eth_getTransactionReceipt", [tx_hash])
        if receipt is not None:
            return receipt
        if time.monotonic() > deadline:
            message = f"{what} ({tx_hash}) was not mined within {timeout_s:.0f} s; it may still be"
            raise RpcError(message)
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, _POLL_MOST_S)
