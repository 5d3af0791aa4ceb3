"""Token metadata from `data:` URIs: name and style. Foreign text; it is read, never trusted."""

import base64
import binascii
import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

import polars as pl

MAX_URI_BYTES = 1 << 20
"""Longer URIs are not decoded."""

MAX_DEPTH = 32
"""Deeper documents are not read."""

_MAX_TEXT = 1_000
# Brackets inside strings do not nest; an unended string swallows the rest and fails to parse.
_BRACKETS_AND_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_PREFIX = "data:application/json"


def read_metadata(uris: pl.DataFrame) -> pl.DataFrame:
    """Name and style of each token.

    Args:
        uris: a column `uri` and any others.

    Returns:
        The other columns with `name` and `style` (lower case, single-spaced); both NULL where the
        URI is no JSON data URI, is malformed or longer than 1 MiB.
    """
    # Most tokens of a chain carry no URI in the store; they cost nothing here.
    texts = uris["uri"].drop_nulls().unique()
    read = [_read(uri) for uri in texts]
    known = pl.DataFrame(
        {
            "uri": texts,
            "name": pl.Series([name for name, _ in read], dtype=pl.String),
            "style": pl.Series([style for _, style in read], dtype=pl.String),
        }
    )
    return uris.join(known, on="uri", how="left", maintain_order="left").drop("uri")


def _read(uri: str) -> tuple[str | None, str | None]:
    document = decode_data_uri(uri)
    name = _text(document.get("name"))
    style = _text(document.get("style")) or _text(_attribute(document, "style"))
    return name, " ".join(style.lower().split()) or None if style else None


def decode_data_uri(uri: str | None) -> dict[str, Any]:
    """The JSON object of a `data:application/json` URI; empty when it cannot be read."""
    if not uri or len(uri) > MAX_URI_BYTES or not uri.lower().startswith(_PREFIX):
        return {}
    head, comma, body = uri.partition(",")
    if not comma:
        return {}
    try:
        raw = unquote_to_bytes(body)
        if head.lower().endswith(";base64"):
            raw = base64.b64decode(raw, validate=True)
        document = _parse(raw)
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _parse(raw: bytes) -> object:
    """JSON of bounded depth.

    The standard parser recurses once per level, and where a library has raised Python's recursion
    limit, a few kilobytes of brackets end the process: so depth is counted before it starts.

    Raises:
        ValueError: the text is nested too deeply, or is no JSON.
    """
    text = raw.decode()
    depth = deepest = 0
    for piece in _BRACKETS_AND_STRINGS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(piece[0], 0)
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        message = f"JSON is nested {deepest} deep; {MAX_DEPTH} is the limit"
        raise ValueError(message)
    return json.loads(text)


def _attribute(document: dict[str, Any], name: str) -> object:
    """A trait of the `attributes` list (trait_type, value), as marketplaces read it."""
    attributes = document.get("attributes")
    for entry in attributes if isinstance(attributes, list) else []:
        if isinstance(entry, dict) and str(entry.get("trait_type", "")).strip().lower() == name:
            return entry.get("value")
    return None


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    # Lone surrogates are legal JSON but no text that a database takes.
    clean = value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
    return clean.strip()[:_MAX_TEXT] or None
