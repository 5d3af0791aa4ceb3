"""Signal and noise: what the rules flag, what is left, and who is loved beyond volume."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.base import amount_axis, new_figure
from dashboard.queries.scope import RULES
from dashboard.theme import Palette, address, style_color, style_label


def rule_hits(rules: pl.DataFrame, palette: Palette) -> go.Figure:
    """Bars of flagged sales per rule; a rule without its input says so instead of showing 0.

    Columns in: rule, sales, volume, not_evaluated, all_sales.
    """
    rows = list(rules.reverse().iter_rows(named=True))
    blind = [row["all_sales"] > 0 and row["not_evaluated"] == row["all_sales"] for row in rows]
    figure = new_figure(palette, height=260)
    figure.add_trace(
        go.Bar(
            x=[row["sales"] for row in rows],
            y=[RULES[row["rule"]] for row in rows],
            orientation="h",
            marker={"color": palette.flagged},
            text=["not evaluated" if none else f"{row['sales']:,}" for row, none in
                  zip(rows, blind, strict=True)],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x} sales<extra></extra>",
            showlegend=False,
        )
    )  # fmt: skip
    figure.update_layout(
        xaxis={**amount_axis("Flagged sales (count)"), "tickformat": ",d"},
        yaxis={"title": {"text": ""}, "automargin": True},
    )
    return figure


def before_after(styles: pl.DataFrame, currency: str, palette: Palette) -> go.Figure:
    """Volume per style, clean and flagged stacked, the largest raw volume on top.

    Columns in: style, clean, flagged.
    """
    rows = styles.head(15).reverse()
    names = [style_label(style) for style in rows["style"]]
    figure = new_figure(palette, height=90 + 28 * max(rows.height, 1))
    for column, name, color in (
        ("clean", "Clean", palette.clean),
        ("flagged", "Flagged", palette.flagged),
    ):
        figure.add_trace(
            go.Bar(
                x=rows[column].to_list(),
                y=names,
                name=name,
                orientation="h",
                marker={"color": color},
                hovertemplate="%{y}: %{x:.4~g} " + currency + f"<extra>{name}</extra>",
            )
        )
    figure.update_layout(
        barmode="stack",
        xaxis=amount_axis(f"Volume ({currency})"),
        yaxis={"title": {"text": ""}, "automargin": True, "type": "category"},
    )
    return figure


def breadth(artists: pl.DataFrame, palette: Palette) -> go.Figure:
    """Volume percentile against distinct buyers per clean sale; top left is loved but unseen.

    Columns in: creator, style, n, volume_percentile, breadth.
    """
    figure = new_figure(palette, height=420)
    for style in artists["style"].unique(maintain_order=True).to_list():
        rows = artists.filter(pl.col("style").eq_missing(style)).head(1_000)
        figure.add_trace(
            go.Scatter(
                x=rows["volume_percentile"].to_list(),
                y=rows["breadth"].to_list(),
                mode="markers",
                name=style_label(style),
                marker={
                    "color": style_color(style),
                    "size": [min(8 + count**0.5, 26) for count in rows["n"]],
                    "opacity": 0.8,
                    "line": {"width": 1, "color": palette.paper},
                },
                text=[
                    f"{address(creator)}, {count:,} clean sales"
                    for creator, count in zip(rows["creator"], rows["n"], strict=True)
                ],
                hovertemplate="%{text}<br>volume percentile %{x:.0f}<br>%{y:.2f} buyers per sale"
                "<extra></extra>",
            )
        )
    figure.update_layout(
        xaxis={"title": {"text": "Raw volume (percentile of artists)"}, "range": [-4, 104]},
        yaxis={
            "title": {"text": "Breadth (distinct buyers per clean sale)"},
            "range": [0, 1.08],
            "tickformat": ".1f",
        },
    )
    return figure
