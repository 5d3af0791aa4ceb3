"""Facts of vaults with their links."""

import json
import tempfile
from pathlib import Path

import polars as pl

from data.schema import TABLES
from indexer.decode import settle_logs
from indexer.link import rebuild_links
from indexer.protocols import select_protocols
from indexer.protocols.base import ChainContext
from indexer.protocols.erc20 import TRANSFER
from indexer.selection import Selection
from tests.emission.emit import FOLDER
from tests.indexer.samples import frame_of
from tests.stores import new_store


def linked(tables):
    """A store with the fact tables and every link made of them."""
    folder = tempfile.TemporaryDirectory()
    store = new_store(Path(folder.name) / "market.duckdb")
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
    return _settle(
        name,
        lambda log: (log["topics"][0], len(log["topics"])) != (TRANSFER.topic0, TRANSFER.n_topics),
    )


def settle_alone(name):
    """Facts and logs of a fixture by its own protocol and those that it reads facts of."""
    return _settle(name, lambda _: True, name)


def _settle(name, is_wanted, *protocols):
    recorded = json.loads((FOLDER / f"{name}.json").read_text())
    logs = [
        {**log, "removed": False}
        for receipt in recorded["receipts"]
        for log in receipt["logs"]
        if is_wanted(log)
    ]
    chain_id = recorded["chain_id"]
    selection = Selection(ChainContext(chain_id), select_protocols(protocols))
    return settle_logs(frame_of(logs, chain_id), selection)
