"""Provenance: is it real, where has it been, and what did it cost?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from dashboard import theme
from dashboard.context import Context, current
from dashboard.queries import provenance as ask
from dashboard.queries.governance import disputes
from dashboard.widgets import states
from dashboard.widgets.block import Block, chart_block, table_block
from dashboard.widgets.cards import Metric, metrics
from dashboard.widgets.pictures import picture
from data.errors import UsageError
from data.ids import parse_token_key, token_key
from data.units import wei_to_eth

MAX_DISPUTES = 3
"""Disputes about one work that are spelled out."""


@dataclass(frozen=True)
class Dossier:
    """Everything the page shows of one work."""

    key: str
    token: dict[str, Any]
    making: dict[str, Any] | None
    holdings: pl.DataFrame
    sales: pl.DataFrame
    relatives: pl.DataFrame
    vaults: pl.DataFrame
    disputes: pl.DataFrame
    names: dict[str, str]

    @property
    def vault_addresses(self) -> set[str]:
        """Addresses of the vaults that hold or held the work."""
        return set(self.vaults["vault"].to_list())


def render(page: Context) -> None:
    """Draws the page."""
    st.title("Provenance", anchor=False)
    if not page.is_indexed:
        states.no_chain()
        return
    traded = ask.traded_tokens(page.source, page.chain_id)
    if traded.is_empty():
        states.no_tokens()
        return
    root, chosen = _choose(page.chain_id, traded)
    try:
        chain_id, collection, token_id = parse_token_key(root)
    except UsageError:
        states.malformed_root(root)
        return
    token = ask.token(page.source, chain_id, collection, token_id)
    if token is None:
        states.unknown_root(token_key(chain_id, collection, token_id))
        return
    work = _dossier(page, token)
    _facts(page, work, chosen)
    _disputes(work)
    _custody(page, work)
    _events(page, work)
    _graph(page, work)


def _choose(chain_id: int, traded: pl.DataFrame) -> tuple[str, bool]:
    """The root: what the URL or the text field says, else the most traded work."""
    labels = {
        token_key(chain_id, row["collection"], row["token_id"]): (
            f"{theme.token_name(row['name'], row['token_id'])} · "
            f"{theme.count(row['sales'], 'sale')} · {theme.address(row['collection'])}"
        )
        for row in traded.iter_rows(named=True)
    }
    left, right = st.columns(2)
    with left:
        st.selectbox(
            "Most traded works", list(labels), index=None, key="pick_work",
            format_func=lambda key: labels.get(key, str(key)),
            placeholder="Choose a work", on_change=_take_pick,
        )  # fmt: skip
    with right:
        root = st.text_input(
            "Work", key="root", bind="query-params", placeholder="chain:address:token",
            help="Any indexed work by its key; part of the address of this page.",
        )  # fmt: skip
    return (root.strip(), True) if root.strip() else (next(iter(labels)), False)


def _take_pick() -> None:
    if st.session_state.pick_work:
        st.session_state.root = st.session_state.pick_work


def _dossier(page: Context, token: dict[str, Any]) -> Dossier:
    place = (token["chain_id"], token["collection"], token["token_id"])
    holdings = ask.holdings(page.source, *place)
    people = sorted(set(holdings["owner"].to_list()))
    return Dossier(
        token_key(*place),
        token,
        ask.making(page.source, *place),
        holdings,
        ask.token_sales(page.source, *place),
        ask.relatives(page.source, *place),
        ask.vault_of(page.source, *place),
        disputes(page.source, *place),
        ask.labels(page.source, token["chain_id"], people),
    )


def _facts(page: Context, work: Dossier, chosen: bool) -> None:
    token, sales = work.token, work.sales
    name = theme.token_name(token["name"], token["token_id"])
    shown = picture(token["image_path"], page.source.folder)
    if shown:
        side, main = st.columns([1, 4], gap="large")
        side.image(shown, width="stretch", alt=f"Picture of {name}")
    else:
        main = st.container()
    with main:
        st.subheader(theme.plain(name), anchor=False)
        if not chosen:
            st.caption("No work was chosen: this is the most traded one.")
        st.code(work.key, language=None)
        made = f"Style {theme.style_words(token['style'])}. " if token["style"] else ""
        state = "burned" if token["is_burned"] else f"held by `{theme.address(token['owner'])}`"
        st.markdown(
            f"{made}Created by `{theme.address(token['creator'])}`, minted "
            f"{theme.when(token['minted_at'])}, {state}."
        )
        last = sales.row(-1, named=True) if sales.height else None
        flags = f"{int(sales['flagged'].sum()):,} flagged" if sales.height else None
        royalty = sum(int(value) for value in sales["royalty_wei"].drop_nulls())
        metrics(
            (
                Metric("Owners so far", f"{work.holdings['owner'].n_unique():,}",
                       beneath=f"in {theme.count(work.holdings.height, 'transfer')}"),
                Metric("Sales", f"{sales.height:,}", beneath=flags),
                Metric("Last price", theme.money(last["price_eth"] if last else None, "ETH"),
                       beneath=f"{last['time']:%Y-%m-%d}" if last else None),
                Metric("Royalty paid", theme.money(float(wei_to_eth(royalty)), "ETH"),
                       beneath="over all sales"),
            )
        )  # fmt: skip


def _disputes(work: Dossier) -> None:
    """Says what it was made with that somebody disputes, and whether that was upheld."""
    for row in work.disputes.head(MAX_DISPUTES).iter_rows(named=True):
        what = "a work that it descends from" if row["via"] == "parent" else f"its {row['via']}"
        far = f", {theme.count(row['distance'], 'step')} up" if row["distance"] else ""
        about = f"{what}{far}: asset `{theme.address(row['culprit'])}`."
        if row["state"] == "upheld":
            st.error(f"**Tainted.** A dispute was upheld about {about}", icon=":material/gavel:")
        else:
            st.warning(f"**Contested.** A dispute is open about {about}", icon=":material/gavel:")
    rest = work.disputes.height - MAX_DISPUTES
    if rest > 0:
        st.caption(f"And {theme.count(rest, 'dispute')} more.")


def _custody(page: Context, work: Dossier) -> None:
    from dashboard.charts.custody import MAX_LANES, custody

    if work.holdings.is_empty():
        st.info(
            "Of an ERC-1155 work many units exist, so there is no chain of single holders; the "
            "events below are complete.",
            icon=":material/stacks:",
        )
        return
    owners = work.holdings["owner"].n_unique()
    cut = f" The last {MAX_LANES} of {owners} holders are drawn." if owners > MAX_LANES else ""
    vault = " Hatched: fractionalised, held by a vault." if work.vaults.height else ""
    chart_block(
        Block(
            "custody",
            f"Through {theme.count(owners, 'pair', 'pairs')} of hands",
            f"One lane per holder; a bar is a time of holding, a mark a sale with its price. Grey "
            f"crosses are flagged.{vault}{cut}",
            f"Custody timeline of {theme.count(owners, 'holder')} with sales and prices",
            ("Owners so far", "Last price"),
        ),
        custody(
            work.holdings,
            work.sales,
            vaults=work.vault_addresses,
            names=work.names,
            now=page.newest_at,
            palette=page.palette,
        ),
        work.holdings,
    )


def _events(page: Context, work: Dossier) -> None:
    place = (work.token["chain_id"], work.token["collection"], work.token["token_id"])
    table_block(
        Block(
            "events",
            "Everything the chain says",
            "Every event of the work in order; the transaction is the receipt.",
            "Table of all events of the work",
        ),
        ask.events(page.source, *place),
        columns={
            "block_number": st.column_config.NumberColumn("Block"),
            "log_index": st.column_config.NumberColumn("Log"),
            "time": st.column_config.DatetimeColumn("Time (UTC)", format="YYYY-MM-DD HH:mm"),
            "event": "Event",
            "amount_wei": st.column_config.TextColumn("Amount (wei)", width=170),
            "detail": "Detail",
        },
    )


@st.fragment
def _graph(page: Context, work: Dossier) -> None:
    from dashboard.charts import lineage

    graph = lineage.build(
        work.token,
        making=work.making,
        holdings=work.holdings,
        sales=work.sales,
        relatives=work.relatives,
        vaults=work.vault_addresses,
        names=work.names,
    )
    st.subheader("What it was made from, and who held it", anchor=False)
    nodes = {node.key: node for node in graph.nodes}
    order = list(nodes)

    def take_click() -> None:
        picked = st.session_state.lineage_graph.selection.selected
        places = [
            place
            for group in picked
            if group.get("data_type", "node") == "node"
            for place in group["data_indices"]
        ]
        if places:
            st.session_state.lineage_node = order[places[0]]

    st.echarts_chart(
        lineage.option(graph, page.palette),
        height=lineage.height_px(graph),
        key="lineage_graph",
        on_select=take_click,
        alt=f"Graph of {len(graph.nodes)} nodes: origins, the work, and its holders in order",
    )
    st.caption(
        "Left: what the mint declared. Right: holders in order, with what each paid. Solid edges "
        "are transfers, dashed ones declarations. Drag to move, click a node or choose it below."
    )
    key = st.selectbox(
        "Node", order, format_func=lambda key: _node_label(nodes[key]), key="lineage_node"
    )
    _node(page, work, nodes[key])


def _node_label(node: Any) -> str:
    from dashboard.charts.lineage import KINDS

    return f"{KINDS[node.kind][0]}: {node.label}"


def _node(page: Context, work: Dossier, node: Any) -> None:
    if node.kind == "more":
        st.caption("These are in the table of events, not in the drawing.")
        return
    st.code(node.key, language=None)
    if node.kind == "relative":
        st.page_link(
            "views/provenance.py",
            label="Open this work",
            icon=":material/arrow_forward:",
            query_params={"root": node.key},
        )
    if node.kind not in ("owner", "creator", "vault"):
        return
    held = ask.wallet(page.source, work.token["chain_id"], node.key)
    if held.is_empty():
        st.caption("Holds no work now.")
        return
    total = held["total"][0]
    more = f", {held.height} of them here" if total > held.height else ""
    st.caption(f"Holds {theme.count(total, 'work')} now{more}:")
    with st.container(horizontal=True):
        for row in held.iter_rows(named=True):
            name = theme.token_name(row["name"], row["token_id"])
            st.page_link(
                "views/provenance.py",
                label=theme.plain(name),
                query_params={
                    "root": token_key(work.token["chain_id"], row["collection"], row["token_id"])
                },
            )


if __name__ == "__main__":
    render(current())
