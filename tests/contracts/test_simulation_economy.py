"""The market without a chain: what agents do, and that their books add up."""

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import skew, spearmanr

from contracts.simulation.actions import (
    Approve,
    Burn,
    Buy,
    Mint,
    Offer,
    PushPrice,
    SendEth,
)
from contracts.simulation.agents import address_of, draw_people
from contracts.simulation.calls import Call, contract_of
from contracts.simulation.economy import DAY_S, Economy
from contracts.simulation.errors import SimulationError
from contracts.simulation.ledger import Ledger
from contracts.simulation.outside import Counts, Outside, OutsideOffer, style_of
from contracts.simulation.works import make_work, metadata, read_token_uri, token_uri
from data.styles import style_names

DAYS = 180
FEE_BPS = 250
ETH = 10**18


def play(seed=7, days=DAYS, **changes):
    economy = Economy(seed)
    blocks = [
        block for _, day in economy.run(0, days, changes.get("days_seed", seed)) for block in day
    ]
    return economy, blocks


@pytest.fixture(scope="module")
def half_year():
    return play()


@pytest.fixture(scope="module")
def economy(half_year):
    return half_year[0]


@pytest.fixture(scope="module")
def blocks(half_year):
    return half_year[1]


def actions_of(blocks, *kinds):
    return [action for block in blocks for action in block.actions if isinstance(action, kinds)]


def calls_of(blocks, *names):
    return [call for call in actions_of(blocks, Call) if name_of(call) in names]


def name_of(call):
    return f"{contract_of(call.to)}.{call.function}"


def tokens_in_calls(blocks):
    """Works that went through a contract beside the market: auction, drop, loan or vault."""
    into = (
        "Auctions.open",
        "Drops.open",
        "Studio.openDrop",
        "Loans.offerWork",
        "VaultFactory.open",
    )
    first = [call.values[0] for call in calls_of(blocks, *into)]
    return {token for value in first for token in (value if isinstance(value, list) else [value])}


def honest(economy):
    return [sale for sale in economy.ledger.sales if not sale.is_wash]


def test_the_same_seed_gives_the_same_blocks():
    assert play(days=12)[1] == play(days=12)[1]


def test_another_seed_gives_other_blocks():
    assert play(days=3)[1] != play(seed=8, days=3)[1]


def test_half_a_year_has_thousands_of_transactions_and_sales(economy, blocks):
    assert sum(len(block.actions) for block in blocks) >= 5_000
    assert len(honest(economy)) >= 2_500


