"""What tests of lending protocols share: loan events as plain values, and the reference's rows."""

import gzip
import json
from decimal import Decimal

import polars as pl

from data.schema import table
from tests.paths import MAINNET


def loans_of(tables, protocol, tx=None):
    """Rows of `loan_events` as dicts, in order."""
    events = tables.get("loan_events", table("loan_events").empty())
    events = events.filter(pl.col("protocol") == protocol).sort("block_number", "log_index")
    if tx is not None:
        events = events.filter(pl.col("tx") == tx)
    return events.rows(named=True)


def told(row, *names):
    """Values of a row, amounts as int."""
    return tuple(int(row[n]) if isinstance(row[n], Decimal) else row[n] for n in names)


def reference(*kinds):
    """Rows of decoded_reference.jsonl.gz of some kinds, by (transaction, log index)."""
    with gzip.open(MAINNET / "decoded_reference.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return {
        (row["tx_hash"], row["log_index"]): row
        for row in rows
        if row["kind"] in kinds and row["log_index"] is not None
    }
