"""Signal: why was this flagged, what is left without it, and who is loved beyond volume?"""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboard import theme
from dashboard.context import Context, current
from dashboard.queries import market
from dashboard.queries import wash as ask
from dashboard.queries.scope import MAX_ROWS, RULES
from dashboard.widgets import states
from dashboard.widgets.block import Block, chart_block, table_block
from dashboard.widgets.cards import Metric, metrics

# Clean sales below which an artist's breadth is chance.
MIN_SALES = 5


def render(page: Context) -> None:
    """Draws the page."""
    st.title("Signal", anchor=False)
    if not page.is_indexed:
        states.no_chain()
        return
    totals = market.market_totals(page.source, page.scope)
    if not totals["raw_sales"]:
        states.no_sales(page.window)
        return
    if totals["unevaluated"] == totals["raw_sales"]:
        states.no_signals()
        return
    st.caption("A flag names a pattern of trades; it is no accusation. Every flag shows its rules.")
    _cards(page, totals)
    if totals["unevaluated"]:
        states.unevaluated(totals["unevaluated"])
    left, right = st.columns(2, gap="large")
    with left:
        _rules(page)
    with right:
        _before_after(page, totals)
    _breadth(page)
    _evidence(page)


def _cards(page: Context, totals: dict[str, Any]) -> None:
    share = totals["flagged_volume"] / totals["raw_volume"] if totals["raw_volume"] else None
    metrics(
        (
            Metric("Flagged sales", f"{totals['flagged_sales']:,}",
                   beneath=f"of {theme.count(totals['raw_sales'], 'sale')}"),
            Metric("Wash share", theme.percent(share), beneath="of raw volume"),
            Metric("Raw volume", theme.money(totals["raw_volume"], page.ccy),
                   beneath="all sales"),
            Metric("Clean volume", theme.money(totals["clean_volume"], page.ccy),
                   beneath="without a flag"),
            Metric("Flagged volume", theme.money(totals["flagged_volume"], page.ccy),
                   beneath="with a flag"),
        )
    )  # fmt: skip


def _rules(page: Context) -> None:
    from dashboard.charts.wash import rule_hits

    rules = ask.wash_rules(page.source, page.scope)
    top = rules.sort("sales", descending=True).row(0, named=True)
    title = f"Most flags: {RULES[top['rule']].lower()}" if top["sales"] else "No rule holds"
    chart_block(
        Block(
            "wash_rules",
            title,
            "Sales that each of Dune's five rules flags; a sale may break several. A rule without "
            "its input (funding, flash loans) is not evaluated rather than counted as 0.",
            "Bars of flagged sales per rule",
            ("Flagged sales", "Flagged volume"),
        ),
        rule_hits(rules, page.palette),
        rules,
    )


def _before_after(page: Context, totals: dict[str, Any]) -> None:
    from dashboard.charts.wash import before_after

    styles = ask.wash_by_style(page.source, page.scope)
    moved = styles.filter(pl.col("raw_rank") != pl.col("clean_rank")).height
    chart_block(
        Block(
            "wash_styles",
            _ranks(moved),
            f"Volume per style before and after the rules: "
            f"{theme.money(totals['raw_volume'], page.ccy)} raw, "
            f"{theme.money(totals['clean_volume'], page.ccy)} clean.",
            f"Stacked bars of clean and flagged volume per style in {page.ccy}",
            ("Clean volume", "Raw volume", "Flagged volume"),
        ),
        before_after(styles, page.ccy, page.palette),
        styles,
    )


def _ranks(moved: int) -> str:
    if not moved:
        return "Every style keeps its rank without the flagged sales"
    return f"{theme.count(moved, 'style')} change rank without the flagged sales".replace(
        "1 style change", "1 style changes"
    )


def _breadth(page: Context) -> None:
    from dashboard.charts.wash import breadth

    artists = ask.artist_breadth(page.source, page.scope, MIN_SALES)
    if artists.is_empty():
        states.too_few(f"artists with {MIN_SALES} clean sales", 0, 1)
        return
    unseen = artists.filter((pl.col("volume_percentile") < 50) & (pl.col("breadth") > 0.5)).height
    chart_block(
        Block(
            "breadth",
            f"{theme.count(unseen, 'artist')} sell{'s' if unseen == 1 else ''} broadly below the "
            "median volume",
            f"One dot per artist with at least {MIN_SALES} clean sales in the window, its size by "
            "their number. Right is much raw volume; up is many different buyers. Attention "
            "follows volume; upper left is what it overlooks.",
            f"Scatter of {artists.height} artists: raw volume percentile against distinct buyers "
            "per clean sale",
            ("Volume percentile", "Breadth"),
        ),
        breadth(artists, page.palette),
        artists,
    )


@st.fragment
def _evidence(page: Context) -> None:
    flagged = ask.flagged_sales(page.source, page.scope, MAX_ROWS)
    if flagged.is_empty():
        st.subheader("No sale of this window is flagged", anchor=False)
        return
    price = st.column_config.NumberColumn(f"Price ({page.ccy})", format="%.4f")
    table_block(
        Block(
            "flagged",
            f"The evidence: {theme.count(flagged.height, 'flagged sale')}",
            "Dearest first, with the rules that hold and the counter-trades they rest on.",
            "Table of flagged sales with rules and counter-trades",
            ("Flagged sales",),
        ),
        flagged.with_columns(counter_trades=pl.col("counter_sale_ids").str.split(",").list.len()),
        export=lambda: ask.flagged_sales(page.source.store, page.scope),
        columns={
            "block_time": st.column_config.DatetimeColumn("Time (UTC)", format="YYYY-MM-DD HH:mm"),
            "price": price,
            "token_id": "Token",
            "rules": st.column_config.TextColumn("Rules", width="medium"),
            "counter_sale_ids": None,
            "sale_id": None,
            "counter_trades": "Counter-trades",
        },
    )
    _counter_trades(page, flagged, price)


def _counter_trades(page: Context, flagged: pl.DataFrame, price: object) -> None:
    labels = {
        row["sale_id"]: f"{row['block_time']:%Y-%m-%d %H:%M} · "
        f"{theme.token_name(row['name'], row['token_id'])} · "
        f"{theme.money(row['price'], page.ccy)} · {theme.address(row['tx_hash'])}"
        for row in flagged.head(200).iter_rows(named=True)
    }
    chosen = st.selectbox(
        "Look into a flagged sale",
        list(labels),
        format_func=lambda key: labels.get(key, str(key)),
        key="flagged_sale",
    )
    row = flagged.filter(pl.col("sale_id") == chosen).row(0, named=True)
    words = [RULES.get(rule, rule) for rule in (row["rules"] or "").split(",") if rule]
    st.markdown(f"Flagged because: **{', '.join(words).lower()}**.")
    counters = [identity for identity in (row["counter_sale_ids"] or "").split(",") if identity]
    trades = ask.sales_by_id(page.source, page.chain_id, [chosen, *counters], page.ccy)
    table_block(
        Block("counter_trades", "", "The sale and its counter-trades, in order of time."),
        trades,
        columns={
            "block_time": st.column_config.DatetimeColumn("Time (UTC)", format="YYYY-MM-DD HH:mm"),
            "price": price,
            "sale_id": None,
        },
    )


if __name__ == "__main__":
    render(current())
