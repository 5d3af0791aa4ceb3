"""Orders to sales: who sold what to whom, and where every wei went."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emission.script import Pay, call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.settled import assert_balanced, legs_of, settle
from tests.indexer.samples import (
    ALICE,
    BOB,
    CAROL,
    COLLECTION,
    DAVE,
    OPENSEA,
    ORDER_FULFILLED,
    ORDERS_MATCHED,
    SEAPORT_1_1,
    SEAPORT_1_5,
    TRANSFER,
    WETH,
    ZERO,
    make_log,
    make_match,
    make_order,
    one,
)
from tests.paths import needs_mainnet

NFT, MULTI = 2, 3


def nft(token=1, *to):
    return (NFT, COLLECTION, token, 1, *to)


def eth(amount, to):
    return (0, ZERO, 0, amount, to)


def weth(amount, *to):
    return (1, WETH, 0, amount, *to)


def amounts(sale):
    names = ("price_wei", "proceeds_wei", "platform_fee_wei", "royalty_wei", "other_wei")
    return tuple(int(sale[name]) for name in names)


def test_listing_is_paid_by_the_sum_of_its_consideration():
    order = make_order(ALICE, BOB, [nft()], [eth(900, ALICE), eth(25, OPENSEA), eth(75, CAROL)])
    tables = settle(order)
    sale = one(tables["settled_sales"])
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "listing")
    assert (sale["maker"], sale["taker"]) == (ALICE, BOB)
    assert (sale["collection"], sale["token_id"], sale["quantity"]) == (COLLECTION, "1", "1")
    assert (sale["currency"], sale["marketplace"], sale["version"]) == (ZERO, "opensea", "1.5")
    assert amounts(sale) == (1_000, 900, 25, 75, 0)
    assert sale["confidence"] == "inferred", "a creator is told by elimination"
    assert_balanced(tables)


def test_sale_whose_legs_are_all_known_is_decoded():
    sale = one(
        settle(make_order(ALICE, BOB, [nft()], [eth(975, ALICE), eth(25, OPENSEA)]))[
            "settled_sales"
        ]
    )
    assert sale["confidence"] == "decoded"


def test_legs_are_classed_by_address_whatever_their_place():
    order = make_order(ALICE, BOB, [nft()], [eth(75, CAROL), eth(25, OPENSEA), eth(900, ALICE)])
    tables = settle(order)
    assert legs_of(tables, one(tables["settled_sales"])) == [
        (CAROL, "creator", 75),
        (OPENSEA, "platform", 25),
        (ALICE, "seller", 900),
    ]


def test_bid_filled_alone_pays_its_seller_what_the_fees_leave():
    order = make_order(BOB, ALICE, [weth(1_000)], [nft(1, BOB), weth(25, OPENSEA), weth(50, CAROL)])
    tables = settle(order)
    sale = one(tables["settled_sales"])
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "bid")
    assert (sale["currency"], sale["maker"], sale["taker"]) == (WETH, BOB, ALICE)
    assert amounts(sale) == (1_000, 925, 25, 50, 0)
    assert_balanced(tables)


def matched_bid():
    """Bid and counter-order as matchOrders logs them: mirrored legs, fees on both sides."""
    return [
        make_order(BOB, ALICE, [weth(1_000)], [nft(1, BOB), weth(25, OPENSEA)], order=1, index=0),
        make_order(ALICE, ALICE, [nft()], [weth(10, CAROL), weth(965, ALICE)], order=2, index=1),
    ]


def test_matched_orders_are_one_sale_with_the_fees_of_both():
    tables = settle(*matched_bid(), make_match([1, 2], index=2))
    sale = one(tables["settled_sales"])
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "match")
    assert amounts(sale) == (1_000, 965, 25, 10, 0)
    assert sale["log_index"] == 0
    assert_balanced(tables)


def test_orders_filled_apart_in_one_transaction_stay_two_sales():
    logs = [
        make_order(ALICE, BOB, [nft(1)], [eth(10, ALICE)], order=1, index=0),
        make_order(CAROL, BOB, [nft(2)], [eth(20, CAROL)], order=2, index=1),
    ]
    tables = settle(*logs)
    assert sorted(map(int, tables["settled_sales"]["price_wei"])) == [10, 20]
    assert_balanced(tables)


def test_early_version_marks_matched_orders_by_their_zero_recipient():
    logs = [
        make_order(BOB, ZERO, [weth(1_000)], [nft(1, BOB)], order=1, index=0, address=SEAPORT_1_1),
        make_order(ALICE, ZERO, [nft()], [weth(990, ALICE)], order=2, index=1, address=SEAPORT_1_1),
    ]
    tables = settle(*logs)
    sale = one(tables["settled_sales"])
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "match")
    assert amounts(sale)[:2] == (990, 990), "1.1 leaves what is not used with the bidder"
    assert_balanced(tables)


def test_later_version_hands_the_spread_to_whoever_matched():
    logs = [
        make_order(BOB, DAVE, [weth(1_000)], [nft(1, BOB)], order=1, index=0),
        make_order(ALICE, DAVE, [nft()], [weth(990, ALICE)], order=2, index=1),
        make_match([1, 2], index=2),
    ]
    tables = settle(*logs)
    sale = one(tables["settled_sales"])
    assert amounts(sale) == (1_000, 990, 0, 0, 10)
    assert (DAVE, "unknown", 10) in legs_of(tables, sale)
    assert_balanced(tables)


def test_private_listing_goes_to_the_receiver_that_it_names():
    logs = [
        make_order(
            ALICE, DAVE, [nft()], [eth(950, ALICE), eth(50, OPENSEA), nft(1, BOB)], order=1, index=0
        ),
        make_order(BOB, DAVE, [(0, ZERO, 0, 1_000)], [], order=2, index=1),
        make_match([1, 2], index=2),
    ]
    tables = settle(*logs)
    sale = one(tables["settled_sales"])
    assert (sale["seller"], sale["buyer"], sale["trade_kind"]) == (ALICE, BOB, "private")
    assert amounts(sale) == (1_000, 950, 50, 0, 0)
    assert_balanced(tables)


def test_two_private_listings_in_one_match_find_their_own_money():
    logs = []
    for place, (seller, buyer, token, price) in enumerate(
        [(ALICE, BOB, 1, 300), (CAROL, DAVE, 2, 500)]
    ):
        listing = make_order(
            seller, ZERO, [nft(token)], [eth(price, seller), nft(token, buyer)],
            order=10 + place, index=2 * place,
        )  # fmt: skip
        payment = make_order(
            buyer, ZERO, [(0, ZERO, 0, price)], [], order=20 + place, index=2 * place + 1
        )
        logs += [listing, payment]
    tables = settle(*logs, make_match([10, 20, 11, 21], index=9))
    rows = tables["settled_sales"].sort("token_id").select("seller", "buyer", "price_wei").rows()
    assert [(seller, buyer, int(price)) for seller, buyer, price in rows] == [
        (ALICE, BOB, 300),
        (CAROL, DAVE, 500),
    ]
    assert_balanced(tables)


def test_matched_money_that_fits_no_trade_is_set_aside():
    logs = [
        make_order(ALICE, ZERO, [nft(1)], [eth(300, ALICE), nft(1, BOB)], order=1, index=0),
        make_order(CAROL, ZERO, [nft(2)], [eth(500, CAROL), nft(2, DAVE)], order=2, index=1),
        make_order(BOB, ZERO, [(0, ZERO, 0, 800)], [], order=3, index=2),
        make_match([1, 2, 3], index=3),
    ]
    tables = settle(*logs)
    assert tables["settled_sales"].is_empty()
    assert set(tables["quarantine"]["reason"]) == {"matched orders cannot be told apart"}


def test_bundle_is_one_row_per_token_and_adds_up_to_what_was_paid():
    order = make_order(ALICE, BOB, [nft(1), nft(2), nft(3)], [eth(1_000, ALICE), eth(26, OPENSEA)])
    tables = settle(order)
    rows = tables["settled_sales"].sort("item_index")
    assert rows["token_id"].to_list() == ["1", "2", "3"]
    assert [int(price) for price in rows["price_wei"]] == [334 + 10, 333 + 8, 333 + 8]
    assert rows["bundle_id"].unique().to_list() == [rows["sale_id"][0]]
    assert rows["bundle_size"].to_list() == [3, 3, 3]
    assert set(rows["confidence"]) == {"inferred"}
    assert_balanced(tables)


def test_sweep_by_match_gives_each_seller_the_price_of_its_own_order():
    logs = [
        make_order(
            BOB, BOB, [(0, ZERO, 0, 310)], [nft(1, BOB), nft(2, BOB), eth(10, OPENSEA)],
            order=1, index=0,
        ),
        make_order(ALICE, BOB, [nft(1)], [eth(100, ALICE)], order=2, index=1),
        make_order(CAROL, BOB, [nft(2)], [eth(200, CAROL)], order=3, index=2),
        make_match([1, 2, 3], index=3),
    ]  # fmt: skip
    tables = settle(*logs)
    rows = tables["settled_sales"].sort("token_id")
    assert rows["seller"].to_list() == [ALICE, CAROL]
    assert [int(value) for value in rows["proceeds_wei"]] == [100, 200]
    assert [int(value) for value in rows["price_wei"]] == [105, 205]
    assert_balanced(tables)


def test_part_of_an_erc1155_order_keeps_its_quantity():
    order = make_order(ALICE, BOB, [(MULTI, COLLECTION, 1, 7)], [eth(70, ALICE)])
    sale = one(settle(order)["settled_sales"])
    assert (sale["token_standard"], sale["quantity"]) == ("erc1155", "7")
    assert int(sale["price_wei"]) == 70


def test_tokens_for_tokens_are_a_swap_at_no_price():
    order = make_order(ALICE, BOB, [nft(1)], [nft(2, ALICE)])
    tables = settle(order)
    assert set(tables["settled_sales"]["trade_kind"]) == {"swap"}
    assert [int(price) for price in tables["settled_sales"]["price_wei"]] == [0, 0]
    assert_balanced(tables)


def test_gift_is_kept_at_price_zero():
    tables = settle(make_order(ALICE, BOB, [nft(1)], []))
    assert int(one(tables["settled_sales"])["price_wei"]) == 0
    assert_balanced(tables)


def test_trade_of_currencies_is_no_sale():
    tables = settle(make_order(ALICE, BOB, [weth(5)], [eth(5, ALICE)]))
    assert tables["settled_sales"].is_empty()
    assert tables["quarantine"].is_empty()
    assert tables["logs"].height == 1


def test_no_royalty_is_invented_when_the_seller_is_not_paid():
    tables = settle(make_order(ALICE, BOB, [nft(1)], [eth(975, CAROL), eth(25, OPENSEA)]))
    sale = one(tables["settled_sales"])
    assert amounts(sale) == (1_000, 0, 25, 0, 975)
    assert_balanced(tables)


def test_leg_in_another_currency_leaves_the_residual_unknown_with_a_reason():
    tables = settle(make_order(ALICE, BOB, [nft(1)], [eth(900, ALICE), weth(5, CAROL)]))
    sale = one(tables["settled_sales"])
    assert sale["residual_wei"] is None
    assert sale["residual_reason"] == "paid in several currencies"
    assert int(sale["price_wei"]) == 900
    assert tables["sale_payments"].height == 2


@pytest.mark.parametrize(
    ("offer", "consideration", "reason"),
    [
        ([nft(1), weth(5)], [eth(9, ALICE)], "money and tokens are offered together"),
        ([weth(5)], [nft(1, ALICE), weth(9, CAROL)], "more money is asked for than offered"),
        (
            [(MULTI, COLLECTION, 1, 1), (MULTI, COLLECTION, 1, 2)],
            [(MULTI, COLLECTION, 1, 1, BOB), (MULTI, COLLECTION, 1, 2, CAROL)],
            "one token is offered and asked for several times",
        ),
        (
            [nft(1)],
            [eth(6 * 10**37, ALICE), eth(6 * 10**37, OPENSEA)],
            "amounts above 38 digits together",
        ),
        ([nft(1)], [eth(10**38, ALICE)], "consideration.amount: amount above 38 digits"),
    ],
)
def test_order_that_cannot_be_settled_is_set_aside_and_its_neighbour_is_not(
    offer, consideration, reason
):
    odd = make_order(ALICE, BOB, offer, consideration, order=1, index=0, tx=1)
    fine = make_order(CAROL, BOB, [nft(9)], [eth(5, CAROL)], order=2, index=1, tx=2)
    tables = settle(odd, fine)
    assert tables["settled_sales"]["token_id"].to_list() == ["9"]
    assert tables["quarantine"]["reason"].to_list() == [reason]
    assert tables["quarantine"]["log_index"].to_list() == [0]
    assert_balanced(tables)


def test_fork_with_the_same_event_is_not_seaport():
    order = make_order(ALICE, BOB, [nft(1)], [eth(5, ALICE)], address=COLLECTION)
    assert settle(order)["settled_sales"].is_empty()


def test_garbled_match_leaves_the_orders_as_they_are_and_is_set_aside():
    broken = make_log(
        "OrdersMatched(bytes32[] orderHashes)", [], data=b"\xff" * 64, index=2,
        address="0x00000000000000adc04c56bf30ac9d3c0aaf14dc",
    )  # fmt: skip
    tables = settle(make_order(ALICE, BOB, [nft(1)], [eth(5, ALICE)]), broken)
    assert tables["settled_sales"].height == 1
    assert tables["quarantine"]["event"].to_list() == ["OrdersMatched"]


legs = st.lists(
    st.tuples(st.integers(0, 10**30), st.sampled_from([ALICE, BOB, CAROL, DAVE, OPENSEA])),
    max_size=5,
)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), legs), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_every_listing_balances_to_the_wei_in_any_order_of_arrival(listings, random):
    logs, paid = [], 0
    for place, (n_tokens, payments) in enumerate(listings):
        tokens = [nft(100 * place + i) for i in range(n_tokens)]
        considered = [eth(amount, to) for amount, to in payments]
        paid += sum(amount for amount, _ in payments)
        logs.append(make_order(ALICE, BOB, tokens, considered, order=place, index=place, tx=place))
    tables = settle(*logs)
    assert_balanced(tables)
    assert sum(map(int, tables["settled_sales"]["price_wei"])) == paid
    random.shuffle(logs)
    again = settle(*logs)
    for name in ("settled_sales", "sale_payments"):
        assert again[name].equals(tables[name]), name


def test_amounts_beyond_38_digits_together_are_set_aside_not_fatal():
    huge = 6 * 10**37
    bid = make_order(BOB, ALICE, [weth(huge), weth(huge)], [nft(1, BOB), weth(1, OPENSEA)])
    good = make_order(ALICE, BOB, [nft(2)], [eth(900, ALICE)], order=2, index=1, tx=2)
    tables = settle(bid, good)
    assert one(tables["settled_sales"])["token_id"] == "2"
    assert one(tables["quarantine"])["reason"] == "amounts above 38 digits together"


# --- acted out on a node

V = {
    "1.1": SEAPORT_1_1,
    "1.4": "0x00000000000001ad428e4906ae43d8f9852d0dd6",
    "1.5": SEAPORT_1_5,
    "1.6": "0x0000000000000068f116a894984e2db1123eb395",
}


def fulfilled(offerer, recipient, offer, consideration, order=1):
    order_hash = order.to_bytes(32, "big")
    return log(ORDER_FULFILLED, order_hash, offerer, ZERO, recipient, offer, consideration)


def matched(*orders):
    return log(ORDERS_MATCHED, [order.to_bytes(32, "big") for order in orders])


def moved(token, sender=ALICE, receiver=BOB):
    return log(TRANSFER, sender, receiver, token, at=COLLECTION)


LISTED = [eth(900, ALICE), eth(25, OPENSEA), eth(75, CAROL)]
PAID = [Pay(ALICE, 900), Pay(OPENSEA, 25), Pay(CAROL, 75)]
SCENARIO = [
    # 0 to 3: a listing on each version
    *(
        call(address, *PAID, moved(n), fulfilled(ALICE, BOB, [nft(n)], LISTED), value=1000)
        for n, address in enumerate(V.values())
    ),
    # 4: a bid in WETH, whose filler pays the fee
    call(
        V["1.5"],
        moved(4),
        fulfilled(BOB, ALICE, [weth(100)], [nft(4, BOB), weth(5, OPENSEA)]),
    ),
    # 5: orders matched against each other
    call(
        V["1.6"],
        fulfilled(BOB, CAROL, [weth(100)], [nft(5, BOB), weth(5, OPENSEA)]),
        fulfilled(ALICE, CAROL, [nft(5)], [weth(95, ALICE)], 2),
        moved(5),
        matched(1, 2),
    ),
    # 6: a private listing
    call(
        V["1.4"],
        fulfilled(ALICE, ZERO, [nft(6)], [eth(50, ALICE), nft(6, DAVE)]),
        fulfilled(DAVE, ZERO, [], [], 2),
        moved(6, receiver=DAVE),
        matched(1, 2),
        value=50,
    ),
    # 7: a bundle of two tokens
    call(
        V["1.5"],
        Pay(ALICE, 101),
        moved(7),
        moved(8),
        fulfilled(ALICE, BOB, [nft(7), nft(8)], [eth(101, ALICE)]),
        value=101,
    ),
    # 8: half of an order of ERC-1155 units, with a tip that the buyer added
    call(
        V["1.5"],
        Pay(ALICE, 50),
        Pay(DAVE, 1),
        fulfilled(ALICE, BOB, [(MULTI, COLLECTION, 9, 5)], [eth(50, ALICE), eth(1, DAVE)]),
        value=51,
    ),
]


def emitted(tx):
    tables = settle_emitted("seaport")
    return tables, tables["settled_sales"].filter(pl.col("tx") == tx).sort("item_index")


@pytest.mark.parametrize("tx", range(4))
def test_emitted_listing_of_each_version_has_its_three_legs(tx):
    tables, sales = emitted(tx)
    sale = one(sales)
    assert (sale["version"], sale["token_id"]) == (list(V)[tx], str(tx))
    assert amounts(sale) == (1_000, 900, 25, 75, 0)
    assert int(sale["residual_wei"]) == 0
    assert len(legs_of(tables, sale)) == 3


def test_emitted_bids_matches_and_private_listings_are_one_sale_each():
    found = {}
    for tx in (4, 5, 6):
        _, sales = emitted(tx)
        sale = one(sales)
        found[tx] = (sale["trade_kind"], sale["seller"], sale["buyer"], amounts(sale)[:3])
        assert int(sale["residual_wei"]) == 0
    assert found == {
        4: ("bid", ALICE, BOB, (100, 95, 5)),
        5: ("match", ALICE, BOB, (100, 95, 5)),
        6: ("private", ALICE, DAVE, (50, 50, 0)),
    }


def test_emitted_bundle_and_part_of_an_order_balance():
    _, bundle = emitted(7)
    assert [int(price) for price in bundle["price_wei"]] == [51, 50]
    assert bundle["bundle_size"].to_list() == [2, 2]
    _, part = emitted(8)
    sale = one(part)
    assert (sale["quantity"], sale["token_standard"], amounts(sale)[0]) == ("5", "erc1155", 51)
    assert int(sale["residual_wei"]) == 0


REAL = {
    # markets.md, section 12: transaction, (token, price, platform fee, royalty)
    "0xd7e72a37c6f709a4f26e22d721b42ff0f1065ecd9edc60468868a7c74f521154": (
        "8924", 35_600_000_000_000_000, 890_000_000_000_000, 356_000_000_000_000,
    ),
    "0xc23f7a086f9dd3789df0136b8e4eeaafd66df1087d2733fdc22a0bb3f623abf3": (
        "5701", 80_000_000_000_000_000, 2_000_000_000_000_000, 0,
    ),
}  # fmt: skip


@needs_mainnet
def test_recorded_sales_have_the_expected_amounts():
    tables = settle_real(*REAL)
    names = ("price_wei", "platform_fee_wei", "royalty_wei")
    assert {
        row["tx_hash"]: (row["token_id"], *(int(row[name]) for name in names))
        for row in tables["settled_sales"].rows(named=True)
    } == REAL
    assert_balanced(tables)
