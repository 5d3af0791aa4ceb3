"""Prices, funding and labels that come from files rather than from the chain."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from data.errors import NotFoundError, UsageError
from data.store import Store
from data.types import ADDRESS, FLOAT, INT, TIME, LogicalType
from data.units import NATIVE

_PRICES: dict[str, LogicalType] = {"currency": ADDRESS, "time": TIME, "usd": FLOAT}
_FUNDING: dict[str, LogicalType] = {"address": ADDRESS, "first_funded_by": ADDRESS}
_FUNDING_MORE: dict[str, LogicalType] = {"block_number": INT, "block_time": TIME}
_LABELS: dict[str, LogicalType] = {"address": ADDRESS, "label": ADDRESS, "name": ADDRESS}
_NATIVE_NAMES = ("eth", "native", "")


def load_files(
    store: Store, chain_id: int, state_dir: Path, prices: Path | None, funding: Path | None
) -> None:
    """Reads the files that were named, and the labels that a local chain's simulation left.

    Raises:
        NotFoundError, UsageError: as for each of them.
    """
    if prices:
        load_prices(store, prices, chain_id)
    if funding:
        load_funding(store, funding, chain_id)
    labels = state_dir / str(chain_id) / "labels.csv"
    if labels.is_file():
        load_labels(store, labels, chain_id)


def load_prices(store: Store, path: Path, chain_id: int) -> int:
    """Reads prices into table `prices`, in place of an earlier file of that name; returns rows.

    Columns: currency (token address; `eth` or the zero address is the native coin), time (UTC),
    usd.

    Raises:
        NotFoundError: there is no such file.
        UsageError: a column is missing, unknown or malformed; the message names it.
    """
    frame = read_columns(path, _PRICES)
    name = pl.col("currency").str.to_lowercase()
    source = f"file:{path.name}"
    rows = (
        frame.with_columns(
            pl.when(name.is_in(_NATIVE_NAMES))
            .then(pl.lit(NATIVE))
            .otherwise(name)
            .alias("currency"),
            pl.lit(chain_id).alias("chain_id"),
            pl.lit(source).alias("block_hash"),
            pl.lit(source).alias("source"),
        )
        .sort("currency", "time")
        .with_row_index("item_index")
    )
    with store.transaction() as transaction:
        transaction.execute(
            "DELETE FROM prices WHERE chain_id = ? AND source = ?", [chain_id, source]
        )
        transaction.append("prices", rows)
    return rows.height


def load_funding(store: Store, path: Path, chain_id: int) -> int:
    """Reads first funders into table `funding`; the chain's own rows are added by rebuild_links.

    Columns: address, first_funded_by, and optionally block_number and block_time (UTC).

    Raises:
        NotFoundError: there is no such file.
        UsageError: a column is missing, unknown or malformed; the message names it.
    """
    frame = read_columns(path, _FUNDING, _FUNDING_MORE)
    rows = frame.with_columns(
        pl.col("address").str.to_lowercase(),
        pl.col("first_funded_by").str.to_lowercase(),
        pl.lit(chain_id).alias("chain_id"),
    )
    return _replace_source(store, "funding", rows, chain_id, f"file:{path.name}")


def load_labels(store: Store, path: Path, chain_id: int) -> int:
    """Reads labels (columns address, label, name) into table `labels`; returns rows.

    Raises:
        UsageError: a column is missing, unknown or malformed; the message names it.
    """
    frame = read_columns(path, _LABELS)
    rows = frame.with_columns(
        pl.col("address").str.to_lowercase(), pl.lit(chain_id).alias("chain_id")
    )
    return _replace_source(store, "labels", rows, chain_id, f"file:{path.name}")


def _replace_source(store: Store, name: str, rows: pl.DataFrame, chain_id: int, source: str) -> int:
    with store.transaction() as transaction:
        # Derived rows give way, lest one of them hold the key; rebuild_links brings them back.
        transaction.execute(
            f"DELETE FROM {name} WHERE chain_id = ? AND (source = ? OR source NOT LIKE 'file:%')",
            [chain_id, source],
        )
        return transaction.append(name, rows.with_columns(pl.lit(source).alias("source")))


def read_columns(
    path: Path,
    required: dict[str, LogicalType],
    optional: dict[str, LogicalType] | None = None,
) -> pl.DataFrame:
    """A CSV or Parquet file with exactly the named columns, in their types.

    Raises:
        NotFoundError: there is no such file.
        UsageError: a column is missing or unknown, or a value does not fit its type.
    """
    if not path.is_file():
        message = f"file {str(path)!r} does not exist"
        raise NotFoundError(message)
    frame = _read(path)
    known = required | (optional or {})
    missing = [name for name in required if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in known]
    if missing or unknown:
        problem = (
            f"lacks column {missing[0]!r}" if missing else f"has unknown column {unknown[0]!r}"
        )
        message = f"{path} {problem}; its columns must be {', '.join(known)}"
        if optional:
            message += f" ({', '.join(optional)} may be left out)"
        raise UsageError(message)
    return frame.select(_cast(frame, name, known[name], path) for name in frame.columns)


def _read(path: Path) -> pl.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema_length=0)
    except (pl.exceptions.PolarsError, OSError) as error:
        message = f"{path} is neither CSV nor Parquet: {str(error).splitlines()[0]}"
        raise UsageError(message) from error


def _cast(frame: pl.DataFrame, name: str, kind: LogicalType, path: Path) -> pl.Series:
    column = frame[name]
    if kind is TIME and column.dtype == pl.String:
        done = pl.Series(name, [_utc(text) for text in column], kind.polars)
    elif kind is TIME and isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
        done = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(kind.polars)
    else:
        done = column.cast(kind.polars, strict=False)
    bad = (done.is_null() & column.is_not_null() & (column.cast(pl.String) != "")).arg_true()
    if not bad.is_empty():
        value = column[int(bad[0])]
        message = f"{path}, column {name!r}, row {bad[0] + 1}: {value!r} is no {kind.name}"
        raise UsageError(message)
    return done


def _utc(text: str | None) -> datetime | None:
    """A time in ISO 8601 as UTC without an offset; None when it is none."""
    try:
        time = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
