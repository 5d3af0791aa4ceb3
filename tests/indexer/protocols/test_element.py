"""Element: emitted on a node at the real address, and recorded on Ethereum."""

from functools import cache

import polars as pl
import pytest

from indexer.protocols.base import ChainContext
from indexer.protocols.element import PROTOCOL
from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import mainnet, settle_emitted, settle_real
from tests.indexer.protocols.settled import legs_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, TRANSFER, WETH, ZERO, one
from tests.paths import SHARED, needs_mainnet

EXCHANGE = "0x20f780a973856b93f63670377900c1d2a50a77c4"
COIN = "0x" + "ee" * 20
GEM = "0x83c8f28c26bf6aaca652df1dbbe0e1b56f8baba2"
HASH = b"\x01" * 32
ERC20 = "Transfer(address indexed from, address indexed to, uint256 value)"
FEE_LIST = "(address,uint256)[] fees,"


def plain(side, maker, taker, amount, token, *, coin=COIN, units=None, at=""):
    standard = "ERC721" if units is None else "ERC1155"
    tail, rest = ("", ()) if units is None else (" uint128 u,", (units,))
    return log(
        f"{standard}{side}OrderFilled(address m, address t, address c, uint256 a, address n,"
        f" uint256 i,{tail} bytes32 h)",
        maker, taker, coin, amount, COLLECTION, token, *rest, HASH, at=at,
    )  # fmt: skip


def listed(side, maker, taker, amount, fees, token, *, coin=COIN, units=None, at=""):
    standard = "ERC721" if units is None else "ERC1155"
    tail, rest = ("", ()) if units is None else (", uint128 u", (units,))
    return log(
        f"{standard}{side}OrderFilled(bytes32 h, address m, address t, uint256 n, address c,"
        f" uint256 a, {FEE_LIST} address k, uint256 i{tail})",
        HASH, maker, taker, 7, coin, amount, fees, COLLECTION, token, *rest, at=at,
    )  # fmt: skip


def paid(payer, receiver, amount):
    return log(ERC20, payer, receiver, amount, at=WETH)


SCENARIO = [
    # 0: a listing with its fees in the event; change for the buyer
    call(
        EXCHANGE,
        Pay(CAROL, 25), Pay(DAVE, 50), Pay(ALICE, 925),
        listed("Sell", ALICE, BOB, 1_000, [(CAROL, 25), (DAVE, 50)], 7),
        Pay(BOB, 5),
        value=1_005,
    ),
    # 1: a listing without: what the seller got, and a fee on top
    call(
        EXCHANGE, Pay(ALICE, 995), Pay(CAROL, 5), plain("Sell", ALICE, BOB, 995, 8), value=1_000
    ),
    # 2: two of these through a router, each by a call of its own
    call(
        GEM,
        call(EXCHANGE, Pay(ALICE, 95), Pay(CAROL, 5), plain("Sell", ALICE, GEM, 95, 1), value=100),
        call(EXCHANGE, Pay(DAVE, 190), Pay(CAROL, 10), plain("Sell", DAVE, GEM, 190, 2), value=200),
        log(TRANSFER, GEM, BOB, 1, at=COLLECTION),
        value=300,
    ),
    # 3: bids in WETH, of both layouts, on several units
    call(
        EXCHANGE,
        paid(BOB, ALICE, 90),
        paid(BOB, CAROL, 10),
        listed("Buy", BOB, ALICE, 100, [(CAROL, 10)], 5, coin=WETH, units=3),
        paid(DAVE, ALICE, 1),
        paid(BOB, ALICE, 200),
        paid(BOB, CAROL, 20),
        plain("Buy", BOB, ALICE, 200, 6, coin=WETH, units=4),
    ),
    # 4: payments that contradict the event
    call(
        EXCHANGE,
        paid(BOB, ALICE, 80),
        listed("Buy", BOB, ALICE, 100, [(CAROL, 10)], 5, coin=WETH),
    ),
    # 5: no fee at all, and several sales in one call of which nobody can tell who was paid
    call(EXCHANGE, Pay(ALICE, 40), listed("Sell", ALICE, BOB, 40, [], 9), value=40),
    call(
        EXCHANGE, Pay(ALICE, 40), plain("Sell", ALICE, BOB, 40, 1),
        Pay(ALICE, 60), plain("Sell", ALICE, BOB, 60, 2), value=100,
    ),
    # 7: orders matched against each other
    call(
        EXCHANGE,
        paid(BOB, ALICE, 300),
        plain("Sell", ALICE, BOB, 300, 3, coin=WETH),
        plain("Buy", BOB, ALICE, 310, 3, coin=WETH),
    ),
    # 8: fees above the amount, an amount beyond 38 digits, another contract
    call(
        EXCHANGE,
        listed("Sell", ALICE, BOB, 10, [(CAROL, 11)], 1),
        listed("Sell", ALICE, BOB, 10, [(CAROL, 10**38 - 1)] * 4, 1),
        plain("Sell", ALICE, BOB, 2**256 - 1, 1),
        plain("Sell", ALICE, BOB, 10, 1, at=DAVE),
    ),
    # 9: a token of somebody's own, moved in amounts that no sum holds
    call(
        EXCHANGE,
        paid(BOB, ALICE, 8 * 10**37),
        paid(BOB, CAROL, 8 * 10**37),
        plain("Buy", BOB, ALICE, 8 * 10**37, 1, coin=WETH),
    ),
]  # fmt: skip


