"""Zora 1, 3 and 1155: emitted on a node at the real addresses, and recorded on Base and Zora."""

import polars as pl
import pytest

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.settled import assert_balanced, legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, one
from tests.paths import needs_mainnet

ASKS = "0x6170b3c3a54c3d8c854934cbc314ed479b2b29a3"
ASKS_CORE = "0x34aa9cbb80dc0b3d82d04900c02fb81468dafcab"
ASKS_PRIVATE = "0xfbf87e6c2c242d0166e2ddb60db5a94cd4dae00e"
OFFERS = "0x76744367ae5a056381868f716bdf0b13ae1aeaa3"
RESERVE = "0x5f7072e1fa7c01dfac7cf54289621afaad2184d0"
REWARDS = "0x7777777f279eba3d3ad8f4e708545291a6fdba8b"
ZORA = "0xd1d1d4e36117ab794ec5d4c78cbd3a8904e691d0"
STRATEGY = "0x04e2516a2c207e84a1839755675dfd8ef6302f0a"
TOKEN = "address indexed tokenContract, uint256 indexed tokenId"
ASK = f"AskFilled({TOKEN}, address indexed buyer, address finder, (address,address,address,uint16,uint256) ask)"  # noqa: E501
ASK_CORE = f"AskFilled({TOKEN}, address buyer, address seller, uint256 price)"
ASK_PRIVATE = f"AskFilled({TOKEN}, (address,uint96,address) ask)"
OFFER = f"OfferFilled({TOKEN}, uint256 indexed id, address taker, address finder, (address,address,uint16,uint256) offer)"  # noqa: E501
ENDED = (
    f"AuctionEnded({TOKEN}, (address,uint96,address,uint96,address,uint32,uint32,uint32) auction)"
)
EXCHANGE = (
    "ExchangeExecuted(address indexed userA, address indexed userB,"
    " (address,uint256,uint256) a, (address,uint256,uint256) b)"
)
ROYALTY = f"RoyaltyPayout({TOKEN}, address recipient, uint256 amount)"
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
SINGLE = (
    "TransferSingle(address indexed operator, address indexed from, address indexed to,"
    " uint256 id, uint256 value)"
)
PURCHASED = (
    "Purchased(address indexed sender, address indexed minter, uint256 indexed tokenId,"
    " uint256 quantity, uint256 value)"
)
DEPOSIT = (
    "RewardsDeposit(address indexed creator, address indexed createReferral,"
    " address indexed mintReferral, address firstMinter, address zora, address from,"
    " uint256 creatorReward, uint256 createReferralReward, uint256 mintReferralReward,"
    " uint256 firstMinterReward, uint256 zoraReward)"
)
MARKET = "0xe5bfab544eca83849c53464f85b7164375bdaac1"
HOUSE = "0xe468ce99444174bd3bbbed09209577d25d1ad673"
MEDIA = "0xabefbc9fd2f806065b4f3c237d4b59d9a97bcac7"
CURATOR = "0x" + "c4" * 20
BID = "BidFinalized(uint256 indexed tokenId, (uint256,address,address,address,(uint256)) bid)"
HOUSE_ENDED = (
    "AuctionEnded(uint256 indexed auctionId, uint256 indexed tokenId,"
    " address indexed tokenContract, address tokenOwner, address curator, address winner,"
    " uint256 amount, uint256 curatorFee, address auctionCurrency)"
)


def finalizing(owner, shares, bidder, recipient, token=1):
    """What the market does when a bid of the sum of the shares is accepted."""
    payees = (owner, CAROL, DAVE)
    return (
        *(log(ERC20, MARKET, who, part, at=WETH) for who, part in zip(payees, shares, strict=True)),
        log(NFT, owner, recipient, token, at=MEDIA),
        log(BID, token, (sum(shares), WETH, bidder, recipient, (0,))),
    )


def minting(quantity, value, *money, to=BOB, token=1):
    """What a 1155 contract does in a mint."""
    return (
        *money,
        log(SINGLE, ALICE, ZERO, to, token, quantity),
        log(PURCHASED, ALICE, STRATEGY, token, quantity, value),
    )


