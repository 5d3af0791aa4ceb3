"""0xSplits 1: who shares what a split receives, read from the calls that created or changed it.

The events name the split alone. Its recipients stand in the call data: those of the transaction
where it calls the contract itself, else those of the calls within it, which a trace shows. Calls
and events are paired in their order. Source: events of the protocol table; SplitMain of
0xSplits/splits-contracts (createSplit, updateSplit, updateAndDistributeETH and -ERC20).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, Beside, ChainContext, Protocol, Route, Tables
from indexer.protocols.royalty_lists import together
from indexer.protocols.split_shares import share_tables
from indexer.protocols.splits import MAIN

_CREATED = Event.parse("CreateSplit(address indexed split)")
_UPDATED = Event.parse("UpdateSplit(address indexed split)")
_WHOLE = 1_000_000
_UNSEEN = "the call that told the shares was not seen"


@dataclass(frozen=True)
class _Function:
    """A function that sets shares: its arguments, and which of them are what."""

    event: str
    name: str
    kinds: tuple[str, ...]
    accounts: int

    @cached_property
    def selector(self) -> bytes:
        """First bytes of a call."""
        from eth_hash.auto import keccak

        return keccak(f"{self.name}({','.join(self.kinds)})".encode())[:4]


_LISTS = ("address[]", "uint32[]", "uint32")
_FUNCTIONS = (
    _Function("CreateSplit", "createSplit", (*_LISTS, "address"), 0),
    _Function("UpdateSplit", "updateSplit", ("address", *_LISTS), 1),
    _Function("UpdateSplit", "updateAndDistributeETH", ("address", *_LISTS, "address"), 1),
    _Function(
        "UpdateSplit", "updateAndDistributeERC20", ("address", "address", *_LISTS, "address"), 2
    ),
)


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [Route(event, "1", frozenset({MAIN})) for event in (_CREATED, _UPDATED)]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    calls = _calls(around.beside)
    return together([_paired(name, each.rows, calls) for name, each in events.items()])


def _paired(name: str, rows: pl.DataFrame, calls: list[dict[str, Any]]) -> Tables:
    """Shares of the events that have a call each; the others are set aside."""
    key = ["block_hash", "tx_hash"]
    schema = {"block_hash": pl.String, "tx_hash": pl.String, "nth": pl.Int64, "call": pl.Int64}
    own = [(number, each) for number, each in enumerate(calls) if each["event"] == name]
    places = pl.DataFrame(
        [(each["block_hash"], each["tx_hash"], None, number) for number, each in own],
        schema=schema,
        orient="row",
    ).with_columns(pl.int_range(pl.len()).over(key).alias("nth"), pl.len().over(key).alias("n"))
    numbered = rows.sort("block_number", "log_index").with_columns(
        pl.int_range(pl.len()).over(key).alias("nth"), pl.len().over(key).alias("n")
    )
    found = numbered.join(places, on=[*key, "nth", "n"], how="left", maintain_order="left")
    is_seen = pl.col("call").is_not_null()
    seen = found.filter(is_seen)
    heads = seen.select(
        "row",
        *PLACE,
        "version",
        pl.lit(name).alias("event"),
        "split",
        pl.lit(_WHOLE, pl.Int64).alias("total_allocation"),
        pl.col("call")
        .map_elements(lambda at: calls[at]["reward_ppm"], return_dtype=pl.Int64)
        .alias("reward_ppm"),
    )
    unseen = found.filter(~is_seen).select(
        "block_hash", "log_index", pl.lit(name).alias("event"), pl.lit(_UNSEEN).alias("reason")
    )
    listed = _listed(seen.select("row", "call").rows(), calls)
    return together([share_tables(heads, listed), {"quarantine": unseen}])


def _listed(whose: list[tuple[int, int]], calls: list[dict[str, Any]]) -> pl.DataFrame:
    rows = [
        (row, item, recipient, allocation)
        for row, at in whose
        for item, (recipient, allocation) in enumerate(calls[at]["shares"])
    ]
    schema = {
        "row": pl.get_index_type(),
        "item": pl.Int64,
        "recipient": pl.String,
        "allocation": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _calls(beside: Beside) -> list[dict[str, Any]]:
    """Calls that set shares, in their order: block_hash, tx_hash, event, reward_ppm, shares."""
    key = ["block_hash", "tx_hash"]
    traced = beside.value_traces.filter(
        pl.col("to_address") == MAIN,
        pl.col("input").is_not_null(),
        pl.col("call_type").is_in(["call", "callcode"]),
    ).sort("block_number", "tx_index", "place")
    straight = beside.transactions.filter(pl.col("to_address") == MAIN).join(
        traced, on=key, how="anti"
    )
    columns = [*key, "input"]
    found = pl.concat([traced.select(columns), straight.select(columns)])
    return [
        {"block_hash": block_hash, "tx_hash": tx_hash, **shares}
        for block_hash, tx_hash, data in found.iter_rows()
        for shares in _shares(data)
    ]


def _shares(data: bytes | None) -> Iterator[dict[str, Any]]:
    """What a call sets; nothing if it is none of the functions, or malformed."""
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    function = next((each for each in _FUNCTIONS if (data or b"")[:4] == each.selector), None)
    if function is None or data is None:
        return
    try:
        values = decode(function.kinds, data[4:])
    except (DecodingError, OverflowError):
        return
    accounts, allocations, reward_ppm = values[function.accounts : function.accounts + 3]
    if len(accounts) == len(allocations):
        shares = list(zip(accounts, allocations, strict=True))
        yield {"event": function.event, "reward_ppm": reward_ppm, "shares": shares}


PROTOCOL = Protocol(
    "splits_v1",
    _routes,
    _settle,
    needs=frozenset({"input", "trace"}),
    limits=("A split that another contract created is known only where the endpoint can trace.",),
)
