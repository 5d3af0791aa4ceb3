"""`python -m tests.contracts.gas`: compares the gas of every unit test with contracts/gas.snapshot.

Only tests without random input are measured: the same sources always give the same figures. A test
that is new, or gone, is told and stops nothing. `make gas` accepts the figures of the day, and
writes docs/gas.md.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from tests.contracts import gas_page
from tests.contracts.forge import CONTRACTS, find_forge, read_report

SNAPSHOT = CONTRACTS / "gas.snapshot"

#: A test may take so much more than the snapshot says: one part in a hundred, or some gas.
TOLERANCE = 0.01
SLACK_GAS = 500

_LINE = re.compile(r"(?P<test>\w+\.\w+) (?P<gas>\d+)")


def measure() -> dict[str, int]:
    """Returns gas by `Contract.test` of every unit test.

    Raises:
        RuntimeError: a test fails, or the contracts do not compile.
    """
    command = [str(find_forge()), "test", "--json", "--no-match-test", "([Ff]uzz|^invariant)"]
    done = subprocess.run(command, cwd=CONTRACTS, capture_output=True, text=True, check=False)
    found = {}
    for contract, tests in read_report(done.stdout, done.stderr).items():
        for name, result in tests.items():
            if result["status"] != "Success":
                message = f"{contract}.{name} fails: {result['reason']}; run: make test-contracts"
                raise RuntimeError(message)
            if "Unit" in result["kind"]:
                found[f"{contract}.{name}"] = int(result["kind"]["Unit"]["gas"])
    return found


def read_snapshot(path: Path = SNAPSHOT) -> dict[str, int]:
    """Returns the gas by test that was accepted last; empty where there is no file yet."""
    if not path.exists():
        return {}
    return {m["test"]: int(m["gas"]) for m in _LINE.finditer(path.read_text(encoding="utf-8"))}


def write_snapshot(gas: dict[str, int], path: Path = SNAPSHOT) -> None:
    """Writes one line a test, by name."""
    text = "".join(f"{test} {amount}\n" for test, amount in sorted(gas.items()))
    path.write_text(text, encoding="utf-8")


def compare(accepted: dict[str, int], gas: dict[str, int]) -> tuple[list[str], list[str]]:
    """Returns a line for every test that takes too much gas, and a line for every other change."""
    grown, told = [], []
    for test in sorted(accepted.keys() & gas.keys()):
        before, now = accepted[test], gas[test]
        line = f"{test}: {before:,} -> {now:,} gas ({now - before:+,})"
        allowed = max(TOLERANCE * before, SLACK_GAS)
        if now - before > allowed:
            grown.append(line)
        elif before - now > allowed:
            told.append(f"less {line}")
    told += [f"new {test}: {gas[test]:,} gas" for test in sorted(gas.keys() - accepted.keys())]
    told += [f"gone {test}" for test in sorted(accepted.keys() - gas.keys())]
    return grown, told


def main(
    *,
    accept: Annotated[bool, typer.Option("--accept", help="Write the figures of today.")] = False,
) -> None:
    """Fails when a unit test takes more gas than contracts/gas.snapshot allows."""
    gas, accepted = measure(), read_snapshot()
    grown, told = compare(accepted, gas)
    if accept:
        write_snapshot(gas)
        gas_page.PAGE.write_text(gas_page.page(gas_page.measure_calls()), encoding="utf-8")
        for line in [*grown, *told]:
            typer.echo(line)
        typer.echo(f"{len(gas)} tests in {SNAPSHOT.name}; calls in {gas_page.PAGE.name}")
        return
    for line in grown:
        typer.echo(f"MORE GAS {line}")
    if told:
        typer.echo(f"gas: {len(told)} tests are new, gone or cheaper (make gas keeps them)")
    if grown:
        typer.echo(
            f"{len(grown)} tests take more gas than contracts/gas.snapshot allows (1 % or "
            f"{SLACK_GAS} gas). If that is meant: make gas, and commit the file."
        )
        raise typer.Exit(code=1)
    typer.echo(f"gas: {len(gas)} tests compared with contracts/gas.snapshot, none takes more")


if __name__ == "__main__":
    typer.run(main)
