"""A market that used all contracts, indexed: each row is what the contracts themselves answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contracts.addresses import known_addresses
from contracts.chain import LOCAL_CHAIN_ID, local_chain
from contracts.rpc import Rpc
from contracts.simulation.deployed import read_officers
from contracts.simulation.run import simulate
from contracts.simulation.state import read_state, replay
from data.store import Store
from indexer.run import IndexOptions, index
from tests.contracts.books_against_chain import Bench, differences
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
    """Simulates, indexes, and compares the market's books and the store with the contracts."""
    with local_chain(state_dir=folder, kept_states=8) as chain:
        summary = simulate(chain.rpc_url, days, seed, folder, lambda *_: None)
        store = Store.open(folder / "market.duckdb")
        index(store, IndexOptions((chain.rpc_url,), state_dir=folder))
        rpc, at = Rpc(chain.rpc_url), known_addresses(LOCAL_CHAIN_ID, folder)
        state = read_state(folder, LOCAL_CHAIN_ID)
        assert at is not None
        assert state is not None
        books = Bench(rpc, at, read_officers(rpc, at), state.vaults, replay(state))
        assert differences(books) == []
        return Indexed(store, summary, assert_same(store, rpc, at))


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
@pytest.mark.timeout(7_200)
def test_two_years_of_all_contracts_are_indexed_as_they_are(tmp_path):
    """The issue's figures, from contracts to tables: `chain simulate --days 720 --seed 7`."""
    made = indexed(720, 7, tmp_path)
    with made.store:
        assert made.summary["sales"] >= 5_000
        paid = {source: made.summary["paid_wei"][source] for source in SOURCES}
        assert royalties(made.store) == {source: (wei, wei) for source, wei in paid.items()}
