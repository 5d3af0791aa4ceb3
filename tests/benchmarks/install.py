"""The peers: installed at first use into folders of their own, never into the project's .venv."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
PINS = _HERE / "peers.txt"
PONDER_FILES = _HERE / "ponder"


@dataclass(frozen=True)
class Peers:
    """Where the peers are: two interpreters and a folder of npm packages."""

    cryo_python: Path
    etl: Path
    ponder: Path

    @property
    def ponder_script(self) -> Path:
        """What node runs."""
        return self.ponder / "node_modules/ponder/dist/esm/bin/ponder.js"


def install_peers(folder: Path) -> Peers:
    """Installs what is not yet there; takes about two minutes the first time."""
    cryo, etl, ponder = (folder / name for name in ("cryo", "etl", "ponder"))
    if not _is_done(cryo):
        _environment(cryo, ["cryo"])
    if not _is_done(etl):
        _environment(etl, ["ethereum-etl"])
        _pip(etl, "--no-deps", "parsimonious", "regex")
    # Always: the project's files may have changed since.
    shutil.copytree(PONDER_FILES, ponder, dirs_exist_ok=True)
    if not _is_done(ponder):
        print("installing ponder", file=sys.stderr)
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(["npm", "install", *options], cwd=ponder, check=True)
    for each in (cryo, etl, ponder):
        _marker(each).touch()
    return Peers(cryo / "bin/python", etl / "bin/ethereumetl", ponder)


def _environment(folder: Path, packages: list[str]) -> None:
    print(f"installing {', '.join(packages)}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    _pip(folder, *packages, *(["-c", str(_without_overrides(folder))]))


def _pip(folder: Path, *arguments: str) -> None:
    pip = [folder / "bin/python", "-m", "pip", "install", "--quiet"]
    pinned = {line.partition("==")[0]: line for line in _pins()}
    wanted = [pinned.get(argument, argument) for argument in arguments]
    subprocess.run([*pip, "--disable-pip-version-check", *wanted], check=True)


def _without_overrides(folder: Path) -> Path:
    """Constraints for pip; those that contradict a requirement are installed apart."""
    path = folder / "constraints.txt"
    kept = [line for line in _pins() if not line.startswith(("parsimonious", "regex"))]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return path


def _pins() -> list[str]:
    lines = PINS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _marker(folder: Path) -> Path:
    return folder / ".installed"


def _is_done(folder: Path) -> bool:
    return _marker(folder).is_file()
