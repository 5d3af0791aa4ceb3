"""A user's calls on a real chain; balances are read from the node, not from our contracts."""

import pytest

from contracts.bindings import Contracts, Parent
from contracts.errors import ContractError, DeploymentError, RpcError
from contracts.rpc import Rpc

pytestmark = pytest.mark.chain

ETH = 10**18
PLATFORM, ARTIST, COLLECTOR, BUYER = 0, 1, 2, 3


@pytest.fixture
def wei(local, accounts):
    rpc = Rpc(local.rpc_url)
    return lambda number: int(rpc.call("eth_getBalance", [accounts[number], "latest"]), 16)


@pytest.fixture
def collected(user, request_of, accounts):
    """A work of ARTIST, with 7.5 % royalty, owned by COLLECTOR."""
    return user(ARTIST).artwork.mint(request_of(accounts[COLLECTOR]))


def test_minted_work_is_as_asked(user, request_of, accounts, addresses):
    artist = user(ARTIST)
    request = request_of(accounts[COLLECTOR], uri="data:application/json,%7B%22style%22:1%7D")
    token_id = artist.artwork.mint(request)
    assert artist.artwork.owner_of(token_id) == accounts[COLLECTOR]
    assert artist.artwork.token_of_pixel_hash(request.pixel_hash) == token_id
    assert artist.artwork.manifest_of(token_id) == request.manifest
    assert artist.artwork.token_uri(token_id) == request.uri
    assert artist.artwork.royalty_of(token_id, 10_000) == (addresses.splitter, 750)
    assert artist.artwork.creator_of(token_id) == accounts[ARTIST]


def test_unknown_pixels_have_no_token(user):
    assert user(ARTIST).artwork.token_of_pixel_hash(b"\x07" * 32) is None


def test_same_pixels_are_refused_in_one_line(user, request_of, accounts):
    artist = user(ARTIST)
    request = request_of(accounts[ARTIST])
    token_id = artist.artwork.mint(request)
    with pytest.raises(ContractError) as raised:
        artist.artwork.mint(request)
    said = str(raised.value)
    assert said.startswith("Artwork.mint refused: PixelHashTaken(")
    assert f"tokenId={token_id}" in said
    assert "\n" not in said


def test_refused_call_costs_nothing(user, request_of, accounts, wei):
    artist = user(ARTIST)
    before = wei(ARTIST)
    with pytest.raises(ContractError, match=r"RoyaltyTooHigh\(bps=1001, maxBps=1000\)"):
        artist.artwork.mint(request_of(accounts[ARTIST], royalty_bps=1_001))
    assert wei(ARTIST) == before


