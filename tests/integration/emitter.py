"""A contract of a few bytes that emits ERC-721 Transfers, for chains that must be busy."""

from __future__ import annotations

import time

from contracts.rpc import Rpc
from tests.integration.oracle import TRANSFER

# id = calldata[0:32]; n = calldata[32:64]; while n: Transfer(0, caller, id); id += 1; n -= 1
_RUNTIME = (
    "600035" "602035" "5b" "8015604257"
    "81" "33" "6000" f"7f{TRANSFER[2:]}" "6000" "6000" "a4"
    "9060010190" "6001900" "3" "6006565b00"
)  # fmt: skip
_INIT = f"60{len(_RUNTIME) // 2:02x}80600b6000396000f3"
_GAS = hex(900_000_000)


class Emitter:
    """The contract on a local chain; its tokens are numbered as the caller says."""

    def __init__(self, url: str) -> None:
        self._rpc = Rpc(url)
        self._sender = self._rpc.call("eth_accounts")[0]
        self.address = self._mined(self._send(None, _INIT + _RUNTIME))["contractAddress"]

    def mint(self, first: int, count: int) -> None:
        """Transfers `count` tokens from `first` on, in one transaction, in a block of its own."""
        self._mined(self._send(self.address, f"{first:064x}{count:064x}"))

    def mine(self, blocks: int = 1) -> None:
        """Adds empty blocks."""
        self._rpc.call("anvil_mine", [hex(blocks)])

    def reorg(self, depth: int) -> None:
        """Replaces the last blocks by as many empty ones."""
        self._rpc.call("anvil_reorg", [depth, []])

    def head(self) -> int:
        """Number of the newest block."""
        return int(self._rpc.call("eth_blockNumber"), 16)

    def _send(self, to: str | None, data: str) -> str:
        call = {"from": self._sender, "data": f"0x{data}", "gas": _GAS}
        return self._rpc.call("eth_sendTransaction", [{**call, **({"to": to} if to else {})}])

    def _mined(self, tx_hash: str) -> dict:
        deadline = time.monotonic() + 20
        while (receipt := self._rpc.call("eth_getTransactionReceipt", [tx_hash])) is None:
            assert time.monotonic() < deadline, "anvil does not mine"
            time.sleep(0.002)
        assert receipt["status"] == "0x1"
        return receipt
