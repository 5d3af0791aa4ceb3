"""The part of the Studio page that the share holders wrote: rounds, budgets, drops."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboard import theme
from dashboard.context import Context
from dashboard.queries import governance as ask
from dashboard.widgets.block import Block, chart_block, table_block
from data.units import wei_to_eth


def governance(page: Context) -> None:
    """Draws rounds, budgets and drops of the chain; nothing where its studio did nothing yet."""
    rounds = ask.rounds(page.source, page.chain_id, page.newest_at)
    budgets = ask.budgets(page.source, page.chain_id)
    drops = ask.drops(page.source, page.chain_id)
    if rounds.height:
        _rounds(page, rounds)
    if budgets.height:
        _budgets(budgets)
    if drops.height:
        _drops(drops)


def _rounds(page: Context, rounds: pl.DataFrame) -> None:
    from dashboard.charts.rounds import rounds as chart

    accepted = int((rounds["outcome"] == ask.OUTCOMES[0]).sum())
    closed = int(rounds["outcome"].is_in(ask.OUTCOMES).sum())
    chart_block(
        Block(
            "rounds",
            f"Share holders accepted a work in {accepted:,} of {theme.count(closed, 'round')}",
            "Votes are counted by the shares held when a round opened, up to a cap for each voter; "
            "those not revealed count for nothing. An accepted manifest may be minted once.",
            f"Bars of the votes of {theme.count(rounds.height, 'round')} of vetting",
            ("Votes for the leader",),
        ),
        chart(rounds, page.palette),
        rounds,
        columns={
            "round": st.column_config.NumberColumn("Round", pinned=True),
            "for_share": _part("Votes for the leader"),
            "shares_cast": st.column_config.NumberColumn("Votes cast (shares)", format="%.2f"),
            "manifest": st.column_config.TextColumn("Accepted manifest", width=118),
            "minted_as": st.column_config.TextColumn("Minted as", width=118),
        },
    )


def _budgets(budgets: pl.DataFrame) -> None:
    newest = budgets["epoch"].max()
    shown = budgets.with_columns(
        pl.struct("kind_id", "spent").map_elements(_amount, return_dtype=pl.String).alias("spent"),
        pl.struct(pl.col("kind_id"), pl.col("left").alias("spent"))
        .map_elements(_amount, return_dtype=pl.String)
        .alias("left"),
    ).drop("kind_id")
    table_block(
        Block(
            "budgets",
            "What it may spend, and what it spent",
            "Each kind of spending has a budget per epoch, and what exceeds it is refused; nothing "
            f"is carried over. The newest epoch with spending is {newest}.",
            "Table of spending by epoch and kind",
            ("Budget used",),
        ),
        shown,
        export=lambda: budgets.drop("kind_id"),
        columns={
            "epoch": st.column_config.NumberColumn("Epoch", format="%d", pinned=True),
            "used": _part("Budget used"),
        },
    )


def _amount(row: dict[str, Any]) -> str:
    """An amount of a budget in words: wei as ether, counts as they are."""
    if row["kind_id"] >= ask.FIRST_COUNT:
        return f"{int(row['spent']):,}"
    return theme.money(float(wei_to_eth(int(row["spent"]))), "ETH")


def _drops(drops: pl.DataFrame) -> None:
    sold, works = int(drops["sold"].sum()), int(drops["works"].sum())
    table_block(
        Block(
            "drops",
            f"Drops sold {sold:,} of {theme.count(works, 'work')}",
            "The price of a drop falls while nothing is sold and rises with each sale, between its "
            "floor and its cap; all of it stays within bounds that share holders set.",
            "Table of drops with their prices and what they sold",
        ),
        drops,
        columns={
            "drop": st.column_config.NumberColumn("Drop", pinned=True),
            "by": st.column_config.TextColumn("Opened by", width=118),
            "sold_share": _part("Sold of all"),
            "start_eth": st.column_config.NumberColumn("Start (ETH)", format="%.4f"),
            "floor_eth": st.column_config.NumberColumn("Floor (ETH)", format="%.4f"),
            "cap_eth": st.column_config.NumberColumn("Cap (ETH)", format="%.4f"),
        },
    )


def _part(label: str) -> Any:
    """A column of shares from 0 to 1 as bars."""
    return st.column_config.ProgressColumn(label, format="percent", min_value=0, max_value=1)
