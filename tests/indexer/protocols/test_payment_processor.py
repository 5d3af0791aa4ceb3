"""Payment Processor 1 and 2, emitted on a node at the real addresses (no log was recorded)."""

from functools import cache

import polars as pl
import pytest

from indexer.protocols.base import ChainContext
from indexer.protocols.payment_processor import PROTOCOL
from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.settled import legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, one
from tests.paths import SHARED

V1 = "0x009a1dc9f1a6e2134ad4236fcd75b1ae62858507"
V2 = "0x9a1d00bed7cd04bcda516d721a596eb22aac6834"
VENUE = "0x" + "5e" * 20
GEM = "0x83c8f28c26bf6aaca652df1dbbe0e1b56f8baba2"
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
HEAD = "(address indexed marketplace, address indexed tokenAddress, address indexed paymentCoin,"
SINGLE = (
    f"BuySingleListing{HEAD} address buyer, address seller, uint256 tokenId, uint256 amount,"
    " uint256 salePrice)"
)
SWEEP = (
    f"SweepCollectionERC721{HEAD} address buyer, bool[] unsuccessfulFills, address[] sellers,"
    " uint256[] tokenIds, uint256[] salePrices)"
)
SWEEP_1155 = SWEEP.replace("ERC721", "ERC1155").replace(
    "uint256[] sale", "uint256[] n, uint256[] s"
)
BUNDLE = (
    f"BuyBundledListingERC1155{HEAD} address buyer, address seller, bool[] unsuccessfulFills,"
    " uint256[] tokenIds, uint256[] amounts, uint256[] salePrices)"
)
WHAT = "address beneficiary, address paymentCoin, uint256 tokenId,"
BUY = (
    "BuyListingERC721(address indexed buyer, address indexed seller, address indexed tokenAddress,"
    f" {WHAT} uint256 salePrice)"
)
BUY_1155 = BUY.replace("721", "1155").replace(" uint256 salePrice", " uint256 n, uint256 salePrice")
ACCEPT = (
    "AcceptOfferERC721(address indexed seller, address indexed buyer, address indexed tokenAddress,"
    f" {WHAT} uint256 salePrice)"
)


def paid(payer, receiver, amount):
    return log(ERC20, payer, receiver, amount, at=WETH)


def single(price, currency=ZERO, at=""):
    return log(SINGLE, VENUE, COLLECTION, currency, BOB, ALICE, 7, 1, price, at=at)


def buy(token, price, seller=ALICE, buyer=BOB, beneficiary=BOB, currency=ZERO):
    return log(BUY, buyer, seller, COLLECTION, beneficiary, currency, token, price)


FAILED = [False, True, False]

