"""Styles side by side: weekly sales as small multiples, and prices with their spread."""

from __future__ import annotations

import math

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from dashboard.charts.base import new_figure
from dashboard.theme import Palette, number, style_color, style_label, translucent

MAX_PANELS = 12


def weekly_sales(weeks: pl.DataFrame, palette: Palette) -> go.Figure:
    """One figure with a panel per style on a common scale; an incomplete week is a hollow dot.

    Columns in: style, week, is_complete, clean_sales. At most MAX_PANELS styles, by sales.
    """
    best = (
        weeks.group_by("style").agg(pl.col("clean_sales").sum()).sort(
            ["clean_sales", "style"], descending=[True, False]
        )["style"].to_list()[:MAX_PANELS]
    )  # fmt: skip
    rows = max((len(best) + 1) // 2, 1)
    figure = make_subplots(
        rows=rows,
        cols=2,
        shared_xaxes=True,
        shared_yaxes=True,
        subplot_titles=[style_label(style) for style in best],
        vertical_spacing=0.32 / rows,
        horizontal_spacing=0.05,
    )
    for place, style in enumerate(best):
        _panel(figure, weeks.filter(pl.col("style") == style), style, place, palette)
    figure.update_layout(
        new_figure(palette, height=110 * rows + 60).layout.to_plotly_json(), showlegend=False
    )
    top = max(*weeks["clean_sales"].to_list(), 1)
    figure.update_yaxes(range=[0, top * 1.12], tickformat="d", nticks=4)
    figure.update_xaxes(showgrid=False, nticks=5)
    figure.update_yaxes(title_text="Clean sales per week", row=(rows + 1) // 2, col=1)
    figure.update_xaxes(title_text="Week (Monday, UTC)", row=rows, col=1)
    return figure


def _panel(figure: go.Figure, rows: pl.DataFrame, style: str, place: int, palette: Palette) -> None:
    color = style_color(style)
    whole = rows.filter(pl.col("is_complete"))
    where = {"row": place // 2 + 1, "col": place % 2 + 1}
    hover = "%{y} clean sales<br>week of %{x|%d %b %Y}<extra></extra>"
    figure.add_trace(
        go.Scatter(
            x=whole["week"].to_list(),
            y=whole["clean_sales"].to_list(),
            mode="lines+markers",
            line={"color": color, "width": 2},
            marker={"size": 4},
            fill="tozeroy",
            fillcolor=translucent(color, 0.14),
            hovertemplate=hover,
            name=style_label(style),
        ),
        **where,
    )
    rest = rows.filter(~pl.col("is_complete"))
    figure.add_trace(
        go.Scatter(
            x=rest["week"].to_list(),
            y=rest["clean_sales"].to_list(),
            mode="markers",
            marker={"size": 7, "symbol": "circle-open", "color": color, "line": {"width": 1.5}},
            hovertemplate=hover.replace("<extra>", " (not over)<extra>"),
            name="incomplete week",
            cliponaxis=False,
        ),
        **where,
    )


def price_spread(prices: pl.DataFrame, currency: str, min_n: int, palette: Palette) -> go.Figure:
    """Median price per style with its middle half on a log axis; grey where n is small.

    Columns in: style, n, low, median_price, high, market (the median of all).
    """
    figure = new_figure(palette, height=70 + 34 * prices.height)
    names = [
        f"{style_label(row['style'])}  (n = {row['n']:,})" for row in prices.iter_rows(named=True)
    ]
    colors = [
        style_color(row["style"]) if row["n"] >= min_n else palette.flagged
        for row in prices.iter_rows(named=True)
    ]
    median = prices["median_price"].to_numpy()
    figure.add_trace(
        go.Scatter(
            x=median,
            y=names,
            mode="markers",
            marker={"color": colors, "size": 11},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": prices["high"].to_numpy() - median,
                "arrayminus": median - prices["low"].to_numpy(),
                "thickness": 2.5,
                "width": 0,
                "color": palette.muted,
            },
            hovertemplate="%{y}<br>median %{x:.4~g} " + currency + "<extra></extra>",
            showlegend=False,
        )
    )
    market = float(prices["market"][0])
    figure.add_vline(x=market, line={"color": palette.ink, "dash": "dot", "width": 1.5})
    figure.add_annotation(
        x=math.log10(market), y=1, yref="paper", yanchor="bottom", showarrow=False,
        text=f"all styles {number(market)} {currency}", font={"color": palette.muted, "size": 11},
    )  # fmt: skip
    figure.update_layout(
        xaxis={
            "title": {"text": f"Price per unit ({currency}, log)"},
            "type": "log",
            "tickformat": "~g",
            "dtick": "D2",
        },
        yaxis={"title": {"text": ""}, "type": "category", "automargin": True},
    )
    return figure
