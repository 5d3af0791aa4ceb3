"""Royalties in LooksRare's registry, emitted on a node."""

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.royalties import events_of, reasons_of
from tests.indexer.samples import ALICE, BOB, COLLECTION, ZERO

REGISTRY = "0x55010472a93921a117aad9b055c141060c8d8022"
UPDATE = (
    "RoyaltyFeeUpdate(address indexed collection, address indexed setter,"
    " address indexed receiver, uint256 fee)"
)

SCENARIO = [
    # 0: set
    call(REGISTRY, log(UPDATE, COLLECTION, ALICE, BOB, 500)),
    # 1: taken back, in two ways
    call(
        REGISTRY,
        log(UPDATE, COLLECTION, ALICE, ZERO, 500),
        log(UPDATE, COLLECTION, ALICE, BOB, 0),
    ),
    # 2: no rate, and a foreign registry
    call(
        REGISTRY,
        log(UPDATE, COLLECTION, ALICE, BOB, 2**256 - 1),
        log(UPDATE, COLLECTION, ALICE, BOB, 500, at=ALICE),
    ),
]


def test_terms_bind_sales_of_looksrare_alone():
    tables = settle_emitted("looksrare_royalties")
    assert events_of(tables, 0) == [("RoyaltyFeeUpdate", "collection", None, None, 0, BOB, 500)]
    assert set(tables["royalty_events"]["venue"]) == {"looksrare"}


def test_no_receiver_or_no_rate_leaves_it_to_the_contract():
    found = events_of(settle_emitted("looksrare_royalties"), 1)
    assert found == [("RoyaltyFeeUpdate", "collection", None, None, 0, None, None)] * 2


def test_senseless_or_foreign_terms_do_not_count():
    tables = settle_emitted("looksrare_royalties")
    assert events_of(tables, 2) == []
    assert len(reasons_of(tables, 2)) == 1
