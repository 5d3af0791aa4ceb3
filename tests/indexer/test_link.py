"""Link tables from facts written by hand, so that every expected value is plain to see."""

from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from data.schema import TABLES
from data.store import Store, Transaction
from indexer.files import load_funding
from indexer.link import SELECTS, SOURCES, prepare_links, rebuild_links, replace_link
from tests.indexer.own_history import history
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.settled import OWN, settle
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, one

START = datetime(2024, 1, 1)
USDC = "0x" + "dc" * 20


def place(block, log=0, item=0, chain=1):
    return {
        "chain_id": chain,
        "block_number": block,
        "block_hash": f"0x{block:064x}",
        "block_time": START + timedelta(hours=block),
        "tx_hash": f"0x{block:060x}{log:04x}",
        "tx_index": log,
        "log_index": log,
        "item_index": item,
    }


def sale(block, seller, buyer, *, token="1", price=10**18, log=0, **fields):
    where = place(block, log, chain=fields.pop("chain", 1))
    return {
        **where,
        "sale_id": f"{where['chain_id']}:{where['block_hash']}:{log}:0",
        "bundle_size": 1,
        "protocol": "raisonne",
        "trade_kind": "listing",
        "collection": COLLECTION,
        "token_id": token,
        "token_standard": "erc721",
        "seller": seller,
        "buyer": buyer,
        "currency": ZERO,
        "price_wei": Decimal(price),
        "residual_wei": Decimal(0),
        **fields,
    }


def transfer(block, sender, receiver, *, token="1", log=0, **fields):
    kind = "mint" if sender == ZERO else "burn" if receiver == ZERO else "transfer"
    return {
        **place(block, log),
        "kind": kind,
        "collection": COLLECTION,
        "token_id": token,
        "token_standard": "erc721",
        "from_address": sender,
        "to_address": receiver,
        "quantity": "1",
        **fields,
    }


def terms(block, recipient, bps, *, token="1", log=0):
    return {
        **place(block, log),
        "protocol": "raisonne",
        "event": "RoyaltySet",
        "level": "token",
        "collection": COLLECTION,
        "token_id": token,
        "recipient": recipient,
        "bps": bps,
    }


def leg(of, recipient, amount, kind="creator", seq=0):
    keys = ("chain_id", "block_number", "block_hash", "log_index", "item_index", "sale_id")
    return {
        **{key: of[key] for key in keys},
        "seq": seq,
        "recipient": recipient,
        "recipient_class": kind,
        "currency": ZERO,
        "amount_wei": Decimal(amount),
    }


def quote(block, usd, *, currency=ZERO, source="feed:0x1", **fields):
    return {
        **place(block, 9, chain=fields.pop("chain", 1)),
        "currency": currency,
        "time": START + timedelta(hours=block),
        "usd": usd,
        "source": source,
        **fields,
    }


def link(store, **tables):
    for name, rows in tables.items():
        store.append(name, pl.DataFrame(rows, infer_schema_length=None))
    rebuild_links(store)


# -- sales


def test_first_sale_by_the_minter_is_primary_and_the_next_is_not(store):
    link(
        store,
        transfers=[transfer(1, ZERO, ALICE)],
        settled_sales=[sale(5, BOB, CAROL), sale(2, ALICE, BOB), sale(9, ALICE, DAVE)],
    )
    found = store.query("SELECT block_number, is_primary FROM sales ORDER BY 1").rows()
    assert found == [(2, True), (5, False), (9, False)]


def test_first_sale_by_somebody_who_was_given_it_is_not_primary(store):
    link(
        store,
        transfers=[transfer(1, ZERO, ALICE), transfer(2, ALICE, BOB)],
        settled_sales=[sale(5, BOB, CAROL)],
    )
    assert one(store.read("sales"))["is_primary"] is False


def test_primary_is_unknown_where_the_mint_was_not_seen(store):
    link(store, settled_sales=[sale(5, BOB, CAROL), sale(6, CAROL, DAVE)])
    assert store.read("sales")["is_primary"].to_list() == [None, False]


