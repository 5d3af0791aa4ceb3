"""The small demo market: what the indexer derived equals what the chain and the truth say."""

import json
from urllib import request

import polars as pl
import pytest

from contracts.addresses import known_addresses
from contracts.calldata import encode_call
from data.store import Store

pytestmark = pytest.mark.chain
BUDGET_S = 30


@pytest.fixture(scope="module")
def store(demo_store):
    with Store.open(demo_store.path, read_only=True) as opened:
        yield opened


def rpc(url: str, calls: list[tuple[str, list]]) -> list:
    """Answers of a JSON-RPC batch, by a client of its own."""
    body = [
        {"jsonrpc": "2.0", "id": i, "method": method, "params": params}
        for i, (method, params) in enumerate(calls)
    ]
    call = request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with request.urlopen(call, timeout=30) as answer:
        return [item["result"] for item in sorted(json.load(answer), key=lambda x: x["id"])]


def test_the_demo_store_is_built_within_its_budget(demo_store, capsys):
    with capsys.disabled():
        print(f"\ndemo store: {demo_store.seconds:.1f} s (budget {BUDGET_S} s)")
    assert demo_store.path.exists()


def test_every_sale_balances_and_its_legs_add_up_to_the_price(store):
    sales = store.read("sales")
    assert sales.height > 100
    assert sales["residual_wei"].null_count() == 0
    assert (sales["residual_wei"] == 0).all()
    legs = store.read("sale_payments").filter(pl.col("recipient_class") != "refund")
    paid = legs.group_by("sale_id").agg(pl.col("amount_wei").sum())
    joined = sales.join(paid, on="sale_id", how="left")
    assert (joined["amount_wei"] == joined["price_wei"]).all()


def test_legs_equal_the_balances_that_really_moved(store, demo_store):
    """Whoever neither sent nor was sent to in a block grew by exactly the legs paid to them."""
    legs = store.query(
        "SELECT p.block_number, p.recipient, sum(p.amount_wei)::VARCHAR AS paid FROM"
        " (SELECT block_number, recipient, amount_wei FROM sale_payments UNION ALL"
        " SELECT block_number, recipient, amount_wei FROM vault_payments) p"
        " WHERE NOT EXISTS (SELECT 1 FROM transactions t"
        " WHERE t.block_number = p.block_number AND p.recipient IN (t.from_address, t.to_address))"
        " GROUP BY ALL ORDER BY 1, 2 LIMIT 200"
    )
    assert legs.height == 200
    calls = [
        ("eth_getBalance", [row["recipient"], hex(row["block_number"] + step)])
        for row in legs.iter_rows(named=True)
        for step in (-1, 0)
    ]
    balances = [int(value, 16) for value in rpc(demo_store.rpc_url, calls)]
    grown = [after - before for before, after in zip(balances[::2], balances[1::2], strict=True)]
    assert grown == [int(value) for value in legs["paid"]]


def test_owner_of_every_token_equals_a_direct_read_of_the_contract(store, demo_store):
    artwork = known_addresses(31_337, demo_store.state_dir).artwork
    tokens = store.read("tokens").filter(~pl.col("is_burned"), collection=artwork)
    calls = [
        (
            "eth_call",
            [{"to": artwork, "data": data_of("Artwork", "ownerOf", int(token))}, "latest"],
        )
        for token in tokens["token_id"]
    ]
    owners = ["0x" + word[-40:] for word in rpc(demo_store.rpc_url, calls)]
    assert tokens["owner"].to_list() == owners


def data_of(contract: str, function: str, *values) -> str:
    """Call data as 0x text."""
    return "0x" + encode_call(contract, function, *values).hex()


def test_royalty_owed_equals_royalty_paid_on_our_own_market(store):
    ledger = store.read("royalty_ledger")
    assert ledger.height > 0
    assert set(ledger["status"]) == {"full"}


def test_every_transaction_of_the_truth_about_washing_is_a_sale_of_the_store(store, demo_store):
    truth = pl.read_parquet(demo_store.state_dir / "31337" / "truth" / "wash.parquet")
    sales = store.read("sales")
    assert truth.height > 0
    assert truth.join(sales, on="tx_hash", how="anti").is_empty()


def test_the_rules_find_every_self_trade_and_flag_few_clean_sales(store, demo_store):
    truth = pl.read_parquet(demo_store.state_dir / "31337" / "truth" / "wash.parquet")
    flags = (
        store.read("wash_flags")
        .join(store.read("sales").select("sale_id", "tx_hash"), on="sale_id")
        .join(truth, on="tx_hash", how="left")
    )
    own = flags.filter(pl.col("typology").str.contains("self"))
    assert own.height > 0
    assert own["is_wash"].all()
    clean = flags.filter(pl.col("typology").is_null())
    assert clean["is_wash"].mean() < 0.1


def test_funding_comes_from_the_transactions_of_the_local_chain(store):
    funding = store.read("funding")
    assert funding.height > 10
    assert set(funding["source"]) == {"transactions"}
    assert store.read("wash_flags")["first_funded_by_same_wallet"].null_count() == 0


def test_every_sale_has_a_usd_price_with_source_and_age(store):
    sales = store.read("sales")
    assert sales["price_usd"].null_count() == 0
    assert sales["price_source"].str.starts_with("feed:0x").all()
    assert sales["price_age_s"].min() >= 0


def test_styles_of_the_metadata_reach_the_weekly_sales(store):
    weekly = store.read("style_sales")
    assert weekly["style"].n_unique() == 8
    assert weekly["sales"].sum() == store.read("sales").height
