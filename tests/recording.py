"""What was recorded of real chains, read from the files beside the recorded logs."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

Json = dict[str, Any]


def quantity(value: str | int) -> int:
    """The number in a recorded field, hex text or already a number."""
    return value if isinstance(value, int) else int(value, 16)


@dataclass
class Recording:
    """What was recorded of one chain, as its sources give it.

    `logs` in the shape of eth_getLogs, `headers` in the shape of eth_getBlockByNumber (a few fields
    suffice), `transactions` as rows of transactions.parquet, `receipts` by block number in
    the shape of eth_getBlockReceipts, `complete` the numbers of blocks of which every log is known.
    """

    chain_id: int
    logs: list[Json] = field(default_factory=list)
    headers: list[Json] = field(default_factory=list)
    transactions: list[Json] = field(default_factory=list)
    receipts: dict[int, list[Json]] = field(default_factory=dict)
    complete: set[int] = field(default_factory=set)

    @classmethod
    def load(cls, chain_id: int, logs: Path, *, beside: bool = True) -> Recording:
        """The recording of one chain out of a file of logs and the files in its folder."""
        own = [log for log in _lines(logs) if quantity(log.get("chainId", chain_id)) == chain_id]
        return cls(chain_id, own)._add_files(logs.parent) if beside else cls(chain_id, own)

    @classmethod
    def load_all(cls, logs: Path) -> dict[int, Recording]:
        """The recordings of all chains of a file of logs, by chain id, reading it once."""
        own: dict[int, list[Json]] = defaultdict(list)
        for log in _lines(logs):
            own[quantity(log["chainId"])].append(log)
        return {chain: cls(chain, own[chain])._add_files(logs.parent) for chain in sorted(own)}

    def only(self, blocks: Collection[int]) -> Recording:
        """What was recorded of some blocks, as if nothing else had been."""
        logs = [
            log
            for log in self.logs
            if log.get("blockNumber") is not None and quantity(log["blockNumber"]) in blocks
        ]
        hashes = {log["transactionHash"] for log in logs}
        return Recording(
            self.chain_id,
            logs,
            [header for header in self.headers if quantity(header["number"]) in blocks],
            [
                row
                for row in self.transactions
                if row["tx_hash"] in hashes or row["block_number"] in blocks
            ],
            {number: kept for number, kept in self.receipts.items() if number in blocks},
            {number for number in self.complete if number in blocks},
        )

    def _add_files(self, folder: Path) -> Recording:
        self._add_whole_blocks(folder / "whole_blocks.json.gz")
        self._add_full_blocks(folder / "full_blocks.parquet")
        self._add_transactions(folder / "transactions.parquet")
        return self

    def _add_whole_blocks(self, path: Path) -> None:
        # the file holds Ethereum blocks only
        if self.chain_id != 1 or not path.exists():
            return
        have = {(log["blockNumber"], log["logIndex"]) for log in self.logs}
        with gzip.open(path, "rt") as lines:
            blocks = json.load(lines)
        for number, block in blocks.items():
            self.headers.append(block["header"])
            self.receipts[int(number)] = block["receipts"]
            self.complete.add(int(number))
            for receipt in block["receipts"]:
                for log in receipt["logs"]:
                    if (log["blockNumber"], log["logIndex"]) not in have:
                        self.logs.append(log)

    def _add_full_blocks(self, path: Path) -> None:
        if not path.exists():
            return
        frame = pl.read_parquet(path).filter(pl.col("chain_id") == self.chain_id)
        for row in frame.iter_rows(named=True):
            self.headers.append(
                {
                    "number": hex(row["number"]),
                    "hash": row["hash"],
                    "parentHash": row["parent_hash"],
                    "timestamp": hex(row["timestamp"]),
                }
            )
            self.complete.add(row["number"])

    def _add_transactions(self, path: Path) -> None:
        if path.exists():
            frame = pl.read_parquet(path).filter(pl.col("chain_id") == self.chain_id)
            self.transactions = frame.to_dicts()


def _lines(path: Path) -> Iterable[Json]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as lines:
        yield from map(json.loads, lines)


def chains(logs: Path) -> list[int]:
    """Ids of the chains that a file of logs holds, ascending."""
    return sorted({quantity(log["chainId"]) for log in _lines(logs)})
