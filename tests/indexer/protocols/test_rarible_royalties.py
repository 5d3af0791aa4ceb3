"""Royalties in Rarible's registry: emitted on a node, and recorded on Ethereum."""

import polars as pl

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.protocols.royalties import events_of, reasons_of
from tests.indexer.samples import ALICE, BOB, COLLECTION
from tests.paths import needs_mainnet

REGISTRY = "0xea90cfad1b8e030b8fd3e63d22074e0aeb8e0dcd"
PARTS = "(address account, uint96 value)[] royalties)"
CONTRACT = f"RoyaltiesSetForContract(address indexed token, {PARTS}"
TOKEN = f"RoyaltiesSetForToken(address indexed token, uint256 indexed tokenId, {PARTS}"

SCENARIO = [
    # 0: a contract with two recipients, and one of its tokens
    call(
        REGISTRY,
        log(CONTRACT, COLLECTION, [(ALICE, 500), (BOB, 500)]),
        log(TOKEN, COLLECTION, 7, [(BOB, 1000)]),
    ),
    # 1: nobody any more
    call(REGISTRY, log(CONTRACT, COLLECTION, [])),
    # 2: more than the whole
    call(REGISTRY, log(CONTRACT, COLLECTION, [(ALICE, 10_000), (BOB, 1)])),
    # 3: somebody else speaks for the collection
    call(ALICE, log(CONTRACT, COLLECTION, [(ALICE, 500)])),
]


def test_terms_of_a_contract_and_of_a_token_bind_rarible_alone():
    tables = settle_emitted("rarible_royalties")
    assert events_of(tables, 0) == [
        ("RoyaltiesSetForContract", "collection", None, None, 0, ALICE, 500),
        ("RoyaltiesSetForContract", "collection", None, None, 1, BOB, 500),
        ("RoyaltiesSetForToken", "token", "7", None, 0, BOB, 1000),
    ]
    rows = tables["royalty_events"]
    assert (set(rows["venue"]), set(rows["collection"])) == ({"rarible"}, {COLLECTION})


def test_empty_list_owes_nobody():
    assert events_of(settle_emitted("rarible_royalties"), 1) == [
        ("RoyaltiesSetForContract", "collection", None, None, 0, None, 0)
    ]


def test_senseless_or_foreign_terms_do_not_count():
    tables = settle_emitted("rarible_royalties")
    assert (events_of(tables, 2), len(reasons_of(tables, 2))) == ([], 1)
    assert (events_of(tables, 3), reasons_of(tables, 3)) == ([], [])
