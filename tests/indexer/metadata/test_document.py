"""The shapes of documents: those of standards, and those that real collections use."""

import json

import pytest

from indexer.metadata.document import MAX_TRAITS, read_document
from indexer.metadata.json_text import parse_json
from indexer.metadata.limits import DecodeLimits
from tests.paths import MAINNET

CORPUS = MAINNET / "token_metadata.jsonl"


@pytest.mark.parametrize(
    ("document", "traits"),
    [
        ({"attributes": [{"trait_type": "Hat", "value": "Red"}]}, [("Hat", "Red")]),
        ({"traits": [{"trait_type": "Hat", "value": 7}]}, [("Hat", "7")]),
        ({"attributes": {"grade": "1", "ok": True}}, [("grade", "1"), ("ok", "true")]),
        ({"properties": {"Hat": {"name": "Hat", "value": "Red"}}}, [("Hat", "Red")]),
        ({"properties": {"simple": "text", "n": 1.5}}, [("simple", "text"), ("n", "1.5")]),
        ({"attributes": ["Red", "Blue"]}, [("", "Red"), ("", "Blue")]),
        ({"attributes": [{"value": "Red"}]}, [("", "Red")]),
        ({"attributes": [{"trait_type": "Hat", "value": 5.0}]}, [("Hat", "5")]),
        ({"attributes": [{"trait_type": "Hat", "value": None}]}, []),
        ({"attributes": [{"trait_type": "Hat", "value": ["a"]}]}, []),
        ({"attributes": "none"}, []),
        ({"attributes": [], "traits": [{"name": "Hat", "value": "Red"}]}, [("Hat", "Red")]),
        ([1, 2], []),
        (None, []),
    ],
)
def test_traits_of_every_shape(document, traits):
    assert list(read_document(document).traits) == traits


@pytest.mark.parametrize(
    ("document", "image"),
    [
        ({"image": " ipfs://x "}, "ipfs://x"),
        ({"image_url": "https://a"}, "https://a"),
        ({"image": "", "imageUrl": "https://a"}, "https://a"),
        ({"image_data": "<svg>#</svg>"}, "data:image/svg+xml,%3Csvg%3E%23%3C/svg%3E"),
        ({"image_data": "data:image/svg+xml,x"}, "data:image/svg+xml,x"),
        ({"image": {"a": 1}, "animation_url": "https://page"}, None),
        ({}, None),
    ],
)
def test_image_and_never_an_animation(document, image):
    assert read_document(document).image == image


def test_names_and_traits_are_neutralised():
    document = read_document(
        {"name": "a\u202eb\x00", "attributes": [{"trait_type": "\u200bHat", "value": "R\u202ded"}]}
    )
    assert (document.name, document.traits) == ("ab", (("Hat", "Red"),))


def test_style_is_the_field_or_the_trait_in_lower_case():
    assert read_document({"style": "Neo  Rings"}).style == "neo rings"
    assert read_document({"attributes": [{"trait_type": "STYLE", "value": "DOTS"}]}).style == "dots"
    assert read_document({"style": 5}).style is None


def test_number_of_traits_is_bounded():
    many = read_document({"attributes": [{"trait_type": str(n), "value": n} for n in range(1_000)]})
    assert len(many.traits) == MAX_TRAITS


@pytest.mark.skipif(not CORPUS.exists(), reason=f"real token metadata is not at {CORPUS}")
def test_real_metadata_is_read_with_its_names_images_and_traits():
    lines = [json.loads(line) for line in CORPUS.read_text().splitlines()]
    documents = [line["metadata"] for line in lines if isinstance(line.get("metadata"), dict)]
    assert len(documents) > 100
    limits = DecodeLimits()
    named = traits = images = 0
    for document in documents:
        value = parse_json(
            json.dumps(document).encode(),
            max_bytes=limits.max_json_bytes,
            max_depth=limits.max_depth,
            max_keys=limits.max_keys,
        )
        read = read_document(value)
        given = document.get("name") or document.get("title")
        if isinstance(given, str) and given.strip():
            assert read.name, given
            named += 1
        listed = document.get("attributes")
        if isinstance(listed, list) and listed and isinstance(listed[0], dict):
            plain = [e for e in listed if isinstance(e.get("value"), (str, int, float))]
            plain = [e for e in plain if str(e["value"]).strip()]
            assert len(read.traits) == min(len(plain), MAX_TRAITS), document.get("name")
            traits += len(read.traits)
        images += read.image is not None
    print(f"{len(documents)} documents: {named} named, {traits} traits, {images} images")
    assert (named, traits, images) >= (150, 29, 140)
