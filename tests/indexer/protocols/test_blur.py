"""Blur 1 and 2: emitted on a node at the real addresses, and recorded on Ethereum."""

import polars as pl

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import mainnet, settle_emitted, settle_real
from tests.indexer.protocols.settled import assert_balanced, legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, TRANSFER, ZERO, one
from tests.paths import needs_mainnet

V1 = "0x000000000000ad05ccc4f10045630fb830b95127"
V2 = "0xb2ecfe4e4d61f8790bbb9de2d1259b9e2410cea5"
POOL = "0x0000000000a39bb272e79075ade125fd351887ac"
ROUTER = "0x39da41747a83aee658334415666f3ef92dd0d541"
STANDARD = "0x00000000006411739da1c40b106f8511de5d1fac"
COLLECTION_BIDS = "0x0000000000b92d5d043faf7cecf7e2ee6aaed232"
DELEGATE = "0x2f18f339620a63e43f0839eeb18d7de1e1be4dfb"
HASH = b"\x01" * 32
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
SINGLE = (
    "TransferSingle(address indexed operator, address indexed from, address indexed to,"
    " uint256 id, uint256 value)"
)
ORDER = (
    "(address,uint8,address,address,uint256,uint256,address,uint256,uint256,uint256,"
    "(uint16,address)[],uint256,bytes)"
)
MATCHED = (
    f"OrdersMatched(address indexed maker, address indexed taker, {ORDER} sell, bytes32 sellHash,"
    f" {ORDER} buy, bytes32 buyHash)"
)
PACKED = "(bytes32 a, uint256 b, uint256 c"
EXECUTION = (
    "Execution((address,uint256,uint256,address,uint8) transfer, bytes32 orderHash,"
    " uint256 listingIndex, uint256 price, (address,uint16) makerFee,"
    " ((address,uint16),(address,uint16)) fees, uint8 orderType)"
)


def order(trader, token, price, currency=ZERO, fees=(), policy=STANDARD):
    times, salt = (0, 2**40), 7
    money = (currency, price, *times, list(fees), salt, b"\x01")
    return (trader, 1, policy, COLLECTION, token, 1, *money)


def matched(maker, taker, sell, buy, at=V1):
    return log(MATCHED, maker, taker, sell, HASH, buy, HASH, at=at)


def packed(name, trader, token, side, price, fee=None, at=V2):
    words = [
        token << 168 | 3 << 160 | int(trader, 16),
        side << 248 | price << 160 | int(COLLECTION, 16),
    ]
    if fee is None:
        return log(f"Execution721Packed{PACKED})", HASH, *words, at=at)
    rate, recipient = fee
    signature = f"Execution721{name}FeePacked{PACKED}, uint256 d)"
    return log(signature, HASH, *words, rate << 160 | int(recipient, 16), at=at)


def nft(seller, buyer, token):
    return log(TRANSFER, seller, buyer, token, at=COLLECTION)


def pool(payer, receiver, amount):
    return log(ERC20, payer, receiver, amount, at=POOL)


FIVE_PERCENT = [(500, CAROL)]

