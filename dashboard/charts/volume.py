"""Volume by day: what is clean, and what the rules flag on top of it."""

from __future__ import annotations

from datetime import date

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.base import amount_axis, new_figure, time_axis
from dashboard.theme import Palette


def daily_volume(
    days: pl.DataFrame, currency: str, incomplete: date | None, palette: Palette
) -> go.Figure:
    """Stacked bars of clean and flagged volume; the day that is not over yet is hatched.

    Columns in: day, clean, flagged.
    """
    figure = new_figure(palette, height=300)
    hatch = ["/" if day == incomplete else "" for day in days["day"]]
    for column, name, color in (
        ("clean", "Clean", palette.clean),
        ("flagged", "Flagged", palette.flagged),
    ):
        if days[column].sum() == 0:
            continue
        figure.add_trace(
            go.Bar(
                x=days["day"].to_list(),
                y=days[column].to_list(),
                name=name,
                marker={
                    "color": color,
                    "line": {"width": 0},
                    "pattern": {"shape": hatch, "fillmode": "replace", "size": 5},
                },
                hovertemplate="%{y:.4~g} "
                + currency
                + "<br>%{x|%a %d %b %Y}<extra>"
                + name
                + "</extra>",
            )
        )
    figure.update_layout(
        barmode="stack",
        xaxis=time_axis("Day (UTC)"),
        yaxis=amount_axis(f"Volume ({currency} per day)"),
    )
    return figure
