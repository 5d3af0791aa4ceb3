"""What the bindings of all contracts share: a session of one signer, and one contract in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from contracts import calldata
from contracts.addresses import Addresses
from contracts.decoding import decode_answer
from contracts.gas import GasCaps
from contracts.rpc import Rpc
from contracts.signers import Signer
from contracts.transactions import DEFAULT_CAPS, read_call, send

Receipt = dict[str, Any]

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Session:
    """One node, one signer, and how they may be used; `locks` is the folder of senders' locks."""

    rpc: Rpc
    addresses: Addresses
    signer: Signer
    caps: GasCaps = DEFAULT_CAPS
    locks: Path | None = None

    def now(self) -> int:
        """Returns the time of the latest block, in Unix seconds."""
        return int(self.rpc.call("eth_getBlockByNumber", ["latest", False])["timestamp"], 16)

    def balance(self, account: str) -> int:
        """Returns the wei of an account at the latest block."""
        return int(self.rpc.call("eth_getBalance", [account, "latest"]), 16)


class Binding:
    """One contract at one address, called in the name of a session's signer.

    Every state change is simulated first; a refusal raises ContractError with the decoded reason
    and costs nothing.
    """

    NAME: ClassVar[str]

    def __init__(self, session: Session, address: str) -> None:
        self.session = session
        self.address = address

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address})"

    @property
    def me(self) -> str:
        """The signer's address."""
        return self.session.signer.address

    def _read(self, function: str, *values: Any) -> Any:
        what = f"{self.NAME}.{function}"
        data = calldata.encode_call(self.NAME, function, *values)
        answer = read_call(self.session.rpc, self.address, data, what, sender=self.me)
        return decode_answer(self.NAME, function, answer)

    def _send(self, function: str, *values: Any, value_wei: int = 0) -> Receipt:
        return send(
            self.session.rpc,
            self.session.signer,
            to=self.address,
            data=calldata.encode_call(self.NAME, function, *values),
            what=f"{self.NAME}.{function}",
            value_wei=value_wei,
            caps=self.session.caps,
            locks=self.session.locks,
        )


class PayingBinding(Binding):
    """A contract that keeps what a payee refused (`Payouts`)."""

    def withdraw(self, to: str | None = None) -> None:
        """Takes what is kept for the signer, to another account if `to` names one."""
        if to is None:
            self._send("withdraw")
        else:
            self._send("withdrawTo", to)

    def refund_of(self, account: str) -> int:
        """Returns the wei kept for an account."""
        return int(self._read("refunds", account))
