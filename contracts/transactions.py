"""One transaction, safely: simulated first, then sent, then waited for."""

import time
from pathlib import Path
from typing import Any

from contracts.errors import ContractError, RpcError, SignerError
from contracts.gas import GasCaps, fees, gas_limit
from contracts.nonces import one_sender
from contracts.reverts import describe_revert
from contracts.rpc import Rpc
from contracts.signers import Sent, Signer
from data.units import wei_to_eth

RECEIPT_S = 180.0
DEFAULT_CAPS = GasCaps()
_POLL_S = 0.02
_POLL_MOST_S = 2.0
_LOST_S = 2.0
"""How long a transaction must be missed: nodes behind one address may lag behind each other."""
_TIMES_REPLACED = 5


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
    caps: GasCaps = DEFAULT_CAPS,
    locks: Path | None = None,
    timeout_s: float = RECEIPT_S,
) -> dict[str, Any]:
    """Returns the receipt of a transaction that was simulated, sent and mined successfully.

    Of senders that share nothing but the key, one may replace another's waiting transaction; what
    was replaced is simulated and sent again. `locks` is the folder of the senders' locks
    (`contracts.nonces.lock_folder`); without it only threads of this process wait for each other.

    Raises:
        ContractError: the simulation or the transaction reverted; the reason is decoded.
        GasCapError: it would need more gas, or cost more per gas, than `caps` allow.
        RpcError: the node failed, or did not mine it within `timeout_s`.
        SignerError: the signer cannot pay for it.
    """
    request: dict[str, Any] = {"data": "0x" + data.hex(), "value": hex(value_wei)}
    if to is not None:
        request["to"] = to
    for _ in range(_TIMES_REPLACED):
        sent = _simulate_and_send(rpc, signer, request, what, caps=caps, locks=locks)
        receipt = _wait(rpc, signer.address, sent, what, timeout_s)
        if receipt is not None:
            break
    else:
        message = (
            f"{what} was replaced {_TIMES_REPLACED} times by other transactions of "
            f"{signer.address}; give each sender a key of its own, or one --state-dir"
        )
        raise RpcError(message)
    if receipt["status"] != "0x1":
        message = (
            f"{what} reverted in {sent.tx_hash}: the chain changed after its simulation; try again"
        )
        raise ContractError(message)
    return receipt


def _simulate_and_send(
    rpc: Rpc,
    signer: Signer,
    request: dict[str, Any],
    what: str,
    *,
    caps: GasCaps,
    locks: Path | None,
) -> Sent:
    simulated = {**request, "from": signer.address}
    _guarded(rpc, "eth_call", simulated, what)
    estimate = int.from_bytes(_guarded(rpc, "eth_estimateGas", simulated, what), "big")
    complete = {
        **request,
        "gas": hex(gas_limit(estimate, caps, what)),
        **fees(rpc, caps, what),
    }
    try:
        with one_sender(signer.address, locks):
            return signer.send(rpc, complete)
    except RpcError as problem:
        if "insufficient funds" not in str(problem).lower():
            raise
        raise _poor(rpc, signer.address, complete, what) from problem


def _poor(rpc: Rpc, sender: str, request: dict[str, Any], what: str) -> SignerError:
    price = int(request.get("maxFeePerGas") or request["gasPrice"], 16)
    needed_wei = int(request["gas"], 16) * price + int(request["value"], 16)
    held_wei = int(rpc.call("eth_getBalance", [sender, "latest"]), 16)
    message = (
        f"{what} may take {wei_to_eth(needed_wei):f} ETH, and {sender} has "
        f"{wei_to_eth(held_wei):f}; send it some, or lower --max-fee-gwei"
    )
    return SignerError(message)


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


def _wait(rpc: Rpc, sender: str, sent: Sent, what: str, timeout_s: float) -> dict[str, Any] | None:
    """The receipt; None when another transaction of the sender took the nonce for good."""
    deadline = time.monotonic() + timeout_s
    pause_s, lost_since = _POLL_S, None
    while True:
        receipt: dict[str, Any] | None = rpc.call("eth_getTransactionReceipt", [sent.tx_hash])
        if receipt is not None:
            return receipt
        now = time.monotonic()
        if not _is_lost(rpc, sender, sent):
            lost_since = None
        elif lost_since is None:
            lost_since = now
        elif now - lost_since > _LOST_S:
            return None
        if now > deadline:
            message = f"{what} ({sent.tx_hash}) was not mined within {timeout_s:.0f} s; wait for it"
            raise RpcError(message)
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, _POLL_MOST_S)


def _is_lost(rpc: Rpc, sender: str, sent: Sent) -> bool:
    """Whether a nonce is used up and the node does not know the transaction that had it."""
    if sent.nonce is None:
        return False
    mined, known = rpc.batch(
        [
            ("eth_getTransactionCount", [sender, "latest"]),
            ("eth_getTransactionByHash", [sent.tx_hash]),
        ]
    )
    return known is None and int(mined, 16) > sent.nonce
