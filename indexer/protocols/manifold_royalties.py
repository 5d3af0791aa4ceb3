"""Royalties that Manifold's creator contracts set: of a token, of an extension, of the rest.

A token's own terms come before those of the extension that minted it, and these before those of the
contract; an empty list hands back to the next. Any contract may emit the events; they bind its own
tokens alone. Source: events of the protocol table; manifoldxyz/creator-core-solidity CreatorCore.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.royalty_lists import head, paired, term_tables, together

_VERSION = "creator-core"
_LISTS = "address[] receivers, uint256[] basisPoints)"
_EVENTS = (
    Event.parse(f"RoyaltiesUpdated(uint256 indexed tokenId, {_LISTS}"),
    Event.parse(f"DefaultRoyaltiesUpdated({_LISTS}"),
    Event.parse(f"ExtensionRoyaltiesUpdated(address indexed extension, {_LISTS}"),
)
_LEVELS = {
    "RoyaltiesUpdated": ("token", (pl.col("tokenId").alias("token_id"),)),
    "DefaultRoyaltiesUpdated": ("collection", ()),
    "ExtensionRoyaltiesUpdated": ("extension", (pl.col("extension").alias("via"),)),
}


def _routes(_context: ChainContext) -> Sequence[Route]:
    return [Route(event, _VERSION) for event in _EVENTS]


def _settle(events: Mapping[str, Decoded], _around: Around) -> Tables:
    parts = []
    for name, (level, columns) in _LEVELS.items():
        if name not in events:
            continue
        decoded = events[name]
        heads = head(decoded, name, level, *columns)
        parts.append(term_tables("manifold", heads, paired(decoded, "receivers", "basisPoints")))
    return together(parts)


PROTOCOL = Protocol(
    "manifold_royalties",
    _routes,
    _settle,
    limits=(
        "No event tells which extension minted a token: where a contract has terms of extensions,"
        " only a token's own terms are known without asking the contract.",
    ),
)