SCENARIO = [
    # 0: version 1, a listing in native coin with a fee
    call(
        V1,
        Pay(CAROL, 50),
        Pay(ALICE, 950),
        nft(ALICE, BOB, 7),
        matched(ALICE, BOB, order(ALICE, 7, 1000, fees=FIVE_PERCENT), order(BOB, 7, 1000)),
        Pay(BOB, 3),
        value=1003,
    ),
    # 1: version 1, a bid on the collection: its order has token 0
    call(
        V1,
        pool(BOB, CAROL, 5),
        pool(BOB, ALICE, 95),
        nft(ALICE, BOB, 8),
        matched(
            BOB,
            ALICE,
            order(ALICE, 8, 100, POOL, FIVE_PERCENT, COLLECTION_BIDS),
            order(BOB, 0, 100, POOL, policy=COLLECTION_BIDS),
        ),
    ),
    # 2: version 1 through a router, which passes the token on
    call(
        ROUTER,
        call(
            V1,
            Pay(ALICE, 600),
            nft(ALICE, ROUTER, 9),
            matched(ROUTER, ALICE, order(ALICE, 9, 600), order(ROUTER, 9, 600)),
            value=600,
        ),
        nft(ROUTER, DAVE, 9),
        value=600,
    ),
    # 3: version 1, transfers of the pool that miss the price
    call(
        V1,
        pool(BOB, ALICE, 90),
        nft(ALICE, BOB, 10),
        matched(BOB, ALICE, order(ALICE, 10, 100, POOL), order(BOB, 10, 100, POOL)),
    ),
    # 4: version 1, nonsense: twice the price as fees, and a price of 2^256 - 1
    call(
        V1,
        matched(ALICE, BOB, order(ALICE, 1, 100, fees=[(20_000, CAROL)]), order(BOB, 1, 100)),
        matched(ALICE, BOB, order(ALICE, 1, 2**256 - 1), order(BOB, 1, 2**256 - 1)),
        matched(ALICE, BOB, order(ALICE, 1, 100, fees=[(6_000, CAROL)] * 2), order(BOB, 1, 100)),
    ),
    # 5: version 2, a bid; the event comes last
    call(V2, nft(ALICE, BOB, 955), pool(BOB, ALICE, 30_000), packed("", BOB, 955, 1, 30_000)),
    # 6: version 2, two listings of one seller and one of another, paid once each
    call(
        V2,
        nft(ALICE, BOB, 1),
        nft(ALICE, BOB, 2),
        nft(DAVE, BOB, 3),
        packed("Maker", ALICE, 1, 0, 20_000, (500, CAROL)),
        packed("Maker", ALICE, 2, 0, 40_000, (500, CAROL)),
        packed("", DAVE, 3, 0, 70_000),
        Pay(ALICE, 57_000),
        Pay(DAVE, 70_000),
        Pay(CAROL, 3_000),
        value=130_000,
    ),
    # 7: version 2, a listing with a fee on top
    call(
        V2,
        nft(ALICE, BOB, 4),
        Pay(CAROL, 1_000),
        Pay(ALICE, 20_000),
        packed("Taker", ALICE, 4, 0, 20_000, (500, CAROL)),
        value=21_000,
    ),
    # 8: version 2, a bid on three units with all three fees
    call(
        V2,
        log(SINGLE, DELEGATE, ALICE, BOB, 2**200, 3, at=COLLECTION),
        pool(BOB, V2, 31_500),
        pool(V2, ALICE, 28_200),
        pool(V2, CAROL, 1_500),
        pool(V2, DAVE, 300),
        pool(V2, CAROL, 1_500),
        log(
            EXECUTION,
            (BOB, 2**200, 3, COLLECTION, 1),
            HASH,
            0,
            30_000,
            (CAROL, 500),
            ((DAVE, 100), (CAROL, 500)),
            1,
        ),
    ),
    # 9: version 2, no transfer of the token is seen
    call(V2, Pay(ALICE, 10_000), packed("", ALICE, 6, 0, 10_000), value=10_000),
    # 10: version 2, a rate that lost a basis point: 999 of 19,999 were paid
    call(
        V2,
        nft(ALICE, BOB, 5),
        Pay(ALICE, 19_000),
        Pay(CAROL, 999),
        packed("Maker", ALICE, 5, 0, 19_999, (499, CAROL)),
        value=19_999,
    ),
    # 11: version 2, a fee above the price; and the same events by somebody else
    call(
        V2,
        packed("Taker", ALICE, 5, 0, 100, (2**60, CAROL)),
        packed("", ALICE, 5, 0, 100, at=DAVE),
        matched(ALICE, BOB, order(ALICE, 1, 100), order(BOB, 1, 100), at=V2),
        log(
            EXECUTION,
            (ALICE, 1, 0, COLLECTION, 0),
            HASH,
            0,
            10**38 - 1,
            (ZERO, 0),
            ((ZERO, 0), (CAROL, 10_000)),
            0,
        ),
    ),
    # 12: the same token bought and sold on in one transaction
    call(
        V2,
        nft(ALICE, BOB, 11),
        packed("", ALICE, 11, 0, 10_000),
        Pay(ALICE, 10_000),
        nft(BOB, DAVE, 11),
        pool(DAVE, BOB, 20_000),
        packed("", DAVE, 11, 1, 20_000),
        value=10_000,
    ),
]


