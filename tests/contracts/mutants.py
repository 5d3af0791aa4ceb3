"""`python -m tests.contracts.mutants`: plants each fault of contracts/test/mutants, one at a time.

A mutant is a unified diff from the repository's root whose first line names the test that must
notice it: `# caught by: <TestContract>.<test_name>`. It counts as caught only when the contracts
still compile, the named test ran, and it failed; without the fault the same test must pass.

Everything happens in a copy under .raisonne/mutants, and what was found is kept there, so that an
interrupted run goes on where it stopped. Tests reach contracts by their artefacts
(`dynamic_test_linking`), so that a fault costs the compilation of one file.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tests.contracts.forge import CONTRACTS, find_forge, read_report
from tests.paths import REPO_ROOT

PATCHES = CONTRACTS / "test" / "mutants"
WORKSHOP = REPO_ROOT / ".raisonne" / "mutants"

_HEADER = re.compile(r"# caught by: (?P<contract>\w+)\.(?P<test>\w+)\Z")
_COPIED = ("src", "test", "foundry.toml", "solc-wrap")
_LIMIT_S = 600

CAUGHT = "caught"


@dataclass(frozen=True)
class Mutant:
    """One planted fault: its name, the diff, and the test that must fail."""

    name: str
    patch: Path
    contract: str
    test: str

    @property
    def target(self) -> str:
        """The test as forge filters and people name it."""
        return f"{self.contract}.{self.test}"


def read_mutants(folder: Path = PATCHES) -> list[Mutant]:
    """Returns the mutants of a folder by name.

    Raises:
        ValueError: a patch does not name its test in the first line.
    """
    return [_read(patch) for patch in sorted(folder.glob("*.patch"))]


def _read(patch: Path) -> Mutant:
    first = patch.read_text(encoding="utf-8").partition("\n")[0]
    found = _HEADER.match(first)
    if found is None:
        message = f"{patch.name}: the first line must be '# caught by: <Contract>.<test>': {first}"
        raise ValueError(message)
    return Mutant(patch.stem, patch, found["contract"], found["test"])


def changed_files(mutant: Mutant) -> list[str]:
    """Returns the files that a patch changes, from the repository's root."""
    text = mutant.patch.read_text(encoding="utf-8")
    return re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE)


def why_it_does_not_apply(mutant: Mutant, root: Path = REPO_ROOT) -> str:
    """Returns what git says against the patch, or nothing."""
    done = _git(root, "apply", "--check", str(mutant.patch))
    return "" if done.returncode == 0 else done.stderr.strip()


def test_file_of(mutant: Mutant, folder: Path = CONTRACTS / "test") -> Path | None:
    """Returns the file that declares the named test contract; None where there is none."""
    declares = re.compile(rf"^contract {mutant.contract}\b", re.MULTILINE)
    for path in sorted(folder.glob("*.t.sol")):
        if declares.search(path.read_text(encoding="utf-8")):
            return path
    return None


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
    )


