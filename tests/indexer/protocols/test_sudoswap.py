"""Sudoswap 1 and 2: emitted on a node, and recorded on Ethereum."""

from collections import Counter
from functools import cache

import polars as pl

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import mainnet, settle_emitted, settle_real
from tests.indexer.protocols.settled import legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, one
from tests.paths import needs_mainnet

NAME = "sudoswap"
FACTORY_1 = "0xb16c1342e617a5b6e4b631eb114483fdb289c0a4"
FACTORY_2 = "0xa020d57ab0448ef74115c112d18a9c231cc86000"
POOL, OTHER_POOL = "0x" + "90" * 20, "0x" + "91" * 20
ROUTER = "0x" + "70" * 20
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
SINGLE = (
    "TransferSingle(address indexed operator, address indexed from, address indexed to,"
    " uint256 id, uint256 value)"
)
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
OUT_1, IN_1 = "SwapNFTOutPair()", "SwapNFTInPair()"
OUT_IDS = "SwapNFTOutPair(uint256 amountIn, uint256[] ids)"
OUT_IDS_ROYALTY = "SwapNFTOutPair(uint256 amountIn, uint256[] ids, uint256 royaltyAmount)"
OUT_COUNT = "SwapNFTOutPair(uint256 amountIn, uint256 numNFTs)"
OUT_COUNT_ROYALTY = "SwapNFTOutPair(uint256 amountIn, uint256 numNFTs, uint256 royaltyAmount)"
IN_IDS = "SwapNFTInPair(uint256 amountOut, uint256[] ids)"
IN_IDS_ROYALTY = "SwapNFTInPair(uint256 amountOut, uint256[] ids, uint256 royaltyAmount)"
IN_COUNT = "SwapNFTInPair(uint256 amountOut, uint256 numNFTs)"
IN_COUNT_ROYALTY = "SwapNFTInPair(uint256 amountOut, uint256 numNFTs, uint256 royaltyAmount)"

SCENARIO = [
    # 0: version 1, a pool sells two tokens to BOB and gives 7 back
    call(
        POOL,
        Pay(FACTORY_1, 1),
        log(NFT, POOL, BOB, 1, at=COLLECTION),
        log(NFT, POOL, BOB, 2, at=COLLECTION),
        Pay(BOB, 7),
        log(OUT_1),
        value=208,
        sender=BOB,
    ),
    # 1: version 1, a router buys from two pools for BOB, then sells ALICE's token to the first
    call(
        ROUTER,
        call(POOL, Pay(FACTORY_1, 2), log(NFT, POOL, BOB, 3, at=COLLECTION), log(OUT_1), value=100),
        call(
            OTHER_POOL,
            Pay(FACTORY_1, 3),
            Pay(DAVE, 47),
            log(NFT, OTHER_POOL, ROUTER, 4, at=COLLECTION),
            log(OUT_1),
            value=50,
        ),
        log(NFT, ROUTER, BOB, 4, at=COLLECTION),
        value=150,
        sender=BOB,
    ),
    # 2: version 1, ALICE sells a token to a pool
    call(
        POOL,
        Pay(ALICE, 99),
        Pay(FACTORY_1, 1),
        log(NFT, ALICE, POOL, 5, at=COLLECTION),
        log(IN_1),
        sender=ALICE,
    ),
    # 3: version 2, a pool sells; CAROL gets a royalty, DAVE what the pool's owner wants him to get
    call(
        POOL,
        Pay(DAVE, 4),
        Pay(CAROL, 10),
        Pay(FACTORY_2, 1),
        log(NFT, POOL, BOB, 6, at=COLLECTION),
        log(OUT_IDS_ROYALTY, 200, [6], 10),
        value=200,
        sender=BOB,
    ),
    # 4: version 2, a pool buys and has the token sent to DAVE: the event names what ALICE got
    call(
        POOL,
        log(NFT, ALICE, DAVE, 7, at=COLLECTION),
        Pay(ALICE, 89),
        Pay(CAROL, 10),
        Pay(FACTORY_2, 1),
        log(IN_IDS, 89, [7]),
        sender=ALICE,
    ),
    # 5: version 2 in WETH: a pool sells three units
    call(
        POOL,
        log(ERC20, BOB, POOL, 297, at=WETH),
        log(ERC20, BOB, FACTORY_2, 3, at=WETH),
        log(SINGLE, POOL, POOL, BOB, 8, 3, at=COLLECTION),
        log(OUT_COUNT, 300, 3),
        sender=BOB,
    ),
    # 6: version 2 in WETH: a pool buys
    call(
        POOL,
        log(SINGLE, POOL, ALICE, POOL, 8, 1, at=COLLECTION),
        log(ERC20, POOL, ALICE, 90, at=WETH),
        log(ERC20, POOL, CAROL, 5, at=WETH),
        log(ERC20, POOL, FACTORY_2, 5, at=WETH),
        log(IN_COUNT_ROYALTY, 90, 1, 5),
        sender=ALICE,
    ),
    # 7: words of a pool, without a fee, a token or a payment
    call(POOL, log(OUT_IDS, 5, [9]), sender=BOB),
    # 8: an amount beyond 38 digits; and transfers whose sum would leave them
    call(
        POOL,
        log(OUT_COUNT_ROYALTY, 2**256 - 1, 1, 0),
        log(ERC20, POOL, ALICE, 9 * 10**37, at=WETH),
        log(ERC20, POOL, CAROL, 9 * 10**37, at=WETH),
        log(SINGLE, POOL, ALICE, POOL, 8, 1, at=COLLECTION),
        log(IN_COUNT, 9 * 10**37, 1),
        sender=ALICE,
    ),
    # 9: version 2, what the seller got is not among the payments
    call(
        POOL,
        log(NFT, ALICE, POOL, 10, at=COLLECTION),
        Pay(ALICE, 80),
        Pay(FACTORY_2, 1),
        log(IN_IDS_ROYALTY, 89, [10], 0),
        sender=ALICE,
    ),
]


