"""Every row that the store derives equals a direct read of the contracts at the same block."""

import shutil
from itertools import pairwise

import pytest

from contracts.addresses import known_addresses
from contracts.chain import LOCAL_CHAIN_ID, local_chain
from contracts.deploy import deploy
from contracts.rpc import Rpc
from data.store import Store
from indexer.protocols.raisonne_events import EVENTS, VAULT_EVENTS
from indexer.rebuild import check, rebuild
from indexer.run import IndexOptions, index
from tests.integration.own_world import SUPPLY, World, live
from tests.own_contracts import assert_same, compare

pytestmark = pytest.mark.chain

_NOT_ACTED_OUT = {
    "OwnershipTransferStarted": "ownership stays where the deployment put it",
    "RoleRevoked": "roles stay as they were granted",
    "RoleAdminChanged": "the timelock administers itself from the start",
}
"""Events of ours that the history lacks, with the reason; a test on made-up logs reads them."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The node after the whole history, and the folder with the addresses."""
    folder = tmp_path_factory.mktemp("own")
    with local_chain(state_dir=folder) as chain:
        own = deploy(chain.rpc_url, folder)
        acted = World(Rpc(chain.rpc_url), own)
        live(acted)
        yield acted, IndexOptions((chain.rpc_url,), state_dir=folder)


@pytest.fixture(scope="module")
def indexed(world, tmp_path_factory):
    """The store of the whole history, and its file."""
    path = tmp_path_factory.mktemp("store") / "market.duckdb"
    with Store.open(path) as store:
        index(store, world[1])
    return path


@pytest.fixture
def store(indexed, tmp_path):
    """A copy of the store that a test may spoil."""
    path = tmp_path / "market.duckdb"
    shutil.copy(indexed, path)
    with Store.open(path) as opened:
        yield opened


def test_every_derived_row_equals_a_direct_read(world, store):
    acted, _ = world
    found = assert_same(store, acted.rpc, acted.own)
    assert sum(found.compared.values()) > 320
    assert store.read("quarantine").is_empty()


def test_the_history_uses_every_event_of_ours(store):
    seen = set(store.query("SELECT DISTINCT topic0 FROM logs")["topic0"])
    events = {event for group in (*EVENTS.values(), VAULT_EVENTS) for event in group}
    lacking = {event.name for event in events if event.topic0 not in seen}
    assert lacking == set(_NOT_ACTED_OUT)


def test_states_of_vaults_loans_and_rounds_are_all_there(store):
    def states(table):
        return set(store.query(f"SELECT DISTINCT state FROM {table}")["state"])

    assert states("vaults") == {"open", "auction", "sold"}
    assert states("loans") == {"offered", "cancelled", "open", "repaid", "defaulted"}
    assert states("vetting_rounds") == {"open", "closed"}
    assert states("auction_states") == {"open", "settled", "cancelled"}
    assert states("tainted_assets") == {"open", "upheld"}


def test_owed_is_paid_for_every_kind_of_royalty(store):
    kinds = store.query(
        "SELECT kind, sum(owed_wei) AS owed, sum(paid_wei) AS paid, count(*) AS n"
        " FROM royalty_ledger WHERE look_through_of IS NULL GROUP BY kind ORDER BY kind"
    )
    names = ["auction", "buyout", "fractionalization", "primary", "resale"]
    assert kinds["kind"].to_list() == names
    assert kinds["owed"].to_list() == kinds["paid"].to_list()
    # And it is what came to the Splitter, as whoever paid it said.
    received = store.query(
        "SELECT source, sum(amount_wei) AS paid FROM split_payments"
        " WHERE event = 'received' AND account IN (SELECT contract FROM payouts UNION ALL"
        " SELECT vault FROM vaults) GROUP BY source ORDER BY source"
    )
    assert received.rows() == kinds.select("kind", "paid").rows()


def test_people_behind_the_splitter_get_what_it_took(store):
    sums = store.query(
        "SELECT sum(paid_wei) FILTER (look_through_of IS NULL) AS whole,"
        " sum(paid_wei) FILTER (look_through_of IS NOT NULL) AS parts FROM royalty_ledger"
    )
    assert sums["whole"].item() == sums["parts"].item() > 0


def test_works_are_tainted_by_what_they_were_made_with_and_from(world, store):
    acted, _ = world
    found = store.query(
        "SELECT token_id, via, distance FROM tainted_works WHERE state = 'upheld' ORDER BY ALL"
    )
    # The first work's manifest was copied; the second and third descend from it, and the third was
    # made with data that lost a dispute, too.
    assert found.rows() == [
        ("1", "manifest", 0),
        ("2", "parent", 1),
        ("3", "dataset", 0),
        ("3", "parent", 1),
    ]
    burned = store.query("SELECT count(*) FROM tokens WHERE is_burned").item()
    assert burned == acted.ask("artwork", "minted") - _balances(acted)


def _balances(w):
    holders = {*w.accounts, *(getattr(w.own, f) for f in ("studio", "drops", "auctions", "loans"))}
    return sum(w.ask("artwork", "balanceOf", each) for each in (*holders, *_vaults(w)))


