"""What the modules about our own contracts share: how rows begin, and the roles of payments."""

from collections.abc import Mapping, Sequence

import polars as pl

from contracts.addresses import Addresses
from indexer.protocols.base import PLACE

NAME = "raisonne"
VERSION = "1"

Frames = Mapping[str, pl.DataFrame]
"""Decoded rows by the name of their event."""

_LAST_SECOND = 253_402_300_799  # 9999-12-31: no calendar shows more

ROLES = {
    0: "seller",
    1: "creator",
    2: "platform",
    3: "refund",
    4: "borrower",
    5: "lender",
    6: "outbid",
    7: "treasury",
}
"""Class of recipient by the `role` of `Paid`."""


def address_of(own: Addresses, field: str) -> str | None:
    """The address of a contract of ours; None where the chain has none."""
    return getattr(own, field) or None


def addresses_of(own: Addresses, fields: Sequence[str]) -> list[str]:
    """The addresses of those of the contracts that the chain has."""
    return [found for field in fields if (found := address_of(own, field))]


def fact(rows: pl.DataFrame, event: str | pl.Expr | None, **columns: pl.Expr | str) -> pl.DataFrame:
    """Rows of a fact table: place, protocol, version, event and the named columns.

    Args:
        rows: decoded rows of one event.
        event: what happened; None where the table has no such column.
        columns: the other columns by name: an expression, or the column to take.
    """
    named = dict(columns) if event is None else {"event": event, **columns}
    return rows.select(
        *PLACE,
        pl.lit(0, pl.Int64).alias("item_index"),
        pl.lit(NAME).alias("protocol"),
        "version",
        *(_expression(name, value).alias(name) for name, value in named.items()),
    )


def _expression(name: str, value: pl.Expr | str) -> pl.Expr:
    if isinstance(value, pl.Expr):
        return value
    return pl.lit(value) if name == "event" else pl.col(value)


def told(frames: Frames, *parts: tuple[str, str, Mapping[str, pl.Expr | str]]) -> pl.DataFrame:
    """The rows of several events as one frame; without columns where none of them was seen.

    Args:
        frames: decoded rows.
        parts: event of the contract, what it is called in the table, and the columns.
    """
    found = [
        fact(frames[name], event, **columns) for name, event, columns in parts if name in frames
    ]
    return pl.concat(found, how="diagonal_relaxed") if found else pl.DataFrame()


def end_of(seconds: str) -> pl.Expr:
    """A time from seconds since 1970; NULL for 0 and for what no calendar shows."""
    value = pl.col(seconds).cast(pl.Int64, strict=False)
    within = pl.when(value.is_between(1, _LAST_SECOND)).then(value * 1_000_000)
    return within.cast(pl.Datetime("us"))


def recipient_class(splitter: str | None) -> pl.Expr:
    """Class of the recipient of a `Paid`; royalties go to the Splitter, whom it calls a split."""
    role = pl.col("role").replace_strict(ROLES, default="unknown", return_dtype=pl.String)
    is_split = (pl.col("role") == 1) & (pl.col("recipient") == pl.lit(splitter or ""))
    return pl.when(is_split).then(pl.lit("split")).otherwise(role)
