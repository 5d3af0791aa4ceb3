"""What a page shows when it cannot show figures: what is missing, and the exact command to run."""

from __future__ import annotations

import streamlit as st

from dashboard import theme
from data.errors import RaisonneError


def _card(key: str, icon: str, title: str, text: str, command: str = "") -> None:
    with st.container(border=True, key=key):
        st.subheader(f":material/{icon}: {title}", anchor=False)
        st.markdown(text)
        if command:
            st.code(command, language="bash")


def broken_store(error: RaisonneError, url: str) -> None:
    """The store cannot be read: which class of trouble, what it says, and a way to try again."""
    kind = {
        "StoreBusyError": "The store is busy",
        "NotFoundError": "There is no store yet",
        "IntegrityError": "The store has another version",
    }.get(type(error).__name__, "The store cannot be read")
    with st.container(border=True, key="state_store"):
        st.subheader(f":material/database_off: {kind}", anchor=False)
        st.text(f"{type(error).__name__}: {error}")
        if type(error).__name__ == "NotFoundError":
            st.markdown("Make one with the demo, or name the one you have:")
            st.code(f"raisonne demo\nraisonne dashboard --store {url}", language="bash")
        st.button("Try again", key="retry", icon=":material/refresh:")


def no_chain() -> None:
    """The store is empty."""
    _card(
        "state_empty",
        "draft",
        "Nothing is indexed yet",
        "The store is there but holds no blocks. Make a market on a local chain and walk once "
        "round the loop, or index a chain you have access to:",
        "raisonne demo\nraisonne index --rpc-url $ETH_RPC_URL --blocks=-1000:",
    )


def no_sales(window: str) -> None:
    """No sale passes the filters."""
    _card(
        "state_no_sales",
        "filter_alt_off",
        "No sales in this window",
        f"Nothing was sold in the window **{window}**. Widen it in the sidebar, choose another "
        "chain, or index more blocks:",
        "raisonne index --rpc-url $ETH_RPC_URL --blocks=-50000:",
    )


def no_signals() -> None:
    """The signals have not been computed."""
    _card(
        "state_no_signals",
        "query_stats",
        "No signals yet",
        "Facts are indexed, but nothing has been computed from them. This takes seconds:",
        "raisonne analyze all",
    )


def no_forecasts() -> None:
    """No forecast has been made."""
    _card(
        "state_no_forecasts",
        "timeline",
        "No forecast yet",
        "Forecasts rest on the weekly sales by style, so compute the signals first:",
        "raisonne analyze all\nraisonne forecast",
    )


def no_briefs() -> None:
    """The studio has not been asked for anything."""
    _card(
        "state_no_briefs",
        "palette",
        "No brief yet",
        "A brief says how many works of which style to make, at what price, and why. It is "
        "written from the forecasts; the studio then makes the works:",
        "raisonne forecast\nraisonne brief\nraisonne generate",
    )


def no_works(brief_id: str) -> None:
    """A brief has no works."""
    _card(
        "state_no_works",
        "image_not_supported",
        "Nothing made for this brief yet",
        f"Brief `{brief_id}` is written, its works are not made:",
        "raisonne generate",
    )


def no_tokens() -> None:
    """No token is known on this chain."""
    _card(
        "state_no_tokens",
        "history_edu",
        "No works on this chain",
        "The index holds no token of this chain. Index blocks in which works were minted or moved:",
        "raisonne index --rpc-url $ETH_RPC_URL --blocks=-50000:",
    )


def malformed_root(text: str) -> None:
    """The root in the URL is no token key."""
    _card(
        "state_bad_root",
        "link_off",
        "This is no work",
        f"{theme.plain(repr(text[:90]))} is not written as a work. A good one is "
        "`chain:address:token`, for example `31337:0xa7a7…a7a7:12` with the full address.",
    )


def unknown_root(text: str) -> None:
    """The root is well-formed but not in the index."""
    _card(
        "state_unknown_root",
        "search_off",
        "This work is not indexed",
        f"`{text}` is well-formed, but this store knows no such work. Choose one above, or index "
        "the blocks in which it moved:",
        "raisonne index --rpc-url $ETH_RPC_URL --blocks=-50000:",
    )


def too_few(what: str, found: int, needed: int) -> None:
    """An estimate is refused because the data cannot carry it."""
    _card(
        "state_too_few",
        "hourglass_empty",
        f"Too few {what} to say",
        f"There {'is' if found == 1 else 'are'} {found:,}; fewer than {needed} cannot carry a "
        "figure that should be believed. Widen the window or index more blocks.",
    )


def unevaluated(sales: int) -> None:
    """Some sales have no wash verdict."""
    st.warning(
        f"The wash rules have not looked at {theme.count(sales, 'sale')} of this window; they "
        "count as clean until `raisonne analyze all` has run.",
        icon=":material/rule:",
    )
