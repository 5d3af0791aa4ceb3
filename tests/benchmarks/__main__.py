"""`python -m tests.benchmarks`: measures, and writes docs/benchmarks.md.

Raw rounds go to `.raisonne/bench/results/`. With `--quick` everything is small, goes to
`.raisonne/bench/quick/`, and the page is left alone.
"""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tests.benchmarks.campaign import QUICK, SECTIONS, Campaign, Sizes, read_sections, say
from tests.benchmarks.install import install_peers
from tests.benchmarks.page import render
from tests.benchmarks.report import BEGIN, END, replace_results
from tests.benchmarks.tools import ROOT

_PAGE = ROOT / "docs/benchmarks.md"
_FOLDER = ROOT / ".raisonne/bench"


def main(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, three rounds.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(help=f"Only this section; may be repeated: {', '.join(SECTIONS)}."),
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds of the fast tools.")] = None,
    slow_rounds: Annotated[int | None, typer.Option(min=1, help="Rounds with slow peers.")] = None,
    curve_rounds: Annotated[int | None, typer.Option(min=1, help="Rounds of the curve.")] = None,
    transfers: Annotated[int | None, typer.Option(min=1_000, help="Transfers of a chain.")] = None,
    orders: Annotated[int | None, typer.Option(min=100, help="Seaport orders.")] = None,
    curve: Annotated[list[int] | None, typer.Option(help="Logs of a point of the curve.")] = None,
    render_only: Annotated[
        bool, typer.Option("--render-only", help="Measure nothing, write the page anew.")
    ] = False,
) -> None:
    """Measures Raisonné beside other indexers on the same local chains."""
    folder = _FOLDER / "quick" if quick else _FOLDER / "full"
    given = {
        "rounds": rounds,
        "slow_rounds": slow_rounds,
        "curve_rounds": curve_rounds,
        "transfers": transfers,
        "orders": orders,
        "curve": tuple(curve) if curve else None,
    }
    sizes = replace(
        QUICK if quick else Sizes(), **{k: v for k, v in given.items() if v is not None}
    )
    unknown = sorted(set(only or ()) - set(SECTIONS))
    if unknown:
        message = f"unknown section {unknown[0]!r}; known: {', '.join(SECTIONS)}"
        raise typer.BadParameter(message)
    if not render_only:
        folder.mkdir(parents=True, exist_ok=True)
        wanted = frozenset(only or SECTIONS)
        Campaign(folder, install_peers(_FOLDER), sizes, wanted).run()
    results = render(read_sections(folder))
    if quick:
        _write(folder / "benchmarks.md", f"{BEGIN}\n{END}\n", results)
    else:
        _write(_PAGE, _PAGE.read_text(encoding="utf-8"), results)


def _write(path: Path, page: str, results: str) -> None:
    path.write_text(replace_results(page, results), encoding="utf-8")
    say(f"written: {path}")


if __name__ == "__main__":
    # The chains and servers of a run end with it, also when it is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    typer.run(main)
