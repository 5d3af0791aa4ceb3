"""The lineage manifest `lineage/1`: what made a work, as canonical JSON behind one word.

The bytes are RFC 8785 (JCS); their SHA-256 is the work's id and the manifest word on chain. Only
what is really known is stated, and nothing that changes from run to run (no clock; no path, except
as the name of a model that was named by one): the same line of a brief gives the same word again
on the same stack. Whole numbers that may pass 2^53, seeds above all, are text.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import rfc8785
from eth_utils import keccak

from generation.errors import ManifestError, WorkMissingError

SPEC = "lineage/1"

Digest = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-f]{64}$")]
Hash64 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
Decimal = Annotated[str, msgspec.Meta(pattern="^(0|[1-9][0-9]{0,77})$")]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the manifest: immutable, every field known."""


class Work(_Part):
    """The finished image: its title, size and the fingerprints of its decoded pixels."""

    title: str
    style: str
    mode: str
    width: int
    height: int
    pixel_sha256: Digest
    phash: Hash64
    dhash: Hash64


class Model(_Part):
    """The weights: name, root digest over all parts, and the SHA-256 of every file."""

    name: str
    root: Digest
    parts: dict[str, Digest]


class Data(_Part):
    """The training data: its recipe's digest where it is known, and how far it can be checked.

    `audited`: the recipe makes the data anew; `declared`: somebody says so; `unknown`: nobody does.
    """

    assurance: Literal["audited", "declared", "unknown"]
    recipe_digest: Digest | None = None


class Prompt(_Part):
    """Keccak-256 over salt and prompt; both are given where the prompt is revealed."""

    commitment: Digest
    salt: Digest | None = None
    text: str | None = None


class Environment(_Part):
    """The stack that ran: another one may round differently."""

    python: str
    torch: str
    diffusers: str
    numpy: str
    machine: str
    processor: str
    device: str
    threads: int


class Process(_Part):
    """How the model was run."""

    code_version: str
    code_digest: Digest
    pipeline: str
    scheduler: str
    steps: Annotated[int, msgspec.Meta(ge=1)]
    width: int
    height: int
    dtype: str
    conditioning: Literal["class", "prompt", "none"]
    prompt: Prompt
    seed: Decimal
    rng_device: str
    batch_size: int
    batch_index: int
    environment: Environment


_OF_ONE_WORK = {"prompt", "seed", "batch_size", "batch_index"}


class Steering(_Part):
    """The line of the brief that asked for the work, and the run that wrote the brief."""

    brief_id: str
    line: int
    run_id: str


class Parent(_Part):
    """A work that this one was made from."""

    chain_id: int
    contract: Annotated[str, msgspec.Meta(pattern="^0x[0-9a-f]{40}$")]
    token_id: Decimal
    manifest: Digest
    relation: Literal["derived", "variation", "inspired", "style-cell"]
    share_bps: Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class Assurance(_Part):
    """The level the maker claims; only `verify` says which one holds."""

    claimed: Literal["L0", "L1", "L2"]


class Manifest(_Part, kw_only=True):
    """A lineage manifest."""

    spec: Literal["lineage/1"] = SPEC
    work: Work
    model: Model
    data: Data
    process: Process
    steering: Steering
    parents: list[Parent] = []
    assurance: Assurance


def canonical_bytes(manifest: _Part) -> bytes:
    """The RFC 8785 bytes of a manifest or of one of its parts."""
    return rfc8785.dumps(msgspec.to_builtins(manifest))


def digest_of(manifest: _Part) -> str:
    """SHA-256 (0x…) over the canonical bytes: of a manifest, its work id and word on chain."""
    return sha256_hex(canonical_bytes(manifest))


def process_document(process: Process) -> bytes:
    """RFC 8785 bytes of how works are made: a process without what differs from work to work."""
    fields = msgspec.to_builtins(process)
    return rfc8785.dumps({name: fields[name] for name in fields if name not in _OF_ONE_WORK})


def process_digest(process: Process) -> str:
    """SHA-256 (0x…) of `process_document`: what the register knows a process by."""
    return sha256_hex(process_document(process))


def commit_prompt(salt: str, text: str) -> Prompt:
    """A revealed prompt with its commitment, keccak(salt, prompt).

    The salt has a fixed 32 bytes, so no bytes can move between salt and prompt.
    """
    word = keccak(bytes.fromhex(salt.removeprefix("0x")) + text.encode())
    return Prompt(commitment="0x" + word.hex(), salt=salt, text=text)


def parse_manifest(raw: bytes, source: str) -> Manifest:
    """A manifest from its canonical bytes; `source` is named in errors.

    Raises:
        ManifestError: The bytes are no JSON, no `lineage/1` manifest or not canonical.
    """
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"{source} is no {SPEC} manifest: {error}; restore the file or make the work anew"
        raise ManifestError(message) from error
    if canonical_bytes(manifest) != raw:
        message = (
            f"{source} is not in canonical form (RFC 8785), so its hash means nothing; "
            "restore the file as `raisonne generate` wrote it"
        )
        raise ManifestError(message)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file.

    Raises:
        WorkMissingError: There is no such file.
        ManifestError: As `parse_manifest`.
    """
    if not path.is_file():
        message = f"no manifest at {path}; name a .json or .png that `raisonne generate` wrote"
        raise WorkMissingError(message)
    return parse_manifest(path.read_bytes(), str(path))


def sha256_hex(raw: bytes) -> str:
    """SHA-256 as 0x and 64 hex digits."""
    return "0x" + hashlib.sha256(raw).hexdigest()


def sha256_json(value: Any) -> str:
    """SHA-256 (0x…) over the RFC 8785 bytes of plain JSON values."""
    return sha256_hex(rfc8785.dumps(value))
