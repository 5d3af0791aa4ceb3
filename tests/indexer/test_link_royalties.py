"""The royalty ledger: terms of every level, answers of contracts, and splits."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.store import Store
from indexer.link import rebuild_links
from indexer.royalty_reads import royalty_call
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, WETH, ZERO
from tests.indexer.test_link import leg, link, place, sale

OTHER = "0x" + "0f" * 20
SPLIT, INNER = "0x" + "51" * 20, "0x" + "52" * 20
ETHER = 10**18


def term(block, *shares, log=0, level="token", **fields):
    """Terms of one log: `shares` are pairs of recipient and bps."""
    token = {"token_id": "1"} if level == "token" else {"token_id": None}
    common = {"protocol": "manifold", "event": "Set", "level": level, "collection": COLLECTION}
    common |= {"via": None, "venue": None, **token, **fields}
    return [
        {**place(block, log, item), **common, "recipient": who, "bps": bps}
        for item, (who, bps) in enumerate(shares or [(None, None)])
    ]


def override(block, via, log=0):
    return term(block, (None, None), log=log, level="override", via=via)


def split(block, of, *shares, reward=0, log=0):
    total = sum(share for _, share in shares)
    return [
        {
            **place(block, log, item),
            "protocol": "0xsplits",
            "event": "CreateSplit",
            "split": of,
            "recipient": who,
            "allocation": share,
            "total_allocation": total,
            "reward_ppm": reward,
        }
        for item, (who, share) in enumerate(shares)
    ]


def answer(of, recipient, amount, *, contract=COLLECTION, error=None, output=None):
    """What `royaltyInfo` of the sale's token and price gave at its block."""
    if output is None and error is None:
        output = bytes(12) + bytes.fromhex(recipient[2:]) + amount.to_bytes(32)
    keys = ("chain_id", "block_number", "block_hash", "block_time")
    return {
        **{key: of[key] for key in keys},
        "contract": contract,
        "input": royalty_call(int(of["token_id"]), int(of["price_wei"])),
        "output": output,
        "error": error,
    }


def ledger(store, *, through=False):
    """Recipient to owed, paid and status; of the rows that divide a split, or the others."""
    rows = store.read("royalty_ledger").filter(
        pl.col("look_through_of").is_not_null() if through else pl.col("look_through_of").is_null()
    )
    assert rows.select("sale_id", "recipient", "look_through_of").is_unique().all()
    return {
        row["recipient"]: (
            None if row["owed_wei"] is None else int(row["owed_wei"]),
            int(row["paid_wei"]),
            row["status"],
        )
        for row in rows.rows(named=True)
    }


def owed(store):
    return {who: due for who, (due, _, _) in ledger(store).items()}


# -- which terms hold


def test_every_recipient_of_the_terms_is_owed_its_share(store):
    sold = sale(5, BOB, CAROL)
    link(
        store,
        royalty_events=term(1, (ALICE, 500), (DAVE, 250)),
        settled_sales=[sold],
        sale_payments=[leg(sold, ALICE, 5 * 10**16)],
    )
    assert ledger(store) == {
        ALICE: (5 * 10**16, 5 * 10**16, "full"),
        DAVE: (25 * 10**15, 0, "zero"),
    }
    row = store.read("royalty_ledger").filter(recipient=DAVE).row(0, named=True)
    assert (row["owed_bps"], row["owed_source"]) == (250, "manifold Set")
    assert (row["currency"], int(row["gap_wei"])) == (ZERO, 25 * 10**15)


