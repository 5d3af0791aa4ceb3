"""Documents and media on disk, under the SHA-256 of their bytes."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cache:
    """A folder of files named by their SHA-256; equal bytes are kept once, and never change."""

    folder: Path

    def put(self, raw: bytes) -> str:
        """Keeps bytes, whole or not at all; returns their SHA-256 as 0x text."""
        digest = hashlib.sha256(raw).hexdigest()
        path = self.path(f"0x{digest}")
        if path.exists() and path.stat().st_size == len(raw):
            return f"0x{digest}"
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with fresh.open("xb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        return f"0x{digest}"

    def get(self, sha256: str) -> bytes | None:
        """The bytes of a SHA-256; None when they are not there, or the file is damaged."""
        try:
            raw = self.path(sha256).read_bytes()
        except OSError:
            return None
        return raw if hashlib.sha256(raw).hexdigest() == sha256[2:] else None

    def path(self, sha256: str) -> Path:
        """Where the bytes of a SHA-256 (0x text) are kept."""
        return self.folder / sha256[2:4] / sha256[2:]
