"""The entry script: page configuration, shared filters in the URL, navigation, footer.

The filters are drawn here and not in the pages, so that a link to a page and the Back button keep
them (measured on Streamlit 1.67).
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import streamlit as st

from dashboard import theme
from dashboard.context import Context, remember
from dashboard.queries.market import chains
from dashboard.queries.scope import WASH, WINDOWS
from dashboard.settings import store_url
from dashboard.source import CachedSource, leased_store
from dashboard.widgets import states
from data.errors import RaisonneError
from data.schema import SCHEMA_VERSION
from data.store import code_version

PAGES = {
    "Market": (
        ("market", "market.py", "candlestick_chart"),
        ("styles", "styles.py", "palette"),
        ("forecast", "forecast.py", "timeline"),
    ),
    "Curate": (
        ("signal", "signal.py", "graphic_eq"),
        ("provenance", "provenance.py", "account_tree"),
    ),
    "Make": (("studio", "studio.py", "brush"),),
    # A file named like the package `data` would hide it from scripts in its folder.
    "About": (("data", "data_and_methods.py", "verified"),),
}


SIDEBAR_PX = 316
"""Wide enough for the five windows in one row."""


def main() -> None:
    """Draws the frame and runs the page that was asked for."""
    st.set_page_config(
        page_title="Raisonné",
        page_icon=theme.MARK,
        layout="wide",
        initial_sidebar_state=SIDEBAR_PX,
    )
    st.logo(theme.WORDMARK, size="large")
    page = st.navigation(
        {
            section: [
                st.Page(
                    f"views/{file}",
                    title=name.capitalize(),
                    icon=f":material/{icon}:",
                    url_path=name,
                    default=name == "market",
                )
                for name, file, icon in pages
            ]
            for section, pages in PAGES.items()
        },
        expanded=True,
    )
    url = store_url(sys.argv[1:], os.environ)
    try:
        context = _context(url)
        remember(context)
        page.run()
    except RaisonneError as error:
        st.title(page.title, anchor=False)
        states.broken_store(error, url)
    _footer(url)


def _context(url: str) -> Context:
    source = CachedSource(leased_store(url))
    known = chains(source)
    with st.sidebar:
        # The URL carries what an option is displayed as, so chains are displayed as their ids.
        chain = st.selectbox(
            "Chain",
            [str(chain_id) for chain_id in known["chain_id"]],
            placeholder="Nothing indexed",
            key="chain",
            bind="query-params",
            help=", ".join(f"{chain_id}: {theme.chain_name(chain_id)}" for chain_id in
                           known["chain_id"]) or None,
        )  # fmt: skip
        window = st.segmented_control(
            "Window", list(WINDOWS), default="30d", required=True, key="window",
            bind="query-params", help="Ends with the newest block in the store, not with today.",
        )  # fmt: skip
        ccy = st.segmented_control(
            "Currency", ["ETH", "USD"], default="ETH", required=True, key="ccy",
            bind="query-params", help="ETH is what was paid; USD is its value at block time.",
        )  # fmt: skip
        wash = st.segmented_control(
            "Flagged sales", WASH, default="flag", required=True, key="wash", bind="query-params",
            help="flag: drawn in grey, counted in no figure; hide: left out; show: counted.",
        )  # fmt: skip
        context = Context(source, window, ccy, wash)
        row = known.filter(known["chain_id"] == int(chain)) if chain else known.clear()
        if row.height and row["newest_at"][0] is not None:
            context = replace(context, **row.drop("sales").row(0, named=True))
        _freshness(context)
    return context


def _freshness(context: Context) -> None:
    if not context.is_indexed:
        st.badge("Nothing indexed", icon=":material/schedule:", color="gray")
        return
    behind = datetime.now(UTC).replace(tzinfo=None) - context.newest_at
    color: Literal["blue", "green", "orange", "gray"] = "gray"
    words = f"{theme.age(behind)} ago"
    if behind < timedelta(0):
        color, words = "blue", "simulated time"
    elif behind < timedelta(days=2):
        color = "green" if behind < timedelta(minutes=15) else "orange"
    st.badge(f"Block {context.newest_block:,} · {words}", icon=":material/schedule:", color=color)
    st.caption(f"Data as of {theme.when(context.newest_at)}")


def _footer(url: str) -> None:
    st.divider()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link(
            "views/data_and_methods.py", label="How is this computed?", icon=":material/function:"
        )
        st.text(f"Raisonné {code_version()} · store {url} (schema {SCHEMA_VERSION}) · times in UTC")


main()
