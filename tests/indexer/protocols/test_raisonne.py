from datetime import datetime

import pytest

from tests.indexer.protocols.settled import OWN, assert_balanced, legs_of, settle
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, ZERO, make_log, one

LOCAL = OWN.chain_id
MINTED = (
    "ArtworkMinted(uint256 indexed tokenId, bytes32 indexed manifest, address indexed creator,"
    " bytes32 pixelHash, bytes32 model, bytes32 dataset, bytes32 process, uint256 seed, string uri)"
)
BURNED = (
    "ArtworkBurned(uint256 indexed tokenId, address indexed by, bytes32 manifest, uint8 reason)"
)
EDGE = (
    "LineageEdge(uint256 indexed child, uint256 indexed ordinal, address indexed parentContract,"
    " uint256 parentToken, uint8 relation, uint16 shareBps)"
)
ROYALTY_SET = "RoyaltySet(uint256 indexed tokenId, address recipient, uint96 bps)"
LISTED = (
    "Listed(uint256 indexed tokenId, address indexed seller, uint8 kind, uint256 price,"
    " uint64 endTime)"
)
CANCELLED = "ListingCancelled(uint256 indexed tokenId, address indexed seller)"
SOLD = (
    "Sold(uint256 indexed tokenId, address indexed seller, address indexed buyer, uint8 kind,"
    " uint256 price, uint256 royalty, uint256 fee)"
)
PAID = (
    "Paid(uint256 indexed tokenId, address indexed recipient, uint8 indexed role, uint256 amount,"
    " bool credited)"
)
OPENED = (
    "VaultOpened(address indexed vault, uint256 indexed tokenId, address indexed curator,"
    " uint256 supply, uint256 royalty)"
)
REDEEMED = (
    "SharesRedeemed(address indexed vault, address indexed holder, uint256 shares, uint256 amount)"
)
ANSWER = "AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)"
VAULT = "0x" + "77" * 20


def settle_own(*logs):
    return settle(*logs, chain_id=LOCAL, own=OWN)


def sold(token, index, price=1_000, royalty=100, fee=25, **place):
    return make_log(
        SOLD, token, ALICE, BOB, 0, price, royalty, fee, address=OWN.market, index=index, **place
    )


def paid(token, to, role, amount, index, emitter=OWN.market, **place):
    return make_log(PAID, token, to, role, amount, False, address=emitter, index=index, **place)


def sale_logs(token=1, first=0, **place):
    return [
        sold(token, first, **place),
        paid(token, ALICE, 0, 875, first + 1, **place),
        paid(token, CAROL, 1, 100, first + 2, **place),
        paid(token, DAVE, 2, 25, first + 3, **place),
    ]


def test_sale_balances_from_the_payments_that_follow_it():
    tables = settle_own(*sale_logs())
    sale = one(tables["settled_sales"])
    assert (sale["seller"], sale["buyer"], sale["collection"]) == (ALICE, BOB, OWN.artwork)
    assert (sale["marketplace"], sale["protocol"], sale["confidence"]) == (
        "raisonne",
        "raisonne",
        "decoded",
    )
    assert (int(sale["proceeds_wei"]), int(sale["platform_fee_wei"])) == (875, 25)
    assert int(sale["royalty_wei"]) == 100
    assert legs_of(tables, sale) == [
        (ALICE, "seller", 875),
        (CAROL, "creator", 100),
        (DAVE, "platform", 25),
    ]
    assert_balanced(tables)


def test_missing_payment_shows_as_a_residual():
    sale = one(settle_own(*sale_logs()[:-1])["settled_sales"])
    assert int(sale["residual_wei"]) == 25


def test_two_sales_of_one_token_in_a_transaction_keep_their_own_payments():
    tables = settle_own(*sale_logs(first=0), *sale_logs(first=4), *sale_logs(token=2, first=8))
    assert tables["settled_sales"].height == 3
    assert tables["sale_payments"].height == 9
    assert_balanced(tables)


def test_excess_returned_to_the_buyer_is_outside_the_price():
    tables = settle_own(*sale_logs(), paid(1, BOB, 3, 500, 4))
    sale = one(tables["settled_sales"])
    assert (BOB, "refund", 500) in legs_of(tables, sale)
    assert int(sale["other_wei"]) == 0
    assert_balanced(tables)


def test_payment_without_a_sale_is_set_aside():
    tables = settle_own(*sale_logs(), paid(9, BOB, 0, 5, 7))
    assert one(tables["quarantine"])["reason"] == "payment without its sale"
    assert_balanced(tables)


def test_other_contracts_with_the_same_events_are_not_trusted():
    foreign = [log | {"address": COLLECTION} for log in sale_logs()]
    assert settle_own(*foreign)["settled_sales"].is_empty()
    assert settle(*sale_logs(), chain_id=LOCAL, own=None)["settled_sales"].is_empty()


