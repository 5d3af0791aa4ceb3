"""Royalties of Limit Break's creator tokens: of all tokens, of one, or of its minter.

Rates are in ten-thousandths, the denominator of ERC-2981 contracts that do not change it. Any
contract may emit the events; they bind its own tokens alone. Source: events of the protocol table;
limitbreakinc/creator-token-standards BasicRoyalties, MutableMinterRoyalties.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.royalty_lists import head, single, term_tables, together

_OF_TOKEN = "(uint256 indexed tokenId, address indexed receiver, uint96 feeNumerator)"  # noqa: S105
_ROUTES = (
    Route(
        Event.parse("DefaultRoyaltySet(address indexed receiver, uint96 feeNumerator)"),
        "basic-royalties",
    ),
    Route(Event.parse(f"TokenRoyaltySet{_OF_TOKEN}"), "basic-royalties"),
    # Our own contract has an event of the same topic, with another number of topics.
    Route(Event.parse(f"RoyaltySet{_OF_TOKEN}"), "minter-royalties"),
)


def _routes(_context: ChainContext) -> Sequence[Route]:
    return _ROUTES


def _settle(events: Mapping[str, Decoded], _around: Around) -> Tables:
    parts = []
    for name, decoded in events.items():
        is_default = name == "DefaultRoyaltySet"
        columns = () if is_default else (pl.col("tokenId").alias("token_id"),)
        heads = head(decoded, name, "collection" if is_default else "token", *columns)
        listed = single(decoded.rows, "receiver", "feeNumerator")
        parts.append(term_tables("creator-token", heads, listed))
    return together(parts)


PROTOCOL = Protocol(
    "creator_token",
    _routes,
    _settle,
    limits=(
        "Terms that a contract removes without an event, as ERC-2981 implementations may, stay in"
        " force here.",
    ),
)
