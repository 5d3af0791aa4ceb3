"""Tables that users bring: CSV or Parquet files read by contract, column by column.

CSV is read as text and cast here, so that a 78-digit token_id stays what it is and a value that
does not fit is named.
"""

from pathlib import Path
from typing import Literal

import polars as pl

from analytics.columns import Contract, Field, Kind
from analytics.errors import InputColumnError, InputFileError, InputValueError

_MILLISECONDS_FROM = 100_000_000_000
"""Epoch numbers this large are milliseconds: as seconds they would be the year 5138."""
_EPOCH_DAYS_UNTIL = 100_000
"""Integers below this are days since 1970: as seconds they would all be its first two days."""


def read_input(path: Path, contract: Contract) -> pl.DataFrame:
    """The file's rows with the contract's names and types; absent optional columns are left out.

    Where both a name and one of its aliases occur, the alias counts: it is the specific one
    (Dune's `collection` is a title, its `nft_contract_address` the contract).

    Raises:
        InputFileError: there is no such file.
        InputColumnError: required columns are missing or columns are unknown; all are named.
        InputValueError: the file or a value cannot be read.
    """
    raw = _read(path)
    source = f"{contract.name} file {path}"
    found = {field.name: _source_column(field, raw.columns) for field in contract.fields}
    missing = [f.name for f in contract.fields if f.required and found[f.name] is None]
    unknown = [name for name in raw.columns if name not in contract.known]
    if missing or unknown:
        parts = [f"lacks {', '.join(missing)}"] if missing else []
        parts += [f"has unknown {', '.join(unknown)}"] if unknown else []
        message = (
            f"{source} {' and '.join(parts)}; rename or drop them. "
            f"Known columns: {', '.join(sorted(contract.known))}"
        )
        raise InputColumnError(message)
    columns = [
        _cast(raw[column], field.kind, f"{source}, column {column}").alias(field.name)
        for field in contract.fields
        if (column := found[field.name]) is not None
    ]
    return pl.DataFrame(columns)


def _read(path: Path) -> pl.DataFrame:
    if not path.exists():
        message = f"no file at {path}; check the path"
        raise InputFileError(message)
    try:
        if path.suffix in (".parquet", ".pq"):
            return pl.read_parquet(path)
        if path.name.endswith((".csv", ".csv.gz")):
            return pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        message = f"{path} cannot be read: {str(error).splitlines()[0]}; write it as CSV or Parquet"
        raise InputValueError(message) from error
    message = f"{path} is neither .csv, .csv.gz nor .parquet; convert it to one of them"
    raise InputValueError(message)


def _source_column(field: Field, columns: list[str]) -> str | None:
    names = [*field.aliases, field.name]
    return next((name for name in names if name in columns), None)


def _cast(values: pl.Series, kind: Kind, where: str) -> pl.Series:
    cast = _try_cast(values, kind)
    failed = cast.is_null() & values.is_not_null()
    if values.dtype == pl.String:
        failed &= values.str.strip_chars() != ""
    if failed.any():
        row = int(failed.arg_max() or 0)
        message = f"{where}, row {row + 1}: {values[row]!r} is no {kind}; correct the value"
        raise InputValueError(message)
    return cast


def _try_cast(values: pl.Series, kind: Kind) -> pl.Series:
    text = values.dtype == pl.String
    if text:
        values = values.str.strip_chars().replace("", None)
    if kind == "text":
        return values.cast(pl.String)
    if kind == "address":
        return values.cast(pl.String).str.to_lowercase()
    if kind == "int":
        return values.cast(pl.Int64, strict=False)
    if kind == "float":
        return values.cast(pl.Float64, strict=False)
    special = {"wei": _amounts, "bool": _truths, "time": _times, "label": _labels}
    return special[kind](values)


def _amounts(values: pl.Series) -> pl.Series:
    """Whole amounts of up to 38 digits; a float is none, since it holds 15."""
    if values.dtype.is_float():
        return pl.Series(values.name, [None] * len(values), pl.Decimal(38, 0))
    whole = values.cast(pl.Int128, strict=False)
    if isinstance(values.dtype, pl.Decimal):
        whole = pl.select(pl.when(whole == values).then(whole)).to_series()
    return whole.cast(pl.Decimal(38, 0), strict=False)


def _truths(values: pl.Series) -> pl.Series:
    truths = {"1": True, "true": True, "t": True, "0": False, "false": False, "f": False}
    lower = values.cast(pl.String).str.to_lowercase()
    return lower.replace_strict(truths, default=None, return_dtype=pl.Boolean)


def _times(values: pl.Series) -> pl.Series:
    """UTC times from epoch seconds or milliseconds, days since 1970, dates or ISO text."""
    if values.dtype == pl.String:
        numbers = values.cast(pl.Int64, strict=False)
        if numbers.null_count() > values.null_count():
            return _parse_times(values)
        values = numbers
    if values.dtype.is_integer():
        largest = values.abs().max()
        if isinstance(largest, int) and largest < _EPOCH_DAYS_UNTIL:
            return pl.from_epoch(values, "d").cast(pl.Datetime("us"))
        unit: Literal["s", "ms"] = (
            "ms" if isinstance(largest, int) and largest >= _MILLISECONDS_FROM else "s"
        )
        return pl.from_epoch(values.cast(pl.Int64), unit).cast(pl.Datetime("us"))
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone:
        values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return values.cast(pl.Datetime("us"), strict=False)


def _parse_times(values: pl.Series) -> pl.Series:
    iso = values.str.replace(r"(?: UTC|Z|\+00:?00)$", "").str.replace("T", " ", literal=True)
    frame = iso.to_frame("t")
    formats = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
    parsed = [pl.col("t").str.to_datetime(f, strict=False, time_unit="us") for f in formats]
    return frame.select(pl.coalesce(parsed)).to_series()


def _labels(values: pl.Series) -> pl.Series:
    """Labels of periods: integers as they are, dates as dates, everything else as times."""
    if values.dtype == pl.String:
        numbers = values.cast(pl.Int64, strict=False)
        if numbers.null_count() == values.null_count():
            return numbers
        values = _parse_times(values)
    if values.dtype.is_integer() or values.dtype == pl.Date:
        return values
    times = _times(values)
    is_day = (times.dt.truncate("1d") == times).all()
    return times.cast(pl.Date) if is_day else times
