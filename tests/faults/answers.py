"""Wrong answers: logs, blocks, receipts and transactions that are not what the chain holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.faults.base import Exchange, ScriptedFault
from tests.recording import Json, quantity
from tests.replay import ZERO_HASH, ReplayChain

EMPTY_BLOOM = "0x" + "00" * 256
FULL_BLOOM = "0x" + "ff" * 256
_BLOCKS = ("eth_getBlockByNumber", "eth_getBlockByHash")
_RECEIPTS = ("eth_getTransactionReceipt", "eth_getBlockReceipts")


def block_of(log: Json) -> int:
    """The number of a log's block."""
    return quantity(log["blockNumber"])


def _place(log: Json) -> tuple[str, str]:
    return log["blockHash"], log["logIndex"]


# -- logs that are missing


@dataclass
class EmptyAnswer(ScriptedFault):
    """Answers `[]` to queries for logs that would find some (go-ethereum#24078, nanoreth#153).

    `blocks` limits it to queries that reach into these blocks, first and last included.
    """

    blocks: tuple[int, int] | None = None

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getLogs" or not result:
            return result
        if self.blocks is not None and not any(self._is_inside(log) for log in result):
            return result
        return [] if self.strikes() else result

    def _is_inside(self, log: Json) -> bool:
        assert self.blocks is not None
        return self.blocks[0] <= block_of(log) <= self.blocks[1]


@dataclass
class MissingHeight(ScriptedFault):
    """Leaves out all logs of some blocks and sends the rest: go-ethereum#31593.

    There a height that was reorganised lost its logs on the new fork until the node was restarted.
    """

    heights: frozenset[int] = frozenset()

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getLogs" or not any(block_of(log) in self.heights for log in result):
            return result
        if not self.strikes():
            return result
        return [log for log in result if block_of(log) not in self.heights]


@dataclass
class SilentCut(ScriptedFault):
    """Sends the first `max_logs` logs and no error: ethers.js#1389 (100), hiero-json-rpc-relay#673.

    The second sent 25 of them, a page of its database.
    """

    max_logs: int = 100

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_getLogs" and len(result) > self.max_logs and self.strikes():
            return result[: self.max_logs]
        return result


# -- logs that are too many, or wrong


@dataclass
class ChangedLogs(ScriptedFault):
    """Base of faults that change a non-empty answer of eth_getLogs."""

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getLogs" or not self.applies(result) or not self.strikes():
            return result
        return self.change([dict(log) for log in result])

    def applies(self, logs: list[Json]) -> bool:
        """Whether there is something to change; an answer that cannot be changed is no occasion."""
        return bool(logs)

    def change(self, logs: list[Json]) -> list[Json]:
        """The logs to send instead."""
        raise NotImplementedError


@dataclass
class DuplicatedLogs(ChangedLogs):
    """Sends every log twice, as seams between ranges and retries do (rindexer#172)."""

    def change(self, logs: list[Json]) -> list[Json]:
        return [log for log in logs for _ in range(2)]


@dataclass
class DuplicateLogIndex(ChangedLogs):
    """Gives a log the index of the log before it in its block (ponder#2217)."""

    def applies(self, logs: list[Json]) -> bool:
        return bool(self._pairs(logs))

    def change(self, logs: list[Json]) -> list[Json]:
        pairs = self._pairs(logs)
        second = pairs[self.draw(*map(_place, logs)) % len(pairs)]
        logs[second]["logIndex"] = logs[second - 1]["logIndex"]
        return logs

    @staticmethod
    def _pairs(logs: list[Json]) -> list[int]:
        return [i for i in range(1, len(logs)) if logs[i]["blockHash"] == logs[i - 1]["blockHash"]]


@dataclass
class UnorderedLogs(ChangedLogs):
    """Sends the logs in another order than that of the chain (test matrix, 11)."""

    def applies(self, logs: list[Json]) -> bool:
        return len(logs) > 1

    def change(self, logs: list[Json]) -> list[Json]:
        turned = sorted(logs, key=lambda log: self.draw(*_place(log)))
        return turned if turned != logs else logs[::-1]


@dataclass
class RemovedTwins(ChangedLogs):
    """Sends before each log its twin from an orphaned block, `removed: true` (graph-node#5661).

    With `same_block` the twin differs from the log in `removed` only.
    """

    same_block: bool = False

    def change(self, logs: list[Json]) -> list[Json]:
        return [one for log in logs for one in (self._twin(log), log)]

    def _twin(self, log: Json) -> Json:
        orphan = f"0x{self.draw(log['blockHash']):064x}"
        return {
            **log,
            "removed": True,
            "blockHash": log["blockHash"] if self.same_block else orphan,
        }


@dataclass
class WrongTransactionHash(ChangedLogs):
    """Gives a log a transaction hash that its block does not hold (reth#11427, while reorging)."""

    def change(self, logs: list[Json]) -> list[Json]:
        chosen = logs[self.draw(*map(_place, logs)) % len(logs)]
        chosen["transactionHash"] = f"0x{self.draw(chosen['transactionHash']):064x}"
        return logs


