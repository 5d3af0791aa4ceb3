"""Nouns: emitted on a node at the real address, and recorded on Ethereum."""

import polars as pl

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.settled import assert_balanced, legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, DAVE, WETH, ZERO, one
from tests.paths import needs_mainnet

HOUSE = "0x830bd73e4184cef73443c15111a1df14e495c706"
TOKEN = "0x9c8ff314c9bc7f6e59a9d9225fb22946427edc03"
DAO = "0x" + "d0" * 20
ESCROW = "0x" + "e5" * 20
BOT = "0x" + "b7" * 20
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
CREATED = "AuctionCreated(uint256 indexed nounId, uint256 startTime, uint256 endTime)"
BID = "AuctionBid(uint256 indexed nounId, address sender, uint256 value, bool extended)"
SETTLED = "AuctionSettled(uint256 indexed nounId, address winner, uint256 amount)"
SETTLE_AND_CREATE = bytes.fromhex("f25efffc")
SETTLE_ONLY = bytes.fromhex("a4d0a17e")
CREATE_BID = bytes.fromhex("659dd2b4")
MINT_NEXT = (
    log(NFT, ZERO, DAO, 11, at=TOKEN),
    log(NFT, DAO, HOUSE, 11, at=TOKEN),
    log(CREATED, 11, 1_700_000_000, 1_700_086_400),
)

SCENARIO = [
    # 0: a settlement that mints the next token, the money going to the treasury
    call(
        HOUSE,
        log(NFT, HOUSE, BOB, 10, at=TOKEN),
        Pay(DAO, 900),
        log(SETTLED, 10, BOB, 900),
        *MINT_NEXT,
        data=SETTLE_AND_CREATE,
    ),
    # 1: nobody bid
    call(
        HOUSE,
        log(NFT, HOUSE, ZERO, 10, at=TOKEN),
        log(SETTLED, 10, ZERO, 0),
        *MINT_NEXT,
        data=SETTLE_AND_CREATE,
    ),
    # 2: a settlement alone, the money partly streamed
    call(
        HOUSE,
        Pay(DAO, 200),
        Pay(ESCROW, 800),
        log(NFT, HOUSE, BOB, 10, at=TOKEN),
        log(SETTLED, 10, BOB, 1000),
        data=SETTLE_ONLY,
    ),
    # 3: a bot settles and bids at once; a refund of the bidder before is none of the sale's money
    call(
        BOT,
        call(HOUSE, Pay(DAO, 700), log(SETTLED, 10, BOB, 700), *MINT_NEXT, data=SETTLE_AND_CREATE),
        call(HOUSE, log(BID, 11, BOT, 50, False), Pay(CAROL, 40), value=50, data=CREATE_BID),
        value=50,
    ),
    # 4: the treasury refuses ether, which is then wrapped
    call(HOUSE, Pay(WETH, 60), log(SETTLED, 10, BOB, 60), data=SETTLE_ONLY),
    # 5: an amount that no wallet can hold
    call(HOUSE, log(SETTLED, 10, BOB, 2**256 - 1), data=SETTLE_ONLY),
    # 6: another contract speaks the same way
    call(DAVE, log(SETTLED, 10, ALICE, 5)),
]


def sales_of(tables, tx):
    return tables["settled_sales"].filter(pl.col("tx") == tx)


def test_settlement_is_a_sale_by_the_dao_that_mints():
    tables = settle_emitted("nouns")
    sale = one(sales_of(tables, 0))
    assert (sale["collection"], sale["token_id"], sale["trade_kind"]) == (TOKEN, "10", "auction")
    assert (sale["seller"], sale["buyer"], int(sale["price_wei"])) == (DAO, BOB, 900)
    assert legs_of(tables, sale) == [(DAO, "seller", 900)]
    assert int(sale["residual_wei"]) == 0


def test_auction_without_a_bid_sells_nothing_but_is_told():
    tables = settle_emitted("nouns")
    assert sales_of(tables, 1).is_empty()
    told = tables["auctions"].filter(pl.col("tx") == 1).sort("log_index")
    assert told["event"].to_list() == ["settled", "created"]
    assert told["auction_id"].to_list() == ["10", "11"]
    assert str(told["end_time"][1]) == "2023-11-15 22:13:20"


def test_streamed_part_is_proceeds_and_the_treasury_is_the_seller_without_a_mint():
    tables = settle_emitted("nouns")
    sale = one(sales_of(tables, 2))
    assert sale["seller"] == DAO
    assert legs_of(tables, sale) == [(DAO, "seller", 200), (ESCROW, "seller", 800)]
    assert (int(sale["proceeds_wei"]), int(sale["residual_wei"])) == (1000, 0)


def test_bid_in_the_same_transaction_leaves_the_settlement_alone():
    tables = settle_emitted("nouns")
    sale = one(sales_of(tables, 3))
    assert legs_of(tables, sale) == [(DAO, "seller", 700)]
    bid = one(tables["auctions"].filter(pl.col("tx") == 3, pl.col("event") == "bid"))
    assert (bid["bidder"], int(bid["amount_wei"]), bid["auction_id"]) == (BOT, 50, "11")


def test_wrapped_ether_has_no_known_receiver():
    tables = settle_emitted("nouns")
    sale = one(sales_of(tables, 4))
    assert (int(sale["price_wei"]), sale["residual_wei"]) == (60, None)
    assert sale["residual_reason"] == "no payment was seen"
    assert legs_of(tables, sale) == []


def test_impossible_amount_is_set_aside_and_other_contracts_are_not_read():
    tables = settle_emitted("nouns")
    assert sales_of(tables, 5).is_empty()
    assert one(tables["quarantine"].filter(pl.col("tx") == 5))["event"] == "AuctionSettled"
    assert sales_of(tables, 6).is_empty()


REAL = "0x354a91fa5ebc9dc887c8ced50068d58be107b4e8a15c40ddab74885e8ba5ea2d"


@needs_mainnet
def test_recorded_settlement_of_noun_938():
    sale = one(settle_real(REAL)["settled_sales"])
    assert (sale["token_id"], sale["buyer"]) == (
        "938", "0xa86882277e69fbf0a51805cdc8b0a3a113079e63"
    )  # fmt: skip
    assert sale["seller"] == "0xb1a32fc9f9d8b2cf86c068cae13108809547ef71"
    assert int(sale["price_wei"]) == 0xA688906BD8B00000
    # Its calls were not recorded.
    assert (sale["residual_wei"], sale["residual_reason"]) == (None, "no payment was seen")


def test_legs_add_up_to_the_prices_of_balanced_sales():
    tables = settle_emitted("nouns")
    balanced = tables["settled_sales"].filter(pl.col("residual_wei").is_not_null())
    assert balanced.height == 3
    assert_balanced(tables | {"settled_sales": balanced})
