"""What the index covers: spans of blocks, with gaps left blank."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.base import new_figure
from dashboard.theme import Palette, address, chain_name


def coverage(spans: pl.DataFrame, palette: Palette) -> go.Figure:
    """Bars of covered blocks, one lane per chain and selection.

    Columns in: chain_id, selection, from_block, to_block, logs.
    """
    lanes = [
        f"{chain_name(row['chain_id'])} · {address(row['selection'])}"
        for row in spans.iter_rows(named=True)
    ]
    figure = new_figure(palette, height=110 + 40 * len(set(lanes)))
    figure.add_trace(
        go.Bar(
            base=spans["from_block"].to_list(),
            x=(spans["to_block"] - spans["from_block"]).to_list(),
            y=lanes,
            orientation="h",
            width=0.5,
            marker={"color": palette.clean},
            customdata=spans.select("from_block", "to_block", "logs").to_numpy(),
            hovertemplate="blocks %{customdata[0]:,} to %{customdata[1]:,} (half-open)"
            "<br>%{customdata[2]:,} logs<extra></extra>",
            showlegend=False,
        )
    )
    figure.update_layout(
        xaxis={"title": {"text": "Block (height)"}, "tickformat": ",d"},
        yaxis={"title": {"text": ""}, "type": "category", "automargin": True},
    )
    return figure
