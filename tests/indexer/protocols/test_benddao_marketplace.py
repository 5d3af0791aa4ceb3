"""BendDAO's marketplace: emitted on a node at its real address, and recorded on Ethereum."""

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.settled import assert_balanced, legs_of
from tests.indexer.protocols.test_looksrare import ERC20, HASH, NFT, ROYALTY_1, SALE_1, SINK
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, one
from tests.paths import needs_mainnet

EXCHANGE = "0x7e832ec8ad6f66e6c9ece63acd94516dd7fc537a"
PROXY = "0x" + "9a" * 20
FEE = ROYALTY_1.replace("RoyaltyPayment", "ProtocolFeePayment")
SALE = (HASH, 1, BOB, ALICE, DAVE, WETH, COLLECTION, 7, 1, 1000)
PAID = (
    log(ERC20, BOB, SINK, 20, at=WETH),
    log(FEE, COLLECTION, 7, SINK, WETH, 20),
    log(ERC20, BOB, CAROL, 50, at=WETH),
    log(ROYALTY_1, COLLECTION, 7, CAROL, WETH, 50),
    log(ERC20, BOB, PROXY, 930, at=WETH),
    log(ERC20, PROXY, DAVE, 400, at=WETH),
    log(NFT, ALICE, BOB, 7, at=COLLECTION),
)

SCENARIO = [
    # 0: the seller's part goes to a proxy, which repays a loan out of it
    call(EXCHANGE, *PAID, log("TakerBid" + SALE_1, *SALE)),
    # 1: another contract says the same
    call(DAVE, *PAID, log("TakerBid" + SALE_1, *SALE)),
]


def test_part_of_the_seller_is_told_also_where_a_proxy_receives_it():
    tables = settle_emitted("benddao_marketplace")
    sale = one(tables["settled_sales"])
    assert (sale["tx"], sale["marketplace"], sale["seller"]) == (0, "benddao_marketplace", ALICE)
    assert legs_of(tables, sale) == [
        (SINK, "platform", 20), (CAROL, "creator", 50), (PROXY, "seller", 930),
    ]  # fmt: skip
    assert_balanced(tables)


REAL = {
    "0x0439813b5306d113e7453455804fa804250fabfdf06e7490811a389035e4d3f1": (
        "22001", 9_500_000_000_000_000_000, 237_500_000_000_000_000, 190_000_000_000_000_000,
    )
}  # fmt: skip


@needs_mainnet
def test_recorded_sale_has_the_price_that_others_published_and_balances():
    tables = settle_real(*REAL)
    sale = one(tables["settled_sales"])
    amounts = (sale["price_wei"], sale["royalty_wei"], sale["platform_fee_wei"])
    assert {sale["tx_hash"]: (sale["token_id"], *map(int, amounts))} == REAL
    assert sale["seller"] == "0x5ccde10c85b260cd805b932ed6c047498a7136ec"
    assert_balanced(tables)
