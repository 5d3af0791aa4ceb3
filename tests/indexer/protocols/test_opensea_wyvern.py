"""OpenSea on Wyvern: emitted on a node at the real addresses, and recorded on Ethereum."""

from collections import Counter
from functools import cache

import polars as pl
from eth_abi import encode

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import mainnet, settle_emitted, settle_real
from tests.indexer.protocols.settled import assert_balanced, legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, one
from tests.paths import needs_mainnet

NAME = "opensea_wyvern"
V1 = "0x7be8076f4ea4a4ad08075c2508e481d6c946d12b"
V2 = "0x7f268357a8c2552623316e2562d90e642bb538e5"
EXCHANGES = (V1, V2)
FORK = "0x" + "f0" * 20
ROUTER = "0x" + "70" * 20
OPENSEA = "0x5b3256965e7c3cf26e11fcaf296dfc8807c01073"
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
SINGLE = (
    "TransferSingle(address indexed operator, address indexed from, address indexed to,"
    " uint256 id, uint256 value)"
)
MATCHED = (
    "OrdersMatched(bytes32 buyHash, bytes32 sellHash, address indexed maker,"
    " address indexed taker, uint256 price, bytes32 indexed metadata)"
)
HASH = b"\x01" * 32
ARGUMENTS = (
    "address[14]", "uint256[18]", "uint8[8]", "bytes", "bytes", "bytes", "bytes", "bytes", "bytes",
    "uint8[2]", "bytes32[5]",
)  # fmt: skip


def matched(maker, taker, price):
    return log(MATCHED, HASH, HASH, maker, taker, price, b"\0" * 32)


def atomic_match(buyer, seller, token=ZERO, *, listing=True, taker=ZERO, fees=(0, 0)):
    """Call data of atomicMatch_; `fees` are those of maker and taker, in basis points."""
    buy_fees, sell_fees = ((0, 10_000), fees) if listing else (fees, (0, 10_000))
    buy_collector, sell_collector = (ZERO, OPENSEA) if listing else (OPENSEA, ZERO)
    addresses = [
        V2, buyer, ZERO, buy_collector, COLLECTION, ZERO, token,
        V2, seller, taker, sell_collector, COLLECTION, ZERO, token,
    ]  # fmt: skip
    numbers = [*buy_fees, 0, 0, 1, 0, 0, 0, 7, *sell_fees, 0, 0, 1, 0, 0, 0, 8]
    rest = [b"", b"", b"", b"", b"", b"", [27, 27], [b"\0" * 32] * 5]
    whole = [addresses, numbers, [1, 0, 0, 0, 1, 1, 0, 0], *rest]
    return bytes.fromhex("ab834bab") + encode(ARGUMENTS, whole)


