"""Files out of blocks that are verified one by one, from gateways that may lie."""

import asyncio
import random
import time

import pytest

from data.errors import UsageError
from indexer.metadata.cid import DAG_PB, RAW
from indexer.metadata.errors import FetchFailed, NotTaken, Waiting
from indexer.metadata.gateways import Gateways, Reader, parse_gateway
from indexer.metadata.http import Allowance, HttpFetcher
from indexer.metadata.limits import FetchLimits
from indexer.metadata.locations import Arweave, Inline, Ipfs
from indexer.metadata.unixfs import murmur3_x64
from tests.indexer.metadata.site import Blocks, cid_of, field_of, redirect, serve

FILE = bytes(random.Random(1).randbytes(10_500))
AR = "bNbA3TEQVL60xlgCcqdz4ZPHFZ711cZ3hmkpGttDt_U"


def read(pages, *locations, max_bytes=100_000, allowance=None, **limits):
    """What each location gives (bytes and proof, or the refusal), and what the site was asked."""

    async def run():
        async with serve(pages) as site:
            bounds = FetchLimits(total_s=2, retry_pause_s=0.01, **limits)
            async with HttpFetcher(bounds, allowance or site.allowance) as http:
                reader = Reader(http, Gateways(ipfs=site.url, arweave=site.url), bounds)
                found = []
                for location in locations:
                    try:
                        found.append(await reader.read(location, max_bytes=max_bytes))
                    except NotTaken as error:
                        found.append(error)
                return found, site.asked

    return asyncio.run(run())


def code_of(pages, location, **options):
    ((outcome,), _) = read(pages, location, **options)
    assert isinstance(outcome, NotTaken), outcome
    return outcome.code


def of(cid, *path):
    return Ipfs(cid.key, path)


# --- files


def test_raw_block_file_in_pieces_and_nested_pieces_are_read():
    blocks = Blocks()
    raw = blocks.raw(FILE)
    flat = blocks.file(FILE)
    deep = blocks.node(2, [("", blocks.file(FILE[:5_000])), ("", blocks.raw(FILE[5_000:]))])
    small = blocks.node(2, data=FILE)
    found, asked = read(blocks.pages, of(raw), of(flat), of(deep), of(small))
    assert found == [(FILE, "cid")] * 4
    assert all(path.endswith("?format=raw") for path in asked)


def test_file_in_folders_is_found_by_its_path():
    blocks = Blocks()
    inner = blocks.node(1, [("1.json", blocks.raw(b"one")), ("2.json", blocks.file(FILE))])
    root = blocks.node(1, [("other", blocks.raw(b"x")), ("meta data", inner)])
    found, _ = read(blocks.pages, of(root, "meta data", "1.json"), of(root, "meta data", "2.json"))
    assert found == [(b"one", "cid"), (FILE, "cid")]


def test_folder_is_asked_for_once_however_many_files_are_read_from_it():
    blocks = Blocks()
    entries = [(f"{n}", blocks.raw(b"%d" % n)) for n in range(20)]
    root = blocks.node(1, entries)
    found, asked = read(blocks.pages, *(of(root, f"{n}") for n in range(20)))
    assert [raw for raw, _ in found] == [b"%d" % n for n in range(20)]
    assert sum(root.key in path for path in asked) == 1


def shard(blocks, entries, depth=0):
    """A sharded folder as go-unixfs builds one: 256 slots, one hash byte per level."""
    slots = {}
    for name, cid in entries:
        hashed = murmur3_x64(name.encode()).to_bytes(8, "big")
        slots.setdefault(hashed[depth], []).append((name, cid))
    links = []
    for slot, held in sorted(slots.items()):
        if len(held) == 1:
            links.append((f"{slot:02X}{held[0][0]}", held[0][1]))
        else:
            links.append((f"{slot:02X}", shard(blocks, held, depth + 1)))
    return blocks.node(5, links, fanout=256)


def test_sharded_folder_is_walked():
    blocks = Blocks()
    entries = [(f"{n}.json", blocks.raw(b"%d" % n)) for n in range(2_000)]
    root = shard(blocks, entries)
    found, _ = read(blocks.pages, *(of(root, f"{n}.json") for n in range(0, 2_000, 97)))
    assert [raw for raw, _ in found] == [b"%d" % n for n in range(0, 2_000, 97)]
    assert code_of(blocks.pages, of(root, "none.json")) == "not-in-folder"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # h1 of MurmurHash3_x64_128 with seed 0, as published implementations print it.
        ("", 0x0),
        ("hello", 0xCBD8A7B341BD9B02),
        ("hello, world", 0x342FAC623A5EBC8E),
        ("19 Jan 2038 at 3:14:07 AM", 0xB89E5988B737AFFC),
        ("The quick brown fox jumps over the lazy dog.", 0xCD99481F9EE902C9),
    ],
)
def test_murmur3_gives_the_published_values(text, expected):
    assert murmur3_x64(text.encode()) == expected


# --- lies


def test_wrong_bytes_are_never_taken():
    blocks = Blocks()
    cid = blocks.raw(FILE)
    for lie in (FILE[:-1] + b"!", FILE[:-1], b"", b"<html>please wait</html>"):
        assert code_of({f"/ipfs/{cid.key}": lie}, of(cid)) == "cid-mismatch"