def sales_of(tables, tx):
    return tables["settled_sales"].filter(pl.col("tx") == tx).sort("log_index", "item_index")


def amounts(sales):
    names = ("price_wei", "proceeds_wei", "platform_fee_wei", "royalty_wei", "other_wei")
    return [int(sales[name].sum()) for name in names]


@cache
def emitted(*without):
    return settle_emitted(NAME, *without)


def test_pool_of_version_1_sells_a_bundle():
    sales = sales_of(emitted(), 0)
    assert sales["token_id"].to_list() == ["1", "2"]
    assert sales["bundle_id"].n_unique() == 1
    assert amounts(sales) == [201, 200, 1, 0, 0]
    assert [int(each) for each in sales["residual_wei"]] == [0, 0]
    first = sales.row(0, named=True)
    assert (first["seller"], first["buyer"], first["trade_kind"]) == (POOL, BOB, "listing")
    assert (first["version"], first["confidence"], first["currency"]) == ("1", "decoded", ZERO)


def test_swaps_of_a_router_are_told_apart_and_belong_to_whom_it_acts_for():
    first, second = sales_of(emitted(), 1).rows(named=True)
    assert [(x["seller"], x["buyer"], x["aggregator"]) for x in (first, second)] == [
        (POOL, BOB, ROUTER), (OTHER_POOL, BOB, ROUTER),
    ]  # fmt: skip
    assert legs_of(emitted(), first) == [(FACTORY_1, "platform", 2), (POOL, "seller", 98)]
    # The second pool keeps nothing: its owner has the money sent to DAVE.
    assert legs_of(emitted(), second) == [(FACTORY_1, "platform", 3), (DAVE, "seller", 47)]
    assert [int(x["price_wei"]) for x in (first, second)] == [100, 50]


def test_pool_of_version_1_buys():
    sale = one(sales_of(emitted(), 2))
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, POOL, "bid")
    assert (sale["maker"], sale["token_id"]) == (POOL, "5")
    assert legs_of(emitted(), sale) == [(ALICE, "seller", 99), (FACTORY_1, "platform", 1)]
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (100, 0)


