"""Signals and forecasts of files that users bring; no store is read or written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from analytics import columns
from analytics.enrich import with_unit_price
from analytics.errors import InputColumnError, InputValueError
from analytics.files import read_input
from analytics.floors import realised_floors
from analytics.forecast.engine import Forecasts, Request, forecast_all
from analytics.forecast.series import parse_freq, read_series, step_name
from analytics.royalties import royalty_by_artist, royalty_rates
from analytics.wash.score import Evidence, Mode, flag_wash_trades

_UNNAMED_CHAIN = "unnamed"
_TRADE_TYPES: dict[str, pl.DataType] = {
    "chain_id": pl.String(),
    "block_number": pl.Int64(),
    "tx_hash": pl.String(),
    "block_time": pl.Datetime("us"),
}
_ROYALTY_TYPES: dict[str, pl.DataType] = {
    "trade_kind": pl.String(),
    "royalty_wei": pl.Decimal(38, 0),
}
_PARTIES = ("trade_id", "collection", "token_id", "token_standard", "buyer", "seller")


@dataclass(frozen=True)
class WashFiles:
    """Files for the wash rules; None where the user has none, and its rule is not evaluated."""

    trades: Path
    funding: Path | None = None
    labels: Path | None = None
    flashloans: Path | None = None


def flag_file_trades(
    files: WashFiles, mode: Mode, as_of: datetime | None, *, warn: Callable[[str], None]
) -> pl.DataFrame:
    """Wash flags of a file of trades, in the file's order: trade_id, rules, verdict, evidence.

    Has chain_id where the file names chains. A rule whose file is not given is NULL, which is
    told to `warn`.

    Raises:
        InputFileError, InputColumnError, InputValueError: as read_input; or a file lacks the
            column that the mode or a rule needs, or names other chains than the trades.
    """
    rows = read_input(files.trades, columns.TRADES)
    if files.flashloans is not None:
        _need(rows, ("block_number", "tx_hash"), files.trades, "--flashloans")
    if mode == "incremental":
        _need(rows, ("block_time",), files.trades, "--mode incremental")
    evidence = Evidence(
        _evidence(files.funding, columns.FUNDING, rows),
        _evidence(files.labels, columns.LABELS, rows),
        _evidence(files.flashloans, columns.FLASHLOANS, rows),
    )
    if evidence.funding is None:
        warn("no --funding: first_funded_by_same_wallet is not evaluated (NULL)")
    elif evidence.labels is None:
        warn("no --labels: funders that are exchanges, bridges or mixers are not left out")
    if evidence.flashloans is None:
        warn("no --flashloans: flashloan is not evaluated (NULL)")
    complete = _complete(rows)
    flags = flag_wash_trades(complete, evidence, mode=mode, as_of=as_of)
    keys = ["chain_id", "trade_id"]
    ordered = complete.select(keys).join(flags, on=keys, how="inner", maintain_order="left")
    return ordered if "chain_id" in rows.columns else ordered.drop("chain_id")


def floors_of_file(sales: Path, *, warn: Callable[[str], None]) -> pl.DataFrame:
    """Realised floors of a file of sales: the columns of `floors` without run_id.

    Flagged sales are left out by the file's is_wash, else by rules 1 to 3 where the file has the
    columns of trades, else not at all; which of these is told to `warn`.
    """
    rows = read_input(sales, columns.SALES)
    has_chain = "chain_id" in rows.columns
    quantity = pl.col("quantity") if "quantity" in rows.columns else pl.lit(1.0)
    rows = with_unit_price(_complete(rows).with_columns(quantity=quantity))
    if "is_wash" in rows.columns:
        rows = rows.with_columns(pl.col("is_wash").fill_null(value=False))
    elif all(name in rows.columns for name in _PARTIES):
        warn("no column is_wash: sales flagged by rules 1 to 3 are left out")
        flags = flag_wash_trades(rows).select("chain_id", "trade_id", "is_wash")
        rows = rows.join(flags, on=["chain_id", "trade_id"], how="left").with_columns(
            pl.col("is_wash").fill_null(value=False)
        )
    else:
        warn("no column is_wash, nor the columns of trades to compute it: all sales count as clean")
        rows = rows.with_columns(is_wash=False)
    floors = realised_floors(rows)
    return floors if has_chain else floors.drop("chain_id")


def royalties_of_files(
    ledger: Path, sales: Path | None, *, warn: Callable[[str], None]
) -> pl.DataFrame:
    """Royalties of a ledger in a file: the columns of `royalty_by_artist` without run_id.

    With a file of sales those of `royalty_rates` instead. Has chain_id where all files name
    chains. What the files leave out is told to `warn`.

    Raises:
        InputFileError, InputColumnError, InputValueError: as read_input; or a sale is there
            twice, or the files name other chains.
    """
    if sales is None:
        owed = read_input(ledger, columns.LEDGER)
        by_artist = royalty_by_artist(_complete(owed))
        return by_artist if "chain_id" in owed.columns else by_artist.drop("chain_id")
    sold = read_input(sales, columns.ROYALTY_SALES)
    owed = read_input(ledger, columns.LEDGER)
    _same_chains(owed, ledger, sold, "sales", columns.LEDGER.name)
    has_chain = "chain_id" in sold.columns and "chain_id" in owed.columns
    if not has_chain:
        sold, owed = (rows.drop("chain_id", strict=False) for rows in (sold, owed))
    sold, owed = _complete(sold), _complete(owed)
    if sold.select("chain_id", "sale_id").is_duplicated().any():
        message = f"sales file {sales} has a sale_id more than once; keep one row per sale"
        raise InputValueError(message)
    lost = owed.join(sold, on=["chain_id", "sale_id"], how="anti").height
    if lost:
        warn(f"{lost} rows of {ledger} are of sales that {sales} does not have; left out")
    if "royalty_wei" not in sold.columns:
        warn("no column royalty_wei: what a sale without a row in the ledger paid is not known")
    rates = royalty_rates(sold.with_columns(**_absent(sold, _ROYALTY_TYPES)), owed)
    return rates if has_chain else rates.drop("chain_id")


def forecast_file(
    series: Path,
    horizon: int,
    freq: str | None,
    seasons: tuple[int, ...] | None,
    families: tuple[str, ...] | None,
    *,
    on_done: Callable[[str], None],
) -> Forecasts:
    """Forecasts of a long file of series, with the file columns of the design (lo-50 … hi-95)."""
    rows = read_input(series, columns.SERIES)
    empty = rows.filter(pl.col("unique_id").is_null() | pl.col("ds").is_null())
    if not empty.is_empty() or rows.is_empty():
        message = f"series file {series} has rows without unique_id or ds, or no rows; fill them"
        raise InputValueError(message)
    step = parse_freq(freq, rows.sort("unique_id", "ds"))
    request = Request(horizon, step_name(step), seasons, families)
    found = forecast_all(read_series(rows, horizon, freq), request, on_done)
    if found.forecasts.is_empty():
        return found
    bands = {
        f"{side}_{level}": f"{side}-{level}" for level in (50, 80, 95) for side in ("lo", "hi")
    }
    ordered = ["unique_id", "ds", "model", "selected", "mean", "median", *bands]
    return Forecasts(found.forecasts.select(ordered).rename(bands), found.backtests, found.refusals)


def _need(rows: pl.DataFrame, names: tuple[str, ...], path: Path, what: str) -> None:
    missing = [name for name in names if name not in rows.columns]
    if missing:
        message = f"trades file {path} lacks {', '.join(missing)}, which {what} needs"
        raise InputColumnError(message)


def _complete(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with every optional column of trades; one chain where none is named."""
    absent = _absent(rows, _TRADE_TYPES)
    if "chain_id" in absent:
        absent["chain_id"] = pl.lit(_UNNAMED_CHAIN)
    return rows.with_columns(**absent)


