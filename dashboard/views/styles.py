"""Styles: which sell, at what price, and is it more than one buyer?"""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboard import theme
from dashboard.context import Context, current
from dashboard.queries import styles as ask
from dashboard.widgets import states
from dashboard.widgets.block import Block, chart_block, table_block

# Below the first a statistic is greyed, below the second it is not shown.
MIN_GREY, MIN_SHOWN = 10, 5


def render(page: Context) -> None:
    """Draws the page."""
    st.title("Styles", anchor=False)
    if not page.is_indexed:
        states.no_chain()
        return
    signals = ask.style_signals(page.source, page.chain_id)
    if signals.is_empty():
        states.no_signals()
        return
    st.caption("Which styles sell, how steadily, and at what price.")
    _table(signals)
    _weeks(page)
    _prices(page)


def _table(signals: pl.DataFrame) -> None:
    best = signals.filter(pl.col("clean_sales") >= MIN_SHOWN).sort(
        "sell_through", descending=True, nulls_last=True
    )
    title = "What each style has sold"
    if best.height and best["sell_through"][0] is not None:
        title = (
            f"{theme.style_words(best['style'][0])} finds a buyer most often: "
            f"{theme.percent(best['sell_through'][0])} within 28 days of listing"
        )
    table_block(
        Block(
            "style_signals",
            title,
            "Over the whole index, not the window; flagged sales are left out.",
            "Table of the signals of each style",
            ("Sell-through", "Momentum", "Breadth", "Buyer concentration", "Clean volume"),
        ),
        signals.drop("chain_id"),
        columns={
            "style": st.column_config.TextColumn("Style", pinned=True),
            "works": st.column_config.NumberColumn("Works"),
            "listed": st.column_config.NumberColumn("Listed"),
            "sold": st.column_config.NumberColumn("Sold"),
            "sell_through": st.column_config.ProgressColumn(
                "Sell-through", width=110, format="percent", min_value=0, max_value=1
            ),
            "clean_sales": st.column_config.NumberColumn("Sales"),
            "clean_volume_eth": st.column_config.NumberColumn("Volume (ETH)", format="%.2f"),
            "flagged_volume_eth": st.column_config.NumberColumn("Flagged (ETH)", format="%.2f"),
            "median_price_eth": st.column_config.NumberColumn("Median (ETH)", format="%.4f"),
            "buyers": st.column_config.NumberColumn("Buyers"),
            "breadth": st.column_config.NumberColumn("Breadth", format="%.2f"),
            "buyer_hhi": st.column_config.NumberColumn("Buyer HHI", format="%.0f"),
            "momentum": st.column_config.NumberColumn("Momentum", format="%.2f"),
        },
    )


def _weeks(page: Context) -> None:
    from dashboard.charts.styles import MAX_PANELS, weekly_sales

    weeks = ask.style_weeks(page.source, page.chain_id, page.scope.since)
    if weeks.is_empty():
        states.no_sales(page.window)
        return
    styles = weeks["style"].n_unique()
    total = weeks.group_by("style").agg(pl.col("clean_sales").sum()).sort(
        ["clean_sales", "style"], descending=[True, False]
    )  # fmt: skip
    leader = theme.style_words(total["style"][0])
    cut = f" The {MAX_PANELS} best of {styles} styles are drawn." if styles > MAX_PANELS else ""
    chart_block(
        Block(
            "style_weeks",
            f"{leader} sells most: {theme.count(total['clean_sales'][0], 'clean sale')}",
            "Clean sales per week on one scale, in the window; a hollow dot is a week that is not "
            f"over.{cut}",
            f"Small multiples of clean sales per week for {min(styles, MAX_PANELS)} styles",
            ("Sales", "Flagged sales"),
        ),
        weekly_sales(weeks, page.palette),
        weeks,
    )


def _prices(page: Context) -> None:
    from dashboard.charts.styles import price_spread

    prices = ask.style_prices(page.source, page.scope)
    shown = prices.filter(pl.col("n") >= MIN_SHOWN)
    if shown.is_empty():
        states.too_few("priced sales by style", int(prices["n"].sum()), MIN_SHOWN)
        return
    hidden = prices.height - shown.height
    dear = shown.row(-1, named=True)
    note = (
        f" {theme.count(hidden, 'style')} with fewer than {MIN_SHOWN} sales left out."
        if hidden
        else ""
    )
    chart_block(
        Block(
            "style_prices",
            f"{theme.style_words(dear['style'])} is dearest, at a median of "
            f"{theme.money(dear['median_price'], page.ccy)}",
            f"Median and middle half of the unit prices in the window; grey where n < {MIN_GREY}."
            f"{note} {page.wash_note}",
            f"Median price with interquartile range for {shown.height} styles on a log axis",
            ("Median price",),
        ),
        price_spread(shown, page.ccy, MIN_GREY, page.palette),
        prices,
    )


if __name__ == "__main__":
    render(current())
