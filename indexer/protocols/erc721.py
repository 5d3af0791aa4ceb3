"""ERC-721 transfers, and those of contracts older than the standard.

Transfer shares its topic0 with ERC-20. With four topics it is ERC-721; with fewer it is read from
the named contracts only. Source: EIP-721; the contracts are rows of protocol `erc-721` in the
project's protocol table.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import (
    PLACE,
    Around,
    ChainContext,
    Protocol,
    Route,
    Tables,
    transfer_kind,
)

_STANDARD = Event.parse(
    "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
)
_ID_IN_DATA = Event.parse("Transfer(address indexed from, address indexed to, uint256 tokenId)")
_ALL_IN_DATA = Event.parse("Transfer(address from, address to, uint256 tokenId)")

_CRYPTOKITTIES = "0x06012c8cf97bead5deae237070f9587f8e7a266d"
_ID_IN_DATA_CONTRACTS = frozenset(
    {
        "0x23cd7da31501aa54f61384a3756fb4a1329dbb2c",
        "0x79986af15539de2db9a5086382daeda917a9cf0c",
        "0xbace7e22f06554339911a03b8e0ae28203da9598",
    }
)


def _routes(context: ChainContext) -> Sequence[Route]:
    routes = [Route(_STANDARD, "eip-721")]
    if context.chain_id == 1:
        routes += [
            Route(_ID_IN_DATA, "pre-standard", _ID_IN_DATA_CONTRACTS),
            Route(_ALL_IN_DATA, "pre-standard", frozenset({_CRYPTOKITTIES})),
        ]
    return routes


def _settle(events: Mapping[str, Decoded], _: Around) -> Tables:
    transfers = events["Transfer"].rows.select(
        *PLACE,
        pl.lit(0).alias("item_index"),
        transfer_kind().alias("kind"),
        pl.col("address").alias("collection"),
        pl.col("tokenId").alias("token_id"),
        pl.lit("erc721").alias("token_standard"),
        pl.col("from").alias("from_address"),
        pl.col("to").alias("to_address"),
        pl.lit("1").alias("quantity"),
    )
    return {"transfers": transfers}


PROTOCOL = Protocol("erc721", _routes, _settle)
