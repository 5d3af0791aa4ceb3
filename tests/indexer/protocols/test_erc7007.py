"""ERC-7007 in its three shapes, emitted on a node with the call data that carried the contents."""

import polars as pl
import pytest
from eth_abi import encode
from eth_utils import keccak

from tests.emission.script import View, call, log
from tests.indexer.protocols.evidence import settle_emitted
from tests.indexer.samples import BOB, COLLECTION, DAVE, one

FINAL = (
    "AigcData(uint256 indexed tokenId, bytes indexed prompt, bytes indexed aigcData, bytes proof)"
)
REFERENCE = "AigcData(uint256 indexed tokenId, bytes indexed prompt, bytes aigcData, bytes proof)"
UPDATE = "Update(uint256 indexed tokenId, bytes indexed prompt, bytes indexed aigcData)"
MINT_A = (
    "Mint(uint256 indexed tokenId, bytes indexed prompt, bytes indexed aigcData, string uri,"
    " bytes proof)"
)
MINT_B = (
    "Mint(address indexed to, uint256 indexed tokenId, bytes indexed prompt, bytes aigcData,"
    " string uri, bytes proof)"
)
ROUTER = "0x" + "70" * 20
VERIFIER = "0x" + "7e" * 20
PROMPT = "a cat, “oil on canvas”".encode()
DATA = b"ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
PROOF = b"\x01\x02\x03"
FOUR = ["uint256", "bytes", "bytes", "bytes"]


def selector(signature):
    return keccak(text=signature)[:4]


ADD = selector("addAigcData(uint256,bytes,bytes,bytes)") + encode(FOUR, [1, PROMPT, DATA, PROOF])
THROUGH = selector("execute(address,bytes)") + encode(["address", "bytes"], [COLLECTION, ADD])
VIEWS = [
    View(COLLECTION, selector("verifier()"), encode(["address"], [VERIFIER])),
    View(COLLECTION, selector("verify(bytes,bytes,bytes)"), encode(["bool"], [True])),
]

SCENARIO = [
    # 0: the final shape
    call(COLLECTION, log(FINAL, 1, PROMPT, DATA, PROOF), data=ADD),
    # 1: the same behind another contract
    call(ROUTER, call(COLLECTION, log(FINAL, 1, PROMPT, DATA, PROOF)), data=THROUGH),
    # 2: the reference implementation
    call(COLLECTION, log(REFERENCE, 1, PROMPT, DATA, PROOF), data=ADD),
    # 3: older commits of it
    call(COLLECTION, log(MINT_A, 1, PROMPT, DATA, "ipfs://m", PROOF), data=ADD),
    call(COLLECTION, log(MINT_B, BOB, 1, PROMPT, DATA, "ipfs://m", PROOF), data=ADD),
    # 5: call data of something else, and contents that are no text
    call(COLLECTION, log(FINAL, 2, b"\xff\xfe", b"\0\1", b""), data=ADD),
    call(
        COLLECTION,
        log(FINAL, 2, b"\xff\xfe", b"a\0b", b""),
        data=selector("addAigcData(uint256,bytes,bytes,bytes)")
        + encode(FOUR, [2, b"\xff\xfe", b"a\0b", b""]),
    ),
    # 7: an update, at a contract without a verifier
    call(DAVE, log(UPDATE, 1, PROMPT, DATA), data=ADD),
    # 8: call data that look like lengths all over
    call(
        COLLECTION,
        log(FINAL, 3, PROMPT, b"x", PROOF),
        data=b"\0" * 4 + (5_000).to_bytes(32, "big") * 300,
    ),
]


@pytest.fixture(scope="module")
def told():
    return settle_emitted("erc7007")["provenance_events"]


def row(told, tx):
    return one(told.filter(pl.col("tx") == tx))


def hashed(content):
    return "0x" + keccak(content).hex()


@pytest.mark.parametrize(
    ("tx", "shape"), [(0, "final"), (1, "final"), (2, "reference"), (3, "legacy"), (4, "legacy")]
)
def test_every_shape_tells_prompt_and_data(told, tx, shape):
    found = row(told, tx)
    assert (found["event"], found["standard"], found["shape"]) == ("generated", "erc7007", shape)
    assert (found["collection"], found["token_id"]) == (COLLECTION, "1")
    assert (found["prompt_hash"], found["data_hash"]) == (hashed(PROMPT), hashed(DATA))
    assert (found["prompt_text"], found["data_uri"]) == (PROMPT.decode(), DATA.decode())
    assert (found["proof"], found["verifier"]) == (PROOF, VERIFIER)
    assert found["verify_result"] is True


def test_legacy_mints_tell_their_uri_and_one_its_receiver(told):
    assert row(told, 3)["uri"] == row(told, 4)["uri"] == "ipfs://m"
    assert (row(told, 3)["account"], row(told, 4)["account"]) == (None, BOB)


def test_contents_that_call_data_do_not_hold_stay_hashes(told):
    found = row(told, 5)
    assert (found["prompt_hash"], found["prompt_text"]) == (hashed(b"\xff\xfe"), None)
    assert (found["data_hash"], found["data_uri"]) == (hashed(b"\0\1"), None)
    assert row(told, 8)["prompt_text"] is None
    # Nothing to ask the contract about.
    assert (found["verify_result"], found["verifier"]) == (None, VERIFIER)


def test_contents_that_are_no_text_are_not_made_to_be(told):
    found = row(told, 6)
    assert (found["prompt_text"], found["data_uri"]) == (None, None)


def test_update_has_no_proof_and_a_contract_may_have_no_verifier(told):
    found = row(told, 7)
    assert (found["event"], found["proof"], found["verifier"]) == ("updated", None, None)
    assert (found["prompt_text"], found["verify_result"]) == (PROMPT.decode(), None)
