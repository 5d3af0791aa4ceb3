"""Puts works on chain: mints and lists them through the contracts' bindings."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from data.styles import style_index, styles
from data.units import ZERO_ADDRESS
from generation.manifest import read_manifest
from generation.register import materials_of, register_materials

if TYPE_CHECKING:
    from contracts.bindings import Contracts, MintRequest

ROYALTY_BPS = 500
"""Royalty of the studio's works, 5 %: half of what the contract allows."""
MAX_URI_BYTES = 24_000
"""Longest metadata URI: Artwork.sol stores 24,523 bytes, which leaves room for its own prefix."""
NO_DIGEST = "0x" + 32 * "00"
MINTED_SCHEMA = {"work_id": pl.String, "token_id": pl.String, "status": pl.String}

OnWork = Callable[[str], None]


def mint_and_list(
    works: pl.DataFrame,
    chain: "Contracts",
    *,
    royalty_bps: int = ROYALTY_BPS,
    on_work: OnWork | None = None,
) -> pl.DataFrame:
    """Mints works and lists them at their price; what is on chain already is left as it is.

    What they are made with is registered first, where it is not yet.

    Shape: `works` has the columns of table `works`; the result has work_id, token_id (decimal
    text) and status: `listed`, `skipped` (these pixels are on chain already), or `relisted` (on
    chain, but a stopped run had not offered it).

    Raises:
        UnregisteredError: The register refuses what they are made with.
        RaisonneError: As the bindings say: node unreachable, no contracts there, call refused.
    """
    register_materials(works, chain)
    rows = []
    for work in works.iter_rows(named=True):
        token_id, status = _mint_one(work, chain, royalty_bps)
        rows.append({"work_id": work["work_id"], "token_id": str(token_id), "status": status})
        if on_work is not None:
            on_work(work["style"])
    return pl.DataFrame(rows, schema=MINTED_SCHEMA)


def metadata_uri(work: dict[str, Any]) -> str:
    """The token's metadata as a `data:application/json` URI, the image in it where it fits.

    Made by a JSON serializer, never by joining strings: a quote in a title stays a quote.
    """
    metadata = {
        "name": work["title"],
        "description": (
            f"{styles()['description'][style_index(work['style'])]}. "
            f"Line {work['line']} of brief {work['brief_id']}, seed {work['seed']}."
        ),
        "attributes": [{"trait_type": "style", "value": work["style"]}],
        "manifest": work["work_id"],
    }
    png = Path(work["image_path"]).read_bytes()
    image = "data:image/png;base64," + base64.b64encode(png).decode()
    whole = _json_uri({**metadata, "image": image})
    return whole if len(whole) <= MAX_URI_BYTES else _json_uri(metadata)


def mint_request(work: dict[str, Any], owner: str, royalty_bps: int) -> "MintRequest":
    """What `Artwork.mint` records of a row of table `works`.

    Raises:
        ManifestError: The work's manifest cannot be read.
    """
    from contracts.bindings import MintRequest

    dataset, process, model = materials_of(read_manifest(Path(work["manifest_path"])))
    return MintRequest(
        to=owner,
        manifest=_word(work["work_id"]),
        pixel_hash=_word(work["pixel_sha256"]),
        model=model.digest,
        dataset=dataset.digest,
        process=process.digest,
        seed=int(work["seed"]),
        royalty_bps=royalty_bps,
        uri=metadata_uri(work),
    )


def read_chain_manifest(rpc_url: str, state_dir: Path, pixel_sha256: str) -> str:
    """The manifest word (0x…) bound on chain to these pixels; zeros where no token has them.

    Raises:
        RaisonneError: The node cannot be reached, or the contracts are not on its chain.
    """
    from contracts.bindings import Contracts
    from contracts.signers import UnlockedSigner

    # Reading needs nobody to sign; the zero address never could.
    artwork = Contracts.connect(rpc_url, state_dir, UnlockedSigner(ZERO_ADDRESS)).artwork
    token_id = artwork.token_of_pixel_hash(_word(pixel_sha256))
    return NO_DIGEST if token_id is None else "0x" + artwork.manifest_of(token_id).hex()


def _mint_one(work: dict[str, Any], chain: "Contracts", royalty_bps: int) -> tuple[int, str]:
    owner = chain.signer.address
    known = chain.artwork.token_of_pixel_hash(_word(work["pixel_sha256"]))
    if known is not None and not _is_unoffered(work, known, chain):
        return known, "skipped"
    token_id = known or chain.artwork.mint(mint_request(work, owner, royalty_bps))
    chain.market.list(token_id, int(work["price_wei"]))
    return token_id, "relisted" if known else "listed"


def _is_unoffered(work: dict[str, Any], token_id: int, chain: "Contracts") -> bool:
    """Whether the token is this very work, still ours, and was neither offered nor sold."""
    if chain.artwork.manifest_of(token_id) != _word(work["work_id"]):
        return False
    was_offered = chain.market.listing(token_id).seller != ZERO_ADDRESS
    if was_offered or chain.market.last_price(token_id) != 0:
        return False
    return chain.artwork.owner_of(token_id) == chain.signer.address


def _json_uri(value: dict[str, Any]) -> str:
    raw = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return "data:application/json;base64," + base64.b64encode(raw).decode()


def _word(digest: str) -> bytes:
    return bytes.fromhex(digest.removeprefix("0x"))