def _absent(rows: pl.DataFrame, kinds: dict[str, pl.DataType]) -> dict[str, pl.Expr]:
    """The columns that the rows lack, as NULL."""
    return {
        name: pl.lit(None, dtype=kind) for name, kind in kinds.items() if name not in rows.columns
    }


def _evidence(
    path: Path | None, contract: columns.Contract, trades: pl.DataFrame
) -> pl.DataFrame | None:
    if path is None:
        return None
    rows = read_input(path, contract)
    if "chain_id" not in rows.columns:
        return rows
    if "chain_id" not in trades.columns:
        return rows.drop("chain_id")
    _same_chains(rows, path, trades, "trades", contract.name)
    return rows


def _same_chains(rows: pl.DataFrame, path: Path, others: pl.DataFrame, of: str, name: str) -> None:
    """Refuses two tables that have no chain in common; one that names none fits any."""
    if "chain_id" not in rows.columns or "chain_id" not in others.columns:
        return
    theirs, ours = set(rows["chain_id"]), set(others["chain_id"])
    if rows.height and not theirs & ours:
        message = (
            f"{name} file {path} is of chain {', '.join(sorted(map(str, theirs)))}, the "
            f"{of} of {', '.join(sorted(map(str, ours)))}; write the chains alike in both"
        )
        raise InputValueError(message)
