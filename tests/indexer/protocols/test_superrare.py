"""SuperRare: emitted on a node at the real addresses."""

from functools import cache

import polars as pl

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.settled import legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, one

NAME = "superrare"
MARKET = "0x65b49f7aee40347f5a90b714be4ef086f3fe5e2c"
BAZAAR = "0x6d7c44773c52d396f43c2d511b81aa168e9a7a42"
PAYMENTS = "0xc033bbef0af25db7523fce16bab1c39df0bf2ae3"
OTHER = "0x" + "07" * 20
ROUTER = "0x" + "70" * 20
NETWORK, STAKERS = "0x" + "4e" * 20, "0x" + "57" * 20
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
SOLD = (
    "Sold(address indexed _originContract, address indexed _buyer, address indexed _seller,"
    " uint256 _amount, uint256 _tokenId)"
)
BAZAAR_SOLD = (
    "Sold(address indexed _originContract, address indexed _buyer, address indexed _seller,"
    " address _currencyAddress, uint256 _amount, uint256 _tokenId)"
)
OFFER = (
    "AcceptOffer(address indexed _originContract, address indexed _bidder, address indexed _seller,"
    " address _currencyAddress, uint256 _amount, uint256 _tokenId, address[] _splitAddresses,"
    " uint8[] _splitRatios)"
)
SETTLED = (
    "AuctionSettled(address indexed _contractAddress, address indexed _bidder, address _seller,"
    " uint256 indexed _tokenId, address _currencyAddress, uint256 _amount)"
)


def pay(**amounts):
    """One call of the contract for payments."""
    return call(
        PAYMENTS,
        *(Pay(WHO[name], amount) for name, amount in amounts.items()),
        value=sum(amounts.values()),
    )


WHO = {"network": NETWORK, "stakers": STAKERS, "alice": ALICE, "carol": CAROL, "dave": DAVE}

SCENARIO = [
    # 0: second generation: 3 % on top; a royalty that cannot be told from other things
    call(
        MARKET,
        log(NFT, ALICE, BOB, 1, at=COLLECTION),
        Pay(NETWORK, 30),
        Pay(CAROL, 100),
        Pay(ALICE, 900),
        log(SOLD, COLLECTION, BOB, ALICE, 1000, 1),
        value=1030,
        sender=BOB,
    ),
    # 1: Bazaar, a first sale: commission of 15 %; ALICE shares the rest with DAVE
    call(
        BAZAAR,
        log(NFT, ALICE, BOB, 2, at=COLLECTION),
        pay(network=20, stakers=10),
        pay(network=150),
        pay(alice=425, dave=425),
        log(BAZAAR_SOLD, COLLECTION, BOB, ALICE, ZERO, 1000, 2),
        value=1030,
        sender=BOB,
    ),
    # 2: Bazaar, the end of an auction of a token that was sold before: a royalty of 10 %
    call(
        BAZAAR,
        log(NFT, BAZAAR, BOB, 3, at=COLLECTION),
        pay(network=20, stakers=10),
        pay(carol=100),
        pay(alice=900),
        log(SETTLED, COLLECTION, BOB, ALICE, 3, ZERO, 1000),
        sender=DAVE,
    ),
    # 3: Bazaar, an offer in an ERC-20 token
    call(
        BAZAAR,
        log(NFT, ALICE, BOB, 4, at=COLLECTION),
        log(ERC20, BAZAAR, NETWORK, 30, at=WETH),
        log(ERC20, BAZAAR, CAROL, 100, at=WETH),
        log(ERC20, BAZAAR, ALICE, 900, at=WETH),
        log(OFFER, COLLECTION, BOB, ALICE, WETH, 1000, 4, [ALICE], [100]),
        sender=ALICE,
    ),
    # 4: the contract for payments keeps what CAROL could not take: no guess where it is
    call(
        BAZAAR,
        log(NFT, ALICE, BOB, 5, at=COLLECTION),
        pay(network=30),
        call(PAYMENTS, value=100),
        pay(alice=900),
        log(BAZAAR_SOLD, COLLECTION, BOB, ALICE, ZERO, 1000, 5),
        value=1030,
        sender=BOB,
    ),
    # 5: words of the Bazaar from another contract, and from the wrong generation
    call(OTHER, log(BAZAAR_SOLD, COLLECTION, BOB, ALICE, ZERO, 1000, 6)),
    # 6: an amount beyond 38 digits
    call(BAZAAR, log(BAZAAR_SOLD, COLLECTION, BOB, ALICE, ZERO, 2**256 - 1, 7)),
    # 7: a router buys two for DAVE
    call(
        ROUTER,
        call(
            BAZAAR,
            log(NFT, ALICE, ROUTER, 8, at=COLLECTION),
            pay(network=3),
            pay(alice=100),
            log(BAZAAR_SOLD, COLLECTION, ROUTER, ALICE, ZERO, 100, 8),
            value=103,
        ),
        log(NFT, ROUTER, DAVE, 8, at=COLLECTION),
        call(
            BAZAAR,
            log(NFT, CAROL, ROUTER, 9, at=COLLECTION),
            pay(network=6),
            pay(carol=200),
            log(BAZAAR_SOLD, COLLECTION, ROUTER, CAROL, ZERO, 200, 9),
            value=206,
        ),
        log(NFT, ROUTER, DAVE, 9, at=COLLECTION),
        value=309,
        sender=DAVE,
    ),
]


