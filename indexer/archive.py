"""The pass after a load that asks contracts what royalty a sale owed, at the block of that sale.

It asks where no event tells the terms, once per (contract, token, price, block), and keeps each
answer as evidence in `contract_reads`; a refusal of the contract is an answer too. So a run that
was stopped goes on where it ended, and the ledger follows from the store alone. Source: EIP-2981;
calls by the hash of a block, EIP-1898.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import msgspec
import polars as pl

from data.schema import conform
from data.store import Store
from indexer.answers import Request
from indexer.errors import WrongChainError
from indexer.link import replace_link
from indexer.link_royalties import SUBJECTS
from indexer.royalty_reads import register_reads, royalty_call
from indexer.rpc import MAX_BATCH, RpcClient

_GAS = hex(3_000_000)
"""What a call may use: answers cost a few thousand, and nobody can hold up a node."""

_CALLS_AT_ONCE = 10 * MAX_BATCH

_UNKNOWN = f"""
WITH {SUBJECTS.strip()}
SELECT DISTINCT chain_id, block_number, block_hash, block_time, contract, token_id,
    price_wei::DECIMAL(38,0) AS price_wei
FROM chosen c
ANTI JOIN royalty_reads r ON r.chain_id = c.chain_id AND r.block_hash = c.block_hash
    AND r.contract = c.contract AND r.token_id = c.token_id AND r.price_wei = c.price_wei
WHERE c.chain_id = ? AND c.terms_place IS NULL AND c.token_id IS NOT NULL
ORDER BY block_number, contract, token_id, price_wei
"""

OnProgress = Callable[[float, float, str], None]
"""Called with calls done now, calls in all, and a note."""


@dataclass
class RoyaltyReads:
    """How many contracts were asked, and how many of the calls they refused."""

    asked: int = 0
    refused: int = 0


async def read_royalties(
    store: Store, archive_url: str, chain_id: int, on_progress: OnProgress
) -> RoyaltyReads:
    """Asks for the royalty of every sale whose terms no event tells, and renews the ledger.

    Rows are committed a thousand calls at a time.

    Raises:
        WrongChainError: the endpoint is of another chain.
        UpstreamError: it lacks the state of a block, or is out of reach; what was answered before
            stays.
    """
    todo = await asyncio.to_thread(_find_unknown, store, chain_id)
    done = RoyaltyReads()
    on_progress(0, todo.height, "")
    if todo.is_empty():
        return done
    async with aiohttp.ClientSession() as session:
        client = RpcClient([archive_url], session)
        await _require_chain(client, chain_id)
        try:
            for part in todo.iter_slices(_CALLS_AT_ONCE):
                rows = await _ask(client, part)
                await asyncio.to_thread(store.append, "contract_reads", rows)
                done.asked += rows.height
                done.refused += rows["error"].count()
                on_progress(rows.height, todo.height, f"{done.refused:,} refused")
        finally:
            await asyncio.to_thread(_renew_ledger, store)
    return done


async def _require_chain(client: RpcClient, chain_id: int) -> None:
    """Proves that the archive is of the chain that is indexed.

    Raises:
        WrongChainError: it is of another.
    """
    served = int(await client.call("eth_chainId"), 16)
    if served != chain_id:
        message = f"{client.endpoint} serves chain {served}, not {chain_id}; correct --archive-url"
        raise WrongChainError(message)
    client.chain_id = chain_id


def _find_unknown(store: Store, chain_id: int) -> pl.DataFrame:
    with store.transaction() as transaction:
        register_reads(transaction)
        return transaction.query(_UNKNOWN, [chain_id])


def _renew_ledger(store: Store) -> None:
    with store.transaction() as transaction:
        register_reads(transaction)
        replace_link(transaction, "royalty_ledger")


async def _ask(client: RpcClient, calls: pl.DataFrame) -> pl.DataFrame:
    """Rows of `contract_reads`, one per call."""
    inputs = [
        royalty_call(int(token_id), int(price_wei))
        for token_id, price_wei in calls.select("token_id", "price_wei").iter_rows()
    ]
    places = calls.select("contract", "block_hash").rows()
    requests = [
        Request(
            "eth_call",
            ({"to": contract, "data": "0x" + data.hex(), "gas": _GAS}, {"blockHash": block_hash}),
            may_revert=True,
        )
        for (contract, block_hash), data in zip(places, inputs, strict=True)
    ]
    answers: list[bytes] = []
    for at in range(0, len(requests), MAX_BATCH):
        answers += await client.batch(requests[at : at + MAX_BATCH], proves_chain=True)
    outputs = [bytes.fromhex(msgspec.json.decode(raw)[2:]) if raw else None for raw in answers]
    return conform(
        "contract_reads",
        calls.drop("token_id", "price_wei").with_columns(
            pl.Series("input", inputs, pl.Binary),
            pl.Series("output", outputs, pl.Binary),
            # Nodes have many words for it; evidence is the same whichever is asked.
            pl.Series("error", [None if raw else "reverted" for raw in answers], pl.String),
        ),
    )
