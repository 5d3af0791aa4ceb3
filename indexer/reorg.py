"""Finding out that the chain changed under the store, and rolling back to what both still share."""

from collections.abc import Sequence

import polars as pl

from data.store import Store
from indexer.errors import DeepReorgError
from indexer.evidence import parse_headers
from indexer.fetch import WINDOW
from indexer.rpc import MAX_BATCH, Request, RpcClient


async def roll_back_if_reorganised(store: Store, client: RpcClient, chain_id: int) -> int | None:
    """Compares the stored recent blocks with the node's, and removes what is no longer the chain.

    Returns:
        The first block that was removed, or None when the stored chain still stands. Evidence,
        facts and checkpoint go in one transaction.

    Raises:
        DeepReorgError: no stored block within the window is on the node's chain.
    """
    stored = _recent(store, chain_id)
    if stored.is_empty():
        return None
    common = await _common_block(client, chain_id, stored)
    if common is None:
        return None
    with store.transaction() as transaction:
        transaction.delete_from_block(chain_id, common + 1)
    return common + 1


def _recent(store: Store, chain_id: int) -> pl.DataFrame:
    """Stored blocks within the window below the highest one, ascending."""
    return store.query(
        "SELECT block_number, block_hash, parent_hash FROM blocks WHERE chain_id = ?"
        " AND block_number > (SELECT max(block_number) FROM blocks WHERE chain_id = ?) - ?"
        " ORDER BY block_number",
        [chain_id, chain_id, WINDOW],
    )


async def _common_block(client: RpcClient, chain_id: int, stored: pl.DataFrame) -> int | None:
    """The highest block that store and node share; None when nothing stored is contradicted.

    Stored blocks above the node's head prove nothing: a lagging replica lacks them too.
    """
    tip = stored.row(-1, named=True)
    current = await _hashes(client, chain_id, [tip["block_number"]])
    if current.get(tip["block_number"]) == tip["block_hash"]:
        return None
    lowest = int(stored["block_number"][0])
    numbers = [*([lowest - 1] if lowest else []), *stored["block_number"].to_list()]
    current = await _hashes(client, chain_id, numbers)
    is_contradicted = False
    for number, block_hash in reversed(stored.select("block_number", "block_hash").rows()):
        if current.get(number) == block_hash:
            return int(number) if is_contradicted else None
        is_contradicted |= number in current
    # The parent of the lowest stored block is known too, though it was not fetched itself.
    if lowest and current.get(lowest - 1) == stored["parent_hash"][0]:
        return lowest - 1
    message = (
        f"none of the last {stored.height} stored blocks of chain {chain_id} "
        f"({lowest} to {stored['block_number'][-1]}) is on the chain of {client.endpoint}; this is "
        f"another chain, or a reorg deeper than {WINDOW} blocks: index into a new file with --store"
    )
    raise DeepReorgError(message)


async def _hashes(client: RpcClient, chain_id: int, numbers: Sequence[int]) -> dict[int, str]:
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
