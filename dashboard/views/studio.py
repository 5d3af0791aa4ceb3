"""Studio: what was asked for and why, what was made, what became of it, and who decided."""

from __future__ import annotations

import shlex
from typing import Any, Literal

import polars as pl
import streamlit as st

from dashboard import theme
from dashboard.context import Context, current
from dashboard.parts.governance import governance
from dashboard.queries import studio as ask
from dashboard.widgets import states
from dashboard.widgets.block import Block, table_block
from dashboard.widgets.cards import Metric, metrics
from dashboard.widgets.pictures import picture
from data.ids import token_key
from data.units import wei_to_eth

MAX_PICTURES = 48
STATES: dict[str, Literal["green", "blue", "violet", "gray"]] = {
    "sold": "green",
    "listed": "blue",
    "minted": "violet",
    "made": "gray",
}


def render(page: Context) -> None:
    """Draws the page."""
    st.title("Studio", anchor=False)
    if not page.is_indexed:
        states.no_chain()
        return
    known = ask.briefs(page.source)
    if known.is_empty():
        states.no_briefs()
    else:
        _briefs(page, known)
    governance(page)


def _briefs(page: Context, known: pl.DataFrame) -> None:
    st.caption("Forecasts ask for works; the studio makes, certifies, mints and sells them.")
    brief_id = st.selectbox(
        "Brief", known["brief_id"].to_list(), key="brief", bind="query-params",
        help="The newest brief comes first.",
    )  # fmt: skip
    brief = known.filter(pl.col("brief_id") == brief_id).row(0, named=True)
    lines = ask.brief_lines(page.source, brief_id)
    works = ask.brief_works(page.source, brief_id)
    _cards(brief, lines)
    if works.is_empty():
        states.no_works(brief_id)
    else:
        _contact_sheet(page, works)
    _lines(brief, lines)
    if works.height:
        _lineage(page, works)


def _eth(wei: Any) -> float | None:
    return None if wei is None else float(wei_to_eth(int(wei)))


def _cards(brief: dict[str, Any], lines: pl.DataFrame) -> None:
    made, minted, listed, sold = (
        int(lines[name].sum()) for name in ("made", "minted", "listed", "sold")
    )
    earned = sum(int(wei) for wei in lines["sold_wei"].drop_nulls())
    metrics(
        (
            Metric("Works made", f"{made:,}", beneath=f"of {brief['works']:,} asked for"),
            Metric("Minted", f"{minted:,}", beneath=f"of {made:,} made"),
            Metric("Listed", f"{listed:,}", beneath=f"of {minted:,} minted"),
            Metric("Sold", f"{sold:,}", beneath=f"of {listed:,} listed"),
            Metric("Earned", theme.money(_eth(earned), "ETH"), beneath="first sales"),
        )
    )


def _lines(brief: dict[str, Any], lines: pl.DataFrame) -> None:
    amounts = lines.with_columns(
        price_eth=pl.col("price_wei").map_elements(_eth, return_dtype=pl.Float64)
    ).select(
        "style", "works", "price_eth", "expected_sales", "lo_80", "hi_80", "made",
        "minted", "listed", "sold", "model", "reason", "price_wei",
    )  # fmt: skip
    st.subheader(
        f"The brief asks for {theme.count(brief['works'], 'work')} in "
        f"{theme.count(brief['lines'], 'style')}",
        anchor=False,
    )
    st.caption(f"Written {theme.when(brief['created_at'])}.")
    _reasons(lines)
    table_block(
        Block(
            "brief_lines",
            "",
            "What came of each line, beside the sales that the forecast expected.",
            "Table of the lines of the brief with reasons and outcomes",
            ("Works made", "Minted", "Listed", "Sold"),
        ),
        amounts,
        columns={
            "style": st.column_config.TextColumn("Style", pinned=True),
            "works": "Works",
            "price_eth": st.column_config.NumberColumn("Asking price (ETH)", format="%.4f"),
            "reason": st.column_config.TextColumn("Why", width="medium"),
            "expected_sales": st.column_config.NumberColumn("Expected sales", format="%.1f"),
            "lo_80": st.column_config.NumberColumn("80 % from", format="%.1f"),
            "hi_80": st.column_config.NumberColumn("80 % to", format="%.1f"),
            "model": "Model",
            "made": "Made",
            "minted": "Minted",
            "listed": "Listed",
            "sold": "Sold",
            "price_wei": None,
        },
    )


