"""Art Blocks: emitted on a node at the real addresses, and recorded on Ethereum."""

import polars as pl
import pytest

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.settled import legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, DAVE, ZERO, one
from tests.paths import needs_mainnet

CORE_0 = "0x059edd72cd353df5106d2b9cc5ab83a52287ac3a"
CORE_1 = "0xa7d8d9ef8d8ce8992df33d8b8cf4aebabd5bd270"
CORE_3 = "0x99a9b7c1116f9ceeb1652de04d5969cce509b069"
MINTER = "0x" + "33" * 20
FILTER = "0x" + "f1" * 20
ROUTER = "0x" + "70" * 20
WALLET = "0xf7a55108a6e830a809e88e74cbf5f5de9d930153"
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
MINT_0 = (
    "Mint(address indexed _to, uint256 indexed _tokenId, uint256 indexed _projectId,"
    " uint256 _invocations, uint256 _value)"
)
MINT_1 = "Mint(address indexed _to, uint256 indexed _tokenId, uint256 indexed _projectId)"
MINT_3 = "Mint(address indexed _to, uint256 indexed _tokenId)"
MINT_3_HASH = "Mint(address indexed _to, uint256 indexed _tokenId, bytes32 _tokenHash)"
RECEIPT = (
    "ReceiptUpdated(address indexed _purchaser, uint256 indexed _projectId,"
    " uint256 _numPurchased, uint256 _netPosted)"
)
SELLOUT = "SelloutPriceUpdated(uint256 indexed _projectId, uint256 _selloutPrice)"


def mint(core, token, *, to=BOB, log_of=None):
    """A core contract that is asked to mint."""
    spoken = log_of or log(MINT_3, to, token)
    return call(core, log(NFT, ZERO, to, token), spoken)


SCENARIO = [
    # 0: a purchase with 10 % for Art Blocks; too much was sent
    call(
        MINTER,
        call(FILTER, mint(CORE_3, 5_000_001)),
        Pay(BOB, 20),
        Pay(WALLET, 10),
        Pay(CAROL, 80),
        Pay(DAVE, 10),
        value=120,
        sender=BOB,
    ),
    # 1: the first contract, which sells by itself, and speaks with five arguments
    call(
        CORE_0,
        log(NFT, ZERO, BOB, 1_000_007),
        log(MINT_0, BOB, 1_000_007, 1, 7, 50),
        Pay(ALICE, 5),
        Pay(CAROL, 45),
        value=50,
        sender=BOB,
    ),
    # 2: a router that buys two for BOB, each by a call of its own
    call(
        ROUTER,
        call(
            MINTER,
            mint(CORE_1, 8_000_001, log_of=log(MINT_1, BOB, 8_000_001, 8)),
            Pay(CAROL, 30),
            value=30,
        ),
        call(
            MINTER,
            mint(CORE_1, 8_000_002, log_of=log(MINT_1, BOB, 8_000_002, 8)),
            Pay(CAROL, 31),
            value=31,
        ),
        value=61,
        sender=BOB,
    ),
    # 3: an auction that settles later
    call(
        MINTER,
        log(RECEIPT, BOB, 9, 1, 200),
        mint(CORE_3, 9_000_001, log_of=log(MINT_3_HASH, BOB, 9_000_001, b"\x07" * 32)),
        value=200,
        sender=BOB,
    ),
    # 4: the last one sells out
    call(
        MINTER,
        log(RECEIPT, DAVE, 9, 1, 150),
        mint(CORE_3, 9_000_002, to=DAVE),
        log(SELLOUT, 9, 150),
        value=150,
        sender=DAVE,
    ),
    # 5: two tokens for one payment, and one for none
    call(MINTER, mint(CORE_3, 1), mint(CORE_3, 2), Pay(CAROL, 10), value=10, sender=BOB),
    call(MINTER, mint(CORE_3, 3), sender=BOB),
    # 7: another contract
    call(MINTER, mint(ROUTER, 4), Pay(CAROL, 10), value=10, sender=BOB),
]


