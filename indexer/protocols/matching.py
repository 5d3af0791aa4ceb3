"""Which orders of a transaction form one trade, when several are filled against each other."""

import polars as pl


def connect(edges: pl.DataFrame) -> pl.DataFrame:
    """Connected components of nodes that share keys.

    Args:
        edges: `node` (integer) and any further columns, which together are the key.

    Returns:
        `node` and `component`: the smallest node that can be reached through shared keys.
    """
    keys = [name for name in edges.columns if name != "node"]
    labelled = edges.with_columns(pl.col("node").alias("component"))
    while True:
        spread = labelled.with_columns(
            pl.col("component").min().over(keys).alias("component")
        ).with_columns(pl.col("component").min().over("node"))
        if spread["component"].equals(labelled["component"]):
            return spread.select("node", "component").unique("node", maintain_order=True)
        labelled = spread


def assign_by_amount(givers: pl.DataFrame, takers: pl.DataFrame) -> pl.DataFrame:
    """Money-only orders matched with the trades that lack exactly their amount.

    Args:
        givers: `node`, `group`, `currency`, `amount`: what an order brings.
        takers: `component`, `group`, `currency`, `amount`: what a trade lacks.

    Returns:
        `node`, `component` of the pairs. Equal amounts are paired in order: which of two equal
        payments settles which of two equal debts changes nobody's balance.
    """
    key = ["group", "currency", "amount"]
    ranked = [
        frame.sort(by).with_columns(pl.int_range(pl.len()).over(key).alias("rank"))
        for frame, by in ((givers, "node"), (takers, "component"))
    ]
    return ranked[0].join(ranked[1], on=[*key, "rank"]).select("node", "component")
