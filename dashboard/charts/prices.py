"""Prices over time: a dot per sale, or bins where there are too many dots."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import polars as pl

from dashboard.charts.base import new_figure, price_axis, time_axis
from dashboard.queries.scope import SVG_DOTS
from dashboard.theme import Palette, translucent


def price_dots(
    dots: pl.DataFrame, floors: pl.DataFrame | None, currency: str, palette: Palette
) -> go.Figure:
    """A dot per sale on a log axis, with the rolling median and the realised floor.

    Columns in: `dots` time, unit_price, flagged, is_primary; `floors` day, median_eth,
    realised_floor_eth, or None where the lines have another currency than the dots.
    """
    figure = new_figure(palette, height=440)
    _add_dots(figure, dots, currency, palette)
    _add_lines(figure, floors, palette)
    figure.update_layout(xaxis=time_axis(), yaxis=price_axis(f"Price per unit ({currency}, log)"))
    return figure


def price_density(
    cells: pl.DataFrame,
    extremes: pl.DataFrame,
    floors: pl.DataFrame | None,
    currency: str,
    palette: Palette,
) -> go.Figure:
    """Sales binned by time and log price, with the extreme sales as dots.

    Columns in: `cells` time, log_price, sales; `extremes` as `dots` of price_dots.
    """
    figure = new_figure(palette, height=440)
    times = cells["time"].unique().sort().to_list()
    levels = cells["log_price"].unique().sort().to_list()
    grid = np.full((len(levels), len(times)), np.nan)
    for time, level, sales in cells.iter_rows():
        grid[levels.index(level), times.index(time)] = sales
    figure.add_trace(
        go.Heatmap(
            x=times,
            y=[10.0**level for level in levels],
            z=grid,
            colorscale=[[0, translucent(palette.clean, 0.12)], [1, palette.clean]],
            colorbar={"title": {"text": "Sales"}, "thickness": 10},
            hovertemplate="%{x}<br>about %{y:.3~g} " + currency + "<br>%{z} sales<extra></extra>",
        )
    )
    _add_dots(figure, extremes, currency, palette)
    _add_lines(figure, floors, palette)
    figure.update_layout(xaxis=time_axis(), yaxis=price_axis(f"Price per unit ({currency}, log)"))
    return figure


def _add_dots(figure: go.Figure, dots: pl.DataFrame, currency: str, palette: Palette) -> None:
    draw = go.Scattergl if dots.height > SVG_DOTS else go.Scatter
    clean = ~pl.col("flagged")
    kinds = (
        ("Primary sale", clean & pl.col("is_primary"), palette.primary, "diamond", 0.75),
        ("Resale", clean & ~pl.col("is_primary"), palette.clean, "circle", 0.6),
        ("Flagged sale", pl.col("flagged"), palette.flagged, "x-thin-open", 0.9),
    )
    for name, condition, color, symbol, opacity in kinds:
        rows = dots.filter(condition)
        if rows.is_empty():
            continue
        figure.add_trace(
            draw(
                x=rows["time"].to_list(),
                y=rows["unit_price"].to_numpy().astype(np.float32),
                mode="markers",
                name=f"{name} ({rows.height:,})",
                marker={
                    "color": color,
                    "symbol": symbol,
                    "size": 6,
                    "opacity": opacity,
                    "line": {"width": 1.4 if symbol.endswith("open") else 0, "color": color},
                },
                hovertemplate="%{y:.4~g} " + currency + "<br>%{x|%d %b %Y %H:%M} UTC"
                f"<extra>{name}</extra>",
            )
        )


def _add_lines(figure: go.Figure, floors: pl.DataFrame | None, palette: Palette) -> None:
    if floors is None or floors.is_empty():
        return
    days = floors["window_days"][0]
    lines = (
        ("median_eth", f"Median of clean sales, {days} d", palette.ink, "solid"),
        ("realised_floor_eth", f"Realised floor: 5th pct of clean sales, {days} d",
         palette.floor, "dash"),
    )  # fmt: skip
    for column, name, color, dash in lines:
        figure.add_trace(
            go.Scatter(
                x=floors["day"].to_list(),
                y=floors[column].to_list(),
                mode="lines",
                name=name,
                line={"color": color, "width": 2, "dash": dash},
                hovertemplate="%{y:.3~g} ETH<br>%{x|%d %b %Y}<extra>" + name + "</extra>",
            )
        )
