"""Metric cards in a row that wraps, each with its definition behind the question mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from dashboard.definitions import meaning

UNMOVED = ("+0 %", "-0 %")
"""Changes that round to none and so get no colour."""


@dataclass(frozen=True)
class Metric:
    """One figure: its name (which has a definition), its value, and what stands beneath it."""

    name: str
    value: str
    beneath: str | None = None
    change: str | None = None
    trend: Sequence[float] | None = None


def metrics(cards: Sequence[Metric]) -> None:
    """Draws a row of metrics that wraps on narrow screens.

    `change` is coloured by its sign, `beneath` is a plain remark.
    """
    height: Literal["stretch", "content"] = (
        "stretch" if any(card.trend for card in cards) else "content"
    )
    with st.container(horizontal=True, gap="small"):
        for card in cards:
            moved = card.change and card.change not in UNMOVED
            st.metric(
                card.name,
                card.value,
                delta=card.change or card.beneath,
                delta_color="normal" if moved else "off",
                delta_arrow="auto" if moved else "off",
                delta_description=card.beneath if card.change else None,
                help=meaning(card.name),
                border=True,
                width="stretch",
                height=height,
                chart_data=card.trend,
                chart_type="area",
            )
