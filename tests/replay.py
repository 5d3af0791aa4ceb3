"""One consistent chain made of recorded logs and headers.

Recordings have holes: a few hundred blocks of millions, and among those a missing time or a missing
transaction index. `ReplayChain` fills the holes by fixed rules, so that every process that
replays the same recording presents the same chain:

- **Hash of block n**: the recorded hash; else the recorded parent hash of block n + 1; else
  the first 24 bytes of keccak-256 of `b"replay"` ‖ chain id ‖ n, both numbers as 32 bytes,
  big-endian, and then n as 8 bytes, so that every replay knows the blocks of every other.
  The parent of n is the hash of n - 1 (32 zero bytes for block 0).
- **Time**: the recorded one (header, else log). Between two recorded blocks it lies on the straight
  line through them, rounded down; outside it runs on in steps of 12 s, not below 0.
- **Transaction index**: the recorded one. Within a block, walked in order of log index, a
  transaction without one gets the index after that of the transaction before it (0 if it is the
  first): the first log of a transaction decides its place. Indexes that do not grow
  along the block contradict the recording and are an error.
- **Bloom**: computed from the replayed logs, over address and topics (Yellow Paper, 4.3.1).
- **Receipts**: the recorded ones; else one for every known transaction, of type 0, with gas 0 where
  none was recorded. The receipts root of a header that was not recorded in full is that of these
  receipts, so bloom, receipts and root of a block agree. Its hash is not computed from them.
- A log without block hash or log index belongs to no block. It is kept aside in `malformed`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec
from eth_utils import keccak

from tests.receipts import receipts_root
from tests.recording import Json, Recording, quantity

STEP_S = 12  # slot time of Ethereum, for times outside the recorded blocks
HEAD_MARGIN = 96  # blocks after the last recorded one
SAFE_DEPTH = 32  # one epoch behind the head
FINALIZED_DEPTH = 64  # two epochs behind the head: the last recorded block is final
ZERO_HASH = "0x" + "00" * 32
_EMPTY_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
_ADDRESS_ZERO = "0x" + "00" * 20
_LOG_FIELDS = (
    "address",
    "topics",
    "data",
    "blockNumber",
    "blockHash",
    "blockTimestamp",
    "transactionHash",
    "transactionIndex",
    "logIndex",
    "removed",
)


def replay_hash(chain_id: int, number: int) -> str:
    """Hash of a block that nothing was recorded of."""
    return numbered_hash(
        b"replay" + chain_id.to_bytes(32, "big") + number.to_bytes(32, "big"), number
    )


def numbered_hash(packed: bytes, number: int) -> str:
    """A hash that ends in the number of its block."""
    return "0x" + keccak(packed)[:24].hex() + number.to_bytes(8, "big").hex()


@lru_cache(maxsize=1 << 16)
def _bloom_bits(item: str) -> int:
    digest = keccak(hexstr=item)
    bits = 0
    for start in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[start : start + 2], "big") & 2047)
    return bits


def logs_bloom(logs: Iterable[Json]) -> str:
    """Bloom filter of logs: 256 bytes as hex, three bits per address and topic."""
    bits = 0
    for log in logs:
        for item in (log["address"], *log["topics"]):
            bits |= _bloom_bits(item)
    return "0x" + bits.to_bytes(256, "big").hex()


@lru_cache(maxsize=1 << 13)
def _root_of(receipts: bytes) -> str:
    """The root of receipts as JSON. Most tests replay the blocks that another one replayed."""
    return receipts_root(msgspec.json.decode(receipts))


class ReplayChain:
    """The chain that a recording is part of; see the module's rules for what it fills in.

    `is_whole` takes the recorded logs for all there are, so that every block has its receipts; else
    blocks that may lack some of their logs have none to give.
    """

    def __init__(
        self, recording: Recording, *, head: int | None = None, is_whole: bool = False
    ) -> None:
        self.chain_id = recording.chain_id
        self.complete = set(recording.complete)
        self._is_whole = is_whole
        self.malformed = [log for log in recording.logs if not _is_placed(log)]
        self._recorded = {quantity(header["number"]): header for header in recording.headers}
        placed = sorted((log for log in recording.logs if _is_placed(log)), key=_place)
        last = max([0, *self._recorded, *(_place(log)[0] for log in placed[-1:])])
        self.head = last + HEAD_MARGIN if head is None else head
        self._hashes = self._known_hashes(placed)
        self._numbers = {value: number for number, value in self._hashes.items()}
        self._times = self._known_times(placed)
        self._timed = sorted(self._times)
        self.logs = self._fill(placed)
        self._index()
        self._receipts = recording.receipts
        self._roots: dict[int, str] = {}
        self._made_up: dict[int, list[Json]] = {}
        self._transactions = self._place_transactions(recording.transactions)

    def _index(self) -> None:
        self._positions = [quantity(log["blockNumber"]) for log in self.logs]
        self._by_topic0: dict[str, list[int]] = defaultdict(list)
        for position, log in enumerate(self.logs):
            if log["topics"]:
                self._by_topic0[log["topics"][0]].append(position)

    def _position_of(self, number: int) -> int:
        """Place in `logs` of the first log of a block or of one after it."""
        return bisect_left(self._positions, number)

    # -- blocks

    def block_numbers(self) -> list[int]:
        """Numbers of the blocks that hold logs, ascending."""
        return sorted(set(self._positions))

    def askable_numbers(self) -> list[int]:
        """Block numbers but those whose hash the recording gives to another block too."""
        return [each for each in self.block_numbers() if self.number(self.hash(each)) == each]

    def hash(self, number: int) -> str:
        """Hash of a block, recorded or made up."""
        if number not in self._hashes:
            self._hashes[number] = replay_hash(self.chain_id, number)
        return self._hashes[number]

    def parent_hash(self, number: int) -> str:
        """Hash of the block before; 32 zero bytes for block 0."""
        return self.hash(number - 1) if number else ZERO_HASH

    def has(self, number: int) -> bool:
        """Whether the node can tell the block of a number."""
        return number <= self.head

    def clip(self, number: int) -> int:
        """The last block of a range that is said to end at a number."""
        return min(number, self.head)

    def number(self, block_hash: str) -> int | None:
        """Number of the block with a hash; None when no such block was recorded or made up."""
        number = self._numbers.get(block_hash, int(block_hash[-16:], 16))
        return number if number <= self.head and self.hash(number) == block_hash else None

    def time(self, number: int) -> int:
        """Seconds since 1970 of a block, recorded or interpolated."""
        if number in self._times:
            return self._times[number]
        after = bisect_left(self._timed, number)
        if not self._timed:
            return number * STEP_S
        if after == 0:
            first = self._timed[0]
            return max(0, self._times[first] - (first - number) * STEP_S)
        left = self._timed[after - 1]
        if after == len(self._timed):
            return self._times[left] + (number - left) * STEP_S
        right = self._timed[after]
        elapsed_s = self._times[right] - self._times[left]
        return self._times[left] + (number - left) * elapsed_s // (right - left)

    def header(self, number: int) -> Json:
        """The header of a block in the shape of eth_getBlockByNumber, without transactions.

        A recorded header is served as it is; the parent hash, time and bloom are those of this
        chain, which are equal wherever the recording agrees with itself.
        """
        recorded = self._recorded.get(number, {})
        return {
            **({} if "stateRoot" in recorded else self._blank_header(number)),
            **{key: value for key, value in recorded.items() if key != "transactions"},
            "number": hex(number),
            "hash": self.hash(number),
            "parentHash": self.parent_hash(number),
            "timestamp": hex(self.time(number)),
            "logsBloom": logs_bloom(self.logs_between(number, number)),
        }

    # -- logs

    def logs_between(self, first: int, last: int) -> list[Json]:
        """Logs of the blocks first to last, both included, in chain order."""
        low, high = bisect_left(self._positions, first), bisect_right(self._positions, last)
        return self.logs[low:high]

    def logs_with_topic0(self, topics: Iterable[str], first: int, last: int) -> list[Json]:
        """Logs of the blocks first to last whose first topic is one of `topics`, in chain order."""
        low, high = bisect_left(self._positions, first), bisect_right(self._positions, last)
        found: list[int] = []
        for topic in set(topics):
            places = self._by_topic0.get(topic, [])
            found += places[bisect_left(places, low) : bisect_left(places, high)]
        return [self.logs[position] for position in sorted(found)]

    # -- transactions

    def transaction_hashes(self, number: int) -> list[str]:
        """Hashes of the known transactions of a block, by their index in it."""
        listed = self._recorded.get(number, {}).get("transactions")
        if listed:
            return list(listed)
        places = {
            (quantity(log["transactionIndex"]), log["transactionHash"])
            for log in self.logs_between(number, number)
        }
        rows = self._transactions_of.get(number, [])
        return [one for _, one in sorted(places | {(r["tx_index"], r["tx_hash"]) for r in rows})]

    def transaction(self, tx_hash: str) -> Json | None:
        """What was recorded of a transaction; of one that is known by its logs alone, its place.

        What was not recorded is left out, call data always; None for a transaction without logs
        of which nothing was recorded.
        """
        row = self._transactions.get(tx_hash)
        number = row["block_number"] if row else self._places.get(tx_hash, (None, 0))[0]
        if number is None or not self.has(number):
            return None
        known = (
            {}
            if row is None
            else {
                "from": row["from_address"],
                "to": row["to_address"],
                "value": hex(int(row["value_wei"] or 0)),
                "gas": hex(row["gas_used"] or 0),
                "gasPrice": hex(int(row["effective_gas_price"] or 0)),
            }
        )
        index = self._places[tx_hash][1] if row is None else row["tx_index"]
        return {
            "hash": tx_hash,
            "blockHash": self.hash(number),
            "blockNumber": hex(number),
            "transactionIndex": hex(index),
            **known,
        }

    def transaction_at(self, number: int, index: int) -> Json | None:
        """The transaction at a place in a block, as `transaction` gives it."""
        found = [self.transaction(each) for each in self.transaction_hashes(number)]
        places = (each for each in found if each and quantity(each["transactionIndex"]) == index)
        return next(places, None)

    def receipt(self, tx_hash: str) -> Json | None:
        """Receipt of a transaction with its logs; None when nothing of it was recorded."""
        number = self._block_of.get(tx_hash)
        if number is None or not self.has(number):
            return None
        receipts = self._receipts.get(number) or self._made(number)
        return next(one for one in receipts if one["transactionHash"] == tx_hash)

    def receipts(self, number: int) -> list[Json] | None:
        """Receipts of a block; None when the recording may lack some of its logs.

        A block of which nothing was recorded is empty in this chain, so it has no receipts.
        """
        if number in self._receipts:
            return self._receipts[number]
        is_whole = self._is_whole or number in self.complete
        if not is_whole and self.logs_between(number, number):
            return None
        return self._made(number)

    def _made(self, number: int) -> list[Json]:
        """Receipts of a block that was recorded without them."""
        if number not in self._made_up:
            self._made_up[number] = self._make_receipts(number)
        return self._made_up[number]

    def _blank_header(self, number: int) -> Json:
        if number not in self._roots:
            self._roots[number] = _root_of(msgspec.json.encode(self._made(number)))
        return {**_BLANK_HEADER, "receiptsRoot": self._roots[number]}

    def _make_receipts(self, number: int) -> list[Json]:
        own: dict[str, list[Json]] = defaultdict(list)
        for log in self.logs_between(number, number):
            own[log["transactionHash"]].append(log)
        receipts, gas = [], 0
        for tx_hash in self.transaction_hashes(number):
            gas += self._transactions.get(tx_hash, {}).get("gas_used") or 0
            receipts.append(self._make_receipt(tx_hash, number, own[tx_hash], gas))
        return receipts

    def _make_receipt(self, tx_hash: str, number: int, own: list[Json], gas: int) -> Json:
        row = self._transactions.get(tx_hash, {})
        index = own[0]["transactionIndex"] if own else hex(row["tx_index"])
        status = row.get("status")
        return {
            "type": "0x0",
            "transactionHash": tx_hash,
            "transactionIndex": index,
            "blockHash": self.hash(number),
            "blockNumber": hex(number),
            "from": row.get("from_address"),
            "to": row.get("to_address"),
            "contractAddress": None,
            "gasUsed": hex(row.get("gas_used") or 0),
            "cumulativeGasUsed": hex(gas),
            "effectiveGasPrice": hex(int(row.get("effective_gas_price") or 0)),
            # only a transaction that went through leaves logs
            "status": hex(1 if own or status is None else status),
            "logs": own,
            "logsBloom": logs_bloom(own),
        }

    # -- filling the holes

    def _known_hashes(self, logs: list[Json]) -> dict[int, str]:
        hashes: dict[int, str] = {}
        for number, header in self._recorded.items():
            _agree(hashes, number, header["hash"])
        for log in logs:
            _agree(hashes, quantity(log["blockNumber"]), log["blockHash"])
        for number, header in self._recorded.items():
            if number and "parentHash" in header:
                _agree(hashes, number - 1, header["parentHash"])
        return hashes

    def _known_times(self, logs: list[Json]) -> dict[int, int]:
        times = {
            number: quantity(header["timestamp"])
            for number, header in self._recorded.items()
            if "timestamp" in header
        }
        for log in logs:
            if log.get("blockTimestamp") is not None:
                times.setdefault(quantity(log["blockNumber"]), quantity(log["blockTimestamp"]))
        return times

    def _fill(self, logs: list[Json]) -> list[Json]:
        filled: list[Json] = []
        number, previous_hash, index = -1, "", -1
        for log in logs:
            if quantity(log["blockNumber"]) != number:
                number, previous_hash, index = quantity(log["blockNumber"]), "", -1
            if log["transactionHash"] != previous_hash:
                index = self._next_index(log, index)
                previous_hash = log["transactionHash"]
            given = {
                **log,
                "blockTimestamp": hex(self.time(number)),
                "transactionIndex": hex(index),
                "removed": False,
            }
            filled.append({key: given[key] for key in _LOG_FIELDS})
        return filled

    def _next_index(self, log: Json, previous: int) -> int:
        recorded = log.get("transactionIndex")
        index = previous + 1 if recorded is None else quantity(recorded)
        if index <= previous:
            message = (
                f"log {log['logIndex']} of block {quantity(log['blockNumber'])} is of transaction "
                f"{index}, after a log of transaction {previous}; fix the recording"
            )
            raise ValueError(message)
        return index

    def _place_transactions(self, rows: list[Json]) -> Mapping[str, Json]:
        """Rows by hash, with block and index from the logs where the row lacks them."""
        places = {
            log["transactionHash"]: (
                quantity(log["blockNumber"]),
                quantity(log["transactionIndex"]),
            )
            for log in self.logs
        }
        self._places = places
        placed: dict[str, Json] = {}
        self._transactions_of: dict[int, list[Json]] = defaultdict(list)
        for row in rows:
            block, index = places.get(row["tx_hash"], (row["block_number"], row["tx_index"]))
            if block is None or index is None:
                continue
            placed[row["tx_hash"]] = {**row, "block_number": block, "tx_index": index}
            self._transactions_of[block].append(placed[row["tx_hash"]])
        self._block_of = {
            **{tx_hash: row["block_number"] for tx_hash, row in placed.items()},
            **{tx_hash: block for tx_hash, (block, _) in places.items()},
            **{
                receipt["transactionHash"]: number
                for number, receipts in self._receipts.items()
                for receipt in receipts
            },
        }
        return placed


def _is_placed(log: Json) -> bool:
    return log.get("blockHash") is not None and log.get("logIndex") is not None


def _place(log: Json) -> tuple[int, int]:
    return quantity(log["blockNumber"]), quantity(log["logIndex"])


def _agree(hashes: dict[int, str], number: int, value: str) -> None:
    if hashes.setdefault(number, value) != value:
        message = f"block {number} was recorded as {hashes[number]} and as {value}"
        raise ValueError(message)


_BLANK_HEADER: Json = {
    "sha3Uncles": _EMPTY_UNCLES,
    "miner": _ADDRESS_ZERO,
    "stateRoot": ZERO_HASH,
    "transactionsRoot": ZERO_HASH,
    "receiptsRoot": ZERO_HASH,
    "difficulty": "0x0",
    "extraData": "0x",
    "gasLimit": "0x1c9c380",
    "gasUsed": "0x0",
    "mixHash": ZERO_HASH,
    "nonce": "0x0000000000000000",
    "size": "0x0",
    "uncles": [],
}
