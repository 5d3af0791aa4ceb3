"""Rules of the house for this package, and its command."""

from __future__ import annotations

import ast
import re
import socket
import subprocess
import sys
import tomllib

import pytest

from dashboard import cli
from dashboard.errors import PortBusyError, ServerError
from data.errors import NotFoundError
from tests.dashboard.conftest import PAGES, ROOT

DASHBOARD = ROOT / "dashboard"
PACKAGES = {"analytics", "contracts", "data", "generation", "indexer", "raisonne", "tests"}


def test_no_name_in_the_folder_hides_another_module():
    """Streamlit puts the folder first on the path."""
    names = {path.stem for path in DASHBOARD.iterdir() if not path.name.startswith("_")}
    assert not names & (PACKAGES | set(sys.stdlib_module_names))
    assert not {path.stem for path in DASHBOARD.rglob("*.py")} & PACKAGES
    assert not (DASHBOARD / "pages").exists()


def test_each_page_is_a_file_named_as_its_address():
    files = {path.stem for path in (DASHBOARD / "views").glob("*.py")} - {"__init__"}
    assert files == set(PAGES) - {"data"} | {"data_and_methods"}


@pytest.mark.parametrize("folder", ["charts", "queries"])
def test_charts_and_queries_know_nothing_of_streamlit(folder):
    for path in (DASHBOARD / folder).glob("*.py"):
        assert "streamlit" not in _imports(path), path


def test_only_queries_hold_sql():
    for path in DASHBOARD.rglob("*.py"):
        if path.parent.name != "queries":
            assert not re.search(r"\bSELECT\b", path.read_text()), path


def test_nothing_is_fetched_from_elsewhere():
    for path in [
        *DASHBOARD.rglob("*.py"),
        *DASHBOARD.rglob("*.svg"),
        ROOT / ".streamlit/config.toml",
    ]:
        links = re.findall(r"https?://[^\s\"'>)]+", path.read_text())
        assert set(links) <= {"http://www.w3.org/2000/svg"} or path.name == "cli.py", path


def test_colours_of_the_theme_are_those_of_the_charts():
    from dashboard.theme import CATEGORICAL

    theme = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())["theme"]
    assert tuple(theme["chartCategoricalColors"]) == CATEGORICAL
    assert {"light", "dark"} <= set(theme)


def test_missing_store_is_told_before_a_server_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "serve", lambda *_, **__: pytest.fail("a server was started"))
    with pytest.raises(NotFoundError, match="raisonne demo"):
        cli.dashboard(store=str(tmp_path / "none.duckdb"))


def test_busy_port_is_told_with_its_fix(market_store):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortBusyError, match=f"port {port} is in use"):
            cli.serve(str(market_store), port)


def test_server_ends_with_the_command_that_started_it(market_store):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["dashboard", "--store", str(market_store), "--port", str(port)]
    command = subprocess.Popen(
        [sys.executable, "-m", "raisonne", *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert command.stdout.readline().startswith(f"dashboard: http://127.0.0.1:{port} ")
    assert cli._is_up(port, "127.0.0.1")
    command.terminate()
    assert command.wait(timeout=20) == 0
    assert not cli._is_taken(port, "127.0.0.1")


def test_server_that_cannot_start_is_told_and_not_left_behind(market_store, monkeypatch):
    monkeypatch.setattr(
        cli, "command", lambda *_, **__: [sys.executable, "-c", "raise SystemExit(3)"]
    )
    with pytest.raises(ServerError, match="ended with code 3 before it answered"):
        cli.serve(str(market_store), 18_765)


def test_server_gets_the_store_and_sends_no_statistics(tmp_path, monkeypatch):
    here = cli.command("s.duckdb", 8600)
    assert here[-3:] == ["--", "--store", "s.duckdb"]
    assert "--browser.gatherUsageStats=false" in here
    monkeypatch.chdir(tmp_path)
    away = cli.command("s.duckdb", 8600)
    assert f"--theme.base={ROOT / '.streamlit' / 'config.toml'}" in away


def _imports(path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found
