"""Facts of vaults with their links."""

import json
import tempfile
from pathlib import Path

import polars as pl

from data.schema import TABLES
from data.store import Store
from indexer.decode import settle_logs
from indexer.link import rebuild_links
from indexer.protocols import PROTOCOLS
from indexer.protocols.base import ChainContext
from indexer.protocols.erc20 import TRANSFER
from indexer.selection import Selection
from tests.emission.emit import FOLDER
from tests.indexer.samples import frame_of


def linked(tables):
    """A store with the fact tables and every link made of them."""
    folder = tempfile.TemporaryDirectory()
    store = Store.open(Path(folder.name) / "market.duckdb")
    store.folder = folder  # lives as long as the store
    for name, rows in tables.items():
        if name in TABLES and TABLES[name].kind == "fact":
            store.append(name, rows.drop("tx", strict=False))
    rebuild_links(store)
    return store


def of(tables, *places):
    """The tables of some transactions of the scenario only."""
    return {name: rows.filter(pl.col("tx").is_in(places)) for name, rows in tables.items()}


def settle_without_payments(name):
    """Facts of a fixture whose receipts nobody gave: without its ERC-20 transfers."""
    recorded = json.loads((FOLDER / f"{name}.json").read_text())
    logs = [
        {**log, "removed": False}
        for receipt in recorded["receipts"]
        for log in receipt["logs"]
        if not (log["topics"][0] == TRANSFER.topic0 and len(log["topics"]) == TRANSFER.n_topics)
    ]
    chain_id = recorded["chain_id"]
    selection = Selection(ChainContext(chain_id), tuple(PROTOCOLS.values()))
    return settle_logs(frame_of(logs, chain_id), selection)
