"""Where URIs point, and which are not followed."""

import pytest

from indexer.metadata.errors import Refused
from indexer.metadata.locations import (
    Arweave,
    Inline,
    Ipfs,
    Web,
    locate,
    shown_uri,
    substitute_id,
    uri_hash,
)

V0 = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"
V1 = "bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
AR = "bNbA3TEQVL60xlgCcqdz4ZPHFZ711cZ3hmkpGttDt_U"


def at(uri, most=1_000):
    return locate(uri, max_bytes=most, max_url_bytes=500)


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        (f"ipfs://{V0}", Ipfs(V0, ())),
        (f"ipfs://{V1}/a/b%20c.json?x=1#y", Ipfs(V1, ("a", "b c.json"))),
        (f"ipfs://ipfs/{V0}/1", Ipfs(V0, ("1",))),
        (f"IPFS://{V0}/1", Ipfs(V0, ("1",))),
        (V0, Ipfs(V0, ())),
        (f"/ipfs/{V0}/1", Ipfs(V0, ("1",))),
        (f"https://ipfs.io/ipfs/{V0}/1.png", Ipfs(V0, ("1.png",))),
        (f"https://gateway.pinata.cloud/ipfs/{V0}", Ipfs(V0, ())),
        (f"http://{V1}.ipfs.dweb.link/2", Ipfs(V1, ("2",))),
        (f"ar://{AR}", Arweave(AR, "")),
        (f"ar://{AR}/0.json", Arweave(AR, "0.json")),
        (f"https://arweave.net/{AR}/0.json", Arweave(AR, "0.json")),
        ("https://example.org/1?a=b", Web("https://example.org/1?a=b")),
        ("http://example.org/1", Web("http://example.org/1")),
        ("https://example.org/ipfs/nothing", Web("https://example.org/ipfs/nothing")),
        ("  https://example.org/1 ", Web("https://example.org/1")),
        ('data:application/json,{"a": 1}', Inline(b'{"a": 1}')),
        ("data:application/json;utf8,%7B%7D", Inline(b"{}")),
        ("data:text/plain;base64,aGk", Inline(b"hi")),
        ("DATA:,x", Inline(b"x")),
    ],
)
def test_location_of(uri, location):
    assert at(uri) == location


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("", "no-uri"),
        ("   ", "no-uri"),
        ("file:///etc/passwd", "scheme"),
        ("ftp://example.org/", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("blob:https://x", "scheme"),
        ("ipns://example.eth/1", "scheme"),
        ("just text", "malformed-uri"),
        ("metadata.json", "scheme"),
        ("ipfs://nothing", "bad-cid"),
        (f"ipfs://{V0}/../x", "malformed-uri"),
        (f"ipfs://{V0}/%2e%2e/x", "malformed-uri"),
        (f"ipfs://{V0}" + "/a" * 40, "malformed-uri"),
        ("ar://short", "malformed-uri"),
        (f"ar://{AR}/../{AR}", "malformed-uri"),
        (f"ar://{AR}/%2e%2e/x", "malformed-uri"),
        ("https://", "malformed-uri"),
        ("https://[::1/", "malformed-uri"),
        ("https://example.org:99999/", "malformed-uri"),
        ("https://exa mple.org/", "malformed-uri"),
        ("https://example.org/\r\nX-Header: 1", "malformed-uri"),
        ("https:\\\\example.org\\", "malformed-uri"),
        ("https://example.org/" + "a" * 500, "uri-too-long"),
        ("data:application/json", "malformed-uri"),
        ("data:;base64,%%%", "malformed-uri"),
        ("data:," + "x" * 1_001, "too-large"),
        ("data:;base64," + "A" * 4_000, "too-large"),
    ],
)
def test_what_is_not_followed(uri, code):
    with pytest.raises(Refused) as refusal:
        at(uri)
    assert refusal.value.code == code


def test_id_is_64_hexadecimal_digits():
    most = 2**256 - 1
    assert substitute_id("https://a/{id}.json", str(most)) == "https://a/" + "f" * 64 + ".json"
    assert substitute_id("{id}/{id}", "314592") == f"{'0' * 59}4cce0/{'0' * 59}4cce0"
    assert substitute_id("https://a/1", "5") == "https://a/1"


def test_shown_uris_are_short_and_carry_no_data():
    assert shown_uri("data:application/json;base64," + "A" * 10**6) == (
        "data:application/json;base64,..."
    )
    assert shown_uri("https://a/\u202egnp.1") == "https://a/gnp.1"
    assert len(shown_uri("https://a/" + "x" * 10_000)) == 512


def test_hash_of_any_text():
    assert uri_hash("abc").startswith("0xba7816bf")
    assert uri_hash("\ud800") != uri_hash("?")
