"""The studio: lines of a brief in, works with their lineage out.

A work is a pure function of its line, the seed and the stack: the same call writes the same files
again. Works that are not new (equal pixels) are made anew from the next seed.
"""

import hashlib
import platform
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from data.errors import UsageError
from data.schema import table
from data.store import code_version
from data.styles import style_index, styles
from generation.engine import Engine
from generation.errors import GenerationError
from generation.fingerprint import dhash, phash, pixel_sha256
from generation.manifest import (
    Assurance,
    Data,
    Environment,
    Manifest,
    Model,
    Process,
    Steering,
    Work,
    canonical_bytes,
    commit_prompt,
    digest_of,
    process_digest,
    sha256_hex,
)

if TYPE_CHECKING:
    from PIL import Image

BRIEF_COLUMNS = ("brief_id", "line", "style", "works", "price_wei", "run_id")
MAX_ATTEMPTS = 16
"""Seeds tried for one work before the model is said to repeat itself."""

OnWork = Callable[[str], None]


@dataclass(frozen=True)
class Made:
    """One new work: its image and manifest."""

    image: "Image.Image"
    manifest: Manifest

    @property
    def work_id(self) -> str:
        """SHA-256 of the manifest."""
        return digest_of(self.manifest)


def generate_brief(
    brief: pl.DataFrame,
    engine: Engine,
    out_dir: Path,
    seed: int,
    *,
    created_at: datetime,
    known_pixel_hashes: Collection[str] = (),
    on_work: OnWork | None = None,
) -> pl.DataFrame:
    """The works of a brief, in table `works`; image and manifest lie under `out_dir/brief_id`.

    Shape: `brief` has brief_id, line, style, works, price_wei, run_id, a row per line; the result
    has a row per work, in the order of the lines. `known_pixel_hashes` are those of works made
    for other briefs. `on_work` is called with the style after every work.

    Raises:
        UsageError: A column is missing, or a line asks for a negative number of works.
        NotFoundError: A style is unknown; nothing has been made then.
        GenerationError: The model repeats itself and no new work comes of 16 seeds.
    """
    _check_brief(brief, engine)
    taken = set(known_pixel_hashes)
    rows = []
    for line in brief.sort("brief_id", "line").iter_rows(named=True):
        for index in range(line["works"]):
            made = make_work(line, index, engine, seed, taken)
            taken.add(made.manifest.work.pixel_sha256)
            image_path, manifest_path = _write(made, out_dir / line["brief_id"])
            rows.append(_row(made, line, image_path, manifest_path, created_at))
            if on_work is not None:
                on_work(line["style"])
    declared = table("works")
    return pl.DataFrame(rows, schema=declared.polars_schema) if rows else declared.empty()


def make_work(
    line: Mapping[str, Any], index: int, engine: Engine, seed: int, taken: Collection[str]
) -> Made:
    """Work number `index` of a line, with pixels that are not among the taken hashes.

    Raises:
        GenerationError: 16 seeds in a row gave pixels that are taken.
    """
    for attempt in range(MAX_ATTEMPTS):
        noise_seed = work_seed(seed, line["brief_id"], line["line"], index, attempt)
        image = engine.make(line["style"], noise_seed)
        if pixel_sha256(image) not in taken:
            return Made(image, describe_work(image, line, noise_seed, engine))
    message = (
        f"{engine.facts.name} made nothing new of style {line['style']!r} from {MAX_ATTEMPTS} "
        "seeds; use another --seed or --model"
    )
    raise GenerationError(message)


def work_seed(seed: int, brief_id: str, line: int, index: int, attempt: int) -> int:
    """The noise seed of a work, 63 bits, from the batch's seed and the work's place in the brief.

    Hashed, so that neighbours share no noise and a line's works do not depend on other lines.
    """
    place = f"{seed}/{brief_id}/{line}/{index}/{attempt}"
    return int.from_bytes(hashlib.sha256(place.encode()).digest()[:8]) >> 1


