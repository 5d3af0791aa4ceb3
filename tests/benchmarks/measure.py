"""What a command costs: wall, processor time, peak memory; its own and the node's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_LAUNCHER = Path(__file__).with_name("launch.py")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_KIB_PER_MIB = 1_024


class FailedRunError(Exception):
    """A tool ended with an error, or did not end in time."""


@dataclass(frozen=True)
class Usage:
    """Seconds of one run, by the clock and by the processor, and its peak memory."""

    wall_s: float
    cpu_s: float
    peak_mib: float

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def run_measured(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    log: Path,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 900.0,
) -> Usage:
    """Runs a command to its end; its output goes to `log`.

    Raises:
        FailedRunError: it ended with an error or not in time; the message ends with its output.
    """
    with tempfile.NamedTemporaryFile(suffix=".json") as out, log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", _LAUNCHER, out.name, *map(str, command)],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(timeout_s)
        except BaseException as problem:
            # The whole session: what the command started must not disturb the next run.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(problem, subprocess.TimeoutExpired):
                message = f"{command[0]} did not end within {timeout_s:.0f} s; see {log}"
                raise FailedRunError(message) from problem
            raise
        result = json.loads(Path(out.name).read_text(encoding="ascii"))
    if result["exit_code"] != 0:
        tail = log.read_text(encoding="utf-8", errors="replace").strip()[-800:]
        message = f"{command[0]} ended with {result['exit_code']}: {tail}"
        raise FailedRunError(message)
    return Usage(result["wall_s"], result["cpu_s"], result["peak_kib"] / _KIB_PER_MIB)


def cpu_seconds(pid: int) -> float:
    """User and system seconds that a running process, and those it waited for, used so far."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    # utime, stime, cutime, cstime: fields 14 to 17 of the line; the name is the second.
    return sum(int(field) for field in after_name[11:15]) / _TICKS_PER_S


def peak_mib(pid: int) -> float:
    """Peak resident memory of a running process so far."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / _KIB_PER_MIB
    message = f"process {pid} has no memory: it has ended"
    raise FailedRunError(message)
