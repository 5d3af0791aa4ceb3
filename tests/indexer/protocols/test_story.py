"""Story's IP assets and derivatives, emitted on a node at the real addresses."""

import polars as pl

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.samples import ALICE, BOB, CAROL, COLLECTION, DAVE, one

CHAIN_ID = 1_514
LICENSING = "0x04fbd8a2e56dd85cfd5500a4a4dfa955b9f1de6f"
REGISTRY = "0x77319b4031e6ef1250907aa00018b8b1c67a244b"
DERIVATIVE = (
    "DerivativeRegistered(address indexed caller, address indexed childIpId,"
    " uint256[] licenseTokenIds, address[] parentIpIds, uint256[] licenseTermsIds,"
    " address licenseTemplate)"
)
REGISTERED = (
    "IPRegistered(address ipId, uint256 indexed chainId, address indexed tokenContract,"
    " uint256 indexed tokenId, string name, string uri, uint256 registrationDate)"
)
SCENARIO = [
    call(
        ALICE,
        log(
            REGISTERED, BOB, 1_514, COLLECTION, 9, "a name", "ipfs://u", 1_700_000_000, at=REGISTRY
        ),
        log(DERIVATIVE, ALICE, BOB, [], [CAROL, DAVE], [1, 2], ALICE, at=LICENSING),
    ),
    call(ALICE, log(DERIVATIVE, ALICE, BOB, [], [CAROL], [1], ALICE)),
]


def test_parents_of_a_derivative_are_edges_in_their_order():
    edges = settle_emitted("story")["lineage_edges"].sort("item_index")
    assert edges.select("collection", "parent_collection", "ordinal", "relation").rows() == [
        (BOB, CAROL, 0, 0), (BOB, DAVE, 1, 0)
    ]  # fmt: skip
    assert edges["token_id"].to_list() == edges["share_bps"].to_list() == [None, None]


def test_registration_tells_the_token_of_an_account():
    row = one(settle_emitted("story")["provenance_events"])
    assert (row["account"], row["collection"], row["token_id"]) == (BOB, COLLECTION, "9")
    assert (row["event"], row["uri"], row["statement"]) == ("registered", "ipfs://u", "chain 1514")


def test_contract_that_is_not_storys_is_not_read():
    assert settle_emitted("story")["lineage_edges"].filter(pl.col("tx") == 1).is_empty()