@cache
def emitted(*without):
    return settle_emitted("element", *without)


def sales_of(tx, *without):
    sales = emitted(*without)["settled_sales"]
    return sales.filter(pl.col("tx") == tx).sort("log_index")


def amounts(sale):
    names = ("price_wei", "proceeds_wei", "platform_fee_wei", "other_wei", "residual_wei")
    return tuple(None if sale[name] is None else int(sale[name]) for name in names)


ON_TOP = "fees on top of what the seller got are not in the event, and no payment was seen"


def test_listing_with_fees_is_paid_by_its_amount():
    sale = one(sales_of(0))
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "listing")
    assert (sale["currency"], sale["token_id"], sale["maker"]) == (ZERO, "7", ALICE)
    assert legs_of(emitted(), sale) == [
        (ALICE, "seller", 925), (CAROL, "unknown", 25), (DAVE, "unknown", 50),
    ]  # fmt: skip
    assert amounts(sale) == (1_000, 925, 0, 75, 0)
    untraced = one(sales_of(0, "traces"))
    assert amounts(untraced) == (1_000, 925, 0, 75, None)
    assert untraced["residual_reason"] == "a leg was computed, not read"


def test_listing_without_fees_in_the_event_is_priced_by_what_was_paid():
    sale = one(sales_of(1))
    assert legs_of(emitted(), sale) == [(ALICE, "seller", 995), (CAROL, "unknown", 5)]
    assert amounts(sale) == (1_000, 995, 0, 5, 0)
    untraced = one(sales_of(1, "traces"))
    assert amounts(untraced) == (None, 995, 0, 0, None)
    assert untraced["residual_reason"] == ON_TOP


def test_each_call_of_a_router_is_a_sale_with_its_own_payments():
    sales = sales_of(2)
    assert [amounts(row) for row in sales.rows(named=True)] == [
        (100, 95, 0, 5, 0), (200, 190, 0, 10, 0),
    ]  # fmt: skip
    assert sales.select("buyer", "taker", "aggregator").rows() == [
        (BOB, GEM, GEM),
        (GEM, GEM, None),
    ]


def test_bids_of_both_layouts_are_paid_in_tokens():
    sales = sales_of(3)
    assert sales.select("trade_kind", "seller", "buyer", "quantity", "token_standard").rows() == [
        ("bid", ALICE, BOB, "3", "erc1155"), ("bid", ALICE, BOB, "4", "erc1155"),
    ]  # fmt: skip
    rows = [amounts(row) for row in sales.rows(named=True)]
    assert rows[1] == (220, 200, 0, 20, 0)
    # Both are paid by BOB in one transaction: the first is compared with the payments of both.
    assert rows[0] == (100, 90, 0, 10, None)


