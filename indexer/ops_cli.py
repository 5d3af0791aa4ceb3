"""Commands around an index: text to calls, no logic."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import IntegrityError
from indexer.cli import DEFAULT_STORE, Json, StoreUrl

if TYPE_CHECKING:
    from indexer.rebuild import Difference, OnProgress

StateDir = Annotated[
    Path, typer.Option("--state-dir", help="Folder with the addresses of the local deployment.")
]
DEFAULT_STATE_DIR = Path(".raisonne")


def rebuild(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Compare only, write nothing; exit 5 on a difference.")
    ] = False,
    store: StoreUrl = DEFAULT_STORE,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Derive all facts and links again from the stored evidence, without a network.

    Example: raisonne rebuild --check
    """
    from data.store import Store
    from indexer import rebuild as engine

    with Store.open(store, read_only=check) as opened, _reporting("rebuild", "logs") as report:
        if check:
            found = engine.check(opened, state_dir=state_dir, on_progress=report)
        else:
            done = engine.rebuild(opened, state_dir=state_dir, on_progress=report)
    if check:
        _report_differences(found, as_json=as_json)
        return
    if as_json:
        typer.echo(json.dumps(asdict(done)))
        return
    typer.echo(
        f"{sum(done.rows.values()):,} rows of {len(done.rows)} tables from {done.logs:,} logs"
    )
    typer.echo(f"changed: {', '.join(done.changed) or 'nothing, every table is as it was'}")
    if done.changed:
        typer.echo("signals still rest on the old rows; run: raisonne analyze all", err=True)


def _report_differences(found: list["Difference"], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"differences": [asdict(each) for each in found]}, default=str))
    for each in [] if as_json else found:
        example = ", ".join(f"{name} {value}" for name, value in each.example.items())
        typer.echo(
            f"{each.table}: {each.missing:,} rows missing, {each.extra:,} too many ({example})"
        )
    if found:
        names = ", ".join(each.table for each in found)
        message = f"{names} differ from what they are derived from; run: raisonne rebuild"
        raise IntegrityError(message)
    if not as_json:
        typer.echo("every fact follows from the evidence, and every link from the facts")


def explain(
    transaction: Annotated[
        str, typer.Argument(help="Hash of a transaction or its beginning, or a sale_id.")
    ],
    *,
    store: StoreUrl = DEFAULT_STORE,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Say why the rows of a transaction look as they do, leg by leg.

    Example: raisonne explain 0xd7e72a37
    """
    from data.store import Store
    from indexer.explain import explain as explain_transaction

    with Store.open(store, read_only=True) as opened:
        found = explain_transaction(opened, transaction, state_dir=state_dir)
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in found]))
        return
    from rich.console import Console

    from indexer.explain_text import print_explanation

    for each in found:
        print_explanation(each, Console(highlight=False))


@contextmanager
def _reporting(task: str, unit: str) -> Iterator["OnProgress"]:
    """A bar that starts when the work says how much there is."""
    from contextlib import ExitStack

    from data.progress import Bar, progress

    with ExitStack() as stack:
        bars: list[Bar] = []

        def report(done: float, total: float, note: str) -> None:
            if not bars:
                bars.append(stack.enter_context(progress(task, total=total, unit=unit)))
            if done:
                bars[0].advance(done, note)

        yield report