def sales_of(tables, tx):
    return tables["settled_sales"].filter(pl.col("tx") == tx).sort("log_index")


def amounts(sale):
    names = ("price_wei", "proceeds_wei", "platform_fee_wei", "royalty_wei", "residual_wei")
    return tuple(None if sale[name] is None else int(sale[name]) for name in names)


def sources(tables, sale):
    legs = tables["sale_payments"].filter(pl.col("sale_id") == sale["sale_id"])
    return legs.sort("seq")["source"].to_list()


def test_listing_of_version_1_is_paid_as_its_trace_says():
    tables = settle_emitted("blur")
    sale = one(sales_of(tables, 0))
    assert (sale["version"], sale["trade_kind"], sale["currency"]) == ("1", "listing", ZERO)
    assert (sale["seller"], sale["buyer"], sale["token_id"]) == (ALICE, BOB, "7")
    assert legs_of(tables, sale) == [(ALICE, "seller", 950), (CAROL, "creator", 50)]
    assert sources(tables, sale) == ["trace", "fee_event"]
    assert amounts(sale) == (1000, 950, 0, 50, 0)


def test_without_a_trace_what_a_seller_gets_after_fees_is_computed_and_not_balanced():
    tables = settle_emitted("blur", "traces")
    sale = one(sales_of(tables, 0))
    assert amounts(sale) == (1000, 950, 0, 50, None)
    assert sale["residual_reason"] == "a leg was computed, not read"
    plain = one(sales_of(tables, 2))
    assert amounts(plain) == (600, 600, 0, 0, 0), "without fees the seller gets the price named"
    on_top = one(sales_of(tables, 7))
    assert amounts(on_top) == (21_000, 20_000, 0, 1_000, 0)


def test_bid_on_a_collection_has_the_token_of_the_sell_order():
    tables = settle_emitted("blur")
    sale = one(sales_of(tables, 1))
    assert (sale["trade_kind"], sale["token_id"]) == ("collection_bid", "8")
    assert (sale["seller"], sale["buyer"], sale["maker"]) == (ALICE, BOB, BOB)
    assert sale["currency"] == POOL
    assert sources(tables, sale) == ["transfer_log", "fee_event"]
    assert amounts(sale) == (100, 95, 0, 5, 0)


def test_who_is_behind_a_router_is_the_buyer():
    sale = one(sales_of(settle_emitted("blur"), 2))
    assert (sale["buyer"], sale["aggregator"], sale["maker"]) == (DAVE, ROUTER, ROUTER)
    assert one(sales_of(settle_emitted("blur"), 0))["aggregator"] is None


def test_payments_that_contradict_the_event_leave_the_sale_unbalanced():
    sale = one(sales_of(settle_emitted("blur"), 3))
    assert amounts(sale) == (100, 100, 0, 0, None)
    assert sale["residual_reason"] == "the payments seen do not add up to the price"
    assert sale["trade_kind"] == "bid"


def test_impossible_fees_and_amounts_are_set_aside():
    tables = settle_emitted("blur")
    assert sales_of(tables, 4).is_empty()
    assert sales_of(tables, 11).is_empty()
    aside = tables["quarantine"].sort("tx", "log_index").select("tx", "event", "reason").rows()
    assert aside == [
        (4, "OrdersMatched", "fees above the price"),
        (4, "OrdersMatched", "sell: amount above 38 digits"),
        (4, "OrdersMatched", "fees above the price"),
        (11, "Execution721TakerFeePacked", "fees above the price"),
        (11, "Execution", "price and fees above 38 digits together"),
    ]


