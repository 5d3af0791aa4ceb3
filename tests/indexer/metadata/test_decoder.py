"""Decoding in the subprocess: what hostile documents do to it, and what they do not."""

import asyncio
import json
import os
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from indexer.metadata.decoder import Decoder
from indexer.metadata.errors import FetchFailed, Refused
from indexer.metadata.limits import DecodeLimits
from tests.indexer.metadata.site import bomb_png, gif, png

SMALL = DecodeLimits(max_pixels=1_000_000, max_frames=5, thumbnail_px=64)


def decode(act, limits=SMALL, **options):
    async def run():
        async with Decoder(limits, **options) as decoder:
            return await act(decoder)

    return asyncio.run(run())


def refusal(act, limits=SMALL):
    with pytest.raises(Refused) as refused:
        decode(act, limits)
    return refused.value


def image(raw):
    return lambda decoder: decoder.read_image(raw)


def text(raw):
    return lambda decoder: decoder.read_json(raw)


def children():
    """Processes that this one started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid() and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return set(found)


# --- JSON


def test_document_is_read():
    found = decode(text(b'{"name": "A", "attributes": [{"trait_type": "Hat", "value": 1}]}'))
    assert (found.name, found.traits) == ("A", (("Hat", "1"),))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"[" * 1_000_000, "too-deep"),
        (b"[]", "not-json"),
        (b"5", "not-json"),
        (b'{"name": "A", "name": "B"}', "duplicate-key"),
        (b'{"a": "' + b"x" * (1 << 20) + b'"}', "too-large"),
        (b"\x00\x01", "not-json"),
        (b"", "not-json"),
    ],
)
def test_hostile_json_is_refused(raw, code):
    assert refusal(text(raw)).code == code


# --- images


def test_image_is_measured_and_drawn_small():
    picture = decode(image(png(200, 100)))
    assert (picture.width, picture.height, picture.n_frames) == (200, 100, 1)
    small = Image.open(BytesIO(picture.thumbnail))
    assert (small.format, small.size, small.info) == ("PNG", (64, 32), {})


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_every_format_is_decoded(kind):
    out = BytesIO()
    Image.new("RGB", (30, 20), "blue").save(out, kind)
    picture = decode(image(out.getvalue()))
    assert (picture.width, picture.height) == (30, 20)
    assert Image.open(BytesIO(picture.thumbnail)).convert("RGB").getpixel((5, 5))[2] > 200


def test_other_formats_are_not_decoded():
    out = BytesIO()
    Image.new("RGB", (30, 20)).save(out, "TIFF")
    assert refusal(image(out.getvalue())).code == "damaged-image"


def test_pixel_bomb_is_refused_before_it_is_decoded():
    bomb = bomb_png(40_000, 40_000)
    assert len(bomb) < 250_000
    started = time.monotonic()
    assert refusal(image(bomb)).code == "too-many-pixels"
    assert time.monotonic() - started < 5


def test_limit_of_pixels_is_exact_where_pillow_would_only_warn():
    limits = DecodeLimits(max_pixels=100 * 100)
    assert decode(image(bomb_png(104, 96)), limits).width == 104
    assert refusal(image(bomb_png(104, 97)), limits).code == "too-many-pixels"


def test_image_that_lies_about_its_size_is_damaged_or_bounded():
    raw = bytearray(png(10, 10))
    raw[16:24] = struct.pack(">II", 900, 900)
    assert refusal(image(bytes(raw))).code == "damaged-image"


def test_frames_are_counted_up_to_the_cap():
    assert decode(image(gif(5))).n_frames == 5
    assert refusal(image(gif(6))).code == "too-many-frames"


@pytest.mark.parametrize("cut", [9, 40, 60])
def test_damaged_image_is_refused(cut):
    assert refusal(image(png(50, 50)[:cut])).code == "damaged-image"


# --- limits around it


def test_memory_of_a_decoding_is_bounded():
    limits = DecodeLimits(max_pixels=10**9, memory_bytes=400 << 20)
    assert refusal(image(bomb_png(24_000, 24_000)), limits).code in (
        "decoder-limit",
        "damaged-image",
    )


def test_time_of_a_decoding_is_bounded():
    limits = DecodeLimits(max_pixels=10**9, cpu_s=1, wall_s=1.5, memory_bytes=4 << 30)
    started = time.monotonic()
    assert refusal(image(bomb_png(28_000, 28_000)), limits).code == "decoder-limit"
    assert time.monotonic() - started < 15


def test_decoder_goes_on_after_what_it_refused():
    async def act(decoder):
        for raw in (b"[" * 100, b"nothing"):
            with pytest.raises(Refused):
                await decoder.read_json(raw)
        return await decoder.read_json(b'{"name": "after"}')

    assert decode(act).name == "after"


def test_decoder_that_was_killed_is_started_anew():
    before = children()

    async def act(decoder):
        await decoder.read_json(b"{}")
        (child,) = children() - before
        os.kill(child, signal.SIGKILL)
        with pytest.raises(FetchFailed) as failure:
            await decoder.read_json(b'{"name": "lost"}')
        assert failure.value.code == "decoder-died"
        return await decoder.read_json(b'{"name": "after"}')

    assert decode(act, workers=1).name == "after"


def test_many_at_once_do_not_mix():
    async def act(decoder):
        names = [f"work {n}" for n in range(60)]
        found = await asyncio.gather(
            *(decoder.read_json(json.dumps({"name": name}).encode()) for name in names)
        )
        return names, [each.name for each in found]

    names, found = decode(act)
    assert names == found


def test_no_process_is_left_behind():
    before = children()
    decode(text(b"{}"))
    assert children() <= before


def test_child_can_open_no_file_and_no_socket():
    """The limits of the child, looked at from inside: a decoder that was taken over."""
    script = """
import json, os, socket, sys
from indexer.metadata import child
from indexer.metadata.limits import DecodeLimits

def probe(frame, limits):
    found = {}
    for name, act in {
        "open": lambda: open("/etc/hostname"),
        "write": lambda: open("/tmp/raisonne-probe", "w"),
        "socket": lambda: socket.socket(),
    }.items():
        try:
            act()
            found[name] = "done"
        except OSError as error:
            found[name] = type(error).__name__
    return found, b""

child.decode = probe
reader, writer = os.pipe()
head, _ = child._decode_apart(b"{}\\0", DecodeLimits())
print(head.decode())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={}, check=True
    )
    found = json.loads(done.stdout)
    assert (found["open"], found["write"], found["socket"]) == ("OSError",) * 3


def test_decoders_live_without_environment_and_in_an_empty_network():
    probe = subprocess.run(["unshare", "-Urn", "true"], check=False, capture_output=True)
    if probe.returncode != 0:
        pytest.skip("this system gives no network namespaces to users")

    before = children()

    async def act(decoder):
        await decoder.read_json(b"{}")
        (child,) = children() - before
        links = [Path(f"/proc/{pid}/ns/net").readlink() for pid in (child, os.getpid())]
        return links, Path(f"/proc/{child}/environ").read_bytes()

    (theirs, ours), environment = decode(act, workers=1)
    assert theirs != ours
    assert environment == b""
