"""The real server in a real browser: no exception, no console error, filters in the address.

Skipped by name where Debian's chromium is missing.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.dashboard.conftest import PAGES
from tests.dashboard.market import ARTWORK, CHAIN, build

CHROMIUM = shutil.which("chromium")
LIMIT_MS = 45_000
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


class Visit:
    """A page of the browser with everything it complained about."""

    def __init__(self, page: Any, home: str) -> None:
        self.page = page
        self.home = home
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._watch)

    def _listen(self, message: Any) -> None:
        # Streamlit looks for its endpoints beneath the page's own path first, and gets a 404.
        probe = "/_stcore/" in (message.location or {}).get("url", "")
        if message.type == "error" and not probe:
            self.complaints.append(f"{message.text} ({message.location})")
        if "WebGL" in message.text and "context" in message.text:
            self.complaints.append(message.text)

    def _watch(self, request: Any) -> None:
        if not request.url.startswith((self.home, "data:", "blob:", "ws")):
            self.strangers.append(request.url)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.home}/{path}")
        self.settle()

    def settle(self) -> None:
        """Waits until the script has run and its title stands."""
        self.page.locator('[data-testid="stHeading"] h1').first.wait_for(timeout=LIMIT_MS)
        self.page.wait_for_selector(
            '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=LIMIT_MS
        )

    def title(self) -> str:
        return self.page.locator("h1").first.inner_text()

    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.page.url).query)

    def choose(self, label: str) -> None:
        """Clicks an option of a segmented control in the sidebar."""
        self.page.locator('[data-testid="stSidebar"]').get_by_role(
            "radio", name=label, exact=True
        ).click()
        self.settle()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from dashboard.cli import address, serving

    path = tmp_path_factory.mktemp("browser") / "market.duckdb"
    build(path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(str(path), port):
        yield address(port)


@pytest.fixture(scope="module")
def visit(home: str) -> Iterator[Visit]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 844})
        yield Visit(page, home)
        browser.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_opens_without_a_complaint_and_fits_a_phone(visit: Visit, name: str) -> None:
    visit.complaints.clear()
    visit.open("" if name == "market" else name)
    assert visit.title() == name.capitalize()
    if name not in ("studio",):
        visit.page.locator('[data-testid="stPlotlyChart"]').first.wait_for(timeout=LIMIT_MS)
        visit.page.locator(".main-svg").first.wait_for(timeout=LIMIT_MS)
    assert visit.page.locator('[data-testid="stException"]').count() == 0
    assert visit.complaints == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_filters_live_in_the_address_and_survive_reload_navigation_and_back(visit: Visit) -> None:
    from playwright.sync_api import expect

    page = visit.page
    page.set_viewport_size({"width": 1440, "height": 900})
    visit.open("?window=7d&wash=hide")
    chosen = page.locator('[data-testid="stSidebar"] [role="radio"][aria-checked="true"]')
    expect(chosen).to_have_text(["7d", "ETH", "hide"], timeout=LIMIT_MS)
    visit.choose("90d")
    page.wait_for_url("**window=90d**")
    visit.choose("flag")
    page.wait_for_function("!location.search.includes('wash')")
    page.reload()
    visit.settle()
    expect(chosen).to_have_text(["90d", "ETH", "flag"], timeout=LIMIT_MS)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Signal").click()
    page.get_by_role("heading", name="Signal", exact=True).wait_for(timeout=LIMIT_MS)
    assert urlsplit(page.url).path == "/signal"
    assert visit.query() == {"window": ["90d"]}
    page.go_back()
    page.get_by_role("heading", name="Market", exact=True).wait_for(timeout=LIMIT_MS)
    assert visit.query() == {"window": ["90d"]}


def test_export_saves_the_named_file_with_every_row(visit: Visit, tmp_path: Path) -> None:
    if "90d" not in visit.page.url:
        visit.open("?window=90d")
    block = visit.page.locator('[data-testid="stExpander"]').first
    block.get_by_text("Show table").click()
    with visit.page.expect_download(timeout=LIMIT_MS) as waiting:
        block.get_by_role("button", name="Export filtered rows (CSV)").click()
    saved = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(saved)
    assert saved.name == "raisonne-prices.csv"
    assert len(saved.read_text().splitlines()) == 1 + 317


def test_work_of_the_address_is_shown_with_its_graph(visit: Visit) -> None:
    visit.complaints.clear()
    visit.open(f"provenance?root={CHAIN}:{ARTWORK}:5")
    visit.page.get_by_text(f"{CHAIN}:{ARTWORK}:5").first.wait_for(timeout=LIMIT_MS)
    graph = visit.page.get_by_test_id("stEChartsChart")
    graph.scroll_into_view_if_needed()
    graph.locator("canvas").first.wait_for(timeout=LIMIT_MS)
    assert visit.complaints == []


def test_nothing_was_fetched_from_elsewhere(visit: Visit) -> None:
    assert visit.strangers == []
