"""Commands: analyze, forecast, brief. Text to calls; the work is done elsewhere."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, cast

import polars as pl
import typer

from analytics import columns
from analytics.errors import NotEnoughDataError, UnknownNameError
from analytics.own_data import (
    WashFiles,
    flag_file_trades,
    floors_of_file,
    forecast_file,
    royalties_of_files,
)
from analytics.wash.score import MODES, Mode
from data.errors import UsageError
from data.progress import progress
from data.store import Store
from data.tabular import render, write_table

_SHOWN_ROWS = 40
StoreOption = Annotated[
    str,
    typer.Option("--store", envvar="RAISONNE_STORE", help="Store: a DuckDB file or DuckLake URL."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="File to write the rows to: .csv, .parquet or .json.")
]


def _input(contract: columns.Contract, meaning: str) -> Any:
    return typer.Option(help=f"{meaning} {contract.describe()}")


TradesOption = Annotated[Path | None, _input(columns.TRADES, "Own trades for `wash`:")]
SalesOption = Annotated[
    Path | None,
    typer.Option(
        help=f"Own sales for `floor`: {columns.SALES.describe()} With --ledger, for `royalties`:"
        f" {columns.ROYALTY_SALES.describe()}"
    ),
]
LedgerOption = Annotated[
    Path | None,
    _input(columns.LEDGER, "Own royalty ledger for `royalties` (gives rows by recipient):"),
]
FundingOption = Annotated[Path | None, _input(columns.FUNDING, "First funders, for rule 4:")]
LabelsOption = Annotated[
    Path | None, _input(columns.LABELS, "Labels cex, bridge, tornado_cash, for rule 4:")
]
FlashloansOption = Annotated[Path | None, _input(columns.FLASHLOANS, "Flash loans, for rule 5:")]
SeriesOption = Annotated[Path | None, _input(columns.SERIES, "Own series:")]


def analyze(
    names: Annotated[
        list[str], typer.Argument(help="Signals: wash, floor, styles, royalties, all.")
    ],
    *,
    trades: TradesOption = None,
    funding: FundingOption = None,
    labels: LabelsOption = None,
    flashloans: FlashloansOption = None,
    sales: SalesOption = None,
    ledger: LedgerOption = None,
    mode: Annotated[
        str, typer.Option(help="Wash rules over the full history, or incremental (last 7 days).")
    ] = "full",
    as_of: Annotated[
        datetime | None, typer.Option(help="End of the 7 days, UTC; default the latest trade.")
    ] = None,
    store: StoreOption = "market.duckdb",
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Computes signals from the store's facts, or from files of your own.

    wash: Dune's five rules on every sale, with counter-trades; floor: realised floor by
    collection, style and market; styles: which styles sell, by week and over all; royalties:
    owed and paid by marketplace and month (royalty_rates) and by recipient (royalty_by_artist).

    With --trades, --sales or --ledger nothing is read from or written to a store:
    raisonne analyze wash --trades trades.csv.gz --funding funders.csv --out flags.parquet
    """
    from analytics.run import resolve_names

    wanted = resolve_names(names)
    if mode not in MODES:
        raise UnknownNameError.among(mode, MODES, kind="mode")
    _check_files(
        wanted,
        trades,
        sales,
        ledger,
        {"funding": funding, "labels": labels, "flashloans": flashloans},
    )
    if trades is not None:
        files = WashFiles(trades, funding, labels, flashloans)
        flags = flag_file_trades(files, cast("Mode", mode), as_of, warn=_warn)
        _deliver(flags, out, as_json=as_json)
    elif ledger is not None:
        _deliver(royalties_of_files(ledger, sales, warn=_warn), out, as_json=as_json)
    elif sales is not None:
        _deliver(floors_of_file(sales, warn=_warn), out, as_json=as_json)
    else:
        _analyze_store(store, wanted, mode, as_of, out, as_json=as_json)


