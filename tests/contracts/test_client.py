import pytest

from contracts.abi import event_topics
from contracts.calldata import encode_list, encode_mint
from contracts.chain import GENESIS_TIME, local_chain
from contracts.client import ChainClient, Tx
from contracts.deploy import deploy
from contracts.errors import ContractError, RpcError
from tests.contracts.materials import register

pytestmark = pytest.mark.chain

DAY_S = 86_400
PEOPLE = [f"0x{n:040x}" for n in range(0xA000, 0xA000 + 25)]


@pytest.fixture(scope="module")
def market(anvil, tmp_path_factory):
    """A chain of its own: blocks far in the future would disturb the shared one."""
    folder = tmp_path_factory.mktemp("client")
    with local_chain(state_dir=folder) as running:
        addresses = deploy(running.rpc_url, folder)
        register(running.rpc_url, folder)
        client = ChainClient(running.rpc_url)
        client.set_balances(dict.fromkeys(PEOPLE, 10**20))
        with client.manual_mining():
            yield client, addresses
        client.close()


@pytest.fixture
def next_time(market):
    head = market[0].call("eth_getBlockByNumber", ["latest", False])
    return int(head["timestamp"], 16) + DAY_S


def minted_ids(receipts):
    topics = event_topics("Artwork")
    topic = next(t for s, t in topics.items() if s.startswith("ArtworkMinted("))
    return [
        int(log["topics"][1], 16)
        for r in receipts
        for log in r["logs"]
        if log["topics"][0] == topic
    ]


def test_block_keeps_the_order_given_across_senders(market, next_time, request_of):
    client, addresses = market
    # An order that neither sender, nonce nor arrival alone would give.
    senders = [PEOPLE[(n * 7) % len(PEOPLE)] for n in range(100)]
    txs = [Tx(s, addresses.artwork, encode_mint(request_of(s))) for s in senders]
    receipts = client.send_block(txs, next_time)
    ids = minted_ids(receipts)
    assert ids == list(range(ids[0], ids[0] + 100))
    assert [r["from"] for r in receipts] == senders
    assert [int(r["transactionIndex"], 16) for r in receipts] == list(range(100))
    assert len({r["blockNumber"] for r in receipts}) == 1


def test_block_has_the_time_asked_for(market, next_time):
    client, _ = market
    (receipt,) = client.send_block([Tx(PEOPLE[0], PEOPLE[1], value=1, gas=21_000)], next_time)
    block = client.call("eth_getBlockByNumber", [receipt["blockNumber"], False])
    assert int(block["timestamp"], 16) == next_time
    assert next_time > GENESIS_TIME


def test_empty_block_is_mined(market, next_time):
    client, _ = market
    before = int(client.call("eth_blockNumber"), 16)
    assert client.send_block([], next_time) == []
    assert int(client.call("eth_blockNumber"), 16) == before + 1


def test_revert_is_told_with_its_decoded_reason(market, next_time, request_of):
    client, addresses = market
    request = request_of(PEOPLE[0])
    tx = Tx(PEOPLE[0], addresses.artwork, encode_mint(request))
    client.send_block([tx], next_time)
    with pytest.raises(ContractError, match=r"PixelHashTaken\(pixelHash=0x.*, tokenId=\d+\)"):
        client.send_block([tx], next_time + 1)


def test_revert_can_be_allowed(market, next_time):
    client, addresses = market
    tx = Tx(PEOPLE[0], addresses.market, encode_list(10**9, 1))
    (receipt,) = client.send_block([tx], next_time, allow_reverts=True)
    assert receipt["status"] == "0x0"


def test_too_little_gas_is_told(market, next_time, request_of):
    client, addresses = market
    tx = Tx(PEOPLE[0], addresses.artwork, encode_mint(request_of(PEOPLE[0])), gas=45_000)
    with pytest.raises(ContractError, match="out of gas"):
        client.send_block([tx], next_time)


def test_refused_transaction_does_not_spoil_later_nonces(market, next_time):
    client, _ = market
    pauper = "0x" + "f0" * 20
    block = [Tx(sender, PEOPLE[0], value=1, gas=21_000) for sender in (PEOPLE[1], pauper)]
    with pytest.raises(RpcError, match="nsufficient funds"):
        client.send_block(block, next_time)
    client.set_balances({pauper: 10**18})
    receipts = client.send_block(block, next_time)
    assert [receipt["status"] for receipt in receipts] == ["0x1", "0x1"]
    (mined,) = {receipt["blockNumber"] for receipt in receipts}
    count = client.call("eth_getBlockTransactionCountByNumber", [mined])
    assert int(count, 16) == 2  # nothing of the refused block came along


def test_balances_are_read_together(market):
    client, _ = market
    client.set_balances({"0x" + "e1" * 20: 5, "0x" + "e2" * 20: 10**30})
    assert client.balances(["0x" + "e2" * 20, "0x" + "e1" * 20]) == [10**30, 5]


def test_automatic_mining_comes_back(anvil, tmp_path):
    with local_chain(state_dir=tmp_path) as running:
        client = ChainClient(running.rpc_url)
        with pytest.raises(ZeroDivisionError), client.manual_mining():
            assert client.call("anvil_getAutomine") is False
            raise ZeroDivisionError
        assert client.call("anvil_getAutomine") is True
