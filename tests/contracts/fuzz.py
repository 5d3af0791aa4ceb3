"""`make fuzz`: the long campaign over all fuzz tests and invariants, within an hour.

Runs, depth and how often invariants are checked stand in the profile `campaign` of foundry.toml.
Suites run side by side, one to a core, dearest first. Each gets a share of the time that is left. A
few runs tell beforehand whether that will do: if so, the suite has all its runs and no limit (with
one, forge goes on with invariants until it is reached); if not, it is stopped at its share, and the
log says how many runs it had. What one finds is kept by forge in contracts/cache and tried again by
the next `make test-contracts`.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import secrets
import subprocess
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tests.contracts.forge import CONTRACTS, find_forge, read_report
from tests.paths import REPO_ROOT

LOGS = REPO_ROOT / ".raisonne" / "fuzz"

#: A campaign of an invariant costs about as much as so many fuzz tests of as many runs.
_INVARIANT_WEIGHT = 12
_GRACE_S = 120

#: So many runs tell how long all of them take; the guess has to fit its share with some room.
_PILOT_RUNS = 100
_ROOM = 1.5

_UNITS_S = {"h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(\d+)\s*(ms|µs|ns|h|m|s)")
_CONTRACT = re.compile(r"^contract (\w+)", re.MULTILINE)
_TEST = re.compile(r"function (?:(invariant\w*)\(|(test\w*)\(\s*\w)")


@dataclass(frozen=True)
class Suite:
    """The fuzz tests and invariants of one test contract."""

    file: str
    contract: str
    fuzzed: tuple[str, ...]
    invariants: tuple[str, ...]

    @property
    def weight(self) -> int:
        """How dear it is, in fuzz tests."""
        return _INVARIANT_WEIGHT * len(self.invariants) + len(self.fuzzed)


@dataclass(frozen=True)
class Outcome:
    """What became of one fuzz test or invariant."""

    suite: str
    test: str
    runs: int
    calls: int
    asked: int
    passed: bool
    reason: str
    seconds: float = 0.0
    finished: str = ""


def read_fuzzed(folder: Path = CONTRACTS / "test") -> list[Suite]:
    """Returns the suites that fuzz, dearest first: tests with arguments, and invariants."""
    found = []
    for path in sorted(folder.glob("*.t.sol")):
        text = path.read_text(encoding="utf-8")
        starts = [(m.start(), m[1]) for m in _CONTRACT.finditer(text)] + [(len(text), "")]
        for (begin, contract), (end, _) in itertools.pairwise(starts):
            tests = _TEST.findall(text[begin:end])
            invariants = tuple(name for name, _ in tests if name)
            fuzzed = tuple(name for _, name in tests if name)
            if tests:
                found.append(Suite(path.name, contract, fuzzed, invariants))
    return sorted(found, key=lambda suite: -suite.weight)


def read_asked() -> tuple[int, int, int]:
    """Returns runs of a fuzz test, runs of an invariant and their depth, from foundry.toml."""
    settings = tomllib.loads((CONTRACTS / "foundry.toml").read_text(encoding="utf-8"))
    campaign = settings["profile"]["campaign"]
    return (campaign["fuzz"]["runs"], campaign["invariant"]["runs"], campaign["invariant"]["depth"])


class Budget:
    """Shares the time that is left among the suites that are left, by weight."""

    def __init__(self, total_s: float, cores: int, weight: int) -> None:
        self._until = time.monotonic() + total_s
        self._cores = cores
        self._weight = weight
        self._lock = threading.Lock()

    def take(self, suite: Suite) -> int:
        """Returns the seconds of core time of a suite that starts now."""
        with self._lock:
            left_s = max(self._until - time.monotonic(), 1.0)
            share_s = left_s * self._cores * suite.weight / max(self._weight, suite.weight)
            self._weight -= suite.weight
        return max(1, int(min(share_s, left_s)))


def run_suite(suite: Suite, seed: str, share_s: int, *, profile: str = "campaign") -> list[Outcome]:
    """Returns what became of each fuzz test and invariant of a suite, run within its share."""
    common = {"FOUNDRY_PROFILE": profile, "FOUNDRY_FUZZ_SEED": seed}
    began = time.monotonic()
    few = {"FOUNDRY_FUZZ_RUNS": str(_PILOT_RUNS), "FOUNDRY_INVARIANT_RUNS": str(_PILOT_RUNS)}
    pilot = _run(suite, common | few, share_s)
    if not all(outcome.passed for outcome in pilot):
        return pilot
    left_s = max(1.0, share_s - (time.monotonic() - began))
    guess_s = sum(outcome.seconds * outcome.asked for outcome in pilot) / _PILOT_RUNS
    limits = {} if guess_s * _ROOM < left_s else _limits(suite, left_s)
    return _run(suite, common | limits, share_s)


def _limits(suite: Suite, share_s: float) -> dict[str, str]:
    """Settings that stop each fuzz test and invariant after its part of a share."""
    part_s = share_s / suite.weight
    return {
        "FOUNDRY_FUZZ_TIMEOUT": str(max(1, int(part_s))),
        "FOUNDRY_INVARIANT_TIMEOUT": str(max(1, int(part_s * _INVARIANT_WEIGHT))),
    }


def _run(suite: Suite, settings: dict[str, str], share_s: float) -> list[Outcome]:
    names = "|".join((*suite.fuzzed, *suite.invariants))
    command = [str(find_forge()), "test", "--json", "--threads", "1"]
    command += ["--match-path", f"test/{suite.file}", "--match-contract", f"^{suite.contract}$"]
    command += ["--match-test", f"^({names})(\\(|$)"]
    done = subprocess.run(
        command,
        cwd=CONTRACTS,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=share_s + _GRACE_S,
        check=False,
    )
    fuzz_runs, invariant_runs, _ = read_asked()
    asked = dict.fromkeys(suite.fuzzed, fuzz_runs) | dict.fromkeys(suite.invariants, invariant_runs)
    results = read_report(done.stdout, done.stderr)[suite.contract]
    return [_outcome(suite, name, result, asked) for name, result in results.items()]


def _outcome(suite: Suite, name: str, result: dict[str, Any], asked: dict[str, int]) -> Outcome:
    kind = next(iter(result["kind"].values()), {})
    reason = str(result["reason"] or "")
    if result["counterexample"]:
        reason += f" {json.dumps(result['counterexample'])[:2_000]}"
    return Outcome(
        suite=suite.contract,
        test=name,
        runs=kind.get("runs", 0),
        calls=kind.get("calls", kind.get("runs", 0)),
        asked=asked.get(name, 0),
        passed=result["status"] == "Success",
        reason=reason,
        seconds=read_seconds(result["duration"]),
    )


def read_seconds(duration: str) -> float:
    """Returns the seconds of a duration as forge writes it: `2m 1s 391ms 858µs 74ns`."""
    return sum(int(amount) * _UNITS_S[unit] for amount, unit in _DURATION.findall(duration))


def run_campaign(
    suites: list[Suite], *, seed: str, minutes: float, cores: int
) -> Iterator[tuple[Suite, list[Outcome]]]:
    """Yields what became of each suite, as they end."""
    budget = Budget(60 * minutes, cores, sum(suite.weight for suite in suites))

    def work(suite: Suite) -> list[Outcome]:
        outcomes = run_suite(suite, seed, budget.take(suite))
        return [replace(outcome, finished=_now()) for outcome in outcomes]

    with ThreadPoolExecutor(cores) as pool:
        running = {pool.submit(work, suite): suite for suite in suites}
        for done in as_completed(running):
            yield running[done], done.result()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _line(suite: Suite, outcomes: list[Outcome], done: int, of: int) -> str:
    calls = sum(outcome.calls for outcome in outcomes)
    failed = [outcome.test for outcome in outcomes if not outcome.passed]
    short = [
        f"{o.test} {o.runs:,} of {o.asked:,}" for o in outcomes if o.passed and o.runs < o.asked
    ]
    tail = f" FAILED: {', '.join(failed)}" if failed else ""
    tail += f" cut short: {', '.join(short)}" if short else ""
    return f"[{done}/{of}] {suite.contract}: {len(outcomes)} tests, {calls:,} calls{tail}"


def summarise(outcomes: list[Outcome], missing: list[str]) -> str:
    """Returns the last lines of a campaign: what was run, what was not, what was found."""
    calls = sum(outcome.calls for outcome in outcomes)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    short = [outcome for outcome in outcomes if outcome.passed and outcome.runs < outcome.asked]
    lines = [f"{len(outcomes)} fuzz tests and invariants, {calls:,} calls, {len(failed)} failed"]
    lines += [f"FAILED {o.suite}.{o.test}: {o.reason}" for o in failed]
    lines += [f"cut short: {o.suite}.{o.test}: {o.runs:,} of {o.asked:,} runs" for o in short]
    lines += [f"NOT RUN: {name}" for name in missing]
    if not (failed or short or missing):
        lines.append("nothing was found, and everything was run as often as asked")
    return "\n".join(lines)


def write_log(path: Path, say: Callable[[str], None]) -> Callable[[str, dict[str, object]], None]:
    """Returns a function that appends one JSON object a line; tells where the log is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    say(f"log: {path}")

    def write(what: str, values: dict[str, object]) -> None:
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"what": what, "time": _now(), **values}) + "\n")

    return write


