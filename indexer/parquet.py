"""Evidence from Parquet files: cryo's datasets, and what `raisonne export` writes.

What a file holds is told by its columns, so that names and folders are free. Both kinds become the
same evidence as a node's answers, and so the same tables.

cryo's logs carry neither block hash nor time; its dataset `blocks` of the same range has both.
Columns are binary, or 0x text where cryo ran with `--hex`. Source: files written by cryo 0.3.2.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl

from data.errors import IntegrityError, NotFoundError, UsageError
from data.schema import conform, table
from data.types import WEI
from indexer import words
from indexer.errors import ReorgError
from indexer.evidence import Evidence, Proof
from indexer.fetch import WINDOW
from indexer.ranges import BlockRange, merge
from indexer.selection import Selection

_CRYO_NAME = re.compile(r"__(\d+)_to_(\d+)\b.*\.parquet$")
_TOPICS = {"topic0", "topic1", "topic2", "topic3"}
_LOG = _TOPICS | {"block_number", "log_index", "address", "data"}
_KINDS: dict[str, tuple[set[str], ...]] = {
    # What `raisonne export` writes comes first, then cryo's dataset.
    "logs": (_LOG | {"tx_hash", "tx_index", "block_hash"},
             _LOG | {"transaction_hash", "transaction_index"}),
    "value_traces": ({"block_number", "tx_hash", "trace_address", "value_wei"},),
    "transactions": ({"block_number", "tx_hash", "tx_index", "from_address", "value_wei"},
                     {"block_number", "transaction_hash", "transaction_index", "from_address"}),
    "contract_reads": ({"block_number", "block_hash", "contract", "input", "output"},),
    "ranges": ({"selection", "from_block", "to_block"},),
    "quarantine": ({"block_number", "topics", "reason", "protocol", "event"},),
    "blocks": ({"block_number", "block_hash", "block_time", "parent_hash"},
               {"block_number", "block_hash", "timestamp"}),
}  # fmt: skip
_RENAMED = {"transaction_hash": "tx_hash", "transaction_index": "tx_index"}
_HASHES = _TOPICS | {
    "block_hash", "parent_hash", "tx_hash", "address", "from_address", "to_address"
}  # fmt: skip
_BYTES = {"data", "input", "output", "logs_bloom", "value_binary"}


@dataclass(frozen=True)
class ParquetFile:
    """One file: what it holds, of which chains, and within which blocks its rows lie."""

    path: Path
    kind: str
    chains: tuple[int, ...]
    blocks: BlockRange
    n_rows: int

    @property
    def named_blocks(self) -> BlockRange | None:
        """The blocks that cryo asked for, by the name it gave the file; None for other names."""
        match = _CRYO_NAME.search(self.path.name)
        return (int(match.group(1)), int(match.group(2)) + 1) if match else None


@dataclass(frozen=True)
class ParquetFolder:
    """Files of a folder that this program can read, and the names of the others."""

    path: Path
    files: tuple[ParquetFile, ...]
    ignored: tuple[str, ...]

    @property
    def chains(self) -> list[int]:
        """Chains that the files of logs speak of."""
        return sorted({chain for file in self.of("logs") for chain in file.chains})

    def of(self, kind: str) -> list[ParquetFile]:
        """The files of one kind, by place on the chain."""
        found = [file for file in self.files if file.kind == kind]
        return sorted(found, key=lambda file: (file.blocks, file.path))


def open_folder(path: Path) -> ParquetFolder:
    """The Parquet files of a folder, its sub-folders included, or a single file.

    Raises:
        NotFoundError: there is no such folder, or no file of logs in it.
        UsageError: a file is no Parquet.
    """
    if not path.exists():
        message = f"{path} does not exist; give --from-parquet a folder of Parquet files"
        raise NotFoundError(message)
    paths = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    files, ignored = [], []
    for each in paths:
        found = _read_file(each)
        if found is None:
            ignored.append(each.name)
        else:
            files.append(found)
    folder = ParquetFolder(path, tuple(files), tuple(ignored))
    if not folder.of("logs"):
        message = (
            f"{path} holds no file of logs; write one with `cryo logs blocks`, or with "
            "`raisonne export logs --out DIR/logs.parquet`"
        )
        raise NotFoundError(message)
    return folder


def _read_file(path: Path) -> ParquetFile | None:
    try:
        columns = set(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError) as error:
        message = f"{path} is no Parquet file: {str(error).splitlines()[0]}; remove it"
        raise UsageError(message) from error
    kind = next((k for k, layouts in _KINDS.items() if any(x <= columns for x in layouts)), None)
    if kind is None or "chain_id" not in columns:
        return None
    first, last = ("from_block", "to_block") if kind == "ranges" else ("block_number",) * 2
    facts = pl.scan_parquet(path).select(
        pl.col(first).min().cast(pl.Int64).alias("first"),
        pl.col(last).max().cast(pl.Int64).alias("last"),
        pl.len().alias("rows"),
        pl.col("chain_id").unique().cast(pl.Int64).sort().implode().alias("chains"),
    )
    row = facts.collect().row(0, named=True)
    blocks = (0, 0) if row["first"] is None else (row["first"], row["last"] + 1)
    return ParquetFile(path, kind, tuple(row["chains"]), blocks, row["rows"])


@dataclass(frozen=True)
class ParquetSource:
    """Files of one chain as a source of evidence (see indexer.fetch.Source)."""

    folder: ParquetFolder
    selection: Selection

    @property
    def has_transactions(self) -> bool:
        """Whether the files hold transactions."""
        return bool(self.folder.of("transactions"))

    def covered(self) -> list[BlockRange]:
        """Blocks whose logs the files hold, as far as the files say.

        cryo tells by its file names, our own export by its table `ranges`; without either, it
        is the span from the first to the last log.

        Raises:
            UsageError: `ranges` is of another selection.
        """
        files = [file for file in self.folder.of("logs") if self._chain_id in file.chains]
        ranges = self._exported_ranges()
        named = [file.named_blocks for file in files if file.named_blocks]
        spans = [file.blocks for file in files if not file.named_blocks and ranges is None]
        return merge([*named, *spans, *(ranges or [])])

    def pieces(self, todo: Sequence[BlockRange], most_logs: int) -> list[BlockRange]:
        """The ranges, cut so that each holds at most so many logs, or is a single block."""
        pieces = []
        for start, end in todo:
            counts = self._logs_by_block((start, end))
            at, held = start, 0
            for block, n_logs in counts:
                if held and held + n_logs > most_logs:
                    pieces.append((at, block))
                    at, held = block, 0
                held += n_logs
            pieces.append((at, end))
        return pieces

    async def fetch(self, blocks: BlockRange) -> list[Evidence]:
        """Evidence of the range, in one piece."""
        return [self.read(blocks)]

    def read(self, blocks: BlockRange) -> Evidence:
        """Evidence of the range.

        Raises:
            UsageError: a block with logs has no header in the files.
            IntegrityError: the files hold blocks of two forks.
        """
        start, end = blocks
        headers = self._rows("blocks", blocks)
        logs = self._placed(self._rows("logs", blocks), headers)
        known = _joined(headers, logs)
        tip = known.filter(pl.col("block_number") == end - 1)
        newest = max(span[1] for span in self.covered())
        number = pl.col("block_number")
        is_recent = (number >= newest - WINDOW) | (number == number.max())
        transactions = self._rows("transactions", blocks)
        garbled = self._rows("quarantine", blocks).filter(pl.col("protocol") == "")
        return Evidence(
            start=start,
            end=end,
            tip_hash=None if tip.is_empty() else tip["block_hash"][0],
            logs=conform("logs", logs),
            blocks=conform("blocks", known.filter(is_recent)),
            quarantine=conform("quarantine", garbled),
            transactions=conform("transactions", self._placed(transactions, headers)),
            value_traces=self._rows("value_traces", blocks),
            contract_reads=self._rows("contract_reads", blocks),
            endpoint=f"parquet:{self.folder.path.name}",
            proof=Proof(verified_by="parquet"),
        )

    def refuse_other_fork(self, stored: pl.DataFrame) -> None:
        """Compares hashes of stored blocks (block_number, block_hash) with those of the files.

        Raises:
            ReorgError: the files are of another fork than the store.
        """
        numbers = stored["block_number"].implode()
        for span in self.covered():
            for scan in self._scans("blocks", span):
                chosen = scan.filter(pl.col("block_number").cast(pl.Int64).is_in(numbers))
                both = _in_own_columns("blocks", chosen).join(stored, on="block_number")
                other = both.filter(pl.col("block_hash") != pl.col("block_hash_right"))
                if not other.is_empty():
                    message = (
                        f"{self.folder.path} holds another block {other['block_number'][0]} than "
                        "the store; the chain was reorganised between the two, collect it again"
                    )
                    raise ReorgError(message)

    @property
    def _chain_id(self) -> int:
        return self.selection.context.chain_id

    def _exported_ranges(self) -> list[BlockRange] | None:
        files = self.folder.of("ranges")
        if not files:
            return None
        ranges = pl.concat(
            pl.read_parquet(file.path, columns=["chain_id", "selection", "from_block", "to_block"])
            for file in files
        ).filter(pl.col("chain_id") == self._chain_id)
        own = ranges.filter(pl.col("selection") == self.selection.digest)
        if own.is_empty() and not ranges.is_empty():
            message = (
                f"{files[0].path.name} lists ranges that were indexed with another selection; name "
                "the same --protocol, --address and --state-dir as then"
            )
            raise UsageError(message)
        return merge(own.select("from_block", "to_block").rows())

    def _scans(self, kind: str, blocks: BlockRange) -> list[pl.LazyFrame]:
        """The files of a kind that may hold rows of the blocks, each cut to them."""
        number = pl.col("block_number").cast(pl.Int64)
        return [
            pl.scan_parquet(file.path).filter(
                number.is_between(blocks[0], blocks[1] - 1), pl.col("chain_id") == self._chain_id
            )
            for file in self.folder.of(kind)
            if file.blocks[0] < blocks[1] and blocks[0] < file.blocks[1]
        ]

    def _logs_by_block(self, blocks: BlockRange) -> list[tuple[int, int]]:
        counts = [
            scan.group_by(pl.col("block_number").cast(pl.Int64)).len().collect()
            for scan in self._scans("logs", blocks)
        ]
        if not counts:
            return []
        return pl.concat(counts).group_by("block_number").sum().sort("block_number").rows()

    def _rows(self, kind: str, blocks: BlockRange) -> pl.DataFrame:
        """Rows of a kind in our own columns, as far as the files have them, without duplicates."""
        parts = [table(kind).empty()]
        for scan in self._scans(kind, blocks):
            chosen = self._wanted(scan) if kind == "logs" else scan
            parts.append(_in_own_columns(kind, chosen))
        rows = pl.concat(parts)
        return rows.unique(maintain_order=True) if self._overlaps(kind) else rows

    def _overlaps(self, kind: str) -> bool:
        """Whether two files may hold the same rows."""
        spans = [file.blocks for file in self.folder.of(kind)]
        return any(after[0] < before[1] for before, after in pairwise(spans))

    def _wanted(self, logs: pl.LazyFrame) -> pl.LazyFrame:
        """Logs that a route may read: ERC-20 traffic is dropped before it is decoded."""
        topics = sorted({route.event.topic0 for _, route in self.selection.routes})
        if logs.collect_schema()["topic0"] == pl.Binary:
            raw = pl.Series([bytes.fromhex(topic[2:]) for topic in topics], dtype=pl.Binary)
            return logs.filter(pl.col("topic0").is_in(raw.implode()))
        return logs.filter(pl.col("topic0").str.to_lowercase().is_in(topics))

    def _placed(self, rows: pl.DataFrame, headers: pl.DataFrame) -> pl.DataFrame:
        """Rows with the hash and time of their block, from the headers where they have none.

        Raises:
            UsageError: a block is not among the headers.
        """
        known = headers.select(
            "block_number",
            pl.col("block_hash").alias("header_hash"),
            pl.col("block_time").alias("header_time"),
        )
        placed = rows.join(
            known, on="block_number", how="left", maintain_order="left"
        ).with_columns(
            pl.coalesce("block_hash", "header_hash").alias("block_hash"),
            pl.coalesce("block_time", "header_time").alias("block_time"),
        )
        lost = placed.filter(pl.col("block_hash").is_null() | pl.col("block_time").is_null())
        if not lost.is_empty():
            message = (
                f"{self.folder.path}: block {lost['block_number'][0]} has logs, but no file "
                "tells its hash and time; add cryo's dataset `blocks` of the same range"
            )
            raise UsageError(message)
        # A row of another fork than the header's has no place on this chain; _joined names it.
        return placed.drop("header_hash", "header_time")


def _in_own_columns(kind: str, rows: pl.LazyFrame) -> pl.DataFrame:
    """Rows of one file in the columns and types of a table; what the file lacks is NULL."""
    schema = rows.collect_schema()
    renamed = rows.rename({old: new for old, new in _RENAMED.items() if old in schema})
    schema = renamed.collect_schema()
    names = set(schema)
    columns = [
        _text(name) if schema[name] == pl.Binary else pl.col(name).str.to_lowercase()
        for name in _HASHES & names
    ]
    columns += [
        pl.col(name).str.slice(2).str.decode("hex")
        for name in _BYTES & names
        if schema[name] == pl.String
    ]
    frame = renamed.with_columns(columns)
    if "timestamp" in names:
        seconds = pl.col("timestamp").cast(pl.Int64)
        frame = frame.with_columns(
            (seconds * 1_000_000).cast(pl.Datetime("us")).alias("block_time")
        )
    if kind == "transactions" and "value_wei" not in names:
        frame = frame.with_columns(_value(names).alias("value_wei"))
    kept = [name for name in table(kind).column_names if name in frame.collect_schema()]
    return conform(kind, frame.select(kept).collect())


def _text(name: str) -> pl.Expr:
    return words.hex_text(pl.col(name)).alias(name)


def _value(names: set[str]) -> pl.Expr:
    """Value of a transaction from one of the forms in which cryo writes 256-bit numbers."""
    if "value_binary" in names:
        return words.wei(pl.col("value_binary"))
    if "value_string" in names:
        return pl.col("value_string").str.to_decimal(scale=0).cast(WEI.polars)
    message = "a file of transactions has no exact value; collect it with value_binary"
    raise UsageError(message)


def _joined(headers: pl.DataFrame, logs: pl.DataFrame) -> pl.DataFrame:
    """Headers of all known blocks, of which some are known by their logs alone.

    Raises:
        IntegrityError: a block has two hashes.
    """
    told = conform("blocks", logs.select("chain_id", "block_number", "block_hash", "block_time"))
    known = (
        pl.concat([headers, told])
        .sort("block_number", "block_hash", "parent_hash", nulls_last=True)
        .unique(["block_number", "block_hash"], keep="first", maintain_order=True)
    )
    twice = known.filter(pl.col("block_number").is_duplicated())
    if not twice.is_empty():
        message = (
            f"the files hold block {twice['block_number'][0]} of two forks; collect the files that "
            "hold it again"
        )
        raise IntegrityError(message)
    return known