SCENARIO = [
    # 0: an ask in ether with royalty, protocol fee and finder's fee; the funds go to DAVE
    call(
        ASKS,
        Pay(CAROL, 100),
        log(ROYALTY, COLLECTION, 7, CAROL, 100),
        Pay(ZORA, 9),
        Pay("0x" + "f1" * 20, 44),
        Pay(DAVE, 847),
        log(NFT, ALICE, BOB, 7, at=COLLECTION),
        log(EXCHANGE, ALICE, BOB, (COLLECTION, 7, 1), (ZERO, 0, 1000)),
        log(ASK, COLLECTION, 7, BOB, "0x" + "f1" * 20, (ALICE, DAVE, ZERO, 500, 1000)),
        value=1000,
    ),
    # 1: an ask in WETH; the buyer's own transfer to the module is no leg
    call(
        ASKS,
        log(ERC20, BOB, ASKS, 200, at=WETH),
        log(ERC20, ASKS, CAROL, 20, at=WETH),
        log(ROYALTY, COLLECTION, 8, CAROL, 20),
        log(ERC20, ASKS, ALICE, 180, at=WETH),
        log(ASK, COLLECTION, 8, BOB, ZERO, (ALICE, ALICE, WETH, 0, 200)),
    ),
    # 2: an offer in ether that the module held, taken by ALICE, who is also the creator
    call(
        OFFERS,
        Pay(ALICE, 50),
        log(ROYALTY, COLLECTION, 9, ALICE, 50),
        Pay(ALICE, 50),
        log(EXCHANGE, BOB, ALICE, (ZERO, 0, 100), (COLLECTION, 9, 1)),
        log(OFFER, COLLECTION, 9, 3, ALICE, ZERO, (BOB, ZERO, 0, 100)),
    ),
    # 3: core and private asks
    call(
        DAVE,
        call(
            ASKS_CORE, Pay(ALICE, 30), log(ASK_CORE, COLLECTION, 1, BOB, ALICE, 30), value=30
        ),
        call(
            ASKS_PRIVATE,
            Pay(ALICE, 40),
            log(ASK_PRIVATE, COLLECTION, 2, (ALICE, 40, CAROL)),
            value=40,
        ),
        value=70,
    ),
    # 4: a reserve auction whose seller refuses ether
    call(RESERVE, Pay(WETH, 60), log(ENDED, COLLECTION, 3, (ALICE, 1, ALICE, 60, BOB, 1, 1, 1))),
    # 5: a reserve auction
    call(RESERVE, Pay(ALICE, 60), log(ENDED, COLLECTION, 3, (ALICE, 1, ALICE, 60, BOB, 1, 1, 1))),
    # 6: a free mint of two: nothing but rewards; Zora stands in for a referrer
    call(
        COLLECTION,
        *minting(
            2,
            100,
            call(
                REWARDS,
                log(DEPOSIT, CAROL, ZORA, DAVE, CAROL, ZORA, COLLECTION, 40, 15, 20, 10, 15),
                value=100,
            ),
        ),
        value=100,
    ),
    # 7: a mint with a price of its own, minted for BOB by ALICE
    call(
        COLLECTION,
        *minting(
            1,
            1100,
            call(
                REWARDS,
                log(DEPOSIT, CAROL, ZORA, ZORA, BOB, ZORA, COLLECTION, 0, 30, 30, 30, 10),
                value=100,
            ),
            Pay("0x" + "fd" * 20, 1000),
        ),
        value=1100,
    ),
    # 8: a purchase that minted nothing, one of another token's rewards, and one in no coin
    call(
        COLLECTION,
        log(PURCHASED, ALICE, STRATEGY, 5, 1, 10**30),
        *minting(1, 77, token=6),
        *minting(1, 0, token=7),
        log(PURCHASED, ALICE, STRATEGY, 5, 1, 2**256 - 1),
    ),
    # 9: a contract that is none of the modules
    call(DAVE, log(ASK, COLLECTION, 7, BOB, ZERO, (ALICE, DAVE, ZERO, 500, 1000))),
    # 10: a contract that says more was paid than was
    call(
        COLLECTION,
        *minting(
            1,
            10**30,
            call(
                REWARDS,
                log(DEPOSIT, CAROL, ZORA, ZORA, BOB, ZORA, COLLECTION, 0, 30, 30, 30, 10),
                value=100,
            ),
        ),
        value=100,
    ),
    # 11: a bid on a Media token, and one whose shares were rounded down
    call(
        MARKET,
        log(ERC20, BOB, MARKET, 100, at=WETH),
        *finalizing(ALICE, (85, 10, 5), BOB, BOB),
        log(ERC20, MARKET, ALICE, 32, at=WETH),
        log(ERC20, MARKET, CAROL, 0, at=WETH),
        log(ERC20, MARKET, DAVE, 0, at=WETH),
        log(NFT, ALICE, BOB, 2, at=MEDIA),
        log(BID, 2, (33, WETH, BOB, BOB, (0,))),
    ),
    # 12: the auction house sells a Media token through the market
    call(
        HOUSE,
        call(MARKET, *finalizing(HOUSE, (90, 10, 0), HOUSE, BOB)),
        log(HOUSE_ENDED, 5, 1, MEDIA, ALICE, CURATOR, BOB, 81, 9, WETH),
    ),
    # 13: and a token of another contract by itself
    call(
        HOUSE,
        log(NFT, HOUSE, BOB, 4, at=COLLECTION),
        log(HOUSE_ENDED, 6, 4, COLLECTION, ALICE, ZERO, BOB, 70, 0, WETH),
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    return settle_emitted("zora")


def sales_of(tables, tx):
    return tables["settled_sales"].filter(pl.col("tx") == tx).sort("log_index")


def test_ask_is_counted_once_and_pays_everybody(tables):
    sale = one(sales_of(tables, 0))
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "listing")
    assert (sale["version"], int(sale["price_wei"]), int(sale["residual_wei"])) == ("3", 1000, 0)
    assert legs_of(tables, sale) == [
        (CAROL, "creator", 100),
        (ZORA, "platform", 9),
        ("0x" + "f1" * 20, "affiliate", 44),
        (DAVE, "seller", 847),
    ]


def test_ask_in_a_token_has_its_legs_from_transfers_of_the_module(tables):
    sale = one(sales_of(tables, 1))
    assert legs_of(tables, sale) == [(CAROL, "creator", 20), (ALICE, "seller", 180)]
    assert (sale["currency"], int(sale["residual_wei"])) == (WETH, 0)


def test_seller_who_is_the_creator_is_paid_twice(tables):
    sale = one(sales_of(tables, 2))
    assert (sale["trade_kind"], sale["seller"], sale["buyer"]) == ("bid", ALICE, BOB)
    assert (sale["maker"], sale["taker"]) == (BOB, ALICE)
    assert legs_of(tables, sale) == [(ALICE, "creator", 50), (ALICE, "seller", 50)]


def test_core_and_private_asks_of_one_transaction_are_apart(tables):
    core, private = sales_of(tables, 3).rows(named=True)
    assert (core["version"], int(core["price_wei"])) == ("3-asks-core-eth", 30)
    assert (private["trade_kind"], private["buyer"]) == ("private", CAROL)
    assert legs_of(tables, core) == [(ALICE, "seller", 30)]
    assert legs_of(tables, private) == [(ALICE, "seller", 40)]


def test_auction_is_a_sale_and_wrapped_proceeds_leave_it_open(tables):
    wrapped, paid = one(sales_of(tables, 4)), one(sales_of(tables, 5))
    assert (paid["trade_kind"], int(paid["residual_wei"])) == ("auction", 0)
    assert (wrapped["residual_wei"], wrapped["residual_reason"]) == (None, "no payment was seen")


def test_free_mint_is_divided_among_those_that_are_rewarded(tables):
    sale = one(sales_of(tables, 6))
    assert (sale["trade_kind"], sale["token_standard"], sale["quantity"]) == (
        "primary_mint", "erc1155", "2"
    )  # fmt: skip
    assert (sale["seller"], sale["buyer"], sale["taker"]) == (CAROL, BOB, ALICE)
    assert legs_of(tables, sale) == [
        (CAROL, "seller", 40),
        (ZORA, "platform", 15),
        (DAVE, "referrer", 20),
        (CAROL, "seller", 10),
        (ZORA, "platform", 15),
    ]
    assert int(sale["residual_wei"]) == 0


def test_price_above_the_rewards_is_the_creators_by_the_money(tables):
    sale = one(sales_of(tables, 7))
    assert (int(sale["price_wei"]), int(sale["proceeds_wei"])) == (1100, 1000)
    assert (int(sale["platform_fee_wei"]), int(sale["other_wei"])) == (70, 30)
    assert int(sale["residual_wei"]) == 0


def test_purchase_that_nothing_bears_out_is_set_aside(tables):
    assert sales_of(tables, 8).is_empty()
    aside = tables["quarantine"].filter(pl.col("tx") == 8).sort("log_index")
    reason = "no tokens were minted, or no money was seen, for what it says"
    assert aside["reason"].to_list()[:2] == [reason, reason]
    assert aside.height == 3
    assert sales_of(tables, 9).is_empty()


def test_purchase_of_which_a_part_was_seen_is_left_open(tables):
    sale = one(sales_of(tables, 10))
    assert (int(sale["price_wei"]), sale["confidence"], sale["residual_wei"]) == (
        10**30, "inferred", None
    )  # fmt: skip
    assert sale["residual_reason"] == "the payments seen do not add up to the price"


def test_bid_of_the_market_is_divided_among_owner_creator_and_previous_owner(tables):
    whole, rounded = sales_of(tables, 11).rows(named=True)
    assert (whole["seller"], whole["buyer"], whole["maker"]) == (ALICE, BOB, BOB)
    assert (whole["version"], whole["trade_kind"]) == ("1-market", "bid")
    assert legs_of(tables, whole) == [
        (ALICE, "seller", 85), (CAROL, "creator", 10), (DAVE, "unknown", 5)
    ]  # fmt: skip
    assert (int(rounded["price_wei"]), rounded["residual_wei"]) == (33, None)
    assert rounded["residual_reason"] == "the payments seen do not add up to the price"


def test_media_token_that_the_auction_house_sold_is_counted_once(tables):
    sale = one(sales_of(tables, 12))
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "auction")
    assert legs_of(tables, sale) == [
        (CAROL, "creator", 10), (ALICE, "seller", 81), (CURATOR, "affiliate", 9)
    ]  # fmt: skip
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (100, 0)


