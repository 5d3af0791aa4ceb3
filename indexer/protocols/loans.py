"""From what a lending protocol read to rows of `loan_events`."""

from collections.abc import Sequence

import polars as pl

from data.schema import table
from data.types import TIME, WEI
from data.units import MAX_DECIMAL38
from indexer.protocols.base import PLACE, Tables

_LAST_SECOND = 253_402_300_799  # 9999-12-31: no calendar shows more


def moment(seconds: pl.Expr | str) -> pl.Expr:
    """A time from seconds since 1970; NULL where no calendar shows it."""
    value = _number(seconds)
    return pl.when(value.is_between(0, _LAST_SECOND)).then(value * 1_000_000).cast(TIME.polars)


def duration(seconds: pl.Expr | str) -> pl.Expr:
    """A term in seconds; NULL where it is none that could end."""
    value = _number(seconds)
    return pl.when(value.is_between(1, _LAST_SECOND)).then(value)


def total(*amounts: pl.Expr | str) -> pl.Expr:
    """The sum of up to three amounts; NULL where it leaves 38 digits."""
    values = [pl.col(each) if isinstance(each, str) else each for each in amounts]
    # Beyond 127 bits the sum of three turns negative.
    value = sum((each.cast(pl.Int128) for each in values[1:]), values[0].cast(pl.Int128))
    return pl.when(value.is_between(0, MAX_DECIMAL38)).then(value).cast(WEI.polars)


def _number(value: pl.Expr | str) -> pl.Expr:
    column = pl.col(value) if isinstance(value, str) else value
    return column.cast(pl.Int64, strict=False)


def loan_uid(protocol: str, loan_id: str | pl.Expr, contract: str | pl.Expr = "address") -> pl.Expr:
    """`protocol:contract:id`; ids of different contracts of a protocol may be equal."""
    number = pl.col(loan_id) if isinstance(loan_id, str) else loan_id
    address = pl.col(contract) if isinstance(contract, str) else contract
    return pl.concat_str(pl.lit(protocol), address, number.cast(pl.String), separator=":")


def loan_rows(
    protocol: str, rows: pl.DataFrame, event: str | pl.Expr, loan: pl.Expr, **columns: pl.Expr | str
) -> pl.DataFrame:
    """Rows of `loan_events`, one per decoded row.

    Args:
        protocol: its name.
        rows: decoded rows of one event.
        event: what happened, or an expression that says it.
        loan: the identity of the loan (`loan_uid`).
        columns: further columns of the table by name: an expression, or the column to take.
    """
    kind = pl.lit(event) if isinstance(event, str) else event
    return rows.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit(protocol).alias("protocol"),
        "version",
        loan.alias("loan_uid"),
        kind.alias("event"),
        *(
            (pl.col(value) if isinstance(value, str) else value).alias(name)
            for name, value in columns.items()
        ),
    )


def loan_tables(parts: Sequence[pl.DataFrame]) -> Tables:
    """The table `loan_events` of several frames; empty without any row."""
    present = [each for each in parts if not each.is_empty()]
    if not present:
        return {}
    schema = table("loan_events").polars_schema
    alike = [each.cast({name: schema[name] for name in each.columns}) for each in present]
    whole = pl.concat(alike, how="diagonal")
    return {"loan_events": whole.sort("block_number", "log_index", "item_index")}
