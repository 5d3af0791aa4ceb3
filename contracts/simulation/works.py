"""Simulated works: their traits, what these are worth, and the metadata that is minted."""

import base64
import hashlib
import json
from dataclasses import dataclass

import numpy as np

from data.styles import style_names, styles

PALETTES = ("ochre", "indigo", "rose", "slate", "jade", "gold")
SCALES = ("small", "medium", "large")

# What a trait does to the logarithm of a work's value: collectors pay for gold and for size.
PALETTE_VALUE = (0.0, 0.05, -0.05, -0.12, 0.10, 0.40)
SCALE_VALUE = (-0.28, 0.0, 0.30)
_PALETTE_SHARE = (0.26, 0.22, 0.18, 0.16, 0.12, 0.06)
_SCALE_SHARE = (0.35, 0.45, 0.20)

QUALITY_SIGMA = 0.18
"""Spread of what no trait explains, in the logarithm of the value."""

PROCESS = "drawn by the simulated market"

_URI_HEAD = "data:application/json;base64,"


@dataclass(frozen=True, slots=True)
class Parenthood:
    """An earlier work of the same contract; relation 0 derived, 1 variation, 2 inspired."""

    token_id: int
    relation: int
    share_bps: int


@dataclass(frozen=True, slots=True)
class Materials:
    """The registered digests of what a work is made with."""

    model: bytes
    dataset: bytes
    process: bytes


@dataclass(frozen=True, slots=True)
class Work:
    """A work as its artist makes it; `style` is a class index of `data.styles`."""

    creator: str
    artist: str
    number: int
    style: int
    palette: int
    scale: int
    quality: float
    royalty_bps: int
    seed: int
    pixel_hash: bytes
    materials: Materials
    parents: tuple[Parenthood, ...] = ()

    @property
    def title(self) -> str:
        """The name in the metadata."""
        return f"{styles()['label'][self.style]} in {PALETTES[self.palette]} No. {self.number}"

    @property
    def log_appeal(self) -> float:
        """What traits and quality add to the logarithm of the artist's price level."""
        return PALETTE_VALUE[self.palette] + SCALE_VALUE[self.scale] + self.quality


def make_work(
    rng: np.random.Generator,
    *,
    creator: str,
    artist: str,
    number: int,
    style: int,
    royalty_bps: int,
    materials: Materials | None = None,
    parents: tuple[Parenthood, ...] = (),
) -> Work:
    """Draws the traits, the quality and the pixel hash of a new work.

    Without `materials` it is made with the artist's first model and the style's first dataset.
    """
    return Work(
        creator=creator,
        artist=artist,
        number=number,
        style=style,
        palette=int(rng.choice(len(PALETTES), p=_PALETTE_SHARE)),
        scale=int(rng.choice(len(SCALES), p=_SCALE_SHARE)),
        quality=float(rng.normal(0.0, QUALITY_SIGMA)),
        royalty_bps=royalty_bps,
        seed=int(rng.integers(0, 2**63)),
        pixel_hash=rng.bytes(32),
        materials=materials or first_materials(artist, style),
        parents=parents,
    )


def metadata(work: Work) -> dict[str, object]:
    """The ERC-721 metadata of a work: name, description, attributes (style, palette, scale)."""
    traits = {
        "style": style_names()[work.style],
        "palette": PALETTES[work.palette],
        "scale": SCALES[work.scale],
        "artist": work.artist,
    }
    return {
        "name": work.title,
        "description": f"{styles()['description'][work.style]}, by {work.artist}.",
        "attributes": [{"trait_type": name, "value": value} for name, value in traits.items()],
    }


def token_uri(document: dict[str, object]) -> str:
    """A metadata document as a data:application/json;base64 URI."""
    return _URI_HEAD + base64.b64encode(_canonical(document)).decode("ascii")


def read_token_uri(uri: str) -> dict[str, object] | None:
    """The metadata document in a data URI; None when it is something else."""
    head, _, body = uri.partition(",")
    if not head.startswith("data:application/json"):
        return None
    try:
        text = base64.b64decode(body, validate=True) if head.endswith(";base64") else body
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def manifest_hash(work: Work, document: dict[str, object]) -> bytes:
    """SHA-256 that binds the metadata, the pixels and the seed of a work."""
    digest = hashlib.sha256(_canonical(document))
    digest.update(work.pixel_hash)
    digest.update(work.seed.to_bytes(32, "big"))
    return digest.digest()


def named_hash(kind: str, name: str) -> bytes:
    """A digest that stands for something of the simulation, such as an artist's own method."""
    return hashlib.sha256(f"raisonne simulation/{kind}/{name}".encode()).digest()


def first_materials(artist: str, style: int) -> Materials:
    """What every artist begins with, before labs publish anything."""
    return Materials(
        model=named_hash("artist", artist),
        dataset=named_hash("style", style_names()[style]),
        process=named_hash("process", PROCESS),
    )


def _canonical(document: dict[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
