"""CryptoPunks: emitted on a node at the real address, recorded, and linked over transactions."""

import random
from functools import cache

import polars as pl
import pytest

from data.schema import conform
from data.units import ZERO_ADDRESS
from indexer.link import rebuild_links
from indexer.relink import find_touched, relink
from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.settled import legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, DAVE, ZERO, one
from tests.paths import MAINNET, needs_mainnet
from tests.quick import quick_and_slow

PUNKS = "0xb47e3cd837ddf8e4c57f05d70ab865de6e193bbb"
ASSIGN = "Assign(address indexed to, uint256 punkIndex)"
MOVED = "PunkTransfer(address indexed from, address indexed to, uint256 punkIndex)"
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
ENTERED = "PunkBidEntered(uint256 indexed punkIndex, uint256 value, address indexed fromAddress)"
WITHDRAWN = ENTERED.replace("Entered", "Withdrawn")
BOUGHT = (
    "PunkBought(uint256 indexed punkIndex, uint256 value, address indexed fromAddress,"
    " address indexed toAddress)"
)
NO_LONGER = "PunkNoLongerForSale(uint256 indexed punkIndex)"


def accepted(punk, seller, bidder):
    """What the contract says of an accepted bid: neither price nor bidder."""
    return log(ERC20, seller, bidder, 1), log(BOUGHT, punk, 0, seller, ZERO)


def bought(punk, price, seller, buyer):
    return (
        log(ERC20, seller, buyer, 1),
        log(NO_LONGER, punk),
        log(BOUGHT, punk, price, seller, buyer),
    )


def moved(punk, sender, receiver):
    return log(ERC20, sender, receiver, 1), log(MOVED, sender, receiver, punk)


SCENARIO = [
    # 0: ALICE gets punks 1, 2 and 3
    call(PUNKS, *(log(ASSIGN, ALICE, punk) for punk in (1, 2, 3))),
    # 1: she sells punk 1 to BOB
    call(PUNKS, *bought(1, 500, ALICE, BOB)),
    # 2: CAROL bids on it, then DAVE does, who is outbid by CAROL
    call(PUNKS, log(ENTERED, 1, 600, CAROL), log(ENTERED, 1, 700, DAVE)),
    # 3
    call(PUNKS, log(ENTERED, 1, 800, CAROL)),
    # 4: BOB takes CAROL's bid
    call(PUNKS, *accepted(1, BOB, CAROL)),
    # 5: a bid on punk 2 is entered and withdrawn; whatever was taken then is not known
    call(PUNKS, log(ENTERED, 2, 100, CAROL), log(WITHDRAWN, 2, 100, CAROL)),
    # 6
    call(PUNKS, *accepted(2, ALICE, CAROL)),
    # 7: CAROL gives punk 1 to DAVE for nothing, and sells punk 2 at 0
    call(PUNKS, *moved(1, CAROL, DAVE), *bought(2, 0, CAROL, BOB)),
    # 8: BOB bids on punk 3, and gets it as a gift, which ends his bid
    call(PUNKS, log(ENTERED, 3, 90, BOB), *moved(3, ALICE, BOB), *moved(3, BOB, CAROL)),
    # 9: so that what CAROL takes now is a bid that was not seen
    call(PUNKS, *accepted(3, CAROL, BOB)),
    # 10: two bids taken in one transaction
    call(PUNKS, log(ENTERED, 4, 40, BOB), log(ENTERED, 5, 50, CAROL)),
    call(PUNKS, *accepted(4, ALICE, BOB), *accepted(5, ALICE, CAROL)),
    # 12: an amount beyond 38 digits, a bid taken without its transfer, and another contract
    call(
        PUNKS,
        log(BOUGHT, 6, 2**256 - 1, ALICE, BOB),
        log(BOUGHT, 7, 0, ALICE, ZERO),
        log(BOUGHT, 8, 5, ALICE, BOB, at=DAVE),
        log(ERC20, ALICE, BOB, 1, at=DAVE),
    ),
]


@cache
def emitted():
    return settle_emitted("cryptopunks")


