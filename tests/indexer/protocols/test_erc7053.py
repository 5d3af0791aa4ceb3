"""ERC-7053: commits, emitted on a node with the call data that name the CID."""

import polars as pl
from eth_abi import encode
from eth_utils import keccak

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.samples import ALICE, COLLECTION, one

COMMIT = "Commit(address indexed recorder, string indexed assetCid, string commitData)"
CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
STATEMENT = "ipfs://bafy… = <script>alert(1)</script>"
DATA = keccak(text="commit(string,string)")[:4] + encode(["string", "string"], [CID, STATEMENT])

SCENARIO = [
    call(COLLECTION, log(COMMIT, ALICE, CID, STATEMENT), data=DATA),
    call(COLLECTION, log(COMMIT, ALICE, CID, "")),
]


def test_commit_names_who_said_what_of_which_media():
    told = settle_emitted("erc7053")["provenance_events"]
    row = one(told.filter(pl.col("tx") == 0))
    assert (row["event"], row["standard"], row["account"]) == ("committed", "erc7053", ALICE)
    assert (row["data_hash"], row["data_uri"]) == ("0x" + keccak(text=CID).hex(), CID)
    # Foreign text is kept as it came; what shows it must not take it for markup.
    assert (row["statement"], row["token_id"]) == (STATEMENT, None)


def test_cid_that_call_data_do_not_hold_stays_a_hash():
    told = settle_emitted("erc7053")["provenance_events"]
    row = one(told.filter(pl.col("tx") == 1))
    assert (row["data_hash"], row["data_uri"]) == ("0x" + keccak(text=CID).hex(), None)
    assert row["statement"] == ""
