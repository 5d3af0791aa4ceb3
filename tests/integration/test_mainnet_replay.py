"""`raisonne index` over recorded mainnet blocks, against what others say these blocks hold."""

import gzip
import json
from collections import Counter, defaultdict

import polars as pl
import pytest

from tests.integration.harness import digest_of, index, query, windows, write_blocks
from tests.integration.oracle import (
    CRYPTOKITTIES,
    NATIVE_COIN,
    SEAPORT,
    movements,
    seaport_deals,
)
from tests.node import ReplayNode
from tests.paths import MAINNET, needs_mainnet
from tests.recording import quantity
from tests.replay import ReplayChain

pytestmark = [needs_mainnet, pytest.mark.timeout(240)]

WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
BID_ACCEPTED = "0xd7e72a37c6f709a4f26e22d721b42ff0f1065ecd9edc60468868a7c74f521154"
LISTING_BOUGHT = "0xc23f7a086f9dd3789df0136b8e4eeaafd66df1087d2733fdc22a0bb3f623abf3"


@pytest.fixture(scope="module")
def replayed_logs(recordings):
    """Every log that the nodes served, with its chain id."""
    logs = []
    for chain_id, recording in recordings.items():
        logs += [(chain_id, log) for log in ReplayChain(recording).logs]
    return logs


@pytest.fixture(scope="module")
def transfers(replayed):
    return query(
        replayed,
        "SELECT chain_id, block_hash, tx_hash, log_index, item_index, collection, token_id, "
        "from_address, to_address, quantity, token_standard FROM transfers",
    )


@pytest.fixture(scope="module")
def sales(replayed):
    return query(replayed, "SELECT * FROM sales")


@pytest.fixture(scope="module")
def payments(replayed):
    return query(
        replayed,
        "SELECT p.*, s.protocol FROM sale_payments p JOIN settled_sales s USING (sale_id)",
    )


def by_transaction(frame):
    """Movements of each transaction as a multiset, as (collection, token, from, to, quantity)."""
    found = defaultdict(Counter)
    for row in frame.iter_rows(named=True):
        moved = (
            row["collection"],
            int(row["token_id"]),
            row["from_address"],
            row["to_address"],
            int(row["quantity"]),
        )
        found[row["chain_id"], row["tx_hash"]][moved] += 1
    return found


# -- transfers


def test_transfers_equal_those_that_once_upon_decoded(transfers):
    published = pl.read_parquet(MAINNET / "expected_asset_transfers_onceupon.parquet")
    tokens = published.filter(pl.col("type").is_in(["erc721", "erc1155"]))
    assert (tokens.height, tokens["chain_id"].n_unique()) == (971, 5)
    expected = by_transaction(
        tokens.select(
            "chain_id",
            "tx_hash",
            "token_id",
            "from_address",
            "to_address",
            pl.col("contract").alias("collection"),
            pl.col("value").fill_null("1").alias("quantity"),
        )
    )
    found = by_transaction(transfers)
    assert {key: found[key] for key in expected} == expected


def test_transfers_equal_the_erc721_rows_of_ethereum_etl(transfers, replayed_logs):
    topics = {
        (log["transactionHash"], quantity(log["logIndex"])): len(log["topics"])
        for chain_id, log in replayed_logs
        if chain_id == 1
    }
    expected, transactions = Counter(), set()
    for line in (MAINNET / "expected_token_transfers_ethereum_etl.jsonl").read_text().splitlines():
        row = json.loads(line)
        transactions.add(row["transaction_hash"])
        if topics[row["transaction_hash"], row["log_index"]] == 4:  # ERC-20 leaves the value out
            moved = (
                row["transaction_hash"],
                row["log_index"],
                row["token_address"],
                str(row["value"]),
                row["from_address"],
                row["to_address"],
            )
            expected[moved] += 1
    rows = transfers.filter(
        pl.col("tx_hash").is_in(transactions), pl.col("token_standard") == "erc721"
    )
    columns = ("tx_hash", "log_index", "collection", "token_id", "from_address", "to_address")
    assert Counter(rows.select(columns).iter_rows()) == expected
    assert expected.total() == 1, "of 177 rows, as the topics in the recorded logs tell"


