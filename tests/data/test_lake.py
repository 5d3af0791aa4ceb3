"""The same store in DuckLake on a real PostgreSQL: several processes write beside each other."""

import subprocess
import sys

import pytest

from data.store import Store
from tests.data.test_store import payments
from tests.postgres import BINARIES, running_postgres

pytestmark = pytest.mark.skipif(
    BINARIES is None, reason="PostgreSQL server binaries are not installed"
)


@pytest.fixture(scope="module")
def postgres():
    with running_postgres() as server:
        yield f"ducklake:postgres:dbname=postgres host={server.folder} port={server.port} user=art"


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
