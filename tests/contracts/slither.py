"""`make slither`: every finding of slither must have its answer in docs/slither.md.

slither reads the sources of contracts/src in a copy under .raisonne/slither, without the tests. A
finding is known by its check and by what it is about, not by line numbers. A finding without an
answer fails the target, and so does an answer without its finding.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import typer

from tests.contracts.forge import CONTRACTS, find_forge
from tests.paths import REPO_ROOT

ANSWERS = REPO_ROOT / "docs" / "slither.md"
SLITHER = REPO_ROOT / ".venv-slither" / "bin" / "slither"
WORKSHOP = REPO_ROOT / ".raisonne" / "slither"

_ROW = re.compile(
    r"^\| `(?P<check>[\w-]+)` \| `(?P<about>[^`]+)` \| (?P<answer>.+) \|$", re.MULTILINE
)

#: A finding: check, what it is about.
Finding = tuple[str, str]


def find_all(folder: Path = WORKSHOP) -> list[Finding]:
    """Returns what slither finds in contracts/src, sorted.

    Raises:
        RuntimeError: slither is missing, or the contracts do not compile.
    """
    if not SLITHER.exists():
        message = "slither is missing; run: make slither"
        raise RuntimeError(message)
    _copy_sources(folder)
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [str(SLITHER), ".", "--json", str(report), "--filter-paths", "node_modules"],
        cwd=folder,
        # slither calls `forge`, and forge's wrapper of solc calls `node`.
        env=os.environ | {"PATH": f"{find_forge().parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if not report.exists() or not (answer := json.loads(report.read_text()))["success"]:
        message = f"slither failed: {done.stderr.strip()[-800:]}"
        raise RuntimeError(message)
    return read_findings(answer)


def _copy_sources(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "src", ignore_errors=True)
    shutil.copytree(CONTRACTS / "src", folder / "src")
    shutil.copy2(CONTRACTS / "solc-wrap", folder / "solc-wrap")
    settings = (CONTRACTS / "foundry.toml").read_text(encoding="utf-8")
    (folder / "foundry.toml").write_text(
        settings.replace("dynamic_test_linking = true", ""), encoding="utf-8"
    )
    packages = folder / "node_modules"
    if not packages.exists():
        packages.symlink_to((CONTRACTS / "node_modules").resolve())


def read_findings(report: dict) -> list[Finding]:
    """Returns check and subject of every finding of slither's JSON report, each once, sorted."""
    found = report["results"].get("detectors", [])
    return sorted({(finding["check"], _about(finding)) for finding in found})


def _about(finding: dict) -> str:
    """What a finding names first (function, contract, variable, pragma), with its contract."""
    first = finding["elements"][0] if finding["elements"] else None
    if first is None:
        return "the sources"
    parent = first.get("type_specific_fields", {}).get("parent") or {}
    if first["type"] == "pragma":
        return Path(first["source_mapping"]["filename_relative"]).name
    names = [parent["name"]] if parent.get("type") in {"contract", "function"} else []
    return ".".join([*names, first["name"]])


def read_answers(path: Path = ANSWERS) -> dict[Finding, str]:
    """Returns the answer to each finding from the table in docs/slither.md."""
    text = path.read_text(encoding="utf-8")
    return {(m["check"], m["about"]): m["answer"] for m in _ROW.finditer(text)}


def compare(found: list[Finding], answers: dict[Finding, str]) -> list[str]:
    """Returns a line for each finding without an answer and each answer without its finding."""
    lines = [f"NEW {check}: {about}" for check, about in found if (check, about) not in answers]
    gone = sorted(answers.keys() - set(found))
    return lines + [f"GONE {check}: {about}" for check, about in gone]


def main() -> None:
    """Fails when slither finds something that docs/slither.md does not answer."""
    found = find_all()
    lines = compare(found, read_answers())
    for line in lines:
        typer.echo(line)
    counts = ", ".join(f"{n} {check}" for check, n in Counter(c for c, _ in found).most_common())
    typer.echo(f"{len(found)} findings ({counts}), {len(lines)} differences with {ANSWERS.name}")
    raise typer.Exit(code=1 if lines else 0)


if __name__ == "__main__":
    typer.run(main)
