"""X2Y2: emitted on a node at the real address, and recorded on Ethereum."""

import gzip
import json

import polars as pl
from eth_abi import encode

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import mainnet, settle_emitted, settle_real
from tests.indexer.protocols.settled import assert_balanced, legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, TRANSFER, WETH, ZERO, one
from tests.paths import MAINNET, needs_mainnet

EXCHANGE = "0x74312363e45dcaba76c59ec49a7aa8a65a67eed3"
FEES = "0xd823c605807cc5e6bd6fc0d7e4eea50d3e2d66cd"
GEM = "0x83c8f28c26bf6aaca652df1dbbe0e1b56f8baba2"
INVENTORY = (
    "EvInventory(bytes32 indexed itemHash, address maker, address taker, uint256 orderSalt,"
    " uint256 settleSalt, uint256 intent, uint256 delegateType, uint256 deadline,"
    " address currency, bytes dataMask, (uint256,bytes) item, (uint8,uint256,uint256,uint256,"
    "bytes32,address,bytes,uint256,uint256,uint256,(uint256,address)[]) detail)"
)
PROFIT = "EvProfit(bytes32 itemHash, address currency, address to, uint256 amount)"
SELL, BUY, CANCEL, BID, AUCTION = 1, 2, 3, 4, 5
HALF_PERCENT = (5_000, FEES)
THREE_PERCENT = (30_000, CAROL)


def item_hash(number):
    return number.to_bytes(32, "big")


def tokens(*ids):
    return encode(["(address,uint256)[]"], [[(COLLECTION, token) for token in ids]])


def inventory(
    number, op, maker, taker, price, data, fees=(HALF_PERCENT,), *,
    kind=1, currency=ZERO, mask=b"", replacement=b"", at="",
):  # fmt: skip
    detail = (op, 0, 0, price, item_hash(number), DAVE, replacement, 0, 0, 0, list(fees))
    return log(
        INVENTORY, item_hash(number), maker, taker, 1, 2, op, kind, 2**40, currency, mask,
        (price, data), detail, at=at,
    )  # fmt: skip


def profit(number, seller, amount, currency=ZERO):
    return log(PROFIT, item_hash(number), currency, seller, amount)


ANY_TOKEN = tokens(0)
ID_ONLY = bytes(96) + b"\xff" * 32

