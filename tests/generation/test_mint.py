import base64
import hashlib
import json
from pathlib import Path

import msgspec
import polars as pl
import pytest

from contracts.bindings import Contracts
from contracts.bindings.registry import Kind
from contracts.calldata import encode_call
from contracts.chain import find_anvil, local_chain
from contracts.deploy import deploy
from contracts.errors import CalldataError, ChainError, ContractError
from data.errors import RaisonneError
from data.schema import table
from data.store import Store
from generation.errors import UnregisteredError
from generation.manifest import Data, canonical_bytes, process_digest, read_manifest
from generation.mint import (
    MAX_URI_BYTES,
    NO_DIGEST,
    metadata_uri,
    mint_and_list,
    mint_request,
    read_chain_manifest,
)
from generation.register import materials_of, register_materials
from generation.run import generate
from generation.verify import verify_work
from tests.generation.conftest import BRIEF, NOW


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A local chain with our contracts, and the folder that knows their addresses."""
    try:
        find_anvil()
    except ChainError as missing:
        pytest.skip(str(missing))
    state_dir = tmp_path_factory.mktemp("chain")
    with local_chain(state_dir=state_dir) as started:
        deploy(started.rpc_url, state_dir)
        yield started.rpc_url, state_dir


@pytest.fixture(scope="module")
def chain(place):
    return Contracts.connect(*place)


@pytest.fixture(scope="module")
def minted(made, chain):
    return mint_and_list(made, chain)


def decoded(uri):
    head, _, body = uri.partition(",")
    assert head == "data:application/json;base64"
    return json.loads(base64.b64decode(body))


@pytest.mark.chain
def test_every_work_is_minted_with_its_words_and_listed_at_its_price(made, minted, chain):
    assert minted["work_id"].to_list() == made["work_id"].to_list()
    assert minted["status"].to_list() == ["listed"] * 3
    for work, token in zip(made.iter_rows(named=True), minted["token_id"], strict=True):
        assert "0x" + chain.artwork.manifest_of(int(token)).hex() == work["work_id"]
        seller, price_wei, _, is_live = chain.market.listing(int(token))
        assert (seller, price_wei, is_live) == (chain.signer.address, int(work["price_wei"]), True)
        assert chain.artwork.royalty_of(int(token), 10_000) == (chain.addresses.splitter, 500)
        split = chain.splitter.split_of(int(token))
        assert split == [(chain.signer.address, 9_750), (chain.addresses.studio, 250)]


@pytest.mark.chain
def test_token_uri_on_chain_carries_style_manifest_and_the_image_itself(made, minted, chain):
    metadata = decoded(chain.artwork.token_uri(int(minted["token_id"][0])))
    assert metadata["attributes"] == [{"trait_type": "style", "value": "rings"}]
    assert metadata["manifest"] == made["work_id"][0]
    assert metadata["name"] == made["title"][0]
    png = base64.b64decode(metadata["image"].partition(",")[2])
    assert png == Path(made["image_path"][0]).read_bytes()


@pytest.mark.chain
def test_minting_again_skips_what_is_on_chain(made, minted, chain):
    again = mint_and_list(made, chain)
    assert again["status"].to_list() == ["skipped"] * 3
    assert again["token_id"].to_list() == minted["token_id"].to_list()


@pytest.mark.chain
def test_work_minted_but_not_listed_by_a_stopped_run_is_listed(made, minted, chain):
    fresh = made[:1].with_columns(
        pixel_sha256=pl.lit("0x" + "31" * 32), work_id=pl.lit("0x" + "41" * 32)
    )
    token = chain.artwork.mint(mint_request(fresh.row(0, named=True), chain.signer.address, 500))
    finished = mint_and_list(fresh, chain)
    assert finished.row(0) == ("0x" + "41" * 32, str(token), "relisted")
    assert chain.market.listing(token)[3]


@pytest.mark.chain
def test_pixels_of_another_work_are_skipped_and_not_offered(made, minted, chain):
    stranger = made[:1].with_columns(work_id=pl.lit("0x" + "51" * 32))
    result = mint_and_list(stranger, chain)
    assert result.row(0)[1:] == (minted["token_id"][0], "skipped")


@pytest.mark.chain
def test_verify_reads_the_word_from_the_chain(made, minted, place):
    row = made.row(0, named=True)
    word = read_chain_manifest(*place, row["pixel_sha256"])
    assert word == row["work_id"]
    assert verify_work(Path(row["manifest_path"]), chain_manifest=word).level == "L2"
    assert read_chain_manifest(*place, "0x" + "99" * 32) == NO_DIGEST


@pytest.mark.chain
def test_generate_records_mints_and_lists_the_newest_brief(quick_engine, chain, tmp_path):
    with Store.open(tmp_path / "market.duckdb") as store:
        brief = BRIEF.with_columns(brief_id=pl.lit("brief-2"), created_at=pl.lit(NOW))
        store.append("briefs", pl.concat([table("briefs").empty(), brief], how="diagonal"))
        made = generate(store, quick_engine, seed=1, out_dir=tmp_path, chain=chain)
        assert made.minted["status"].to_list() == ["listed"] * 3
        assert store.read("works")["work_id"].sort().to_list() == sorted(made.minted["work_id"])
        again = generate(store, quick_engine, seed=1, out_dir=tmp_path, chain=chain)
        assert again.minted["status"].to_list() == ["skipped"] * 3
        assert store.read("works").height == 3


@pytest.mark.chain
def test_chain_without_our_contracts_is_an_error_with_the_fix(place, tmp_path):
    with pytest.raises(RaisonneError, match="raisonne chain deploy"):
        read_chain_manifest(place[0], tmp_path, "0x" + "99" * 32)


def test_large_image_is_left_out_of_the_uri(made, tmp_path):
    row = made.row(0, named=True)
    whole = metadata_uri(row)
    assert "image" in decoded(whole)
    assert len(whole) <= MAX_URI_BYTES
    (tmp_path / "large.png").write_bytes(b"x" * 20_000)
    small = metadata_uri({**row, "image_path": str(tmp_path / "large.png")})
    assert "image" not in decoded(small)
    assert decoded(small)["manifest"] == row["work_id"]


def test_quote_in_a_title_stays_a_quote(made):
    row = {**made.row(0, named=True), "title": '","image":"https://evil.example/x'}
    assert decoded(metadata_uri(row))["name"] == row["title"]
    assert decoded(metadata_uri(row))["image"].startswith("data:image/png")


def manifest_of(works):
    return read_manifest(Path(works["manifest_path"][0]))


def without_data(manifest):
    return msgspec.structs.replace(manifest, data=Data(assurance="unknown"))


def test_unknown_training_data_has_a_digest_that_says_so(made):
    known, unknown = (
        materials_of(manifest_of(made))[0],
        materials_of(without_data(manifest_of(made)))[0],
    )
    assert known.digest.hex() == made["dataset_digest"][0][2:]
    assert unknown.digest == hashlib.sha256(unknown.document).digest() != known.digest
    assert json.loads(unknown.document) == {
        "assurance": "unknown",
        "data of model": made["model_digest"][0],
    }


@pytest.mark.chain
def test_what_works_are_made_with_is_registered_once(made, minted, chain):
    dataset, process, model = materials_of(manifest_of(made))
    assert chain.registry.asset(model.digest).kind == Kind.MODEL
    assert chain.registry.asset(dataset.digest).kind == Kind.DATASET
    assert chain.registry.asset(process.digest).kind == Kind.PROCESS
    assert chain.registry.asset(model.digest).parent_count == 1
    assert process.digest == hashlib.sha256(process.document).digest()
    assert register_materials(made, chain) == 0


@pytest.mark.chain
def test_who_may_not_register_is_told_what_is_missing(made, chain, place, tmp_path):
    stranger = Contracts.connect(*place, chain.session.rpc.call("eth_accounts")[4])
    assert register_materials(made, stranger) == 0
    other = msgspec.structs.replace(manifest_of(made).process, steps=77)
    path = tmp_path / "other.json"
    path.write_bytes(canonical_bytes(msgspec.structs.replace(manifest_of(made), process=other)))
    works = made[:1].with_columns(manifest_path=pl.lit(str(path)))
    with pytest.raises(UnregisteredError, match="is no registrar") as raised:
        register_materials(works, stranger)
    assert process_digest(other) in str(raised.value)
    assert register_materials(works, chain) == 1
    assert register_materials(works, stranger) == 0


@pytest.mark.chain
def test_tainted_model_is_refused_before_anything_is_minted(made, minted, chain):
    rpc, at = chain.session.rpc, chain.addresses
    snapshot = rpc.call("evm_snapshot")
    try:
        model, evidence = materials_of(manifest_of(made))[2], b"\x31" * 32
        chain.registry.open_dispute(model.digest, evidence)
        verdict = encode_call("Registry", "resolveDispute", model.digest, evidence, 2)
        chain.timelock.schedule(at.registry, verdict)
        rpc.call("evm_increaseTime", [chain.timelock.delay_s() + 1])
        rpc.call("evm_mine")
        chain.timelock.execute(at.registry, verdict)
        with pytest.raises(UnregisteredError, match=r"model 0x.* is tainted"):
            mint_and_list(made, chain)
    finally:
        rpc.call("evm_revert", [snapshot])


@pytest.mark.chain
def test_manifest_and_prompt_can_be_told_by_erc_7007(made, minted, chain):
    """The manifest that generation wrote is what the adapter on chain takes, byte for byte."""
    raw = Path(made["manifest_path"][0]).read_bytes()
    prompt = manifest_of(made).process.prompt
    word = bytes.fromhex(made["work_id"][0][2:])
    proof = chain.aigc.proof(raw, bytes.fromhex(prompt.salt[2:]), 0)
    text = prompt.text.encode()
    assert chain.aigc.assurance_of(text, raw, proof) == 0
    chain.registry.attest(word, 2, b"\x01" * 32, passed=True)
    assert chain.aigc.attester() == chain.signer.address
    assert chain.aigc.assurance_of(text, raw, proof) == 2
    assert chain.aigc.assurance_of(b"another prompt", raw, proof) == 0
    chain.aigc.add(int(minted["token_id"][0]), text, raw, proof)
    with pytest.raises(ContractError, match="AlreadyAdded"):
        chain.aigc.add(int(minted["token_id"][0]), text, raw, proof)
    with pytest.raises(CalldataError, match="commits to no prompt"):
        chain.aigc.proof(b"{}", bytes(32), 0)
