"""An index run over Parquet files: the same stages as over a node, without one."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from contracts.addresses import known_addresses
from data.errors import UsageError
from data.store import Store
from indexer.chains import chain_id_of
from indexer.clock import Clock, utc_now
from indexer.commit import commit
from indexer.files import load_files
from indexer.link import rebuild_links
from indexer.parquet import ParquetFolder, ParquetSource, open_folder
from indexer.protocols import select_protocols
from indexer.protocols.base import ChainContext
from indexer.ranges import BlockRange, count_blocks, parse_blocks, subtract
from indexer.run import IndexOptions, IndexSummary
from indexer.selection import Selection

_PIECE_LOGS = 200_000

OnProgress = Callable[[float, float, str], None]
"""Called with blocks done now, blocks planned, and a note."""


def index_parquet(
    store: Store,
    path: Path,
    options: IndexOptions,
    on_progress: OnProgress | None = None,
    *,
    on_notice: Callable[[str], None] | None = None,
    piece_logs: int = _PIECE_LOGS,
    clock: Clock = utc_now,
) -> IndexSummary:
    """Indexes Parquet files into the store and rebuilds the link tables; skips what is there.

    Blocks between files stay open: a later run, over more files or a node, fills them.

    Args:
        store: where to write.
        path: folder of Parquet files, or one file of logs.
        options: what to index; endpoints and `max_range` are not used.
        on_progress: told of each piece.
        on_notice: told, in a sentence, what the files lack or what of them is not read.
        piece_logs: logs to commit at a time; bounds the memory.
        clock: tells the time of a commit.

    Raises:
        NotFoundError: there are no files of logs.
        UsageError: files of several chains without `chain`, a block without its header, or an
            option that cannot be understood.
        ReorgError: the files are of another fork than the store.
    """
    started, tell = time.monotonic(), on_progress or _silent
    folder = open_folder(path)
    chain_id = _chain_of(folder, options.chain)
    context = ChainContext(chain_id, known_addresses(chain_id, options.state_dir))
    selection = Selection(context, select_protocols(options.protocols), options.addresses)
    source = ParquetSource(folder, selection)
    source.refuse_other_fork(
        store.query("SELECT block_number, block_hash FROM blocks WHERE chain_id = ?", [chain_id])
    )
    for notice in _notices(folder, source):
        (on_notice or _mute)(notice)
    todo = _plan(store, source, options)
    summary = IndexSummary(chain_id, head=max((end - 1 for _, end in source.covered()), default=0))
    with store.run("index", chain_id=chain_id, source="parquet") as run:
        load_files(store, chain_id, options.state_dir, options.prices, options.funding)
        tell(0, count_blocks(todo), "")
        for piece in source.pieces(todo, piece_logs):
            evidence = source.read(piece)
            counts = commit(store, [evidence], selection, run_id=run.run_id, clock=clock)
            blocks = count_blocks([piece])
            summary.blocks += blocks
            summary.logs += counts.get("logs", 0)
            summary.rows = dict(Counter(summary.rows) + Counter(counts))
            tell(blocks, count_blocks(todo), f"{summary.logs:,} logs")
        summary.links = rebuild_links(store)
        run.details |= {"new_blocks": summary.blocks, "logs": summary.logs}
    summary.elapsed_s = time.monotonic() - started
    return summary


def _silent(_done: float, _total: float, _note: str) -> None:
    """Reports to nobody."""


def _mute(_notice: str) -> None:
    """Tells nobody."""


def _notices(folder: ParquetFolder, source: ParquetSource) -> Iterator[str]:
    if folder.ignored:
        names = ", ".join(folder.ignored[:3]) + (" …" if len(folder.ignored) > 3 else "")
        yield f"{len(folder.ignored)} files are neither cryo's nor our own, and not read: {names}"
    if source.selection.wants_transactions and not source.has_transactions:
        yield "no file of transactions: who funded whom stays unknown for these blocks"


def _chain_of(folder: ParquetFolder, wanted: str | None) -> int:
    chains = folder.chains
    listed = ", ".join(map(str, chains)) or "none"
    if wanted is not None:
        chain_id = chain_id_of(wanted)
        if chain_id not in chains:
            message = (
                f"{folder.path} holds logs of chain {listed}, not of {wanted}; correct --chain"
            )
            raise UsageError(message)
        return chain_id
    if len(chains) != 1:
        message = f"{folder.path} holds logs of chain {listed}; name one with --chain"
        raise UsageError(message)
    return chains[0]


def _plan(store: Store, source: ParquetSource, options: IndexOptions) -> list[BlockRange]:
    """What the files cover and is wanted, without what an equal selection committed."""
    covered = source.covered()
    head = max((end - 1 for _, end in covered), default=0)
    wanted = parse_blocks(options.blocks or ("0:",), head)
    held = subtract(covered, subtract([(0, head + 1)], wanted))
    done = store.query(
        "SELECT from_block, to_block FROM ranges WHERE chain_id = ? AND selection = ?",
        [source.selection.context.chain_id, source.selection.digest],
    )
    return subtract(held, done.rows())
