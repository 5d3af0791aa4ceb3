"""ERC-721 transfers that a node emitted, of the standard and of contracts older than it."""

import polars as pl

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.samples import ALICE, BOB, COLLECTION, TRANSFER, ZERO, one

KITTIES = "0x06012c8cf97bead5deae237070f9587f8e7a266d"
ID_IN_DATA = "0x79986af15539de2db9a5086382daeda917a9cf0c"
WITH_ID_IN_DATA = "Transfer(address indexed from, address indexed to, uint256 tokenId)"
ALL_IN_DATA = "Transfer(address from, address to, uint256 tokenId)"
LARGEST = 2**256 - 1

SCENARIO = [
    # 0: minted, handed on, burned
    call(
        COLLECTION,
        log(TRANSFER, ZERO, ALICE, LARGEST),
        log(TRANSFER, ALICE, BOB, LARGEST),
        log(TRANSFER, BOB, ZERO, LARGEST),
    ),
    # 1: contracts older than the standard
    call(KITTIES, log(ALL_IN_DATA, ALICE, BOB, 7)),
    call(ID_IN_DATA, log(WITH_ID_IN_DATA, ALICE, BOB, 8)),
    # 3: the same words of a contract that is not known to be one
    call(COLLECTION, log(ALL_IN_DATA, ALICE, BOB, 7), log(WITH_ID_IN_DATA, ALICE, BOB, 8)),
]


def transfers(tx):
    return settle_emitted("erc721")["transfers"].filter(pl.col("tx") == tx)


def test_mint_transfer_and_burn_of_the_largest_token_id():
    rows = transfers(0).select("kind", "token_id", "from_address", "to_address").rows()
    assert rows == [
        ("mint", str(LARGEST), ZERO, ALICE),
        ("transfer", str(LARGEST), ALICE, BOB),
        ("burn", str(LARGEST), BOB, ZERO),
    ]


def test_contracts_older_than_the_standard_are_read_by_name_only():
    assert (one(transfers(1))["collection"], one(transfers(1))["token_id"]) == (KITTIES, "7")
    assert (one(transfers(2))["collection"], one(transfers(2))["token_id"]) == (ID_IN_DATA, "8")
    assert transfers(3).is_empty()
