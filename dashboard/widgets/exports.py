"""Frames as files: CSV that a spreadsheet cannot be tricked with, and Parquet that keeps types."""

from __future__ import annotations

import io

import polars as pl

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet run a cell (OWASP, CSV injection)."""


def csv_bytes(frame: pl.DataFrame) -> bytes:
    """The frame as CSV: exact integers and decimals; text that could be a formula gets a `'`."""
    flat = frame.with_columns(
        pl.col(name).cast(pl.List(pl.String)).list.join(" ")
        for name, kind in frame.schema.items()
        if isinstance(kind, pl.List)
    )
    texts = [name for name, kind in flat.schema.items() if kind == pl.String]
    return flat.with_columns(_defused(name) for name in texts).write_csv().encode()


def _defused(name: str) -> pl.Expr:
    column = pl.col(name)
    risky = pl.any_horizontal(column.str.starts_with(start) for start in FORMULA_STARTS)
    return pl.when(risky).then(pl.lit("'") + column).otherwise(column).alias(name)


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    """The frame as Parquet, with its types."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()
