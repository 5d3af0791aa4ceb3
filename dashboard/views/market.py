"""Market: is it up, and is it real?"""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboard import theme
from dashboard.context import Context, current
from dashboard.queries import market as ask
from dashboard.queries.scope import MAX_DOTS, MAX_ROWS, WINDOWS
from dashboard.widgets import states
from dashboard.widgets.block import Block, chart_block, table_block
from dashboard.widgets.cards import Metric, metrics
from data.currencies import currencies

NOT_EVALUATED = "not evaluated"

GROUP_TITLES = {
    "style": "Styles",
    "artist": "Artists",
    "collection": "Collections",
    "marketplace": "Marketplaces",
}


def render(page: Context) -> None:
    """Draws the page."""
    st.title("Market", anchor=False)
    if not page.is_indexed:
        states.no_chain()
        return
    totals = ask.market_totals(page.source, page.scope)
    if not totals["raw_sales"]:
        states.no_sales(page.window)
        return
    st.caption(
        f"{theme.count(totals['raw_sales'], 'sale')} from {theme.when(totals['first_at'])} to "
        f"{theme.when(page.newest_at)}. {page.wash_note}"
    )
    days = ask.daily_volume(page.source, page.scope)
    floors = ask.floors(page.source, page.scope)
    _cards(page, totals, days, floors)
    if totals["unevaluated"]:
        states.unevaluated(totals["unevaluated"])
    _prices(page, totals, floors)
    _volume(page, totals, days)
    _leaders(page)
    _royalties(page)


def _cards(page: Context, totals: dict[str, Any], days: pl.DataFrame, floors: pl.DataFrame) -> None:
    ccy = page.ccy
    shown = page.wash == "show"
    before = _previous(page)
    volume = Metric(
        "Raw volume" if shown else "Clean volume",
        theme.money(totals["volume"], ccy),
        beneath=f"clean {theme.money(totals['clean_volume'], ccy)}"
        if shown
        else f"raw {theme.money(totals['raw_volume'], ccy)}",
        trend=(days["clean"] + days["flagged"] if shown else days["clean"]).to_list(),
    )
    floor = floors.row(-1, named=True) if floors.height else None
    metrics(
        (
            volume,
            Metric(
                "Sales",
                f"{totals['sales']:,}",
                *_against(totals, before, "sales", page),
                trend=days["sales"].to_list(),
            ),
            Metric(
                "Median price",
                theme.money(totals["median_price"], ccy),
                *_against(totals, before, "median_price", page),
                trend=floors["median_eth"].to_list() if floors.height > 1 else None,
            ),
            Metric(
                "Realised floor",
                theme.money(floor["realised_floor_eth"] if floor else None, "ETH"),
                beneath=f"{floor['window_days']} d, n = {floor['n_sales']:,}"
                if floor
                else "run: raisonne analyze all",
                trend=floors["realised_floor_eth"].to_list() if floors.height > 1 else None,
            ),
            Metric("Buyers", f"{totals['buyers']:,}", *_against(totals, before, "buyers", page)),
            Metric("Sellers", f"{totals['sellers']:,}", *_against(totals, before, "sellers", page)),
            Metric(
                "Wash share",
                theme.percent(totals["flagged_volume"] / totals["raw_volume"])
                if totals["raw_volume"]
                else "–",
                beneath=f"of volume, {theme.count(totals['flagged_sales'], 'sale')}",
            ),
        )
    )


def _previous(page: Context) -> dict[str, Any] | None:
    """Totals of the window before, if the index reaches back far enough to compare."""
    if WINDOWS[page.window] is None:
        return None
    before = page.scope.previous()
    first = ask.first_sale_at(page.source, before.chain_id)
    if first is None or first > before.since:
        return None
    return ask.market_totals(page.source, before)


def _against(
    totals: dict[str, Any], before: dict[str, Any] | None, name: str, page: Context
) -> tuple[str | None, str | None]:
    """What stands beneath a metric: its remark and its change against the window before."""
    if not before or not before[name] or totals[name] is None:
        return (None, None)
    change = totals[name] / before[name] - 1
    return (f"vs previous {page.window}", f"{change * 100:+.0f} %")