SCENARIO = [
    # 0: a listing with a fee and a royalty
    call(
        EXCHANGE,
        profit(1, ALICE, 96_500),
        inventory(1, SELL, ALICE, BOB, 100_000, tokens(7), (HALF_PERCENT, THREE_PERCENT)),
    ),
    # 1: two orders of two sellers in one transaction, through a router
    call(
        GEM,
        call(
            EXCHANGE,
            log(TRANSFER, ALICE, GEM, 8, at=COLLECTION),
            profit(1, ALICE, 1_990),
            inventory(1, SELL, ALICE, GEM, 2_000, tokens(8)),
            log(TRANSFER, GEM, BOB, 8, at=COLLECTION),
            profit(2, DAVE, 3_980),
            inventory(2, SELL, DAVE, GEM, 4_000, tokens(9)),
        ),
    ),
    # 2: a bid for any token of a collection, in WETH: the taker's id goes under the mask
    call(
        EXCHANGE,
        profit(1, ALICE, 995, WETH),
        inventory(
            1,
            BUY,
            BOB,
            ALICE,
            1_000,
            ANY_TOKEN,
            currency=WETH,
            mask=ID_ONLY,
            replacement=bytes(96) + (2**255).to_bytes(32, "big"),
        ),
    ),
    # 3: a bundle of two ERC-1155 tokens; neither price nor legs divide by two
    call(
        EXCHANGE,
        profit(1, ALICE, 1_000_001 - 5_000),
        inventory(
            1,
            SELL,
            ALICE,
            BOB,
            1_000_001,
            encode(["(address,uint256,uint256)[]"], [[(COLLECTION, 1, 4), (COLLECTION, 2, 5)]]),
            kind=2,
        ),
    ),
    # 4: a profit that misses the price, and none at all
    call(
        EXCHANGE,
        profit(1, ALICE, 900),
        inventory(1, SELL, ALICE, BOB, 1_000, tokens(1)),
        inventory(2, SELL, ALICE, BOB, 1_000, tokens(2)),
    ),
    # 5: the end of an auction, which BOB won
    call(
        EXCHANGE,
        log(TRANSFER, EXCHANGE, BOB, 3, at=COLLECTION),
        profit(1, ALICE, 700),
        inventory(1, AUCTION, ALICE, DAVE, 5, tokens(3)),
    ),
    # 6: neither a bid in an auction nor a cancellation is a sale
    call(
        EXCHANGE,
        inventory(1, BID, ALICE, BOB, 1_000, tokens(3)),
        inventory(2, CANCEL, ALICE, ALICE, 1_000, tokens(3)),
    ),
    # 7: what cannot be read
    call(
        EXCHANGE,
        inventory(1, SELL, ALICE, BOB, 1_000, b"\xff" * 64),
        inventory(2, SELL, ALICE, BOB, 1_000, tokens(1), kind=9),
        inventory(3, SELL, ALICE, BOB, 1_000, tokens()),
        inventory(4, SELL, ALICE, BOB, 1_000, tokens(1), [(600_000, CAROL)] * 2),
        inventory(5, SELL, ALICE, BOB, 1_000, tokens(1), [(2**255, CAROL)]),
        inventory(6, SELL, ALICE, BOB, 2**256 - 1, tokens(1)),
        inventory(7, BUY, ALICE, BOB, 1_000, tokens(1), mask=b"\x01", replacement=b"\x01"),
    ),
    # 8: the same event of another contract
    call(EXCHANGE, inventory(1, SELL, ALICE, BOB, 1_000, tokens(1), at=DAVE)),
]


def sales_of(tx):
    tables = settle_emitted("x2y2")
    sales = tables["settled_sales"].filter(pl.col("tx") == tx).sort("log_index", "item_index")
    return tables, sales


def amounts(sale):
    names = ("price_wei", "proceeds_wei", "platform_fee_wei", "royalty_wei", "residual_wei")
    return tuple(None if sale[name] is None else int(sale[name]) for name in names)


def test_listing_pays_seller_exchange_and_creator():
    tables, sales = sales_of(0)
    sale = one(sales)
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "listing")
    assert (sale["collection"], sale["token_id"]) == (COLLECTION, "7")
    assert legs_of(tables, sale) == [
        (ALICE, "seller", 96_500), (FEES, "platform", 500), (CAROL, "creator", 3_000),
    ]  # fmt: skip
    assert amounts(sale) == (100_000, 96_500, 500, 3_000, 0)


def test_two_orders_of_one_transaction_are_two_sales_to_whoever_the_router_served():
    _, sales = sales_of(1)
    assert sales.select("seller", "buyer", "aggregator", "token_id").rows() == [
        (ALICE, BOB, GEM, "8"), (DAVE, GEM, None, "9"),
    ]  # fmt: skip
    assert [amounts(row) for row in sales.rows(named=True)] == [
        (2_000, 1_990, 10, 0, 0), (4_000, 3_980, 20, 0, 0),
    ]  # fmt: skip


def test_bid_for_any_token_has_the_token_under_the_mask():
    _, sales = sales_of(2)
    sale = one(sales)
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "bid")
    assert (sale["maker"], sale["taker"], sale["currency"]) == (BOB, ALICE, WETH)
    assert (sale["collection"], sale["token_id"]) == (COLLECTION, str(2**255))
    assert amounts(sale) == (1_000, 995, 5, 0, 0)


def test_bundle_is_one_row_per_token_and_adds_up():
    _, sales = sales_of(3)
    assert sales.select("token_id", "quantity", "token_standard", "bundle_size").rows() == [
        ("1", "4", "erc1155", 2), ("2", "5", "erc1155", 2),
    ]  # fmt: skip
    assert sales["bundle_id"].to_list() == [sales["sale_id"][0]] * 2
    assert int(sales["price_wei"].sum()) == 1_000_001
    assert [int(value) for value in sales["residual_wei"]] == [0, 0]