def forecast(
    *,
    series: SeriesOption = None,
    horizon: Annotated[int, typer.Option(min=1, help="Steps ahead (weeks, for a store).")] = 4,
    freq: Annotated[
        str | None,
        typer.Option(help="Step of --series: a number for integers, else h, D, W, MS, QS, 15min."),
    ] = None,
    season: Annotated[
        str | None,
        typer.Option(help="Season lengths in steps, e.g. 24,168; without it they are inferred."),
    ] = None,
    models: Annotated[
        str | None, typer.Option(help="Model families: naive (always there), stats, prophet.")
    ] = None,
    store: StoreOption = "market.duckdb",
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forecasts clean sales and median price per style, or series of your own.

    Every series gets naive, seasonal naive, AutoETS, AutoTheta, AutoCES, their median, and where
    it is short Prophet; a model is selected only if it beat the naives in a rolling backtest.
    --out has unique_id, ds, model, selected, mean, median, lo-50, hi-50, lo-80, hi-80, lo-95,
    hi-95; one model per series is selected.
    """
    families = tuple(models.split(",")) if models else None
    if series is None:
        _forecast_store(store, horizon, families, out, as_json=as_json)
        return
    with progress("forecast", total=None, unit="series") as bar:
        found = forecast_file(
            series,
            horizon,
            freq,
            _seasons(season),
            families,
            on_done=lambda name: bar.advance(note=name),
        )
    for refusal in found.refusals:
        _warn(f"{refusal.unique_id}: no forecast, {refusal.reason}")
    if found.forecasts.is_empty():
        message = f"no series of {series} can carry a forecast; see the reasons above"
        raise NotEnoughDataError(message)
    shown = found.forecasts if out is not None else found.forecasts.filter("selected")
    _deliver(shown, out, as_json=as_json)


def brief(
    *,
    works: Annotated[int, typer.Option(min=1, help="Works to make in all.")] = 12,
    chain_id: Annotated[
        int | None, typer.Option(help="Chain, where several have forecasts.")
    ] = None,
    store: StoreOption = "market.duckdb",
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Writes a brief: how many works of which style, at what price, and why."""
    from analytics.brief import write_brief

    with _existing(store) as opened:
        lines = write_brief(opened, budget_works=works, chain_id=chain_id)
    if out is not None or as_json:
        _deliver(lines, out, as_json=as_json)
        return
    typer.echo(f"{lines['brief_id'][0]}, {lines['works'].sum()} works")
    price = pl.col("price_wei").cast(pl.Float64) / 1e18
    shown = lines.select("style", "works", price.round_sig_figs(3).alias("price_eth"), "model")
    typer.echo(render(shown, "table"), nl=False)
    for sentence in lines["reason"]:
        typer.echo(sentence)


def _check_files(
    wanted: tuple[str, ...],
    trades: Path | None,
    sales: Path | None,
    ledger: Path | None,
    evidence: dict[str, Path | None],
) -> None:
    if trades is not None and wanted != ("wash",):
        message = f"--trades feeds `analyze wash`, not {', '.join(wanted)}; run that alone"
        raise UsageError(message)
    if ledger is not None and wanted != ("royalties",):
        message = f"--ledger feeds `analyze royalties`, not {', '.join(wanted)}; run that alone"
        raise UsageError(message)
    if sales is not None and ledger is None and wanted == ("royalties",):
        message = "--sales needs --ledger FILE for `analyze royalties`: sales owe what it says"
        raise UsageError(message)
    if sales is not None and ledger is None and wanted != ("floor",):
        message = f"--sales feeds `analyze floor`, not {', '.join(wanted)}; run that alone"
        raise UsageError(message)
    stray = [f"--{name}" for name, path in evidence.items() if path is not None]
    if stray and trades is None:
        message = f"{', '.join(stray)} go with --trades FILE; a store has its own tables"
        raise UsageError(message)


def _analyze_store(
    store: str,
    wanted: tuple[str, ...],
    mode: str,
    as_of: datetime | None,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    from analytics.run import ANALYSES, analyze

    tables = [table for name in wanted for table in ANALYSES[name]]
    if out is not None and len(tables) > 1:
        message = f"--out holds one table, not {', '.join(tables)}; name one analysis or `export`"
        raise UsageError(message)
    with _existing(store) as opened:
        with progress("analyze", total=len(tables), unit="tables") as bar:
            summary = analyze(
                opened,
                wanted,
                mode=cast("Mode", mode),
                as_of=as_of,
                on_done=lambda name: bar.advance(note=name),
            )
        if out is not None:
            write_table(opened.read(tables[0]), out)
    if as_json:
        typer.echo(json.dumps(asdict(summary)))
        return
    rows = pl.DataFrame({"table": list(summary.rows), "rows": list(summary.rows.values())})
    typer.echo(render(rows, "table"), nl=False)


def _forecast_store(
    store: str, horizon: int, families: tuple[str, ...] | None, out: Path | None, *, as_json: bool
) -> None:
    from analytics.forecast.run import forecast

    with _existing(store) as opened, progress("forecast", total=None, unit="series") as bar:
        summary = forecast(
            opened,
            horizon_weeks=horizon,
            families=families,
            on_done=lambda name: bar.advance(note=name),
        )
        backtests = opened.read("forecast_backtests").filter("selected")
        if out is not None:
            write_table(opened.read("forecasts"), out)
    if as_json:
        typer.echo(json.dumps(asdict(summary)))
    elif backtests.height:
        shown = backtests.select(
            "unique_id",
            "model",
            "n_windows",
            pl.col("mae", "mase", "skill", "coverage_80", "coverage_95").round(3),
        )
        typer.echo(render(shown, "table"), nl=False)
    for refusal in summary.refusals:
        _warn(f"{refusal.unique_id}: no forecast, {refusal.reason}")


def _existing(store: str) -> Store:
    """The store, opened for writing; a wrong path must not make an empty one."""
    Store.open(store, read_only=True).close()
    return Store.open(store)


def _seasons(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 1 for part in parts):
        message = f"--season {text!r} is no list of lengths above 1; write e.g. 24,168"
        raise UsageError(message)
    return tuple(int(part) for part in parts)


def _deliver(rows: pl.DataFrame, out: Path | None, *, as_json: bool) -> None:
    if out is not None:
        write_table(rows, out)
        typer.echo(f"{rows.height} rows in {out}", err=True)
    if as_json:
        typer.echo(render(rows, "json"), nl=False)
    elif out is None:
        typer.echo(render(rows.head(_SHOWN_ROWS), "table"), nl=False)
        if rows.height > _SHOWN_ROWS:
            _warn(f"{_SHOWN_ROWS} of {rows.height} rows shown; write them all with --out FILE")


def _warn(text: str) -> None:
    typer.echo(f"note: {text}", err=True)