def _reasons(lines: pl.DataFrame) -> None:
    """The reasons in full, since a cell would cut them."""
    words = []
    for line in lines.head(20).iter_rows(named=True):
        reason = (line["reason"] or "no reason given").removeprefix(
            f"{line['works']} of {line['style']}: "
        )
        words.append(
            f"- **{theme.style_words(line['style'])}, {line['works']:,} at "
            f"{theme.money(_eth(line['price_wei']), 'ETH')}.** {theme.plain(reason)}"
        )
    st.markdown("\n".join(words))


def state_of(work: dict[str, Any]) -> str:
    """How far a work got: made, minted, listed or sold."""
    if work["sold_at"]:
        return "sold"
    if work["listed_at"]:
        return "listed"
    return "minted" if work["token_id"] else "made"


def _contact_sheet(page: Context, works: pl.DataFrame) -> None:
    cut = works.height - MAX_PICTURES
    st.subheader("Contact sheet", anchor=False)
    if cut > 0:
        st.caption(f"The first {MAX_PICTURES} of {works.height:,} works.")
    with st.container(horizontal=True, gap="medium", key="contact_sheet"):
        for work in works.head(MAX_PICTURES).iter_rows(named=True):
            with st.container(width=150, gap="xsmall"):
                _print(page, work)


def _print(page: Context, work: dict[str, Any]) -> None:
    image = picture(work["image_path"], page.source.folder)
    title = work["title"] or "untitled"
    if image:
        st.image(image, width=150, alt=f"{title}, style {work['style']}, seed {work['seed']}")
    else:
        st.markdown(":material/image_not_supported: *file not here*")
    state = state_of(work)
    st.text(title)
    price = _eth(work["sold_wei"] if state == "sold" else work["price_wei"])
    st.badge(f"{state} · {theme.money(price, 'ETH')}", color=STATES[state])


@st.fragment
def _lineage(page: Context, works: pl.DataFrame) -> None:
    st.subheader("Where a work comes from", anchor=False)
    rows = {work["work_id"]: work for work in works.iter_rows(named=True)}
    work_id = st.selectbox(
        "Work of this brief", list(rows), key="studio_work",
        format_func=lambda key: f"{rows[key]['title']} · seed {rows[key]['seed']} · "
        f"{theme.address(key)}",
    )  # fmt: skip
    work = rows[work_id]
    side, main = st.columns([1, 3], gap="large")
    image = picture(work["image_path"], page.source.folder)
    if image:
        side.image(image, width="stretch", alt=f"{work['title']}, style {work['style']}")
    with main:
        st.dataframe(
            _certificate(work), hide_index=True, alt="Lineage of the work", key="certificate",
            height="content",
            column_config={"What": st.column_config.TextColumn(width="small")},
        )  # fmt: skip
        st.caption(
            "Make it again and compare: the first command checks this work, the second makes the "
            "whole brief anew. The same seed gives the same pixels."
        )
        st.code(_commands(page, work), language="bash", wrap_lines=True)
        if work["token_id"]:
            st.page_link(
                "views/provenance.py",
                label="Its provenance on chain",
                icon=":material/account_tree:",
                query_params={
                    "root": token_key(work["chain_id"], work["collection"], work["token_id"])
                },
            )


def _certificate(work: dict[str, Any]) -> pl.DataFrame:
    known = (
        ("Manifest (on-chain word)", work["work_id"]),
        ("Pixels, SHA-256", work["pixel_sha256"]),
        ("Perceptual hash", work["phash"]),
        ("Seed", work["seed"]),
        ("Prompt", work["prompt"]),
        ("Model weights", work["model_digest"]),
        ("Training data recipe", work["dataset_digest"]),
        ("Generation process", work["process_digest"]),
        ("Brief and line", f"{work['brief_id']}, line {work['line']}"),
        ("Run", work["run_id"]),
        ("Made", theme.when(work["created_at"])),
        ("Minted in", work["mint_tx"]),
        ("Token", f"{work['collection']} #{work['token_id']}" if work["token_id"] else None),
        ("Files", f"{work['image_path']}, {work['manifest_path']}"),
    )
    return pl.DataFrame(
        {"What": [name for name, _ in known], "Value": [value or "–" for _, value in known]}
    )


def _commands(page: Context, work: dict[str, Any]) -> str:
    store = shlex.quote(page.source.store.url)
    seed = ask.run_seed(page.source, work["run_id"])
    again = f" --seed {int(seed)}" if seed is not None else ""
    brief = shlex.quote(work["brief_id"])
    return (
        f"raisonne verify {work['work_id']} --store {store}\n"
        f"raisonne generate --store {store} --brief {brief}{again} --no-mint"
    )


if __name__ == "__main__":
    render(current())