def test_royalty_of_exactly_ten_percent_is_allowed(user, request_of, accounts, addresses):
    artist = user(ARTIST)
    token_id = artist.artwork.mint(request_of(accounts[ARTIST], royalty_bps=1_000))
    assert artist.artwork.royalty_of(token_id, ETH)[1] == ETH // 10
    artist.artwork.set_royalty(token_id, 100)
    assert artist.artwork.royalty_of(token_id, ETH) == (addresses.splitter, ETH // 100)


def test_every_mint_divides_its_royalties(user, request_of, accounts, addresses):
    """5 % to who registered the model, 5 % for the data (here one account), 2.5 % to the studio."""
    token_id = user(ARTIST).artwork.mint(request_of(accounts[ARTIST]))
    split = user(ARTIST).splitter.split_of(token_id)
    assert split == [
        (accounts[ARTIST], 8_750),
        (accounts[PLATFORM], 1_000),
        (addresses.studio, 250),
    ]


def test_parents_creators_have_their_share(user, collected, request_of, accounts, addresses):
    edge = Parent(addresses.artwork, collected, 1, 2_000)
    child = user(BUYER).artwork.mint(request_of(accounts[BUYER], parents=(edge,)))
    split = dict(user(BUYER).splitter.split_of(child))
    assert split[accounts[ARTIST]] == 2_000
    assert split[accounts[BUYER]] == 10_000 - 2_000 - 1_250


def test_unregistered_model_is_refused_in_one_line(user, request_of, accounts):
    request = request_of(accounts[ARTIST], model=b"\x09" * 32)
    with pytest.raises(ContractError, match=r"Artwork\.mint refused: AssetUnknown\(digest=0x09"):
        user(ARTIST).artwork.mint(request)


def test_sale_moves_exactly_the_price(user, collected, accounts, addresses, wei):
    price = 3 * ETH + 7  # not divisible: rounding must not lose a wei
    user(COLLECTOR).market.list(collected, price, days=3)
    before = {number: wei(number) for number in range(4)}
    earned_before = user(PLATFORM).session.balance(addresses.studio)
    assert user(BUYER).market.buy(collected) == price
    royalty, fee = price * 750 // 10_000, price * 250 // 10_000
    splitter = user(ARTIST).splitter
    assert splitter.received(collected) == royalty
    assert splitter.releasable(collected, accounts[ARTIST]) == royalty * 8_750 // 10_000
    assert user(PLATFORM).session.balance(addresses.studio) - earned_before == fee
    assert wei(COLLECTOR) - before[COLLECTOR] == price - royalty - fee
    gas_wei = before[BUYER] - price - wei(BUYER)
    assert 0 < gas_wei < 10**15
    assert user(BUYER).artwork.owner_of(collected) == accounts[BUYER]
    assert user(BUYER).market.last_price(collected) == price
    assert user(BUYER).market.listing(collected) == ("0x" + "0" * 40, 0, 0, False)


def test_listing_shows_seller_price_and_end(user, collected, accounts, local):
    user(COLLECTOR).market.list(collected, ETH, days=3)
    seller, price, end_time, live = user(BUYER).market.listing(collected)
    head = Rpc(local.rpc_url).call("eth_getBlockByNumber", ["latest", False])
    assert (seller, price, live) == (accounts[COLLECTOR], ETH, True)
    assert abs(end_time - int(head["timestamp"], 16) - 3 * 86_400) < 60


def test_buyer_never_pays_more_than_the_limit(user, collected, wei):
    user(COLLECTOR).market.list(collected, 2 * ETH)
    before = wei(BUYER)
    with pytest.raises(ContractError, match=rf"PriceAboveMax\(price={2 * ETH}, maxPrice={ETH}\)"):
        user(BUYER).market.buy(collected, ETH)
    assert wei(BUYER) == before


def test_work_can_be_bought_for_somebody_else(user, collected, accounts):
    user(COLLECTOR).market.list(collected, ETH)
    user(BUYER).market.buy(collected, recipient=accounts[ARTIST])
    assert user(BUYER).artwork.owner_of(collected) == accounts[ARTIST]


def test_cancelled_listing_cannot_be_bought(user, collected):
    user(COLLECTOR).market.list(collected, ETH)
    user(COLLECTOR).market.cancel(collected)
    with pytest.raises(ContractError, match="NotListed"):
        user(BUYER).market.buy(collected, ETH)


def test_others_works_cannot_be_listed(user, collected):
    with pytest.raises(ContractError, match=r"Market\.list refused: NotOwner"):
        user(BUYER).market.list(collected, ETH)


def test_vault_takes_the_work_and_pays_the_royalty(user, collected, accounts):
    collector = user(COLLECTOR)
    vault = collector.vaults.open(collected, "Shares", "SHR", 1_000 * ETH, 10 * ETH)
    assert collector.splitter.received(collected) == 10 * ETH * 750 // 10_000
    assert collector.artwork.owner_of(collected) == vault
    assert collector.vaults.at(vault).take_out() == 0
    assert collector.artwork.owner_of(collected) == accounts[COLLECTOR]


def test_valuation_below_the_last_price_is_refused(user, collected):
    user(COLLECTOR).market.list(collected, 2 * ETH)
    user(BUYER).market.buy(collected)
    with pytest.raises(ContractError, match=rf"ValuationOutOfRange\(.*minValuation={2 * ETH}"):
        user(BUYER).vaults.open(collected, "Shares", "SHR", 1_000 * ETH, ETH)


def test_parents_must_exist(user, collected, request_of, accounts, addresses):
    artist = user(ARTIST)
    edge = Parent(addresses.artwork, collected, 1, 5_000)
    child = artist.artwork.mint(request_of(accounts[ARTIST], parents=(edge,)))
    assert child > collected
    lost = Parent(addresses.artwork, 10**9, 1, 5_000)
    with pytest.raises(ContractError, match="ERC721NonexistentToken"):
        artist.artwork.mint(request_of(accounts[ARTIST], parents=(lost,)))


def test_burned_work_is_gone_but_its_pixels_stay_taken(user, request_of, accounts):
    artist = user(ARTIST)
    request = request_of(accounts[ARTIST])
    token_id = artist.artwork.mint(request)
    artist.artwork.burn(token_id, reason=1)
    with pytest.raises(ContractError, match="ERC721NonexistentToken"):
        artist.artwork.owner_of(token_id)
    assert artist.artwork.token_of_pixel_hash(request.pixel_hash) == token_id


def test_only_the_feeds_owner_pushes_prices(user):
    user(PLATFORM).price_feed.push(3_123.45)
    with pytest.raises(ContractError, match="OwnableUnauthorizedAccount"):
        user(BUYER).price_feed.push(1.0)


def test_chain_without_our_contracts_is_told_with_the_fix(local, tmp_path):
    with pytest.raises(DeploymentError, match="run: raisonne chain deploy") as raised:
        Contracts.connect(local.rpc_url, tmp_path)
    assert raised.value.exit_code == 3


def test_unreachable_node_is_told(tmp_path):
    with pytest.raises(RpcError, match="no node answers") as raised:
        Contracts.connect("http://127.0.0.1:1", tmp_path)
    assert raised.value.exit_code == 4
