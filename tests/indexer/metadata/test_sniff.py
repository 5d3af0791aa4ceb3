"""Bytes are what their first ones show."""

import pytest

from indexer.metadata.sniff import sniff
from tests.indexer.metadata.site import gif, png


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (png(), "image/png"),
        (gif(2), "image/gif"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", "audio/wav"),
        (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        (b"\x00\x00\x00\x18ftypavif", "image/avif"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"<svg xmlns='x'>", "image/svg+xml"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><svg>", "image/svg+xml"),
        (b"  <!DOCTYPE html><svg>", "text/html"),
        (b"<HTML>", "text/html"),
        (b"<?xml version='1.0'?><html>", "text/html"),
        (b"<script>alert(1)</script>", "text/html"),
        (b' {"a": 1}', "application/json"),
        (b"just text", None),
        (b"", None),
        (b"\x00" * 64, None),
    ],
)
def test_type_by_first_bytes(raw, kind):
    assert sniff(raw) == kind