FACTS = ("transfers", "settled_sales", "sale_payments", "punk_bids")


def rows_of(name, tx, *columns):
    frame = emitted()[name]
    return frame.filter(pl.col("tx") == tx).sort("log_index").select(columns).rows()


def test_every_move_of_a_punk_is_one_transfer_of_the_collection():
    columns = ("kind", "collection", "token_id", "from_address", "to_address", "token_standard")
    assert rows_of("transfers", 0, *columns) == [
        ("mint", PUNKS, token, ZERO, ALICE, "erc721") for token in ("1", "2", "3")
    ]
    ends = ("token_id", "from_address", "to_address")
    assert rows_of("transfers", 1, *ends) == [("1", ALICE, BOB)]
    assert rows_of("transfers", 4, *ends) == [("1", BOB, CAROL)]
    assert rows_of("transfers", 7, *ends) == [("1", CAROL, DAVE), ("2", CAROL, BOB)]
    assert rows_of("transfers", 2, *ends) == []


def test_transfer_of_erc20_shape_by_another_contract_is_no_punk():
    assert rows_of("transfers", 12, "token_id") == []
    assert rows_of("settled_sales", 12, "token_id") == [("7",)]


def test_purchase_is_whole_and_its_seller_gets_everything():
    tables = emitted()
    sale = one(tables["settled_sales"].filter(pl.col("tx") == 1))
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "listing")
    assert (int(sale["price_wei"]), int(sale["residual_wei"]), sale["currency"]) == (500, 0, ZERO)
    assert legs_of(tables, sale) == [(ALICE, "seller", 500)]
    gift = one(tables["settled_sales"].filter(pl.col("tx") == 7))
    assert (int(gift["price_wei"]), gift["buyer"]) == (0, BOB)


def test_accepted_bid_has_its_buyer_from_the_transfer_and_no_price_of_its_own():
    tables = emitted()
    sale = one(tables["settled_sales"].filter(pl.col("tx") == 4))
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (BOB, CAROL, "bid")
    assert (sale["maker"], sale["taker"]) == (CAROL, BOB)
    assert (sale["price_wei"], sale["proceeds_wei"], sale["residual_wei"]) == (None, None, None)
    assert sale["residual_reason"] == "the price is that of a bid in an earlier transaction"
    unseen = one(tables["settled_sales"].filter(pl.col("tx") == 12))
    assert (unseen["seller"], unseen["buyer"]) == (ALICE, None)


def test_amount_beyond_38_digits_is_set_aside():
    aside = emitted()["quarantine"]
    assert aside.select("tx", "event", "reason").rows() == [
        (12, "PunkBought", "value: amount above 38 digits")
    ]


# --- links


def facts(name, txs):
    frame = emitted()[name]
    return conform(name, frame.filter(pl.col("tx").is_in(txs)).drop("tx"))


def priced(store):
    """Sales by token and seller: trade kind, price, proceeds, residual, reason."""
    rows = store.query(
        "SELECT token_id, buyer, trade_kind, price_wei, proceeds_wei, residual_wei, residual_reason"
        " FROM sales ORDER BY block_number, log_index"
    ).rows()
    return [tuple(int(v) if hasattr(v, "quantize") else v for v in row) for row in rows]


UNKNOWN = (None, None, None, "the price is that of a bid in an earlier transaction")


def test_accepted_bid_is_priced_by_the_bid_in_force(store):
    with store.transaction() as transaction:
        for name in FACTS:
            transaction.append(name, facts(name, list(range(12))))
    rebuild_links(store)
    assert priced(store) == [
        ("1", BOB, "listing", 500, 500, 0, None),
        ("1", CAROL, "bid", 800, 800, 0, None),
        ("2", CAROL, "bid", *UNKNOWN),
        ("2", BOB, "listing", 0, 0, 0, None),
        ("3", BOB, "bid", *UNKNOWN),
        ("4", BOB, "bid", 40, 40, 0, None),
        ("5", CAROL, "bid", 50, 50, 0, None),
    ]
    owners = store.query("SELECT token_id, owner FROM tokens ORDER BY token_id").rows()
    assert owners == [("1", DAVE), ("2", BOB), ("3", BOB), ("4", BOB), ("5", CAROL)]


