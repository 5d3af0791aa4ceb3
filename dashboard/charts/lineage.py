"""The graph of one work: what it was made from, who held it, and what each paid.

Transfers are facts and drawn solid; model, dataset and parents are declarations and drawn dashed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from dashboard.theme import Palette, address, number, token_name
from data.ids import token_key

MAX_OWNERS = 60
PER_ROW = 5
"""Holders to a row; the chain runs to and fro like a text written by an ox."""
STEP_X, STEP_Y = 165, 105
KINDS = {
    "work": ("Work", "roundRect", "#d55e00"),
    "owner": ("Holder", "circle", "#0072b2"),
    "creator": ("Creator", "circle", "#009e73"),
    "vault": ("Vault", "diamond", "#e69f00"),
    "model": ("Model, data, process", "triangle", "#cc79a7"),
    "relative": ("Declared parent or child", "rect", "#56b4e9"),
    "more": ("Not drawn", "emptyCircle", "#7d7a73"),
}


@dataclass(frozen=True)
class Node:
    """One node: what it is, its identity (address, digest or token key), and what to call it."""

    key: str
    kind: str
    label: str
    x: float
    y: float


@dataclass(frozen=True)
class Edge:
    """One edge, `declared` when it is a claim and not a transfer."""

    source: str
    target: str
    label: str
    declared: bool = False
    flagged: bool = False
    bend: float = 0.0


@dataclass
class Graph:
    """Nodes and edges in drawing order."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def add(self, node: Node) -> None:
        """Adds a node unless its key is there already."""
        if all(known.key != node.key for known in self.nodes):
            self.nodes.append(node)


def build(
    token: dict[str, Any],
    *,
    making: dict[str, Any] | None,
    holdings: pl.DataFrame,
    sales: pl.DataFrame,
    relatives: pl.DataFrame,
    vaults: set[str],
    names: dict[str, str],
) -> Graph:
    """The graph of a work with every node placed: origins left, holders in order to the right."""
    graph = Graph()
    root = token_key(token["chain_id"], token["collection"], token["token_id"])
    graph.add(Node(root, "work", token_name(token["name"], token["token_id"]), 0, 0))
    _add_making(graph, root, making)
    _add_relatives(graph, root, relatives, token["chain_id"])
    _add_holders(graph, root, holdings, sales, vaults=vaults, names=names)
    return graph


def _add_making(graph: Graph, root: str, making: dict[str, Any] | None) -> None:
    if not making:
        return
    for place, part in enumerate(("model", "dataset", "process")):
        if making[part]:
            label = f"{part} {address(making[part])}"
            graph.add(Node(making[part], "model", label, -STEP_X, (place - 1) * 85))
            graph.edges.append(Edge(making[part], root, "", declared=True))


def _add_relatives(graph: Graph, root: str, relatives: pl.DataFrame, chain_id: int) -> None:
    for side, height in (("parent", -1.8 * STEP_Y), ("child", 1.8 * STEP_Y)):
        rows = relatives.filter(pl.col("side") == side)
        for place, row in enumerate(rows.head(10).iter_rows(named=True)):
            key = token_key(chain_id, row["collection"], row["token_id"])
            label = token_name(row["name"], row["token_id"])
            graph.add(Node(key, "relative", label, place * STEP_X / 1.3, height))
            ends = (key, root) if side == "parent" else (root, key)
            note = f"{side}, {row['share_bps'] / 100:g} % share"
            graph.edges.append(Edge(*ends, note, declared=True))
        if rows.height > 10:
            more = f"more-{side}"
            graph.add(Node(more, "more", f"+{rows.height - 10} more", 10 * STEP_X / 1.3, height))