def test_every_transfer_of_the_decoded_reference_agrees_by_log_and_item(transfers):
    items, expected = Counter(), {}
    with gzip.open(MAINNET / "decoded_reference.jsonl.gz", "rt") as lines:
        for row in map(json.loads, lines):
            if "_transfer" not in row["kind"]:
                continue
            log = row["tx_hash"], row["log_index"]
            moved = (row["contract"], row["tokenId"], row["frm"], row["to"], row["amount"])
            expected[*log, items[log]] = (row["kind"][: row["kind"].index("_")], *moved)
            items[log] += 1  # the file lists a batch's items in their order
    assert len(expected) == 3_763
    found = {
        (row["tx_hash"], row["log_index"], row["item_index"]): (
            row["token_standard"],
            row["collection"],
            row["token_id"],
            row["from_address"],
            row["to_address"],
            row["quantity"],
        )
        for row in transfers.iter_rows(named=True)
    }
    assert {key: found.get(key) for key in expected} == expected


def test_no_transfer_is_found_that_eth_abi_does_not_find(transfers, replayed_logs):
    expected = {}
    for chain_id, log in replayed_logs:
        for item, moved in enumerate(movements(log)):
            place = chain_id, log["blockHash"], quantity(log["logIndex"]), item
            expected[place] = (log["transactionHash"], moved[0], str(moved[1]), *moved[2:4])
    found = {
        tuple(row[:4]): tuple(row[4:])
        for row in transfers.select(
            "chain_id",
            "block_hash",
            "log_index",
            "item_index",
            "tx_hash",
            "collection",
            "token_id",
            "from_address",
            "to_address",
        ).iter_rows()
    }
    assert found == expected
    assert any(row[1] == CRYPTOKITTIES for row in found.values())


def test_kind_of_a_transfer_is_told_by_the_zero_address(replayed):
    odd = query(
        replayed,
        f"""
        SELECT * FROM transfers WHERE kind <> CASE
            WHEN from_address = '{NATIVE_COIN}' THEN 'mint'
            WHEN to_address = '{NATIVE_COIN}' THEN 'burn'
            ELSE 'transfer' END
        """,
    )
    assert odd.is_empty()


def test_nothing_recorded_ends_in_quarantine_for_transfers(replayed):
    lost = query(replayed, "SELECT protocol, event, reason FROM quarantine")
    assert lost.filter(pl.col("protocol").is_in(["erc721", "erc1155"])).is_empty(), lost


# -- the two listed sales


def test_accepted_bid_of_block_18000000_comes_out_as_listed(sales, payments):
    rows = sales.filter(pl.col("tx_hash") == BID_ACCEPTED)
    assert rows.height == 1, "matched orders are one sale"
    (sale,) = rows.iter_rows(named=True)
    seller, creator = (
        "0x7d88160b804af6e973331ee1e42c2bded1a3132a",
        "0x50ad8fdbc19ea06fd9383f1262ce691dc53fa99f",
    )
    expected = {
        "block_number": 18_000_000,
        "protocol": "seaport",
        "version": "1.5",
        "collection": "0x33333333333371718a3c2bb63e5f3b94c9bc13be",
        "token_id": "8924",
        "token_standard": "erc721",
        "quantity": "1",
        "seller": seller,
        "buyer": "0x84b4fe12c5af4d8e067041924601bbb5c3bfabb6",
        "currency": WETH,
        "price_wei": 35_600_000_000_000_000,
        "platform_fee_wei": 890_000_000_000_000,
        "royalty_wei": 356_000_000_000_000,
        "proceeds_wei": 34_354_000_000_000_000,
        "other_wei": 0,
        "residual_wei": 0,
        "residual_reason": None,
    }
    assert {name: sale[name] for name in expected} == expected
    legs = payments.filter(pl.col("sale_id") == sale["sale_id"])
    assert Counter(legs.select("recipient", "currency", "amount_wei").iter_rows()) == Counter(
        [
            (seller, WETH, 34_354_000_000_000_000),
            (creator, WETH, 356_000_000_000_000),
            ("0x0000a26b00c1f0df003000390027140000faa719", WETH, 890_000_000_000_000),
        ]
    )


