"""The settle audit: recent blocks are read once more when they are final, and repaired.

While a chain reorganises, nodes have answered without the logs of the new fork (go-ethereum#31593)
or with the wrong transaction of a log (reth#11427). Asked again by range, when nothing moves any
more, they answer for good; `ranges` tells which blocks still wait for it (`verified_by` = hash),
and which an earlier run could not prove.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from data.errors import RetryableError
from data.schema import table
from data.store import Store
from indexer.by_hash import VERIFIED_BY
from indexer.commit import check_continuity, settle_batch, write
from indexer.decode import settle_logs
from indexer.evidence import Evidence
from indexer.fetch import Source
from indexer.holes import cut_ranges, drop_blocks
from indexer.ranges import BlockRange, join_neighbours
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
    with_unproven: bool = False

    def find_due(self, final: int, max_range: int) -> list[BlockRange]:
        """Ranges that are final by now and were asked by hash only; neighbours are joined.

        `with_unproven` adds those in which an earlier run left blocks unproven.
        """
        rows = self.store.query(
            "SELECT from_block, to_block FROM ranges WHERE chain_id = ? AND selection = ?"
            " AND to_block <= ? + 1 AND (verified_by = ?"
            " OR (? AND blocks_unproven > 0 AND run_id <> ?)) ORDER BY from_block",
            [
                self._chain_id, self.selection.digest, final, VERIFIED_BY,
                self.with_unproven, self.run_id,
            ],
        )  # fmt: skip
        return join_neighbours(rows.rows(), max_range)

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
                "DELETE FROM ranges WHERE chain_id = ? AND selection = ?"
                " AND from_block >= ? AND to_block <= ?",
                [self._chain_id, self.selection.digest, *blocks],
            )
            if numbers:
                spans = [(number, number + 1) for number in numbers]
                drop_blocks(transaction, self._chain_id, spans)
                # Other selections must ask for them anew.
                cut_ranges(transaction, self._chain_id, spans, spare=self.selection.digest)
            check_continuity(transaction, tables["blocks"], self._chain_id)
            write(transaction, tables)
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


@dataclass(frozen=True)
class _Differences:
    lost: pl.DataFrame
    new: pl.DataFrame


def _logs(evidence: Sequence[Evidence]) -> pl.DataFrame:
    return pl.concat([each.logs for each in evidence])