class Workshop:
    """A copy of the contracts in which faults are planted and tests are run."""

    def __init__(self, folder: Path = WORKSHOP) -> None:
        self.folder = folder
        self.contracts = folder / "contracts"
        self._results = folder / "results.json"

    def prepare(self) -> None:
        """Makes the copy equal to the sources; what was compiled before is kept."""
        self.contracts.mkdir(parents=True, exist_ok=True)
        for name in _COPIED:
            source, copy = CONTRACTS / name, self.contracts / name
            if copy.is_dir():
                shutil.rmtree(copy)
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, copy)
        packages = self.contracts / "node_modules"
        if not packages.exists():
            packages.symlink_to((CONTRACTS / "node_modules").resolve())

    def digest(self) -> str:
        """Returns a digest of all that decides a verdict, except the patch."""
        state = hashlib.sha256()
        for folder in ("src", "test"):
            for path in sorted((self.contracts / folder).glob("*.sol")):
                state.update(path.name.encode() + path.read_bytes())
        state.update((self.contracts / "foundry.toml").read_bytes())
        return state.hexdigest()

    def run(self, contract: str, test: str, path: Path | None = None) -> dict[str, str]:
        """Returns status by test of what matches: Success or Failure.

        Raises:
            RuntimeError: the contracts do not compile, or forge answers no results.
        """
        for memory in ("fuzz", "invariant"):  # counterexamples of an earlier fault
            shutil.rmtree(self.contracts / "cache" / memory, ignore_errors=True)
        command = [str(find_forge()), "test", "--json", "--match-contract", f"^({contract})$"]
        command += ["--match-test", f"^({test})(\\(|$)"]
        command += ["--match-path", f"test/{path.name}"] if path else []
        done = subprocess.run(
            command,
            cwd=self.contracts,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        return read_statuses(done.stdout, done.stderr)

    def verdict(self, mutant: Mutant) -> str:
        """Returns `caught`, or how the fault escaped, after planting it and taking it out again."""
        kept = {name: (self.folder / name).read_bytes() for name in changed_files(mutant)}
        # The copy lies inside the repository, whose root git starts from.
        inside = self.folder.resolve().relative_to(REPO_ROOT)
        planted = _git(REPO_ROOT, "apply", f"--directory={inside}", str(mutant.patch))
        if planted.returncode != 0:
            return f"does not apply: {planted.stderr.strip()}"
        try:
            statuses = self.run(mutant.contract, mutant.test, test_file_of(mutant))
        except RuntimeError as problem:
            return str(problem)
        finally:
            for name, content in kept.items():
                (self.folder / name).write_bytes(content)
        return judge(mutant, statuses)

    def load(self, key: str) -> dict[str, str]:
        """Returns verdicts by patch digest of an earlier run over the same sources."""
        if not self._results.exists():
            return {}
        kept = json.loads(self._results.read_text(encoding="utf-8"))
        return dict(kept["verdicts"]) if kept["key"] == key else {}

    def save(self, key: str, verdicts: dict[str, str]) -> None:
        """Keeps verdicts by patch digest."""
        text = json.dumps({"key": key, "verdicts": verdicts}, indent=1)
        self._results.write_text(text, encoding="utf-8")


def read_statuses(answer: str, problems: str = "") -> dict[str, str]:
    """Returns status by test from what `forge test --json` printed; raises like `read_report`."""
    suites = read_report(answer, problems).values()
    return {name: result["status"] for suite in suites for name, result in suite.items()}


def judge(mutant: Mutant, statuses: dict[str, str]) -> str:
    """Returns `caught` when exactly the named test ran and failed; else what happened instead."""
    if set(statuses) != {mutant.test}:
        return f"ran {', '.join(sorted(statuses)) or 'nothing'} instead of {mutant.test}"
    return CAUGHT if statuses[mutant.test] == "Failure" else f"survived {mutant.target}"


def check_healthy(workshop: Workshop, mutants: list[Mutant]) -> list[str]:
    """Returns the named tests that do not pass without any fault: they could catch nothing."""
    failing = []
    for contract in sorted({mutant.contract for mutant in mutants}):
        names = {mutant.test for mutant in mutants if mutant.contract == contract}
        path = test_file_of(next(m for m in mutants if m.contract == contract))
        statuses = workshop.run(contract, "|".join(sorted(names)), path)
        failing += [f"{contract}.{n}" for n in sorted(names) if statuses.get(n) != "Success"]
    return failing


def plant_all(
    workshop: Workshop, mutants: list[Mutant], say: Callable[[str], None], *, again: bool = False
) -> dict[str, str]:
    """Returns the verdict of every mutant by name; says how far it is and how long it will take."""
    workshop.prepare()
    key = workshop.digest()
    known = {} if again else workshop.load(key)
    digests = {m.name: hashlib.sha256(m.patch.read_bytes()).hexdigest() for m in mutants}
    todo = [mutant for mutant in mutants if known.get(digests[mutant.name]) != CAUGHT]
    say(f"{len(mutants)} mutants, {len(mutants) - len(todo)} known to be caught from earlier")
    if todo and (failing := check_healthy(workshop, todo)):
        message = f"these tests fail without any fault: {', '.join(failing)}"
        raise RuntimeError(message)
    started = time.monotonic()
    for done, mutant in enumerate(todo, 1):
        known[digests[mutant.name]] = workshop.verdict(mutant)
        workshop.save(key, known)
        left_s = (time.monotonic() - started) / done * (len(todo) - done)
        verdict = known[digests[mutant.name]]
        say(f"[{done}/{len(todo)}, {left_s:4.0f} s left] {mutant.name}: {verdict}")
    return {mutant.name: known[digests[mutant.name]] for mutant in mutants}


def main(
    *,
    only: Annotated[str, typer.Argument(help="Mutants whose name contains this.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Forget what was found before.")] = False,
) -> None:
    """Demands that the test named by each planted fault notices it."""
    mutants = [mutant for mutant in read_mutants() if only in mutant.name]
    started = time.monotonic()
    verdicts = plant_all(Workshop(), mutants, typer.echo, again=again)
    escaped = {name: verdict for name, verdict in verdicts.items() if verdict != CAUGHT}
    for name, verdict in escaped.items():
        typer.echo(f"ESCAPED {name}: {verdict}")
    caught = len(verdicts) - len(escaped)
    typer.echo(f"{caught} of {len(verdicts)} caught in {time.monotonic() - started:.0f} s")
    raise typer.Exit(code=1 if escaped or not mutants else 0)


if __name__ == "__main__":
    typer.run(main)