SCENARIO = [
    # 0: a listing of ALICE taken by BOB, who sends 5 too much; 2.5 % fee
    call(
        V1,
        Pay(OPENSEA, 25),
        Pay(ALICE, 975),
        Pay(BOB, 5),
        log(NFT, ALICE, BOB, 7, at=COLLECTION),
        matched(ALICE, BOB, 1000),
        value=1005,
        data=atomic_match(BOB, ALICE, fees=(250, 0)),
        sender=BOB,
    ),
    # 1: a listing for BOB alone, whose fee of 1 % comes on top
    call(
        V2,
        Pay(OPENSEA, 25),
        Pay(OPENSEA, 10),
        Pay(ALICE, 975),
        log(NFT, ALICE, BOB, 8, at=COLLECTION),
        matched(ALICE, BOB, 1000),
        value=1010,
        data=atomic_match(BOB, ALICE, taker=BOB, fees=(250, 100)),
        sender=BOB,
    ),
    # 2: a bid of BOB in WETH taken by ALICE; both pay a fee, and ALICE's hook moves WETH later
    call(
        V2,
        log(ERC20, DAVE, BOB, 1000, at=WETH),
        log(ERC20, BOB, ALICE, 1000, at=WETH),
        log(ERC20, BOB, OPENSEA, 5, at=WETH),
        log(ERC20, ALICE, OPENSEA, 25, at=WETH),
        log(SINGLE, DAVE, ALICE, BOB, 9, 3, at=COLLECTION),
        log(ERC20, ALICE, DAVE, 500, at=WETH),
        matched(BOB, ALICE, 1000),
        data=atomic_match(BOB, ALICE, WETH, listing=False, fees=(50, 250)),
        sender=ALICE,
    ),
    # 3: a router buys twice for DAVE: once handing the token on, once having it delivered
    call(
        ROUTER,
        call(
            V2,
            Pay(OPENSEA, 1),
            Pay(ALICE, 99),
            log(NFT, ALICE, ROUTER, 10, at=COLLECTION),
            matched(ALICE, ROUTER, 100),
            value=100,
            data=atomic_match(ROUTER, ALICE, fees=(100, 0)),
        ),
        log(NFT, ROUTER, DAVE, 10, at=COLLECTION),
        call(
            V2,
            Pay(OPENSEA, 2),
            Pay(CAROL, 198),
            log(NFT, CAROL, DAVE, 11, at=COLLECTION),
            matched(CAROL, ROUTER, 200),
            value=200,
            data=atomic_match(ROUTER, CAROL, fees=(100, 0)),
        ),
        value=300,
        sender=DAVE,
    ),
    # 4: a bundle whose price does not divide
    call(
        V1,
        Pay(OPENSEA, 5),
        Pay(ALICE, 95),
        log(NFT, ALICE, BOB, 1, at=COLLECTION),
        log(NFT, ALICE, BOB, 2, at=COLLECTION),
        log(NFT, ALICE, BOB, 3, at=CAROL),
        matched(ALICE, BOB, 100),
        value=100,
        data=atomic_match(BOB, ALICE, fees=(500, 0)),
        sender=BOB,
    ),
    # 5: minted on delivery, for nothing
    call(
        V2,
        log(NFT, ZERO, BOB, 12, at=COLLECTION),
        matched(ALICE, BOB, 0),
        data=atomic_match(BOB, ALICE, fees=(250, 0)),
        sender=BOB,
    ),
    # 6: a fork of the exchange is nobody's business
    call(FORK, log(NFT, ALICE, BOB, 13, at=COLLECTION), matched(ALICE, BOB, 5), sender=BOB),
    # 7: a price beyond 38 digits
    call(V2, log(NFT, ALICE, BOB, 14, at=COLLECTION), matched(ALICE, BOB, 2**256 - 1), sender=BOB),
    # 8: call data of other orders, and a token that nobody announces
    call(
        V2,
        Pay(ALICE, 10),
        matched(ALICE, BOB, 10),
        value=10,
        data=atomic_match(CAROL, DAVE, WETH, fees=(9, 9)),
        sender=BOB,
    ),
]


def sales_of(tables, tx):
    return tables["settled_sales"].filter(pl.col("tx") == tx).sort("log_index", "item_index")


@cache
def emitted(*without):
    return settle_emitted(NAME, *without)


def test_listing_pays_seller_and_collector_and_gives_the_excess_back():
    sale = one(sales_of(emitted(), 0))
    assert (sale["protocol"], sale["version"], sale["marketplace"]) == (NAME, "2", "opensea")
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "listing")
    assert (sale["collection"], sale["token_id"], sale["currency"]) == (COLLECTION, "7", ZERO)
    assert legs_of(emitted(), sale) == [
        (OPENSEA, "platform", 25), (ALICE, "seller", 975), (BOB, "refund", 5),
    ]  # fmt: skip
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (1000, 0)
    assert sale["aggregator"] is None


def test_fee_of_the_buyer_is_part_of_what_was_paid():
    sale = one(sales_of(emitted(), 1))
    assert (int(sale["price_wei"]), int(sale["platform_fee_wei"])) == (1010, 35)
    assert (sale["trade_kind"], sale["version"], int(sale["residual_wei"])) == ("private", "2.3", 0)


def test_bid_in_weth_counts_what_the_seller_keeps_and_no_later_transfer():
    sale = one(sales_of(emitted(), 2))
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "bid")
    assert (sale["token_standard"], sale["quantity"], sale["currency"]) == ("erc1155", "3", WETH)
    assert legs_of(emitted(), sale) == [
        (OPENSEA, "platform", 5), (OPENSEA, "platform", 25), (ALICE, "seller", 975),
    ]  # fmt: skip
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (1005, 0)