def main(
    *,
    only: Annotated[str, typer.Argument(help="Suites whose name contains this.")] = "",
    seed: Annotated[str, typer.Option(help="Seed of an earlier campaign, 0x…; else new.")] = "",
    minutes: Annotated[float, typer.Option(min=0.1, max=60, help="At most so long.")] = 58,
    cores: Annotated[int, typer.Option(min=1, help="Suites side by side.")] = os.cpu_count() or 1,
) -> None:
    """Fuzzes the contracts as long and as hard as the profile `campaign` says."""
    seed = seed or f"0x{secrets.token_hex(16)}"
    suites = [suite for suite in read_fuzzed() if only in suite.contract]
    fuzz_runs, runs, depth = read_asked()
    started = time.monotonic()
    write = write_log(LOGS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl", typer.echo)
    typer.echo(f"seed {seed}; fuzz {fuzz_runs:,} runs, invariants {runs:,} × {depth}")
    write("start", {"seed": seed, "minutes": minutes, "cores": cores, "suites": len(suites)})
    subprocess.run([str(find_forge()), "build", "--quiet"], cwd=CONTRACTS, check=True)
    outcomes: list[Outcome] = []
    campaign = run_campaign(suites, seed=seed, minutes=minutes, cores=cores)
    for done, (suite, found) in enumerate(campaign, 1):
        outcomes += found
        typer.echo(f"{time.monotonic() - started:5.0f} s {_line(suite, found, done, len(suites))}")
        for outcome in found:
            write("test", asdict(outcome))
    ran = {(outcome.suite, outcome.test) for outcome in outcomes}
    wanted = [(s.contract, name) for s in suites for name in (*s.fuzzed, *s.invariants)]
    missing = [".".join(pair) for pair in wanted if pair not in ran]
    summary = summarise(outcomes, missing)
    write("end", {"seconds": round(time.monotonic() - started), "summary": summary})
    typer.echo(f"{summary}\n{(time.monotonic() - started) / 60:.1f} minutes, seed {seed}")
    good = bool(outcomes) and not missing and all(outcome.passed for outcome in outcomes)
    raise typer.Exit(code=0 if good else 1)


if __name__ == "__main__":
    typer.run(main)
