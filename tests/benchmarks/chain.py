"""Local chains of many logs, built in seconds: one transaction a block, all events by one contract.

The emitter's code is put at an address of our choice, so that Seaport orders come from Seaport's.
The chain id is Ethereum's: on anvil's own, Raisonné reads every block with its transactions (to
derive funding), which no other tool here does.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contracts.chain import find_anvil, free_port
from contracts.errors import RpcError
from contracts.rpc import Rpc
from tests.benchmarks.contract import compile_emitter

CHAIN_ID = 1
COLLECTION = "0x5eaf00d5eaf00d5eaf00d5eaf00d5eaf00d5eaf0"
SEAPORT = "0x0000000000000068f116a894984e2db1123eb395"
TRANSFER = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
ORDER_FULFILLED = (
    "OrderFulfilled(bytes32 orderHash, address indexed offerer, address indexed zone,"
    " address recipient, (uint8,address,uint256,uint256)[] offer,"
    " (uint8,address,uint256,uint256,address)[] consideration)"
)
"""Members of the structs without names: the form that all tools here read."""
_GENESIS_TIME = 1_700_000_000
_BLOCK_S = 12
_GAS = 900_000_000
_FINAL_AFTER = 100
_READY_S = 20.0


@dataclass(frozen=True)
class Plan:
    """What a chain holds: `blocks` blocks of `per_block` logs, all of one kind."""

    name: str
    kind: str
    blocks: int
    per_block: int

    @property
    def logs(self) -> int:
        """Logs of the whole chain."""
        return self.blocks * self.per_block

    @property
    def address(self) -> str:
        """The contract that emits them."""
        return COLLECTION if self.kind == "transfers" else SEAPORT

    @property
    def event(self) -> str:
        """The event's signature, without the word `event`."""
        return TRANSFER if self.kind == "transfers" else ORDER_FULFILLED


@dataclass(frozen=True)
class Span:
    """Consecutive blocks of a chain that a tool is to index: `first` to `last`, both included."""

    plan: Plan
    url: str
    pid: int
    first: int
    last: int

    @property
    def logs(self) -> int:
        """Logs in these blocks."""
        return (self.last - self.first + 1) * self.plan.per_block

    def head(self, logs: int) -> Span:
        """The first blocks that hold so many logs."""
        blocks = max(1, logs // self.plan.per_block)
        last = min(self.last, self.first + blocks - 1)
        return Span(self.plan, self.url, self.pid, self.first, last)

    def price_sum_wei(self) -> int:
        """What all orders of these blocks cost together, as Emitter.sol prices them."""
        first = (self.first - 1) * self.plan.per_block
        ids = range(first, first + self.logs)
        return sum(10**18 + 10**15 * each + 7 for each in ids)


@contextmanager
def running_chain(plan: Plan, folder: Path) -> Iterator[Span]:
    """A filled chain for the length of a with block; blocks 1 to `plan.blocks` hold the logs."""
    port = free_port()
    command = [
        str(find_anvil()), "--port", str(port), "--host", "127.0.0.1", "--quiet",
        "--chain-id", str(CHAIN_ID), "--timestamp", str(_GENESIS_TIME),
        "--gas-limit", "1000000000", "--no-request-size-limit", "--prune-history",
    ]  # fmt: skip
    with (folder / f"{plan.name}.anvil.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        rpc = Rpc(url)
        _wait_until_ready(rpc, process)
        _fill(rpc, plan)
        yield Span(plan, url, process.pid, 1, plan.blocks)
    finally:
        process.terminate()
        process.wait()


def _fill(rpc: Rpc, plan: Plan) -> None:
    contract = compile_emitter()
    rpc.call("anvil_setCode", [plan.address, contract.runtime])
    rpc.call("anvil_setBlockTimestampInterval", [_BLOCK_S])
    sender = rpc.call("eth_accounts")[0]
    for block in range(plan.blocks):
        data = contract.call(plan.kind, block * plan.per_block, plan.per_block)
        send = {"from": sender, "to": plan.address, "data": data}
        # The price keeps the bookkeeping of fees out: a thousand blocks would drain the sender.
        send |= {"gas": hex(_GAS), "gasPrice": hex(10**9), "nonce": hex(block)}
        receipt = rpc.call("eth_sendTransactionSync", [send])
        if receipt["status"] != "0x1" or receipt["blockNumber"] != hex(block + 1):
            message = f"block {block + 1} of {plan.name} was not mined as meant: {receipt}"
            raise RpcError(message)
    # Blocks above, so that all tools hold the logs' blocks for final.
    rpc.call("anvil_mine", [hex(_FINAL_AFTER), hex(_BLOCK_S)])


def _wait_until_ready(rpc: Rpc, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            rpc.call("eth_chainId")
        except RpcError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
