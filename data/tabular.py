"""Frames in and out of files: CSV, Parquet and JSON, exact to the last digit."""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import polars as pl

from data.errors import NotFoundError, UsageError

Format = Literal["table", "csv", "parquet", "json"]
_MAX_EXACT_JSON_INT = 2**53


def read_table(path: Path) -> pl.DataFrame:
    """A CSV (also gzipped) or Parquet file as a frame.

    Raises:
        NotFoundError: there is no such file.
        UsageError: the file is neither CSV nor Parquet, or cannot be parsed.
    """
    if not path.exists():
        message = f"no file at {path}; check the path"
        raise NotFoundError(message)
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        if path.name.endswith((".csv", ".csv.gz")):
            return pl.read_csv(path, infer_schema_length=10_000)
    except pl.exceptions.PolarsError as error:
        message = f"{path} cannot be read: {str(error).splitlines()[0]}; write it as CSV or Parquet"
        raise UsageError(message) from error
    message = f"{path} is neither .csv, .csv.gz nor .parquet; convert it to one of them"
    raise UsageError(message)


def require_columns(frame: pl.DataFrame, needed: set[str], known: set[str], source: str) -> None:
    """Checks the columns of a frame that a user brought.

    Raises:
        UsageError: a needed column is missing, or one is unknown; both are named.
    """
    missing = sorted(needed - set(frame.columns))
    unknown = sorted(set(frame.columns) - known - needed)
    if missing or unknown:
        parts = [f"lacks {', '.join(missing)}"] if missing else []
        parts += [f"has unknown {', '.join(unknown)}"] if unknown else []
        message = f"{source} {' and '.join(parts)}; columns: {', '.join(sorted(needed | known))}"
        raise UsageError(message)


def write_table(frame: pl.DataFrame, path: Path) -> None:
    """Writes a frame as the suffix of the path says: .csv, .parquet or .json.

    Raises:
        UsageError: the suffix is none of these.
    """
    formats: dict[str, Format] = {".csv": "csv", ".parquet": "parquet", ".json": "json"}
    if path.suffix not in formats:
        message = f"{path} has no known format; end it in .csv, .parquet or .json"
        raise UsageError(message)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        path.write_text(render(frame, formats[path.suffix]), encoding="utf-8")


def render(frame: pl.DataFrame, form: Format) -> str:
    """A frame as CSV, JSON (list of objects) or a table for a terminal.

    Exact in each: amounts and integers beyond 2^53 are JSON strings, binaries are 0x text.
    """
    shown = frame.with_columns(
        pl.concat_str(pl.lit("0x"), pl.col(name).bin.encode("hex")).alias(name)
        for name, kind in frame.schema.items()
        if kind == pl.Binary
    )
    if form == "csv":
        return shown.write_csv()
    if form == "json":
        return json.dumps([_json_row(row) for row in shown.iter_rows(named=True)], indent=1) + "\n"
    return _terminal_table(shown)


def _json_row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _json_value(value) for name, value in row.items()}


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= _MAX_EXACT_JSON_INT else str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def _terminal_table(frame: pl.DataFrame) -> str:
    from io import StringIO

    from rich import box
    from rich.console import Console
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, kind in frame.schema.items():
        grid.add_column(name, justify="right" if kind.is_numeric() else "left", overflow="fold")
    for row in frame.iter_rows():
        grid.add_row(*("" if value is None else _terminal_text(value) for value in row))
    out = StringIO()
    Console(file=out, width=_terminal_width(frame)).print(grid)
    return out.getvalue()


def _terminal_text(value: Any) -> str:
    from rich.markup import escape

    # Foreign text may hold escape sequences that would drive the terminal.
    return escape(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    )


def _terminal_width(frame: pl.DataFrame) -> int:
    from shutil import get_terminal_size

    return max(get_terminal_size((140, 40)).columns, 12 * frame.width)