def test_listing_of_block_18500000_comes_out_as_listed(sales, payments):
    rows = sales.filter(pl.col("tx_hash") == LISTING_BOUGHT)
    assert rows.height == 1
    (sale,) = rows.iter_rows(named=True)
    expected = {
        "block_number": 18_500_000,
        "protocol": "seaport",
        "version": "1.5",
        "trade_kind": "listing",
        "collection": "0x123b30e25973fecd8354dd5f41cc45a3065ef88c",
        "token_id": "5701",
        "seller": "0x027e94ca2afdd5a90731526eb20b017734929fd9",
        "buyer": "0x42f0909bb0228b55523cb57f4c7ec80812312b3e",
        "currency": NATIVE_COIN,
        "price_wei": 80_000_000_000_000_000,
        "platform_fee_wei": 2_000_000_000_000_000,
        "royalty_wei": 0,
        "proceeds_wei": 78_000_000_000_000_000,
        "residual_wei": 0,
    }
    assert {name: sale[name] for name in expected} == expected
    legs = payments.filter(pl.col("sale_id") == sale["sale_id"])
    assert Counter(legs.select("recipient", "amount_wei").iter_rows()) == Counter(
        [
            (sale["seller"], 78_000_000_000_000_000),
            ("0x0000a26b00c1f0df003000390027140000faa719", 2_000_000_000_000_000),
        ]
    )


# -- Seaport against an independent decode


@pytest.fixture(scope="module")
def deals(replayed_logs):
    found = seaport_deals(log for _, log in replayed_logs)
    orders = sum(len(deal.orders) for deals in found.values() for deal in deals)
    assert orders == 243 - 1 + 1, "243 recorded, one of a fork; one more in block 18,500,000"
    return found


@pytest.fixture(scope="module")
def seaport_sales(sales):
    return sales.filter(pl.col("protocol") == "seaport")


def test_sales_per_seaport_transaction_are_its_deals_with_matched_orders_once(deals, seaport_sales):
    expected = {
        tx_hash: Counter(
            (*token, str(units)) for deal in deals for token, units in deal.items.items()
        )
        for tx_hash, deals in deals.items()
    }
    found = defaultdict(Counter)
    for row in seaport_sales.iter_rows(named=True):
        token = row["collection"], int(row["token_id"]), row["quantity"]
        found[row["tx_hash"]][token] += 1
    assert dict(found) == expected


def test_seaport_sales_group_into_as_many_bundles_as_deals(deals, seaport_sales):
    bundles = seaport_sales.group_by("tx_hash").agg(
        pl.coalesce("bundle_id", "sale_id").n_unique().alias("deals")
    )
    expected = {tx_hash: len(found) for tx_hash, found in deals.items()}
    assert dict(bundles.iter_rows()) == expected


def test_price_of_seaport_transactions_is_what_the_orders_say(deals, seaport_sales):
    expected = {}
    for tx_hash, found in deals.items():
        total = Counter()
        for deal in found:
            total.update(deal.price)
        expected[tx_hash] = dict(total)
    prices = defaultdict(Counter)
    for row in seaport_sales.iter_rows(named=True):
        if row["price_wei"]:
            prices[row["tx_hash"]][row["currency"]] += int(row["price_wei"])
    assert {tx_hash: dict(prices[tx_hash]) for tx_hash in expected} == expected