def test_profit_that_misses_the_price_or_lacks_leaves_the_sale_unbalanced():
    _, sales = sales_of(4)
    assert [amounts(row) for row in sales.rows(named=True)] == [
        (1_000, 900, 5, 0, None), (1_000, 0, 5, 0, None),
    ]  # fmt: skip
    assert set(sales["residual_reason"]) == {"the payments seen do not add up to the price"}


def test_auction_is_won_by_whoever_got_the_token_at_a_price_told_elsewhere():
    _, sales = sales_of(5)
    sale = one(sales)
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "auction")
    assert amounts(sale) == (None, 700, 0, 0, None)
    assert sale["residual_reason"] == "the price of an auction is told by its bids"


def test_bids_cancellations_and_other_contracts_are_no_sales():
    for tx in (6, 8):
        tables, sales = sales_of(tx)
        assert sales.is_empty()
        assert tables["quarantine"].filter(pl.col("tx") == tx).is_empty()


def test_what_cannot_be_read_is_set_aside_with_the_reason():
    tables, sales = sales_of(7)
    assert sales.is_empty()
    aside = tables["quarantine"].filter(pl.col("tx") == 7).sort("log_index")
    assert aside["event"].unique().to_list() == ["EvInventory"]
    reasons = aside["reason"].to_list()
    assert reasons[0].startswith("the order's tokens cannot be read")
    assert reasons[1:] == [
        "tokens of delegate type 9 cannot be read",
        "the order has no token",
        "fees above the price",
        "fees above the price",
        "detail: amount above 38 digits",
        "the order's mask is of another length than its tokens",
    ]


REAL = {
    # tx: (sales, prices together, royalties together)
    "0x61e3586c6c6a785a1038a52fe006bd49b632cd3be559771c8df5eb7916ef70ba": (1, 75 * 10**15, 0),
    "0xbe9056e38cb778035f483531e3ad23386d685e25930fe81ad3317db047c41e24": (12, 237 * 10**15, 0),
    "0x344582f21236ae66844a03699f59492f4b661a0a151be654e67e3189bb04cabd": (4, 676 * 10**14, 0),
    "0x0a72e4b078d7c2df7fba512951d5b9c7dd923d78b40101e3519075ddb885aa33": (2, 30 * 10**15, 0),
    "0x5fa54e5125911d0bff0e035a315e01dd9008e7afcd3780c599111a4319fe949b": (1, 96 * 10**15, 0),
    "0x238625e7bda4259e37d40a1ef38c70be7b3bcd20837e62fd0bcb87655ffe16a3": (1, 29 * 10**15, 0),
    "0x09aec39c16ebe0af5330bad6c6d226416c9f4cb824f503561f4cf4cb943362c3": (1, 17 * 10**15, 0),
    "0xb7a2b014f171fcf8cfb8dde703699204d3b83b5d1040d07271b8ed5da9b0efcc": (2, 366 * 10**14, 0),
    "0x757749224a3ee8e139bcb8260a4e3df8ac2ce9b4aeccdd3c2a7ae7b29b20f79d": (4, 17 * 10**15, 0),
    "0x3c080f6185f5f131579f2d9557ac64b69be2b0a52052c213b36a3e5b6f5e40eb": (4, 628 * 10**14, 0),
    "0xd8c131b8333ac1db9be4fba1ed3de97258b128edcde789bd9314a04c000a9d8c": (
        2,
        385 * 10**15,
        28875000 * 10**9,
    ),
    "0xf650ae52a77533205d0a3fa5f5af3550ac98e60838e88b3fe42300188adf7e86": (1, 85 * 10**14, 0),
    "0x33aef694a96a8508003b125dc9f8ba3bbff7855914f927f00a6e19a367882df3": (1, 180 * 10**15, 0),
    "0xed349030908bfb881848cd730f2c1212a094b6c08b32958512ceb3aba82fdeb5": (1, 120 * 10**15, 0),
    "0x34d86488448786a8a9d428b6a2ca4aed6e32d32f356bfcc4bd9c361e936f3f7b": (1, 130 * 10**15, 0),
    "0xe3c29c30935713d96fa5fc95b3fa78ab99c02311d4c0145c1891163bd8e4fe59": (1, 145 * 10**15, 0),
    "0x24a7838a8c83c66914b147e074b8585bcf4e77d0e0f23a2af6734636ab6146ff": (1, 145 * 10**15, 0),
    "0xe8e0d32da440f9eade7e4ff453598950de05d01b4cf6d6a534a030165623e0c8": (1, 145 * 10**15, 0),
    "0x46b106e989bb42ff896f303408f0dbf2e142f56560bcb81929c3634ba238fe60": (1, 167 * 10**15, 0),
    "0xb52a358533501a0d8d7d5bc2d2b76b4b0bf03c6ae43426264031a6a2ee9f92c3": (1, 740 * 10**15, 0),
}