SCENARIO = [
    # 0: version 1, one token for native coin
    call(V1, Pay(CAROL, 50), Pay(VENUE, 20), Pay(ALICE, 930), single(1_000), value=1_000),
    # 1: the same in WETH, beside a transfer that is none of the buyer's
    call(
        V1,
        paid(DAVE, ALICE, 5),
        paid(BOB, CAROL, 50),
        paid(BOB, VENUE, 20),
        paid(BOB, ALICE, 930),
        single(1_000, WETH),
    ),
    # 2: a sweep of three of which one failed; each seller is paid in turn
    call(
        V1,
        paid(BOB, ALICE, 100),
        paid(BOB, DAVE, 300),
        log(
            SWEEP, VENUE, COLLECTION, WETH, BOB, FAILED, [ALICE, CAROL, DAVE], [1, 2, 3],
            [100, 200, 300],
        ),
    ),
    # 3: a sweep whose fees are paid together
    call(
        V1,
        paid(BOB, ALICE, 95),
        paid(BOB, VENUE, 20),
        paid(BOB, DAVE, 285),
        log(
            SWEEP_1155, VENUE, COLLECTION, WETH, BOB, [False, False], [ALICE, DAVE], [1, 2], [4, 5],
            [100, 300],
        ),
    ),
    # 4: a bundle of one seller
    call(
        V1,
        Pay(ALICE, 300),
        log(BUNDLE, VENUE, COLLECTION, ZERO, BOB, ALICE, [False] * 2, [1, 2], [4, 5], [100, 200]),
        value=300,
    ),
    # 5: lists of unequal length, an amount beyond 38 digits, and somebody else's event
    call(
        V1,
        log(SWEEP, VENUE, COLLECTION, WETH, BOB, [False], [ALICE, DAVE], [1, 2], [100, 200]),
        single(2**256 - 1),
        single(5, at=DAVE),
        buy(1, 5),
    ),
    # 6: version 2, with a fee on top, and change for the buyer
    call(
        V2,
        Pay(CAROL, 50), Pay(VENUE, 20), Pay(ALICE, 930), Pay(DAVE, 7),
        buy(7, 1_000),
        Pay(BOB, 3),
        value=1_010,
    ),
    # 7: an accepted offer with one fee, of whom it is not known
    call(
        V2,
        paid(BOB, CAROL, 50),
        paid(BOB, ALICE, 950),
        log(ACCEPT, ALICE, BOB, COLLECTION, BOB, WETH, 8, 1_000),
    ),
    # 8: two listings bought in one transaction
    call(
        V2,
        Pay(CAROL, 5), Pay(ALICE, 95),
        buy(1, 100),
        Pay(CAROL, 10), Pay(DAVE, 190),
        log(BUY_1155, BOB, DAVE, COLLECTION, BOB, ZERO, 2, 6, 200),
        value=300,
    ),
    # 9: through a router
    call(GEM, call(V2, Pay(ALICE, 40), buy(3, 40, ALICE, GEM, DAVE), value=40), value=40),
]  # fmt: skip


@cache
def emitted(*without):
    return settle_emitted("payment_processor", *without)


def sales_of(tx, *without):
    sales = emitted(*without)["settled_sales"]
    return sales.filter(pl.col("tx") == tx).sort("log_index", "item_index")


def amounts(sale):
    names = (
        "price_wei", "proceeds_wei", "platform_fee_wei", "royalty_wei", "other_wei", "residual_wei",
    )  # fmt: skip
    return tuple(None if sale[name] is None else int(sale[name]) for name in names)


@pytest.mark.parametrize(
    ("tx", "currency", "source"), [(0, ZERO, "trace"), (1, WETH, "transfer_log")]
)
def test_single_listing_of_version_1_pays_creator_marketplace_and_seller(tx, currency, source):
    sale = one(sales_of(tx))
    assert (sale["protocol"], sale["version"]) == ("payment-processor", "1")
    assert (sale["seller"], sale["buyer"], sale["token_id"]) == (ALICE, BOB, "7")
    assert (sale["currency"], sale["token_standard"]) == (currency, "erc721")
    assert legs_of(emitted(), sale) == [
        (CAROL, "creator", 50), (VENUE, "platform", 20), (ALICE, "seller", 930),
    ]  # fmt: skip
    legs = emitted()["sale_payments"].filter(pl.col("sale_id") == sale["sale_id"])
    assert legs["source"].unique().to_list() == [source]
    assert amounts(sale) == (1_000, 930, 20, 50, 0, 0)


def test_without_traces_a_sale_in_native_coin_has_a_price_and_no_legs():
    sale = one(sales_of(0, "traces"))
    assert amounts(sale) == (1_000, 0, 0, 0, 0, None)
    assert sale["residual_reason"] == "no payment was seen that adds up to the price"
    assert amounts(one(sales_of(1, "traces")))[-1] == 0, "tokens need no trace"


def test_sweep_leaves_out_what_failed():
    sales = sales_of(2)
    assert sales.select("token_id", "seller", "item_index", "bundle_size").rows() == [
        ("1", ALICE, 0, 1), ("3", DAVE, 2, 1),
    ]  # fmt: skip
    assert [amounts(row) for row in sales.rows(named=True)] == [
        (100, 100, 0, 0, 0, 0), (300, 300, 0, 0, 0, 0),
    ]  # fmt: skip


