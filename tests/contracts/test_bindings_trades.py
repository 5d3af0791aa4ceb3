"""A user's calls of auctions, drops, vaults, loans, splits, register and timelock, on one chain.

Time is moved on, so the chain is this file's own. Balances are read from the node.
"""

from dataclasses import replace

import pytest

from contracts import chain
from contracts.bindings import Contracts
from contracts.bindings.drops import PriceParams
from contracts.bindings.loans import LoanState
from contracts.bindings.registry import Kind
from contracts.bindings.studio import BudgetKind, LoopState, Outcome, RoundPhase
from contracts.bindings.vaults import VaultPhase
from contracts.calldata import encode_call
from contracts.deploy import deploy
from contracts.errors import ContractError
from contracts.rpc import Rpc
from contracts.signers import UnlockedSigner
from data.units import ZERO_ADDRESS
from tests.contracts.materials import MODEL, register

pytestmark = pytest.mark.chain

ETH = 10**18
DAY_S = 86_400
PARAMS = PriceParams(ETH, ETH // 10, 3 * 10**17, 4 * ETH, 2 * ETH)
ARTIST, COLLECTOR, BUYER = 1, 2, 3


@pytest.fixture(scope="module")
def market(anvil, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trades")
    with chain.local_chain(state_dir=folder) as running:
        deploy(running.rpc_url, folder)
        register(running.rpc_url, folder)
        people = Rpc(running.rpc_url).call("eth_accounts")
        yield [Contracts.connect(running.rpc_url, folder, each) for each in people[:4]]


@pytest.fixture
def work(market, request_of):
    """A work of ARTIST with 7.5 % royalty, owned by COLLECTOR."""
    return market[ARTIST].artwork.mint(request_of(market[COLLECTOR].signer.address))


def wait(market, days):
    rpc = market[0].session.rpc
    rpc.call("evm_increaseTime", [round(days * DAY_S)])
    rpc.call("evm_mine")


def test_auction_goes_to_the_highest_bidder(market, work):
    collector, buyer, artist = (market[n].auctions for n in (COLLECTOR, BUYER, ARTIST))
    collector.open(work, ETH, days=1)
    assert artist.bid(work) == ETH
    assert buyer.bid(work) == ETH * 105 // 100
    assert collector.auction(work).bidder == buyer.me
    assert artist.refund_of(artist.me) == ETH
    artist.withdraw()
    with pytest.raises(ContractError, match="AuctionRunning"):
        buyer.settle(work)
    wait(market, 1.1)
    buyer.settle(work)
    assert market[BUYER].artwork.owner_of(work) == buyer.me
    assert collector.last_price(work) == ETH * 105 // 100
    assert collector.auction(work).seller == ZERO_ADDRESS


def test_auction_without_bids_can_be_taken_back(market, work):
    collector = market[COLLECTOR]
    collector.auctions.open(work, ETH, days=1)
    collector.auctions.cancel(work)
    assert collector.artwork.owner_of(work) == collector.signer.address


def test_drop_sells_dearer_after_each_sale_and_gives_the_rest_back(market, request_of):
    artist, buyer = market[ARTIST], market[BUYER]
    tokens = [artist.artwork.mint(request_of(artist.signer.address)) for _ in range(3)]
    params = PARAMS
    drop_id = artist.drops.open(tokens, params)
    assert artist.drops.drop_of_token(tokens[0]) == drop_id
    assert artist.drops.drop(drop_id).params == params
    first = buyer.drops.buy(drop_id, tokens[0])
    second = buyer.drops.buy(drop_id, tokens[1])
    assert 0.99 * ETH < first < second < 4 * ETH
    assert buyer.drops.last_price(tokens[1]) == second
    with pytest.raises(ContractError, match=r"PriceAboveMax\(price=\d+, maxPrice=1\)"):
        buyer.drops.buy(drop_id, tokens[2], 1)
    with pytest.raises(ContractError, match="NotSellerOfDrop"):
        buyer.drops.take_back(drop_id, tokens[2:])
    artist.drops.take_back(drop_id, tokens[2:])
    drop = artist.drops.drop(drop_id)
    assert (drop.sold, drop.left) == (2, 0)
    assert artist.artwork.owner_of(tokens[2]) == artist.signer.address
    assert artist.drops.drop_of_token(tokens[2]) is None


def test_drop_is_repriced_within_the_governed_step(market, request_of):
    artist = market[ARTIST]
    params = PARAMS
    drop_id = artist.drops.open([artist.artwork.mint(request_of(artist.signer.address))], params)
    artist.drops.reprice(drop_id, params._replace(start_wei=ETH * 11 // 10))
    assert artist.drops.drop(drop_id).params.start_wei == ETH * 11 // 10
    with pytest.raises(ContractError, match="RepricedTooSoon"):
        artist.drops.reprice(drop_id, params)


def test_bounds_of_drops_move_by_the_timelock_only(market):
    deployer, at = market[0], market[0].addresses
    bounds = encode_call("Drops", "setBounds", (10**15, 10**21, 10**16, 8 * 10**17, 1_000))
    operation = deployer.timelock.schedule(at.drops, bounds)
    with pytest.raises(ContractError, match="TimelockUnexpectedOperationState"):
        deployer.timelock.execute(at.drops, bounds)
    assert not deployer.timelock.is_ready(operation)
    wait(market, deployer.timelock.delay_s() / DAY_S + 0.01)
    assert deployer.timelock.is_ready(operation)
    market[BUYER].timelock.execute(at.drops, bounds)
    assert deployer.timelock.is_done(operation)
    with pytest.raises(ContractError, match="AccessControlUnauthorizedAccount"):
        market[BUYER].timelock.schedule(at.drops, bounds, salt=b"\x01" * 32)


def test_vault_is_bought_out_and_pays_its_holders(market, work):
    collector, buyer = market[COLLECTOR], market[BUYER]
    place = collector.vaults.open(work, "Shares", "SHR", 1_000 * ETH, 10 * ETH)
    mine, theirs = collector.vaults.at(place), buyer.vaults.at(place)
    assert collector.vaults.token_of(place) == work
    mine.transfer(theirs.me, 250 * ETH)
    assert (mine.supply(), theirs.balance_of(theirs.me)) == (1_000 * ETH, 250 * ETH)
    theirs.distribute(4 * ETH)
    assert theirs.dividend_of(theirs.me) == ETH
    theirs.claim_dividend()
    assert theirs.dividend_of(theirs.me) == 0
    with pytest.raises(ContractError, match="QuorumMissing"):
        theirs.start_buyout(20 * ETH)
    mine.vote(12 * ETH)
    assert mine.vote_of(mine.me) == (12 * ETH, 750 * ETH)
    assert mine.reserve() == 12 * ETH
    assert theirs.start_buyout() == 12 * ETH
    assert theirs.phase() == VaultPhase.BUYOUT
    assert market[ARTIST].vaults.at(place).bid() == 12 * ETH * 105 // 100
    assert theirs.bid(20 * ETH) == 20 * ETH
    wait(market, 7.1)
    mine.settle()
    assert mine.phase() == VaultPhase.OVER
    assert buyer.artwork.owner_of(work) == theirs.me
    rest_wei = 20 * ETH - 20 * ETH * 750 // 10_000
    assert mine.redemption_of(mine.me) == rest_wei * 3 // 4
    assert mine.redeem() == rest_wei * 3 // 4
    assert theirs.redeem() == rest_wei // 4


def test_vote_can_be_taken_back_and_has_bounds(market, work):
    vault = market[COLLECTOR].vaults
    mine = vault.at(vault.open(work, "Shares", "SHR", 1_000 * ETH, 10 * ETH))
    assert mine.vote_bounds(mine.me, 1_000 * ETH) == (2 * ETH, 50 * ETH)
    with pytest.raises(ContractError, match=r"VotePriceOutOfRange\(price=1,"):
        mine.vote(1)
    mine.vote(11 * ETH)
    with pytest.raises(ContractError, match="SharesLocked"):
        mine.transfer(market[BUYER].signer.address, 1)
    mine.unvote()
    assert mine.take_out() == 0


def test_loan_against_a_work_is_repaid(market, work):
    collector, buyer = market[COLLECTOR].loans, market[BUYER].loans
    loan_id = collector.offer_work(work, ETH, ETH * 11 // 10, days=30)
    terms = buyer.terms_of(loan_id)
    with pytest.raises(ContractError, match="TermsDiffer"):
        buyer.lend(loan_id, b"\x01" * 32)
    buyer.lend(loan_id, terms)
    assert collector.loan(loan_id).state == LoanState.STARTED
    assert collector.loan(loan_id).lender == buyer.me
    collector.repay(loan_id)
    loan = collector.loan(loan_id)
    assert (loan.state, loan.principal_wei, loan.term_s) == (LoanState.REPAID, ETH, 30 * DAY_S)
    assert market[COLLECTOR].artwork.owner_of(work) == collector.me


def test_loan_against_shares_is_claimed_by_the_notes_holder(market, work):
    collector, buyer, artist = (market[n] for n in (COLLECTOR, BUYER, ARTIST))
    place = collector.vaults.open(work, "Shares", "SHR", 1_000 * ETH, 10 * ETH)
    loan_id = collector.loans.offer_shares(place, 100 * ETH, ETH, 2 * ETH, days=1)
    buyer.loans.lend(loan_id)
    buyer.loans.transfer_note(loan_id, artist.signer.address)
    buyer.vaults.at(place).distribute(10 * ETH)
    assert artist.loans.dividend_of(loan_id) == ETH
    assert not artist.loans.is_claimable(loan_id)
    wait(market, 1.1)
    assert artist.loans.is_claimable(loan_id)
    with pytest.raises(ContractError, match=r"Loans\.repay refused: Overdue"):
        collector.loans.repay(loan_id)
    artist.loans.claim(loan_id)
    assert artist.vaults.at(place).balance_of(artist.signer.address) == 100 * ETH


def test_offered_loan_can_be_cancelled(market, work):
    collector = market[COLLECTOR]
    loan_id = collector.loans.offer_work(work, ETH, ETH, days=1)
    collector.loans.cancel(loan_id)
    assert collector.loans.loan(loan_id).state == LoanState.CANCELLED
    assert collector.artwork.owner_of(work) == collector.signer.address


def test_payees_fetch_their_royalties(market, work):
    artist, session = market[ARTIST], market[0].session
    market[COLLECTOR].market.list(work, 4 * ETH)
    market[BUYER].market.buy(work)
    due = artist.splitter.releasable(work, artist.signer.address)
    assert due == 4 * ETH * 750 // 10_000 * 8_750 // 10_000
    before = session.balance(artist.signer.address)
    market[BUYER].splitter.release([work], artist.signer.address)
    assert session.balance(artist.signer.address) - before == due
    with pytest.raises(ContractError, match="NothingToRelease"):
        artist.splitter.release([work])
    assert artist.splitter.dust(work) == 0
    artist.splitter.reassign(work, 0, market[BUYER].signer.address)
    assert artist.splitter.split_of(work)[0] == (market[BUYER].signer.address, 8_750)


def test_register_keeps_assets_attestations_and_disputes(market):
    deployer, artist = market[0].registry, market[ARTIST].registry
    digest = b"\x77" * 32
    assert deployer.asset(digest).kind == Kind.NONE
    with pytest.raises(ContractError, match="NotRegistrar"):
        artist.register(digest, Kind.MODEL)
    deployer.register(digest, Kind.MODEL, uri="data:,x", parents=[MODEL])
    asset = artist.asset(digest)
    assert (asset.registrant, asset.kind, asset.parent_count) == (deployer.me, Kind.MODEL, 1)
    artist.attest(digest, 2, b"\x01" * 32, passed=True)
    artist.open_dispute(digest, b"\x02" * 32)
    assert artist.is_contested(digest)
    assert artist.taint_of(digest) is None
    assert deployer.is_registrar(deployer.me)
    assert not deployer.is_registrar(artist.me)


def vet(market, manifest, voters):
    """A round in which `voters` choose the one work that is submitted; how it was closed."""
    studio, salt = market[0].studio, b"\x05" * 32
    round_id = studio.open_round()
    choice = studio.submit(round_id, manifest)
    wait(market, 2.01)
    assert studio.phase_of(round_id) == RoundPhase.COMMITMENT
    for voter in voters:
        market[voter].studio.commit_vote(round_id, choice, salt)
    wait(market, 2.01)
    for voter in voters:
        market[voter].studio.reveal_vote(round_id, choice, salt)
    wait(market, 2.01)
    return studio.close_round(round_id)


def test_studio_mints_and_sells_what_a_round_accepts(market, request_of):
    owner, studio = market[0], market[0].studio
    assert studio.operator() == owner.signer.address != studio.guardian()
    for holder in (ARTIST, COLLECTOR, BUYER):
        owner.studio_shares.transfer(market[holder].signer.address, 100_000 * ETH)
    wait(market, 0.01)
    request = request_of(studio.address)
    with pytest.raises(ContractError, match=r"Studio\.mint refused: NotAccepted"):
        studio.mint(request)
    closing = vet(market, request.manifest, (ARTIST, COLLECTOR, BUYER))
    assert (closing.outcome, closing.manifest) == (Outcome.ACCEPTED, request.manifest)
    assert closing.votes_for == closing.votes_cast == 300_000 * ETH
    left = studio.left_of(BudgetKind.MINTS)
    token_id = studio.mint(request)
    assert studio.left_of(BudgetKind.MINTS) == left - 1
    assert studio.token_of(request.manifest) == token_id
    assert studio.round_of(request.manifest) == 1
    drop_id = studio.open_drop([token_id], PARAMS)
    studio.withdraw_drop(drop_id, [token_id])
    drop_id = studio.open_drop([token_id], PARAMS)
    paid = market[BUYER].drops.buy(drop_id, token_id)
    assert 0.99 * ETH < paid <= ETH
    split = dict(owner.splitter.split_of(token_id))
    assert split[studio.address] == 9_000


def test_round_without_a_quorum_accepts_nothing(market, request_of):
    closing = vet(market, request_of(market[0].studio.address).manifest, ())
    assert closing == (Outcome.NO_QUORUM, 0, 0, None)


def test_studio_shares_its_proceeds_and_keeps_its_budgets(market):
    owner, studio = market[0], market[0].studio
    rpc = owner.session.rpc
    rpc.call("anvil_setBalance", [studio.address, hex(9 * ETH)])
    stranger = "0x" + "5a" * 20
    studio.spend(BudgetKind.COMPUTE, stranger, ETH)
    assert owner.session.balance(stranger) == ETH
    with pytest.raises(ContractError, match=r"BudgetExceeded\(.*amount=2000000000000000000"):
        studio.spend(BudgetKind.COMPUTE, stranger, 2 * ETH)
    studio.meter(BudgetKind.IMAGES, 12)
    holder = market[ARTIST].studio_shares
    before, part = holder.dividend_of(holder.me), holder.balance_of(holder.me)
    assert studio.share_proceeds() == 3 * ETH
    assert holder.dividend_of(holder.me) - before == 3 * ETH * part // holder.supply()
    with pytest.raises(ContractError, match="NothingToShare"):
        studio.share_proceeds()


def test_loop_steps_and_stops(market):
    studio, guardian = market[0].studio, market[0].studio.guardian()
    assert studio.state() == LoopState.IDLE
    assert not studio.can_move(LoopState.MINT, studio.me)
    studio.transition(LoopState.FORECAST, b"\x01" * 32)
    with pytest.raises(ContractError, match="AnchorInvalid"):
        studio.transition(LoopState.PLAN, b"\x01" * 32)
    studio.transition(LoopState.PLAN, b"\x02" * 32)
    assert (studio.loop(), studio.state()) == (1, LoopState.PLAN)
    with pytest.raises(ContractError, match="NotGuardian"):
        studio.pause()
    session = replace(market[0].session, signer=UnlockedSigner(guardian))
    Contracts(session).studio.pause()
    assert studio.is_paused()
    with pytest.raises(ContractError, match="EnforcedPause"):
        studio.transition(LoopState.GENERATE, b"\x03" * 32)
    data = encode_call("Studio", "unpause")
    market[0].timelock.schedule(studio.address, data)
    wait(market, 2.01)
    market[0].timelock.execute(studio.address, data)
    assert studio.state() == LoopState.PLAN
