"""Chart blocks: a title that says something, the figure, its caption, its table, its export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from dashboard.definitions import meaning
from dashboard.queries.scope import MAX_ROWS
from dashboard.widgets.exports import csv_bytes, parquet_bytes

if TYPE_CHECKING:
    import plotly.graph_objects as go


HEADERS = {
    "block_time": "Time",
    "token_id": "Token",
    "tx_hash": "Transaction",
    "sale_id": "Sale",
    "chain_id": "Chain",
    "price_wei": "Price (wei)",
    "price_eth": "Price (ETH)",
    "price_usd": "Price (USD)",
    "royalty_wei": "Royalty (wei)",
    "platform_fee_wei": "Fee (wei)",
    "unique_id": "Series",
    "ds": "Week",
    "n": "n",
    **{f"{side}_{level}": f"{level} % {word}" for level in (50, 80, 95)
       for side, word in (("lo", "from"), ("hi", "to"))},
}  # fmt: skip
NARROW = {
    "collection", "seller", "buyer", "owner", "creator", "from", "to", "tx_hash", "currency",
    "selection", "sale_id", "counter_sale_ids", "run_id",
}  # fmt: skip
# Columns of long identities: the cell is cut, a click shows and copies the whole.


@dataclass(frozen=True)
class Block:
    """What surrounds a chart or table: key, title, caption, alt text, and the metrics it shows."""

    key: str
    title: str
    caption: str = ""
    alt: str = ""
    metrics: tuple[str, ...] = ()


def chart_block(
    block: Block,
    figure: go.Figure,
    table: pl.DataFrame,
    *,
    export: Callable[[], pl.DataFrame] | None = None,
    columns: dict[str, Any] | None = None,
) -> None:
    """Draws a figure with its table twin; `export` gives all rows where the table is cut."""
    from dashboard.charts.base import CONFIG

    st.subheader(block.title, anchor=False)
    st.plotly_chart(figure, key=f"chart_{block.key}", config=CONFIG, alt=block.alt)
    if block.caption:
        st.caption(block.caption)
    with st.expander("Show table", icon=":material/table_rows:", key=f"table_{block.key}"):
        _table(block, table, export, columns)


def table_block(
    block: Block,
    table: pl.DataFrame,
    *,
    export: Callable[[], pl.DataFrame] | None = None,
    columns: dict[str, Any] | None = None,
) -> None:
    """Draws a table in the open, with its export; without a title it joins what stands above."""
    if block.title:
        st.subheader(block.title, anchor=False)
    if block.caption:
        st.caption(block.caption)
    _table(block, table, export, columns)


def _table(
    block: Block,
    table: pl.DataFrame,
    export: Callable[[], pl.DataFrame] | None,
    columns: dict[str, Any] | None,
) -> None:
    shown = exact(table.head(MAX_ROWS))
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        column_config=_columns(table, columns or {}),
        key=f"frame_{block.key}",
        alt=block.alt or f"Table: {block.title or block.caption}",
        height=min(38 + 35 * max(shown.height, 1), 420),
    )
    if table.height > MAX_ROWS or (export and table.height == MAX_ROWS):
        st.caption(f"The first {MAX_ROWS:,} rows are shown; the export has all of them.")
    rows = export or (lambda: table)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for label, suffix, mime, encode in (
            ("CSV", "csv", "text/csv", csv_bytes),
            ("Parquet", "parquet", "application/vnd.apache.parquet", parquet_bytes),
        ):
            st.download_button(
                f"Export filtered rows ({label})",
                data=_lazily(rows, encode),
                file_name=f"raisonne-{block.key.replace('_', '-')}.{suffix}",
                mime=mime,
                key=f"export_{block.key}_{suffix}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
            )
        if block.metrics:
            with st.popover("Definition", type="tertiary", icon=":material/function:"):
                for name in block.metrics:
                    st.markdown(f"**{name}.** {meaning(name)}")


def _columns(table: pl.DataFrame, given: dict[str, Any]) -> dict[str, Any]:
    """Readable headers and formats for the columns that the page says nothing about."""
    return {name: _column(name, kind) for name, kind in table.schema.items()} | given


def _column(name: str, kind: pl.DataType) -> Any:
    label = HEADERS.get(name) or name.replace("_", " ").capitalize()
    if isinstance(kind, pl.Datetime):
        return st.column_config.DatetimeColumn(f"{label} (UTC)", format="YYYY-MM-DD HH:mm")
    if kind == pl.Date:
        return st.column_config.DateColumn(label, format="YYYY-MM-DD")
    if kind == pl.String:
        return st.column_config.TextColumn(label, width=118 if name in NARROW else None)
    if kind.is_float():
        return st.column_config.NumberColumn(label, format="%.4g")
    return label


def _lazily(
    rows: Callable[[], pl.DataFrame], encode: Callable[[pl.DataFrame], bytes]
) -> Callable[[], bytes]:
    return lambda: encode(rows())


def exact(table: pl.DataFrame) -> pl.DataFrame:
    """The frame with exact amounts as text: a browser would round them to 53 bits."""
    return table.with_columns(
        pl.col(name).cast(pl.String)
        for name, kind in table.schema.items()
        if isinstance(kind, pl.Decimal)
    )
