"""Rows of `royalty_events` from the lists of recipients and rates that events carry."""

from collections.abc import Sequence

import polars as pl

from data.schema import table
from indexer.abi import Decoded
from indexer.protocols.base import PLACE, Tables

_WHOLE_BPS = 10_000
_LISTED = {"row": pl.get_index_type(), "item": pl.Int64(), "recipient": pl.String()}
_ODD = "rates without a recipient each, or above the whole price"


def paired(decoded: Decoded, recipients: str, rates: str) -> pl.DataFrame:
    """Two arrays of an event side by side: row, item, recipient, bps; NULL where one is shorter."""
    left = decoded.items[recipients].select("row", "item", pl.col("value").alias("recipient"))
    right = decoded.items[rates].select("row", "item", pl.col("value").alias("bps"))
    return left.join(right, on=["row", "item"], how="full", coalesce=True).select(
        *_LISTED, _bps("bps")
    )


def single(rows: pl.DataFrame, recipient: str, rate: str) -> pl.DataFrame:
    """One recipient per event: row, item, recipient, bps."""
    return rows.select(
        "row", pl.lit(0, pl.Int64).alias("item"), pl.col(recipient).alias("recipient"), _bps(rate)
    )


def structs(decoded: Decoded, name: str, recipient: str, rate: str) -> pl.DataFrame:
    """An array of structs: row, item, recipient, bps."""
    return decoded.items[name].select(
        "row", "item", pl.col(recipient).alias("recipient"), _bps(rate)
    )


def _bps(column: str) -> pl.Expr:
    """A rate; NULL where it is beyond any number that means something."""
    return pl.col(column).cast(pl.Int64, strict=False).alias("bps")


def term_tables(
    protocol: str,
    heads: pl.DataFrame,
    listed: pl.DataFrame,
    *,
    empty_bps: int | None = None,
    is_named: bool = True,
) -> Tables:
    """Tables `royalty_events` and `quarantine`.

    Args:
        protocol: its name in the rows.
        heads: one row per event: PLACE, row, version, event, level, collection; where there are
            any token_id, via, venue.
        listed: row, item, recipient, bps of each recipient. A log whose rates are no share of the
            price, or have no recipient each, is set aside whole.
        empty_bps: the rate of an event without recipients: 0 where nobody is owed any more, NULL
            where other terms hold again.
        is_named: whether a rate needs a recipient.
    """
    bps = pl.col("bps")
    is_lost = pl.col("recipient").is_null() if is_named else pl.lit(value=False)
    is_odd = is_lost | bps.is_null() | ~bps.is_between(0, _WHOLE_BPS)
    odd = listed.group_by("row").agg(
        (is_odd.any() | (bps.clip(0, _WHOLE_BPS + 1).sum() > _WHOLE_BPS)).alias("is_odd")
    )
    heads = heads.join(odd, on="row", how="left", maintain_order="left").with_columns(
        pl.col("is_odd").fill_null(value=False)
    )
    aside = heads.filter("is_odd").select(
        "block_hash", "log_index", "event", pl.lit(_ODD).alias("reason")
    )
    terms = (
        heads.filter(~pl.col("is_odd"))
        .join(listed, on="row", how="left", maintain_order="left")
        .with_columns(
            pl.col("item").fill_null(0).alias("item_index"),
            pl.when(pl.col("item").is_null())
            .then(pl.lit(empty_bps, pl.Int64))
            .otherwise(bps)
            .alias("bps"),
            pl.lit(protocol).alias("protocol"),
        )
    )
    return {"royalty_events": select_facts("royalty_events", terms), "quarantine": aside}


def select_facts(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of a fact table that rows have."""
    return rows.select(column for column in table(name).column_names if column in rows.columns)


def head(decoded: Decoded, event: str, level: str, *columns: pl.Expr) -> pl.DataFrame:
    """Events as `heads` of `term_tables`, of the contract that emitted them.

    Args:
        decoded: what they said.
        event: name to show.
        level: as in table `royalty_events`.
        columns: token_id, via, venue, or another collection.
    """
    named = {"collection": pl.col("address")} | {each.meta.output_name(): each for each in columns}
    return decoded.rows.select(
        "row",
        *PLACE,
        "version",
        pl.lit(event).alias("event"),
        pl.lit(level).alias("level"),
        *(value.alias(name) for name, value in named.items()),
    )


def together(parts: Sequence[Tables]) -> Tables:
    """The tables of several kinds of events as one."""
    names = {name for part in parts for name in part}
    found = {
        name: pl.concat([part[name] for part in parts if name in part], how="diagonal")
        for name in sorted(names)
    }
    return {name: frame for name, frame in found.items() if not frame.is_empty()}
