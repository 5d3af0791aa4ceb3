"""The chain of custody: one lane per holder, in the order in which they came."""

from __future__ import annotations

from datetime import datetime

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.base import new_figure, time_axis
from dashboard.theme import Palette, address, chart_text, money, number

MAX_LANES = 40


def lane_name(holder: str, names: dict[str, str]) -> str:
    """A known name, else the short address."""
    return chart_text(names[holder]) if holder in names else address(holder)


def custody(
    holdings: pl.DataFrame,
    sales: pl.DataFrame,
    *,
    vaults: set[str],
    names: dict[str, str],
    now: datetime,
    palette: Palette,
) -> go.Figure:
    """Bars of holding, markers of sale with their price, a hatched bar where a vault holds.

    Columns in: `holdings` owner, since, until (NULL: still held), kind; `sales` time, buyer,
    price_eth, flagged. At most MAX_LANES holders, the latest ones.
    """
    held = holdings.filter(pl.col("kind") != "burn").with_columns(
        end=pl.col("until").fill_null(pl.max_horizontal(pl.lit(now), "since"))
    )
    lanes = held["owner"].unique(maintain_order=True).to_list()[-MAX_LANES:]
    labels = {owner: lane_name(owner, names) for owner in lanes}
    held = held.filter(pl.col("owner").is_in(lanes))
    figure = new_figure(palette, height=110 + 36 * max(len(lanes), 2))
    inside = pl.col("owner").is_in(list(vaults))
    _add_bars(figure, held.filter(~inside), labels, "Holding", palette.primary)
    _add_bars(figure, held.filter(inside), labels, "In a vault (fractions)", palette.floor)
    # Of several purchases by one holder only the last carries its price, or they would overlap.
    bought = sales.filter(pl.col("buyer").is_in(lanes)).with_columns(
        is_last=pl.col("time") == pl.col("time").max().over("buyer")
    )
    for title, flagged, color in (
        ("Sale", False, palette.ink),
        ("Flagged sale", True, palette.flagged),
    ):
        rows = bought.filter(pl.col("flagged") == flagged)
        _add_sales(figure, rows, labels, title=title, color=color, ink=palette.ink)
    figure.update_layout(
        barmode="overlay",
        xaxis=time_axis(),
        yaxis={
            "title": {"text": "Holder"},
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [labels[lane] for lane in reversed(lanes)],
            "automargin": True,
        },
    )
    return figure


def _add_bars(
    figure: go.Figure, rows: pl.DataFrame, labels: dict[str, str], title: str, color: str
) -> None:
    if rows.is_empty():
        return
    length = (pl.col("end") - pl.col("since")).dt.total_milliseconds().clip(lower_bound=1)
    figure.add_trace(
        go.Bar(
            base=rows["since"].to_list(),
            x=rows.select(length).to_series().to_list(),
            y=[labels[owner] for owner in rows["owner"]],
            orientation="h",
            width=0.46,
            name=title,
            marker={
                "color": color,
                "opacity": 0.55,
                "pattern": {"shape": "/" if "vault" in title else "", "size": 6},
            },
            customdata=[
                f"{since:%Y-%m-%d} to {f'{until:%Y-%m-%d}' if until else 'now'}"
                for since, until in rows.select("since", "until").iter_rows()
            ],
            hovertemplate="%{y}<br>%{customdata}<extra>" + title + "</extra>",
        )
    )


def _add_sales(
    figure: go.Figure,
    rows: pl.DataFrame,
    labels: dict[str, str],
    *,
    title: str,
    color: str,
    ink: str,
) -> None:
    if rows.is_empty():
        return
    prices = [
        f" {number(price)} ETH" if price is not None and last else ""
        for price, last in rows.select("price_eth", "is_last").iter_rows()
    ]
    figure.add_trace(
        go.Scatter(
            x=rows["time"].to_list(),
            y=[labels[buyer] for buyer in rows["buyer"]],
            mode="markers+text",
            name=title,
            text=prices,
            textposition="middle right",
            textfont={"color": ink, "size": 12},
            marker={
                "symbol": "x-open" if "Flagged" in title else "circle",
                "size": 9,
                "color": color,
            },
            customdata=[money(price, "ETH") for price in rows["price_eth"]],
            hovertemplate="bought for %{customdata}<br>%{x|%d %b %Y %H:%M} UTC<extra>"
            + title
            + "</extra>",
        )
    )