def test_taker_of_version_2_is_the_other_end_of_the_transfer_before_the_event():
    tables = settle_emitted("blur")
    sale = one(sales_of(tables, 5))
    assert (sale["version"], sale["trade_kind"], sale["currency"]) == ("2", "bid", POOL)
    assert (sale["seller"], sale["buyer"], sale["maker"], sale["taker"]) == (ALICE, BOB, BOB, ALICE)
    assert amounts(sale) == (30_000, 30_000, 0, 0, 0)
    nobody = one(sales_of(tables, 9))
    assert (nobody["seller"], nobody["buyer"]) == (ALICE, None)


def test_bulk_that_pays_each_party_once_is_compared_in_sum():
    tables = settle_emitted("blur")
    sales = sales_of(tables, 6)
    assert [amounts(row) for row in sales.rows(named=True)] == [
        (20_000, 19_000, 0, 1_000, 0), (40_000, 38_000, 0, 2_000, 0), (70_000, 70_000, 0, 0, 0),
    ]  # fmt: skip
    assert set(sales["buyer"]) == {BOB}
    assert sales["seller"].to_list() == [ALICE, ALICE, DAVE]


def test_fee_of_the_taker_of_a_listing_is_paid_on_top():
    tables = settle_emitted("blur")
    sale = one(sales_of(tables, 7))
    assert amounts(sale) == (21_000, 20_000, 0, 1_000, 0)
    assert legs_of(tables, sale) == [(ALICE, "seller", 20_000), (CAROL, "creator", 1_000)]


def test_unpacked_execution_tells_units_and_all_three_fees():
    tables = settle_emitted("blur")
    sale = one(sales_of(tables, 8))
    assert (sale["token_standard"], sale["quantity"]) == ("erc1155", "3")
    assert (sale["token_id"], sale["seller"], sale["buyer"]) == (str(2**200), ALICE, BOB)
    assert amounts(sale) == (31_500, 28_200, 300, 3_000, 0)
    assert sources(tables, sale)[0] == "transfer_log"


def test_rate_that_was_rounded_is_not_taken_for_the_truth():
    sale = one(sales_of(settle_emitted("blur"), 10))
    assert sale["residual_wei"] is None
    assert sale["residual_reason"] == "the payments seen do not add up to the price"
    untraced = one(sales_of(settle_emitted("blur", "traces"), 10))
    assert untraced["residual_reason"] == "a leg was computed, not read"


def test_token_that_is_sold_on_at_once_has_its_own_taker_in_each_sale():
    tables = settle_emitted("blur")
    sales = sales_of(tables, 12)
    assert sales.select("seller", "buyer").rows() == [(ALICE, BOB), (BOB, DAVE)]
    assert [amounts(row)[0] for row in sales.rows(named=True)] == [10_000, 20_000]


GOLDEN = "0x6a6944bd6dd14f482722980c623925f72378df924d70d80728e70eaafae6dab7"


@needs_mainnet
def test_golden_bid_of_block_18_500_000_is_the_printed_row():
    tables = settle_real(GOLDEN)
    sale = one(tables["settled_sales"])
    assert sale["collection"] == "0x5f36809a7c15ebcc00221217cd17914ffd3e4762"
    assert (sale["token_id"], sale["currency"], sale["trade_kind"]) == ("955", POOL, "bid")
    assert sale["seller"] == "0x7bf8139bc5f009447d6d4a3b227899a195218913"
    assert sale["buyer"] == "0x162af4fd4d2f2d3a721aeee22e3cbb640f23735a"
    assert amounts(sale) == (30_000_000_000_000_000, 30_000_000_000_000_000, 0, 0, 0)
    assert_balanced(tables)


