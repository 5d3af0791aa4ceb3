"""ERC-4906: emitted on a node, and recorded on Optimism."""

import polars as pl

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted, settle_real
from tests.indexer.samples import COLLECTION, one
from tests.paths import needs_mainnet

BATCH = "BatchMetadataUpdate(uint256 _fromTokenId, uint256 _toTokenId)"
SCENARIO = [
    call(COLLECTION, log("MetadataUpdate(uint256 _tokenId)", 7)),
    call(COLLECTION, log(BATCH, 0, 2**256 - 1)),
    call(COLLECTION, log("MetadataUpdate(uint256 indexed _tokenId)", 7)),
]


def test_one_token_and_a_range_up_to_the_largest():
    told = settle_emitted("erc4906")["metadata_updates"].sort("tx")
    assert told.select("tx", "collection", "from_token_id", "to_token_id").rows() == [
        (0, COLLECTION, "7", "7"),
        (1, COLLECTION, "0", str(2**256 - 1)),
    ]


REAL = "0x513039d46a9b541e2cb7feb798060271a7b58e9e9ed80681c5d5b18f26fb8bfc"


@needs_mainnet
def test_recorded_update_on_optimism():
    row = one(settle_real(REAL)["metadata_updates"])
    assert (row["chain_id"], row["collection"]) == (
        10, "0xfaf8fd17d9840595845582fcb047df13f006787d"
    )  # fmt: skip
    assert row["from_token_id"] == row["to_token_id"]
    assert pl.Series([row["from_token_id"]]).str.contains(r"^\d+$").all()
