"""Commands on the store itself: sql, export, config show."""

import os
from pathlib import Path
from typing import Annotated

import typer

from data.config import CONFIG_FILE, load_file, resolve
from data.errors import UsageError
from data.masking import mask_urls
from data.store import Store
from data.tabular import Format, render, write_table

StoreOption = Annotated[
    str,
    typer.Option("--store", envvar="RAISONNE_STORE", help="Store: a DuckDB file or DuckLake URL."),
]
config_app = typer.Typer(help="Configuration: flag > environment > raisonne.toml > default.")


def sql(
    query: Annotated[str, typer.Argument(help="SQL to run, read-only.")],
    store: StoreOption = "market.duckdb",
    form: Annotated[Format, typer.Option("--format", help="Form of the rows on stdout.")] = "table",
    out: Annotated[Path | None, typer.Option(help="File to write instead of stdout.")] = None,
) -> None:
    """Runs a read-only SQL query on the store.

    Example: raisonne sql "SELECT style, sales FROM style_sales ORDER BY week" --format csv
    """
    import duckdb

    with Store.open(store, read_only=True) as opened:
        try:
            frame = opened.query(query)
        except duckdb.Error as error:
            message = f"query failed: {str(error).splitlines()[0]}; the store is opened read-only"
            raise UsageError(message) from error
    if out is not None:
        write_table(frame, out)
        typer.echo(f"{frame.height} rows in {out}", err=True)
        return
    if form == "parquet":
        message = "parquet is binary; name a file with --out FILE.parquet"
        raise UsageError(message)
    typer.echo(render(frame, form), nl=False)


def export(
    name: Annotated[str, typer.Argument(help="Table to export, see `raisonne status`.")],
    out: Annotated[Path, typer.Option(help="File ending in .csv, .parquet or .json.")],
    store: StoreOption = "market.duckdb",
) -> None:
    """Exports one table, sorted by its key, every amount exact."""
    with Store.open(store, read_only=True) as opened:
        frame = opened.read(name)
    write_table(frame, out)
    typer.echo(f"{frame.height} rows in {out}", err=True)


@config_app.command("show")
def config_show() -> None:
    """Prints every shared setting with its value and where it came from; secrets masked."""
    verbs: list[str] = []
    content = load_file(CONFIG_FILE, verbs) if CONFIG_FILE.exists() else {}
    for item in resolve(content, os.environ):
        value = mask_urls(item.value) or "-"
        typer.echo(f"{item.setting.name:<10} {value:<32} {item.origin:<28} {item.setting.meaning}")


@config_app.callback()
def config_group() -> None:
    """Keeps `show` a sub-command of its own."""
