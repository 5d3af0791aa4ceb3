"""How the store is read: released when idle, cached per version, and told when it cannot be."""

from __future__ import annotations

import subprocess
import sys
import time

import duckdb
import polars as pl
import pytest

from dashboard.source import CachedSource, LeasedStore
from data.errors import IntegrityError, NotFoundError
from data.store import Store, StoreBusyError
from tests.dashboard.conftest import ROOT

HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def store_path(tmp_path):
    path = tmp_path / "own.duckdb"
    Store.open(path).close()
    return path


def is_writable_elsewhere(path) -> bool:
    code = "import sys, duckdb; duckdb.connect(sys.argv[1]).close()"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=False)
    return done.returncode == 0


def test_idle_store_is_released_so_that_a_command_can_write(store_path):
    store = LeasedStore(str(store_path), idle_s=0.05)
    store.query("SELECT 1")
    deadline = time.monotonic() + 5
    while store._store is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert is_writable_elsewhere(store_path)
    assert store.query("SELECT count(*) FROM sales").item() == 0


def test_store_that_is_being_read_is_not_released(store_path):
    store = LeasedStore(str(store_path), idle_s=0.01)
    with store.lease() as opened:
        store.release()
        assert opened.query("SELECT 1").item() == 1
        assert not is_writable_elsewhere(store_path)
    store.release()


def test_new_rows_are_seen_once_a_run_wrote_them(store_path):
    leased = LeasedStore(str(store_path), idle_s=60)
    count = "SELECT count(*) FROM styles"
    assert CachedSource(leased).query(count).item() == 0
    leased.release()
    with Store.open(store_path) as store, store.run("analyze") as run:
        store.append(
            "styles", pl.DataFrame({"chain_id": [1], "style": ["rings"], "run_id": [run.run_id]})
        )
    source = CachedSource(leased)
    assert source.query(count).item() == 1
    leased.release()


def test_same_version_is_answered_from_the_cache(store_path, monkeypatch):
    leased = LeasedStore(str(store_path), idle_s=60)
    source = CachedSource(leased)
    first = source.query("SELECT 41 + ? AS answer", [1])
    monkeypatch.setattr(leased, "query", lambda *_: pytest.fail("the store was asked again"))
    assert source.query("SELECT 41 + ? AS answer", [1]).equals(first)
    leased.release()


def test_dashboard_never_writes(store_path):
    leased = LeasedStore(str(store_path), idle_s=60)
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        leased.query("DELETE FROM sales")
    leased.release()


def test_missing_store_is_a_card_with_the_commands(open_page, tmp_path):
    app = open_page.fresh(tmp_path / "none.duckdb", "market")
    assert not app.exception
    assert app.subheader[0].value.endswith("There is no store yet")
    assert any(text.value.startswith("NotFoundError: no store at") for text in app.text)
    assert "raisonne demo" in app.code[0].value
    with pytest.raises(NotFoundError):
        LeasedStore(str(tmp_path / "none.duckdb")).query("SELECT 1")


def test_store_of_another_version_is_a_card_and_stays_untouched(open_page, store_path):
    with duckdb.connect(str(store_path)) as connection:
        connection.execute("UPDATE store_meta SET value = '999'")
    before = store_path.read_bytes()
    app = open_page.fresh(store_path, "styles")
    assert not app.exception
    assert "another version" in app.subheader[0].value
    assert any("schema version 999" in text.value for text in app.text)
    assert store_path.read_bytes() == before


def test_file_that_is_no_store_is_a_card(open_page, tmp_path):
    path = tmp_path / "letter.duckdb"
    path.write_text("Dear market, " * 500)
    app = open_page.fresh(path, "market")
    assert not app.exception
    assert any("IntegrityError" in text.value for text in app.text)
    with pytest.raises(IntegrityError):
        LeasedStore(str(path)).query("SELECT 1")


def test_busy_store_is_a_card_that_names_the_process_and_recovers(open_page, store_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        app = open_page.fresh(store_path, "market")
        assert not app.exception
        assert "busy" in app.subheader[0].value
        assert any(str(holder.pid) in text.value for text in app.text)
        with pytest.raises(StoreBusyError):
            LeasedStore(str(store_path)).query("SELECT 1")
    finally:
        holder.communicate("\n", timeout=20)
    next(button for button in app.button if button.key == "retry").click().run()
    assert "Nothing is indexed yet" in app.subheader[0].value
