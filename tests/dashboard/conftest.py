"""A hand-made store, an empty one, and a way to open a page of the real application."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.store import Store
from tests.dashboard.market import Market, build

ROOT = Path(__file__).parents[2]
APP = ROOT / "dashboard" / "app.py"
PAGES = {
    "market": "views/market.py",
    "styles": "views/styles.py",
    "forecast": "views/forecast.py",
    "signal": "views/signal.py",
    "provenance": "views/provenance.py",
    "studio": "views/studio.py",
    "data": "views/data_and_methods.py",
}


@pytest.fixture(scope="session")
def market_rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Market]:
    path = tmp_path_factory.mktemp("market") / "market.duckdb"
    return path, build(path)


@pytest.fixture(scope="session")
def market_store(market_rows: tuple[Path, Market]) -> Path:
    return market_rows[0]


@pytest.fixture(scope="session")
def sales(market_rows: tuple[Path, Market]) -> pl.DataFrame:
    """Sales with their flag, from the drawn rows and not from the store."""
    market = market_rows[1]
    flags = market.frame("wash_flags").select("sale_id", "is_wash", "rules")
    styles = market.frame("tokens").select("token_id", "style", "creator")
    return market.frame("sales").join(flags, on="sale_id").join(styles, on="token_id")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "empty.duckdb"
    Store.open(path).close()
    return path


class Browser:
    """Opens pages of the real application; pages that are only looked at are opened once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seen: dict[tuple, Any]) -> None:
        self._monkeypatch = monkeypatch
        self._seen = seen

    def __call__(self, store: Path | str, page: str, **parameters: str) -> Any:
        """The page as somebody else may have opened it before; not to be clicked on."""
        place = (str(store), page, *sorted(parameters.items()))
        if place not in self._seen:
            self._seen[place] = self.fresh(store, page, **parameters)
        return self._seen[place]

    def fresh(self, store: Path | str, page: str, **parameters: str) -> Any:
        """The page in a session of its own."""
        from streamlit.testing.v1 import AppTest

        # Streamlit puts the page in the place of the main module, which processes that later tests
        # spawn would run.
        self._monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
        self._monkeypatch.setenv("RAISONNE_STORE", str(store))
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in parameters.items():
            app.query_params[name] = value
        if page == "data":  # its file has another name than its address: run once to learn that
            app.run()
        if page != "market":
            app.switch_page(PAGES[page])
        return app.run()


@pytest.fixture(scope="session")
def seen_pages() -> dict[tuple, Any]:
    return {}


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, seen_pages: dict[tuple, Any]) -> Browser:
    return Browser(monkeypatch, seen_pages)


def figures(app: Any) -> list[dict[str, Any]]:
    """The plotly figures of a page as plain dictionaries, with their alt text."""
    found = []
    for element in app.get("plotly_chart"):
        proto = element.proto
        found.append({"alt": proto.alt, **json.loads(proto.spec)})
    return found


def metric(app: Any, label: str) -> Any:
    """The metric card of that name."""
    return next(card for card in app.metric if card.label == label)
