"""The JSON-RPC methods of the replaying node, over one chain.

Filters follow geth: a topic list longer than a log's topics never matches, trailing nulls
included. Other clients let trailing nulls match; `counts_trailing_nulls=False` does as they do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.faults import RpcError
from tests.recording import Json
from tests.replay import FINALIZED_DEPTH, SAFE_DEPTH, ReplayChain

# codes of the JSON-RPC 2.0 specification, and those that nodes add (EIP-1474)
METHOD_NOT_FOUND, INVALID_PARAMS = -32601, -32602
NOT_FOUND = -32001
UNKNOWN_BLOCK = -39001  # geth, for a tag that it cannot resolve (go-ethereum, rpc/types)

_QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_FILTER_KEYS = {"fromBlock", "toBlock", "blockHash", "address", "topics"}


@dataclass
class Methods:
    """The RPC methods over one chain; each takes the params and returns the result.

    `tags` scripts `finalized`, `safe` and `latest`: a block number, or None for a node that cannot
    resolve the tag. Else they lie 64, 32 and 0 blocks behind the head.
    """

    chain: ReplayChain
    log_times: bool = True
    counts_trailing_nulls: bool = True
    tags: dict[str, int | None] = field(default_factory=dict)

    def call(self, method: str, params: list[Any]) -> Any:
        """The result of one call.

        Raises:
            RpcError: no such method, or params that it does not take.
        """
        name = _METHODS.get(method)
        if name is None:
            message = f"the method {method} does not exist/is not available"
            raise RpcError(METHOD_NOT_FOUND, message)
        try:
            return getattr(self, name)(*params)
        except TypeError as error:
            message = f"{method}: {error}"
            raise RpcError(INVALID_PARAMS, message) from error

    def chain_id(self) -> str:
        return hex(self.chain.chain_id)

    def net_version(self) -> str:
        return str(self.chain.chain_id)

    def client_version(self) -> str:
        return "raisonne-replay/1"

    def syncing(self) -> bool:
        return False

    def block_number(self) -> str:
        return hex(self.chain.head)

    def block_by_number(self, block: str, full: bool) -> Json | None:
        number = self._resolve(block)
        return self._block(number, full) if self.chain.has(number) else None

    def block_by_hash(self, block_hash: str, full: bool) -> Json | None:
        number = self.chain.number(_match(_HASH, block_hash, "block hash").lower())
        return None if number is None else self._block(number, full)

    def transaction_by_hash(self, tx_hash: str) -> Json | None:
        return self.chain.transaction(_match(_HASH, tx_hash, "transaction hash").lower())

    def transaction_by_place(self, block_hash: str, index: str) -> Json | None:
        number = self.chain.number(_match(_HASH, block_hash, "block hash").lower())
        return None if number is None else self.chain.transaction_at(number, int(index, 16))

    def receipt(self, tx_hash: str) -> Json | None:
        return self.chain.receipt(_match(_HASH, tx_hash, "transaction hash").lower())

    def block_receipts(self, block: str) -> list[Json] | None:
        number = self.chain.number(block) if _HASH.fullmatch(block) else self._resolve(block)
        if number is None or not self.chain.has(number):
            return None
        receipts = self.chain.receipts(number)
        if receipts is None:
            message = f"receipts of block {number} were not recorded in full"
            raise RpcError(NOT_FOUND, message)
        return receipts

    def get_logs(self, criteria: Json) -> list[Json]:
        unknown = sorted(set(criteria) - _FILTER_KEYS)
        if unknown:
            message = f"filter has no field {', '.join(unknown)}"
            raise RpcError(INVALID_PARAMS, message)
        first, last = self._range(criteria)
        addresses = _one_or_many(criteria.get("address"), _ADDRESS, "address")
        topics = [_one_or_many(one, _HASH, "topic") for one in criteria.get("topics") or []]
        if topics and topics[0]:
            logs = self.chain.logs_with_topic0(topics[0], first, last)
        else:
            logs = self.chain.logs_between(first, last)
        found = [log for log in logs if self._matches(log, addresses, topics)]
        if self.log_times:
            return found
        return [{k: v for k, v in log.items() if k != "blockTimestamp"} for log in found]

    def _matches(self, log: Json, addresses: set[str], topics: list[set[str]]) -> bool:
        if addresses and log["address"] not in addresses:
            return False
        if self.counts_trailing_nulls and len(topics) > len(log["topics"]):
            return False
        for place, wanted in enumerate(topics):
            if wanted and (place >= len(log["topics"]) or log["topics"][place] not in wanted):
                return False
        return True

    def _range(self, criteria: Json) -> tuple[int, int]:
        if "blockHash" in criteria:
            if "fromBlock" in criteria or "toBlock" in criteria:
                message = "cannot specify both blockHash and fromBlock/toBlock"
                raise RpcError(INVALID_PARAMS, message)
            number = self.chain.number(_match(_HASH, criteria["blockHash"], "block hash").lower())
            if number is None:
                message = "unknown block"
                raise RpcError(-32000, message)
            return number, number
        first = self._resolve(criteria.get("fromBlock") or "latest")
        last = self._resolve(criteria.get("toBlock") or "latest")
        if first > last:
            message = "invalid block range params"
            raise RpcError(INVALID_PARAMS, message)
        return first, self.chain.clip(last)

    def _resolve(self, block: str) -> int:
        head = self.chain.head
        tags = {
            "earliest": 0,
            "finalized": max(0, head - FINALIZED_DEPTH),
            "safe": max(0, head - SAFE_DEPTH),
            "latest": head,
            "pending": head,
            **self.tags,
        }
        if block in tags:
            number = tags[block]
            if number is None:
                message = f"{block} block not found"
                raise RpcError(UNKNOWN_BLOCK, message)
            return number
        return int(_match(_QUANTITY, block, "block number"), 16)

    def _block(self, number: int, full: bool) -> Json:
        hashes = self.chain.transaction_hashes(number)
        transactions: list[Any] = hashes
        if full:
            found = (self.chain.transaction(tx_hash) for tx_hash in hashes)
            transactions = [each for each in found if each is not None and "from" in each]
        return {**self.chain.header(number), "transactions": transactions}


_METHODS = {
    "eth_chainId": "chain_id",
    "eth_blockNumber": "block_number",
    "eth_getBlockByNumber": "block_by_number",
    "eth_getBlockByHash": "block_by_hash",
    "eth_getLogs": "get_logs",
    "eth_getBlockReceipts": "block_receipts",
    "eth_getTransactionReceipt": "receipt",
    "eth_getTransactionByHash": "transaction_by_hash",
    "eth_getTransactionByBlockHashAndIndex": "transaction_by_place",
    "eth_syncing": "syncing",
    "net_version": "net_version",
    "web3_clientVersion": "client_version",
}


def _match(pattern: re.Pattern[str], value: Any, what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        message = f"invalid {what}: {value!r}"
        raise RpcError(INVALID_PARAMS, message)
    return value


def _one_or_many(value: Any, pattern: re.Pattern[str], what: str) -> set[str]:
    """The alternatives of one place of a filter; empty when anything matches."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    if None in values:  # geth: a null among alternatives makes the place a wildcard
        return set()
    return {_match(pattern, one, what).lower() for one in values}
