"""Rarible: emitted on a node at the real addresses, and recorded on Ethereum."""

from collections import Counter
from functools import cache

import polars as pl
from eth_abi import encode

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import mainnet, settle_emitted, settle_real
from tests.indexer.protocols.settled import legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO, one
from tests.paths import needs_mainnet

NAME = "rarible"
V1 = "0xcd4ec7b66fbc029c116ba9ffb3e59351c20b5b06"
V2 = "0x9757f2d2b135150bbeb65308d4a91804107cd8d6"
OTHER = "0x" + "07" * 20
ROUTER = "0x" + "70" * 20
WALLET = "0x1cf0df2a5a20cd61d68d4489eebbf85b8d39e18a"
NFT = "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
SINGLE = (
    "TransferSingle(address indexed operator, address indexed from, address indexed to,"
    " uint256 id, uint256 value)"
)
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
BUY = (
    "Buy(address indexed sellToken, uint256 indexed sellTokenId, uint256 sellValue, address owner,"
    " address buyToken, uint256 buyTokenId, uint256 buyValue, address buyer, uint256 amount,"
    " uint256 salt)"
)
MATCH = "Match(bytes32 leftHash, bytes32 rightHash, uint256 newLeftFill, uint256 newRightFill)"
WITH_ASSETS = (
    "Match(bytes32 leftHash, bytes32 rightHash, address leftMaker, address rightMaker,"
    " uint256 newLeftFill, uint256 newRightFill, (bytes4,bytes) leftAsset,"
    " (bytes4,bytes) rightAsset)"
)
MOVED = (
    "Transfer(((bytes4,bytes),uint256) asset, address from, address to, bytes4 direction,"
    " bytes4 transferType)"
)
HASH = b"\x01" * 32


def asset(kind, *data):
    names = {"ETH": "aaaebeba", "ERC20": "8ae85d84", "ERC721": "73ad2146", "ERC1155": "973bb640"}
    kinds = ["address", "uint256"][: len(data)]
    return (bytes.fromhex(names[kind]), encode(kinds, data))


def moved(what, amount, to, kind, sender=BOB):
    types = {"payout": "a10bb5b2", "royalty": "b3c5c697", "origin": "dfdfdaf4", "odd": "01020304"}
    return log(MOVED, (what, amount), sender, to, b"\0" * 4, bytes.fromhex(types[kind]))


ETHER = asset("ETH")
WRAPPED = asset("ERC20", WETH)

SCENARIO = [
    # 0: version 1, two of eight units that ALICE offers for 800; BOB's fee comes on top
    call(
        V1,
        Pay(WALLET, 10),
        Pay(CAROL, 20),
        Pay(ALICE, 175),
        log(SINGLE, V1, ALICE, BOB, 7, 2, at=COLLECTION),
        log(BUY, COLLECTION, 7, 8, ALICE, ZERO, 0, 800, BOB, 2, 1),
        value=205,
        sender=BOB,
    ),
    # 1: version 1, BOB's bid of 100 WETH taken by ALICE
    call(
        V1,
        log(ERC20, BOB, WALLET, 3, at=WETH),
        log(ERC20, BOB, ALICE, 100, at=WETH),
        log(NFT, ALICE, BOB, 8, at=COLLECTION),
        log(BUY, WETH, 0, 100, BOB, COLLECTION, 8, 1, ALICE, 100, 1),
        sender=ALICE,
    ),
    # 2: version 2 with assets, in native coin
    call(
        V2,
        moved(ETHER, 5, WALLET, "origin"),
        moved(ETHER, 10, CAROL, "royalty"),
        moved(ETHER, 90, ALICE, "payout"),
        Pay(WALLET, 5),
        Pay(CAROL, 10),
        Pay(ALICE, 90),
        log(NFT, ALICE, BOB, 9, at=COLLECTION),
        moved(asset("ERC721", COLLECTION, 9), 1, BOB, "payout", ALICE),
        log(WITH_ASSETS, HASH, HASH, ALICE, BOB, 100, 1, asset("ERC721", COLLECTION, 9), ETHER),
        value=105,
        sender=BOB,
    ),
    # 3: version 2 with assets, a bid in WETH for three units; one movement of no known type
    call(
        V2,
        moved(WRAPPED, 90, ALICE, "payout"),
        moved(WRAPPED, 1, DAVE, "odd"),
        log(SINGLE, V2, ALICE, BOB, 10, 3, at=COLLECTION),
        log(WITH_ASSETS, HASH, HASH, BOB, ALICE, 3, 91, WRAPPED, asset("ERC1155", COLLECTION, 10)),
        sender=ALICE,
    ),
    # 4: version 2 with fills alone, through a router that hands the token on
    call(
        ROUTER,
        call(
            V2,
            Pay(WALLET, 3),
            Pay(CAROL, 7),
            Pay(ALICE, 90),
            Pay(ROUTER, 2),
            log(NFT, ALICE, ROUTER, 11, at=COLLECTION),
            log(MATCH, HASH, HASH, 100, 1),
            value=102,
        ),
        log(NFT, ROUTER, DAVE, 11, at=COLLECTION),
        value=102,
        sender=DAVE,
    ),
    # 5: version 2 with fills alone, a bid in WETH
    call(
        V2,
        log(ERC20, CAROL, DAVE, 1_000, at=WETH),
        log(ERC20, BOB, CAROL, 7, at=WETH),
        log(ERC20, BOB, ALICE, 93, at=WETH),
        log(NFT, ALICE, BOB, 12, at=COLLECTION),
        log(MATCH, HASH, HASH, 100, 1),
        sender=ALICE,
    ),
    # 6: an exchange that is none
    call(OTHER, log(NFT, ALICE, BOB, 13, at=COLLECTION), log(MATCH, HASH, HASH, 1, 1)),
    # 7: a token that pays more than there is: nothing of it is believed
    call(
        V2,
        moved(WRAPPED, 2**256 - 1, ALICE, "payout"),
        moved(WRAPPED, 1, WALLET, "origin"),
        log(NFT, ALICE, BOB, 14, at=COLLECTION),
        log(WITH_ASSETS, HASH, HASH, BOB, ALICE, 1, 1, WRAPPED, asset("ERC721", COLLECTION, 14)),
        sender=ALICE,
    ),
]


