"""ERC-1155 transfers; a batch becomes one row per item. Source: EIP-1155."""

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
    transfer_kind,
)

_SINGLE = Event.parse(
    "TransferSingle(address indexed operator, address indexed from, address indexed to,"
    " uint256 id, uint256 value)"
)
_BATCH = Event.parse(
    "TransferBatch(address indexed operator, address indexed from, address indexed to,"
    " uint256[] ids, uint256[] values)"
)


def _routes(_: ChainContext) -> Sequence[Route]:
    return [Route(_SINGLE, "eip-1155"), Route(_BATCH, "eip-1155")]


def _settle(events: Mapping[str, Decoded], _: Around) -> Tables:
    parts: list[pl.DataFrame] = []
    tables: Tables = {}
    if "TransferSingle" in events:
        rows = events["TransferSingle"].rows
        parts.append(_transfers(rows.with_columns(pl.lit(0).alias("item"))))
    if "TransferBatch" in events:
        batches = events["TransferBatch"]
        uneven = _uneven(batches)
        ids = items_with_place(batches, "ids", "address", "operator", "from", "to")
        items = (
            ids.rename({"value": "id"})
            .join(batches.items["values"], on=["row", "item"], how="inner", maintain_order="left")
            .join(uneven, on="row", how="anti", maintain_order="left")
        )
        parts.append(_transfers(items))
        tables["quarantine"] = _set_aside(batches, uneven)
    return tables | {"transfers": pl.concat(parts)}


def _transfers(items: pl.DataFrame) -> pl.DataFrame:
    return items.select(
        *PLACE,
        pl.col("item").cast(pl.Int64).alias("item_index"),
        transfer_kind().alias("kind"),
        pl.col("address").alias("collection"),
        pl.col("id").alias("token_id"),
        pl.lit("erc1155").alias("token_standard"),
        pl.col("from").alias("from_address"),
        pl.col("to").alias("to_address"),
        "operator",
        pl.col("value").alias("quantity"),
    )


def _uneven(batches: Decoded) -> pl.DataFrame:
    """Rows whose ids and values differ in number: the event cannot be read item by item."""
    counts = [
        batches.items[name].group_by("row").len().rename({"len": name})
        for name in ("ids", "values")
    ]
    both = counts[0].join(counts[1], on="row", how="full", coalesce=True)
    return both.filter(pl.col("ids").ne_missing(pl.col("values"))).select("row")


def _set_aside(batches: Decoded, uneven: pl.DataFrame) -> pl.DataFrame:
    return batches.rows.join(uneven, on="row", how="semi").select(
        *PLACE,
        pl.lit("TransferBatch").alias("event"),
        pl.lit("ids and values differ in number").alias("reason"),
    )


PROTOCOL = Protocol("erc1155", _routes, _settle)
