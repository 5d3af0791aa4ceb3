"""Data and methods: what is covered, how it balances, and what every word means."""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboard import theme
from dashboard.context import Context, current
from dashboard.definitions import DEFINITIONS
from dashboard.queries import health as ask
from dashboard.widgets import states
from dashboard.widgets.block import Block, chart_block, table_block
from dashboard.widgets.cards import Metric, metrics
from data.schema import TABLES


def render(page: Context) -> None:
    """Draws the page; the words are there even when the store is empty."""
    st.title("Data", anchor=False)
    st.caption("What the index covers, how far it can be trusted, and how every figure is defined.")
    trust, words, tables = st.tabs(
        ["Coverage", "Definitions", "Tables"], key="part", bind="query-params"
    )
    with trust:
        if not page.is_indexed:
            states.no_chain()
        else:
            _health(page)
    with words:
        _definitions()
    with tables:
        _dictionary(page)


def _health(page: Context) -> None:
    spans = ask.coverage(page.source)
    balance = ask.residuals(page.source)
    aside = ask.quarantined(page.source)
    gaps = int(spans["gap_before"].drop_nulls().sum())
    covered = int((spans["to_block"] - spans["from_block"]).sum())
    sales, balanced = int(balance["sales"].sum()), int(balance["balanced"].sum())
    metrics(
        (
            Metric("Blocks covered", f"{covered:,}", beneath=f"to block {page.newest_block:,}"),
            Metric("Gaps", f"{gaps:,}", beneath="blocks missing" if gaps else "nothing missing"),
            Metric("Sales that balance", f"{balanced:,}", beneath=f"of {sales:,}, to the wei"),
            Metric("Set aside", f"{int(aside['logs'].sum()):,}", beneath="logs, with the reason"),
        )
    )
    if spans.height:
        _coverage(page, spans, gaps)
    _balance(balance)
    _quarantine(aside)
    _runs(page)
    _digest(page)


def _coverage(page: Context, spans: pl.DataFrame, gaps: int) -> None:
    from dashboard.charts.coverage import coverage

    title = "Every block in between is covered"
    if gaps:
        title = f"{theme.count(gaps, 'block')} in between are not covered"
    chart_block(
        Block(
            "coverage",
            title,
            "Committed ranges of blocks, merged; each carries evidence that nothing is missing "
            "(table `ranges`). Blank is a gap: run `raisonne index` over it.",
            "Bars of covered blocks per chain and selection",
            ("Blocks covered", "Gaps"),
        ),
        coverage(spans, page.palette),
        spans,
    )


def _balance(balance: pl.DataFrame) -> None:
    if balance.is_empty():
        return
    off = int(balance["off_by_some_wei"].sum())
    title = f"{theme.count(off, 'sale')} do not balance" if off else "Every known sale balances"
    table_block(
        Block(
            "residuals",
            title,
            "What buyers paid against all legs, per protocol. Not known: a leg cannot be read from "
            "what is indexed, and is not guessed.",
            "Table of sales and residuals per protocol",
            ("Residual", "Sales that balance"),
        ),
        balance,
        columns={
            "not_known_share": st.column_config.NumberColumn("Share not known", format="percent"),
            "off_by_some_wei": "Off by some wei",
            "usual_reason": st.column_config.TextColumn("Usual reason", width="large"),
        },
    )


def _quarantine(aside: pl.DataFrame) -> None:
    if aside.is_empty():
        st.caption("Quarantine is empty: every matched log became a fact.")
        return
    table_block(
        Block(
            "quarantine",
            f"{theme.count(int(aside['logs'].sum()), 'log')} set aside",
            "Logs that could not become facts; they are kept whole in table `quarantine`.",
            "Table of quarantined logs by reason",
            ("Set aside",),
        ),
        aside,
    )


def _runs(page: Context) -> None:
    runs = ask.runs(page.source)
    if runs.is_empty():
        return
    newest = runs.row(0, named=True)
    table_block(
        Block(
            "runs",
            f"Last written by {theme.plain(newest['verb'])}, {theme.when(newest['finished_at'])}",
            "The last 50 runs that wrote to the store.",
            "Table of the last runs",
        ),
        runs,
    )


@st.fragment
def _digest(page: Context) -> None:
    st.subheader("The digest proves two stores equal", anchor=False)
    st.caption(
        "SHA-256 over logs, facts and links, each table sorted by its key: the same logs give the "
        "same digest, in whatever order they came. Reads every row, so it is made on request."
    )
    if st.button("Compute the digest", key="digest", icon=":material/fingerprint:"):
        with st.spinner("Hashing every row"):
            digest = page.source.digest()
        st.dataframe(
            pl.DataFrame({"table": list(digest), "sha256": list(digest.values())}),
            hide_index=True,
            alt="Table of SHA-256 per table",
        )
    st.code("raisonne status --digest", language="bash")


def _definitions() -> None:
    st.caption("How flagged sales are treated is part of each definition.")
    st.table(
        pl.DataFrame(
            {
                "Metric": [f"**{definition.name}**" for definition in DEFINITIONS],
                "Meaning": [definition.meaning for definition in DEFINITIONS],
                "Flagged sales": [definition.wash for definition in DEFINITIONS],
                "Tables": [definition.source for definition in DEFINITIONS],
            }
        ),
        border="horizontal",
        hide_index=True,
        alt="Table of metric definitions",
    )


def _dictionary(page: Context) -> None:
    counts = ask.row_counts(page.source)
    rows = dict(counts.select("table", "rows").iter_rows())
    table_block(
        Block(
            "tables",
            f"{len(TABLES)} tables, {theme.count(sum(rows.values()), 'row')}",
            "Evidence is what the chain said; facts and links are derived from it; signals are "
            "rebuilt; records are kept.",
            "Table of tables with kind, rows and meaning",
        ),
        pl.DataFrame(
            {
                "Table": list(TABLES),
                "Kind": [declared.kind for declared in TABLES.values()],
                "Rows": [rows[name] for name in TABLES],
                "Meaning": [declared.meaning for declared in TABLES.values()],
                "Key": [", ".join(declared.key) for declared in TABLES.values()],
            }
        ),
        columns={"Meaning": st.column_config.TextColumn(width="large")},
    )
    _columns()


@st.fragment
def _columns() -> None:
    name = st.selectbox("Columns of", list(TABLES), key="table", bind="query-params")
    columns = TABLES[name].columns
    table_block(
        Block(f"columns_{name}", "", TABLES[name].meaning, f"Table of the columns of {name}"),
        pl.DataFrame(
            {
                "Column": [column.name for column in columns],
                "Type": [column.type.name for column in columns],
                "Unit": [column.unit for column in columns],
                "Meaning": [column.meaning for column in columns],
            }
        ),
        columns={"Meaning": st.column_config.TextColumn(width="large")},
    )


if __name__ == "__main__":
    render(current())
