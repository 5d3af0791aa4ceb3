"""SeaDrop: emitted on a node at the real address, and recorded on Ethereum."""

import polars as pl

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.settled import assert_balanced, legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, OPENSEA, ZERO, one
from tests.paths import needs_mainnet

SEADROP = "0x00005ea00ac477b1030ce78506496e8c2de24bf5"
OTHER = "0x" + "0c" * 20
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
MINT = (
    "SeaDropMint(address indexed nftContract, address indexed minter,"
    " address indexed feeRecipient, address payer, uint256 quantityMinted, uint256 unitMintPrice,"
    " uint256 feeBps, uint256 dropStageIndex)"
)

SCENARIO = [
    # 0: BOB mints two for 333 each; 10 % of 666, rounded down, is the fee
    call(
        SEADROP,
        log(NFT, ZERO, BOB, 1, at=COLLECTION),
        log(NFT, ZERO, BOB, 2, at=COLLECTION),
        Pay(OPENSEA, 66),
        Pay(CAROL, 600),
        log(MINT, COLLECTION, BOB, OPENSEA, BOB, 2, 333, 1000, 0),
        value=666,
    ),
    # 1: DAVE pays for ALICE; no fee
    call(
        SEADROP,
        log(NFT, ZERO, ALICE, 3, at=COLLECTION),
        Pay(CAROL, 50),
        log(MINT, COLLECTION, ALICE, OPENSEA, DAVE, 1, 50, 0, 1),
        value=50,
    ),
    # 2: free
    call(
        SEADROP,
        log(NFT, ZERO, BOB, 4, at=COLLECTION),
        log(MINT, COLLECTION, BOB, OPENSEA, BOB, 1, 0, 1000, 0),
    ),
    # 3: two mints, each with the tokens of its own call
    call(
        OTHER,
        call(
            SEADROP,
            log(NFT, ZERO, BOB, 5, at=COLLECTION),
            Pay(OPENSEA, 1),
            Pay(CAROL, 9),
            log(MINT, COLLECTION, BOB, OPENSEA, OTHER, 1, 10, 1000, 0),
            value=10,
        ),
        call(
            SEADROP,
            log(NFT, ZERO, BOB, 6, at=COLLECTION),
            Pay(OPENSEA, 2),
            Pay(CAROL, 18),
            log(MINT, COLLECTION, BOB, OPENSEA, OTHER, 1, 20, 1000, 0),
            value=20,
        ),
        value=30,
    ),
    # 4: the creator is also who collects the fee
    call(
        SEADROP,
        log(NFT, ZERO, BOB, 7, at=COLLECTION),
        Pay(CAROL, 5),
        Pay(CAROL, 5),
        log(MINT, COLLECTION, BOB, CAROL, BOB, 1, 10, 5000, 0),
        value=10,
    ),
    # 5: the tokens went to somebody else
    call(
        SEADROP,
        log(NFT, ZERO, ALICE, 8, at=COLLECTION),
        log(MINT, COLLECTION, BOB, OPENSEA, BOB, 1, 10, 1000, 0),
    ),
    # 6: a fee above the whole, and a price that no wallet can hold
    call(
        SEADROP,
        log(NFT, ZERO, BOB, 9, at=COLLECTION),
        log(MINT, COLLECTION, BOB, OPENSEA, BOB, 1, 10, 10_001, 0),
        log(NFT, ZERO, BOB, 10, at=COLLECTION),
        log(MINT, COLLECTION, BOB, OPENSEA, BOB, 1, 2**256 - 1, 0, 0),
        log(MINT, COLLECTION, BOB, OPENSEA, BOB, 2**256 - 1, 1, 0, 0),
    ),
    # 7: another contract speaks the same way
    call(
        OTHER,
        log(NFT, ZERO, BOB, 11, at=COLLECTION),
        log(MINT, COLLECTION, BOB, OPENSEA, BOB, 1, 10, 0, 0),
    ),
]


def sales_of(tables, tx):
    return tables["settled_sales"].filter(pl.col("tx") == tx).sort("log_index", "item_index")


def test_mint_of_two_is_a_bundle_with_the_unit_price_of_the_event():
    tables = settle_emitted("seadrop")
    sales = sales_of(tables, 0)
    assert sales["token_id"].to_list() == ["1", "2"]
    assert sales["price_wei"].cast(pl.Int64).to_list() == [333, 333]
    assert sales["bundle_size"].to_list() == [2, 2]
    assert set(sales["trade_kind"]) == {"primary_mint"}
    assert set(sales["seller"]) == {CAROL}
    assert (int(sales["platform_fee_wei"].sum()), int(sales["proceeds_wei"].sum())) == (66, 600)
    assert sales["residual_wei"].cast(pl.Int64).to_list() == [0, 0]


def test_payer_of_a_gift_is_the_taker_and_the_minter_the_buyer():
    tables = settle_emitted("seadrop")
    sale = one(sales_of(tables, 1))
    assert (sale["buyer"], sale["taker"], sale["seller"]) == (ALICE, DAVE, CAROL)
    assert legs_of(tables, sale) == [(CAROL, "seller", 50)]


def test_free_mint_is_a_sale_of_price_zero():
    tables = settle_emitted("seadrop")
    sale = one(sales_of(tables, 2))
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (0, 0)
    assert sale["seller"] == COLLECTION
    assert legs_of(tables, sale) == []


def test_two_mints_of_a_transaction_keep_their_tokens_and_money_apart():
    tables = settle_emitted("seadrop")
    sales = sales_of(tables, 3)
    assert [(sale["token_id"], legs_of(tables, sale)) for sale in sales.rows(named=True)] == [
        ("5", [(OPENSEA, "platform", 1), (CAROL, "seller", 9)]),
        ("6", [(OPENSEA, "platform", 2), (CAROL, "seller", 18)]),
    ]


def test_creator_who_collects_the_fee_is_paid_twice():
    tables = settle_emitted("seadrop")
    sale = one(sales_of(tables, 4))
    assert legs_of(tables, sale) == [(CAROL, "platform", 5), (CAROL, "seller", 5)]
    assert int(sale["residual_wei"]) == 0


def test_event_that_its_transaction_does_not_bear_out_is_set_aside():
    tables = settle_emitted("seadrop")
    assert sales_of(tables, 5).is_empty()
    assert sales_of(tables, 6).is_empty()
    aside = tables["quarantine"].sort("tx", "log_index")
    assert aside["tx"].to_list() == [5, 6, 6, 6]
    reason = "the tokens that it minted were not seen"
    assert aside["reason"].to_list()[:2] == [reason, reason]
    assert sales_of(tables, 7).is_empty()


def test_every_emitted_sale_balances():
    tables = settle_emitted("seadrop")
    assert tables["settled_sales"].height == 7
    assert_balanced(tables)


REAL = "0x4482856e74ba503614c2104857999fcadd11b36323e5bf008629233b0e754f11"


@needs_mainnet
def test_recorded_free_mint():
    tables = settle_real(REAL)
    sale = one(tables["settled_sales"])
    minter = "0x429096f73a33f18c91dc0f242eb91b61d564e6f5"
    assert sale["collection"] == "0x453ff12a7e021504d159c61eddb12c72a1915b8b"
    assert (sale["token_id"], sale["buyer"], sale["taker"]) == ("718", minter, minter)
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (0, 0)
    assert tables["sale_payments"].is_empty()
