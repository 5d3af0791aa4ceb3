"""The market on a real local chain: what the books say is what the chain holds."""

import hashlib
import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import polars as pl
import pytest

from contracts import chain
from contracts.addresses import Addresses, known_addresses
from contracts.bindings import Contracts, MintRequest
from contracts.calldata import encode_call
from contracts.chain import GENESIS_TIME
from contracts.client import ChainClient
from contracts.deploy import deploy
from contracts.errors import ContractError, RpcError
from contracts.rpc import Rpc
from contracts.simulation.actions import Block, Buy
from contracts.simulation.agents import People, draw_people
from contracts.simulation.deployed import read_officers
from contracts.simulation.errors import (
    AlreadySimulatedError,
    ForeignChainError,
    NotSimulatedError,
    SimulationError,
)
from contracts.simulation.execution import Executor, Officers, topic_of
from contracts.simulation.run import simulate, simulate_buyers
from contracts.simulation.state import read_state, replay, state_path
from contracts.simulation.works import named_hash, token_uri
from data.errors import UsageError
from data.styles import style_names
from tests.contracts.materials import register

pytestmark = pytest.mark.chain

DAYS, SEED = 30, 7
MINING_S = 20.0
ETH = 10**18
DAY_S = 86_400


def quiet(_steps, _note):
    """Takes progress and says nothing."""


@dataclass
class Market:
    url: str
    rpc: Rpc
    state_dir: Path
    addresses: Addresses
    people: People
    summary: dict

    @property
    def folder(self):
        return self.state_dir / "31337"

    def logs(self, contract=None, event=None):
        request = {"fromBlock": "0x0", "toBlock": "latest"}
        if contract:
            request["topics"] = [topic_of(contract, event)]
        return self.rpc.call("eth_getLogs", [request])

    def blocks(self):
        latest = int(self.rpc.call("eth_blockNumber"), 16)
        calls = [("eth_getBlockByNumber", [hex(n), True]) for n in range(latest + 1)]
        return self.rpc.batch(calls)


@pytest.fixture(scope="module")
def market(anvil, tmp_path_factory):
    """Thirty days; the tests that add to the chain come after those that count."""
    state_dir = tmp_path_factory.mktemp("market")
    with chain.local_chain(state_dir=state_dir) as local:
        summary = simulate(local.rpc_url, DAYS, SEED, state_dir, quiet)
        rpc = Rpc(local.rpc_url)
        addresses = known_addresses(31_337, state_dir)
        yield Market(local.rpc_url, rpc, state_dir, addresses, draw_people(SEED), summary)


@pytest.fixture
def fresh(anvil, tmp_path):
    with chain.local_chain(state_dir=tmp_path) as local:
        yield local.rpc_url, tmp_path


def word(data, place):
    return int(data[2 + 64 * place : 66 + 64 * place], 16)


def address(topic):
    return "0x" + topic[-40:]


def sold_of(market):
    """Every sale of the chain, at all venues: tx, token, seller, buyer, price, royalty, fee."""
    return [
        (
            log["transactionHash"],
            int(log["topics"][1], 16),
            address(log["topics"][2]),
            address(log["topics"][3]),
            *(word(log["data"], place) for place in (1, 2, 3)),
        )
        for log in market.logs("Market", "Sold")
    ]


def test_the_summary_counts_what_the_chain_holds(market):
    summary = market.summary
    blocks = [b for b in market.blocks() if int(b["timestamp"], 16) > GENESIS_TIME + 3_600]
    sold = sold_of(market)
    assert len(blocks) == summary["blocks"]
    assert sum(len(block["transactions"]) for block in blocks) == summary["transactions"] > 1_000
    assert len(sold) == summary["sales"] > 300
    assert len(market.logs("Artwork", "ArtworkMinted")) == summary["mints"]
    assert len(market.logs("VaultFactory", "VaultOpened")) == summary["vaults"] > 0
    assert sum(sale[4] for sale in sold) / ETH == pytest.approx(summary["volume_eth"], abs=1e-4)