def test_items_paid_for_together_keep_their_prices_and_have_no_legs():
    sales = sales_of(3)
    assert sales.select("seller", "quantity", "token_standard").rows() == [
        (ALICE, "4", "erc1155"), (DAVE, "5", "erc1155"),
    ]  # fmt: skip
    assert [amounts(row) for row in sales.rows(named=True)] == [
        (100, 0, 0, 0, 0, None), (300, 0, 0, 0, 0, None),
    ]  # fmt: skip
    assert set(sales["residual_reason"]) == {"payments of several sales cannot be told apart"}


def test_bundle_has_the_prices_of_its_items_and_one_identity():
    sales = sales_of(4)
    assert sales["bundle_size"].to_list() == [2, 2]
    assert sales["bundle_id"].to_list() == [sales["sale_id"][0]] * 2
    assert [amounts(row)[0] for row in sales.rows(named=True)] == [100, 200]
    assert sales["residual_wei"].null_count() == 2


def test_what_cannot_be_read_is_set_aside_and_other_contracts_are_left_alone():
    assert sales_of(5).is_empty()
    aside = emitted()["quarantine"].sort("log_index")
    assert aside.select("tx", "event", "reason").rows() == [
        (5, "SweepCollectionERC721", "the lists of the items differ in length"),
        (5, "BuySingleListing", "salePrice: amount above 38 digits"),
    ]


def test_fee_on_top_is_part_of_what_the_buyer_paid_and_change_is_not():
    sale = one(sales_of(6))
    assert (sale["version"], sale["trade_kind"]) == ("2", "listing")
    assert amounts(sale) == (1_007, 930, 20, 50, 7, 0)
    assert legs_of(emitted(), sale)[-1] == (DAVE, "unknown", 7)


def test_accepted_offer_with_one_fee_does_not_guess_whose_it_is():
    sale = one(sales_of(7))
    assert (sale["trade_kind"], sale["maker"], sale["taker"]) == ("bid", BOB, ALICE)
    assert legs_of(emitted(), sale) == [(CAROL, "unknown", 50), (ALICE, "seller", 950)]
    assert amounts(sale) == (1_000, 950, 0, 0, 50, 0)


def test_two_purchases_of_one_transaction_are_told_apart_by_the_order_of_payments():
    sales = sales_of(8)
    assert [amounts(row) for row in sales.rows(named=True)] == [
        (100, 95, 0, 0, 5, 0), (200, 190, 0, 0, 10, 0),
    ]  # fmt: skip
    assert sales["quantity"].to_list() == ["1", "6"]


def test_beneficiary_behind_a_router_is_the_buyer():
    sale = one(sales_of(9))
    assert (sale["buyer"], sale["aggregator"], sale["taker"]) == (DAVE, GEM, GEM)
    assert amounts(sale)[-1] == 0


@pytest.mark.skipif(
    not (SHARED / "reference" / "protocols.csv").exists(), reason="the protocol table is not here"
)
@pytest.mark.parametrize("version", ["1", "2"])
def test_every_sale_event_of_the_protocol_table_is_read_on_every_chain(version):
    listed = pl.read_csv(SHARED / "reference" / "protocols.csv", infer_schema_length=0).filter(
        pl.col("protocol") == "payment-processor", pl.col("version") == version,
        pl.col("role") == "sale",
    )  # fmt: skip
    assert listed.height >= 8
    for chain_id, topic0, addresses in listed.select("chain_id", "topic0", "addresses").rows():
        routes = PROTOCOL.routes(ChainContext(int(chain_id)))
        emitters = {e for r in routes if r.event.topic0 == topic0 for e in r.emitters or ()}
        assert emitters == {addresses}, (chain_id, topic0)