def test_sale_that_minted_its_token_to_the_buyer_is_primary(store):
    minting = {"tx_hash": "0x" + "5a" * 32}
    link(
        store,
        transfers=[transfer(2, ZERO, BOB, **minting), transfer(3, ZERO, BOB, token="2")],
        settled_sales=[
            sale(2, CAROL, BOB, **minting),
            sale(4, CAROL, BOB, token="2"),
            sale(5, BOB, DAVE, tx_hash="0x" + "5b" * 32),
        ],
    )
    found = store.query("SELECT token_id, seller, is_primary FROM sales ORDER BY ALL").rows()
    assert found == [("1", BOB, False), ("1", CAROL, True), ("2", CAROL, False)]


def test_editions_are_primary_for_whoever_minted_them_until_bought_back(store):
    edition = {"token_standard": "erc1155"}
    link(
        store,
        transfers=[transfer(1, ZERO, ALICE, **edition)],
        settled_sales=[
            sale(2, ALICE, BOB, **edition),
            sale(3, ALICE, CAROL, **edition),
            sale(4, BOB, ALICE, **edition),
            sale(5, ALICE, DAVE, **edition),
        ],
    )
    assert store.read("sales")["is_primary"].to_list() == [True, True, False, False]


def test_price_in_usd_is_the_last_quote_before_the_sale_with_its_age(store):
    link(
        store,
        settled_sales=[sale(10, ALICE, BOB, price=2 * 10**18), sale(1, ALICE, BOB, token="2")],
        prices=[quote(4, 1_000.0), quote(7, 2_000.0), quote(11, 9_999.0)],
    )
    early, late = store.read("sales").rows(named=True)
    assert (late["price_eth"], late["price_usd"]) == (2.0, 4_000.0)
    assert (late["price_source"], late["price_age_s"]) == ("feed:0x1", 3 * 3_600)
    assert (early["price_eth"], early["price_usd"], early["price_source"]) == (1.0, None, None)


DOLLAR = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
DAI = "0x6b175474e89094c44da98b954eedeac495271d0f"


@pytest.mark.parametrize(("currency", "unit"), [(DOLLAR, 10**6), (DAI, 10**18)])
def test_stablecoin_is_priced_in_its_own_decimals_and_told_in_ether(store, currency, unit):
    link(
        store,
        settled_sales=[sale(10, ALICE, BOB, price=500 * unit, currency=currency)],
        prices=[quote(4, 0.998, currency=currency), quote(6, 2_000.0, log_index=8)],
    )
    row = one(store.read("sales"))
    assert row["price_usd"] == pytest.approx(499.0)
    assert row["price_eth"] == pytest.approx(0.2495)
    assert row["price_age_s"] == 6 * 3_600


def test_stablecoin_without_a_quote_is_not_taken_for_a_dollar(store):
    link(
        store,
        settled_sales=[sale(10, ALICE, BOB, price=500 * 10**6, currency=DOLLAR)],
        prices=[quote(4, 2_000.0)],
    )
    row = one(store.read("sales"))
    assert (row["price_usd"], row["price_eth"], row["price_source"]) == (None, None, None)


@pytest.mark.parametrize(("hours", "usd"), [(48, 1_000.0), (49, None)])
def test_quote_prices_the_sales_of_two_days(store, hours, usd):
    link(store, settled_sales=[sale(1 + hours, ALICE, BOB)], prices=[quote(1, 1_000.0)])
    row = one(store.read("sales"))
    assert (row["price_eth"], row["price_usd"]) == (1.0, usd)
    assert (row["price_age_s"] is None) == (usd is None)


def test_wrapped_ether_of_a_chain_with_another_coin_is_not_priced_as_that_coin(store):
    weth = "0x7ceb23fd6bc0add59e62ac25578270cff1b9f619"
    link(
        store,
        settled_sales=[sale(10, ALICE, BOB, currency=weth, chain=137)],
        prices=[quote(4, 0.5, chain=137)],
    )
    row = one(store.read("sales"))
    assert (row["price_eth"], row["price_usd"]) == (1.0, None)


