"""The books of each contract by themselves: money is kept, and what contracts refuse is refused."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.reference.splits import ALL_BPS, Seat
from contracts.reference.vrgda import VrgdaParams, price_wei
from contracts.reference.wad import contract_price_wei
from contracts.simulation.books.accounts import GAS_PRICE_WEI
from contracts.simulation.books.auctions import EXTENSION_S, Auctions
from contracts.simulation.books.drops import Drops
from contracts.simulation.books.loans import Loans, Offered, State
from contracts.simulation.books.registry import Kind, Registry
from contracts.simulation.books.royalties import TREASURY, Royalties, Source
from contracts.simulation.books.shares import Shares
from contracts.simulation.books.studio import BURNS, COMPUTE, Loop, Outcome, Phase, Studio
from contracts.simulation.books.terms import StudioTerms, Terms
from contracts.simulation.books.timelock import Timelock
from contracts.simulation.books.vaults import Phase as VaultPhase
from contracts.simulation.books.vaults import Vaults
from contracts.simulation.calls import CALL_GAS, OPERATOR
from contracts.simulation.errors import SimulationError
from contracts.simulation.ledger import Ledger, Piece
from contracts.simulation.works import make_work
from data.units import ZERO_ADDRESS

ETH = 10**18
DAY_S = 86_400
BANK, ADA, BRUNO, CLEO = "0xbank", "0xada", "0xbruno", "0xcleo"
WEI = st.integers(1, 10**21)
ROYALTY_BPS, FEE_BPS = 700, 250


@pytest.fixture
def ledger():
    """Three people with 100 ETH each; Ada made and has work 1."""
    books = Ledger(FEE_BPS, 1, 8, unlimited=BANK)
    books.now = 1_000_000
    for person in (ADA, BRUNO, CLEO):
        books.send_eth(BANK, person, 100 * ETH)
    books.add_piece(Piece(1, ADA, 0, ROYALTY_BPS, 0.0, ADA, 0))
    books.close_block()
    return books


def gained_wei(ledger, address, act):
    """What an account has more after the block; what it paid, gas too, counts against it."""
    before = ledger.balance_wei(address)
    act()
    ledger.close_block()
    return ledger.balance_wei(address) - before


# Shares ---------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.just("pay"), WEI, st.just(0))
    | st.tuples(st.just("move"), st.integers(0, 2), st.integers(0, 10**20))
    | st.tuples(st.just("claim"), st.integers(0, 2), st.just(0)),
    max_size=25,
)


@given(st.integers(1, 10**20), STEPS)
def test_dividends_are_exact_whatever_the_order(supply, steps):
    """Against exact fractions: claimed and claimable differ from what is due by less than a wei."""
    people = [ADA, BRUNO, CLEO]
    shares = Shares(ADA, supply)
    due = dict.fromkeys(people, Fraction(0))
    claimed = dict.fromkeys(people, 0)
    for kind, first, second in steps:
        if kind == "pay":
            shares.distribute(first)
            for person in people:
                due[person] += Fraction(first * shares.balances.get(person, 0), supply)
        elif kind == "move":
            amount = min(second, shares.balances.get(people[first], 0))
            shares.move(people[first], people[(first + 1) % 3], amount)
        elif shares.claimable_wei(people[first]):
            claimed[people[first]] += shares.claim(people[first])
    for person in people:
        rest = due[person] - claimed[person] - shares.claimable_wei(person)
        assert 0 <= rest < 1
    assert sum(shares.balances.values()) == shares.supply == supply
    assert shares.unclaimed_wei == shares.paid_wei - sum(claimed.values()) >= 0


def test_shares_that_were_burned_leave_nothing_to_divide():
    shares = Shares(ADA, 1_000)
    shares.distribute(10)
    shares.burn(ADA, 400)
    assert shares.claimable_wei(ADA) == 10
    with pytest.raises(SimulationError, match="cannot be divided"):
        shares.distribute(10)
    with pytest.raises(SimulationError, match="holds 600 shares"):
        shares.move(ADA, BRUNO, 601)


# Royalties ------------------------------------------------------------------------------------


@given(st.lists(st.tuples(WEI, st.sampled_from(list(Source))), max_size=20))
def test_what_sources_owe_is_what_payees_can_fetch_and_the_dust(payments):
    royalties = Royalties()
    seats = Terms().split(ADA, BRUNO, BRUNO, [Seat(CLEO, 1_500)])
    royalties.set_terms(1, ROYALTY_BPS)
    royalties.set_split(1, ADA, seats)
    for price_wei_, source in payments:
        royalties.pay(1, royalties.owed_wei(1, price_wei_), source)
    owed_wei = sum(flow.wei for flow in royalties.flows.values())
    assert owed_wei == sum(price * ROYALTY_BPS // ALL_BPS for price, _ in payments)
    waiting = sum(royalties.waiting_wei(who) for who in (ADA, BRUNO, CLEO, TREASURY))
    assert owed_wei - waiting == royalties.splits.dust(1, ZERO_ADDRESS) < len(seats)
    fetched = sum(
        royalties.release(w, [1]) for w in (ADA, BRUNO, CLEO, TREASURY) if royalties.waiting_wei(w)
    )
    assert fetched == waiting
    assert royalties.waiting(ADA) == []


def test_a_mint_gives_each_account_one_place_and_the_creator_the_rest():
    seats = Terms().split(ADA, BRUNO, ADA, [Seat(BRUNO, 1_000), Seat(ADA, 2_000)])
    assert seats == (Seat(ADA, 8_250), Seat(BRUNO, 1_500), Seat(TREASURY, 250))
    assert Terms().split(TREASURY, BRUNO, CLEO)[0] == Seat(TREASURY, 9_000)


def test_a_release_of_nothing_is_refused():
    royalties = Royalties()
    royalties.set_split(1, ADA, ())
    with pytest.raises(SimulationError, match="nothing waits"):
        royalties.release(ADA, [1])


# Sales ----------------------------------------------------------------------------------------


def test_a_creator_pays_the_royalty_of_an_own_sale_into_the_split(ledger):
    ledger.royalties.splits.set_split(1, [Seat(ADA, 9_000), Seat(CLEO, 1_000)])
    ledger.offer(1, ETH)
    before = ledger.balance_wei(ADA)
    ledger.buy(BRUNO, 1)
    ledger.close_block()
    assert ledger.balance_wei(ADA) - before == ETH - ETH * 7 // 100 - ETH // 40
    assert ledger.royalties.flows[Source.PRIMARY].wei == ETH * 7 // 100
    assert ledger.royalties.waiting_wei(CLEO) == ETH * 7 // 1_000
    assert ledger.balance_wei(TREASURY) == ETH // 40


def test_the_next_sale_is_a_resale_and_its_seller_pays(ledger):
    ledger.offer(1, ETH)
    ledger.buy(BRUNO, 1)
    ledger.offer(1, 2 * ETH)
    ledger.buy(CLEO, 1)
    assert ledger.royalties.flows[Source.RESALE].wei == 2 * ETH * 7 // 100
    assert ledger.pieces[1].owner == CLEO
    assert ledger.highest_last_price_wei(1) == 2 * ETH


# Auctions -------------------------------------------------------------------------------------


def test_an_auction_takes_higher_bids_refunds_the_outbid_and_pays_like_a_sale(ledger):
    auctions = Auctions(ledger)
    auctions.open(1, ETH, 3_600)
    assert ledger.pieces[1].owner == "auctions"
    auctions.bid(BRUNO, 1, ETH)
    least_wei = ETH * 105 // 100
    with pytest.raises(SimulationError, match="cannot bid"):
        auctions.bid(CLEO, 1, least_wei - 1)
    auctions.bid(CLEO, 1, least_wei)
    assert auctions.refunds_wei == {BRUNO: ETH}
    assert auctions.held_wei == ETH + least_wei
    ledger.now += 3_601
    sale = auctions.settle(ADA, 1)
    assert (sale.buyer, sale.price_wei, sale.kind) == (CLEO, least_wei, 1)
    assert ledger.royalties.flows[Source.AUCTION].wei == least_wei * 7 // 100
    auctions.withdraw(BRUNO)
    assert auctions.held_wei == 0


def test_a_late_bid_extends_an_auction_and_an_early_one_does_not(ledger):
    auctions = Auctions(ledger)
    auction = auctions.open(1, ETH, 3_600)
    end = auction.end_time
    auctions.bid(BRUNO, 1, ETH)
    assert auction.end_time == end
    ledger.now = end
    auctions.bid(CLEO, 1, 2 * ETH)
    assert auction.end_time == end + EXTENSION_S
    with pytest.raises(SimulationError, match="runs until"):
        auctions.settle(ADA, 1)


def test_a_work_that_nobody_bid_for_goes_back_unsold(ledger):
    auctions = Auctions(ledger)
    auctions.open(1, ETH, 3_600)
    ledger.now += 3_601
    assert auctions.settle(BRUNO, 1) is None
    assert ledger.pieces[1].owner == ADA
    assert not ledger.sales


# Loans ----------------------------------------------------------------------------------------


@pytest.fixture
def loans(ledger):
    return Loans(ledger, Vaults(ledger))


def test_a_loan_is_repaid_in_time_to_whoever_has_the_note(ledger, loans):
    loan = loans.offer_work(1, Offered(ETH, ETH + 7, DAY_S))
    loans.lend(loan, BRUNO)
    loans.transfer_note(loan, CLEO)
    ledger.close_block()
    ledger.now += DAY_S
    with pytest.raises(SimulationError, match="not due"):
        loans.claim(loan)
    assert gained_wei(ledger, CLEO, lambda: loans.repay(loan, ADA)) == ETH + 7
    assert ledger.pieces[1].owner == ADA


def test_a_default_moves_the_work_and_is_no_sale(ledger, loans):
    loan = loans.offer_work(1, Offered(ETH, 2 * ETH, DAY_S))
    loans.lend(loan, BRUNO)
    ledger.now += DAY_S + 1
    with pytest.raises(SimulationError, match="was due"):
        loans.repay(loan, ADA)
    loans.claim(loan)
    assert ledger.pieces[1].owner == BRUNO
    assert loan.state == State.CLAIMED
    assert not ledger.sales
    assert not any(flow.wei for flow in ledger.royalties.flows.values())


def test_an_offer_taken_back_cannot_be_taken(ledger, loans):
    loan = loans.offer_work(1, Offered(ETH, ETH, DAY_S))
    loans.cancel(loan)
    assert ledger.pieces[1].owner == ADA
    with pytest.raises(SimulationError, match="CANCELLED"):
        loans.lend(loan, BRUNO)


def test_dividends_go_with_the_shares_that_were_collateral(ledger):
    vaults = Vaults(ledger)
    loans, vault = Loans(ledger, vaults), opened(vaults)
    vaults.distribute(CLEO, vault, ETH)
    loan = loans.offer_shares(ADA, vault, 400 * ETH, Offered(ETH, ETH, DAY_S))
    loans.lend(loan, BRUNO)
    ledger.close_block()
    vaults.distribute(CLEO, vault, 2_001)
    ledger.now += DAY_S + 1
    gas_wei = CALL_GAS["Loans.claim"] * GAS_PRICE_WEI
    assert gained_wei(ledger, BRUNO, lambda: loans.claim(loan)) + gas_wei == 800
    assert (loans.held_wei, vault.shares.balances[BRUNO]) == (0, 400 * ETH)
    assert vault.shares.claimable_wei(ADA) == ETH + 1_200
    assert vault.shares.claimable_wei("loans") == 0


# Vaults ---------------------------------------------------------------------------------------


@pytest.fixture
def vaults(ledger):
    return Vaults(ledger)


def opened(vaults, supply=1_000 * ETH, valuation_wei=ETH):
    return vaults.open(1, name="S", symbol="S", supply=supply, valuation_wei=valuation_wei)


def test_fractionalizing_pays_the_royalty_on_the_valuation(ledger, vaults):
    opened(vaults, valuation_wei=3 * ETH)
    assert ledger.royalties.flows[Source.FRACTIONALIZATION].wei == 3 * ETH * 7 // 100


def test_a_work_is_not_valued_below_its_last_price(ledger, vaults):
    ledger.offer(1, 2 * ETH)
    ledger.buy(BRUNO, 1)
    with pytest.raises(SimulationError, match="below"):
        opened(vaults, valuation_wei=2 * ETH - 1)


def test_the_reserve_is_the_mean_of_locked_votes_within_their_bounds(vaults):
    vault = opened(vaults)
    vaults.send(ADA, vault, BRUNO, 400 * ETH)
    vaults.vote(ADA, vault, 2 * ETH, 600 * ETH)
    least_wei, most_wei = vault.vote_bounds_wei(BRUNO, 400 * ETH)
    assert (least_wei, most_wei) == (2 * ETH // 5, 10 * ETH)
    with pytest.raises(SimulationError, match="cannot vote"):
        vaults.vote(BRUNO, vault, most_wei + 1, 400 * ETH)
    vaults.vote(BRUNO, vault, ETH, 400 * ETH)
    assert vault.reserve_wei == 2 * ETH * 6 // 10 + ETH * 4 // 10
    with pytest.raises(SimulationError, match="cannot send"):
        vaults.send(BRUNO, vault, CLEO, 1)


def test_a_buyout_divides_the_price_after_the_royalty_to_the_wei(ledger, vaults):
    vault = opened(vaults)
    vaults.send(ADA, vault, BRUNO, 333 * ETH)
    with pytest.raises(SimulationError, match="cannot bid"):
        vaults.bid(CLEO, vault, 5 * ETH)
    vaults.vote(ADA, vault, ETH, 667 * ETH)
    vaults.bid(CLEO, vault, ETH)
    vaults.bid(BRUNO, vault, ETH * 105 // 100)
    assert vault.refunds_wei == {CLEO: ETH}
    ledger.now = vault.end_time
    with pytest.raises(SimulationError, match="not over"):
        vaults.settle(CLEO, vault)
    ledger.now += 1
    vaults.settle(CLEO, vault)
    price_wei_ = ETH * 105 // 100
    assert ledger.royalties.flows[Source.BUYOUT].wei == price_wei_ * 7 // 100
    assert (ledger.pieces[1].owner, vault.phase) == (BRUNO, VaultPhase.OVER)
    ledger.close_block()
    treasury_wei = ledger.balance_wei(TREASURY)
    for holder in (ADA, BRUNO):
        vaults.redeem(holder, vault)
    dust_wei = ledger.balance_wei(TREASURY) - treasury_wei
    assert 0 <= dust_wei < 2
    vaults.withdraw(CLEO, vault)
    assert vault.held_wei == 0


def test_who_has_95_percent_takes_the_work_and_pays_for_the_rest(ledger, vaults):
    vault = opened(vaults)
    vaults.send(ADA, vault, BRUNO, 51 * ETH)
    with pytest.raises(SimulationError, match="cannot take"):
        vaults.take_out(ADA, vault)
    vaults.send(BRUNO, vault, ADA, ETH)
    vaults.distribute(CLEO, vault, 1_001)
    vaults.take_out(ADA, vault)
    due_wei = ETH // 20
    assert ledger.royalties.flows[Source.BUYOUT].wei == due_wei * 7 // 100
    assert vault.redemption_wei(BRUNO) == due_wei - due_wei * 7 // 100
    vaults.redeem(BRUNO, vault)
    # Dividends of before the end stay claimable after it.
    assert (vault.shares.claimable_wei(ADA), vault.shares.claimable_wei(BRUNO)) == (950, 50)
    assert vault.held_wei == 1_001


# Registry and timelock ------------------------------------------------------------------------


@pytest.fixture
def timelock(ledger):
    return Timelock(ledger, 2 * DAY_S)


def test_an_upheld_dispute_taints_descendants_after_the_delay_and_a_dismissed_one_none(
    ledger, timelock
):
    registry = Registry(ledger, timelock, (OPERATOR,))
    data, base, fine = (bytes([n]) * 32 for n in (1, 2, 3))
    registry.register(OPERATOR, data, Kind.DATASET, "data")
    registry.register(OPERATOR, base, Kind.MODEL, "base", [data])
    registry.register(OPERATOR, fine, Kind.MODEL, "fine", [base])
    for evidence, upheld in ((b"\1" * 32, False), (b"\2" * 32, True)):
        registry.open_dispute(ADA, base, evidence)
        registry.propose_judgement(base, upheld=upheld)
        ledger.now += 2 * DAY_S - 1
        timelock.execute_due()
        assert registry.usable(fine, Kind.MODEL)
        ledger.now += 1
        timelock.execute_due()
        assert registry.usable(fine, Kind.MODEL) != upheld
    assert registry.taint_of(fine) == base
    assert registry.usable(data, Kind.DATASET)
    with pytest.raises(SimulationError, match="state 2"):
        registry.open_dispute(BRUNO, base, b"\3" * 32)


def test_a_registrar_is_admitted_by_the_timelock_only(ledger, timelock):
    registry = Registry(ledger, timelock, (OPERATOR,))
    registry.admit(ADA)
    with pytest.raises(SimulationError, match="cannot register"):
        registry.register(ADA, b"\1" * 32, Kind.MODEL, "early")
    ledger.now += 2 * DAY_S
    timelock.execute_due()
    registry.register(ADA, b"\1" * 32, Kind.MODEL, "in time")


# Drops ----------------------------------------------------------------------------------------

params = st.builds(
    lambda start, low, high, decay, rate: VrgdaParams(
        start, max(start // low, 1), start * high, decay * 10**14, rate * 10**14
    ),
    st.integers(10**12, 10**20),
    st.integers(1, 1_000),
    st.integers(1, 1_000),
    st.integers(10, 9_900),
    st.integers(100, 10**6),
)


@given(params, st.integers(0, 64), st.integers(0, 90 * DAY_S))
def test_the_price_to_the_wei_is_the_reference_rounded_as_promised(p, sold, elapsed_s):
    exact = price_wei(p, sold, elapsed_s)
    assert abs(contract_price_wei(p, sold, elapsed_s) - exact) <= 1 + exact / 10**12


# Studio ---------------------------------------------------------------------------------------


@pytest.fixture
def studio(ledger, timelock):
    terms = StudioTerms(shares=1_000, submit_s=10, commit_s=10, reveal_s=10, reserve_wei=ETH)
    made = Studio(ledger, timelock, Drops(ledger), terms)
    for juror, amount in ((ADA, 90), (BRUNO, 60), (CLEO, 200)):
        made.send_shares(OPERATOR, juror, amount)
    return made


def candidates(number):
    rng = np.random.default_rng(5)
    return [
        make_work(rng, creator=TREASURY, artist="S", number=n, style=0, royalty_bps=750)
        for n in range(number)
    ]


def vote(studio, ledger, ballots):
    """One round about two works: who votes for what; those with None never reveal."""
    vetted = studio.open_round()
    for work in candidates(2):
        studio.submit(vetted, work)
    ledger.now += 11
    for voter, choice in ballots.items():
        studio.commit(vetted, voter, 1 if choice is None else choice, bytes(32))
    ledger.now += 10
    for voter, choice in ballots.items():
        if choice is not None:
            studio.reveal(vetted, voter)
    ledger.now += 10
    return vetted, studio.close(vetted)


@pytest.mark.parametrize(
    ("ballots", "outcome"),
    [
        ({ADA: 1, BRUNO: 2, CLEO: 2}, Outcome.ACCEPTED),
        ({ADA: 1, CLEO: None}, Outcome.NO_QUORUM),
        ({CLEO: 1, OPERATOR: 2}, Outcome.TIED),
        ({CLEO: 0, ADA: 0, BRUNO: 1}, Outcome.REJECTED),
    ],
)
def test_a_round_ends_as_its_revealed_votes_say(studio, ledger, ballots, outcome):
    """Weights are capped at a tenth of all shares: the operator's 650 count as 100."""
    vetted, found = vote(studio, ledger, ballots)
    assert found == outcome
    assert (vetted.winner is not None) == (outcome == Outcome.ACCEPTED)


