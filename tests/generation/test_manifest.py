import hashlib
import json
from pathlib import Path

import pytest
import rfc8785
from Crypto.Hash import keccak

from generation.errors import ManifestError, WorkMissingError
from generation.manifest import (
    canonical_bytes,
    commit_prompt,
    digest_of,
    parse_manifest,
    read_manifest,
)


@pytest.fixture(scope="module")
def raw(made):
    return Path(made["manifest_path"][0]).read_bytes()


def changed(raw, *path, value):
    """The canonical bytes of the manifest with one field set."""
    whole = json.loads(raw)
    part = whole
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    return rfc8785.dumps(whole)


def test_manifest_survives_a_round_trip_byte_for_byte(raw):
    assert canonical_bytes(parse_manifest(raw, "x")) == raw


def test_manifest_is_canonical_json_and_its_sha256_is_the_work_id(raw, made):
    assert rfc8785.dumps(json.loads(raw)) == raw
    assert digest_of(parse_manifest(raw, "x")) == "0x" + hashlib.sha256(raw).hexdigest()
    assert made["work_id"][0] == digest_of(parse_manifest(raw, "x"))


def test_manifest_states_what_made_the_work(raw, made, quick_engine):
    manifest = parse_manifest(raw, "x")
    assert manifest.spec == "lineage/1"
    assert manifest.model.root == quick_engine.facts.root
    assert manifest.data.assurance == "audited"
    assert manifest.data.recipe_digest == quick_engine.facts.dataset_digest
    assert manifest.process.seed == made["seed"][0]
    assert (manifest.process.batch_size, manifest.process.batch_index) == (1, 0)
    assert manifest.process.environment.threads == 1
    assert manifest.steering.run_id == "brief-run"
    assert manifest.parents == []


def test_seed_is_text_so_that_no_digit_is_lost_beyond_2_to_53(raw):
    seed = json.loads(raw)["process"]["seed"]
    assert isinstance(seed, str)
    assert int(seed) > 2**53


def test_same_fields_in_another_order_or_spacing_are_refused(raw):
    with pytest.raises(ManifestError, match="not in canonical form"):
        parse_manifest(json.dumps(json.loads(raw), indent=1).encode(), "spaced.json")


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("work", "pixel_sha256"), "0xABC", r"\$\.work\.pixel_sha256"),
        (("work", "phash"), "12", r"\$\.work\.phash"),
        (("process", "seed"), 12, r"\$\.process\.seed"),
        (("process", "seed"), "012", r"\$\.process\.seed"),
        (("data", "assurance"), "certain", r"\$\.data\.assurance"),
        (("process", "watermark"), True, "watermark"),
        (("spec",), "lineage/2", r"\$\.spec"),
        (("model", "parts"), {"a": "0x1"}, r"\$\.model\.parts"),
    ],
)
def test_field_of_another_form_is_refused_by_name(raw, path, value, named):
    with pytest.raises(ManifestError, match=named):
        parse_manifest(changed(raw, *path, value=value), "bad.json")


def test_missing_field_is_refused_by_name(raw):
    whole = json.loads(raw)
    del whole["process"]["steps"]
    with pytest.raises(ManifestError, match="steps"):
        parse_manifest(rfc8785.dumps(whole), "bad.json")


def test_field_left_to_its_default_is_refused_since_the_hash_would_change(raw):
    whole = json.loads(raw)
    del whole["parents"]
    with pytest.raises(ManifestError, match="not in canonical form"):
        parse_manifest(rfc8785.dumps(whole), "bad.json")


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"\xff\xfe", b'{"spec":"lineage/1"}'])
def test_junk_is_no_manifest_and_the_error_names_the_source(junk):
    with pytest.raises(ManifestError, match=r"junk\.json is no lineage/1 manifest"):
        parse_manifest(junk, "junk.json")


def test_absent_file_is_not_found(tmp_path):
    with pytest.raises(WorkMissingError, match="no manifest at") as caught:
        read_manifest(tmp_path / "none.json")
    assert caught.value.exit_code == 3


def test_prompt_commitment_is_keccak_of_salt_and_prompt():
    salt = "0x" + "ab" * 32
    oracle = keccak.new(digest_bits=256, data=bytes.fromhex(salt[2:]) + b"rings").hexdigest()
    assert commit_prompt(salt, "rings").commitment == "0x" + oracle
    assert commit_prompt(salt, "Rings").commitment != "0x" + oracle
