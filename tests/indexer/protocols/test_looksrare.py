"""LooksRare 1 and 2: emitted on a node at the real addresses, and recorded on Ethereum."""

import polars as pl
import pytest

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.settled import assert_balanced, legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, one
from tests.paths import needs_mainnet

V1 = "0x59728544b08ab483533076417fbbb2fd0b17ce3a"
V2 = "0x0000000000e655fae4d56241588680f86e3b2377"
ROUTER = "0x" + "70" * 20
SINK = "0x" + "5c" * 20
HASH = b"\x01" * 32
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
SALE_1 = (
    "(bytes32 orderHash, uint256 orderNonce, address indexed taker, address indexed maker,"
    " address indexed strategy, address currency, address collection, uint256 tokenId,"
    " uint256 amount, uint256 price)"
)
ROYALTY_1 = (
    "RoyaltyPayment(address indexed collection, uint256 indexed tokenId,"
    " address indexed royaltyRecipient, address currency, uint256 amount)"
)
SALE_2 = (
    " uint256 strategyId, address currency, address collection, uint256[] itemIds,"
    " uint256[] amounts, address[2] feeRecipients, uint256[3] feeAmounts)"
)
BID_2 = f"TakerBid((bytes32 a, uint256 b, bool c) n, address bidUser, address bidRecipient,{SALE_2}"
ASK_2 = f"TakerAsk((bytes32 a, uint256 b, bool c) n, address askUser, address bidUser,{SALE_2}"
AFFILIATE = "AffiliatePayment(address affiliate, address currency, uint256 affiliateFee)"
ZERO = "0x" + "00" * 20
NONCE = (HASH, 1, True)
TWO = ([1, 2], [1, 1])

MOST = 10**38 - 1  # the most that fits DECIMAL(38,0)
ONE_MORE = (COLLECTION, [12], [1])

