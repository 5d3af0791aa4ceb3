"""What all figures share: margins, legends, axes with units, and the limits of a figure."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dashboard.theme import Palette

CONFIG: dict[str, Any] = {
    "scrollZoom": False,
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
}


def new_figure(palette: Palette, *, height: int = 400) -> go.Figure:
    """An empty figure in the house style; dragging scrolls the page instead of being trapped."""
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 36, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": {"text": ""}},
        hoverlabel={"bgcolor": palette.paper, "font": {"color": palette.ink}},
        dragmode=False,
        bargap=0.18,
    )
    return figure


def time_axis(title: str = "Time (UTC)") -> dict[str, Any]:
    """A time axis."""
    return {"title": {"text": title}, "showgrid": False, "type": "date"}


def price_axis(title: str) -> dict[str, Any]:
    """A logarithmic price axis whose ticks are plain numbers, never `100µ`."""
    return {"title": {"text": title}, "type": "log", "tickformat": "~g", "dtick": "D2"}


def amount_axis(title: str) -> dict[str, Any]:
    """A linear axis from zero."""
    return {"title": {"text": title}, "rangemode": "tozero", "tickformat": ",~g"}


def points(figure: go.Figure) -> int:
    """Points of all traces together."""
    total = 0
    for trace in figure.data:
        data = trace.to_plotly_json()
        if data.get("z") is not None:
            total += sum(len(row) for row in data["z"])
        else:
            total += max(
                (len(data[axis]) for axis in "xy" if data.get(axis) is not None), default=0
            )
    return total