@pytest.fixture(scope="module")
def tables():
    return settle_emitted("artblocks")


def sales_of(tables, tx):
    return tables["settled_sales"].filter(pl.col("tx") == tx).sort("log_index")


def test_price_is_what_was_sent_without_what_came_back(tables):
    sale = one(sales_of(tables, 0))
    assert (sale["collection"], sale["token_id"], sale["version"]) == (
        CORE_3, "5000001", "core-3"
    )  # fmt: skip
    assert (sale["buyer"], sale["trade_kind"], int(sale["price_wei"])) == (BOB, "primary_mint", 100)
    assert legs_of(tables, sale) == [
        (BOB, "refund", 20), (WALLET, "platform", 10), (CAROL, "seller", 80), (DAVE, "seller", 10)
    ]  # fmt: skip
    assert (sale["seller"], int(sale["proceeds_wei"])) == (CAROL, 90)
    assert (int(sale["platform_fee_wei"]), int(sale["residual_wei"])) == (10, 0)


def test_contract_that_sells_by_itself(tables):
    sale = one(sales_of(tables, 1))
    assert (sale["version"], int(sale["price_wei"]), int(sale["residual_wei"])) == ("core-0", 50, 0)
    # Nobody known was paid, so nobody is called anything.
    assert legs_of(tables, sale) == [(ALICE, "unknown", 5), (CAROL, "unknown", 45)]
    assert sale["seller"] == CORE_0


def test_router_does_not_mix_two_purchases(tables):
    sales = sales_of(tables, 2)
    assert sales["price_wei"].cast(pl.Int64).to_list() == [30, 31]
    assert set(sales["taker"]) == {ROUTER}
    assert sales["residual_wei"].cast(pl.Int64).to_list() == [0, 0]


def test_posted_money_is_the_price_but_nobody_is_paid_yet(tables):
    sale = one(sales_of(tables, 3))
    assert (int(sale["price_wei"]), sale["residual_wei"]) == (200, None)
    assert sale["residual_reason"] == "posted with the minter until the auction settles"
    told = tables["auctions"].sort("tx", "log_index")
    assert told.select("event", "bidder", "auction_id").rows() == [
        ("bid", BOB, "9"), ("bid", DAVE, "9"), ("settled", None, "9")
    ]  # fmt: skip
    assert told["amount_wei"].cast(pl.Int64).to_list() == [200, 150, 150]
    assert set(told["contract"]) == {MINTER}


def test_mints_without_a_payment_of_their_own_are_no_sales(tables):
    assert [sales_of(tables, tx).height for tx in (5, 6, 7)] == [0, 0, 0]
    assert tables["transfers"].filter(pl.col("tx") == 5).height == 2


REAL = "0x81b4f70f6e2c38d2df0e97c43be1b058678ac029d6c1c1431f9f3609edb73d69"


@needs_mainnet
@pytest.mark.parametrize("with_traces", [True, False])
def test_recorded_purchase_in_an_auction_with_settlement(with_traces):
    tables = settle_real(REAL, with_traces=with_traces)
    sale = one(tables["settled_sales"])
    purchaser = "0x88d3574660711e03196af8a96f268697590000fa"
    assert (sale["token_id"], sale["buyer"]) == (str(0x19CF0EB5), purchaser)
    assert (int(sale["price_wei"]), sale["residual_wei"]) == (200_000_000_000_000_000, None)
    # The recording has no calls without value, so the purchase cannot be told from routers.
    assert sale["confidence"] == "assumed"
    assert sale["residual_reason"] == "posted with the minter until the auction settles"
    posted = one(tables["auctions"])
    assert (posted["auction_id"], posted["bidder"]) == ("433", purchaser)
    assert int(posted["amount_wei"]) == 200_000_000_000_000_000
