"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from contracts.chain import find_anvil

_PACKAGES = ("polars", "duckdb", "aiohttp", "msgspec", "eth-abi", "pyarrow")
_ROOT = Path(__file__).parents[2]


def describe() -> dict[str, str]:
    """Date, machine and versions, as text by label."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Raisonné": _output("git", "describe", "--always", "--dirty"),
        "Python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        "anvil": _output(str(find_anvil()), "--version").splitlines()[0].split()[-1],
        "node": _output("node", "--version").removeprefix("v"),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _output(*command: str) -> str:
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