def test_terms_of_the_token_come_before_those_of_the_collection(store):
    events = [
        *term(1, (ALICE, 500), level="collection"),
        *term(2, (BOB, 100)),
        *term(3, (DAVE, 900), level="collection"),
    ]
    link(store, royalty_events=events, settled_sales=[sale(5, CAROL, ALICE)])
    assert owed(store) == {BOB: ETHER // 100}


def test_removed_terms_of_a_token_hand_back_to_the_collection(store):
    events = [*term(1, (ALICE, 500), level="collection"), *term(2, (BOB, 100)), *term(3)]
    link(store, royalty_events=events, settled_sales=[sale(5, CAROL, DAVE)])
    assert owed(store) == {ALICE: ETHER // 20}


def test_removed_terms_of_a_collection_owe_nobody_so_that_a_payment_is_over(store):
    events = [*term(1, (ALICE, 500), level="collection"), *term(2, level="collection")]
    sold = sale(5, CAROL, DAVE)
    link(store, royalty_events=events, settled_sales=[sold], sale_payments=[leg(sold, ALICE, 7)])
    assert ledger(store) == {ALICE: (0, 7, "over")}


def test_terms_set_after_the_sale_do_not_bind_it(store):
    link(
        store,
        royalty_events=term(5, (ALICE, 500), level="collection", log=1),
        settled_sales=[sale(5, CAROL, DAVE, log=1), sale(5, CAROL, DAVE, log=0, token="2")],
    )
    assert owed(store) == {}


def test_extensions_make_the_terms_of_the_collection_uncertain_but_not_the_tokens(store):
    events = [
        *term(1, (ALICE, 500), level="collection"),
        *term(2, (BOB, 100), level="extension", via=OTHER),
        *term(3, (DAVE, 200)),
    ]
    link(
        store,
        royalty_events=events,
        settled_sales=[sale(5, CAROL, BOB), sale(6, CAROL, BOB, token="2")],
    )
    assert owed(store) == {DAVE: ETHER // 50}


def test_terms_of_a_venue_bind_its_own_sales_first_and_no_others(store):
    events = [
        *term(1, (ALICE, 500)),
        *term(1, (BOB, 100), level="collection", venue="looksrare", log=1),
    ]
    link(
        store,
        royalty_events=events,
        settled_sales=[sale(5, CAROL, DAVE, protocol="looksrare"), sale(6, CAROL, DAVE)],
    )
    rows = store.read("royalty_ledger").sort("sale_id")
    assert rows["recipient"].to_list() == [BOB, ALICE]


def test_override_puts_the_terms_of_another_contract_in_place(store):
    events = [
        *term(1, (ALICE, 500)),
        *term(1, (BOB, 100), level="collection", collection=OTHER, log=1),
        *override(3, OTHER),
        *override(7, None),
    ]
    sales = [sale(block, CAROL, DAVE) for block in (2, 5, 8)]
    link(store, royalty_events=events, settled_sales=sales)
    rows = store.read("royalty_ledger").sort("sale_id")
    assert rows["recipient"].to_list() == [ALICE, BOB, ALICE]


def test_splitter_without_a_name_is_the_one_stranger_that_was_paid(store):
    events = term(1, (None, 500), level="collection")
    paid, unpaid = sale(5, CAROL, DAVE), sale(6, CAROL, DAVE, token="2")
    link(
        store,
        royalty_events=events,
        settled_sales=[paid, unpaid],
        sale_payments=[leg(paid, SPLIT, ETHER // 20)],
    )
    assert ledger(store) == {
        SPLIT: (ETHER // 20, ETHER // 20, "full"),
        None: (ETHER // 20, 0, "zero"),
    }


def test_mints_and_swaps_owe_nothing(store):
    sales = [
        sale(5, CAROL, DAVE, trade_kind="primary_mint"),
        sale(6, CAROL, DAVE, trade_kind="swap"),
    ]
    link(
        store,
        royalty_events=term(1, (ALICE, 500)),
        settled_sales=sales,
        sale_payments=[leg(sales[0], ALICE, 7)],
    )
    assert ledger(store) == {}


def test_payment_of_unknown_class_to_whom_the_terms_name_is_a_royalty(store):
    sold = sale(5, CAROL, DAVE)
    legs = [leg(sold, ALICE, ETHER // 20, "unknown"), leg(sold, BOB, 9, "unknown", seq=1)]
    link(store, royalty_events=term(1, (ALICE, 500)), settled_sales=[sold], sale_payments=legs)
    assert ledger(store) == {ALICE: (ETHER // 20, ETHER // 20, "full")}


def test_payment_in_another_currency_does_not_settle_the_debt(store):
    sold = sale(5, CAROL, DAVE)
    legs = [{**leg(sold, ALICE, ETHER // 20), "currency": WETH}]
    link(store, royalty_events=term(1, (ALICE, 500)), settled_sales=[sold], sale_payments=legs)
    found = store.read("royalty_ledger").sort("currency").select("currency", "status").rows()
    assert found == [(ZERO, "zero"), (WETH, "over")]


# -- what contracts answered


def test_answer_at_the_block_of_the_sale_is_owed_where_no_event_tells(store):
    sold = sale(5, CAROL, DAVE)
    link(store, settled_sales=[sold], contract_reads=[answer(sold, ALICE, 123)])
    assert ledger(store) == {ALICE: (123, 0, "zero")}
    assert store.read("royalty_ledger")["owed_source"].to_list() == ["erc2981"]


def test_events_come_before_answers(store):
    sold = sale(5, CAROL, DAVE)
    link(
        store,
        royalty_events=term(1, (BOB, 500)),
        settled_sales=[sold],
        contract_reads=[answer(sold, ALICE, 123)],
    )
    assert owed(store) == {BOB: ETHER // 20}


def test_overriding_contract_is_the_one_that_is_believed(store):
    sold = sale(5, CAROL, DAVE)
    link(
        store,
        royalty_events=override(1, OTHER),
        settled_sales=[sold],
        contract_reads=[answer(sold, ALICE, 9), answer(sold, BOB, 7, contract=OTHER)],
    )
    assert owed(store) == {BOB: 7}


@pytest.mark.parametrize(
    "fields",
    [
        {"error": "execution reverted"},
        {"output": b""},
        {"output": b"\1" * 64},
        {"output": bytes(31) + b"\1" + b"\xff" * 32},
        {"output": bytes(31) + b"\1" + (ETHER + 1).to_bytes(32)},
    ],
    ids=["reverted", "empty", "no address", "too large", "more than the price"],
)
def test_answer_that_is_no_royalty_leaves_payments_unknown(store, fields):
    sold = sale(5, CAROL, DAVE)
    link(
        store,
        settled_sales=[sold],
        sale_payments=[leg(sold, ALICE, 7)],
        contract_reads=[answer(sold, ALICE, 0, **fields)],
    )
    assert ledger(store) == {ALICE: (None, 7, "unknown")}


def test_answer_of_another_block_token_or_price_does_not_count(store):
    sold = sale(5, CAROL, DAVE)
    others = [
        answer(sale(6, CAROL, DAVE), ALICE, 1),
        answer(sale(5, CAROL, DAVE, token="2"), ALICE, 1),
        answer(sale(5, CAROL, DAVE, price=ETHER + 1), ALICE, 1),
    ]
    link(store, settled_sales=[sold], contract_reads=others)
    assert ledger(store) == {}


# -- splits


def test_split_is_divided_as_its_contract_does_and_keeps_what_is_left(store):
    sold = sale(5, CAROL, DAVE, price=1_000_000)
    link(
        store,
        royalty_events=term(1, (SPLIT, 1_000)),
        split_events=split(1, SPLIT, (ALICE, 1), (BOB, 2), reward=10_000, log=1),
        settled_sales=[sold],
        sale_payments=[leg(sold, SPLIT, 50_000)],
    )
    assert ledger(store) == {SPLIT: (100_000, 50_000, "partial")}
    # 1 % for who distributes; then a third and two thirds, rounded down.
    assert ledger(store, through=True) == {
        ALICE: (33_000, 16_500, "partial"),
        BOB: (66_000, 33_000, "partial"),
        SPLIT: (1_000, 500, "partial"),
    }


def test_splits_within_splits_are_divided_down_to_people(store):
    sold = sale(5, CAROL, DAVE, price=1_000_000)
    link(
        store,
        royalty_events=term(1, (SPLIT, 1_000)),
        split_events=[
            *split(1, SPLIT, (ALICE, 1), (INNER, 1), log=1),
            *split(1, INNER, (ALICE, 1), (BOB, 3), log=2),
        ],
        settled_sales=[sold],
    )
    assert ledger(store, through=True) == {
        ALICE: (62_500, 0, "zero"),
        BOB: (37_500, 0, "zero"),
    }


def test_shares_are_those_in_force_at_the_sale(store):
    sales = [sale(block, CAROL, DAVE, price=1_000_000) for block in (3, 9)]
    link(
        store,
        royalty_events=term(1, (SPLIT, 1_000)),
        split_events=[*split(2, SPLIT, (ALICE, 1)), *split(7, SPLIT, (BOB, 1))],
        settled_sales=sales,
    )
    rows = store.read("royalty_ledger").filter(pl.col("look_through_of").is_not_null())
    assert rows.sort("sale_id")["recipient"].to_list() == [ALICE, BOB]


def test_splits_that_pay_each_other_end(store):
    sold = sale(5, CAROL, DAVE, price=10_000)
    loop = [*split(1, SPLIT, (INNER, 1), (ALICE, 1)), *split(1, INNER, (SPLIT, 1), log=1)]
    link(
        store,
        royalty_events=term(1, (SPLIT, 1_000)),
        split_events=loop,
        settled_sales=[sold],
        sale_payments=[leg(sold, SPLIT, 1_000)],
    )
    through = ledger(store, through=True)
    assert sum(paid for _, paid, _ in through.values()) == 1_000
    assert through[ALICE][1] > 900


def test_payment_of_unknown_class_to_a_split_is_a_royalty(store):
    sold = sale(5, CAROL, DAVE)
    link(
        store,
        split_events=split(1, SPLIT, (ALICE, 1), (BOB, 1)),
        settled_sales=[sold],
        sale_payments=[leg(sold, SPLIT, 101, "unknown")],
    )
    assert ledger(store) == {SPLIT: (None, 101, "unknown")}
    assert ledger(store, through=True) == {
        ALICE: (None, 50, "unknown"),
        BOB: (None, 50, "unknown"),
        SPLIT: (None, 1, "unknown"),
    }


def given_on(of, split_contract, account, amount, item):
    where = {key: of[key] for key in place(0)} | {"log_index": 90 + item}
    return {
        **where,
        "protocol": "royalty-registry",
        "event": "transferred",
        "split": split_contract,
        "account": account,
        "currency": ZERO,
        "amount_wei": Decimal(amount),
    }


@pytest.mark.parametrize(("second", "people"), [(70, 2), (71, 0)])
def test_split_that_gave_on_what_the_sale_paid_is_looked_through(store, second, people):
    sold = sale(5, CAROL, DAVE)
    link(
        store,
        settled_sales=[sold],
        sale_payments=[leg(sold, SPLIT, 100)],
        split_payments=[given_on(sold, SPLIT, ALICE, 30, 0), given_on(sold, SPLIT, BOB, second, 1)],
    )
    through = ledger(store, through=True)
    assert len(through) == people
    if people:
        assert through == {ALICE: (None, 30, "unknown"), BOB: (None, 70, "unknown")}


# -- at random

AMOUNTS = st.integers(0, 10**38 - 1) | st.sampled_from([0, 1, 9_999, 10_000, 10**38 - 1])
SHARES = st.lists(st.integers(1, 2**40), min_size=1, max_size=5)


def test_amounts_are_exact_and_add_up_whatever_the_order_of_rows():
    with Store.open(":memory:") as store:

        @settings(max_examples=10, deadline=None)
        @given(
            price=AMOUNTS,
            bps=st.integers(0, 10_000),
            paid=AMOUNTS,
            shares=SHARES,
            reward=st.integers(0, 100_000),
            order=st.randoms(use_true_random=False),
        )
        def hold(**drawn):
            assert_exact(store, **drawn)

        hold()


def assert_exact(store, *, price, bps, paid, shares, reward, order):
    people = [f"0x{number:040x}" for number in range(1, len(shares) + 1)]
    sold = sale(5, CAROL, DAVE, price=price)
    rows = {
        "royalty_events": [*term(1, (SPLIT, bps)), *term(1, (ALICE, 1), log=2, token_id="2")],
        "split_events": split(1, SPLIT, *zip(people, shares, strict=True), reward=reward, log=1),
        "settled_sales": [sold],
        "sale_payments": [leg(sold, SPLIT, paid)],
    }
    digests = []
    for _ in range(2):
        with store.transaction() as transaction:
            for name in rows:
                transaction.execute(f"DELETE FROM {name}")
        for part in rows.values():
            order.shuffle(part)
        link(store, **rows)
        digests.append([store.digest()[name] for name in ("royalty_ledger", "splits")])
    assert digests[0] == digests[1]
    found, through = ledger(store), ledger(store, through=True)
    owed_wei = price * bps // 10_000
    assert found == {SPLIT: (owed_wei, paid, found[SPLIT][2])}
    for column, whole in ((0, owed_wei), (1, paid)):
        net = whole - whole * reward // 10**6
        for person, share in zip(people, shares, strict=True):
            expected = net * share // sum(shares)
            assert through.get(person, (0, 0))[column] == expected
        assert sum(row[column] for row in through.values()) == whole


def test_rebuilding_changes_nothing(store):
    sold = sale(5, CAROL, DAVE)
    link(
        store,
        royalty_events=[*term(1, (SPLIT, 500), (ALICE, 1)), *override(2, None)],
        split_events=split(1, SPLIT, (ALICE, 1), (BOB, 2), log=1),
        settled_sales=[sold, sale(6, CAROL, DAVE, token="2")],
        sale_payments=[leg(sold, SPLIT, 100)],
        contract_reads=[answer(sale(6, CAROL, DAVE, token="2"), ALICE, 5)],
    )
    before = store.digest()
    rebuild_links(store)
    assert store.digest() == before
