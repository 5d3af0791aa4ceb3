"""The settle audit: recent blocks are read once more when they are final, and repaired.

While a chain reorganises, nodes have answered without the logs of the new fork (go-ethereum#31593)
or with the wrong transaction of a log (reth#11427). Asked again by range, when nothing moves any
more, they answer for good; `ranges` tells which blocks still wait for it (`verified_by` = hash).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from data.errors import RetryableError
from data.schema import BLOCK_KINDS, TABLES, table
from data.store import Store, Transaction
from indexer.by_hash import VERIFIED_BY
from indexer.commit import settle_batch, write
from indexer.decode import settle_logs
from indexer.evidence import Evidence
from indexer.fetch import Source
from indexer.ranges import BlockRange, chunks, merge, subtract
from indexer.relink import find_touched, relink
from indexer.reorg import prune_headers
from indexer.selection import Selection

_LOG = tuple(name for name in table("logs").column_names if name != "block_time")


@dataclass(frozen=True)
class Rereader:
    """What a second reading needs: the store, what was selected, and two ways to ask."""

    store: Store
    selection: Selection
    by_range: Source
    by_hash: Source
    run_id: str
    clock: Callable[[], datetime]

    def find_due(self, final: int, max_range: int) -> list[BlockRange]:
        """Ranges that were asked by hash only, and are final by now."""
        rows = self.store.query(
            "SELECT from_block, to_block FROM ranges WHERE chain_id = ? AND selection = ?"
            " AND verified_by = ? AND to_block <= ? + 1",
            [self._chain_id, self.selection.digest, VERIFIED_BY, final],
        )
        return list(chunks(merge(rows.rows()), max_range))

    async def fetch(self, blocks: BlockRange) -> list[Evidence]:
        """The second answer about a range; where it lacks stored logs, confirmed by a third.

        Raises:
            RetryableError: two answers about one block differ; neither is believed.
            UpstreamError: the endpoint does not answer.
        """
        evidence = await self.by_range.fetch(blocks)
        lost = self._differences(_logs(evidence), blocks).lost
        for number in lost["block_number"].unique().sort():
            (third,) = await self.by_hash.fetch((number, number + 1))
            again = lost.filter(pl.col("block_number") == number)
            if not again.join(third.logs, on=_LOG, how="semi", nulls_equal=True).is_empty():
                message = f"two answers about the logs of final block {number} differ"
                raise RetryableError(message)
        return evidence

    def commit(self, evidence: Sequence[Evidence], blocks: BlockRange) -> list[int]:
        """Replaces the first reading by the second; returns the blocks that differed.

        Raises:
            ReorgError: a block is not the stored one.
        """
        tables = settle_batch(evidence, self.selection, run_id=self.run_id, clock=self.clock)
        found = self._differences(_logs(evidence), blocks)
        changed = pl.concat([found.lost["block_number"], found.new["block_number"]])
        numbers = changed.unique().sort().to_list()
        with self.store.transaction() as transaction:
            transaction.execute(
                "DELETE FROM ranges WHERE chain_id = ? AND selection = ? AND verified_by = ?"
                " AND from_block >= ? AND to_block <= ?",
                [self._chain_id, self.selection.digest, VERIFIED_BY, *blocks],
            )
            if numbers:
                self._drop(transaction, numbers)
            write(transaction, tables, self._chain_id)
            if numbers:
                span = numbers[0], numbers[-1] + 1
                relink(transaction, find_touched(transaction, self._chain_id, *span))
            prune_headers(transaction, self._chain_id)
        return numbers

    @property
    def _chain_id(self) -> int:
        return self.selection.context.chain_id

    def _differences(self, fetched: pl.DataFrame, blocks: BlockRange) -> "_Differences":
        """Logs of the selection that only the store, and that only the answer holds."""
        stored = self.store.query(
            "SELECT * FROM logs WHERE chain_id = ? AND block_number >= ? AND block_number < ?",
            [self._chain_id, *blocks],
        )
        wanted = settle_logs(fetched, self.selection).get("logs", table("logs").empty())
        new = wanted.join(stored, on=_LOG, how="anti", nulls_equal=True)
        lost = stored.join(wanted, on=_LOG, how="anti", nulls_equal=True)
        if not lost.is_empty():
            # Another selection may have stored them.
            lost = settle_logs(lost, self.selection).get("logs", lost.clear())
        return _Differences(lost, new)

    def _drop(self, transaction: Transaction, numbers: Sequence[int]) -> None:
        """Deletes evidence, facts and links of blocks; other selections must ask for them anew."""
        touched = find_touched(transaction, self._chain_id, numbers[0], numbers[-1] + 1)
        for declared in TABLES.values():
            if declared.kind in BLOCK_KINDS:
                transaction.execute(
                    f"DELETE FROM {declared.name} WHERE chain_id = ?"
                    " AND block_number IN (SELECT unnest(?))",
                    [self._chain_id, list(numbers)],
                )
        relink(transaction, touched)
        others = transaction.query(
            "SELECT * FROM ranges WHERE chain_id = ? AND selection <> ?"
            " AND from_block <= ? AND to_block > ?",
            [self._chain_id, self.selection.digest, numbers[-1], numbers[0]],
        )
        transaction.execute(
            "DELETE FROM ranges WHERE chain_id = ? AND selection <> ?"
            " AND from_block <= ? AND to_block > ?",
            [self._chain_id, self.selection.digest, numbers[-1], numbers[0]],
        )
        transaction.append("ranges", _without(others, [(n, n + 1) for n in numbers]))


@dataclass(frozen=True)
class _Differences:
    lost: pl.DataFrame
    new: pl.DataFrame


def _logs(evidence: Sequence[Evidence]) -> pl.DataFrame:
    return pl.concat([each.logs for each in evidence])


def _without(ranges: pl.DataFrame, holes: Sequence[BlockRange]) -> pl.DataFrame:
    """The rows of `ranges` cut around the holes; a cut end has no known hash."""
    pieces = []
    for row in ranges.iter_rows(named=True):
        for start, end in subtract([(row["from_block"], row["to_block"])], holes):
            tip = row["tip_hash"] if end == row["to_block"] else None
            pieces.append({**row, "from_block": start, "to_block": end, "tip_hash": tip})
    return pl.DataFrame(pieces, schema=ranges.schema)
