"""A fast sender for the local chain: whole blocks of transactions, in the order given.

Measured on two shared cores: see docs/contracts.md.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from contracts.errors import ContractError, RpcError
from contracts.reverts import describe_revert
from contracts.rpc import Call, Rpc

Receipt = dict[str, Any]

GAS_PRICE_WEI = 2_000_000_000
"""Above any base fee that blocks far below the gas limit can reach (it starts at 1 gwei)."""


@dataclass(frozen=True, slots=True)
class Tx:
    """A transaction to send: `value` in wei, `to` None deploys `data`."""

    sender: str
    to: str | None
    data: bytes = b""
    value: int = 0
    gas: int = 1_000_000


class ChainClient(Rpc):
    """JSON-RPC client of a local anvil that mines blocks on demand.

    Anvil must sign for any sender (`contracts.chain.up` starts it so). Nonces are counted here:
    while a client sends blocks, nothing else may send for the same accounts.
    """

    def __init__(self, url: str, *, timeout_s: float = 60.0) -> None:
        super().__init__(url, timeout_s=timeout_s)
        self._nonces: dict[str, int] = {}

    @contextmanager
    def manual_mining(self) -> Iterator[None]:
        """Switches automatic mining off for a while; `send_block` needs it off."""
        self.call("evm_setAutomine", [False])
        try:
            yield
        finally:
            self.call("evm_setAutomine", [True])

    def send_block(
        self, txs: Sequence[Tx], timestamp: int, *, allow_reverts: bool = False
    ) -> list[Receipt]:
        """Mines one block at `timestamp` (Unix seconds) and returns the receipts of `txs`.

        The order in the block is the order of `txs`: gas prices fall by one wei from each to the
        next, and anvil orders by price.

        Raises:
            ContractError: a transaction reverted (unless `allow_reverts`); the reason is decoded.
            RpcError: the node refused a transaction, or left one out of the block.
        """
        self._learn_nonces(txs)
        try:
            hashes = self.batch(self._send_calls(txs))
        except RpcError:
            self._start_over()
            raise
        self.call("evm_mine", [{"timestamp": timestamp, "blocks": 1}])
        mined = self.call("eth_getBlockReceipts", ["latest"])
        receipts = {receipt["transactionHash"]: receipt for receipt in mined}
        for tx, tx_hash in zip(txs, hashes, strict=True):
            if tx_hash not in receipts:
                self._start_over()
                message = f"transaction {tx_hash} of {tx.sender} was not mined: out of gas or ETH?"
                raise RpcError(message)
            if not allow_reverts and receipts[tx_hash]["status"] != "0x1":
                raise self.revert_error(tx_hash, tx)
        return [receipts[tx_hash] for tx_hash in hashes]

    def set_balances(self, balances_wei: dict[str, int]) -> None:
        """Gives each address exactly that much ETH, in one request."""
        self.batch([("anvil_setBalance", [a, hex(wei)]) for a, wei in balances_wei.items()])

    def balances(self, addresses: Sequence[str]) -> list[int]:
        """Returns the balance of each address in wei, at the latest block."""
        answers = self.batch([("eth_getBalance", [a, "latest"]) for a in addresses])
        return [int(answer, 16) for answer in answers]

    def revert_error(self, tx_hash: str, tx: Tx) -> ContractError:
        """Returns the error that says why a mined transaction reverted (read from its trace)."""
        trace = self.call("debug_traceTransaction", [tx_hash, {"tracer": "callTracer"}])
        # The trace counts the gas of earlier transactions of the block too; the receipt does not.
        receipt = self.call("eth_getTransactionReceipt", [tx_hash])
        used_all = int(receipt["gasUsed"], 16) >= tx.gas
        reason = "out of gas" if used_all else describe_revert(trace.get("output"))
        message = f"transaction {tx_hash} from {tx.sender} to {tx.to} reverted: {reason}"
        return ContractError(message)

    def _start_over(self) -> None:
        """Drops what waits, so that the rest of a refused block does not linger, and all nonces."""
        self._nonces.clear()
        self.call("anvil_dropAllTransactions")

    def _learn_nonces(self, txs: Sequence[Tx]) -> None:
        unknown = list({tx.sender: None for tx in txs if tx.sender not in self._nonces})
        counts = self.batch([("eth_getTransactionCount", [a, "latest"]) for a in unknown])
        self._nonces.update(
            {sender: int(count, 16) for sender, count in zip(unknown, counts, strict=True)}
        )

    def _send_calls(self, txs: Sequence[Tx]) -> list[Call]:
        calls: list[Call] = []
        for place, tx in enumerate(txs):
            nonce = self._nonces[tx.sender]
            self._nonces[tx.sender] = nonce + 1
            request = {
                "from": tx.sender,
                "data": "0x" + tx.data.hex(),
                "value": hex(tx.value),
                "gas": hex(tx.gas),
                "gasPrice": hex(GAS_PRICE_WEI + len(txs) - place),
                "nonce": hex(nonce),
            }
            if tx.to is not None:
                request["to"] = tx.to
            calls.append(("eth_sendTransaction", [request]))
        return calls
