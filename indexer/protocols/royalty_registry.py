"""The royalty registry: overrides of a collection's terms, and the contracts that hold them.

An override names the contract whose terms hold instead of the collection's own. The usual ones tell
theirs by events, for one recipient (`override-single`) or for a splitter (`override-multi`); any
contract may emit these, and they count where a collection is pointed at it. Source: events of the
protocol table; manifoldxyz/royalty-registry-solidity.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from data.units import ZERO_ADDRESS
from indexer.abi import Decoded, Event
from indexer.protocols.base import Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.royalty_lists import (
    head,
    select_facts,
    single,
    term_tables,
    together,
)

_REGISTRY = frozenset({"0xad2184fb5dbcfc05d8f056542fb25b04fa32a95d"})
_OVERRIDE = Event.parse(
    "RoyaltyOverride(address owner, address tokenAddress, address royaltyAddress)"
)
_REMOVED = Event.parse("TokenRoyaltyRemoved(uint256 tokenId)")
_SINGLE = (
    Event.parse("DefaultRoyaltySet(address recipient, uint16 bps)"),
    Event.parse("TokenRoyaltySet(uint256 tokenId, address recipient, uint16 bps)"),
)
_RECIPIENTS = "(address recipient, uint16 bps)[] recipients)"
_MULTI = (
    Event.parse(f"DefaultRoyaltySet(uint16 royaltyBPS, {_RECIPIENTS}", name="DefaultRoyaltySet2"),
    Event.parse(
        f"TokenRoyaltySet(uint256 tokenId, uint16 royaltyBPS, {_RECIPIENTS}",
        name="TokenRoyaltySet2",
    ),
)
_NAME = "royalty-registry"
_LISTED = ("recipient", "bps")
_NOBODY = pl.lit(None, pl.String).alias("recipient")


def _routes(context: ChainContext) -> Sequence[Route]:
    overrides = [Route(_OVERRIDE, "1", _REGISTRY)] if context.chain_id == 1 else []
    return [
        *overrides,
        *(Route(event, "override-single") for event in (*_SINGLE, _REMOVED)),
        *(Route(event, "override-multi") for event in _MULTI),
    ]


def _settle(events: Mapping[str, Decoded], _around: Around) -> Tables:
    parts = [_overrides(events[_OVERRIDE.name])] if _OVERRIDE.name in events else []
    for name, decoded in events.items():
        if name == _OVERRIDE.name:
            continue
        is_token = name.startswith("Token")
        token = (pl.col("tokenId").alias("token_id"),) if is_token else ()
        heads = head(decoded, name.rstrip("2"), "token" if is_token else "collection", *token)
        is_named = not name.endswith("2")
        parts.append(term_tables(_NAME, heads, _listed(name, decoded), is_named=is_named))
    return together(parts)


def _listed(name: str, decoded: Decoded) -> pl.DataFrame:
    """The recipient of each event, none where terms were removed.

    A splitter's address no event tells: its people share the whole rate. So the row names nobody.
    """
    if name == _REMOVED.name:
        return single(decoded.rows.clear().with_columns(_NOBODY, pl.lit(0).alias("bps")), *_LISTED)
    if name.endswith("2"):
        return single(decoded.rows.with_columns(_NOBODY), "recipient", "royaltyBPS")
    # Without a recipient or a rate nobody is owed anything.
    return single(decoded.rows, *_LISTED)


def _overrides(decoded: Decoded) -> Tables:
    to = pl.col("royaltyAddress")
    heads = head(
        decoded,
        _OVERRIDE.name,
        "override",
        pl.col("tokenAddress").alias("collection"),
        pl.when(to != ZERO_ADDRESS).then(to).alias("via"),
    )
    rows = heads.with_columns(
        pl.lit(0, pl.Int64).alias("item_index"), pl.lit(_NAME).alias("protocol")
    )
    return {"royalty_events": select_facts("royalty_events", rows)}


PROTOCOL = Protocol(
    "royalty_registry",
    _routes,
    _settle,
    limits=(
        "An override that pays several people does so through a splitter whose address no event"
        " tells: the one wallet that a sale paid beside the named ones is taken for it.",
        "Terms of an override contract of another make are known only by asking it"
        " (`index --archive-url`).",
    ),
)
