"""Royalties set in Rarible's registry, for a contract or (once) for a token.

They bind sales on Rarible alone, and come there before what the contract itself says. A list that
is empty owes nobody anything. Source: events of the protocol table; rarible/protocol-contracts
RoyaltiesRegistry.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.royalty_lists import head, structs, term_tables, together

_REGISTRY = frozenset({"0xea90cfad1b8e030b8fd3e63d22074e0aeb8e0dcd"})
_PARTS = "(address account, uint96 value)[] royalties)"
_EVENTS = (
    Event.parse(f"RoyaltiesSetForContract(address indexed token, {_PARTS}"),
    Event.parse(f"RoyaltiesSetForToken(address indexed token, uint256 indexed tokenId, {_PARTS}"),
)


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id != 1:
        return []
    return [Route(event, "royalties-registry", _REGISTRY) for event in _EVENTS]


def _settle(events: Mapping[str, Decoded], _around: Around) -> Tables:
    parts = []
    for name, decoded in events.items():
        is_token = name == "RoyaltiesSetForToken"
        columns = [pl.col("token").alias("collection"), pl.lit("rarible").alias("venue")]
        columns += [pl.col("tokenId").alias("token_id")] if is_token else []
        heads = head(decoded, name, "token" if is_token else "collection", *columns)
        listed = structs(decoded, "royalties", "account", "value")
        parts.append(term_tables("rarible", heads, listed, empty_bps=0))
    return together(parts)


PROTOCOL = Protocol(
    "rarible_royalties",
    _routes,
    _settle,
    limits=("An external provider of royalties that a contract's owner names is not looked into.",),
)