def test_price_of_another_chain_is_not_used(store):
    link(store, settled_sales=[sale(10, ALICE, BOB)], prices=[quote(4, 1_000.0, chain=10)])
    assert one(store.read("sales"))["price_usd"] is None


@pytest.mark.parametrize(
    ("chain", "currency", "price_eth", "price_usd"),
    [
        (1, WETH, 1.0, 1_000.0),
        (1, "0x0000000000a39bb272e79075ade125fd351887ac", 1.0, 1_000.0),
        (1, USDC, None, None),
        (10, WETH, None, None),
        (137, ZERO, None, 1_000.0),
    ],
    ids=["weth", "blur pool", "unknown token", "weth of another chain", "native, not ether"],
)
def test_only_ether_has_a_price_in_ether(store, chain, currency, price_eth, price_usd):
    link(
        store,
        settled_sales=[sale(10, ALICE, BOB, currency=currency, chain=chain)],
        prices=[quote(4, 1_000.0, chain=chain)],
    )
    row = one(store.read("sales"))
    assert (row["price_eth"], row["price_usd"]) == (price_eth, price_usd)


# -- royalties


def ledger(store):
    rows = store.read("royalty_ledger").rows(named=True)
    return {
        (row["sale_id"].split(":")[1][-2:], row["recipient"]): (
            None if row["owed_wei"] is None else int(row["owed_wei"]),
            int(row["paid_wei"]),
            row["status"],
        )
        for row in rows
    }


def test_terms_become_intervals(store):
    link(
        store,
        royalty_events=[terms(9, BOB, 250), terms(2, ALICE, 500), terms(4, ALICE, 1, token="2")],
    )
    found = store.query(
        "SELECT token_id, recipient, bps, valid_from_block, valid_to_block FROM royalty_terms"
        " ORDER BY token_id, valid_from_block"
    ).rows()
    assert found == [("1", ALICE, 500, 2, 9), ("1", BOB, 250, 9, None), ("2", ALICE, 1, 4, None)]


def test_owed_follows_the_terms_in_force_at_the_sales_own_log(store):
    before, after = sale(5, BOB, CAROL, log=3), sale(5, BOB, CAROL, log=8, token="1")
    link(
        store,
        royalty_events=[terms(1, ALICE, 500), terms(5, DAVE, 1_000, log=5)],
        settled_sales=[before, after],
        sale_payments=[leg(before, ALICE, 5 * 10**16)],
    )
    rows = store.read("royalty_ledger").sort("recipient").rows(named=True)
    assert [(row["recipient"], row["status"], int(row["gap_wei"])) for row in rows] == [
        (ALICE, "full", 0),
        (DAVE, "zero", 10**17),
    ]


@pytest.mark.parametrize(
    ("paid", "status"), [(0, "zero"), (3, "partial"), (99, "full"), (100, "over")]
)
def test_owed_is_rounded_down_and_compared_with_what_was_paid(store, paid, status):
    sold = sale(5, BOB, CAROL, price=1_999)
    link(
        store,
        royalty_events=[terms(1, ALICE, 500)],
        settled_sales=[sold],
        **({"sale_payments": [leg(sold, ALICE, paid)]} if paid else {}),
    )
    row = one(store.read("royalty_ledger"))
    assert (int(row["owed_wei"]), int(row["paid_wei"]), row["status"]) == (99, paid, status)
    assert int(row["gap_wei"]) == 99 - paid


def test_owed_is_exact_at_38_digits(store):
    price = 10**38 - 1
    link(
        store,
        royalty_events=[terms(1, ALICE, 1_000)],
        settled_sales=[sale(5, BOB, CAROL, price=price)],
    )
    assert int(one(store.read("royalty_ledger"))["owed_wei"]) == price * 1_000 // 10_000


def test_seller_owes_no_royalty_to_itself(store):
    link(store, royalty_events=[terms(1, ALICE, 500)], settled_sales=[sale(5, ALICE, BOB)])
    row = one(store.read("royalty_ledger"))
    assert (int(row["owed_wei"]), row["status"]) == (0, "full")