def sales_of(tables, tx):
    return tables["settled_sales"].filter(pl.col("tx") == tx).sort("log_index", "item_index")


@cache
def emitted(*without):
    return settle_emitted(NAME, *without)


def test_fee_on_top_is_part_of_the_price():
    sale = one(sales_of(emitted(), 0))
    assert (sale["version"], sale["trade_kind"]) == ("market-auction-2", "listing")
    assert legs_of(emitted(), sale) == [
        (NETWORK, "platform", 30), (CAROL, "unknown", 100), (ALICE, "seller", 900),
    ]  # fmt: skip
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (1030, 0)


def test_first_sale_pays_commission_and_whom_the_seller_shares_with():
    sale = one(sales_of(emitted(), 1))
    assert (sale["version"], sale["seller"], sale["buyer"]) == ("bazaar", ALICE, BOB)
    assert legs_of(emitted(), sale) == [
        (NETWORK, "platform", 20), (STAKERS, "platform", 10), (NETWORK, "platform", 150),
        (ALICE, "seller", 425), (DAVE, "seller", 425),
    ]  # fmt: skip
    assert (int(sale["price_wei"]), int(sale["platform_fee_wei"])) == (1030, 180)
    assert int(sale["residual_wei"]) == 0


def test_auction_of_a_token_sold_before_pays_a_royalty():
    sale = one(sales_of(emitted(), 2))
    assert (sale["trade_kind"], sale["token_id"], sale["maker"]) == ("auction", "3", ALICE)
    assert [int(sale[x]) for x in ("price_wei", "royalty_wei", "proceeds_wei", "residual_wei")] == [
        1030, 100, 900, 0,
    ]  # fmt: skip


def test_offer_in_a_token_is_read_from_its_transfers():
    sale = one(sales_of(emitted("traces"), 3))
    assert (sale["trade_kind"], sale["currency"], sale["maker"]) == ("bid", WETH, BOB)
    assert legs_of(emitted("traces"), sale) == [
        (NETWORK, "platform", 30), (CAROL, "unknown", 100), (ALICE, "seller", 900),
    ]  # fmt: skip
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (1030, 0)


def test_money_that_was_not_handed_on_leaves_the_sale_unbalanced():
    sale = one(sales_of(emitted(), 4))
    assert (int(sale["price_wei"]), sale["residual_wei"]) == (1030, None)
    assert sale["residual_reason"] == "the payments seen do not add up to the price"


def test_another_contract_makes_no_sale():
    assert sales_of(emitted(), 5).is_empty()


def test_amount_beyond_38_digits_is_set_aside():
    assert sales_of(emitted(), 6).is_empty()
    refused = one(emitted()["quarantine"].filter(pl.col("tx") == 6))
    assert (refused["protocol"], refused["event"]) == (NAME, "BazaarSold")


def test_sales_of_a_router_are_told_apart():
    first, second = sales_of(emitted(), 7).rows(named=True)
    assert [(x["seller"], x["buyer"], x["aggregator"]) for x in (first, second)] == [
        (ALICE, DAVE, ROUTER), (CAROL, DAVE, ROUTER),
    ]  # fmt: skip
    assert [int(x["price_wei"]) for x in (first, second)] == [103, 206]
    assert [int(x["residual_wei"]) for x in (first, second)] == [0, 0]


def test_without_traces_nothing_is_said_of_who_was_paid():
    sale = one(sales_of(emitted("traces"), 2))
    assert (int(sale["price_wei"]), sale["residual_wei"]) == (1000, None)
    assert sale["residual_reason"] == "no payment was seen"
    # What came with a purchase is told by the transaction.
    assert int(one(sales_of(emitted("traces"), 1))["price_wei"]) == 1030