def test_auction_house_names_the_legs_of_other_tokens(tables):
    sale = one(sales_of(tables, 13))
    assert (sale["collection"], sale["version"]) == (COLLECTION, "auction-house-1")
    assert legs_of(tables, sale) == [(ALICE, "seller", 70)]
    assert int(sale["price_wei"]) == 70


def test_emitted_sales_balance(tables):
    closed = tables["settled_sales"].filter(pl.col("residual_wei").is_not_null())
    assert closed.height == 11
    legs = tables["sale_payments"].join(closed, on="sale_id", how="semi")
    assert_balanced({"settled_sales": closed, "sale_payments": legs})


BATCH = "0x9f62d846df064e9cf7993437ff436ab3cefed1f09ecf1c83a37eec2ad489a82c"
SINGLE_MINT = "0x837a59f76c94a9493e1730d58a3c97eb5cab8e16984e033d89e6a4daa6939a69"
TEN = "0x80c133526becbeb6da3e07e53a441e2c575ea1239a484e34d4699a6663deb6eb"


@needs_mainnet
def test_recorded_mint_on_zora_as_once_upon_tells_it():
    """`... MINTED 1 ... #29 to 0xd976... for 0.000777 ETH with 0.000111 ETH in rewards for ...`."""
    found = settle_real(SINGLE_MINT)
    sale = one(found["settled_sales"])
    assert sale["collection"] == "0xf41a3e3033d4e878943194b729aec993a4ea2045"
    assert (sale["token_id"], sale["quantity"]) == ("29", "1")
    assert sale["buyer"] == "0xd97622b57112f82a0db8b1aee08e37aa6b4b2a03"
    assert int(sale["price_wei"]) == 777_000_000_000_000
    rewarded = [amount for who, _, amount in legs_of(found, sale) if who.startswith("0xecfc2ee5")]
    assert rewarded[0] == 111_000_000_000_000
    assert_balanced(found)


@needs_mainnet
def test_recorded_mints_of_ten_units_and_of_28_tokens_balance():
    ten = one(settle_real(TEN)["settled_sales"])
    assert (ten["quantity"], int(ten["price_wei"])) == ("10", 7_770_000_000_000_000)
    assert ten["buyer"] == "0x74b78e98093f5b522a7ebdac3b994641ca7c2b20"
    batch = settle_real(BATCH)
    assert batch["settled_sales"].height == 28
    assert set(batch["settled_sales"]["price_wei"].cast(pl.Int64)) == {777_000_000_000_000}
    assert_balanced(batch)
