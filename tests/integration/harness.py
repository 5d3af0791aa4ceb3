"""What black-box tests do with the command line: run it, index with it, read what it left."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import polars as pl

from data.store import Store
from raisonne import main
from tests.node import ReplayNode
from tests.paths import REPO_ROOT


@dataclass(frozen=True)
class Outcome:
    """What a finished command left: exit code and its two streams."""

    code: int
    out: str
    err: str


def command(*arguments: object) -> list[str]:
    """The argument list that starts `raisonne` as a user's shell would."""
    return [sys.executable, str(REPO_ROOT / "raisonne.py"), *map(str, arguments)]


def environment() -> dict[str, str]:
    """The environment without any setting of the user's own."""
    names = ("RAISONNE_", "ETH_RPC_URL")
    return {key: value for key, value in os.environ.items() if not key.startswith(names)}


def raisonne(*arguments: object, cwd: Path) -> Outcome:
    """Runs `raisonne` to its end, in this process: the same entry point without its start-up."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        chdir(cwd),
        patch.dict(os.environ, environment(), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Outcome(code, out.getvalue(), err.getvalue())


def raisonne_process(*arguments: object, cwd: Path) -> Outcome:
    """Runs `raisonne` to its end as a process of its own."""
    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def digest_of(store: Path) -> dict[str, str]:
    """The digests that `raisonne status --digest --json` prints for a store."""
    done = raisonne("status", "--digest", "--json", "--store", store, cwd=store.parent)
    assert done.code == 0, done.err
    return json.loads(done.out)["digest"]


def windows(blocks: Iterable[int], *, before: int = 1, after: int = 1) -> list[tuple[int, int]]:
    """Half-open ranges around blocks, joined where they touch."""
    joined: list[tuple[int, int]] = []
    for block in sorted(set(blocks)):
        first, last = max(0, block - before), block + after + 1
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def write_blocks(path: Path, ranges: Iterable[tuple[int, int]]) -> str:
    """Writes ranges one a line and returns the `--blocks` value that names the file."""
    path.write_text("".join(f"{first}:{last}\n" for first, last in ranges))
    return f"@{path}"


def index(store: Path, node: ReplayNode, blocks: str, *options: object) -> Outcome:
    """Runs `raisonne index` of a node's blocks into a store, and requires that it succeeds."""
    done = raisonne(
        "index", "--rpc-url", node.url, "--blocks", blocks, "--store", store, *options,
        cwd=store.parent,
    )  # fmt: skip
    assert done.code == 0, done.err
    return done


def query(store: Path, sql: str) -> pl.DataFrame:
    """Rows of a store."""
    opened = Store.open(store, read_only=True)
    try:
        return opened.query(sql)
    finally:
        opened.close()