def sales_of(tables, tx):
    return tables["settled_sales"].filter(pl.col("tx") == tx).sort("log_index", "item_index")


@cache
def emitted(*without):
    return settle_emitted(NAME, *without)


def test_part_of_an_order_of_version_1_has_the_fee_on_top_in_its_price():
    sale = one(sales_of(emitted(), 0))
    assert (sale["version"], sale["trade_kind"], sale["quantity"]) == ("1", "listing", "2")
    assert legs_of(emitted(), sale) == [
        (WALLET, "platform", 10), (CAROL, "unknown", 20), (ALICE, "seller", 175),
    ]  # fmt: skip
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (205, 0)


def test_bid_of_version_1_is_paid_in_the_token_that_the_order_sells():
    sale = one(sales_of(emitted(), 1))
    assert (sale["trade_kind"], sale["seller"], sale["buyer"]) == ("bid", ALICE, BOB)
    assert (sale["collection"], sale["token_id"], sale["currency"]) == (COLLECTION, "8", WETH)
    assert (sale["maker"], int(sale["price_wei"]), int(sale["residual_wei"])) == (BOB, 103, 0)


def test_movements_of_version_2_say_what_each_was_for():
    sale = one(sales_of(emitted(), 2))
    assert (sale["token_id"], sale["seller"], sale["buyer"]) == ("9", ALICE, BOB)
    assert legs_of(emitted(), sale) == [
        (WALLET, "platform", 5), (CAROL, "creator", 10), (ALICE, "seller", 90),
    ]  # fmt: skip
    assert (int(sale["price_wei"]), sale["currency"], int(sale["residual_wei"])) == (105, ZERO, 0)
    # They are logs: no trace is needed.
    assert legs_of(emitted("traces"), sale) == legs_of(emitted(), sale)


def test_bid_of_version_2_in_units():
    sale = one(sales_of(emitted(), 3))
    assert (sale["trade_kind"], sale["maker"], sale["quantity"]) == ("bid", BOB, "3")
    assert (sale["token_standard"], sale["currency"]) == ("erc1155", WETH)
    assert legs_of(emitted(), sale) == [(ALICE, "seller", 90), (DAVE, "unknown", 1)]
    assert (int(sale["price_wei"]), int(sale["other_wei"])) == (91, 1)


def test_fills_alone_leave_token_and_money_to_what_moved():
    sale = one(sales_of(emitted(), 4))
    assert (sale["token_id"], sale["seller"], sale["buyer"]) == ("11", ALICE, DAVE)
    assert (sale["aggregator"], sale["confidence"]) == (ROUTER, "inferred")
    assert legs_of(emitted(), sale) == [
        (WALLET, "platform", 3),
        (CAROL, "unknown", 7),
        (ALICE, "seller", 90),
        (ROUTER, "refund", 2),
    ]
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (100, 0)


