"""The look in one place: colours, number formats, names of chains, and text made harmless."""

from __future__ import annotations

import html
import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from data.ids import short
from data.styles import style_names

CATEGORICAL = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#e69f00",
    "#a08c00",
    "#7d7a73",
)
"""Okabe and Ito's eight colours, yellow darkened and black greyed so that both themes show them."""

CHAINS = {1: "Ethereum", 10: "Optimism", 137: "Polygon", 8453: "Base", 42161: "Arbitrum One"}
LOCAL_CHAIN = 31_337


@dataclass(frozen=True)
class Palette:
    """Colours that change with the theme; the categorical ones do not."""

    ink: str
    muted: str
    line: str
    paper: str
    flagged: str = "#8c8880"
    clean: str = "#0072b2"
    primary: str = "#56b4e9"
    floor: str = "#d55e00"


LIGHT = Palette(ink="#24211c", muted="#6d685e", line="#e2ddd1", paper="#fdfcf9")
DARK = Palette(
    ink="#ece8df",
    muted="#a39d91",
    line="#3a372f",
    paper="#171613",
    clean="#4a9fd4",
    floor="#f08a3c",
)

WORDMARK = Path(__file__).with_name("assets") / "wordmark.svg"
"""The name in outlines of Source Serif, in a bronze that both themes carry."""
MARK = WORDMARK.with_name("mark.svg")
"""The mark alone; a Material icon here would be fetched from a font server."""


def style_color(style: str | None) -> str:
    """The colour of a style, the same on every page; grey for a style that is not ours."""
    names = style_names()
    if style not in names:
        return CATEGORICAL[-1]
    return CATEGORICAL[names.index(style) % len(CATEGORICAL)]


def style_words(style: str | None) -> str:
    """The name of a style as a reader expects it, safe in Markdown."""
    return plain(style.replace("_", " ").capitalize()[:60]) if style else "No style"


def style_label(style: str | None) -> str:
    """The name of a style as a reader expects it, safe in a chart."""
    return chart_text(style.replace("_", " ").capitalize()) if style else "No style"


def translucent(color: str, opacity: float) -> str:
    """A `#rrggbb` colour as `rgba(…)` with an opacity from 0 to 1."""
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def number(value: float | None) -> str:
    """A figure with about three significant digits, without an exponent; a dash for none."""
    if value is None or math.isnan(value):
        return "–"
    size = abs(value)
    if size >= 100 or value == 0 or (size >= 1 and value == int(value)):
        return f"{value:,.0f}"
    decimals = max(2 - math.floor(math.log10(size)), 0)
    return f"{value:,.{min(decimals, 18)}f}"


def money(value: float | None, currency: str) -> str:
    """An amount with its unit: `1.25 ETH`, `3,120 USD`."""
    return f"{number(value)} {currency}" if value is not None else "–"


def percent(share: float | None) -> str:
    """A share from 0 to 1 as a percentage."""
    if share is None or math.isnan(share):
        return "–"
    return f"{share * 100:.1f} %" if 0 < abs(share) < 0.1 else f"{share * 100:.0f} %"


def count(items: int, noun: str, plural: str = "") -> str:
    """A count with its noun: `1 sale`, `1,204 sales`."""
    return f"{items:,} {noun if items == 1 else plural or noun + 's'}"


def when(time: datetime | None) -> str:
    """A UTC time for display, to the minute."""
    return f"{time:%Y-%m-%d %H:%M} UTC" if time else "–"


def age(span: timedelta) -> str:
    """A span in its largest unit: `3 min`, `5 h`, `12 d`."""
    seconds = span.total_seconds()
    if seconds < 3_600:
        return f"{max(seconds, 0) // 60:.0f} min"
    return f"{seconds // 3_600:.0f} h" if seconds < 172_800 else f"{seconds // 86_400:.0f} d"


def chain_name(chain_id: int) -> str:
    """The name of a chain, with its id where it is not one of the well-known ones."""
    if chain_id == LOCAL_CHAIN:
        return "Local chain (31337)"
    return CHAINS.get(chain_id, f"Chain {chain_id}")


def address(text: str | None) -> str:
    """An address or hash as `0x1234…abcd`; a dash for none."""
    return short(text) if text else "–"


def token_name(name: str | None, token_id: str) -> str:
    """What a work is called: its name in plain text, else its number."""
    clean = re.sub(r"\s+", " ", name or "").strip()
    return clean[:60] if clean else f"#{token_id[:12]}"


def chart_text(text: str) -> str:
    """Foreign text for a chart: no markup, no line breaks, at most 60 characters."""
    return html.escape(re.sub(r"\s+", " ", text).strip()[:60], quote=False)


def plain(text: str) -> str:
    """Foreign text for Markdown: every character that could be markup is escaped."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|$:~&])", r"\\\1", re.sub(r"\s+", " ", text).strip())
