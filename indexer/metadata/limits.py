"""How much a foreign document may cost. docs/metadata.md lists them; a test holds the two together.

The values follow the security list of the project's reference on provenance: caps of 1 MiB of JSON
and 25 MiB of media, three redirects, and pixels well under Pillow's own 89,478,485.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class DecodeLimits:
    """Limits of one decoding, enforced inside and around the subprocess."""

    max_json_bytes: int = 1 << 20
    max_depth: int = 32
    max_keys: int = 10_000
    max_pixels: int = 36_000_000
    max_frames: int = 256
    thumbnail_px: int = 512
    memory_bytes: int = 768 << 20
    cpu_s: int = 10
    wall_s: float = 20.0


@dataclass(frozen=True)
class FetchLimits:
    """Limits of one fetch, whatever the number of redirects or blocks it takes."""

    max_uri_bytes: int = 1 << 20
    max_url_bytes: int = 4_096
    max_json_bytes: int = 1 << 20
    max_media_bytes: int = 25 << 20
    max_redirects: int = 3
    max_header_bytes: int = 16_384
    connect_s: float = 10.0
    idle_s: float = 15.0
    total_s: float = 60.0
    retry_pause_s: float = 3.0
    max_strikes: int = 5
    dag_s: float = 240.0
    max_cached_nodes: int = 64
    max_blocks: int = 2_048
    max_block_bytes: int = 4 << 20
    max_dag_depth: int = 32