def test_blocks_come_in_order_on_their_days(blocks):
    times = [block.timestamp for block in blocks]
    assert all(early < late for early, late in pairwise(times))
    assert Counter(time // DAY_S for time in times).most_common(1)[0][1] <= 6


@pytest.mark.parametrize("seed", [7, 11])
def test_sales_follow_true_demand(seed, economy):
    market = economy if seed == 7 else play(seed)[0]
    sold = np.zeros((len(style_names()), 25))
    for sale in honest(market):
        if sale.day < 175:
            sold[sale.style, sale.day // 7] += 1
    wanted = market.world.demand[:, :175].reshape(-1, 25, 7).sum(axis=2)
    assert spearmanr(sold.ravel(), wanted.ravel()).statistic > 0.75
    assert np.median([spearmanr(*rows).statistic for rows in zip(sold, wanted, strict=True)]) > 0.5


def test_demand_is_hardly_ever_turned_away(economy):
    assert economy.world.unmet < 0.02 * len(economy.ledger.sales)


def test_prices_are_lognormal_between_a_hundredth_and_a_few_eth(economy):
    prices_eth = np.array([sale.price_wei for sale in honest(economy)]) / ETH
    low, high = np.quantile(prices_eth, [0.01, 0.99])
    assert 0.004 < low < high < 6.0
    assert abs(skew(np.log(prices_eth))) < 1.0 < skew(prices_eth)


def test_dear_traits_sell_for_more(economy):
    by_palette = defaultdict(list)
    level = {artist.address: artist.level_eth for artist in economy.people.artists}
    for sale in honest(economy):
        work = economy.ledger.pieces.get(sale.token_id)
        if work and work.creator in level and sale.primary:
            relative = sale.price_wei / ETH / level[work.creator]
            by_palette[work.work.palette].append(np.log(relative))
    assert np.mean(by_palette[5]) > np.mean(by_palette[3]) + 0.2


def test_nobody_spends_what_the_last_block_left_them_without(economy, blocks):
    """An independent account of people's ETH between people, market and exchange, without gas.

    What the other contracts pay is left out, and so is whoever they paid: the others' balances
    can only be what they were paid by sales less what they spent.
    """
    balance, pieces, sellers = defaultdict(int), {}, {}
    for block in blocks:
        incoming = defaultdict(int)
        for action in block.actions:
            if isinstance(action, SendEth):
                if action.sender != economy.people.exchange:
                    balance[action.sender] -= action.value_wei
                incoming[action.to] += action.value_wei
            elif isinstance(action, Mint):
                pieces[action.token_id] = action.work
            elif isinstance(action, Offer):
                sellers[action.token_id] = action.sender
            elif isinstance(action, Buy) and action.token_id in pieces:
                bps, seller = pieces[action.token_id].royalty_bps, sellers[action.token_id]
                royalty_wei = action.price_wei * bps // 10_000
                fee_wei = action.price_wei * 250 // 10_000
                balance[action.sender] -= action.price_wei
                incoming[seller] += action.price_wei - royalty_wei - fee_wei
        for address, wei in incoming.items():
            balance[address] += wei
    wallets = [wallet for ring in economy.people.rings for wallet in ring.wallets]
    ledger = economy.ledger
    assert all(0 <= ledger.balance_wei(wallet) <= balance[wallet] for wallet in wallets)
    assert sum(map(ledger.balance_wei, wallets)) > 0.9 * sum(balance[w] for w in wallets)


def test_owners_are_right_when_replayed_from_sales(economy, blocks):
    """A work that was only minted, bought and burned is its last buyer's."""
    owner = {}
    for action in actions_of(blocks, Mint, Buy, Burn):
        owner[action.token_id] = action.sender
        if isinstance(action, Burn):
            del owner[action.token_id]
    elsewhere = tokens_in_calls(blocks)
    simple = [token for token in owner if token not in elsewhere]
    assert len(simple) > 1_500
    assert all(economy.ledger.pieces[token].owner == owner[token] for token in simple)


def test_every_seller_approved_the_market_once_before_offering(blocks):
    approved = set()
    for action in actions_of(blocks, Approve, Offer):
        if isinstance(action, Approve) and action.operator == "market":
            assert action.sender not in approved
            approved.add(action.sender)
        elif isinstance(action, Offer):
            assert action.sender in approved


def test_pixels_are_never_repeated(blocks):
    hashes = [action.work.pixel_hash for action in actions_of(blocks, Mint)]
    assert len(set(hashes)) == len(hashes) > 1_000


def test_royalties_lie_between_two_and_a_half_and_ten_percent(economy):
    bps = {artist.royalty_bps for artist in economy.people.artists}
    assert min(bps) >= 250
    assert max(bps) <= 1_000
    assert len(bps) > 5


def test_what_stays_unsold_is_offered_for_less(blocks):
    asked, escrowed = {}, tokens_in_calls(blocks)
    cuts = rises = 0
    for action in actions_of(blocks, Offer, Buy):
        if isinstance(action, Buy) or action.token_id in escrowed:
            asked.pop(action.token_id, None)
            continue
        before = asked.get(action.token_id)
        cuts += before is not None and action.price_wei < before
        rises += before is not None and action.price_wei >= before
        asked[action.token_id] = action.price_wei
    assert cuts > 200
    assert rises == 0


def test_flippers_buy_low_and_gain_in_the_median(economy):
    flippers = {flipper.address for flipper in economy.people.flippers}
    paid, gains = {}, []
    for sale in economy.ledger.sales:
        if sale.seller in flippers and sale.token_id in paid:
            gains.append(sale.price_wei / paid[sale.token_id])
        if sale.buyer in flippers:
            paid[sale.token_id] = sale.price_wei
    assert len(gains) > 30
    assert np.median(gains) > 1.05


def test_each_typology_washes_in_its_own_way(economy):
    washed = [sale for sale in economy.ledger.sales if sale.is_wash]
    kinds = defaultdict(list)
    for sale in washed:
        kinds[sale.story.typology].append(sale)
    assert set(kinds) == {"self", "back_and_forth", "common_funder"}
    assert all(sale.buyer == sale.seller for sale in kinds["self"])
    back = {(sale.token_id, sale.buyer, sale.seller) for sale in kinds["back_and_forth"]}
    # A campaign that has only begun when the market ends has no way back yet.
    old = {
        (sale.token_id, sale.buyer, sale.seller)
        for sale in kinds["back_and_forth"]
        if sale.day < DAYS - 7
    }
    assert all((token, seller, buyer) in back for token, buyer, seller in old)
    circle = {(sale.token_id, sale.buyer, sale.seller) for sale in kinds["common_funder"]}
    assert not any((token, seller, buyer) in circle for token, buyer, seller in circle)
    assert 0.02 < len(washed) / len(economy.ledger.sales) < 0.15


def test_honest_sales_are_never_inside_one_ring(economy):
    ring_of = {wallet: ring for ring in economy.people.rings for wallet in ring.wallets}
    for sale in honest(economy):
        assert sale.buyer != sale.seller
        assert ring_of.get(sale.buyer, "none") != ring_of.get(sale.seller, "nobody")


def test_a_ring_sells_its_work_to_somebody_else_in_the_end(economy):
    wallets = {wallet for ring in economy.people.rings for wallet in ring.wallets}
    assert any(sale.seller in wallets and sale.buyer not in wallets for sale in honest(economy))


def test_first_eth_comes_from_the_operator_unless_the_ring_hides(economy, blocks):
    first = {}
    for action in actions_of(blocks, SendEth):
        first.setdefault(action.to, action.sender)
    exchange = economy.people.exchange
    for ring in economy.people.rings:
        source = exchange if ring.hidden else ring.operator
        assert {first[wallet] for wallet in ring.wallets} == {source}
    assert {first[artist.address] for artist in economy.people.artists} == {exchange}
    assert any(ring.hidden for ring in economy.people.rings if ring.typology == "back_and_forth")


def test_buy_backs_are_honest_and_later(economy):
    stories = [sale for sale in economy.ledger.sales if sale.story and not sale.is_wash]
    assert len(stories) >= 5
    for sale in stories:
        earlier = [
            other
            for other in economy.ledger.sales
            if other.token_id == sale.token_id
            and (other.seller, other.buyer) == (sale.buyer, sale.seller)
        ]
        assert earlier
        assert min(sale.day - other.day for other in earlier) >= 7


def test_vaults_are_opened_shared_voted_on_bought_out_and_redeemed(economy, blocks):
    opened = calls_of(blocks, "VaultFactory.open")
    assert len(opened) >= 10
    sent = Counter()
    for call in calls_of(blocks, "Vault.transfer"):
        sent[call.to] += call.values[1]
    supply = {vault.place: vault.shares.issued for vault in economy.world.vaults.opened.values()}
    assert all(0 < amount < supply[vault] for vault, amount in sent.items())
    happened = {name_of(call) for call in actions_of(blocks, Call)}
    steps = "vote unvote startBuyout bid settle redeem takeOut distribute claimDividend withdraw"
    assert {f"Vault.{step}" for step in steps.split()} <= happened


def test_the_dollar_price_is_pushed_once_a_day_and_moves(blocks):
    answers = [action.answer for action in actions_of(blocks, PushPrice)]
    assert len(answers) == 180
    steps = np.diff(np.log(answers))
    assert 0.015 < steps.std() < 0.045
    assert 500 * 10**8 < min(answers) < max(answers) < 20_000 * 10**8


def test_addresses_are_fixed_by_the_seed_and_distinct():
    assert draw_people(7).addresses() == draw_people(7).addresses()
    assert not draw_people(7).addresses() & draw_people(8).addresses()
    assert address_of(7, "artist", 0) != address_of(7, "collector", 0)


def test_metadata_survives_its_uri():
    work = make_work(
        np.random.default_rng(1),
        creator="0x1",
        artist="Ada Rook",
        number=4,
        style=2,
        royalty_bps=500,
    )
    uri = token_uri(metadata(work))
    assert read_token_uri(uri) == metadata(work)
    assert style_of(uri) == 2


@pytest.mark.parametrize(
    "uri",
    ["ipfs://Qm", "", "data:application/json;base64,***", "data:application/json;base64,WzFd"],
)
def test_other_uris_show_no_style(uri):
    assert read_token_uri(uri) is None
    assert style_of(uri) is None


def test_a_style_that_nobody_knows_is_no_style():
    document = {"attributes": [{"trait_type": "style", "value": "cubism"}]}
    assert style_of(token_uri(document)) is None


def outside_with(price_eth, seller="0x" + "ab" * 20, count=8):
    offers = tuple(
        OutsideOffer(10_000 + number, seller, seller, int(price_eth * ETH), number % 8, 500)
        for number in range(count)
    )
    counts = Counts(minted=9_999 + count)
    return Outside(offers, moved=(), gone=(), unseen=(), counts=counts)


@pytest.mark.parametrize(("price_eth", "least", "most"), [(0.03, 6, 8), (400.0, 0, 0)])
def test_strangers_sell_at_a_fair_price_only(price_eth, least, most):
    economy, _ = play(days=20)
    economy.see_outside(outside_with(price_eth))
    list(economy.run(20, 14, 3))
    sold = {sale.token_id for sale in economy.ledger.sales if sale.token_id >= 10_000}
    assert least <= len({t for t in sold if t < 10_008}) <= most


def test_what_others_bought_or_burned_is_offered_no_more():
    economy, _ = play(days=10)
    tokens = list(economy.ledger.listings)[:2]
    zero, stranger = "0x" + "0" * 40, "0x" + "cd" * 20
    moved = ((tokens[0], stranger), (tokens[1], zero))
    counts = Counts(minted=economy.ledger.next_token - 1)
    economy.see_outside(Outside((), moved, gone=(), unseen=(), counts=counts))
    assert not set(tokens) & set(economy.ledger.listings)
    assert economy.ledger.pieces[tokens[0]].owner == stranger
    assert tokens[1] not in economy.ledger.pieces


def test_books_refuse_a_payment_that_nobody_could_make():
    ledger = Ledger(FEE_BPS, 1, 8, unlimited="0xrich")
    ledger.send_eth("0xrich", "0xpoor", ETH)
    with pytest.raises(SimulationError, match="cannot pay"):
        ledger.send_eth("0xpoor", "0xrich", 1)
    ledger.close_block()
    ledger.send_eth("0xpoor", "0xrich", ETH // 2)
    with pytest.raises(SimulationError, match="0xpoor cannot pay"):
        ledger.send_eth("0xpoor", "0xrich", ETH)