def test_a_default_is_no_sale(store):
    sold = store.query(
        "SELECT count(*) FROM settled_sales s JOIN loan_events e USING (chain_id, tx_hash)"
    )
    assert sold.item() == 0
    assert store.query("SELECT count(*) FROM loans WHERE state = 'defaulted'").item() == 1
    assert store.query("SELECT count(*) FROM sales WHERE residual_wei <> 0").item() == 0


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ("owner", "UPDATE tokens SET owner = creator WHERE owner <> creator"),
        ("releasable", "UPDATE royalty_balances SET releasable_wei = releasable_wei + 1"),
        ("releasable", "DELETE FROM royalty_balances WHERE releasable_wei > 0"),
        ("refund", "DELETE FROM refunds WHERE refundable_wei > 0"),
        ("shares", "DELETE FROM vault_holders WHERE fraction < 0.1"),
        ("dividend", "UPDATE dividend_balances SET claimable_wei = claimable_wei + 1"),
        ("vault royalty", "UPDATE royalty_ledger SET owed_wei = owed_wei + 1"),
        ("vault phase", "UPDATE vaults SET state = 'open'"),
        ("vault reserve", "UPDATE vaults SET reserve_wei = reserve_wei + 1"),
        ("loan", "UPDATE loans SET state = 'open' WHERE state = 'defaulted'"),
        ("loans", "DELETE FROM loans WHERE state = 'offered'"),
        ("round", "UPDATE vetting_rounds SET votes_for = '1' WHERE state = 'closed'"),
        ("auction", "UPDATE auction_states SET bid_wei = bid_wei + 1"),
        ("drop", "UPDATE drops SET sold = sold + 1"),
        ("tainted", "DELETE FROM tainted_assets"),
        ("budget", "UPDATE budgets SET spent = '0'"),
    ],
)
def test_a_wrong_row_is_noticed(world, store, subject, fault):
    acted, _ = world
    with store.transaction() as transaction:
        transaction.execute(fault)
    found = compare(store, acted.rpc, acted.own)
    assert any(text.startswith(f"{subject} ") for text in found.differences), found.differences


def test_rebuilt_from_the_logs_it_is_the_same(world, store):
    acted, options = world
    before = store.digest()
    assert rebuild(store, state_dir=options.state_dir).digest == before
    assert_same(store, acted.rpc, acted.own)


def test_ranges_in_any_order_make_the_same_store(world, store, tmp_path):
    acted, options = world
    head = int(acted.rpc.call("eth_blockNumber"), 16)
    bounds = [0, head // 3, head // 2, head - 9, head + 1]
    spans = [f"{start}:{end}" for start, end in pairwise(bounds)]
    with Store.open(tmp_path / "parts.duckdb") as parts:
        for span in (spans[2], spans[0], spans[3], spans[1]):
            index(parts, IndexOptions(options.rpc_urls, (span,), state_dir=options.state_dir))
        assert parts.digest() == store.digest()


def test_after_a_reorganisation_it_is_that_of_the_chain_that_stayed(world, store):
    acted, options = world
    snapshot = acted.rpc.call("evm_snapshot")
    try:
        _one_end(acted)
        index(store, options)
        first = assert_same(store, acted.rpc, acted.own)
        acted.rpc.call("evm_revert", [snapshot])
        snapshot = acted.rpc.call("evm_snapshot")
        _another_end(acted)
        summary = index(store, options)
        assert summary.rolled_back_from
        second = assert_same(store, acted.rpc, acted.own)
        assert first.differences == second.differences == []
        assert check(store, state_dir=options.state_dir) == []
    finally:
        acted.rpc.call("evm_revert", [snapshot])


def test_the_simulated_market_is_derived_as_its_contracts_have_it(demo_store):
    own = known_addresses(LOCAL_CHAIN_ID, demo_store.state_dir)
    with Store.open(demo_store.path) as store:
        found = assert_same(store, Rpc(demo_store.rpc_url), own)
    assert found.compared["owner"] > 50


def _one_end(w):
    """The live buyout is outbid, a loan repaid, dividends paid, a work sold, a dispute upheld."""
    vaults = [v for v in _vaults(w) if w.ask(v, "phase") == 1]
    w.do(5, vaults[0], "bid", wei=w.ask(vaults[0], "leastBid"))
    quiet = next(v for v in _vaults(w) if w.ask(v, "phase") == 0)
    w.do(5, quiet, "distribute", wei=SUPPLY // 3)
    w.share("studio_shares", 3, 6, 5)
    listed = 3
    w.buy(5, listed, 10**18)


def _another_end(w):
    """Of all that only the votes, and another bid."""
    quiet = next(v for v in _vaults(w) if w.ask(v, "phase") == 0)
    w.do(4, quiet, "unvote")
    w.share("studio_shares", 3, 5, 6)
    for _ in range(12):
        w.wait(10)


def _vaults(w):
    logs = w.rpc.call(
        "eth_getLogs",
        [{"fromBlock": "0x0", "toBlock": "latest", "address": w.own.vault_factory}],
    )
    topic = next(e.topic0 for e in EVENTS["vault_factory"] if e.name == "VaultOpened")
    return ["0x" + log["topics"][1][-40:] for log in logs if log["topics"][0] == topic]
