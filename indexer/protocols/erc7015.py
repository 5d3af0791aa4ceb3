"""ERC-7015: a creator's signature under the parameters of a contract or token.

The contract checks the signature before it speaks, if it follows the standard; the row holds the
signature, so that anybody can check it again. Source: EIP-7015.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables

_NAME = "erc7015"
_ATTRIBUTION = Event.parse(
    "CreatorAttribution(bytes32 structHash, string domainName, string domainVersion,"
    " address creator, bytes signature)"
)


def _routes(context: ChainContext) -> Sequence[Route]:
    del context
    return [Route(_ATTRIBUTION, "eip-7015")]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    del around
    told = events["CreatorAttribution"].rows.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit(_NAME).alias("protocol"),
        "version",
        pl.lit("attributed").alias("event"),
        pl.col("address").alias("collection"),
        pl.col("creator").alias("account"),
        pl.lit(_NAME).alias("standard"),
        pl.col("structHash").alias("data_hash"),
        pl.concat_str("domainName", pl.lit(" "), "domainVersion").alias("statement"),
        pl.col("signature").alias("proof"),
    )
    return {"provenance_events": told}


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    limits=("The event names no token, and the signature is not verified here.",),
)
