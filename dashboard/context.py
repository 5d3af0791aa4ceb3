"""What a page is given: the source, the filters, the newest block, and the colours of the theme."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from dashboard import theme
from dashboard.queries.scope import THE_BEGINNING, Scope, scope
from dashboard.source import CachedSource

_KEY = "page_context"


@dataclass(frozen=True)
class Context:
    """One session's view of the store: the shared filters, as of the newest block."""

    source: CachedSource
    window: str
    ccy: str
    wash: str
    chain_id: int = 0
    newest_block: int = 0
    newest_at: datetime = THE_BEGINNING

    @property
    def is_indexed(self) -> bool:
        """Whether there is a chain to show; without one the last three fields mean nothing."""
        return self.newest_at > THE_BEGINNING

    @property
    def scope(self) -> Scope:
        """The scope of the filters."""
        return scope(self.chain_id, self.newest_at, self.window, self.ccy, self.wash)

    @property
    def palette(self) -> theme.Palette:
        """Colours of the theme that the viewer has chosen."""
        return theme.DARK if st.context.theme.type == "dark" else theme.LIGHT

    @property
    def wash_note(self) -> str:
        """The wash switch in words, for captions."""
        return {
            "hide": "Flagged sales are left out.",
            "flag": "Flagged sales are drawn in grey and count in no figure.",
            "show": "Flagged sales count like any other.",
        }[self.wash]


def remember(context: Context) -> None:
    """Keeps the context for the page script of this run."""
    st.session_state[_KEY] = context


def current() -> Context:
    """The context that the entry script made."""
    context: Context = st.session_state[_KEY]
    return context
