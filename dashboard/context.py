"""What a page is given: the source, the filters, the newest block, and the colours of the theme."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from dashboard import theme
from dashboard.queries.scope import Scope, scope
from dashboard.source import CachedSource

_KEY = "page_context"


@dataclass(frozen=True)
class Context:
    """One session's view of the store: the shared filters, as of the newest block."""

    source: CachedSource
    chain_id: int | None
    newest_block: int | None
    newest_at: datetime | None
    window: str
    ccy: str
    wash: str

    @property
    def scope(self) -> Scope:
        """The scope of the filters; only where a chain is indexed."""
        if self.chain_id is None or self.newest_at is None:
            message = "no chain is indexed, so there is nothing to scope"
            raise ValueError(message)
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
    return st.session_state[_KEY]