def test_payments_that_contradict_the_event_leave_the_sale_unbalanced():
    sale = one(sales_of(4))
    assert amounts(sale) == (100, 90, 0, 10, None)
    assert sale["residual_reason"] == "the payments seen do not add up to the price"


def test_sale_without_fees_needs_no_evidence_but_its_event():
    assert amounts(one(sales_of(5))) == (40, 40, 0, 0, 0)
    assert amounts(one(sales_of(5, "traces"))) == (40, 40, 0, 0, 0)


def test_several_sales_of_one_call_have_no_price_rather_than_a_guess():
    sales = sales_of(6)
    assert [amounts(row) for row in sales.rows(named=True)] == [
        (None, 40, 0, 0, None), (None, 60, 0, 0, None),
    ]  # fmt: skip
    assert set(sales["residual_reason"]) == {ON_TOP}


def test_matched_orders_are_one_sale():
    sale = one(sales_of(7))
    assert (sale["trade_kind"], sale["seller"], sale["buyer"]) == ("match", ALICE, BOB)
    assert sale["residual_wei"] is None
    assert sale["residual_reason"].startswith("orders were matched")


def test_impossible_amounts_are_set_aside_or_left_without_a_sum():
    assert sales_of(8).is_empty()
    aside = emitted()["quarantine"].sort("log_index")
    assert aside.select("tx", "event", "reason").rows() == [
        (8, "ERC721SellOrderFilledFees", "fees above the price"),
        (8, "ERC721SellOrderFilledFees", "fees above the price"),
        (8, "ERC721SellOrderFilled", "amount: amount above 38 digits"),
    ]
    assert amounts(one(sales_of(9))) == (None, 8 * 10**37, 0, 0, None)


REAL = {
    # tx: (sales, prices together, fees together)
    "0x0aa073dfa904606f15048fabe3559ba343cfd44713a0dbb18100a0df0baed15a": (
        10, 10 * 10**15, 50 * 10**12,
    ),
    "0x590e24348345694d9a98f7ddfbe8c646327fdb6aecd948be5be013bd84c791ee": (
        1, 21_500 * 10**12, 5_375 * 10**11,
    ),
}  # fmt: skip


@needs_mainnet
def test_recorded_sales_balance_and_agree_with_the_traces():
    tables = settle_real(*REAL)
    sales = tables["settled_sales"].filter(pl.col("protocol") == "element")
    total = [pl.col(name).cast(pl.Int128).sum() for name in ("price_wei", "other_wei")]
    sums = sales.group_by("tx_hash").agg(pl.len(), *total)
    assert {tx_hash: tuple(rest) for tx_hash, *rest in sums.rows()} == REAL
    assert sales["residual_wei"].to_list() == [0] * 11
    legs = tables["sale_payments"].join(sales, on="sale_id", how="semi")
    told = legs.group_by("tx_hash", "recipient").agg(pl.col("amount_wei").cast(pl.Int128).sum())
    seen: dict[tuple[str, str], int] = {}
    for tx_hash in REAL:
        for trace in mainnet().traces[tx_hash]:
            if trace["from_address"] == EXCHANGE and not trace["error"]:
                key = (tx_hash, trace["to_address"])
                seen[key] = seen.get(key, 0) + int(trace["value_wei"])
    assert {(tx_hash, who): paid for tx_hash, who, paid in told.rows()} == seen


@pytest.mark.skipif(
    not (SHARED / "reference" / "protocols.csv").exists(), reason="the protocol table is not here"
)
def test_every_sale_event_of_the_protocol_table_is_read_on_every_chain():
    listed = pl.read_csv(SHARED / "reference" / "protocols.csv", infer_schema_length=0).filter(
        pl.col("protocol") == "element", pl.col("role") == "sale"
    )
    assert listed.height == 96
    for chain_id, topic0, addresses in listed.select("chain_id", "topic0", "addresses").rows():
        routes = PROTOCOL.routes(ChainContext(int(chain_id)))
        emitters = {e for r in routes if r.event.topic0 == topic0 for e in r.emitters or ()}
        assert emitters == {addresses}, (chain_id, topic0)