def describe_work(
    image: "Image.Image", line: Mapping[str, Any], noise_seed: int, engine: Engine
) -> Manifest:
    """The lineage manifest of an image that the engine made for a line of a brief."""
    pixels = pixel_sha256(image)
    style = line["style"]
    label = styles()["label"][style_index(style)]
    facts, settings = engine.facts, engine.settings
    return Manifest(
        work=Work(
            title=f"{label} {pixels[2:8]}",
            style=style,
            mode=image.mode,
            width=image.width,
            height=image.height,
            pixel_sha256=pixels,
            phash=phash(image),
            dhash=dhash(image),
        ),
        model=Model(name=facts.name, root=facts.root, parts=facts.parts),
        data=Data(
            assurance="audited" if facts.dataset_digest else "unknown",
            recipe_digest=facts.dataset_digest,
        ),
        process=Process(
            code_version=code_version(),
            code_digest=code_digest(),
            pipeline=settings.pipeline,
            scheduler=settings.scheduler,
            steps=settings.steps,
            width=image.width,
            height=image.height,
            dtype=settings.dtype,
            conditioning=settings.conditioning,
            prompt=commit_prompt(_salt(noise_seed, line), engine.prompt(style)),
            seed=str(noise_seed),
            rng_device="cpu",
            batch_size=1,
            batch_index=0,
            environment=environment(settings.device),
        ),
        steering=Steering(
            brief_id=line["brief_id"], line=line["line"], run_id=line["run_id"] or "unknown"
        ),
        assurance=Assurance(claimed="L2"),
    )


@cache
def environment(device: str) -> Environment:
    """The stack that runs here."""
    import diffusers
    import numpy as np
    import torch

    return Environment(
        python=platform.python_version(),
        torch=str(torch.__version__),
        diffusers=diffusers.__version__,
        numpy=np.__version__,
        machine=f"{sys.platform} {platform.machine()}",
        processor=_processor(),
        device=torch.cuda.get_device_name() if device.startswith("cuda") else device,
        threads=torch.get_num_threads(),
    )


@cache
def code_digest() -> str:
    """SHA-256 (0x…) over this package's sources, each after its name."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return "0x" + digest.hexdigest()


def _check_brief(brief: pl.DataFrame, engine: Engine) -> None:
    missing = [name for name in BRIEF_COLUMNS if name not in brief.columns]
    if missing:
        message = (
            f"brief lacks {', '.join(missing)}; it needs {', '.join(BRIEF_COLUMNS)} "
            "as `raisonne brief` writes them"
        )
        raise UsageError(message)
    for style in brief["style"].unique(maintain_order=True):
        style_index(style)
        engine.prompt(style)
    for line, works in brief.select("line", "works").iter_rows():
        if works is None or works < 0:
            message = f"line {line} of the brief asks for {works} works; give a whole number >= 0"
            raise UsageError(message)


def _salt(noise_seed: int, line: Mapping[str, Any]) -> str:
    # Derived, not drawn: the manifest must come out the same again. The prompt is revealed anyway;
    # the salt only keeps equal prompts from having equal commitments.
    return sha256_hex(f"salt/{noise_seed}/{line['brief_id']}/{line['line']}".encode())


def _processor() -> str:
    """The CPU's name: its instruction set decides which kernels run."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = (text.partition(":")[2].strip() for text in lines if text.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def _write(made: Made, folder: Path) -> tuple[Path, Path]:
    """Writes image and manifest; the manifest comes last, so where it lies the work is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    image_path = folder / f"{made.work_id}.png"
    manifest_path = folder / f"{made.work_id}.json"
    made.image.save(image_path, optimize=True)
    part = manifest_path.with_suffix(".part")
    part.write_bytes(canonical_bytes(made.manifest))
    part.replace(manifest_path)
    return image_path, manifest_path


def _row(
    made: Made, line: Mapping[str, Any], image: Path, manifest: Path, created_at: datetime
) -> dict[str, Any]:
    lineage = made.manifest
    return {
        "work_id": made.work_id,
        "brief_id": line["brief_id"],
        "line": line["line"],
        "run_id": line["run_id"],
        "style": line["style"],
        "title": lineage.work.title,
        "prompt": lineage.process.prompt.text,
        "seed": lineage.process.seed,
        "price_wei": line["price_wei"],
        "model_digest": lineage.model.root,
        "dataset_digest": lineage.data.recipe_digest,
        "process_digest": process_digest(lineage.process),
        "pixel_sha256": lineage.work.pixel_sha256,
        "phash": lineage.work.phash,
        "image_path": str(image),
        "manifest_path": str(manifest),
        "created_at": created_at,
    }
