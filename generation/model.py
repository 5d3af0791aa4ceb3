"""Model folders: which files they hold, what their digests are, and how they are loaded."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from generation.errors import ModelCorruptError, ModelMissingError
from generation.manifest import sha256_hex, sha256_json

BUILTIN = "builtin"
WEIGHTS_DIR = Path(__file__).parent / "weights"
WEIGHTS_NAME = "model.safetensors"
CONFIG_NAME = "config.json"
RECIPE_NAME = "recipe.json"
PIPELINE_INDEX = "model_index.json"
MODEL_SUFFIXES = (".json", ".safetensors", ".bin", ".txt", ".model")
RETRAIN = "restore the folder from the repository, or run `python -m generation.train`"


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model: name, digests (0x…) and the recipe of its training data."""

    name: str
    root: str
    parts: dict[str, str]
    dataset: dict[str, Any] | None = None
    dataset_digest: str | None = None


@dataclass(frozen=True)
class StyleConfig:
    """How a built-in style model is built and sampled: the content of its config.json."""

    unet: dict[str, Any]
    patch: int
    size: int
    sampling_steps: int
    styles: list[str]


@dataclass(frozen=True)
class Location:
    """A model's folder, and whether diffusers or this package loads it."""

    name: str
    folder: Path
    is_pipeline: bool

    def facts(self) -> ModelFacts:
        """The model's facts; reads and hashes every file.

        Raises:
            ModelCorruptError: A file is missing, unreadable or has another digest than its recipe.
        """
        if self.is_pipeline:
            return pipeline_facts(self.folder, self.name)
        return read_facts(self.folder, self.name)


def locate(name: str = BUILTIN, *, local_files_only: bool = False) -> Location:
    """Where a model lies: the built-in one, a folder, or a pipeline's name on the hub.

    Raises:
        ModelMissingError: No folder and no hub pipeline of that name.
    """
    if name in ("", BUILTIN):
        return Location(BUILTIN, WEIGHTS_DIR, is_pipeline=False)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return Location(name, folder, is_pipeline=(folder / PIPELINE_INDEX).is_file())
    if folder.exists() or name.startswith((".", "/", "~")):
        message = f"no model folder at {name}; name a folder, a hub pipeline or {BUILTIN!r}"
        raise ModelMissingError(message)
    folder = fetch_pipeline(name, local_files_only=local_files_only)
    return Location(name, folder, is_pipeline=True)


def read_facts(folder: Path, name: str = BUILTIN) -> ModelFacts:
    """The facts of a built-in style model's folder, with every file checked against its recipe.

    Raises:
        ModelCorruptError: A file is missing, unreadable or has another digest than the recipe.
    """
    recipe = read_json(folder / RECIPE_NAME)
    declared = recipe.get("sha256")
    if not isinstance(declared, dict) or set(declared) != {CONFIG_NAME, WEIGHTS_NAME}:
        message = f"{folder / RECIPE_NAME} names no digests of its files; {RETRAIN}"
        raise ModelCorruptError(message)
    parts = {part: sha256_hex(_read(folder / part)) for part in sorted(declared)}
    for part, found in parts.items():
        if found != "0x" + declared[part]:
            message = (
                f"{folder / part} has SHA-256 {found}, "
                f"its recipe says 0x{declared[part]}; {RETRAIN}"
            )
            raise ModelCorruptError(message)
    return ModelFacts(
        name, sha256_json(parts), parts, recipe.get("dataset"), recipe.get("dataset_digest")
    )


def pipeline_facts(folder: Path, name: str) -> ModelFacts:
    """The facts of a diffusers pipeline's folder: digests of its weights and configurations."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in MODEL_SUFFIXES)
    parts = {path.relative_to(folder).as_posix(): sha256_hex(_read(path)) for path in files}
    return ModelFacts(name, sha256_json(parts), parts)


def read_config(folder: Path) -> StyleConfig:
    """The config of a built-in style model's folder.

    Raises:
        ModelCorruptError: The file is missing or lacks a field.
    """
    try:
        return msgspec.convert(read_json(folder / CONFIG_NAME), StyleConfig)
    except msgspec.ValidationError as error:
        message = f"model file {folder / CONFIG_NAME} is no style config: {error}; {RETRAIN}"
        raise ModelCorruptError(message) from error


def load_style_pipeline(folder: Path, config: StyleConfig) -> Any:
    """The built-in model's pipeline, in float32, from a folder whose facts were checked.

    Raises:
        ModelCorruptError: The weights cannot be read or do not fit the config.
    """
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, UNet2DModel
    from safetensors.torch import load_file

    from generation.pipeline import StylePipeline

    try:
        unet = UNet2DModel(**config.unet)
        weights = load_file(folder / WEIGHTS_NAME)
        unet.load_state_dict({name: value.to(torch.float32) for name, value in weights.items()})
        # A quarter faster on a CPU than channels first (measured).
        unet.to(memory_format=torch.channels_last)
        pipeline = StylePipeline(unet.eval(), FlowMatchEulerDiscreteScheduler(), config.patch)
    except Exception as error:  # safetensors, torch and diffusers each raise their own
        message = f"model in {folder} cannot be loaded: {_first_line(error)}; {RETRAIN}"
        raise ModelCorruptError(message) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def load_pipeline(folder: Path, dtype: Any) -> Any:
    """The diffusers pipeline in a local folder, with weights of a torch dtype.

    Raises:
        ModelCorruptError: diffusers or one of its parts refuses the folder.
    """
    from diffusers import DiffusionPipeline

    try:
        return DiffusionPipeline.from_pretrained(folder, dtype=dtype, local_files_only=True)
    except Exception as error:  # diffusers passes on whatever its parts raise
        message = (
            f"pipeline in {folder} cannot be loaded: {_first_line(error)}; "
            "download or save it again"
        )
        raise ModelCorruptError(message) from error


def fetch_pipeline(name: str, *, local_files_only: bool) -> Path:
    """The local folder of a hub pipeline, downloaded where that is allowed.

    Raises:
        ModelMissingError: Neither the local cache nor the hub has it.
    """
    from diffusers import DiffusionPipeline

    try:
        return Path(DiffusionPipeline.download(name, local_files_only=local_files_only))
    except Exception as error:  # hub, network and name errors have no common class
        where = "among the local files" if local_files_only else "here or on the hub"
        message = (
            f"no model {name!r} {where}: {_first_line(error)}; "
            f"name a folder, a hub pipeline or {BUILTIN!r}"
        )
        raise ModelMissingError(message) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"model file {path} is missing or unreadable; {RETRAIN}"
        raise ModelCorruptError(message) from error


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a model's file.

    Raises:
        ModelCorruptError: The file is missing or holds no JSON object.
    """
    try:
        value = json.loads(_read(path))
    except ValueError as error:
        message = f"model file {path} is no JSON: {error}; {RETRAIN}"
        raise ModelCorruptError(message) from error
    if not isinstance(value, dict):
        message = f"model file {path} holds no JSON object; {RETRAIN}"
        raise ModelCorruptError(message)
    return value


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
