"""Name, style and traits out of `data:` URIs that events carry; nothing is fetched for them.

Links read them, so they must give the same on every machine: the text is parsed here, bounded by
size, depth and keys, and not in the subprocess, whose limits a slow machine may meet.
"""

import json

import polars as pl

from indexer.metadata.document import Document, read_document
from indexer.metadata.errors import NotTaken
from indexer.metadata.json_text import HostileJsonError, parse_json
from indexer.metadata.limits import DecodeLimits
from indexer.metadata.locations import decode_data_uri

_LIMITS = DecodeLimits()
_PREFIX = "data:application/json"
_NOTHING = Document(None, None, (), None)


def read_metadata(uris: pl.DataFrame) -> pl.DataFrame:
    """Name, style and traits of each token.

    Args:
        uris: a column `uri` and any others.

    Returns:
        The other columns with `name`, `style` (lower case, single-spaced) and `traits` (JSON, see
        `traits_text`); NULL where the URI is no JSON data URI, is malformed or passes a limit.
    """
    # Most tokens of a chain carry no URI in the store; they cost nothing here.
    texts = uris["uri"].drop_nulls().unique()
    read = [_read(uri) for uri in texts]
    known = pl.DataFrame(
        {
            "uri": texts,
            "name": pl.Series([each.name for each in read], dtype=pl.String),
            "style": pl.Series([each.style for each in read], dtype=pl.String),
            "traits": pl.Series([traits_text(each.traits) for each in read], dtype=pl.String),
        }
    )
    return uris.join(known, on="uri", how="left", maintain_order="left").drop("uri")


def traits_text(traits: tuple[tuple[str, str], ...]) -> str | None:
    """Traits as the JSON list that the store keeps: [{"trait": …, "value": …}]; None without."""
    rows = [{"trait": name, "value": value} for name, value in traits]
    return json.dumps(rows, ensure_ascii=False) if rows else None


def _read(uri: str) -> Document:
    if uri[: len(_PREFIX)].lower() != _PREFIX:
        return _NOTHING
    try:
        _, raw = decode_data_uri(uri, max_bytes=_LIMITS.max_json_bytes)
        value = parse_json(
            raw,
            max_bytes=_LIMITS.max_json_bytes,
            max_depth=_LIMITS.max_depth,
            max_keys=_LIMITS.max_keys,
        )
    except (NotTaken, HostileJsonError):
        return _NOTHING
    return read_document(value)