def test_pool_of_version_2_sells_for_all_that_the_event_says():
    sale = one(sales_of(emitted(), 3))
    assert legs_of(emitted(), sale) == [
        (DAVE, "unknown", 4), (CAROL, "unknown", 10), (FACTORY_2, "platform", 1),
        (POOL, "seller", 185),
    ]  # fmt: skip
    assert (int(sale["price_wei"]), int(sale["residual_wei"]), sale["version"]) == (200, 0, "2")


def test_pool_of_version_2_buys_for_more_than_the_seller_gets():
    sale = one(sales_of(emitted(), 4))
    assert (sale["seller"], sale["buyer"], sale["token_id"]) == (ALICE, DAVE, "7")
    assert legs_of(emitted(), sale) == [
        (ALICE, "seller", 89), (CAROL, "creator", 10), (FACTORY_2, "platform", 1),
    ]  # fmt: skip
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (100, 0)


def test_pools_that_trade_units_for_weth():
    sold, bought = one(sales_of(emitted(), 5)), one(sales_of(emitted(), 6))
    assert (sold["quantity"], sold["token_standard"], sold["currency"]) == ("3", "erc1155", WETH)
    assert legs_of(emitted(), sold) == [(POOL, "seller", 297), (FACTORY_2, "platform", 3)]
    assert legs_of(emitted(), bought) == [
        (ALICE, "seller", 90), (CAROL, "creator", 5), (FACTORY_2, "platform", 5),
    ]  # fmt: skip
    assert [int(x["price_wei"]) for x in (sold, bought)] == [300, 100]
    assert [int(x["residual_wei"]) for x in (sold, bought)] == [0, 0]


def test_words_without_evidence_are_inferred_and_have_no_balance():
    sale = one(sales_of(emitted(), 7))
    assert (sale["confidence"], sale["token_id"], sale["residual_wei"]) == ("inferred", None, None)
    assert sale["residual_reason"] == "no payment was seen"


def test_amounts_beyond_38_digits_are_set_aside_and_never_summed():
    refused = emitted()["quarantine"].filter(pl.col("tx") == 8, pl.col("protocol") == NAME)
    assert one(refused)["event"] == "Sold2"
    sale = one(sales_of(emitted(), 8))
    assert (sale["price_wei"], sale["residual_wei"]) == (None, None)


def test_payments_without_the_stated_amount_make_no_price():
    sale = one(sales_of(emitted(), 9))
    assert (sale["price_wei"], sale["residual_wei"]) == (None, None)
    assert sale["residual_reason"] == "the payments seen do not add up to the price"


def test_without_traces_only_what_events_and_tokens_say_is_known():
    tables = emitted("traces")
    assert one(sales_of(tables, 2))["price_wei"] is None
    sold = one(sales_of(tables, 3))
    assert (int(sold["price_wei"]), sold["residual_wei"]) == (200, None)
    assert int(one(sales_of(tables, 5))["residual_wei"]) == 0


REAL = {"0x8fe390642006b5ad3b9c2533ab015e42d20157fe7b9ae76e05ed24a2608112f3": NAME}


@needs_mainnet
def test_recorded_swap_of_eight_tokens_is_what_its_calls_paid():
    (tx_hash,) = REAL
    tables = settle_real(tx_hash)
    sales = tables["settled_sales"].filter(pl.col("protocol") == NAME)
    assert sales["token_id"].to_list() == [
        "113", "138", "1462", "157", "211", "233", "581", "873",
    ]  # fmt: skip
    assert sales["seller"].unique().to_list() == ["0xc010e19152d11ca7e1cd81a7b95dded61696a097"]
    assert sales["buyer"].unique().to_list() == ["0x72703b554a7089f93ff1fc6cc6c0e623900a7b80"]
    assert amounts(sales) == [106_487_826_779_605_292, 106_005_981_409_561_830,
                              481_845_370_043_462, 0, 0]  # fmt: skip
    assert not any(sales["residual_wei"].to_list())
    told, paid = Counter(), Counter()
    for each in mainnet().traces[tx_hash]:
        if each["from_address"] == sales["seller"][0]:
            paid[each["to_address"]] += int(each["value_wei"])
    legs = tables["sale_payments"].filter(pl.col("recipient") != sales["seller"][0])
    for recipient, amount in legs.select("recipient", "amount_wei").rows():
        told[recipient] += int(amount)
    assert told == paid