@needs_mainnet
def test_recorded_transactions_have_the_sums_that_are_expected():
    sales = settle_real(*REAL)["settled_sales"].filter(pl.col("protocol") == "x2y2")
    sums = sales.group_by("tx_hash").agg(
        pl.len(), *(pl.col(name).cast(pl.Int128).sum() for name in ("price_wei", "royalty_wei"))
    )
    assert {tx_hash: tuple(rest) for tx_hash, *rest in sums.rows()} == REAL


@needs_mainnet
def test_every_recorded_order_is_the_sale_that_eth_abi_reads():
    tables = settle_real(*REAL)
    sales = tables["settled_sales"].filter(pl.col("protocol") == "x2y2")
    rows = {
        (row["tx_hash"], row["log_index"]): (
            row["collection"], row["token_id"], row["seller"], row["taker"], int(row["price_wei"]),
        )
        for row in sales.rows(named=True)
    }  # fmt: skip
    with gzip.open(MAINNET / "decoded_reference.jsonl.gz", "rt") as lines:
        told = [json.loads(line) for line in lines if '"x2y2_inventory"' in line]
    assert len(told) == 43
    assert rows == {
        (each["tx_hash"], each["log_index"]): (
            *each["tokens"][0][:2], each["maker"], each["taker"], int(each["price"]),
        )
        for each in told
    }  # fmt: skip
    own = {name: frame.filter(pl.col("sale_id").is_in(sales["sale_id"].implode()))
           for name, frame in tables.items() if "sale_id" in frame.columns}  # fmt: skip
    assert_balanced(own)


@needs_mainnet
def test_recorded_sale_of_an_art_blocks_token_pays_its_royalty():
    tx_hash = next(h for h in REAL if h.startswith("0xd8c131b833"))
    sales = settle_real(tx_hash)["settled_sales"].filter(pl.col("protocol") == "x2y2")
    sale = sales.sort("log_index").row(0, named=True)
    assert (sale["token_id"], sale["aggregator"]) == ("337000104", GEM)
    assert amounts(sale) == (185 * 10**15, 1702 * 10**14, 925 * 10**12, 13_875 * 10**12, 0)


@needs_mainnet
def test_recorded_legs_agree_with_the_traces():
    tables = settle_real(*REAL)
    sales = tables["settled_sales"].filter(pl.col("protocol") == "x2y2")
    legs = tables["sale_payments"].join(sales, on="sale_id", how="semi")
    told = legs.group_by("tx_hash", "recipient").agg(pl.col("amount_wei").cast(pl.Int128).sum())
    seen: dict[tuple[str, str], int] = {}
    for tx_hash in REAL:
        for trace in mainnet().traces.get(tx_hash, []):
            if trace["from_address"] == EXCHANGE and not trace["error"]:
                key = (tx_hash, trace["to_address"])
                seen[key] = seen.get(key, 0) + int(trace["value_wei"])
    compared = {(tx_hash, who): paid for tx_hash, who, paid in told.rows()}
    assert len(compared) == 55
    assert compared == {key: seen.get(key) for key in compared}
