"""Splitters of the royalty registry: what they gave on, in the transaction that paid them.

They keep nothing: what they get they send to their recipients at once, so that these payments tell
who got the royalty of a sale. Any contract may emit the events; they count for what it was paid
itself. The contract declares `PercentSplitCreated` and `PercentSplitShare` too, and never emits
them. Source: events of the protocol table; manifoldxyz/royalty-registry-solidity RoyaltySplitter.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.units import NATIVE
from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.royalty_lists import together

_ETH = Event.parse("ETHTransferred(address indexed account, uint256 amount)", wei=["amount"])
_ERC20 = Event.parse(
    "ERC20Transferred(address indexed erc20Contract, address indexed account, uint256 amount)",
    wei=["amount"],
)


def _routes(_context: ChainContext) -> Sequence[Route]:
    return [Route(event, "splitter") for event in (_ETH, _ERC20)]


def _settle(events: Mapping[str, Decoded], _around: Around) -> Tables:
    return together([{"split_payments": _payments(each.rows)} for each in events.values()])


def _payments(rows: pl.DataFrame) -> pl.DataFrame:
    is_token = "erc20Contract" in rows.columns
    return rows.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit("royalty-registry").alias("protocol"),
        "version",
        pl.lit("transferred").alias("event"),
        pl.col("address").alias("split"),
        "account",
        (pl.col("erc20Contract") if is_token else pl.lit(NATIVE)).alias("currency"),
        pl.col("amount").alias("amount_wei"),
    )


PROTOCOL = Protocol("royalty_splitter", _routes, _settle)