def test_one_wrong_piece_spoils_the_file():
    blocks = Blocks()
    cid = blocks.file(FILE)
    victim = next(key for key, block in blocks.held.items() if block == FILE[3_000:4_000])
    outcome, _ = read({**blocks.pages, f"/ipfs/{victim}": b"x" * 1_000}, of(cid))
    assert isinstance(outcome[0], FetchFailed)
    assert outcome[0].code == "cid-mismatch"


def test_block_of_another_codec_is_not_taken_for_it():
    blocks = Blocks()
    node = blocks.file(b"text")
    as_raw = cid_of(blocks.held[node.key], RAW)
    # The same bytes, named as raw, are those bytes and not the file that they describe.
    found, _ = read({f"/ipfs/{as_raw.key}": blocks.held[node.key]}, of(as_raw))
    assert found == [(blocks.held[node.key], "cid")]


def served_node(block):
    cid = cid_of(block, DAG_PB)
    return {f"/ipfs/{cid.key}": block}, of(cid)


@pytest.mark.parametrize(
    "block",
    [
        b"", b"\x00", b"\xff" * 50, b"\x0a\xff", b"\x0a\x02\x08", b"\x12\x04\x0a\x02\x12\x20",
        field_of(1, field_of(1, 4)),  # a symbolic link
        field_of(1, field_of(1, 99)),
        field_of(1, field_of(1, 5) + field_of(5, 0x12) + field_of(6, 256)),  # another hash
        field_of(1, field_of(1, 5) + field_of(5, 0x22) + field_of(6, 7)),  # no power of two
        field_of(2, field_of(2, b"no cid")) + field_of(1, field_of(1, 2)),
    ],
)  # fmt: skip
def test_malformed_nodes_are_refused(block):
    assert code_of(*served_node(block)) == "bad-dag"


def test_folder_is_no_file_and_a_file_no_folder():
    blocks = Blocks()
    raw = blocks.raw(b"x")
    folder, file = blocks.node(1, [("a", raw)]), blocks.file(FILE)
    assert code_of(blocks.pages, of(folder)) == "is-folder"
    assert code_of(blocks.pages, of(folder, "b")) == "not-in-folder"
    assert code_of(blocks.pages, of(raw, "a")) == "bad-dag"
    assert code_of(blocks.pages, of(file, "a")) == "bad-dag"


# --- endless


def test_file_that_names_one_piece_many_times_ends_at_the_limit():
    blocks = Blocks()
    piece = blocks.raw(b"x" * 1_000)
    bomb = blocks.node(2, [("", piece)] * 101)
    assert code_of(blocks.pages, of(bomb)) == "too-large"
    assert code_of(blocks.pages, of(bomb), max_blocks=20) == "too-many-blocks"


def test_tower_of_empty_nodes_ends_at_the_limit():
    blocks = Blocks()
    top = blocks.node(2, data=b"x")
    for _ in range(40):
        top = blocks.node(2, [("", top)])
    assert code_of(blocks.pages, of(top)) == "bad-dag"
    wide = blocks.node(2, data=b"")
    for _ in range(20):
        wide = blocks.node(2, [("", wide)] * 2)
    started = time.monotonic()
    assert code_of(blocks.pages, of(wide)) == "too-many-blocks"
    assert time.monotonic() - started < 5


def test_block_larger_than_blocks_are_is_refused():
    cid = Blocks().raw(bytes(6_000))
    pages = {f"/ipfs/{cid.key}": bytes(6_000)}
    assert code_of(pages, of(cid), max_block_bytes=5_000) == "too-large"


# --- gateways


def test_identity_cid_needs_no_gateway():
    found, asked = read({}, Ipfs("f01550005" + b"hello".hex(), ()))
    assert (found, asked) == ([(b"hello", "cid")], [])


def test_without_gateways_documents_wait_and_nothing_is_asked():
    async def run():
        async with HttpFetcher() as http:
            reader = Reader(http, Gateways(), FetchLimits())
            for location in (of(cid_of(b"x", RAW)), Arweave(AR, "")):
                with pytest.raises(Waiting):
                    await reader.read(location, max_bytes=10)
            assert await reader.read(Inline(b"here"), max_bytes=10) == (b"here", "inline")

    asyncio.run(run())


def test_gateway_that_redirects_inwards_is_not_followed():
    cid = cid_of(b"x", RAW)
    pages = {f"/ipfs/{cid.key}": redirect("https://127.0.0.1/secret")}
    assert code_of(pages, of(cid)) == "private-address"


def test_arweave_is_taken_on_the_gateways_word_and_says_so():
    found, asked = read({f"/{AR}/a b": b"doc"}, Arweave(AR, "a b"))
    assert found == [(b"doc", "gateway")]
    assert asked == [f"/{AR}/a%20b"]


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:8080", "https://a.example/ipfs/", "http://[::1]"]
)
def test_gateways_are_urls(text):
    assert not parse_gateway(text, "--ipfs-gateway").endswith(("/", "/ipfs"))


@pytest.mark.parametrize(
    "text", ["ipfs.io", "ftp://a", "https://", "https://u:p@a", "https://a/?x=1", "https://a:x"]
)
def test_what_is_no_gateway_is_named(text):
    with pytest.raises(UsageError, match="--ipfs-gateway"):
        parse_gateway(text, "--ipfs-gateway")


def test_allowance_of_a_gateway_is_for_its_origin():
    allowance = Allowance.of(["http://127.0.0.1:8080"])
    assert allowance.covers("http://127.0.0.1:8080/ipfs/x")
    assert not allowance.covers("http://127.0.0.1:8081/ipfs/x")
    assert not allowance.covers("https://127.0.0.1:8080/ipfs/x")
