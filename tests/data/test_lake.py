"""The same store in DuckLake on a real PostgreSQL: several processes write beside each other."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from data.store import Store
from tests.data.test_store import payments

BINARIES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
pytestmark = pytest.mark.skipif(
    BINARIES is None, reason="PostgreSQL server binaries are not installed"
)


def call(*arguments, cwd: Path) -> None:
    """Runs a server command; PostgreSQL refuses to run as root, its own user runs it there."""
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(arguments, check=True, cwd=cwd, user=user, stdout=subprocess.DEVNULL, timeout=60)


@pytest.fixture(scope="module")
def postgres():
    folder = Path(tempfile.mkdtemp(prefix="raisonne-pg-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    cluster, log = folder / "cluster", folder / "log"
    call(BINARIES / "initdb", "-D", cluster, "-U", "art", "-A", "trust", cwd=folder)
    pg_ctl = (BINARIES / "pg_ctl", "-D", cluster, "-w")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    call(*pg_ctl, "-o", options, "-l", log, "start", cwd=folder)
    yield f"ducklake:postgres:dbname=postgres host={folder} user=art"
    call(*pg_ctl, "-m", "immediate", "stop", cwd=folder)
    shutil.rmtree(folder)


def test_a_lake_holds_the_same_rows_and_digest_as_a_file(postgres, tmp_path):
    with (
        Store.open(f"{postgres}?data_path={tmp_path}/parquet") as lake,
        Store.open(tmp_path / "plain.duckdb") as plain,
    ):
        for opened in (lake, plain):
            opened.append("sale_payments", payments(1, 10**37))
            assert opened.append("sale_payments", payments(1, 10**37)) == 0
        assert lake.digest() == plain.digest()
        _second_process_appends(postgres)
        assert lake.read("sale_payments").height == 3


def _second_process_appends(url: str) -> None:
    script = (
        "from data.store import Store; from tests.data.test_store import payments\n"
        f"with Store.open({url!r}) as s: s.append('sale_payments', payments(5, block=9))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_an_unreachable_postgres_is_one_line_that_names_the_fix():
    from data.errors import UpstreamError

    with pytest.raises(UpstreamError, match="check the DSN"):
        Store.open("ducklake:postgres:dbname=x host=127.0.0.1 port=1 connect_timeout=2")
