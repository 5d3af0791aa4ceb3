"""One document or image: from its URI to bytes in the cache and a row of `metadata_documents`."""

import asyncio
from dataclasses import dataclass
from typing import Any

from indexer.metadata.cache import Cache
from indexer.metadata.decoder import Decoder
from indexer.metadata.errors import NotTaken, Refused
from indexer.metadata.events import traits_text
from indexer.metadata.gateways import Reader, VerifiedBy
from indexer.metadata.limits import FetchLimits
from indexer.metadata.locations import locate, shown_uri, uri_hash
from indexer.metadata.sniff import DECODED, TEXTUAL, sniff

_MAX_REASON = 300


@dataclass(frozen=True)
class Collector:
    """Fetches, decodes and keeps; every outcome is a row."""

    reader: Reader
    decoder: Decoder
    cache: Cache
    limits: FetchLimits

    async def read_json(self, uri: str) -> tuple[dict[str, Any], str | None]:
        """The row of a metadata document, and the whole URI of its image, if it names one."""
        row = _row("json", uri)
        image: str | None = None
        try:
            raw, row["verified_by"] = await self._read(uri, self.limits.max_json_bytes)
            row["media_type"] = sniff(raw)
            _refuse_other(row["media_type"])
            document = await self.decoder.read_json(raw)
            image = document.image
            row |= {
                "sha256": await asyncio.to_thread(self.cache.put, raw),
                "n_bytes": len(raw),
                "media_type": "application/json",
                "name": document.name,
                "style": document.style,
                "traits": traits_text(document.traits),
                "image_uri": shown_uri(image) if image else None,
                "image_uri_hash": uri_hash(image) if image else None,
            }
        except NotTaken as error:
            row |= _outcome(error)
        return row, image

    async def image_of(self, sha256: str) -> tuple[bool, str | None]:
        """Whether a document is in the cache, and the whole URI of the image that it names."""
        raw = self.cache.get(sha256)
        if raw is None:
            return False, None
        return True, (await self.decoder.read_json(raw)).image

    async def read_media(self, uri: str) -> dict[str, Any]:
        """The row of an image or of other media.

        Rasters are decoded in the subprocess and drawn anew small; everything else that is media,
        SVG among it, is kept as the bytes it came as and never opened.
        """
        row = _row("media", uri)
        try:
            raw, row["verified_by"] = await self._read(uri, self.limits.max_media_bytes)
            kind = row["media_type"] = sniff(raw)
            if kind is None or kind in TEXTUAL:
                message = f"{kind or 'bytes of no known type'} in place of media"
                raise Refused(message, "html" if kind == "text/html" else "not-media")
            if kind in DECODED:
                picture = await self.decoder.read_image(raw)
                row |= {
                    "width": picture.width,
                    "height": picture.height,
                    "n_frames": picture.n_frames,
                    "thumbnail_sha256": await asyncio.to_thread(self.cache.put, picture.thumbnail),
                }
            row |= {"sha256": await asyncio.to_thread(self.cache.put, raw), "n_bytes": len(raw)}
        except NotTaken as error:
            row |= _outcome(error)
        return row

    async def _read(self, uri: str, max_bytes: int) -> tuple[bytes, VerifiedBy]:
        # A data URI is as long as the answer of a contract, or as a document, may be.
        location = locate(
            uri,
            max_bytes=min(max_bytes, self.limits.max_uri_bytes),
            max_url_bytes=self.limits.max_url_bytes,
        )
        return await self.reader.read(location, max_bytes=max_bytes)


def _refuse_other(kind: str | None) -> None:
    """Refuses what shows by its first bytes that it is no JSON.

    Raises:
        Refused: it is HTML or media.
    """
    if kind is not None and kind != "application/json":
        message = f"{kind} in place of a document"
        raise Refused(message, "html" if kind == "text/html" else "not-json")


def _row(kind: str, uri: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "uri_hash": uri_hash(uri),
        "uri": shown_uri(uri),
        "status": "fetched",
        "code": None,
        "n_bytes": None,
    }


def _outcome(error: NotTaken) -> dict[str, Any]:
    return {"status": error.status, "code": error.code, "reason": str(error)[:_MAX_REASON]}