@dataclass
class ZeroTransactionHash(ChangedLogs):
    """Sends some logs without a transaction, as system logs are: hash of zeros (ponder#2360).

    `is_system` tells which; they have it in every answer.
    """

    is_system: Callable[[Json], bool] = bool

    def applies(self, logs: list[Json]) -> bool:
        return any(self.is_system(log) for log in logs)

    def change(self, logs: list[Json]) -> list[Json]:
        return [
            {**log, "transactionHash": ZERO_HASH} if self.is_system(log) else log for log in logs
        ]


@dataclass
class LogsFromElsewhere(ChangedLogs):
    """Adds a log of a block outside the range (a cache that ignores `toBlock`; inferred)."""

    distance: int = 1_000

    def change(self, logs: list[Json]) -> list[Json]:
        far = block_of(logs[-1]) + self.distance
        return [*logs, {**logs[-1], "blockNumber": hex(far), "blockHash": f"0x{far:064x}"}]


@dataclass
class UnknownFields(ScriptedFault):
    """Adds fields that no specification names to logs and blocks (cryo#224)."""

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        extra = {"l1BlockNumber": "0x1", "sendRoot": None, "nested": {"list": [1, "two", []]}}
        if method == "eth_getLogs" and result and self.strikes():
            return [{**extra, **log} for log in result]
        if method in _BLOCKS and result and self.strikes():
            return {**extra, **result}
        return result


# -- blocks, receipts, transactions


@dataclass
class NullHeader(ScriptedFault):
    """Answers null for a block that exists (hyperlane-monorepo#4212, hyperindex#1260).

    `numbers` limits it to some blocks.
    """

    numbers: frozenset[int] | None = None

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if method not in _BLOCKS or result is None:
            return result
        if self.numbers is not None and quantity(result["number"]) not in self.numbers:
            return result
        return None if self.strikes() else result


@dataclass
class NullReceipt(ScriptedFault):
    """Answers null for receipts that exist, of a transaction or a block (hyperindex#1260)."""

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        return None if method in _RECEIPTS and result and self.strikes() else result


@dataclass
class NullTransaction(ScriptedFault):
    """Answers null for a transaction that exists: a lagging replica (hyperindex#1260)."""

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_getTransactionByHash" and result and self.strikes():
            return None
        return result


@dataclass
class ChangedBlocks(ScriptedFault):
    """Base of faults that change blocks."""

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if method not in _BLOCKS or not result or not self.applies(result) or not self.strikes():
            return result
        return self.change(dict(result))

    def applies(self, block: Json) -> bool:
        """Whether there is something to change."""
        return bool(block)

    def change(self, block: Json) -> Json:
        """The block to send instead."""
        raise NotImplementedError


@dataclass
class ZeroBloom(ChangedBlocks):
    """Sends an all-zero bloom for a block with logs: L2s, asynchronous execution (ponder#2317)."""

    def applies(self, block: Json) -> bool:
        return block["logsBloom"] != EMPTY_BLOOM

    def change(self, block: Json) -> Json:
        return {**block, "logsBloom": EMPTY_BLOOM}


@dataclass
class StaleBloom(ChangedBlocks):
    """Sends with each block the bloom of the block before it (ponder#2317)."""

    chain: ReplayChain | None = None

    def begin(self, exchange: Exchange) -> None:
        self.chain = exchange.server.methods.chain

    def applies(self, block: Json) -> bool:
        return block["logsBloom"] != self._bloom_before(block)

    def change(self, block: Json) -> Json:
        return {**block, "logsBloom": self._bloom_before(block)}

    def _bloom_before(self, block: Json) -> str:
        assert self.chain is not None
        number = quantity(block["number"])
        return self.chain.header(number - 1)["logsBloom"] if number else EMPTY_BLOOM


@dataclass
class WrongBloom(ChangedBlocks):
    """Sends a bloom with every bit set, which proves nothing empty (ponder#2317)."""

    def applies(self, block: Json) -> bool:
        return block["logsBloom"] != FULL_BLOOM

    def change(self, block: Json) -> Json:
        return {**block, "logsBloom": FULL_BLOOM}


@dataclass
class MissingBlockFields(ChangedBlocks):
    """Leaves out fields that some chains lack (ponder#818, #2171; cryo#224)."""

    fields: Iterable[str] = ("size", "nonce", "mixHash", "uncles", "sha3Uncles", "difficulty")

    def applies(self, block: Json) -> bool:
        return not set(self.fields).isdisjoint(block)

    def change(self, block: Json) -> Json:
        return {key: value for key, value in block.items() if key not in set(self.fields)}


@dataclass
class ClockSkew(ScriptedFault):
    """Moves the times of blocks by `skew_s` (test matrix, 15).

    Headers alone, so that they contradict the times in logs, unless `in_logs`: then the chain is
    consistent and merely ahead of (or behind) the clock on the wall.
    """

    skew_s: int = 3_600
    in_logs: bool = False

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if method in _BLOCKS and result and self.strikes():
            return {**result, "timestamp": self._moved(result["timestamp"])}
        if self.in_logs and method == "eth_getLogs" and result and self.strikes():
            return [{**x, "blockTimestamp": self._moved(x["blockTimestamp"])} for x in result]
        return result

    def _moved(self, timestamp: str) -> str:
        return hex(max(0, quantity(timestamp) + self.skew_s))
