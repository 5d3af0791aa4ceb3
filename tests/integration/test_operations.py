"""The commands around an index, on the demo market and on recorded mainnet blocks."""

import importlib.util
import json
import shutil
import subprocess
import sys

import pytest

from data.store import Store
from indexer.explain import explain
from tests.integration.harness import digest_of, query, raisonne, windows, write_blocks
from tests.integration.harness import index as index_node
from tests.integration.oracle import SEAPORT
from tests.node import ReplayNode
from tests.paths import needs_mainnet
from tests.recording import quantity

BID_ACCEPTED = "0xd7e72a37c6f709a4f26e22d721b42ff0f1065ecd9edc60468868a7c74f521154"
LISTING_BOUGHT = "0xc23f7a086f9dd3789df0136b8e4eeaafd66df1087d2733fdc22a0bb3f623abf3"

SPOIL = (
    "DELETE FROM settled_sales WHERE log_index % 3 = 0",
    "UPDATE transfers SET quantity = '9' WHERE log_index % 2 = 0",
    "INSERT INTO sale_payments SELECT * FROM sale_payments LIMIT 40",
    "DELETE FROM sales",
    "UPDATE tokens SET owner = NULL",
)


def run(folder, *arguments, code=0):
    done = raisonne(*arguments, cwd=folder)
    assert done.code == code, done.err
    return done.out


def spoil(store):
    with Store.open(store) as opened, opened.transaction() as transaction:
        for statement in SPOIL:
            transaction.execute(statement)


# -- the demo market


@pytest.fixture
def demo(demo_store, tmp_path):
    """A copy of the demo store, in a folder of its own beside its deployment."""
    shutil.copy(demo_store.path, tmp_path / "market.duckdb")
    shutil.copytree(demo_store.state_dir, tmp_path / ".raisonne")
    return tmp_path


@pytest.mark.chain
def test_rebuild_of_the_demo_market_changes_nothing_and_mends_everything(demo):
    store = demo / "market.duckdb"
    before = digest_of(store)
    assert "every fact follows" in run(demo, "rebuild", "--check")
    done = json.loads(run(demo, "rebuild", "--json"))
    assert (done["changed"], done["digest"]) == ([], before)
    spoil(store)
    differing = json.loads(run(demo, "rebuild", "--check", "--json", code=5))["differences"]
    assert {"settled_sales", "transfers", "sale_payments", "sales", "tokens"} <= {
        each["table"] for each in differing
    }
    done = json.loads(run(demo, "rebuild", "--json"))
    assert set(done["changed"]) >= {"settled_sales", "transfers", "sale_payments", "sales"}
    assert digest_of(store) == done["digest"] == before


@pytest.mark.chain
def test_rebuild_without_the_deployment_is_refused_and_loses_nothing(demo):
    before = digest_of(demo / "market.duckdb")
    shutil.rmtree(demo / ".raisonne")
    done = raisonne("rebuild", cwd=demo)
    assert (done.code, "--state-dir" in done.err) == (5, True)
    assert digest_of(demo / "market.duckdb") == before


@pytest.mark.chain
def test_every_leg_of_the_demo_market_has_a_source_log(demo):
    hashes = query(
        demo / "market.duckdb", "SELECT DISTINCT tx_hash FROM sales ORDER BY hash(tx_hash) LIMIT 25"
    )["tx_hash"]
    with Store.open(demo / "market.duckdb", read_only=True) as store:
        explained = [explain(store, name, state_dir=demo / ".raisonne")[0] for name in hashes]
    for found in explained:
        by_index = {log.log_index: log for log in found.logs}
        for sale in found.sales:
            assert sale.row["residual_wei"] == 0
            assert sale.price_words.startswith("equals price of Sold")
            for leg in sale.legs:
                paid = by_index[leg.source_log]
                assert paid.event == "Paid"
                assert paid.arguments["amount"] == leg.amount_wei
                assert paid.arguments["recipient"] == leg.recipient
                assert "the event names its role" in leg.why


