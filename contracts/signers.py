"""Who signs: an unlocked account of the local chain, a keystore file, or a key in a variable.

A key itself is never an argument: arguments end up in shell histories and process lists.
"""

import getpass
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from contracts.chain import LOCAL_CHAIN_ID
from contracts.config import PASSWORD_VARIABLE, read_environment
from contracts.errors import RpcError, SignerError
from contracts.nonces import is_known_transaction, is_nonce_conflict
from contracts.rpc import Rpc

Environment = Callable[[str], str | None]

_LOOKS_LIKE_A_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_CONFLICT_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class Sent(NamedTuple):
    """A transaction on its way; `nonce` is None where the node chose it."""

    tx_hash: str
    nonce: int | None


class Signer(Protocol):
    """Whoever can send a transaction in the name of one address."""

    @property
    def address(self) -> str:
        """The address that sends, lower-case."""

    def send(self, rpc: Rpc, request: dict[str, Any]) -> Sent:
        """Sends a complete request (to, data, value, gas, fees as 0x text)."""


class UnlockedSigner:
    """An account that the local node itself signs for."""

    def __init__(self, address: str) -> None:
        self.address = address.lower()

    def send(self, rpc: Rpc, request: dict[str, Any]) -> Sent:
        """Sends a request through the node's own signing."""
        return Sent(rpc.call("eth_sendTransaction", [{**request, "from": self.address}]), None)


class KeySigner:
    """A private key in memory; it signs here and never leaves this object."""

    def __init__(self, key: bytes | str, chain_id: int) -> None:
        from eth_account import Account

        self._account = Account.from_key(key)
        self._chain_id = chain_id
        self.address = str(self._account.address).lower()

    def __repr__(self) -> str:
        return f"KeySigner({self.address})"

    def send(self, rpc: Rpc, request: dict[str, Any]) -> Sent:
        """Signs a request with the account's next nonce and sends it raw.

        Where somebody else has used that nonce meanwhile, the next one is tried, some times.

        Raises:
            RpcError: the node refuses it, or every nonce tried was taken.
        """
        pauses = iter(_CONFLICT_PAUSES_S)
        while True:
            sent, raw = self._sign(rpc, request)
            try:
                rpc.call("eth_sendRawTransaction", [raw])
            except RpcError as problem:
                if is_known_transaction(str(problem)):
                    return sent
                if not is_nonce_conflict(str(problem)):
                    raise
                # A request that was sent again after a broken connection is refused like this too.
                if rpc.call("eth_getTransactionByHash", [sent.tx_hash]) is not None:
                    return sent
                pause_s = next(pauses, None)
                if pause_s is None:
                    raise self._crowded_out(problem) from problem
                time.sleep(pause_s)
            else:
                return sent

    def _crowded_out(self, problem: RpcError) -> RpcError:
        message = (
            f"{self.address} is used by somebody else at the same time: "
            f"{len(_CONFLICT_PAUSES_S) + 1} nonces in a row were taken; send from one "
            f"--state-dir, or give each sender a key of its own ({problem})"
        )
        return RpcError(message)

    def _sign(self, rpc: Rpc, request: dict[str, Any]) -> tuple[Sent, str]:
        """A request with the nonce that is next now, and its raw bytes as 0x text."""
        nonce = int(rpc.call("eth_getTransactionCount", [self.address, "pending"]), 16)
        signed = self._account.sign_transaction(
            {
                **{name: value for name, value in request.items() if name != "to"},
                **({"to": _checksum(request["to"])} if request.get("to") else {}),
                **({"type": 2} if "maxFeePerGas" in request else {}),
                "nonce": nonce,
                "chainId": self._chain_id,
            }
        )
        raw = "0x" + bytes(signed.raw_transaction).hex()
        return Sent("0x" + bytes(signed.hash).hex(), nonce), raw


def open_signer(
    name: str | Signer | None,
    rpc: Rpc,
    chain_id: int,
    *,
    environment: Environment = read_environment,
    ask_password: Callable[[str], str] = getpass.getpass,
) -> Signer:
    """Returns the signer that `name` stands for on a chain; a signer stands for itself.

    `name` is a keystore file, the name of an environment variable that holds a key, or, on chain
    31337 only, an address or None (the node's first account).

    Raises:
        SignerError: nothing of that name, a key given as the name, or a wrong password.
    """
    if name is not None and not isinstance(name, str):
        return name
    if name is None or _ADDRESS.fullmatch(name):
        return _unlocked(name, rpc, chain_id)
    if _LOOKS_LIKE_A_KEY.fullmatch(name.strip()):
        message = (
            "the signer looks like a private key; keys are never arguments: "
            "give a keystore file or the name of an environment variable"
        )
        raise SignerError(message)
    path = Path(name).expanduser()
    if path.is_file():
        return KeySigner(_open_keystore(path, environment, ask_password), chain_id)
    key = environment(name)
    if key is None:
        message = f"signer {name!r} is neither a keystore file nor a set environment variable"
        raise SignerError(message)
    return _signer_of_variable(name, key, chain_id)


def _unlocked(address: str | None, rpc: Rpc, chain_id: int) -> Signer:
    if chain_id != LOCAL_CHAIN_ID:
        message = (
            f"chain {chain_id} needs a signer: give a keystore file or the name of an environment "
            f"variable with --signer (a node's own accounts are used on {LOCAL_CHAIN_ID} only)"
        )
        raise SignerError(message)
    return UnlockedSigner(address or rpc.call("eth_accounts")[0])


def _signer_of_variable(name: str, key: str, chain_id: int) -> Signer:
    try:
        return KeySigner(key.strip(), chain_id)
    except (ValueError, TypeError):
        # The library's own message may quote the value, which must not reach a log: no cause.
        message = f"environment variable {name} does not hold a private key of 64 hex digits"
        raise SignerError(message) from None


def _open_keystore(
    path: Path, environment: Environment, ask_password: Callable[[str], str]
) -> bytes:
    from eth_account import Account

    password = environment(PASSWORD_VARIABLE)
    if password is None:
        try:
            password = ask_password(f"Password of {path}: ")
        except EOFError:
            message = f"no password for keystore {path}; set {PASSWORD_VARIABLE}"
            raise SignerError(message) from None
    try:
        return bytes(Account.decrypt(json.loads(path.read_text(encoding="utf-8")), password))
    except (ValueError, KeyError, TypeError) as problem:
        message = f"keystore {path} cannot be opened ({problem}); check file and password"
        raise SignerError(message) from problem


def _checksum(address: str) -> str:
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(address))