def test_fills_alone_in_weth_count_what_left_the_buyer():
    sale = one(sales_of(emitted(), 5))
    assert (sale["trade_kind"], sale["maker"], sale["currency"]) == ("bid", BOB, WETH)
    assert legs_of(emitted(), sale) == [(CAROL, "unknown", 7), (ALICE, "seller", 93)]
    assert (int(sale["price_wei"]), int(sale["residual_wei"])) == (100, 0)


def test_fills_alone_without_traces_have_no_price():
    sale = one(sales_of(emitted("traces"), 4))
    assert (sale["price_wei"], sale["residual_wei"]) == (None, None)
    assert sale["residual_reason"] == "no payment was seen"
    first = one(sales_of(emitted("traces"), 0))
    assert (int(first["price_wei"]), first["residual_wei"]) == (200, None)


def test_another_contract_makes_no_sale():
    assert sales_of(emitted(), 6).is_empty()


def test_amounts_beyond_38_digits_leave_a_sale_without_a_price():
    sale = one(sales_of(emitted(), 7))
    assert (sale["price_wei"], sale["residual_wei"]) == (None, None)
    assert legs_of(emitted(), sale) == []
    refused = emitted()["quarantine"].filter(pl.col("tx") == 7, pl.col("protocol") == NAME)
    assert one(refused)["event"] == "Transfer"


REAL = {
    # tx: (version, collection, token, seller, buyer, price, fee, proceeds)
    "0x42f440cff0f703cb2e85182c82f66de7f4626b51e55bc58fbac34bf06e7c55f2": (
        "2",
        "0x1af303959d9a9dd6a64737c782595a4671b0944f",
        "53",
        "0x30ce58ea215f2b26a970232158d69d87417534a4",
        "0x5fae9d4b591f213b3ba75287f2cfac0883d17f7a",
        1_025_000_000_000_000_000,
        50_000_000_000_000_000,
        975_000_000_000_000_000,
    ),
    "0x79526756f6adc2a7579153e412c36a47e52bec95cdce0d69ee2f71ab3a2ab220": (
        "2",
        "0xd07dc4262bcdbf85190c01c996b4c06a461d2430",
        "664213",
        "0x2920a3192613d8c42f21b64873dc0ddfcbf018d4",
        "0x35a67395c724d2bdaf23a68d866e6a0c4cb1e9ba",
        25_625_000_000_000_000,
        1_250_000_000_000_000,
        24_375_000_000_000_000,
    ),
    "0x98b0c3feda9ba2a81f83bd0561af774a66cea18c8862a00481000f23092634f0": (
        "1",
        "0xc1cf598717f99a263cdd87f6114810c5f369b0d6",
        "3",
        "0xd589ae61b2890d9d9819a314c3f5bf152fb45e73",
        "0xb52e2dbf7f59ada1f56360ab662041748650ae06",
        102_500_000_000_000_000,
        5_000_000_000_000_000,
        97_500_000_000_000_000,
    ),
}
UNTRACED = "0x70a5c1e8df8bedd480008d20c86d68ae59810457087a429c4438f9c2c7a73334"


@cache
def recorded(*, with_traces):
    return settle_real(*REAL, UNTRACED, with_traces=with_traces)


@needs_mainnet
def test_recorded_sales_have_the_expected_rows_and_balance():
    sales = recorded(with_traces=True)["settled_sales"].filter(pl.col("protocol") == NAME)
    amounts = ("price_wei", "platform_fee_wei", "proceeds_wei")
    texts = ("version", "collection", "token_id", "seller", "buyer")
    found = {
        row["tx_hash"]: (*(row[x] for x in texts), *(int(row[x]) for x in amounts))
        for row in sales.rows(named=True)
    }
    untraced = one(sales.filter(pl.col("tx_hash") == UNTRACED))
    assert (int(untraced["price_wei"]), untraced["residual_wei"]) == (
        3_100_000_000_000_000_000,
        None,
    )
    del found[UNTRACED]
    assert found == REAL
    traced = sales.filter(pl.col("tx_hash") != UNTRACED)
    assert [int(each) for each in traced["residual_wei"]] == [0, 0, 0]


@needs_mainnet
def test_legs_that_recorded_logs_tell_are_what_the_traces_show():
    tables = recorded(with_traces=False)
    checked = 0
    for tx_hash, (version, *_) in REAL.items():
        if version != "2":
            continue
        paid, told = Counter(), Counter()
        for each in mainnet().traces[tx_hash]:
            if each["error"] is None and each["from_address"] == V2:
                paid[each["to_address"]] += int(each["value_wei"])
        legs = tables["sale_payments"].filter(pl.col("tx_hash") == tx_hash)
        for recipient, amount in legs.select("recipient", "amount_wei").rows():
            told[recipient] += int(amount)
        assert told == paid
        checked += 1
    assert checked == 2
