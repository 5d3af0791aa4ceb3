"""Overrides of the royalty registry and the contracts that hold their terms, emitted on a node."""

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.royalties import events_of, reasons_of
from tests.indexer.samples import ALICE, BOB, COLLECTION, ZERO

REGISTRY = "0xad2184fb5dbcfc05d8f056542fb25b04fa32a95d"
HOLDER = "0x" + "0e" * 20
OVERRIDE = "RoyaltyOverride(address owner, address tokenAddress, address royaltyAddress)"
REMOVED = "TokenRoyaltyRemoved(uint256 tokenId)"
RECIPIENTS = "(address recipient, uint16 bps)[] recipients)"

SCENARIO = [
    # 0: the collection's terms are those of another contract, and then its own again
    call(
        REGISTRY, log(OVERRIDE, ALICE, COLLECTION, HOLDER), log(OVERRIDE, ALICE, COLLECTION, ZERO)
    ),
    # 1: terms for one recipient
    call(
        HOLDER,
        log("DefaultRoyaltySet(address recipient, uint16 bps)", ALICE, 500),
        log("TokenRoyaltySet(uint256 tokenId, address recipient, uint16 bps)", 7, BOB, 1000),
        log(REMOVED, 7),
    ),
    # 2: terms for several, whose splitter has no name
    call(
        HOLDER,
        log(
            f"DefaultRoyaltySet(uint16 royaltyBPS, {RECIPIENTS}", 500, [(ALICE, 9000), (BOB, 1000)]
        ),
        log(
            f"TokenRoyaltySet(uint256 tokenId, uint16 royaltyBPS, {RECIPIENTS}", 7, 250, [(BOB, 1)]
        ),
    ),
    # 3: above the whole, and a foreign registry
    call(
        HOLDER,
        log("DefaultRoyaltySet(address recipient, uint16 bps)", ALICE, 10_001),
        log(OVERRIDE, ALICE, COLLECTION, BOB, at=ALICE),
    ),
]


def test_override_names_the_contract_whose_terms_hold_and_zero_ends_it():
    tables = settle_emitted("royalty_registry")
    assert events_of(tables, 0) == [
        ("RoyaltyOverride", "override", None, HOLDER, 0, None, None),
        ("RoyaltyOverride", "override", None, None, 0, None, None),
    ]
    assert set(tables["royalty_events"].filter(level="override")["collection"]) == {COLLECTION}


def test_terms_for_one_recipient_and_their_removal():
    assert events_of(settle_emitted("royalty_registry"), 1) == [
        ("DefaultRoyaltySet", "collection", None, None, 0, ALICE, 500),
        ("TokenRoyaltySet", "token", "7", None, 0, BOB, 1000),
        ("TokenRoyaltyRemoved", "token", "7", None, 0, None, None),
    ]


def test_terms_for_a_splitter_have_a_rate_and_no_recipient():
    assert events_of(settle_emitted("royalty_registry"), 2) == [
        ("DefaultRoyaltySet", "collection", None, None, 0, None, 500),
        ("TokenRoyaltySet", "token", "7", None, 0, None, 250),
    ]


def test_senseless_or_foreign_events_do_not_count():
    tables = settle_emitted("royalty_registry")
    assert (events_of(tables, 3), len(reasons_of(tables, 3))) == ([], 1)
