"""The simulated market uses all contracts, and its books say to the wei what they hold."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from contracts import chain
from contracts.abi import event_topics
from contracts.addresses import known_addresses
from contracts.calldata import encode_call
from contracts.errors import RpcError
from contracts.reverts import describe_revert
from contracts.rpc import Rpc
from contracts.simulation.books.loans import State
from contracts.simulation.books.registry import UPHELD, Kind
from contracts.simulation.books.royalties import Source
from contracts.simulation.books.studio import Outcome
from contracts.simulation.deployed import read_officers
from contracts.simulation.run import simulate
from contracts.simulation.state import read_state, replay
from tests.contracts import books_against_chain as check

DAYS, SEED = 45, 11


def quiet(_steps, _note):
    """Takes progress and says nothing."""


def simulated(url: str, days: int, seed: int, state_dir: Path) -> tuple[check.Bench, dict]:
    summary = simulate(url, days, seed, state_dir, quiet)
    rpc, at = Rpc(url), known_addresses(31_337, state_dir)
    state = read_state(state_dir, 31_337)
    return check.Bench(rpc, at, read_officers(rpc, at), state.vaults, replay(state)), summary


@pytest.fixture(scope="module")
def market(anvil, tmp_path_factory):
    state_dir = tmp_path_factory.mktemp("all_contracts")
    with chain.local_chain(state_dir=state_dir) as local:
        yield simulated(local.rpc_url, DAYS, SEED, state_dir)


@pytest.fixture
def bench(market):
    return market[0]


@pytest.fixture
def world(bench):
    return bench.economy.world


def transactions_with(bench, contract, event, places):
    """Hashes of the transactions in which a contract emitted an event, by place."""
    found = defaultdict(list)
    for place in places:
        for log in bench.logs(place, contract, event):
            found[log["transactionHash"]].append(log)
    return found


pytestmark = pytest.mark.chain


def test_books_and_contracts_agree_on_everything(bench):
    assert check.differences(bench) == []


def spoil_split(world):
    books = world.ledger.royalties.splits
    key = next(key for key, wei in books.releasable.items() if wei)
    books.releasable[key] += 1
    return lambda: books.releasable.__setitem__(key, books.releasable[key] - 1)


def spoil_loan(world):
    loan = next(iter(world.loans.loans.values()))
    before, loan.state = loan.state, State.OFFERED
    return lambda: setattr(loan, "state", before)


def spoil_vault(world):
    shares = next(iter(world.vaults.opened.values())).shares
    shares.paid_wei += 1
    return lambda: setattr(shares, "paid_wei", shares.paid_wei - 1)


def spoil_round(world):
    vetted = world.studio.rounds[0]
    vetted.best += 1
    return lambda: setattr(vetted, "best", vetted.best - 1)


def spoil_owner(world):
    piece = next(p for p in world.ledger.pieces.values() if p.owner.startswith("0x"))
    before, piece.owner = piece.owner, "0x" + "1" * 40
    return lambda: setattr(piece, "owner", before)


@pytest.mark.parametrize(
    ("spoil", "looks"),
    [
        (spoil_split, check.splitter),
        (spoil_loan, check.loans),
        (spoil_vault, check.vaults),
        (spoil_round, check.studio),
        (spoil_owner, check.owners),
    ],
)
def test_a_wrong_book_is_found(bench, world, spoil, looks):
    mend = spoil(world)
    try:
        assert list(looks(bench))
    finally:
        mend()


def test_owed_is_paid_to_the_wei_from_every_source(market):
    bench, summary = market
    paid = check.royalties_by_source(bench)
    owed = bench.economy.ledger.royalties.flows
    assert {int(source): flow.wei for source, flow in owed.items()} == paid
    assert all(owed[source].wei > 0 for source in Source)
    assert summary["owed_wei"] == summary["paid_wei"]


def test_every_sale_is_one_of_the_books_at_its_price(bench):
    """Kind and price of each `Sold`, at all three venues, against the books' own list."""
    at = bench.at
    found = Counter()
    for place, name in ((at.market, "Market"), (at.auctions, "Auctions"), (at.drops, "Drops")):
        for log in bench.logs(place, name, "Sold"):
            words = [int(log["data"][2 + 64 * i : 66 + 64 * i], 16) for i in range(2)]
            found[int(log["topics"][1], 16), *words] += 1
    sales = bench.economy.ledger.sales
    assert found == Counter((sale.token_id, sale.kind, sale.price_wei) for sale in sales)
    assert {kind for _, kind, _ in found} == {0, 1, 2}


