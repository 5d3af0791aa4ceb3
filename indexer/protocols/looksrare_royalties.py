"""Royalties set in LooksRare's registry, which bind sales on LooksRare alone.

The exchange asks its registry before the contract; a receiver of zero, or a rate of zero, leaves it
to the contract. Source: event of the protocol table, contract RoyaltyFeeRegistry of LooksRare 1;
its address as LooksRare's own list of deployments has it.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.units import ZERO_ADDRESS
from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.royalty_lists import head, single, term_tables

_REGISTRY = frozenset({"0x55010472a93921a117aad9b055c141060c8d8022"})
_UPDATE = Event.parse(
    "RoyaltyFeeUpdate(address indexed collection, address indexed setter,"
    " address indexed receiver, uint256 fee)"
)


def _routes(context: ChainContext) -> Sequence[Route]:
    return [Route(_UPDATE, "1", _REGISTRY)] if context.chain_id == 1 else []


def _settle(events: Mapping[str, Decoded], _around: Around) -> Tables:
    decoded = events[_UPDATE.name]
    heads = head(
        decoded,
        _UPDATE.name,
        "collection",
        pl.col("collection"),
        pl.lit("looksrare").alias("venue"),
    )
    is_set = (pl.col("receiver") != ZERO_ADDRESS) & (pl.col("fee") != "0")
    return term_tables("looksrare", heads, single(decoded.rows.filter(is_set), "receiver", "fee"))


PROTOCOL = Protocol("looksrare_royalties", _routes, _settle)
