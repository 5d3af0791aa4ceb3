"""Royalties of Limit Break's creator tokens, emitted on a node."""

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.protocols.royalties import events_of, reasons_of
from tests.indexer.samples import ALICE, BOB, COLLECTION, ZERO

DEFAULT = "DefaultRoyaltySet(address indexed receiver, uint96 feeNumerator)"
TOKEN = "TokenRoyaltySet(uint256 indexed tokenId, address indexed receiver, uint96 feeNumerator)"
MINTER = "RoyaltySet(uint256 indexed tokenId, address indexed receiver, uint96 feeNumerator)"
OWN = "RoyaltySet(uint256 indexed tokenId, address recipient, uint96 bps)"
LAST = 2**256 - 1

SCENARIO = [
    # 0: all tokens, one token, and the minter of the last possible token
    call(COLLECTION, log(DEFAULT, ALICE, 500), log(TOKEN, 7, BOB, 0), log(MINTER, LAST, BOB, 250)),
    # 1: burned
    call(COLLECTION, log(MINTER, LAST, ZERO, 250)),
    # 2: above the whole, and the largest number
    call(COLLECTION, log(DEFAULT, ALICE, 10_001), log(DEFAULT, ALICE, 2**96 - 1)),
    # 3: an event of the same topic, as our own contract has it, of a foreign one
    call(COLLECTION, log(OWN, 7, ALICE, 500)),
]


def test_terms_of_all_of_one_and_of_its_minter():
    assert events_of(settle_emitted("creator_token"), 0) == [
        ("DefaultRoyaltySet", "collection", None, None, 0, ALICE, 500),
        ("TokenRoyaltySet", "token", "7", None, 0, BOB, 0),
        ("RoyaltySet", "token", str(LAST), None, 0, BOB, 250),
    ]


def test_burned_token_owes_nobody():
    assert events_of(settle_emitted("creator_token"), 1) == [
        ("RoyaltySet", "token", str(LAST), None, 0, ZERO, 250)
    ]


def test_rates_above_the_whole_price_are_set_aside():
    tables = settle_emitted("creator_token")
    assert events_of(tables, 2) == []
    assert len(reasons_of(tables, 2)) == 2


def test_event_with_another_number_of_topics_is_not_ours():
    tables = settle_emitted("creator_token")
    assert events_of(tables, 3) == []
    assert reasons_of(tables, 3) == []
