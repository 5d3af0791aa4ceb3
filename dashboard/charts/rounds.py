"""Rounds of vetting: how many shares voted, and for whom."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.base import amount_axis, new_figure
from dashboard.queries.governance import OUTCOMES
from dashboard.theme import Palette


def rounds(table: pl.DataFrame, palette: Palette) -> go.Figure:
    """Bars of the votes of each round: for the leading choice, and for the others.

    Columns in: round, outcome, for_share, shares_cast.
    """
    ordered = table.sort("round").with_columns(
        (pl.col("for_share").fill_null(0) * pl.col("shares_cast")).alias("leading"),
        ((1 - pl.col("for_share").fill_null(0)) * pl.col("shares_cast")).alias("others"),
    )
    figure = new_figure(palette, height=320)
    is_accepted = ordered["outcome"] == OUTCOMES[0]
    is_closed = ordered["outcome"].is_in(OUTCOMES)
    parts = (
        ("For the accepted work", is_accepted, "leading", palette.clean),
        ("For the leader, not accepted", is_closed & ~is_accepted, "leading", palette.floor),
        ("For the others", is_closed, "others", palette.flagged),
        ("Not counted yet", ~is_closed, "others", palette.line),
    )
    for name, chosen, column, color in parts:
        rows = ordered.filter(chosen)
        figure.add_trace(
            go.Bar(
                name=name,
                x=rows["round"].to_list(),
                y=rows[column].to_list(),
                marker={"color": color},
                customdata=rows["outcome"].to_list(),
                hovertemplate="round %{x}: %{customdata}<br>%{y:,.1f} shares<extra>%{fullData.name}"
                "</extra>",
            )
        )
    figure.update_layout(
        barmode="stack",
        xaxis={"title": {"text": "Round"}, "tickformat": ",d", "showgrid": False},
        yaxis=amount_axis("Votes (shares)"),
    )
    return figure