def test_router_is_the_aggregator_and_whom_it_acts_for_the_buyer():
    first, second = sales_of(emitted(), 3).rows(named=True)
    assert [(x["seller"], x["buyer"], x["taker"]) for x in (first, second)] == [
        (ALICE, DAVE, ROUTER), (CAROL, DAVE, ROUTER),
    ]  # fmt: skip
    assert [(x["token_id"], x["aggregator"]) for x in (first, second)] == [
        ("10", ROUTER), ("11", ROUTER),
    ]  # fmt: skip
    assert [int(x["proceeds_wei"]) for x in (first, second)] == [99, 198]
    assert [int(x["residual_wei"]) for x in (first, second)] == [0, 0]


def test_bundle_stays_a_bundle_and_its_shares_add_up():
    sales = sales_of(emitted(), 4)
    assert sales["token_id"].to_list() == ["1", "2", "3"]
    assert sales["collection"].to_list() == [COLLECTION, COLLECTION, CAROL]
    assert (sales["bundle_size"].to_list(), sales["bundle_id"].n_unique()) == ([3, 3, 3], 1)
    assert int(sales["price_wei"].sum()) == 100
    assert [int(each) for each in sales["residual_wei"]] == [0, 0, 0]


def test_gift_minted_on_delivery_is_a_sale_for_nothing():
    sale = one(sales_of(emitted(), 5))
    assert (sale["seller"], sale["buyer"], sale["token_id"]) == (ALICE, BOB, "12")
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (0, 0)


def test_fork_of_the_exchange_makes_no_sale():
    assert sales_of(emitted(), 6).is_empty()


def test_price_beyond_38_digits_is_set_aside():
    assert sales_of(emitted(), 7).is_empty()
    refused = one(emitted()["quarantine"].filter(pl.col("tx") == 7))
    assert (refused["protocol"], refused["event"]) == (NAME, "OrdersMatched")


def test_call_data_of_other_orders_are_not_believed():
    sale = one(sales_of(emitted(), 8))
    assert (sale["currency"], sale["seller"], sale["token_id"]) == (ZERO, ALICE, None)
    assert (sale["confidence"], int(sale["residual_wei"])) == ("inferred", 0)


def test_without_traces_legs_are_computed_and_stay_out_of_the_balance():
    tables = emitted("traces")
    sale = one(sales_of(tables, 1))
    assert legs_of(tables, sale) == [(OPENSEA, "platform", 35), (ALICE, "seller", 975)]
    assert (int(sale["price_wei"]), sale["residual_wei"]) == (1010, None)
    assert sale["residual_reason"] == "a leg was computed, not read"
    # ERC-20 transfers are read all the same.
    assert int(one(sales_of(tables, 2))["residual_wei"]) == 0


def test_from_logs_alone_the_price_is_known_and_no_leg():
    tables = emitted("traces", "input")
    sale = one(sales_of(tables, 0))
    assert (int(sale["price_wei"]), sale["residual_wei"]) == (1000, None)
    assert sale["residual_reason"] == "no payment was seen"
    assert (sale["token_id"], sale["seller"], sale["buyer"]) == ("7", ALICE, BOB)
    assert legs_of(tables, sale) == []
    first, second = sales_of(tables, 3).rows(named=True)
    assert (first["confidence"], int(first["price_wei"])) == ("inferred", 100)
    assert (second["seller"], second["residual_wei"]) == (CAROL, None)


# --- recorded


def _recorded():
    topic = log(MATCHED, HASH, HASH, ALICE, BOB, 0, HASH).topics[0].hex()
    return [
        tx_hash
        for tx_hash, logs in mainnet().logs.items()
        if any(
            each["address"] in EXCHANGES and each["topics"][:1] == ["0x" + topic] for each in logs
        )
    ]


@cache
def recorded(*, with_traces=True):
    return settle_real(*_recorded(), with_traces=with_traces)


def wyvern_sales(tables):
    return tables["settled_sales"].filter(pl.col("protocol") == NAME)


