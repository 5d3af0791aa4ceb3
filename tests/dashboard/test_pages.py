"""Every page, on a store with everything and on an empty one."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from tests.dashboard.conftest import PAGES, figures
from tests.dashboard.market import HOSTILE_NAME

pytest.importorskip("streamlit")
MAX_POINTS, MAX_GL = 10_000, 4


def points(trace: dict[str, Any]) -> int:
    """Points of a trace, whether its arrays are lists or packed."""
    sizes = []
    for axis in ("x", "y", "z"):
        values = trace.get(axis)
        if isinstance(values, dict):
            packed = np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])
            sizes.append(packed.size)
        elif values is not None:
            sizes.append(len(values))
    return max(sizes, default=0)


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_its_title_and_no_exception(open_page, market_store, page):
    app = open_page(market_store, page)
    assert not app.exception
    assert [title.value for title in app.title] == [page.capitalize()]


@pytest.mark.parametrize("page", PAGES)
def test_empty_store_gives_a_command_and_no_chart(open_page, empty_store, page):
    app = open_page(empty_store, page)
    assert not app.exception
    assert app.title[0].value == page.capitalize()
    assert not app.get("plotly_chart")
    assert any("raisonne demo" in code.value for code in app.code)


@pytest.mark.parametrize("page", PAGES)
def test_charts_can_be_read_without_seeing_them(open_page, market_store, page):
    drawn = figures(open_page(market_store, page))
    for figure in drawn:
        assert len(figure["alt"]) > 20
        assert sum(points(trace) for trace in figure["data"]) <= MAX_POINTS
        axes = [axis for name, axis in figure["layout"].items() if name[1:5] == "axis"]
        assert any("(" in axis.get("title", {}).get("text", "") for axis in axes), figure["alt"]
    gl = sum(trace["type"].endswith("gl") for figure in drawn for trace in figure["data"])
    assert gl <= MAX_GL


@pytest.mark.parametrize("page", sorted(set(PAGES) - {"studio", "data"}))
def test_every_chart_has_its_table_and_both_exports(open_page, market_store, page):
    app = open_page(market_store, page)
    tables = [box for box in app.expander if box.label == "Show table"]
    assert len(tables) == len(app.get("plotly_chart"))
    for table in tables:
        assert len(table.dataframe) == 1
        labels = {button.label for button in table.get("download_button")}
        assert labels == {"Export filtered rows (CSV)", "Export filtered rows (Parquet)"}


@pytest.mark.parametrize("page", PAGES)
def test_every_table_has_an_alternative_text(open_page, market_store, page):
    for table in open_page(market_store, page).dataframe:
        assert len(table.proto.alt) > 10


@pytest.mark.parametrize("page", PAGES)
def test_foreign_names_never_reach_markdown_unescaped(open_page, market_store, page):
    """A work is named with markup; it may stand in tables and plain text only."""
    root = {"root": f"31337:0x{'a7' * 20}:1"} if page == "provenance" else {}
    app = open_page(market_store, page, **root)
    for kind in ("markdown", "caption", "subheader", "title"):
        assert all("<b>" not in element.value for element in app.get(kind))
    for figure in figures(app):
        assert HOSTILE_NAME not in str(figure["data"])


@pytest.mark.parametrize("name", ["window", "ccy", "wash", "chain"])
def test_bad_filter_in_the_url_falls_back_to_the_default(open_page, market_store, name):
    app = open_page(market_store, "market", **{name: "nonsense"})
    assert not app.exception
    assert (app.session_state["window"], app.session_state["wash"]) == ("30d", "flag")
    assert (app.session_state["ccy"], app.session_state["chain"]) == ("ETH", "31337")


def test_filters_of_a_deep_link_survive_a_change_of_page(open_page, market_store):
    app = open_page.fresh(market_store, "market", window="all", wash="hide", ccy="USD")
    app.switch_page(PAGES["signal"]).run()
    assert app.title[0].value == "Signal"
    state = app.session_state
    assert (state["window"], state["wash"], state["ccy"]) == ("all", "hide", "USD")
