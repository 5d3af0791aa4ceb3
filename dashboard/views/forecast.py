"""Forecast: what will sell, and can the forecast be believed?"""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboard import theme
from dashboard.context import Context, current
from dashboard.queries import forecasts as ask
from dashboard.widgets import states
from dashboard.widgets.block import Block, chart_block, table_block
from dashboard.widgets.cards import Metric, metrics

TARGETS = {"clean_sales": "clean sales", "median_price_eth": "median price"}
# Weeks of history below which a fan is not drawn.
MIN_WEEKS = 5


def render(page: Context) -> None:
    """Draws the page."""
    st.title("Forecast", anchor=False)
    if not page.is_indexed:
        states.no_chain()
        return
    series = ask.forecast_series(page.source, page.chain_id)
    if series.is_empty():
        states.no_forecasts()
        return
    run = ask.last_run(page.source, "forecast")
    made = f" Made {theme.when(run['finished_at'])}." if run else ""
    st.caption(
        f"Weekly series by style, chosen by rolling backtest; whole index, clean sales only.{made}"
    )
    chosen = st.selectbox(
        "Series", series["unique_id"].to_list(), key="series", bind="query-params",
        help="Style and what is forecast: clean sales per week, or the median price in ETH.",
    )  # fmt: skip
    row = series.filter(pl.col("unique_id") == chosen).row(0, named=True)
    _verdict(row)
    _cards(row)
    _fan(page, row)
    _backtest(page, row)
    _overview(series)


def _verdict(row: dict[str, Any]) -> None:
    if row["beats_naive"] is None:
        st.info(
            "This series has no backtest beside it, so nothing says how far it can be trusted.",
            icon=":material/help:",
        )
    elif not row["beats_naive"]:
        st.warning(
            "This forecast does not beat seasonal naive: repeating the past did at least as well "
            "in the backtest. Read it as a range, not as news.",
            icon=":material/report:",
        )
    else:
        st.success(
            f"In the backtest this model's error was {theme.percent(row['skill'])} below that of "
            "seasonal naive.",
            icon=":material/check_circle:",
        )


def _cards(row: dict[str, Any]) -> None:
    unit = "ETH" if row["target"] == "median_price_eth" else "works"
    windows = f"{row['n_windows']:,} rolling origins" if row["n_windows"] else None
    metrics(
        (
            Metric("Skill", theme.percent(row["skill"]), beneath="against seasonal naive"),
            Metric("MASE", "–" if row["mase"] is None else f"{row['mase']:.2f}",
                   beneath=f"MAE {theme.number(row['mae'])} {unit}"),
            Metric("Coverage 80 %", theme.percent(row["coverage_80"]), beneath="should be 80 %"),
            Metric("Coverage 95 %", theme.percent(row["coverage_95"]), beneath="should be 95 %"),
        )
    )  # fmt: skip
    if windows:
        st.caption(f"Model {theme.plain(row['model'])}, {windows}.")


def _fan(page: Context, row: dict[str, Any]) -> None:
    from dashboard.charts.forecast import fan

    past = ask.forecast_history(page.source, page.chain_id, row["style"], row["target"])
    future = ask.forecast(page.source, page.chain_id, row["unique_id"])
    if past.height and past.height < MIN_WEEKS:
        states.too_few("complete weeks", past.height, MIN_WEEKS)
        return
    end = future.row(-1, named=True)
    unit = "ETH" if row["target"] == "median_price_eth" else "works a week"
    style = theme.style_words(row["style"])
    known = past.filter(pl.col("value").is_not_null())
    gift = ""
    if row["target"] == "median_price_eth":
        gift = (
            f" Weeks without a sale have no price: {past.height - known.height} of {past.height}."
        )
        known = known.filter(pl.col("value") > 0)
    last = known["week"].to_list()[-1:]
    chart_block(
        Block(
            "fan",
            f"{style}: {theme.number(end['median'])} {unit} by {end['ds'].day} {end['ds']:%B}, "
            f"80 % between {theme.number(end['lo_80'])} and {theme.number(end['hi_80'])}",
            f"Dots are complete weeks, the last one {last[0] if last else 'unknown'}; "
            f"bands hold 50, 80 and 95 % of what the model expects.{gift}",
            f"Fan chart of {TARGETS.get(row['target'], row['target'])} of {row['style']}: history, "
            "median forecast and three bands",
            ("Coverage 80 %", "Coverage 95 %", "Skill"),
        ),
        fan(known, future, row["target"], theme.style_color(row["style"]), page.palette),
        future.drop("chain_id"),
    )


def _backtest(page: Context, row: dict[str, Any]) -> None:
    tests = ask.backtests(page.source, page.chain_id, row["unique_id"])
    if tests.is_empty():
        return
    table_block(
        Block(
            "backtests",
            "How every model did on the past",
            "Rolling origins; the selected model drew the fan. Coverage is the share of outcomes "
            "that fell inside the band.",
            "Table of backtests per model",
            ("Skill", "MASE", "Coverage 80 %", "Coverage 95 %"),
        ),
        tests,
        columns=_test_columns(),
    )


def _overview(series: pl.DataFrame) -> None:
    beaten = series.filter(pl.col("beats_naive")).height
    table_block(
        Block(
            "series",
            f"{beaten} of {theme.count(series.height, 'series', 'series')} beat seasonal naive",
            "Every series with its selected model.",
            "Table of all forecast series and their backtests",
        ),
        series,
        columns={
            "unique_id": st.column_config.TextColumn("Series", pinned=True),
            **_test_columns(),
        },
    )


def _test_columns() -> dict[str, Any]:
    return {
        "model": "Model",
        "selected": "Selected",
        "n_windows": "Origins",
        "horizon": "Horizon (weeks)",
        "mae": st.column_config.NumberColumn("MAE", format="%.4f"),
        "mase": st.column_config.NumberColumn("MASE", format="%.2f"),
        "skill": st.column_config.NumberColumn("Skill", format="percent"),
        "coverage_80": st.column_config.NumberColumn("Inside 80 %", format="percent"),
        "coverage_95": st.column_config.NumberColumn("Inside 95 %", format="percent"),
        "beats_naive": "Beats naive",
    }


if __name__ == "__main__":
    render(current())