def test_payment_without_known_terms_is_unknown_and_to_another_wallet_is_over(store):
    free, bound = sale(5, BOB, CAROL, token="9"), sale(6, BOB, CAROL)
    link(
        store,
        royalty_events=[terms(1, ALICE, 500)],
        settled_sales=[free, bound],
        sale_payments=[leg(free, DAVE, 7), leg(bound, DAVE, 7)],
    )
    assert ledger(store) == {
        ("05", DAVE): (None, 7, "unknown"),
        ("06", ALICE): (5 * 10**16, 0, "zero"),
        ("06", DAVE): (0, 7, "over"),
    }


# -- tokens, vaults, funding, labels


def minted(block, token, uri):
    return {
        **place(block, 5),
        "event": "minted",
        "collection": COLLECTION,
        "token_id": token,
        "account": DAVE,
        "manifest": "0x" + "01" * 32,
        "pixel_hash": "0x" + "02" * 32,
        "uri": uri,
    }


def test_owner_is_the_last_receiver_whatever_the_order_of_rows(store):
    link(
        store,
        transfers=[
            transfer(9, BOB, CAROL),
            transfer(1, ZERO, ALICE),
            transfer(5, ALICE, BOB),
            transfer(1, ZERO, ALICE, token="2", log=1),
            transfer(3, ALICE, ZERO, token="2"),
        ],
        provenance_events=[
            minted(1, "1", 'data:application/json,{"name":"One","style":" Rings "}')
        ],
    )
    kept, burned = store.read("tokens").rows(named=True)
    assert (kept["owner"], kept["is_burned"], kept["creator"]) == (CAROL, False, DAVE)
    assert (kept["name"], kept["style"]) == ("One", "rings")
    assert kept["minted_at"] == START + timedelta(hours=1)
    assert (burned["owner"], burned["is_burned"], burned["creator"]) == (None, True, ALICE)
    assert (burned["style"], burned["manifest"]) == (None, None)


def vault_event(block, event, vault, account):
    return {
        **place(block),
        "protocol": "raisonne",
        "version": "1",
        "event": event,
        "vault": vault,
        "emitter": vault,
        "collection": COLLECTION if event == "opened" else None,
        "token_id": "1" if event == "opened" else None,
        "account": account,
        "shares": "1000",
        "amount_wei": Decimal(5),
    }


def test_names_come_from_documents_of_any_size_and_only_from_documents(store):
    padding = "x" * 900_000
    works = range(12)  # more than one batch of texts
    uris = {str(n): f'data:application/json,{{"name":"work {n}","pad":"{padding}"}}' for n in works}
    uris |= {"90": "ipfs://work", "91": "data:application/json,{", "92": None}
    link(
        store,
        transfers=[transfer(1, ZERO, ALICE, token=token, log=n) for n, token in enumerate(uris)],
        provenance_events=[
            minted(1 + n, token, uri) for n, (token, uri) in enumerate(uris.items())
        ],
    )
    found = dict(store.query("SELECT token_id, name FROM tokens").rows())
    assert found == {token: f"work {token}" if int(token) in works else None for token in uris}


def test_only_vaults_that_the_factory_opened_are_listed(store):
    first, second, stranger = ("0x" + byte * 20 for byte in ("11", "22", "33"))
    link(
        store,
        vault_events=[
            vault_event(1, "opened", first, ALICE),
            vault_event(2, "opened", second, BOB),
            vault_event(3, "redeemed", second, CAROL),
            vault_event(4, "redeemed", stranger, CAROL),
        ],
    )
    found = store.query("SELECT vault, curator, state FROM vaults ORDER BY vault").rows()
    assert found == [(first, ALICE, "open"), (second, BOB, "redeemed")]


def transaction(block, sender, receiver, value, index=0, chain_id=31_337):
    keys = ("chain_id", "block_number", "block_hash", "block_time", "tx_hash")
    return {
        **{key: place(block, index)[key] for key in keys},
        "chain_id": chain_id,
        "tx_index": index,
        "from_address": sender,
        "to_address": receiver,
        "value_wei": Decimal(value),
    }


