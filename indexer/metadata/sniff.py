"""What bytes are, by their first ones; what a server or a URI says of them does not count."""

import re

DECODED = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types that are decoded, in the subprocess; every other kept type is stored as it came."""

TEXTUAL = frozenset({"text/html", "application/json"})
"""Types that are no media: an error page, or a document, in place of one."""

_HEAD = 1_024
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"glTF", "model/gltf-binary"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"OggS", "application/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"PK\x03\x04", "application/zip"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_AVIF = (b"avif", b"avis")
_HEIC = (b"heic", b"heix", b"mif1")
_HTML = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|title|meta|div|h1|p)\b", re.IGNORECASE
)
_SVG = re.compile(rb"<svg[\s>/]|<!doctype\s+svg", re.IGNORECASE)
_PROLOGUE = re.compile(rb"(?:\s|<\?xml[^>]*>|<!--.*?-->)*", re.DOTALL)


def sniff(raw: bytes) -> str | None:
    """The media type that the bytes show, or None when they show none that is known."""
    for magic, kind in _MAGIC:
        if raw.startswith(magic):
            return kind
    if raw[:4] == b"RIFF":
        return _RIFF.get(raw[8:12])
    if raw[4:8] == b"ftyp":
        brand = raw[8:12]
        return "image/avif" if brand in _AVIF else "image/heic" if brand in _HEIC else "video/mp4"
    if len(raw) > 2 and raw[0] == 0xFF and raw[1] & 0xE6 in (0xE2, 0xE4):
        return "audio/mpeg"  # a frame without ID3: sync word, MPEG 1 or 2, layer II or III
    return _sniff_text(raw[:_HEAD])


def _sniff_text(head: bytes) -> str | None:
    head = head.removeprefix(b"\xef\xbb\xbf")
    rest = head[_PROLOGUE.match(head).end() :]  # type: ignore[union-attr] # it matches nothing too
    if _SVG.match(rest):
        return "image/svg+xml"
    if _HTML.match(rest):
        return "text/html"
    return "application/json" if rest[:1] in (b"{", b"[") else None