def test_a_round_counts_the_shares_of_its_opening(studio, ledger):
    vetted = studio.open_round()
    studio.send_shares(ADA, BRUNO, 90)
    assert vetted.weights[ADA] == 90
    with pytest.raises(SimulationError, match="still open"):
        studio.open_round()
    ledger.now += 11
    with pytest.raises(SimulationError, match="COMMITMENT"):
        studio.submit(vetted, candidates(1)[0])


def test_a_pause_moves_the_windows_of_a_round(studio, ledger, timelock):
    vetted = studio.open_round()
    ledger.now += 5
    studio.pause()
    studio.propose_unpause()
    ledger.now += 2 * DAY_S
    assert studio.state == Loop.PAUSED
    timelock.execute_due()
    assert studio.phase(vetted) == Phase.SUBMISSION
    ledger.now += 6
    assert studio.phase(vetted) == Phase.COMMITMENT


def test_budgets_bind_within_an_epoch_and_start_anew_in_the_next(studio, ledger):
    ledger.note_balance(TREASURY, 10 * ETH)
    studio.spend(COMPUTE, ADA, 2 * ETH)
    with pytest.raises(SimulationError, match="budget 0 has 0 left"):
        studio.spend(COMPUTE, ADA, 1)
    ledger.now += studio.terms.epoch_s
    studio.spend(COMPUTE, ADA, 1)
    assert studio.left(BURNS) == studio.terms.burns_per_epoch
    assert studio.balance_wei == 8 * ETH - 1


def test_proceeds_above_the_reserve_go_to_the_holders(studio, ledger):
    ledger.note_balance(TREASURY, 3 * ETH)
    assert studio.share_proceeds() == 2 * ETH
    assert studio.balance_wei == ETH
    assert studio.shares.claimable_wei(CLEO) == 2 * ETH // 5