def test_recipients_of_seaport_money_are_those_of_the_orders(deals, payments):
    legs = defaultdict(Counter)
    for row in payments.filter(pl.col("protocol") == "seaport").iter_rows(named=True):
        if row["amount_wei"]:
            legs[row["tx_hash"]][row["currency"], row["recipient"]] += int(row["amount_wei"])
    for tx_hash, found in deals.items():
        expected = Counter()
        for deal in found:
            expected.update(deal.paid)
            assert sum(deal.paid.values()) == deal.price.total(), f"{tx_hash}: the orders balance"
        assert legs[tx_hash] == expected, tx_hash
    assert sum(deal.is_bid for found in deals.values() for deal in found) > 10


def test_native_coin_of_seaport_sales_is_what_the_call_traces_moved(deals, payments):
    traces = pl.read_parquet(MAINNET / "eth_value_traces.parquet").filter(
        pl.col("error").is_null(), pl.col("call_type").fill_null("call") != "delegatecall"
    )
    moved, sent = defaultdict(Counter), defaultdict(set)
    for row in traces.filter(pl.col("tx_hash").is_in(list(deals))).iter_rows(named=True):
        if row["from_address"] in SEAPORT:
            moved[row["tx_hash"]][row["to_address"]] += int(row["value_wei"])
        if row["to_address"] in SEAPORT:
            sent[row["tx_hash"]].add(row["from_address"])
    native = payments.filter(
        pl.col("currency") == NATIVE_COIN, pl.col("recipient_class") != "refund"
    )
    paid = defaultdict(Counter)
    for row in native.filter(pl.col("protocol") == "seaport").iter_rows(named=True):
        paid[row["tx_hash"]][row["recipient"]] += int(row["amount_wei"])
    assert len(moved) == 137
    for tx_hash, by_recipient in moved.items():
        assert paid[tx_hash] <= by_recipient, tx_hash
        refunds = by_recipient - paid[tx_hash]
        assert set(refunds) <= sent[tx_hash], f"{tx_hash}: only a payer gets money back"


# -- balance


def test_every_sale_balances_and_no_seaport_sale_is_left_unknown(sales, capsys):
    shares = (
        sales.group_by("protocol", "version")
        .agg(pl.len().alias("sales"), pl.col("residual_wei").is_null().mean().alias("null_share"))
        .sort("protocol", "version")
    )
    with capsys.disabled():
        print("\nshare of sales without a residual, by protocol:")
        for protocol, version, count, share in shares.iter_rows():
            print(f"  {protocol} {version}: {share:.1%} of {count:,}")
    assert sales.filter(pl.col("residual_wei") != 0).is_empty()
    seaport = sales.filter(pl.col("protocol") == "seaport")
    assert seaport.height > 180
    assert seaport["residual_wei"].null_count() == 0
    unknown = sales.filter(pl.col("residual_wei").is_null())
    assert unknown["residual_reason"].null_count() == 0, "a NULL residual says why"


def test_parts_of_every_known_price_add_up(sales, payments):
    parts = ("proceeds_wei", "platform_fee_wei", "royalty_wei", "other_wei")
    known = sales.filter(pl.col("residual_wei").is_not_null())
    assert known.filter(pl.col("price_wei") != pl.sum_horizontal(parts)).is_empty()
    legs = payments.filter(pl.col("recipient_class") != "refund")
    totals = legs.group_by("sale_id").agg(pl.col("amount_wei").sum().alias("legs_wei"))
    joined = known.join(totals, on="sale_id", how="left").with_columns(
        pl.col("legs_wei").fill_null(0)
    )
    assert joined.filter(pl.col("legs_wei") != pl.col("price_wei")).is_empty()


# -- the same logs give the same tables


