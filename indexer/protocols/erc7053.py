"""ERC-7053: what somebody recorded about a piece of media, named by its CID.

The CID is indexed, so the log holds its hash; the text is taken from the call data. Any contract
may record anything about any CID: rows say who said what, not that it is so. Source: EIP-7053.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from indexer.abi import Decoded, Event
from indexer.protocols.base import PLACE, Around, ChainContext, Protocol, Route, Tables
from indexer.protocols.preimages import as_text, preimages

_NAME = "erc7053"
_COMMIT = Event.parse(
    "Commit(address indexed recorder, string indexed assetCid, string commitData)"
)
_KEY = ["block_hash", "tx_hash", "data_hash"]


def _routes(context: ChainContext) -> Sequence[Route]:
    del context
    return [Route(_COMMIT, "eip-7053")]


def _settle(events: Mapping[str, Decoded], around: Around) -> Tables:
    rows = events["Commit"].rows.rename({"assetCid": "data_hash"})
    cids = preimages(
        rows.select("block_hash", "tx_hash", pl.col("data_hash").alias("hash")),
        around.beside.transactions,
    ).rename({"hash": "data_hash"})
    told = rows.join(cids, on=_KEY, how="left", maintain_order="left").select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit(_NAME).alias("protocol"),
        "version",
        pl.lit("committed").alias("event"),
        pl.col("address").alias("collection"),
        pl.col("recorder").alias("account"),
        pl.lit(_NAME).alias("standard"),
        "data_hash",
        pl.col("content").map_elements(as_text, return_dtype=pl.String).alias("data_uri"),
        pl.col("commitData").alias("statement"),
    )
    return {"provenance_events": told}


PROTOCOL = Protocol(
    _NAME,
    _routes,
    _settle,
    needs=frozenset({"input"}),
    limits=(
        "A commit names media, not a token: `token_id` is NULL, `collection` is the emitter.",
        "A CID that is not in the transaction's call data stays a hash.",
    ),
)
