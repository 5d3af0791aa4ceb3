"""Checks what a lineage manifest says, level by level.

L0 declared: the manifest reads, and its hash is the work's name (and the word on chain).
L1 hashes: pixels, weights, training data recipe and prompt have the digests it states.
L2 bit-exact: the model, run again on this stack, makes the same pixels.

Levels L3 (independent stacks) and L4 (attested hardware) need other machines and are not claimed.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from PIL import Image

from generation.art import ArtRecipe, recipe_digest
from generation.engine import Engine, open_engine
from generation.errors import GenerationError, ManifestError
from generation.fingerprint import dhash, hamming_distance, phash, pixel_sha256
from generation.manifest import Manifest, commit_prompt, digest_of, read_manifest
from generation.model import ModelFacts, locate
from generation.studio import environment

LEVELS = ("L0", "L1", "L2")
CHECK_SCHEMA = {"check": pl.String, "level": pl.String, "passed": pl.Boolean, "detail": pl.String}

OpenEngine = Callable[..., Engine]


@dataclass(frozen=True)
class Check:
    """One check: passed is None where its input is not known, and then it decides nothing."""

    check: str
    level: str
    passed: bool | None
    detail: str


@dataclass(frozen=True)
class Verification:
    """The highest level whose checks, and all below, hold (None: not even L0), and the checks."""

    work_id: str
    level: str | None
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if check.passed is False)

    def to_frame(self) -> pl.DataFrame:
        """A row per check: check, level, passed (null: not evaluated), detail."""
        return pl.DataFrame([asdict(check) for check in self.checks], schema=CHECK_SCHEMA)


def verify_work(
    path: Path,
    *,
    model: str | None = None,
    chain_manifest: str | None = None,
    device: str = "auto",
    opener: OpenEngine = open_engine,
) -> Verification:
    """The level that a work reaches on this stack, with every check that led there.

    `path` is the work's manifest or image; both lie side by side under the work's id. `model` None
    takes the model that the manifest names. `chain_manifest` is the word read from the chain.

    Raises:
        WorkMissingError: There is no manifest at the path.
    """
    manifest_path, image_path = path.with_suffix(".json"), path.with_suffix(".png")
    checks = []
    try:
        manifest = read_manifest(manifest_path)
    except ManifestError as error:
        checks.append(Check("manifest reads", "L0", False, str(error)))
        return Verification(path.stem, None, tuple(checks))
    checks.append(Check("manifest reads", "L0", True, manifest.spec))
    checks.extend(_check_words(manifest, path.stem, chain_manifest))
    checks.extend(_check_image(manifest, image_path))
    name = model or manifest.model.name
    checks.extend(_check_model(manifest, name))
    checks.append(_check_prompt(manifest))
    checks.append(_check_regeneration(manifest, name, device, opener))
    return Verification(path.stem, reached_level(checks), tuple(checks))


def reached_level(checks: list[Check]) -> str | None:
    """The highest level of which a check passed and none failed, there and below."""
    reached = None
    for level in LEVELS:
        results = [check.passed for check in checks if check.level == level]
        if False in results or True not in results:
            break
        reached = level
    return reached


def _equal(check: str, level: str, found: str, stated: str) -> Check:
    detail = found if found == stated else f"found {found}, stated {stated}"
    return Check(check, level, found == stated, detail)


def _check_words(manifest: Manifest, name: str, chain_manifest: str | None) -> Iterator[Check]:
    found = digest_of(manifest)
    yield _equal("manifest hash is the file's name", "L0", found, name)
    if chain_manifest is None:
        yield Check("manifest hash is on chain", "L0", None, "no chain was asked")
    elif int(chain_manifest, 16) == 0:
        yield Check("manifest hash is on chain", "L0", False, "no token has these pixels")
    else:
        yield _equal("manifest hash is on chain", "L0", found, chain_manifest)


def _check_image(manifest: Manifest, path: Path) -> Iterator[Check]:
    stated = manifest.work
    try:
        with Image.open(path) as opened:
            image = opened.copy()
    except (OSError, SyntaxError) as error:
        yield Check("pixels", "L1", False, f"image {path} cannot be read: {error}")
        return
    yield _equal("pixels", "L1", pixel_sha256(image), stated.pixel_sha256)
    found = f"{phash(image)} {dhash(image)}"
    yield _equal("perceptual hashes", "L1", found, f"{stated.phash} {stated.dhash}")


def _check_model(manifest: Manifest, name: str) -> Iterator[Check]:
    try:
        facts = locate(name, local_files_only=True).facts()
    except GenerationError as error:
        yield Check("weights", "L1", False, str(error))
        return
    yield _check_weights(manifest, facts)
    yield _check_dataset(manifest, facts)


def _check_weights(manifest: Manifest, facts: ModelFacts) -> Check:
    stated = manifest.model
    differing = sorted(
        part
        for part in stated.parts.keys() | facts.parts.keys()
        if stated.parts.get(part) != facts.parts.get(part)
    )
    check = _equal("weights", "L1", facts.root, stated.root)
    if not differing:
        return check
    return Check("weights", "L1", False, f"{check.detail}; differing: {', '.join(differing)}")


def _check_dataset(manifest: Manifest, facts: ModelFacts) -> Check:
    stated = manifest.data.recipe_digest
    if stated is None:
        return Check("training data", "L1", None, f"data is {manifest.data.assurance}")
    if facts.dataset is None:
        return Check("training data", "L1", False, f"{facts.name} has no recipe, stated {stated}")
    try:
        recipe = msgspec.convert(facts.dataset, ArtRecipe)
    except msgspec.ValidationError as error:
        return Check("training data", "L1", False, f"the model's recipe cannot be read: {error}")
    return _equal("training data", "L1", recipe_digest(recipe), stated)


def _check_prompt(manifest: Manifest) -> Check:
    stated = manifest.process.prompt
    if stated.salt is None or stated.text is None:
        return Check("prompt", "L1", None, "the prompt is not revealed")
    found = commit_prompt(stated.salt, stated.text).commitment
    return _equal("prompt", "L1", found, stated.commitment)


def _check_regeneration(manifest: Manifest, name: str, device: str, opener: OpenEngine) -> Check:
    """Makes the image again; nothing but its pixels is compared."""
    process = manifest.process
    try:
        engine = opener(name, steps=process.steps, device=device, local_files_only=True)
        image = engine.make(manifest.work.style, int(process.seed))
    except GenerationError as error:
        return Check("regeneration", "L2", False, str(error))
    check = _equal("regeneration", "L2", pixel_sha256(image), manifest.work.pixel_sha256)
    if check.passed:
        return check
    bits = hamming_distance(phash(image), manifest.work.phash)
    detail = (
        f"{check.detail}; perceptual distance {bits} of 64; {_stack_difference(manifest, engine)}"
    )
    return Check("regeneration", "L2", False, detail)


def _stack_difference(manifest: Manifest, engine: Engine) -> str:
    """What differs between the stack of the manifest and this one."""
    here: dict[str, Any] = msgspec.to_builtins(environment(engine.settings.device))
    there: dict[str, Any] = msgspec.to_builtins(manifest.process.environment)
    differing = [
        f"{name} {there[name]} there, {value} here"
        for name, value in here.items()
        if value != there[name]
    ]
    return "stack: " + ("; ".join(differing) or "the same")