def test_vault_opening_keeps_its_royalty_apart_from_sales():
    factory = OWN.vault_factory
    logs = [
        make_log(OPENED, VAULT, 1, ALICE, 10**24, 80, address=factory, index=0),
        paid(1, CAROL, 1, 80, 1, emitter=factory),
        paid(1, ALICE, 3, 20, 2, emitter=factory),
        make_log(REDEEMED, VAULT, BOB, 10**24, 0, address=VAULT, index=5),
    ]
    tables = settle_own(*logs)
    events = tables["vault_events"].sort("log_index").rows(named=True)
    assert [(row["event"], row["vault"], row["account"]) for row in events] == [
        ("opened", VAULT, ALICE),
        ("cash", VAULT, BOB),
    ]
    assert events[0]["shares"] == str(10**24)
    payments = tables["vault_payments"].sort("item_index")
    assert payments.select("recipient", "recipient_class").rows() == [
        (CAROL, "creator"),
        (ALICE, "refund"),
    ]
    assert tables["sale_payments"].is_empty()
    assert tables["quarantine"].is_empty()


def test_contract_that_speaks_for_another_vault_is_not_heard():
    liar = make_log(REDEEMED, VAULT, BOB, 1, 0, address=COLLECTION)
    assert "vault_events" not in settle_own(liar) or settle_own(liar)["vault_events"].is_empty()


def test_listing_and_its_end_are_kept():
    logs = [
        make_log(LISTED, 1, ALICE, 0, 500, 1_800_000_000, address=OWN.market, index=0),
        make_log(LISTED, 2, ALICE, 0, 500, 0, address=OWN.market, index=1),
        make_log(LISTED, 3, ALICE, 0, 500, 2**64 - 1, address=OWN.market, index=2),
        make_log(CANCELLED, 1, ALICE, address=OWN.market, index=3),
    ]
    rows = settle_own(*logs)["listings"].sort("log_index").rows(named=True)
    assert [row["event"] for row in rows] == ["listed", "listed", "listed", "cancelled"]
    assert [row["end_time"] for row in rows] == [datetime(2027, 1, 15, 8), None, None, None]
    assert rows[3]["price_wei"] is None


def test_mint_carries_its_lineage():
    digest = [bytes([n]) * 32 for n in range(1, 6)]
    logs = [
        make_log(
            MINTED,
            4,
            digest[0],
            ALICE,
            *digest[1:],
            2**255,
            "data:,x",
            address=OWN.artwork,
            index=0,
        ),
        make_log(EDGE, 4, 0, COLLECTION, 77, 2, 1_500, address=OWN.artwork, index=1),
        make_log(ROYALTY_SET, 4, CAROL, 750, address=OWN.artwork, index=2),
        make_log(BURNED, 4, BOB, digest[0], 1, address=OWN.artwork, index=3),
    ]
    tables = settle_own(*logs)
    minted, burned = tables["provenance_events"].sort("log_index").rows(named=True)
    assert (minted["event"], minted["account"], minted["manifest"]) == (
        "minted",
        ALICE,
        "0x" + "01" * 32,
    )
    assert (minted["pixel_hash"], minted["process"]) == ("0x" + "02" * 32, "0x" + "05" * 32)
    assert (minted["seed"], minted["uri"]) == (str(2**255), "data:,x")
    assert (burned["event"], burned["account"], burned["pixel_hash"]) == ("burned", BOB, None)
    edge = one(tables["lineage_edges"])
    assert (edge["parent_collection"], edge["parent_token_id"]) == (COLLECTION, "77")
    assert (edge["ordinal"], edge["relation"], edge["share_bps"]) == (0, 2, 1_500)
    terms = one(tables["royalty_events"])
    assert (terms["recipient"], terms["bps"], terms["token_id"]) == (CAROL, 750, "4")


@pytest.mark.parametrize(
    ("answer", "usd"), [(250_012_345_678, 2500.12345678), (-5, None), (0, None)]
)
def test_feed_answer_is_a_price_of_the_native_coin(answer, usd):
    log = make_log(ANSWER, answer, 3, 1_700_000_000, address=OWN.price_feed)
    rows = settle_own(log).get("prices")
    if usd is None:
        assert rows is None or rows.is_empty(), "no feed prices ether at nothing"
        return
    row = one(rows)
    assert row["usd"] == pytest.approx(usd, rel=1e-15)
    assert (row["currency"], row["source"]) == (ZERO, f"feed:{OWN.price_feed}")
    assert row["time"] == datetime(2023, 11, 14, 22, 13, 20)