def _prices(page: Context, totals: dict[str, Any], floors: pl.DataFrame) -> None:
    from dashboard.charts import prices

    drawn = ask.drawn_sales(page.source, page.scope)
    if not drawn:
        st.info(f"No sale of this window has a price in {page.ccy}.", icon=":material/price_check:")
        return
    lines = floors if page.ccy == "ETH" else None
    if drawn <= MAX_DOTS:
        figure = prices.price_dots(
            ask.sale_dots(page.source, page.scope), lines, page.ccy, page.palette
        )
        reduction = f"All {drawn:,} priced sales are drawn, one dot each."
    else:
        cells, extremes = ask.sale_density(page.source, page.scope)
        figure = prices.price_density(cells, extremes, lines, page.ccy, page.palette)
        reduction = (
            f"{drawn:,} sales are binned by time and log price; {extremes.height:,} of those "
            "outside the 1st to 99th percentile are drawn as dots."
        )
    left_out = []
    if totals["unpriced"]:
        left_out.append(f"{totals['unpriced']:,} without a price in {page.ccy}")
    if totals["free"]:
        left_out.append(f"{totals['free']:,} at price 0")
    missing = f" Left out: {' and '.join(left_out)}." if left_out else ""
    no_lines = " Median and floor lines are in ETH only." if lines is None else ""
    median = theme.money(totals["median_price"], page.ccy)
    chart_block(
        Block(
            "prices",
            f"Half of what sold went for more than {median}",
            f"{reduction}{missing}{no_lines} {page.wash_note}",
            f"Scatter of {drawn:,} sale prices in {page.ccy} on a log axis over time, with rolling "
            "median and realised floor",
            ("Median price", "Realised floor", "Flagged sales"),
        ),
        figure,
        ask.sale_rows(page.source, page.scope, MAX_ROWS),
        export=lambda: ask.sale_rows(page.source.store, page.scope),
    )


def _volume(page: Context, totals: dict[str, Any], days: pl.DataFrame) -> None:
    from dashboard.charts.volume import daily_volume

    share = totals["flagged_volume"] / totals["raw_volume"] if totals["raw_volume"] else 0
    title = {
        "hide": f"{theme.money(totals['clean_volume'], page.ccy)} changed hands without a flag",
        "flag": f"{theme.percent(share)} of the volume carries a wash flag",
        "show": f"{theme.money(totals['raw_volume'], page.ccy)} changed hands, flags included",
    }[page.wash]
    today = page.newest_at.date()
    hatched = "; the hatched day is not over yet" if today in days["day"] else ""
    chart_block(
        Block(
            "volume",
            title,
            f"Daily volume{hatched}. Clean "
            f"{theme.money(totals['clean_volume'], page.ccy)}, raw "
            f"{theme.money(totals['raw_volume'], page.ccy)}. {page.wash_note}",
            f"Stacked bars of clean and flagged volume per day in {page.ccy}",
            ("Clean volume", "Raw volume", "Flagged volume"),
        ),
        daily_volume(days, page.ccy, today, page.palette),
        days,
    )


def _leaders(page: Context) -> None:
    st.subheader("Who leads", anchor=False)
    group = st.segmented_control(
        "By",
        list(GROUP_TITLES),
        default="style",
        required=True,
        key="by",
        bind="query-params",
        label_visibility="collapsed",
    )
    rows = ask.leaders(page.source, page.scope, group)
    unit = f"{page.ccy}"
    table_block(
        Block(
            f"leaders_{group}",
            "",
            f"{GROUP_TITLES[group]} by volume in {unit}, with volume by week. {page.wash_note}",
            f"Table of {GROUP_TITLES[group].lower()} by volume",
            ("Clean volume", "Sales", "Median price", "Buyers", "Wash share"),
        ),
        rows,
        columns={
            "leader": st.column_config.TextColumn(GROUP_TITLES[group][:-1], pinned=True),
            "volume": st.column_config.NumberColumn(f"Volume ({unit})", format="%.3f"),
            "sales": st.column_config.NumberColumn("Sales"),
            "median_price": st.column_config.NumberColumn(f"Median price ({unit})", format="%.4f"),
            "buyers": st.column_config.NumberColumn("Buyers"),
            "flagged_share": st.column_config.NumberColumn("Wash share", format="percent"),
            "weekly": st.column_config.AreaChartColumn("Volume by week", y_min=0),
        },
    )


def _royalties(page: Context) -> None:
    rows = ask.royalty_rates(page.source, page.scope)
    if rows.is_empty():
        return
    known, sold = int(rows["sales_with_known_terms"].sum()), int(rows["sales"].sum())
    units = {address: each.symbol for (chain_id, address), each in currencies().items()
             if chain_id == page.scope.chain_id}  # fmt: skip
    percents = pl.col("effective_rate", "owed_rate").map_elements(
        theme.percent, return_dtype=pl.String
    )
    exact = pl.col("volume_wei", "owed_wei", "paid_wei", "gap_wei").cast(pl.String)
    table_block(
        Block(
            "royalties",
            "What marketplaces pay of the royalties owed",
            f"By month and currency, flagged sales included. The terms of {known:,} of {sold:,} "
            "sales are known; what rests on none is not evaluated.",
            "Table of royalty rates, owed and paid, by marketplace and month",
            ("Royalty rate", "Owed rate", "Royalty gap"),
        ),
        rows.with_columns(
            pl.col("currency").replace(units),
            percents.fill_null(NOT_EVALUATED),
            exact.fill_null(NOT_EVALUATED),
        ),
        export=lambda: ask.royalty_rates(page.source.store, page.scope),
        columns={
            "effective_rate": "Royalty rate",
            "volume_wei": "Volume (wei)",
            "owed_wei": "Owed (wei)",
            "paid_wei": "Paid (wei)",
            "gap_wei": "Gap (wei)",
        },
    )


if __name__ == "__main__":
    render(current())