REAL = {
    # tx: (version, trade kind, token, seller, buyer, price, royalty), one sale each
    "0x27d326650b8ce062b6c5a66e3aa1e46c5ad8d315eef599f396a63ccaf2ffa5e9": (
        "1", "listing", "1314", "0x8762dc160416d71a17c0abbd92508f16d2584e82",
        "0x85139368bcf97556b34194d5fdc1f242e74a5623", 195 * 10**15, 975 * 10**12,
    ),
    "0x5c8d2607d4e138d36a11500c67ac38110c2055c6617f3cbceeae205b1be11b5d": (
        "1", "listing", "538", "0xf1a9f5aeb0f975489ac2628a22040cf42e9fe8dd",
        "0x10d353e25b4e15ca69ef31eedb8df31e637d5a95", 11_666 * 10**14, 5_833 * 10**13,
    ),
    "0xe7fab63999ce42188e3756bb5c7dd960c7e1b41108c0f83c594f5eec31a78cb2": (
        "1", "collection_bid", "985", "0x9e121698d68cf4c2b34202ccee11ea62769a8bc7",
        "0x633d2239166ae6ef8d38ce1674c8bc405e2550b8", 50 * 10**15, 275 * 10**13,
    ),
    "0x5a0a5b84818d103bdb7cd3d6b58cd43e6d05676ec39bcc9af35589c39dad41ab": (
        "2", "listing", "1221", "0x8efe23eeb58945e7e2f6cb0cb9d00693d4838407",
        "0x0e6e2e69b40170af1d70971f5d63ab208eeb2e5e", 132 * 10**15, 66 * 10**14,
    ),
    "0x6dd87875e6553a9f89bb5f5fb96065f870c16fd961938bd0f47231d0d06ccacd": (
        "2", "bid", "2281", "0x2d89cc4e013db2908b877c51d39ff63982761c96",
        "0x4974a7af396d1908cac650bb923f4bd8dd4047c2", 1_320 * 10**15, 66 * 10**14,
    ),
}  # fmt: skip


def blur_hashes():
    """Recorded transactions with a log of either exchange that is a sale."""
    return [
        tx_hash
        for tx_hash, logs in mainnet().logs.items()
        if any(each["address"] in (V1, V2) and len(each["data"]) > 130 for each in logs)
    ]


@needs_mainnet
def test_recorded_sales_have_the_expected_rows():
    sales = settle_real(*REAL)["settled_sales"]
    for tx_hash, (version, kind, token, seller, buyer, price, royalty) in REAL.items():
        sale = one(sales.filter(pl.col("tx_hash") == tx_hash))
        told = (
            sale["version"],
            sale["trade_kind"],
            sale["token_id"],
            sale["seller"],
            sale["buyer"],
        )
        assert told == (version, kind, token, seller, buyer)
        assert int(sale["residual_wei"]) == 0
        assert (int(sale["price_wei"]), int(sale["royalty_wei"])) == (price, royalty)


@needs_mainnet
def test_every_recorded_sale_paid_in_native_coin_agrees_with_the_traces():
    hashes = blur_hashes()
    tables = settle_real(*hashes, with_traces=False)
    sales = tables["settled_sales"].filter(pl.col("protocol") == "blur")
    assert (sales.height, sales.filter(pl.col("residual_wei") != 0).height) == (84, 0)
    native = sales.filter(pl.col("currency") == ZERO)
    legs = tables["sale_payments"].join(native, on="sale_id", how="semi")
    amount = pl.col("amount_wei").cast(pl.Int128).sum().alias("told")
    told = legs.group_by("tx_hash", "recipient").agg(amount)
    seen: dict[tuple[str, str], int] = {}
    for tx_hash in hashes:
        for trace in mainnet().traces.get(tx_hash, []):
            if trace["from_address"] in (V1, V2) and not trace["error"]:
                key = (tx_hash, trace["to_address"])
                seen[key] = seen.get(key, 0) + int(trace["value_wei"])
    traced = {tx_hash for tx_hash, _ in seen}
    compared = {(tx_hash, who): paid for tx_hash, who, paid in told.rows() if tx_hash in traced}
    assert len(compared) == 35
    assert compared == {key: seen.get(key) for key in compared}
