"""A market that used all contracts, indexed: each row is what the contracts themselves answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contracts.addresses import known_addresses
from contracts.chain import LOCAL_CHAIN_ID, local_chain
from contracts.rpc import Rpc
from contracts.simulation.run import simulate
from data.store import Store
from indexer.run import IndexOptions, index
from tests.own_contracts import Comparison, assert_same

pytestmark = pytest.mark.chain

SOURCES = ("primary", "resale", "auction", "fractionalization", "buyout")
BY_KIND = """
    SELECT kind, sum(owed_wei)::VARCHAR AS owed_wei, sum(paid_wei)::VARCHAR AS paid_wei
    FROM royalty_ledger WHERE look_through_of IS NULL GROUP BY kind
"""
SALES_IN_DEFAULTS = """
    SELECT count(*) FROM settled_sales JOIN loan_events USING (chain_id, tx_hash)
    WHERE loan_events.event = 'claim'
"""


@dataclass(frozen=True)
class Indexed:
    """A store, what its market came to, and how it compares with the contracts."""

    store: Store
    summary: dict[str, Any]
    found: Comparison


def indexed(days: int, seed: int, folder: Path) -> Indexed:
    """Simulates, indexes, and compares the store with the contracts."""
    with local_chain(state_dir=folder) as chain:
        summary = simulate(chain.rpc_url, days, seed, folder, lambda *_: None)
        store = Store.open(folder / "market.duckdb")
        index(store, IndexOptions((chain.rpc_url,), state_dir=folder))
        at = known_addresses(LOCAL_CHAIN_ID, folder)
        assert at is not None
        return Indexed(store, summary, assert_same(store, Rpc(chain.rpc_url), at))


def royalties(store: Store) -> dict[str, tuple[int, int]]:
    """What was owed and paid by kind of payment, in wei."""
    rows = store.query(BY_KIND).rows()
    return {kind: (int(owed), int(paid)) for kind, owed, paid in rows}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Indexed]:
    made = indexed(30, 5, tmp_path_factory.mktemp("indexed"))
    with made.store:
        yield made


def test_every_row_equals_the_contracts_at_the_same_block(market):
    compared = market.found.compared
    asked = {"owner", "split", "releasable", "shares", "dividend", "vault", "loan", "round", "drop"}
    assert asked <= {subject for subject, rows in compared.items() if rows > 0}
    assert sum(compared.values()) > 3_000


def test_the_index_owes_what_the_market_owed_and_sees_it_paid(market):
    owed = {source: market.summary["owed_wei"][source] for source in SOURCES}
    assert royalties(market.store) == {source: (wei, wei) for source, wei in owed.items()}
    assert all(owed.values())


def test_the_index_has_every_sale_and_no_loan_among_them(market):
    sales = market.store.query("SELECT count(*) FROM settled_sales").item()
    claims = market.store.query("SELECT count(*) FROM loan_events WHERE event = 'claim'").item()
    assert sales == market.summary["sales"]
    assert claims > 0
    assert market.store.query(SALES_IN_DEFAULTS).item() == 0


@pytest.mark.slow
def test_two_years_of_all_contracts_are_indexed_as_they_are(tmp_path):
    """The issue's figures, from contracts to tables: 720 days, seed 7."""
    made = indexed(720, 7, tmp_path)
    with made.store:
        assert made.summary["sales"] >= 5_000
        paid = {source: made.summary["paid_wei"][source] for source in SOURCES}
        assert royalties(made.store) == {source: (wei, wei) for source, wei in paid.items()}