def test_bid_that_was_not_indexed_gives_no_price(store):
    with store.transaction() as transaction:
        for name in FACTS:
            transaction.append(name, facts(name, [2, 4]))
    rebuild_links(store)
    assert priced(store) == [("1", CAROL, "bid", *UNKNOWN)], "DAVE's bid is not CAROL's"


@pytest.mark.parametrize("seed", quick_and_slow([0, 1], [2, 3]))
def test_blocks_in_any_order_and_undone_give_the_same_links(store, seed):
    txs = list(range(13))
    random.Random(seed).shuffle(txs)
    for tx in txs:
        with store.transaction() as transaction:
            for name in FACTS:
                transaction.append(name, facts(name, [tx]))
            relink(transaction, find_touched(transaction, 1, tx + 1, tx + 2))
    linked = store.digest()
    rebuild_links(store)
    assert store.digest() == linked
    with store.transaction() as transaction:
        touched = find_touched(transaction, 1, 4)
        transaction.delete_from_block(1, 4)
        relink(transaction, touched)
    undone = store.digest()
    rebuild_links(store)
    assert store.digest() == undone
    assert [row[:2] for row in priced(store)] == [("1", BOB)]


# --- recorded

REAL = {
    # tx: (punk, seller, buyer, price)
    "0x88cb205cb607c3cb33d7453b963ec0ecb9931b55703e2b7ffb3dffd69e9d1d0d": (
        "6138",
        "0x6639c089adfba8bb9968da643c6be208a70d6daa",
        "0x30e62300d679adeeb3baf746d31b97c726be0c85",
        94_950 * 10**15,
    ),
    "0x793899ab278f2ff43a2564f12bab9c36cea57e605ed0fbd1491414fabfe1c7ce": (
        "3629", "0x87b1702a5a31f6b63820c99f2234a3323ac728c4",
        "0x1919db36ca2fa2e15f9000fd9cdc2edcf863e685", 55_900 * 10**15,
    ),
    "0x4b581466cca3f2b50a6b97c053dd207feb911c6f858f21331ff829aa97dc6159": (
        "7071", "0x4e6d2af4931681a024da8feaa4faba2bf8bbdc65",
        "0x1919db36ca2fa2e15f9000fd9cdc2edcf863e685", 56_000 * 10**15,
    ),
    "0x61c6007a23dee8301b7f3e0546ac596087a8496900e0b5a6e1eace3fafc9905d": (
        "8379", "0xbb26a6da4d918682f58cc91bd3fb251dd28549d2",
        "0x347e9f9ddd45bf8a77db9aaa8f06d671698f8dc2", 58_990 * 10**15,
    ),
}  # fmt: skip


@needs_mainnet
def test_recorded_purchases_have_the_expected_rows():
    sales = settle_real(*REAL)["settled_sales"].filter(pl.col("protocol") == "cryptopunks")
    found = {
        row["tx_hash"]: (row["token_id"], row["seller"], row["buyer"], int(row["price_wei"]))
        for row in sales.rows(named=True)
    }
    assert found == REAL
    assert sales["residual_wei"].to_list() == [0] * 4


@needs_mainnet
def test_recorded_gift_moves_the_punk_as_another_list_says():
    tx_hash = "0x0da4c50900119b47400d71a9dd3563571145e4e362b952c36a9e38c77f7d25bb"
    tables = settle_real(tx_hash)
    gift = one(tables["transfers"])
    assert (gift["collection"], gift["token_id"], gift["kind"]) == (PUNKS, "89", "transfer")
    listed = pl.read_parquet(MAINNET / "transfers_cryptopunks_2017.parquet")
    told = one(listed.filter(pl.col("tx_hash") == tx_hash))
    assert (gift["from_address"], gift["to_address"]) == (told["from_address"], told["to_address"])
    assert ZERO_ADDRESS not in (gift["from_address"], gift["to_address"])
    assert tables["settled_sales"].is_empty()
