"""Puts what works are made with on the register: datasets, processes and models, once each.

The contract of the works refuses digests that are not registered, and pays a share of every royalty
to whoever registered model and dataset.
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import rfc8785

from generation.errors import UnregisteredError
from generation.manifest import (
    Manifest,
    canonical_bytes,
    process_document,
    read_manifest,
    sha256_hex,
)

if TYPE_CHECKING:
    from contracts.bindings import Contracts


@dataclass(frozen=True)
class Material:
    """Something that works are made with: `document` says what the digest stands for."""

    kind: str
    digest: bytes
    document: bytes
    parents: tuple[bytes, ...] = ()

    @property
    def uri(self) -> str:
        """The document as a data URI."""
        return "data:application/json;base64," + base64.b64encode(self.document).decode()


def materials_of(manifest: Manifest) -> tuple[Material, Material, Material]:
    """Returns the dataset, the process and the model of a work, in an order they can register in.

    A model is registered as a child of its dataset: a dispute about the data concerns it too.
    Where nobody knows the training data, a digest stands for just that.
    """
    data = canonical_bytes(manifest.data)
    if manifest.data.recipe_digest is None:
        data = rfc8785.dumps({"assurance": "unknown", "data of model": manifest.model.root})
    dataset = manifest.data.recipe_digest or sha256_hex(data)
    process = process_document(manifest.process)
    return (
        Material("dataset", _word(dataset), data),
        Material("process", _word(sha256_hex(process)), process),
        Material(
            "model",
            _word(manifest.model.root),
            canonical_bytes(manifest.model),
            (_word(dataset),),
        ),
    )


def register_materials(works: pl.DataFrame, chain: "Contracts") -> int:
    """Registers what these works are made with and the register lacks; returns how many it were.

    `works` has the columns of table `works`.

    Raises:
        UnregisteredError: A digest is tainted or of another kind, or the signer may not register.
        RaisonneError: As the bindings say: node unreachable, call refused.
    """
    found = {
        material.digest: material
        for path in works["manifest_path"].unique(maintain_order=True)
        for material in materials_of(read_manifest(Path(path)))
    }
    missing = [each for each in found.values() if not _is_usable(each, chain)]
    if missing and not chain.registry.is_registrar(chain.signer.address):
        names = ", ".join(f"{each.kind} 0x{each.digest.hex()}" for each in missing)
        message = (
            f"not registered: {names}; {chain.signer.address} is no registrar. Let one sign, or "
            "have the timelock admit this account (Registry.setRegistrar)"
        )
        raise UnregisteredError(message)
    for each in missing:
        chain.registry.register(
            each.digest,
            _kind(each.kind),
            uri=each.uri,
            metadata=_word(sha256_hex(each.document)),
            parents=each.parents,
        )
    return len(missing)


def _is_usable(material: Material, chain: "Contracts") -> bool:
    """Whether works can be minted with it; False where it is not registered.

    Raises:
        UnregisteredError: it is registered as something else, or a dispute was upheld.
    """
    asset, name = chain.registry.asset(material.digest), f"0x{material.digest.hex()}"
    if asset.kind == 0:
        return False
    if asset.kind != _kind(material.kind):
        message = (
            f"{material.kind} {name} is registered as {asset.kind.name.lower()} by "
            f"{asset.registrant}; works made with it cannot be minted here"
        )
        raise UnregisteredError(message)
    culprit = chain.registry.taint_of(material.digest)
    if culprit is not None:
        message = (
            f"{material.kind} {name} is tainted: the dispute about 0x{culprit.hex()} was upheld; "
            "make the works with another one"
        )
        raise UnregisteredError(message)
    return True


def _kind(name: str) -> int:
    from contracts.bindings.registry import Kind

    return Kind[name.upper()]


def _word(digest: str) -> bytes:
    return bytes.fromhex(digest.removeprefix("0x"))
