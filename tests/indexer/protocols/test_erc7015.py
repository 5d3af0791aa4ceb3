"""ERC-7015: attributions, emitted on a node."""

import polars as pl

from tests.emission.script import call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.samples import ALICE, COLLECTION, one

ATTRIBUTION = (
    "CreatorAttribution(bytes32 structHash, string domainName, string version, address creator,"
    " bytes signature)"
)
SCENARIO = [
    call(COLLECTION, log(ATTRIBUTION, b"\x07" * 32, "Preminter", "2", ALICE, b"\x1b" * 65)),
    call(COLLECTION, log("CreatorAttribution(bytes32 structHash, address by)", b"\7" * 32, ALICE)),
]  # fmt: skip


def test_attribution_keeps_what_was_signed_and_the_signature():
    told = settle_emitted("erc7015")["provenance_events"]
    row = one(told.filter(pl.col("tx") == 0))
    assert (row["event"], row["account"], row["collection"]) == ("attributed", ALICE, COLLECTION)
    assert (row["data_hash"], row["proof"]) == ("0x" + "07" * 32, b"\x1b" * 65)
    assert (row["statement"], row["token_id"]) == ("Preminter 2", None)


def test_event_of_another_layout_is_not_read():
    assert settle_emitted("erc7015")["provenance_events"]["tx"].to_list() == [0]