@pytest.mark.chain
def test_explanation_of_an_own_sale_shows_terms_money_and_verdict(demo):
    tx_hash = query(
        demo / "market.duckdb",
        "SELECT s.tx_hash FROM sales s JOIN wash_flags w USING (sale_id) WHERE w.is_wash LIMIT 1",
    ).item()
    text = " ".join(run(demo, "explain", tx_hash).replace("│", " ").split())
    assert "Sold by Market 0x" in text
    assert "claimed by indexer/protocols/raisonne.py as raisonne 1" in text
    assert "by raisonne RoyaltySet of block" in text
    assert "balances exactly" in text
    assert "flagged by" in text
    assert "USD by feed:0x" in text


@pytest.mark.chain
def test_doctor_finds_an_archive_with_receipts_traces_and_websocket(demo_store, tmp_path):
    found = json.loads(run(tmp_path, "doctor", "--rpc-url", demo_store.rpc_url, "--json"))
    states = {name: each["state"] for name, each in found["findings"].items()}
    assert {name for name, state in states.items() if state != "yes"} <= {"head", "state_depth"}
    assert found["findings"]["block_receipts"]["value"]["is_proof"] is True
    assert found["findings"]["client"]["value"].startswith("anvil/")
    assert any("--verify full settles every doubt" in line for line in found["advice"])


@pytest.mark.chain
def test_plan_status_and_export_agree_with_the_demo_store(demo, demo_store):
    found = json.loads(run(demo, "plan", "--rpc-url", demo_store.rpc_url, "--json"))
    assert (found["blocks"], found["calls"]) == (0, {})
    status = json.loads(run(demo, "status", "--rpc-url", demo_store.rpc_url, "--json"))
    (chain,) = status["chains"]
    assert (chain["behind"], chain["lag_s"], chain["gaps"]) == (0, 0.0, [])
    assert chain["blocks"] == found["committed_blocks"] == found["head"] + 1


@pytest.mark.chain
def test_own_export_of_the_demo_market_gives_its_tables_again(demo):
    for name in ("logs", "blocks", "transactions", "ranges"):
        run(demo, "export", name, "--out", f"export/{name}.parquet")
    copy = demo / "copy.duckdb"
    run(demo, "index", "--from-parquet", "export", "--store", copy)
    assert digest_of(copy) == digest_of(demo / "market.duckdb")


@pytest.mark.chain
@pytest.mark.parametrize("form", ["binary", "hex"])
@pytest.mark.skipif(importlib.util.find_spec("cryo") is None, reason="cryo is not installed")
def test_files_of_the_real_cryo_give_the_tables_of_the_demo_market(demo, demo_store, form):
    blocks = query(demo / "market.duckdb", "SELECT max(to_block) AS n FROM ranges").item()
    collect = (
        "import cryo, sys\n"
        "for name in ('logs', 'blocks', 'transactions'):\n"
        "    cryo.freeze(name, rpc=sys.argv[1], blocks=['0:' + sys.argv[2]],"
        " hex=sys.argv[3] == 'hex', output_dir='cryo', chunk_size=40, no_report=True)\n"
    )
    command = [sys.executable, "-c", collect, demo_store.rpc_url, str(blocks), form]
    subprocess.run(command, cwd=demo, check=True, capture_output=True, timeout=120)
    copy = demo / "copy.duckdb"
    run(demo, "index", "--from-parquet", "cryo", "--store", copy)
    assert digest_of(copy) == digest_of(demo / "market.duckdb")


# -- recorded mainnet blocks


@pytest.fixture(scope="module")
def mainnet(recordings, tmp_path_factory):
    """A store of windows around the recorded Seaport sales of Ethereum, and some other blocks."""
    folder = tmp_path_factory.mktemp("operations")
    recording = recordings[1]
    orders = [log for log in recording.logs if log["address"] in SEAPORT]
    known = {
        quantity(log["blockNumber"])
        for log in orders
        if log["transactionHash"] in (BID_ACCEPTED, LISTING_BOUGHT)
    }
    others = sorted({quantity(log["blockNumber"]) for log in orders})
    chosen = windows({*known, *others[::4]}, before=1, after=1)
    with ReplayNode(1, recording=recording) as node:
        index_node(
            folder / "market.duckdb",
            node,
            write_blocks(folder / "b.txt", chosen),
            "--verify",
            "off",
        )
    return folder


