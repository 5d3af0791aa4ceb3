"""Runs a command and writes what it cost as JSON: `python -I -S launch.py OUT COMMAND…`.

A process of its own, because Linux counts what the parent held when it forked as the child's peak
memory; this one holds less than any program it is used on, and imports nothing that changes that.
"""

import os
import sys
import time


def main(out: str, command: list[str]) -> int:
    """Wall, user and system seconds and peak memory of the command and of what it waited for."""
    started = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    wall_s = time.monotonic() - started
    code = os.waitstatus_to_exitcode(status)
    cpu_s = usage.ru_utime + usage.ru_stime
    with open(out, "w", encoding="ascii") as file:  # noqa: PTH123 (pathlib is a large import)
        file.write(
            f'{{"wall_s": {wall_s}, "cpu_s": {cpu_s}, "peak_kib": {usage.ru_maxrss},'
            f' "exit_code": {code}}}'
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
