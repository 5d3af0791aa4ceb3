"""Calls of `Registry`: digests of what works are made with, and what is said of them."""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from contracts.bindings.base import Binding

NO_DIGEST = bytes(32)


class Kind(IntEnum):
    """What a registered digest stands for; NONE for one that is not registered."""

    NONE = 0
    MODEL = 1
    DATASET = 2
    PROCESS = 3
    VERIFIER = 4


class Asset(NamedTuple):
    """A registered digest; `registered_at` in Unix seconds."""

    registrant: str
    registered_at: int
    kind: Kind
    parent_count: int


class Registry(Binding):
    """The register of models, datasets, processes and verifiers."""

    NAME = "Registry"

    def register(
        self,
        digest: bytes,
        kind: Kind,
        *,
        uri: str = "",
        metadata: bytes = NO_DIGEST,
        parents: Sequence[bytes] = (),
    ) -> None:
        """Registers a digest, as a registrar; `metadata`: SHA-256 of the document at `uri`."""
        self._send("register", digest, int(kind), metadata, uri, list(parents))

    def attest(self, digest: bytes, level: int, report: bytes, *, passed: bool) -> None:
        """Records that the signer checked a digest, at a level of 0 to 4."""
        self._send("attest", digest, level, report, passed)

    def open_dispute(self, digest: bytes, evidence: bytes) -> None:
        """Disputes a digest; `evidence` is the SHA-256 of what the signer brings."""
        self._send("openDispute", digest, evidence)

    def asset(self, digest: bytes) -> Asset:
        """Returns what is registered under a digest; of kind NONE where nothing is."""
        registrant, registered_at, kind, parent_count = self._read("assetOf", digest)
        return Asset(registrant, registered_at, Kind(kind), parent_count)

    def is_registrar(self, account: str) -> bool:
        """Returns whether an account may register."""
        return bool(self._read("isRegistrar", account))

    def taint_of(self, digest: bytes) -> bytes | None:
        """Returns the digest whose upheld dispute taints this one, None if it is not tainted."""
        culprit = bytes(self._read("taintOf", digest))
        return None if culprit == NO_DIGEST else culprit

    def is_contested(self, digest: bytes) -> bool:
        """Returns whether a dispute about the digest or an ancestor of it is open."""
        return bool(self._read("isContested", digest))
