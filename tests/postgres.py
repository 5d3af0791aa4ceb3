"""A real PostgreSQL server for the length of a with block: for lakes, and for ponder's tables."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contracts.chain import free_port

BINARIES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
"""The newest server's programs; None where none is installed."""


@dataclass(frozen=True)
class Postgres:
    """A running server with one user, `art`, and no password; its socket lies in `folder`."""

    binaries: Path
    folder: Path
    port: int
    version: str

    def url(self, database: str) -> str:
        """Where a client connects."""
        return f"postgres://art@127.0.0.1:{self.port}/{database}"

    def fresh_database(self, name: str) -> str:
        """The URL of a new empty database, which replaces one of that name."""
        self.query("postgres", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.query("postgres", f'CREATE DATABASE "{name}"')
        return self.url(name)

    def query(self, database: str, sql: str) -> str:
        """What psql prints for a query, without headings."""
        command = [self.binaries / "psql", self.url(database), "-XAtq", "-c", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A fresh cluster, its settings as they come; gone at the end.

    Raises:
        FileNotFoundError: the server's binaries are not installed.
    """
    binaries = BINARIES
    if binaries is None:
        message = "no PostgreSQL server in /usr/lib/postgresql; install it, or leave ponder out"
        raise FileNotFoundError(message)
    folder = Path(tempfile.mkdtemp(prefix="raisonne-pg-", dir="/tmp"))
    # PostgreSQL refuses to run as root; its own user runs it there.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    cluster, port = folder / "cluster", free_port()

    def call(*arguments: str | Path) -> None:
        subprocess.run(
            arguments, check=True, cwd=folder, user=user, stdout=subprocess.DEVNULL, timeout=60
        )

    call(binaries / "initdb", "-D", cluster, "-U", "art", "-A", "trust")
    control = (binaries / "pg_ctl", "-D", cluster, "-w")
    options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1"
    call(*control, "-o", options, "-l", folder / "log", "start")
    try:
        version = subprocess.run(
            [binaries / "postgres", "--version"], check=True, capture_output=True, text=True
        ).stdout.split()[2]
        yield Postgres(binaries, folder, port, version)
    finally:
        call(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder)
