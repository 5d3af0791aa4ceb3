"""What a run that fetches metadata is told, and what it tells."""

import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexer.metadata.addresses import look_up
from indexer.metadata.gateways import Gateways
from indexer.metadata.http import Allowance
from indexer.metadata.limits import DecodeLimits, FetchLimits

_PAGE = 200
_DOCUMENTS, _MEDIA = 16, 6


@dataclass(frozen=True)
class Network:
    """How documents are reached; the defaults are the rules of docs/metadata.md.

    `allowance` is for servers that the caller runs (tests); gateways need none.
    """

    limits: FetchLimits = field(default_factory=FetchLimits)
    allowance: Allowance = field(default_factory=Allowance)
    resolve: Callable[[str, int], list[str]] = look_up
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True)
class MetadataOptions:
    """Which documents are fetched, how, and where they are kept."""

    cache_dir: Path
    gateways: Gateways = field(default_factory=Gateways)
    with_media: bool = True
    again: bool = False
    network: Network = field(default_factory=Network)
    decoding: DecodeLimits = field(default_factory=DecodeLimits)
    on_progress: Callable[[float, float, str], None] | None = None
    page: int = _PAGE
    documents_at_once: int = _DOCUMENTS
    media_at_once: int = _MEDIA


@dataclass
class MetadataSummary:
    """What a run asked for and got: counts by outcome, `fetched` or `status: code`."""

    tokens: int = 0
    uris: int = 0
    uri_reasons: dict[str, int] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)
    media: dict[str, int] = field(default_factory=dict)
    n_bytes: int = 0

    def count(self, row: dict[str, Any]) -> None:
        """Counts one row of `metadata_documents`."""
        outcome = row["status"] if row["code"] is None else f"{row['status']}: {row['code']}"
        counts = self.documents if row["kind"] == "json" else self.media
        counts[outcome] = counts.get(outcome, 0) + 1
        self.n_bytes += row["n_bytes"] or 0

    def lines(self) -> list[str]:
        """The summary for people, one line per kind; nothing was asked for: one line."""
        if not self.tokens:
            return ["metadata: no token is due"]
        asked = f"metadata: {self.tokens:,} tokens asked, {self.uris:,} URIs read"
        lines = [asked + _breakdown(Counter(self.uri_reasons))]
        for name, counts in (("documents", self.documents), ("media", self.media)):
            fetched = counts.get("fetched", 0)
            others = Counter({key: n for key, n in counts.items() if key != "fetched"})
            if counts:
                lines.append(f"{name}: {fetched:,} fetched{_breakdown(others)}")
        lines.append(f"received: {self.n_bytes:,} bytes")
        return lines


def _breakdown(counts: Counter[str]) -> str:
    parts = [f"{count:,} {name}" for name, count in sorted(counts.items(), key=_by_count)]
    return "; " + ", ".join(parts) if parts else ""


def _by_count(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]
