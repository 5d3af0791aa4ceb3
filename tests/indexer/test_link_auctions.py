"""Sales that take token and seller from the creation of their auction, in another transaction."""

import itertools
from decimal import Decimal

import polars as pl
import pytest

from data.schema import conform
from indexer.link import rebuild_links
from indexer.relink import find_touched, relink
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, ZERO
from tests.indexer.test_link import place, sale, transfer
from tests.quick import quick_and_slow

HOUSE = "0x" + "40" * 20


def auction(event, block, *, number="5", log=0, **fields):
    return {
        **place(block, log),
        "protocol": "house",
        "event": event,
        "contract": HOUSE,
        "auction_id": number,
        "currency": ZERO,
        **fields,
    }


# 1: ALICE gets token 1 by a mint; 2: it is put up; 3: it is sold, without a word of it;
# 4: it is sold again; 5: token 2 is sold by somebody whom only the listing names; 6: its listing.
BLOCKS = {
    1: {"transfers": [transfer(1, ZERO, ALICE)]},
    2: {
        "auctions": [
            auction("created", 2, seller=ALICE),
            auction("created", 2, log=1, collection=COLLECTION, token_id="1"),
        ]
    },
    3: {
        "auctions": [auction("settled", 3)],
        "settled_sales": [sale(3, None, BOB, token=None, collection=None)],
        "sale_payments": [
            {
                **place(3),
                "sale_id": sale(3, None, BOB)["sale_id"],
                "seq": 0,
                "recipient": CAROL,
                "recipient_class": "creator",
                "currency": ZERO,
                "amount_wei": Decimal(7),
                "source": "trace",
            }
        ],
    },
    4: {"settled_sales": [sale(4, BOB, CAROL)]},
    5: {
        "auctions": [auction("settled", 5, number="6")],
        "settled_sales": [sale(5, None, BOB, token="2")],
    },
    6: {"auctions": [auction("created", 6, number="6", seller=CAROL)]},
    7: {
        "prices": [
            {
                **place(7),
                "currency": ZERO,
                "time": place(1)["block_time"],
                "usd": 9.0,
                "source": "f",
            }
        ]
    },
}

# Every 907th of all orders.
ORDERS = list(itertools.islice(itertools.permutations(BLOCKS), 0, None, 907))


def add(transaction, block):
    for name, rows in BLOCKS[block].items():
        frame = pl.from_dicts(rows, infer_schema_length=None)
        transaction.append(name, conform(name, frame))


def links(store):
    digest = store.digest()
    return {name: digest[name] for name in ("sales", "royalty_ledger", "tokens")}


def test_sale_takes_token_and_seller_from_the_creation_of_its_auction(store):
    with store.transaction() as transaction:
        for block in BLOCKS:
            add(transaction, block)
    rebuild_links(store)
    rows = store.query(
        "SELECT collection, token_id, seller, maker, is_primary, price_usd FROM sales"
        " ORDER BY block_number"
    ).rows()
    assert rows == [
        (COLLECTION, "1", ALICE, ALICE, True, 9.0),
        (COLLECTION, "1", BOB, None, False, 9.0),
        (COLLECTION, "2", CAROL, CAROL, None, 9.0),
    ]


def test_sale_without_a_creation_stays_open(store):
    with store.transaction() as transaction:
        add(transaction, 3)
    rebuild_links(store)
    assert store.query("SELECT collection, token_id, seller FROM sales").rows() == [
        (None, None, None)
    ]


@pytest.mark.parametrize("order", quick_and_slow(ORDERS[::2], ((order,) for order in ORDERS[1::2])))
def test_blocks_in_any_order_make_the_same_links(store, order):
    for block in order:
        with store.transaction() as transaction:
            add(transaction, block)
            relink(transaction, find_touched(transaction, 1, block, block + 1))
    found = links(store)
    rebuild_links(store)
    assert found == links(store)


@pytest.mark.parametrize("start", BLOCKS)
def test_blocks_taken_away_take_their_part_of_the_sales(store, start):
    with store.transaction() as transaction:
        for block in BLOCKS:
            add(transaction, block)
    rebuild_links(store)
    with store.transaction() as transaction:
        touched = find_touched(transaction, 1, start)
        transaction.delete_from_block(1, start)
        relink(transaction, touched)
    found = links(store)
    rebuild_links(store)
    assert found == links(store)
