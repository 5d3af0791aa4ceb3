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


REAL = {
    # tx: rows
    "0x42f440cff0f703cb2e85182c82f66de7f4626b51e55bc58fbac34bf06e7c55f2": (
        "RoyaltiesSetForToken",
        "0x1af303959d9a9dd6a64737c782595a4671b0944f",
        "53",
        None,
        0,
    ),
    "0x047ce8db161c72c47bb340270c4027e1f415b834ee8225625a5f65ae26b834b9": (
        "RoyaltiesSetForContract",
        "0x012084263ce946d150f53bfe0a4927f209295318",
        None,
        "0xfb9e1725ac55960ffe98be24f1ca32028c2e8346",
        350,
    ),
}


@needs_mainnet
def test_recorded_terms_have_the_expected_rows():
    found = settle_real(*REAL)["royalty_events"]
    columns = ("tx_hash", "event", "collection", "token_id", "recipient", "bps")
    rows = found.filter(pl.col("protocol") == "rarible").select(columns).rows()
    assert {tx: tuple(rest) for tx, *rest in rows} == REAL