@needs_mainnet
def test_rebuild_of_mainnet_blocks_changes_nothing_and_mends_everything(mainnet, tmp_path):
    store = tmp_path / "market.duckdb"
    shutil.copy(mainnet / "market.duckdb", store)
    before = digest_of(store)
    assert query(store, "SELECT count(*) AS n FROM settled_sales").item() > 20
    run(tmp_path, "rebuild", "--check")
    spoil(store)
    run(tmp_path, "rebuild", "--check", code=5)
    run(tmp_path, "rebuild")
    assert digest_of(store) == before
    run(tmp_path, "rebuild", "--check")


@needs_mainnet
def test_accepted_bid_is_explained_as_the_reference_tells_it(mainnet):
    (found,) = json.loads(run(mainnet, "explain", BID_ACCEPTED[:10], "--json"))
    (sale,) = found["sales"]
    assert (sale["row"]["token_id"], sale["row"]["price_wei"]) == ("8924", "35600000000000000")
    legs = {leg["recipient_class"]: leg for leg in sale["legs"]}
    assert {name: leg["amount_wei"] for name, leg in legs.items()} == {
        "platform": "890000000000000",
        "creator": "356000000000000",
        "seller": "34354000000000000",
    }
    assert {name: leg["source_words"] for name, leg in legs.items()} == {
        "platform": "consideration[1] of OrderFulfilled, log 93",
        "creator": "consideration[0] of OrderFulfilled, log 94",
        "seller": "consideration[1] of OrderFulfilled, log 94",
    }
    assert legs["platform"]["why"] == (
        "is a known fee wallet: opensea fee collector since Seaport 1.1"
    )


@needs_mainnet
def test_bought_listing_is_explained_in_text(mainnet):
    text = run(mainnet, "explain", LISTING_BOUGHT)
    lines = [" ".join(line.strip("│ \n").split()) for line in text.splitlines()]
    assert "buyer paid 80,000,000,000,000,000 wei 0.08 ETH" in lines
    assert "− seller got 78,000,000,000,000,000 wei 0.078 ETH" in lines
    assert "− royalty 0 wei 0 ETH" in lines
    assert "= residual 0 wei balances exactly" in lines
    assert "from consideration[1] of OrderFulfilled, log 380" in lines


@needs_mainnet
def test_every_leg_of_the_mainnet_sales_has_a_source(mainnet):
    with Store.open(mainnet / "market.duckdb", read_only=True) as store:
        hashes = store.query("SELECT DISTINCT tx_hash FROM settled_sales")["tx_hash"][::2]
        sales = [
            sale for tx_hash in hashes for found in explain(store, tx_hash) for sale in found.sales
        ]
    legs = [(sale.row["sale_id"], leg) for sale in sales for leg in sale.legs]
    assert len(legs) > 40
    lost = [(sale_id, leg.source_words) for sale_id, leg in legs if leg.source_log is None]
    assert [each for each in lost if "(trace)" not in each[1]] == []


@needs_mainnet
def test_unknown_transaction_is_not_found(mainnet):
    done = raisonne("explain", "0x" + "ab" * 32, cwd=mainnet)
    assert (done.code, done.out) == (3, "")
    assert "indexed so far: chain 1 within" in done.err


@needs_mainnet
def test_exported_logs_of_mainnet_give_its_tables_again(mainnet, tmp_path):
    with Store.open(mainnet / "market.duckdb", read_only=True) as store:
        for name in ("logs", "quarantine", "transactions", "value_traces", "contract_reads"):
            store.read(name).write_parquet(tmp_path / f"{name}.parquet")
    copy = tmp_path / "copy.duckdb"
    run(tmp_path, "index", "--from-parquet", tmp_path, "--store", copy)
    assert digest_of(copy) == digest_of(mainnet / "market.duckdb")