SCENARIO = [
    # 0: a listing of ALICE bought by BOB; 2 % fee, 5 % royalty
    call(
        V1,
        log(ERC20, BOB, SINK, 20, at=WETH),
        log(ERC20, BOB, CAROL, 50, at=WETH),
        log(ROYALTY_1, COLLECTION, 7, CAROL, WETH, 50),
        log(ERC20, BOB, ALICE, 930, at=WETH),
        log(NFT, ALICE, BOB, 7, at=COLLECTION),
        log("TakerBid" + SALE_1, HASH, 1, BOB, ALICE, DAVE, WETH, COLLECTION, 7, 1, 1000),
    ),
    # 1: a bid of BOB taken by ALICE, beside a WETH transfer that is none of the exchange's
    call(
        ROUTER,
        log(ERC20, DAVE, ALICE, 5, at=WETH),
        call(
            V1,
            log(ERC20, BOB, SINK, 2, at=WETH),
            log(ERC20, BOB, ALICE, 98, at=WETH),
            log(NFT, ALICE, BOB, 8, at=COLLECTION),
            log("TakerAsk" + SALE_1, HASH, 1, ALICE, BOB, DAVE, WETH, COLLECTION, 8, 1, 100),
        ),
    ),
    # 2: transfers that do not add up to the price
    call(
        V1,
        log(ERC20, BOB, ALICE, 98, at=WETH),
        log("TakerAsk" + SALE_1, HASH, 1, ALICE, BOB, DAVE, WETH, COLLECTION, 9, 1, 100),
    ),
    # 3: version 2, two tokens in native coin, with an affiliate
    call(
        V2,
        log(AFFILIATE, DAVE, ZERO, 1),
        Pay(ALICE, 94),
        Pay(CAROL, 3),
        log(
            BID_2, NONCE, BOB, BOB, 0, ZERO, COLLECTION, [1, 2], [1, 1], [ALICE, CAROL], [94, 3, 3]
        ),
        value=100,
    ),
    # 4: version 2, a bid in WETH without creator
    call(
        V2, log(ASK_2, NONCE, ALICE, BOB, 1, WETH, COLLECTION, [5], [1], [ALICE, ZERO], [99, 0, 1])
    ),
    # 5: version 1, paid partly in native coin that the exchange wraps, partly in WETH
    call(
        V1,
        log(ERC20, BOB, V1, 30, at=WETH),
        log("Deposit(address indexed dst, uint256 wad)", V1, 70, at=WETH),
        log(ERC20, V1, SINK, 2, at=WETH),
        log(ERC20, V1, ALICE, 98, at=WETH),
        log(NFT, ALICE, BOB, 10, at=COLLECTION),
        log("TakerBid" + SALE_1, HASH, 1, BOB, ALICE, DAVE, WETH, COLLECTION, 10, 1, 100),
        value=70,
    ),
    # 6: amounts that each fit 38 digits, together not: of version 2, and 7: of version 1
    call(V2, log(BID_2, NONCE, BOB, BOB, 0, WETH, *ONE_MORE, [ALICE, CAROL], [MOST, MOST, 1])),
    call(
        V1,
        log(ERC20, BOB, CAROL, MOST, at=WETH),
        log(ROYALTY_1, COLLECTION, 11, CAROL, WETH, MOST),
        log(ERC20, BOB, ALICE, MOST, at=WETH),
        log("TakerBid" + SALE_1, HASH, 1, BOB, ALICE, DAVE, WETH, COLLECTION, 11, 1, MOST),
    ),
    # 8: large ones that together fit
    call(V2, log(BID_2, NONCE, BOB, BOB, 0, WETH, *ONE_MORE, [ALICE, CAROL], [MOST // 2, 7, 1])),
]


def sales_of(tables, tx):
    return tables["settled_sales"].filter(pl.col("tx") == tx).sort("log_index", "item_index")


def test_listing_of_version_1_has_its_legs_from_weth_transfers():
    tables = settle_emitted("looksrare")
    sale = one(sales_of(tables, 0))
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "listing")
    assert (sale["version"], sale["currency"], int(sale["price_wei"])) == ("1", WETH, 1000)
    assert legs_of(tables, sale) == [
        (SINK, "platform", 20), (CAROL, "creator", 50), (ALICE, "seller", 930),
    ]  # fmt: skip
    assert (int(sale["royalty_wei"]), int(sale["residual_wei"])) == (50, 0)


def test_bid_of_version_1_leaves_out_weth_that_the_exchange_did_not_move():
    tables = settle_emitted("looksrare")
    sale = one(sales_of(tables, 1))
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "bid")
    assert legs_of(tables, sale) == [(SINK, "platform", 2), (ALICE, "seller", 98)]
    assert int(sale["residual_wei"]) == 0


def test_transfers_that_miss_the_price_leave_the_sale_unbalanced_with_a_reason():
    sale = one(sales_of(settle_emitted("looksrare"), 2))
    assert sale["residual_wei"] is None
    assert sale["residual_reason"] == "the payments seen do not add up to the price"


def test_bundle_of_version_2_is_two_rows_whose_shares_add_up():
    tables = settle_emitted("looksrare")
    sales = sales_of(tables, 3)
    assert sales["token_id"].to_list() == ["1", "2"]
    assert sales["bundle_size"].to_list() == [2, 2]
    assert sales["bundle_id"].n_unique() == 1
    assert int(sales["price_wei"].sum()) == 100
    assert [int(sales[name].sum()) for name in (
        "proceeds_wei", "royalty_wei", "platform_fee_wei", "other_wei", "residual_wei"
    )] == [94, 3, 2, 1, 0]  # fmt: skip


@pytest.mark.parametrize("tx", [6, 7])
def test_amounts_that_cannot_be_added_up_make_neither_a_price_nor_a_residual(tx):
    tables = settle_emitted("looksrare")
    sale = one(sales_of(tables, tx))
    assert (sale["price_wei"], sale["residual_wei"]) == (None, None)
    assert sale["residual_reason"] == "the amounts paid are too large to be added up"
    assert legs_of(tables, sale) == []


def test_large_amounts_that_fit_are_added_up_to_the_last_unit():
    sale = one(sales_of(settle_emitted("looksrare"), 8))
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (MOST // 2 + 8, 0)


def test_bid_of_version_2_pays_no_creator_that_is_nobody():
    tables = settle_emitted("looksrare")
    sale = one(sales_of(tables, 4))
    assert (sale["trade_kind"], sale["buyer"]) == ("bid", BOB)
    assert legs_of(tables, sale) == [(ALICE, "seller", 99), (None, "platform", 1)]


def test_weth_that_the_exchange_takes_in_is_no_leg():
    tables = settle_emitted("looksrare")
    sale = one(sales_of(tables, 5))
    assert legs_of(tables, sale) == [(SINK, "platform", 2), (ALICE, "seller", 98)]
    assert int(sale["residual_wei"]) == 0


REAL = {
    # tx: (token, seller, buyer, price, royalty)
    "0x0c380473358da19041bd0b465fde1383ce0f6846044c99b4e564a9949bb30dc2": (
        "10247",
        "0xb52084dc529662079362c9dcdd0700667cd3cbe7",
        "0x5c679cf296cacbc2dbb34b8872ebb7a3bf5082de",
        1_100_000_000_000_000_000,
        110_000_000_000_000_000,
    ),
    "0xc4929c4ef3b01f86f9e5f2e4fcc12c797ca56ab7e11fe60afb2a50db5a2eabfc": (
        "741",
        "0xb32d1924dfee6b9d151257fa4c4c4ff5008f4ce2",
        "0xf6b3da7e39edbc0a25e484d7b4fd119ef50ef393",
        400_000_000_000_000_000,
        0,
    ),
}


@needs_mainnet
def test_recorded_sales_have_the_expected_rows_and_balance():
    tables = settle_real(*REAL)
    sales = tables["settled_sales"].filter(pl.col("protocol") == "looksrare")
    found = {
        row["tx_hash"]: (
            row["token_id"],
            row["seller"],
            row["buyer"],
            int(row["price_wei"]),
            int(row["royalty_wei"]),
        )
        for row in sales.rows(named=True)
    }
    assert found == REAL
    assert_balanced(tables)