def test_first_native_coin_tells_who_funded_an_address(store):
    link(
        store,
        transactions=[
            transaction(7, CAROL, BOB, 1),
            transaction(5, DAVE, BOB, 0),
            transaction(6, DAVE, BOB, 3, index=4),
            transaction(6, ALICE, BOB, 3, index=2),
            transaction(8, ALICE, None, 3),
        ],
    )
    row = one(store.read("funding"))
    assert (row["address"], row["first_funded_by"], row["block_number"]) == (BOB, ALICE, 6)
    assert row["source"] == "transactions"


def test_transactions_that_protocols_asked_for_do_not_tell_who_was_first(store):
    link(store, transactions=[transaction(7, CAROL, BOB, 1, chain_id=1)])
    assert store.read("funding").is_empty()


def test_funding_and_labels_from_files_survive_a_rebuild(store):
    file_row = {
        "chain_id": 31_337,
        "address": BOB,
        "first_funded_by": CAROL,
        "source": "file:f.csv",
    }
    label = {"chain_id": 1, "address": CAROL, "label": "cex", "name": "C", "source": "file:l.csv"}
    link(
        store,
        transactions=[transaction(6, ALICE, BOB, 3)],
        funding=[file_row],
        labels=[label],
        provenance_events=[minted(1, "1", None)],
    )
    for _ in range(2):
        row = one(store.read("funding"))
        assert (row["first_funded_by"], row["source"]) == (CAROL, "file:f.csv")
        labels = store.query("SELECT address, label FROM labels ORDER BY label").rows()
        assert labels == [(DAVE, "artist"), (CAROL, "cex")]
        rebuild_links(store)


def test_file_overrides_what_the_chain_told_before(store, tmp_path):
    link(store, transactions=[transaction(6, ALICE, BOB, 3), transaction(7, ALICE, DAVE, 3)])
    path = tmp_path / "funding.csv"
    path.write_text(f"address,first_funded_by\n{BOB},{CAROL}\n")
    load_funding(store, path, 31_337)
    rebuild_links(store)
    rows = dict(store.query("SELECT address, first_funded_by FROM funding").rows())
    assert rows == {BOB: CAROL, DAVE: ALICE}


def test_rebuilding_changes_nothing(store):
    sold = sale(5, BOB, CAROL)
    link(
        store,
        transfers=[transfer(1, ZERO, ALICE)],
        settled_sales=[sold],
        royalty_events=[terms(1, ALICE, 500)],
        sale_payments=[leg(sold, ALICE, 5)],
        prices=[quote(1, 5.0)],
    )
    before = store.digest()
    rebuild_links(store)
    assert store.digest() == before


# -- without sources


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A store in which every link has rows."""
    emitted = ("fractional", "nftfi", "nftx", "rarible", "splits", "manifold_royalties")
    parts = [settle_emitted(name) for name in emitted]
    parts.append(settle(*history().logs, chain_id=OWN.chain_id, own=OWN))
    with Store.open(tmp_path_factory.mktemp("full") / "market.duckdb") as store:
        for tables in parts:
            for table, rows in tables.items():
                if TABLES[table].kind == "fact":
                    store.append(table, rows.drop("tx", strict=False))
        uri = 'data:application/json,{"attributes":[{"trait_type":"eyes","value":"red"}]}'
        minted = {"event": "minted", "collection": COLLECTION, "token_id": "1", "account": ALICE}
        link(
            store,
            provenance_events=[place(1) | minted | {"uri": uri}],
            transactions=[transaction(1, BOB, ALICE, 1)],
        )
        yield store


@pytest.mark.parametrize("name", SELECTS)
def test_link_has_rows_only_where_one_of_its_sources_has(full, name):
    with full.cursor() as cursor:
        transaction = Transaction(cursor)
        transaction.execute("BEGIN TRANSACTION")
        prepare_links(transaction)
        assert transaction.has_rows(name)
        for source in SOURCES[name]:
            transaction.execute(f"DELETE FROM {source}")
        prepare_links(transaction)
        left = transaction.query(SELECTS[name])
        written = replace_link(transaction, name)
        assert (left.height, written, transaction.has_rows(name)) == (0, 0, False)
        transaction.execute("ROLLBACK")