def _add_holders(
    graph: Graph,
    root: str,
    holdings: pl.DataFrame,
    sales: pl.DataFrame,
    *,
    vaults: set[str],
    names: dict[str, str],
) -> None:
    paid = {row["tx_hash"]: row for row in sales.iter_rows(named=True)}
    moves = holdings.filter(pl.col("kind") != "burn")
    cut = max(moves.height - MAX_OWNERS, 0)
    if cut:
        graph.add(Node("more-holders", "more", f"+{cut} earlier holders", 0, -STEP_Y))
    before = root
    place = 0
    for index, row in enumerate(moves.tail(MAX_OWNERS).iter_rows(named=True)):
        owner = row["owner"]
        known = {node.key for node in graph.nodes}
        if owner not in known:
            kind = "vault" if owner in vaults else "creator" if row["kind"] == "mint" else "owner"
            label = names.get(owner) or address(owner)
            graph.add(Node(owner, kind, label, *_spot(place)))
            place += 1
        sale = paid.get(row["tx_hash"])
        graph.edges.append(
            Edge(before, owner, _step(index + cut, row["kind"], sale),
                 flagged=bool(sale and sale["flagged"]), bend=0.35 if owner in known else 0.0)
        )  # fmt: skip
        before = owner


def _spot(place: int) -> tuple[float, float]:
    """Where the n-th holder stands: rows of PER_ROW, each in the other direction than the last."""
    row, column = divmod(place, PER_ROW)
    column = PER_ROW - 1 - column if row % 2 else column
    return STEP_X * (column + 1), STEP_Y * row


def height_px(graph: Graph) -> int:
    """Height that the drawing needs."""
    ys = [node.y for node in graph.nodes]
    return int(min(max(max(ys) - min(ys) + 150, 320), 1_400))


def _step(index: int, kind: str, sale: dict[str, Any] | None) -> str:
    if sale and sale["price_eth"] is not None:
        return f"{index}. {number(sale['price_eth'])} ETH"
    return "minted to" if kind == "mint" else f"{index}. {'sale' if sale else kind}"


def option(graph: Graph, palette: Palette) -> dict[str, Any]:
    """The ECharts option of the graph; node names are identities, so clicks can be told apart."""
    kinds = [kind for kind in KINDS if any(node.kind == kind for node in graph.nodes)]
    return {
        "animation": len(graph.nodes) <= 100,
        "tooltip": {},
        "legend": [
            {
                "data": [{"name": KINDS[kind][0], "icon": KINDS[kind][1]} for kind in kinds],
                "textStyle": {"color": palette.ink},
                "bottom": 0,
            }
        ],
        "series": [
            {
                "type": "graph",
                "layout": "none",
                "preserveAspect": "contain",
                "roam": True,
                "scaleLimit": {"min": 0.4, "max": 4},
                "selectedMode": "single",
                "top": 30,
                "bottom": 60,
                "left": 60,
                "right": 80,
                "categories": [
                    {"name": KINDS[kind][0], "symbol": KINDS[kind][1],
                     "itemStyle": {"color": KINDS[kind][2]}} for kind in kinds
                ],
                "edgeSymbol": ["none", "arrow"],
                "edgeSymbolSize": 7,
                "label": {"show": True, "position": "bottom", "formatter": "{c}",
                          "color": palette.ink, "fontSize": 11},
                "edgeLabel": {"fontSize": 11, "color": palette.muted, "formatter": "{c}"},
                "lineStyle": {"color": palette.muted, "width": 1.3, "opacity": 0.9},
                "emphasis": {"focus": "adjacency"},
                "data": [_node(node, kinds) for node in graph.nodes],
                "links": [_link(edge, palette) for edge in graph.edges],
            }
        ],
    }  # fmt: skip


def _node(node: Node, kinds: list[str]) -> dict[str, Any]:
    return {
        "id": node.key,
        "name": node.label,
        "value": node.label,
        "x": node.x,
        "y": node.y,
        "category": kinds.index(node.kind),
        "symbolSize": 34 if node.kind == "work" else 20,
        "label": {"formatter": "{b}"},
    }


def _link(edge: Edge, palette: Palette) -> dict[str, Any]:
    return {
        "source": edge.source,
        "target": edge.target,
        "value": edge.label,
        "label": {"show": True, "formatter": "{c}"},
        "lineStyle": {
            "type": "dashed" if edge.declared else "solid",
            "color": palette.flagged if edge.flagged else palette.muted,
            "curveness": edge.bend,
        },
    }