@pytest.fixture(scope="module")
def eventful(recordings):
    """A few windows of Ethereum with single and batch transfers, listings, bids and matches."""
    recording = recordings[1]
    wanted = {BID_ACCEPTED, LISTING_BOUGHT}
    chosen = {quantity(x["blockNumber"]) for x in recording.logs if x["transactionHash"] in wanted}
    batches = [
        quantity(log["blockNumber"])
        for log in recording.logs
        if len(movements(log)) > 1 and log["blockHash"] is not None
    ]
    kitties = [quantity(x["blockNumber"]) for x in recording.logs if x["address"] == CRYPTOKITTIES]
    return windows({*chosen, *batches[:2], kitties[0]}, before=3, after=3)


@pytest.fixture(scope="module")
def ethereum(recordings):
    """A node for Ethereum."""
    with ReplayNode(1, recording=recordings[1]) as node:
        yield node


def indexed(folder, node, ranges, *options):
    store = folder / "market.duckdb"
    index(store, node, write_blocks(folder / "blocks.txt", ranges), *options)
    return store


@pytest.fixture(scope="module")
def plain_digest(ethereum, eventful, tmp_path_factory):
    """Digest of the eventful windows, each fetched in one request."""
    return digest_of(indexed(tmp_path_factory.mktemp("plain"), ethereum, eventful))


@pytest.mark.parametrize("max_range", [1, 7])
def test_chunking_does_not_change_the_tables(ethereum, eventful, plain_digest, tmp_path, max_range):
    store = indexed(tmp_path, ethereum, eventful, "--max-range", max_range)
    chunks = query(store, "SELECT max(to_block - from_block) FROM ranges").item()
    assert chunks == min(max_range, 7)
    assert digest_of(store) == plain_digest


def test_order_of_arrival_does_not_change_the_tables(ethereum, eventful, plain_digest, tmp_path):
    for window in reversed(eventful):
        store = indexed(tmp_path, ethereum, [window])
    assert digest_of(store) == plain_digest


def test_node_that_lets_trailing_nulls_match_changes_no_table(
    ethereum, eventful, plain_digest, tmp_path, monkeypatch
):
    monkeypatch.setattr(ethereum.server.methods, "counts_trailing_nulls", False)
    assert digest_of(indexed(tmp_path, ethereum, eventful)) == plain_digest


def test_node_without_times_in_its_logs_changes_no_table(
    ethereum, eventful, plain_digest, tmp_path, monkeypatch
):
    monkeypatch.setattr(ethereum.server.methods, "log_times", False)
    assert digest_of(indexed(tmp_path, ethereum, eventful)) == plain_digest


def test_fewer_blocks_change_the_digest(ethereum, eventful, plain_digest, tmp_path):
    assert digest_of(indexed(tmp_path, ethereum, eventful[:-1])) != plain_digest


def test_indexing_again_asks_for_no_logs_and_changes_nothing(
    ethereum, eventful, plain_digest, tmp_path
):
    store = indexed(tmp_path, ethereum, eventful)
    asked = ethereum.calls["eth_getLogs"]
    indexed(tmp_path, ethereum, eventful)
    assert ethereum.calls["eth_getLogs"] == asked > 0
    assert digest_of(store) == plain_digest


def test_wide_range_finds_what_the_windows_found(recordings, tmp_path):
    recording = recordings[8_453]
    with ReplayNode(8_453, recording=recording) as node:
        blocks = node.chain.block_numbers()
        (tmp_path / "wide").mkdir()
        (tmp_path / "narrow").mkdir()
        wide, narrow = (tmp_path / name / "market.duckdb" for name in ("wide", "narrow"))
        # A sample of 35 million blocks would be 350 thousand headers.
        widest = "--max-range", 5_000_000, "--verify", "off"
        index(wide, node, f"{blocks[0]}:{blocks[-1] + 1}", *widest)
        index(narrow, node, write_blocks(tmp_path / "blocks.txt", windows(blocks)))
    assert blocks[-1] - blocks[0] > 35_000_000
    assert digest_of(wide) == digest_of(narrow)
