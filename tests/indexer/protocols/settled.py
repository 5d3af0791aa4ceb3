"""Settling made-up logs as an index run does."""

from decimal import Decimal

import polars as pl

from contracts.addresses import Addresses
from data.schema import table
from indexer.decode import settle_logs
from indexer.protocols import PROTOCOLS
from indexer.protocols.base import ChainContext
from indexer.selection import Selection
from tests.indexer.samples import frame_of

OWN = Addresses(
    chain_id=31_337,
    timelock="0x" + "71" * 20,
    registry="0x" + "4e" * 20,
    splitter="0x" + "59" * 20,
    artwork="0x" + "a7" * 20,
    market="0x" + "3a" * 20,
    auctions="0x" + "ac" * 20,
    drops="0x" + "d4" * 20,
    vault_factory="0x" + "fa" * 20,
    loans="0x" + "10" * 20,
    studio_shares="0x" + "54" * 20,
    studio="0x" + "57" * 20,
    price_feed="0x" + "fe" * 20,
    aigc="0x" + "a1" * 20,
    deployed_block=1,
)


def settle(*logs, chain_id=1, own=None):
    """Tables of the logs; every table of facts is there, empty or not."""
    selection = Selection(ChainContext(chain_id, own), tuple(PROTOCOLS.values()))
    tables = settle_logs(frame_of(list(logs), chain_id), selection)
    names = ("transfers", "settled_sales", "sale_payments", "quarantine")
    return {name: table(name).empty() for name in names} | tables


def legs_of(tables, sale):
    """Legs of a sale: (recipient, class, amount) in order."""
    legs = tables["sale_payments"].filter(pl.col("sale_id") == sale["sale_id"]).sort("seq")
    rows = legs.select("recipient", "recipient_class", "amount_wei").rows()
    return [(recipient, kind, int(amount)) for recipient, kind, amount in rows]


def assert_balanced(tables):
    """Every sale balances, and its legs add up to its price."""
    sales = tables["settled_sales"]
    assert sales["residual_wei"].to_list() == [Decimal(0)] * sales.height
    sums = {}
    for sale_id, kind, amount in (
        tables["sale_payments"].select("sale_id", "recipient_class", "amount_wei").rows()
    ):
        if kind != "refund":
            sums[sale_id] = sums.get(sale_id, 0) + int(amount)
    prices = dict(sales.select("sale_id", "price_wei").rows())
    assert sums == {key: int(price) for key, price in prices.items() if price or key in sums}
