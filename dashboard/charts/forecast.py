"""The fan: what happened, what is expected, and how wide the doubt is."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.base import amount_axis, new_figure, price_axis, time_axis
from dashboard.theme import Palette, translucent

LEVELS = ((95, 0.13), (80, 0.20), (50, 0.30))
UNITS = {
    "clean_sales": "Clean sales (works per week)",
    "median_price_eth": "Median price (ETH, log)",
}


def fan(
    history: pl.DataFrame, forecast: pl.DataFrame, target: str, color: str, palette: Palette
) -> go.Figure:
    """History as dots, a line at the cut, the median, and bands of 50, 80 and 95 % in one hue.

    Columns in: `history` week, value; `forecast` ds, median, lo_50 … hi_95.
    """
    figure = new_figure(palette, height=440)
    weeks = forecast["ds"].to_list()
    for level, opacity in LEVELS:
        figure.add_trace(
            go.Scatter(
                x=weeks + weeks[::-1],
                y=forecast[f"hi_{level}"].to_list() + forecast[f"lo_{level}"].to_list()[::-1],
                fill="toself",
                fillcolor=translucent(color, opacity),
                line={"width": 0},
                mode="lines",
                name=f"{level} % band",
                hoverinfo="skip",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=weeks,
            y=forecast["median"].to_list(),
            mode="lines+markers",
            name="Median forecast",
            line={"color": color, "width": 2.5},
            marker={"size": 5},
            customdata=forecast.select("lo_80", "hi_80").to_numpy(),
            hovertemplate="%{y:.3~g}, 80 %: %{customdata[0]:.3~g} to %{customdata[1]:.3~g}"
            "<br>week of %{x|%d %b %Y}<extra>Forecast</extra>",
        )
    )
    _history(figure, history, palette)
    figure.update_layout(
        xaxis=time_axis("Week (Monday, UTC)"),
        yaxis=price_axis(UNITS[target])
        if target == "median_price_eth"
        else amount_axis(UNITS.get(target, target)),
    )
    return figure


def _history(figure: go.Figure, history: pl.DataFrame, palette: Palette) -> None:
    if history.is_empty():
        return
    figure.add_trace(
        go.Scatter(
            x=history["week"].to_list(),
            y=history["value"].to_list(),
            mode="markers",
            name="Complete weeks",
            marker={"color": palette.ink, "size": 7},
            hovertemplate="%{y:.4~g}<br>week of %{x|%d %b %Y}<extra>Past</extra>",
        )
    )
    cut = history["week"].max()
    figure.add_shape(type="line", x0=cut, x1=cut, y0=0, y1=1, yref="paper",
                     line={"color": palette.muted, "width": 1, "dash": "dot"})  # fmt: skip
    figure.add_annotation(
        x=cut, y=1, yref="paper", text="last complete week ", showarrow=False, xanchor="right",
        yanchor="top", font={"size": 11, "color": palette.muted},
    )  # fmt: skip
