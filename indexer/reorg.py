"""Finding out that the chain changed under the store, and rolling back to what both still share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data.store import Store, Transaction
from indexer.errors import DeepReorgError
from indexer.evidence import parse_headers
from indexer.fetch import WINDOW
from indexer.relink import find_touched, relink
from indexer.rpc import MAX_BATCH, Request, RpcClient

_KEPT = 2 * WINDOW
"""Headers kept below the highest block: a whole window is left after the deepest rollback."""


@dataclass(frozen=True)
class Rollback:
    """What was rolled back: blocks from `first` on, `depth` of them."""

    first: int
    depth: int


async def roll_back_if_reorganised(
    store: Store, client: RpcClient, chain_id: int
) -> Rollback | None:
    """Compares the stored recent blocks with the node's, and removes what is no longer the chain.

    Evidence, facts, links and checkpoint change in one transaction.

    Returns:
        What was removed, or None when the stored chain still stands.

    Raises:
        DeepReorgError: no stored block within the window is on the node's chain.
    """
    stored = _recent(store, chain_id)
    if stored.is_empty():
        return None
    common = await _common_block(client, chain_id, stored, store)
    if common is None:
        return None
    with store.transaction() as transaction:
        touched = find_touched(transaction, chain_id, common + 1)
        transaction.delete_from_block(chain_id, common + 1)
        relink(transaction, touched)
    return Rollback(common + 1, int(stored["block_number"][-1]) - common)


def prune_headers(transaction: Transaction, chain_id: int) -> None:
    """Drops old headers that nothing needs: far below the window, and no proof of a range.

    Kept are the headers of the window, of blocks with logs, of the ends of ranges, and those that
    prove in a verified range that a block holds no logs.
    """
    transaction.execute(
        "DELETE FROM blocks AS b WHERE chain_id = $chain"
        " AND block_number + $kept <="
        "  (SELECT max(block_number) FROM blocks WHERE chain_id = $chain)"
        " AND block_number NOT IN (SELECT block_number FROM logs WHERE chain_id = $chain)"
        " AND block_number NOT IN (SELECT to_block - 1 FROM ranges WHERE chain_id = $chain)"
        " AND NOT EXISTS (SELECT 1 FROM ranges r WHERE r.chain_id = $chain"
        "  AND b.block_number >= r.from_block AND b.block_number < r.to_block"
        "  AND r.verify_mode IN ('sample', 'full'))",
        {"chain": chain_id, "kept": _KEPT},
    )


def _recent(store: Store, chain_id: int) -> pl.DataFrame:
    """Stored blocks within the window below the highest one, ascending."""
    return store.query(
        "SELECT block_number, block_hash, parent_hash FROM blocks WHERE chain_id = ?"
        " AND block_number > (SELECT max(block_number) FROM blocks WHERE chain_id = ?) - ?"
        " ORDER BY block_number",
        [chain_id, chain_id, WINDOW],
    )


async def _common_block(
    client: RpcClient, chain_id: int, stored: pl.DataFrame, store: Store
) -> int | None:
    """The highest block that store and node share; None when nothing stored is contradicted.

    Stored blocks above the node's head prove nothing: a lagging replica lacks them too.
    """
    tip = stored.row(-1, named=True)
    current = await fetch_hashes(client, chain_id, [tip["block_number"]])
    if current.get(tip["block_number"]) == tip["block_hash"]:
        return None
    lowest = int(stored["block_number"][0])
    numbers = [*([lowest - 1] if lowest else []), *stored["block_number"].to_list()]
    current = await fetch_hashes(client, chain_id, numbers)
    is_contradicted = False
    for number, block_hash in reversed(stored.select("block_number", "block_hash").rows()):
        if current.get(number) == block_hash:
            return int(number) if is_contradicted else None
        is_contradicted |= number in current
    # The parent of the lowest stored block is known too, though it was not fetched itself.
    if current.get(lowest - 1, "") == stored["parent_hash"][0]:
        return lowest - 1 if is_contradicted else None
    if not is_contradicted and await _shares_the_past(store, client, chain_id):
        return None
    raise DeepReorgError(_deep_message(store, client, chain_id, stored))


async def _shares_the_past(store: Store, client: RpcClient, chain_id: int) -> bool:
    """Whether a node that is far behind the store knows the stored blocks that it can know."""
    head = int(await client.call("eth_blockNumber"), 16)
    rows = store.query(
        "SELECT block_number, block_hash FROM"
        " (FROM blocks SELECT chain_id, block_number, block_hash"
        " UNION ALL FROM logs SELECT chain_id, block_number, block_hash)"
        " WHERE chain_id = ? AND block_number <= ? ORDER BY block_number DESC LIMIT 1",
        [chain_id, head],
    ).rows()
    current = await fetch_hashes(client, chain_id, [number for number, _ in rows])
    return all(current.get(number) == block_hash for number, block_hash in rows)


def _deep_message(store: Store, client: RpcClient, chain_id: int, stored: pl.DataFrame) -> str:
    lowest, highest = stored["block_number"][0], stored["block_number"][-1]
    path = Path(store.target.catalog)
    fresh = path.with_stem(f"{path.stem}-new") if store.target.kind == "duckdb" else "NEW.duckdb"
    return (
        f"none of the last {stored.height} stored blocks of chain {chain_id} ({lowest} to "
        f"{highest}) is on the chain of {client.endpoint}: this is another chain, or a reorg "
        f"deeper than {WINDOW} blocks; nothing was changed. If the endpoint is right, index anew: "
        f"raisonne index --store {fresh}, with the other options as before"
    )


async def fetch_hashes(client: RpcClient, chain_id: int, numbers: Sequence[int]) -> dict[int, str]:
    """Hashes of the node's blocks; a block that it does not have is left out."""
    hashes: dict[int, str] = {}
    for at in range(0, len(numbers), MAX_BATCH):
        part = numbers[at : at + MAX_BATCH]
        results = await client.batch(
            [Request("eth_getBlockByNumber", (hex(number), False)) for number in part]
        )
        present = [raw for raw in results if raw.strip() != b"null"]
        if present:
            headers = parse_headers(present, chain_id)
            hashes |= dict(headers.select("block_number", "block_hash").iter_rows())
    return hashes
