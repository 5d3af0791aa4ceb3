"""The quick way of plain listings makes the rows of the general way, whatever the orders."""

from random import Random

import polars as pl
import pytest

import indexer.protocols.seaport as seaport
from data.schema import table
from data.units import MAX_DECIMAL38
from indexer.protocols.seaport_listings import Listings, settle_listings
from tests.indexer.protocols.settled import settle
from tests.indexer.samples import (
    ALICE,
    BOB,
    CAROL,
    COLLECTION,
    DAVE,
    OPENSEA,
    SEAPORT_1_1,
    SEAPORT_1_5,
    WETH,
    ZERO,
    make_match,
    make_order,
)

PEOPLE = [ALICE, BOB, CAROL, DAVE, OPENSEA]


def item(random, *to):
    kind = random.choice([0, 0, 1, 2, 3])
    token = {0: ZERO, 1: random.choice([WETH, DAVE])}.get(kind, COLLECTION)
    amount = random.choice([0, 1, 1, 75, 10**18, MAX_DECIMAL38 // 3, MAX_DECIMAL38])
    if kind == 2:
        amount = 1
    return (kind, token, random.randrange(3) if kind > 1 else 0, amount, *to)


def plain_listing(random, seller, **place):
    currency = random.choice([(0, ZERO), (1, WETH)])
    legs = [
        (*currency, 0, random.randrange(10**19), random.choice([seller, *PEOPLE]))
        for _ in range(random.randrange(1, 5))
    ]
    offer = [(random.choice([2, 3]), COLLECTION, random.randrange(99), 1)]
    return make_order(seller, random.choice(PEOPLE), offer, legs, **place)


def any_order(random, seller, **place):
    offer = [item(random) for _ in range(random.randrange(3))]
    asked = [item(random, random.choice(PEOPLE)) for _ in range(random.randrange(4))]
    return make_order(seller, random.choice([ZERO, *PEOPLE]), offer, asked, **place)


def orders_of(random):
    logs = []
    for index in range(0, 60, 3):
        place = {
            "block": 100 + index // 12,
            "index": index,
            "tx": index // 6,
            "address": random.choice([SEAPORT_1_1, SEAPORT_1_5]),
        }
        make = random.choice([plain_listing, plain_listing, any_order])
        logs.append(make(random, random.choice(PEOPLE), order=index + 1, **place))
        if random.random() < 0.2 and place["address"] == SEAPORT_1_5:
            logs.append(make_match([index + 1], **place | {"index": index + 1}))
    return logs


def no_listings(*_):
    names = ("settled_sales", "sale_payments")
    return Listings(*(table(name).empty() for name in names), pl.Series("row", [], pl.Int64))


@pytest.mark.parametrize("seed", range(40))
def test_rows_are_those_of_the_general_way(seed, monkeypatch):
    logs = orders_of(Random(seed))
    found = []

    def counted(orders, decoded):
        listings = settle_listings(orders, decoded)
        found.append((listings.rows.len(), orders.height))
        return listings

    monkeypatch.setattr(seaport, "settle_listings", counted)
    quick = settle(*logs)
    monkeypatch.setattr(seaport, "settle_listings", no_listings)
    general = settle(*logs)
    ((taken, whole),) = found
    assert 0 < taken < whole, "both ways were gone"
    for name in ("settled_sales", "sale_payments", "quarantine"):
        key = [*table(name).key]
        assert quick[name].sort(key).equals(general[name].sort(key)), name
        assert quick[name].schema == general[name].schema


def test_listing_that_is_no_plain_one_is_left_to_the_general_way(monkeypatch):
    legs = [(0, ZERO, 0, 900, ALICE), (0, ZERO, 0, 25, OPENSEA)]
    nft = (2, COLLECTION, 1, 1)
    others = [
        make_order(ALICE, ZERO, [nft], legs, order=1, index=0, tx=1),
        make_order(ALICE, BOB, [nft, (2, COLLECTION, 2, 1)], legs, order=2, index=1, tx=2),
        make_order(ALICE, BOB, [nft], [*legs, (1, WETH, 0, 1, CAROL)], order=3, index=2, tx=3),
        make_order(ALICE, BOB, [nft], [*legs, (2, COLLECTION, 2, 1, BOB)], order=4, index=3, tx=4),
        make_order(ALICE, BOB, [nft], [], order=5, index=4, tx=5),
        make_order(BOB, ALICE, [(1, WETH, 0, 9)], [(*nft, BOB)], order=6, index=5, tx=6),
        make_order(ALICE, BOB, [nft], legs, order=7, index=6, tx=7),
        make_match([7], index=7, tx=7),
        make_order(ALICE, BOB, [nft], [(0, ZERO, 0, MAX_DECIMAL38, ALICE)], order=8, index=8, tx=8),
    ]
    plain = make_order(ALICE, BOB, [nft], legs, order=9, index=9, tx=9)
    rows = []

    def counted(orders, decoded):
        listings = settle_listings(orders, decoded)
        rows.append(listings.sales["log_index"].to_list())
        return listings

    monkeypatch.setattr(seaport, "settle_listings", counted)
    settle(*others, plain)
    assert rows == [[9]]