def test_a_default_is_no_sale(bench):
    at = bench.at
    claims = transactions_with(bench, "Loans", "LoanClaimed", [at.loans])
    sales = transactions_with(bench, "Market", "Sold", [at.market, at.auctions, at.drops])
    royalties = transactions_with(bench, "Splitter", "RoyaltyReceived", [at.splitter])
    assert claims
    assert not set(claims) & (set(sales) | set(royalties))


def test_loans_end_in_every_way(world):
    states = Counter(loan.state for loan in world.loans.loans.values())
    assert {State.REPAID, State.CLAIMED} <= set(states)
    assert any(loan.vault for loan in world.loans.loans.values())


def test_works_of_a_tainted_model_cannot_be_minted(bench, world):
    registry = world.registry
    culprit = next(digest for digest, d in registry.disputes.items() if d.state == UPHELD)
    tainted = [a for a in registry.assets.values() if registry.taint_of(a.digest)]
    asset = next(asset for asset in tainted if asset.kind == Kind.MODEL)
    assert registry.taint_of(asset.digest) == culprit
    piece = max((p for p in world.ledger.pieces.values() if p.work), key=lambda p: p.token_id)
    clean = piece.work.materials
    assert registry.taint_of(clean.model) is None

    def mint(model, pixels):
        request = (piece.creator, pixels, pixels, model, clean.dataset, clean.process, 1, 0, "", [])
        data = "0x" + encode_call("Artwork", "mint", request).hex()
        call = {"from": piece.creator, "to": bench.at.artwork, "data": data}
        return bench.rpc.call("eth_call", [call, "latest"])

    assert int(mint(clean.model, b"\1" * 32), 16) == world.ledger.next_token
    with pytest.raises(RpcError) as refused:
        mint(asset.digest, b"\2" * 32)
    assert "AssetTainted" in describe_revert(refused.value.data)


def test_judgements_waited_for_the_delay_of_the_timelock(bench, world):
    scheduled = bench.logs(bench.at.timelock, "Timelock", "CallScheduled")
    executed = bench.logs(bench.at.timelock, "Timelock", "CallExecuted")
    assert len(executed) == world.timelock.executed >= len(world.people.labs) + 2
    time_of = {
        log["blockNumber"]: int(
            bench.rpc.call("eth_getBlockByNumber", [log["blockNumber"], False])["timestamp"], 16
        )
        for log in (*scheduled, *executed)
    }
    made = {log["topics"][1]: time_of[log["blockNumber"]] for log in scheduled}
    waits = [time_of[log["blockNumber"]] - made[log["topics"][1]] for log in executed]
    assert min(waits) >= world.terms.delay_s > 0


def test_rounds_accept_and_miss_their_quorum_and_some_votes_stay_hidden(world):
    rounds = world.studio.rounds
    outcomes = {vetted.outcome for vetted in rounds}
    assert {Outcome.ACCEPTED, Outcome.NO_QUORUM} <= outcomes
    closed = [vetted for vetted in rounds if vetted.outcome != Outcome.OPEN]
    assert any(not b.revealed for vetted in closed for b in vetted.ballots.values())


def test_no_contract_stays_unused(bench):
    """Each contract's events that a market can bring about were emitted at least once."""
    names = {}
    for contract in ("Artwork", "Market", "Auctions", "Drops", "VaultFactory", "Vault", "Loans",
                     "Registry", "Splitter", "Studio", "StudioShares", "Timelock"):  # fmt: skip
        names |= {topic: (contract, sign) for sign, topic in event_topics(contract).items()}
    logs = bench.rpc.call("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "latest"}])
    seen = {
        names[log["topics"][0]][1].partition("(")[0] for log in logs if log["topics"][0] in names
    }
    assert {
        "ArtworkMinted", "LineageEdge", "Listed", "Sold", "BidPlaced", "Paid", "Withdrawn",
        "DropOpened", "Dropped", "PriceParamsSet", "VaultOpened", "SharesMoved", "ReserveVote",
        "BuyoutStarted", "BuyoutSettled", "SharesRedeemed", "DividendPaid", "DividendClaimed",
        "LoanOffered", "LoanStarted", "LoanRepaid", "LoanClaimed", "NoteTransferred",
        "AssetRegistered", "AssetParent", "Attested", "DisputeOpened", "DisputeResolved",
        "RegistrarSet", "SplitSet", "RoyaltyReceived", "RoyaltyReleased", "RoundOpened",
        "Submitted", "VoteCommitted", "VoteRevealed", "RoundClosed", "LoopTransition",
        "BudgetSpent", "CallScheduled", "CallExecuted", "Paused", "Unpaused",
    } <= seen  # fmt: skip
