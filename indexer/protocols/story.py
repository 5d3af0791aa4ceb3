"""Story: IP assets and which of them derive from which.

An IP asset is named by its account, an address that the registry derives from chain, contract and
token. `IPRegistered` tells the token of an account (a row `registered` of `provenance_events`);
derivatives name accounts alone, in other transactions, so edges are between accounts: collection
is the account and token_id is NULL.

Source: storyprotocol/protocol-core-v1 (LicensingModule, IPAssetRegistry; deployment of chain 1514).
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
    items_with_place,
)

_NAME = "story"
_CHAINS = frozenset({1_315, 1_514})
_LICENSING = frozenset({"0x04fbd8a2e56dd85cfd5500a4a4dfa955b9f1de6f"})
_REGISTRY = frozenset({"0x77319b4031e6ef1250907aa00018b8b1c67a244b"})
_DERIVATIVE = Event.parse(
    "DerivativeRegistered(address indexed caller, address indexed childIpId,"
    " uint256[] licenseTokenIds, address[] parentIpIds, uint256[] licenseTermsIds,"
    " address licenseTemplate)"
)
_REGISTERED = Event.parse(
    "IPRegistered(address ipId, uint256 indexed chainId, address indexed tokenContract,"
    " uint256 indexed tokenId, string name, string uri, uint256 registrationDate)"
)
_DERIVED = 0


def _routes(context: ChainContext) -> Sequence[Route]:
    if context.chain_id not in _CHAINS:
        return []
    return [
        Route(_DERIVATIVE, "core-1", _LICENSING),
        Route(_REGISTERED, "core-1", _REGISTRY),
    ]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    del around
    tables = {}
    if "DerivativeRegistered" in events:
        tables["lineage_edges"] = _edges(events["DerivativeRegistered"])
    if "IPRegistered" in events:
        tables["provenance_events"] = _registered(events["IPRegistered"].rows)
    return tables


def _edges(derivatives: Decoded) -> pl.DataFrame:
    parents = items_with_place(derivatives, "parentIpIds", "version", "childIpId")
    return parents.select(
        *PLACE,
        pl.col("item").cast(pl.Int64).alias("item_index"),
        pl.lit(_NAME).alias("protocol"),
        "version",
        pl.col("childIpId").alias("collection"),
        pl.lit(None, pl.String).alias("token_id"),
        pl.col("item").cast(pl.Int64).alias("ordinal"),
        pl.col("value").alias("parent_collection"),
        pl.lit(None, pl.String).alias("parent_token_id"),
        pl.lit(_DERIVED, pl.Int64).alias("relation"),
    )


def _registered(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit(_NAME).alias("protocol"),
        "version",
        pl.lit("registered").alias("event"),
        pl.col("tokenContract").alias("collection"),
        pl.col("tokenId").alias("token_id"),
        pl.col("ipId").alias("account"),
        "uri",
        pl.lit(_NAME).alias("standard"),
        # A token of another chain is not a token of this one.
        pl.concat_str(pl.lit("chain "), pl.col("chainId")).alias("statement"),
    )


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    limits=(
        "Edges are between accounts of IP assets; `provenance_events` (registered) tells which"
        " token an account stands for. Shares are in licence terms, and not read.",
        "`statement` names the chain of a registered token, which may be another than Story's.",
    ),
)