REAL = {
    # Once a listing, once a router's order delivered to its user, once a mint on delivery, and a
    # bid in WETH: (token, seller, buyer, aggregator, price, fee).
    "0xeb1638e49a8894959a2dbb23ed1911b83e595edf51c56b554da790de7b8e98af": (
        "0x6b6b9ce36ae14c70b163100d0ae5aed0125751b1",
        "0xf44eab090b15b763a685e9f178c5122c55b4858d",
        "0x00000000a50bb64b4bbeceb18715748dface08af",
        70_000_000_000_000_000,
    ),
    "0xfc04f49de7977869e15edc7083b5e1aef06a4c5ea5716c9ae33dcd6a95ba5f27": (
        "0x1284552a1f9b75f9a119cd9cfccb1eab208537b6",
        "0x52d7e31678d712ee8c15ca5af10babc257e5b61a",
        None,
        40_000_000_000_000_000,
    ),
    # As RSS3 has it, token included; its calls were not recorded.
    "0x6f567e52bcd8af7ea89718b3141896b9c32f5436994d0de4c348fc749d6b5ce4": (
        "0x7e4bb04f32207cb4fb06a8acd97ee90d9756ff58",
        "0xa1aafb06268f3396c4683e3f635a4aff0e040e46",
        None,
        6_752_752_024_743_047_208,
    ),
}


@needs_mainnet
def test_recorded_sales_have_the_expected_parties_and_prices():
    found = {
        row["tx_hash"]: (row["seller"], row["buyer"], row["aggregator"], int(row["price_wei"]))
        for row in wyvern_sales(recorded()).rows(named=True)
    }
    assert {tx_hash: found[tx_hash] for tx_hash in REAL} == REAL


@needs_mainnet
def test_every_recorded_match_is_one_sale_or_one_bundle():
    sales = wyvern_sales(recorded())
    assert (sales["tx_hash"].n_unique(), sales.select("block_hash", "log_index").n_unique()) == (
        len(_recorded()),
        226,
    )
    # Two tokens older than ERC-721 announce their moves in a shape of their own.
    assert sales["token_id"].null_count() == 2


@needs_mainnet
def test_what_recorded_exchanges_paid_is_what_the_legs_say():
    legs = recorded()["sale_payments"].join(
        wyvern_sales(recorded()).select("sale_id"), on="sale_id", how="semi"
    )
    traced = [tx_hash for tx_hash in _recorded() if tx_hash in mainnet().traces]
    for tx_hash in traced:
        paid, told = Counter(), Counter()
        for call_ in mainnet().traces[tx_hash]:
            if call_["error"] is None and call_["from_address"] in EXCHANGES:
                paid[call_["to_address"]] += int(call_["value_wei"])
        native = legs.filter(tx_hash=tx_hash, currency=ZERO)
        for recipient, amount in native.select("recipient", "amount_wei").rows():
            told[recipient] += int(amount)
        assert told == paid, tx_hash
    assert len(traced) == 170


@needs_mainnet
def test_recorded_prices_of_the_events_are_what_the_exchanges_received():
    """Independent of the legs: they come from the traces, the events' prices from the logs."""
    from_events = wyvern_sales(recorded(with_traces=False))
    from_calls = wyvern_sales(recorded()).filter(pl.col("residual_wei") == 0)
    both = from_calls.join(from_events, on="sale_id", suffix="_event")
    assert both.height == 193
    assert (both["price_wei"] == both["price_wei_event"]).all()
    assert both.filter(pl.col("seller") != pl.col("seller_event")).is_empty()


@needs_mainnet
def test_recorded_sales_balance_or_say_why_not():
    sales = wyvern_sales(recorded())
    open_ = sales.filter(pl.col("residual_wei").is_null())
    assert (sales.height, open_.height) == (240, 47)
    assert open_["residual_reason"].unique().to_list() == ["no payment was seen"]
    assert not set(open_["tx_hash"]) & set(mainnet().traces)
    closed = sales.filter(pl.col("residual_wei").is_not_null()).select("sale_id")
    names = ("settled_sales", "sale_payments")
    assert_balanced(
        {name: recorded()[name].join(closed, on="sale_id", how="semi") for name in names}
    )
