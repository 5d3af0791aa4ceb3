"""ERC-4906: a contract says that metadata of some of its tokens changed. Source: EIP-4906."""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables

_NAME = "erc4906"
_ONE = Event.parse("MetadataUpdate(uint256 _tokenId)")
_MANY = Event.parse("BatchMetadataUpdate(uint256 _fromTokenId, uint256 _toTokenId)")
_RANGES = {
    "MetadataUpdate": ("_tokenId", "_tokenId"),
    "BatchMetadataUpdate": ("_fromTokenId", "_toTokenId"),
}


def _routes(context: ChainContext) -> Sequence[Route]:
    del context
    return [Route(event, "eip-4906") for event in (_ONE, _MANY)]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    del around
    updates = [
        events[name].rows.select(
            *PLACE,
            pl.lit(0, pl.Int64).alias("item_index"),
            pl.lit(_NAME).alias("protocol"),
            "version",
            pl.col("address").alias("collection"),
            pl.col(first).alias("from_token_id"),
            pl.col(last).alias("to_token_id"),
        )
        for name, (first, last) in _RANGES.items()
        if name in events
    ]
    return {"metadata_updates": pl.concat(updates)}


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    limits=("Contracts that change metadata without saying so are not noticed.",),
)