def test_thirty_days_take_seconds(market):
    assert market.summary["seconds"] < 20


def test_no_transaction_failed(market):
    latest = int(market.rpc.call("eth_blockNumber"), 16)
    calls = [("eth_getBlockReceipts", [hex(number)]) for number in range(1, latest + 1)]
    receipts = [receipt for block in market.rpc.batch(calls) for receipt in block]
    assert {receipt["status"] for receipt in receipts} == {"0x1"}


def test_days_happen_on_their_dates(market):
    days = {(int(b["timestamp"], 16) - GENESIS_TIME) // DAY_S for b in market.blocks()}
    assert days == set(range(DAYS))


def test_every_sale_is_paid_out_to_the_wei(market):
    legs = defaultdict(lambda: defaultdict(int))
    sold = sold_of(market)
    sales = {sale[0] for sale in sold}
    for log in market.logs("Market", "Paid"):
        if log["transactionHash"] in sales:
            role = int(log["topics"][3], 16)
            legs[log["transactionHash"]][role] += word(log["data"], 0)
    assert set(legs) == sales
    for tx_hash, _, _, _, price, royalty, fee in sold:
        paid = legs[tx_hash]
        assert (paid[1], paid[2]) == (royalty, fee)
        assert paid[0] + royalty + fee == price
        assert fee == price * 250 // 10_000


def test_books_agree_with_the_chain_on_owners_offers_and_money(market):
    economy = replay(read_state(market.state_dir, 31_337))
    ledger, at = economy.ledger, market.addresses
    pieces = [piece for piece in ledger.pieces.values() if piece.owner.startswith("0x")]
    owners = call_all(market, at.artwork, "Artwork", "ownerOf", [p.token_id for p in pieces])
    assert [address(owner) for owner in owners] == [piece.owner for piece in pieces]
    tokens = list(ledger.pieces)
    for token, answer in zip(
        tokens, call_all(market, at.market, "Market", "listingOf", tokens), strict=True
    ):
        live = word(answer, 3) == 1
        assert live == (token in ledger.listings)
        if live:
            assert word(answer, 1) == ledger.listings[token].price_wei
    holders = sorted(market.people.addresses() - {market.people.exchange})
    calls = [("eth_getBalance", [holder, "latest"]) for holder in holders]
    held = [int(answer, 16) for answer in market.rpc.batch(calls)]
    booked = [ledger.balance_wei(holder) for holder in holders]
    assert all(book <= wei for book, wei in zip(booked, held, strict=True))
    assert sum(booked) > 0.97 * sum(held)


def call_all(market, to, contract, function, tokens):
    data = [encode_call(contract, function, token).hex() for token in tokens]
    return market.rpc.batch([("eth_call", [{"to": to, "data": "0x" + d}, "latest"]) for d in data])


def test_all_money_comes_from_the_exchange(market):
    """Nobody but the exchange, the deployer and the guardian had ETH before somebody sent it."""
    first = first_funders(market)
    for ring in market.people.rings:
        source = market.people.exchange if ring.hidden else ring.operator
        assert {first[wallet] for wallet in ring.wallets} == {source}
    assert {first[a.address] for a in market.people.artists} == {market.people.exchange}
    senders = {tx["from"] for block in market.blocks() for tx in block["transactions"]}
    officers = read_officers(market.rpc, market.addresses)
    rich = {officers.operator, officers.guardian, market.people.exchange}
    assert senders - rich <= set(first)


def first_funders(market):
    first = {}
    for block in market.blocks():
        for tx in block["transactions"]:
            if tx["input"] == "0x" and int(tx["value"], 16):
                first.setdefault(tx["to"], tx["from"])
    return first


def test_truth_about_washing_names_real_sales(market):
    truth = pl.read_parquet(market.folder / "truth" / "wash.parquet")
    assert truth.columns == ["tx_hash", "typology", "operator"]
    assert truth.height == market.summary["wash_sales"] > 10
    assert set(truth["typology"]) == {"self", "back_and_forth", "common_funder"}
    sold = {sale[0]: sale for sale in sold_of(market)}
    first = first_funders(market)
    for tx_hash, typology, operator in truth.iter_rows():
        _, _, seller, buyer, *_ = sold[tx_hash]
        assert (seller == buyer) == (typology == "self")
        if typology == "common_funder":
            assert first[seller] == first[buyer] == operator


def test_truth_about_demand_has_every_style_and_day(market):
    truth = pl.read_parquet(market.folder / "truth" / "demand.parquet")
    assert truth.columns == ["style", "day", "demand"]
    assert truth.height == DAYS * len(style_names())
    assert truth["day"].n_unique() == DAYS
    assert truth["demand"].min() > 0


def test_lookalikes_are_told_apart_from_washing(market):
    honest = pl.read_parquet(market.folder / "truth" / "lookalikes.parquet")
    wash = pl.read_parquet(market.folder / "truth" / "wash.parquet")
    assert honest.columns == ["tx_hash", "kind"]
    assert not set(honest["tx_hash"]) & set(wash["tx_hash"])


def test_labels_know_the_exchange_and_the_market_but_no_operator(market):
    labels = pl.read_csv(market.folder / "labels.csv")
    known = dict(zip(labels["address"], labels["label"], strict=True))
    at = market.addresses
    venues = dict.fromkeys((at.market, at.auctions, at.drops), "marketplace")
    assert known == {market.people.exchange: "cex"} | venues


def test_minted_works_show_their_style(market):
    economy = replay(read_state(market.state_dir, 31_337))
    user = Contracts.connect(market.url, market.state_dir)
    for token in list(economy.ledger.pieces)[:3]:
        work = economy.ledger.pieces[token].work
        assert f'"{style_names()[work.style]}"' in decoded(user.artwork.token_uri(token))
        payee, royalty = user.artwork.royalty_of(token, 10_000)
        assert (payee, royalty) == (market.addresses.splitter, work.royalty_bps)
        assert user.artwork.creator_of(token) == work.creator


def decoded(uri):
    import base64

    return base64.b64decode(uri.partition(",")[2]).decode()


def test_the_same_simulation_again_changes_nothing(market):
    before = market.rpc.call("eth_blockNumber")
    assert simulate(market.url, DAYS, SEED, market.state_dir, quiet) == market.summary
    assert market.rpc.call("eth_blockNumber") == before


@pytest.mark.parametrize(("days", "seed"), [(DAYS, 8), (31, SEED)])
def test_another_simulation_on_the_same_chain_is_refused(market, days, seed):
    with pytest.raises(AlreadySimulatedError, match=r"30 days with seed 7.*chain down"):
        simulate(market.url, days, seed, market.state_dir, quiet)


def test_a_chain_whose_memory_is_lost_is_refused(market, tmp_path):
    (tmp_path / "31337").mkdir()
    kept = (market.folder / "addresses.toml").read_bytes()
    (tmp_path / "31337" / "addresses.toml").write_bytes(kept)
    with pytest.raises(AlreadySimulatedError, match="no memory"):
        simulate(market.url, DAYS, SEED, tmp_path, quiet)


def test_the_chain_mines_by_itself_afterwards(market):
    before = int(market.rpc.call("eth_blockNumber"), 16)
    me = market.rpc.call("eth_accounts")[1]
    market.rpc.call("eth_sendTransaction", [{"from": me, "to": me, "value": "0x0"}])
    deadline = time.monotonic() + MINING_S
    while time.monotonic() < deadline:
        if int(market.rpc.call("eth_blockNumber"), 16) > before:
            return
        time.sleep(0.01)
    pytest.fail("no block was mined for a transaction")


def digest(label):
    return hashlib.sha256(label.encode()).digest()


def put_on_sale(user, label, price_wei, style):
    request = MintRequest(
        to=user.signer.address,
        manifest=digest(label + "manifest"),
        pixel_hash=digest(label + "pixels"),
        model=digest("model"),
        dataset=digest("dataset"),
        process=digest("process"),
        seed=1,
        royalty_bps=500,
        uri=token_uri({"name": label, "attributes": [{"trait_type": "Style", "value": style}]}),
    )
    token = user.artwork.mint(request)
    user.market.list(token, price_wei)
    return token


def test_buyers_take_fair_works_of_the_studio_and_leave_the_rest(market):
    user = Contracts.connect(market.url, market.state_dir)
    register(market.url, market.state_dir)
    fair = [put_on_sale(user, f"fair {s}", ETH // 25, s) for s in style_names()]
    dear = [put_on_sale(user, f"dear {s}", 500 * ETH, s) for s in style_names()]
    odd = put_on_sale(user, "odd", ETH // 100, "cubism")
    summary = simulate_buyers(market.url, 14, 3, market.state_dir, quiet)
    sold = {
        token
        for token in (*fair, *dear, odd)
        if user.artwork.owner_of(token) != user.signer.address
    }
    assert len(sold & set(fair)) >= 5
    assert not sold & {*dear, odd}
    assert summary["outside_offers"] == 16
    assert summary["outside_sales"] == len(sold)
    assert summary["sales"] > 100


def test_the_market_goes_on_from_there_and_keeps_its_truth(market):
    truth = market.folder / "truth"
    before = pl.read_parquet(truth / "wash.parquet")
    summary = simulate_buyers(market.url, 5, 3, market.state_dir, quiet)
    after = pl.read_parquet(truth / "wash.parquet")
    assert after.height == before.height + summary["wash_sales"]
    assert after.head(before.height).equals(before)
    assert set(after["tx_hash"]) <= {sale[0] for sale in sold_of(market)}
    assert pl.read_parquet(truth / "demand.parquet")["day"].n_unique() == DAYS + 14 + 5


def test_a_work_that_a_visitor_bought_is_left_alone(market):
    economy = replay(read_state(market.state_dir, 31_337))
    token = max(o.token_id for o in economy.ledger.listings.values() if o.price_wei < ETH)
    visitor = Contracts.connect(market.url, market.state_dir, market.rpc.call("eth_accounts")[5])
    visitor.market.buy(token)
    simulate_buyers(market.url, 3, 4, market.state_dir, quiet)
    assert visitor.artwork.owner_of(token) == visitor.signer.address


def test_a_damaged_memory_is_refused(market):
    path = state_path(market.state_dir, 31_337)
    kept = path.read_text()
    try:
        memory = json.loads(kept)
        memory["phases"][0]["seed"] = 99
        path.write_text(json.dumps(memory))
        with pytest.raises(SimulationError, match="books"):
            simulate_buyers(market.url, 1, 3, market.state_dir, quiet)
        path.write_text("{}")
        with pytest.raises(SimulationError, match="no memory of a simulation"):
            simulate_buyers(market.url, 1, 3, market.state_dir, quiet)
    finally:
        path.write_text(kept)


def test_two_fresh_chains_end_in_the_same_block_and_logs(anvil, tmp_path):
    ends = []
    for number in range(2):
        state_dir = tmp_path / str(number)
        with chain.local_chain(state_dir=state_dir) as local:
            simulate(local.rpc_url, 5, 11, state_dir, quiet)
            rpc = Rpc(local.rpc_url)
            logs = rpc.call("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "latest"}])
            ends.append((rpc.call("eth_getBlockByNumber", ["latest", False])["hash"], logs))
    assert len(ends[0][1]) > 300
    assert ends[0] == ends[1]


def test_an_interrupted_simulation_is_not_taken_for_a_whole_one(fresh):
    url, state_dir = fresh

    def stop(_steps, _note):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(url, 5, 3, state_dir, stop)
    with pytest.raises(AlreadySimulatedError, match=r"interrupted.*chain down"):
        simulate(url, 5, 3, state_dir, quiet)
    with pytest.raises(AlreadySimulatedError, match="interrupted"):
        simulate_buyers(url, 5, 3, state_dir, quiet)


def test_a_stranger_who_mints_meanwhile_stops_the_simulation(fresh):
    url, state_dir = fresh

    def mint(_steps, _note):
        rpc, at = Rpc(url), known_addresses(31_337, state_dir).artwork
        stranger = rpc.call("eth_accounts")[7]
        made_with = (
            named_hash("artist", draw_people(3).artists[0].name),
            named_hash("style", style_names()[0]),
            named_hash("process", "drawn by the simulated market"),
        )
        fields = (stranger, digest("stray"), digest("pixels"), *made_with, 1, 0, "", [])
        data = "0x" + encode_call("Artwork", "mint", fields).hex()
        rpc.call("eth_sendTransaction", [{"from": stranger, "to": at, "data": data}])

    with pytest.raises(SimulationError, match="somebody else minted"):
        simulate(url, 4, 3, state_dir, mint)


def test_a_refused_transaction_is_an_error_with_its_reason(fresh):
    url, state_dir = fresh
    at, client = deploy(url, state_dir), ChainClient(url)
    buyer = client.call("eth_accounts")[3]
    executor = Executor(client, at, Officers(operator=buyer, guardian=buyer))
    purchase = Block(GENESIS_TIME + DAY_S, (Buy(buyer, 1, ETH),))
    with client.manual_mining(), pytest.raises(ContractError, match="NotListed"):
        executor.send(purchase)


def test_a_chain_that_is_days_old_is_simulated_from_its_next_free_day(fresh):
    url, state_dir = fresh
    Rpc(url).call("evm_mine", [{"timestamp": GENESIS_TIME + 3 * DAY_S + 12 * 3_600, "blocks": 1}])
    simulate(url, 2, 3, state_dir, quiet)
    truth = pl.read_parquet(state_dir / "31337" / "truth" / "demand.parquet")
    assert truth["day"].min() == date(2026, 1, 9)
    assert truth["day"].n_unique() == 2


def test_the_memory_of_a_chain_thrown_away_counts_for_nothing(fresh, market):
    url, state_dir = fresh
    (state_dir / "31337").mkdir()
    path = state_path(state_dir, 31_337)
    path.write_bytes(state_path(market.state_dir, 31_337).read_bytes())
    with pytest.raises(NotSimulatedError, match="chain simulate"):
        simulate_buyers(url, 5, 3, state_dir, quiet)
    assert simulate(url, 1, 3, state_dir, quiet)["days"] == 1


@pytest.mark.parametrize(("days", "seed"), [(0, 1), (-3, 1), (5, -1)])
def test_senseless_arguments_are_refused(tmp_path, days, seed):
    with pytest.raises(UsageError, match=r"--(days|seed) is"):
        simulate("http://127.0.0.1:9", days, seed, tmp_path, quiet)


def test_a_node_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RpcError, match="raisonne chain up"):
        simulate(f"http://127.0.0.1:{chain.free_port()}", 1, 1, tmp_path, quiet)


def test_another_chain_is_refused_before_anything_is_sent(tmp_path):
    asked = []

    class Mainnet(BaseHTTPRequestHandler):
        def do_POST(self):
            call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(call["method"])
            body = json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": "0x1"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Mainnet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(ForeignChainError, match=r"chain 1; .*31337"):
            simulate(f"http://127.0.0.1:{server.server_port}", 1, 1, tmp_path, quiet)
    finally:
        server.shutdown()
    assert asked == ["eth_chainId"]
    assert not list(tmp_path.iterdir())
