"""Royalties of Manifold's creator contracts, emitted on a node."""

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.royalties import events_of, reasons_of
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION

TOKEN = "RoyaltiesUpdated(uint256 indexed tokenId, address[] receivers, uint256[] basisPoints)"
DEFAULT = "DefaultRoyaltiesUpdated(address[] receivers, uint256[] basisPoints)"
EXTENSION = (
    "ExtensionRoyaltiesUpdated(address indexed extension, address[] receivers,"
    " uint256[] basisPoints)"
)

SCENARIO = [
    # 0: two people share 7.5 % of every token; one gets more of token 7
    call(
        COLLECTION,
        log(DEFAULT, [ALICE, BOB], [500, 250]),
        log(TOKEN, 7, [CAROL], [1000]),
        log(EXTENSION, BOB, [ALICE], [100]),
    ),
    # 1: token 7 goes back to the terms of all
    call(COLLECTION, log(TOKEN, 7, [], [])),
    # 2: more than everything, a rate without its receiver, and a rate that no integer holds
    call(
        COLLECTION,
        log(DEFAULT, [ALICE, BOB], [9_999, 2]),
        log(DEFAULT, [ALICE], [1, 2]),
        log(DEFAULT, [ALICE], [2**256 - 1]),
    ),
]


def test_lists_become_one_row_per_recipient():
    found = events_of(settle_emitted("manifold_royalties"), 0)
    assert found == [
        ("DefaultRoyaltiesUpdated", "collection", None, None, 0, ALICE, 500),
        ("DefaultRoyaltiesUpdated", "collection", None, None, 1, BOB, 250),
        ("RoyaltiesUpdated", "token", "7", None, 0, CAROL, 1000),
        ("ExtensionRoyaltiesUpdated", "extension", None, BOB, 0, ALICE, 100),
    ]


def test_empty_list_is_one_row_that_takes_terms_back():
    found = events_of(settle_emitted("manifold_royalties"), 1)
    assert found == [("RoyaltiesUpdated", "token", "7", None, 0, None, None)]


def test_terms_belong_to_the_contract_that_spoke():
    rows = settle_emitted("manifold_royalties")["royalty_events"]
    assert set(rows["collection"]) == {COLLECTION}
    assert set(rows["protocol"]) == {"manifold"}
    assert rows["venue"].null_count() == rows.height


def test_senseless_rates_are_set_aside_whole():
    tables = settle_emitted("manifold_royalties")
    assert events_of(tables, 2) == []
    assert reasons_of(tables, 2) == ["rates without a recipient each, or above the whole price"] * 3
