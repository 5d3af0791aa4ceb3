"""Engines: the built-in model, and any diffusers pipeline by folder or hub name.

`open_engine` chooses. Both make one image per call of the network, from noise drawn on the CPU, in
one thread: other batch shapes and thread counts round differently (measured: the first image of a
batch of four has other bits than the same image alone), so this is what makes a seed name pixels.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from data.errors import UsageError
from data.styles import style_names, styles
from generation.errors import GenerationError, UnknownStyleError
from generation.model import (
    BUILTIN,
    Location,
    ModelFacts,
    load_pipeline,
    load_style_pipeline,
    locate,
    read_config,
)

if TYPE_CHECKING:
    from PIL import Image

Conditioning = Literal["class", "prompt", "none"]


@dataclass(frozen=True)
class Settings:
    """How an engine runs its model: what the process section of a manifest states."""

    pipeline: str
    scheduler: str
    steps: int
    dtype: str
    device: str
    conditioning: Conditioning


class Engine(Protocol):
    """Makes the image of a style and a seed, always the same one on the same stack."""

    facts: ModelFacts
    settings: Settings

    def prompt(self, style: str) -> str:
        """The prompt or class label that stands for a style.

        Raises:
            UnknownStyleError: The model or data/styles.csv does not know the style.
        """

    def make(self, style: str, seed: int) -> "Image.Image":
        """The image (RGB) of a style and a seed of up to 63 bits."""


def open_engine(
    name: str = BUILTIN,
    *,
    steps: int | None = None,
    device: str = "auto",
    local_files_only: bool = False,
) -> Engine:
    """The engine of the built-in model, of a folder, or of a diffusers pipeline on the hub.

    `steps` None takes the model's own number. `device` auto takes CUDA where there is one for a
    pipeline, and always the CPU for the built-in model: it is small, and a GPU rounds otherwise.

    Raises:
        ModelMissingError: No folder and no hub pipeline of that name.
        ModelCorruptError: A file is missing, unreadable or has another digest than the recipe.
        UsageError: There is no such device here.
    """
    _check_device(device)
    location = locate(name, local_files_only=local_files_only)
    kind = DiffusersEngine if location.is_pipeline else BuiltinEngine
    return kind(location, steps=steps, device=device)


class BuiltinEngine:
    """The project's own class-conditional model from a folder that `generation.train` wrote."""

    def __init__(
        self, location: Location, *, steps: int | None = None, device: str = "auto"
    ) -> None:
        self.facts = location.facts()
        config = read_config(location.folder)
        self._device = "cpu" if device == "auto" else device
        self._pipeline = load_style_pipeline(location.folder, config).to(self._device)
        self._styles: list[str] = config.styles
        self.settings = Settings(
            pipeline=type(self._pipeline).__name__,
            scheduler=type(self._pipeline.scheduler).__name__,
            steps=steps or config.sampling_steps,
            dtype="float32",
            device=self._device,
            conditioning="class",
        )

    def prompt(self, style: str) -> str:
        """The style itself: the model knows classes, no words."""
        if style not in self._styles:
            raise UnknownStyleError(style, self._styles)
        return style

    def make(self, style: str, seed: int) -> "Image.Image":
        """The image of a style and a seed."""
        label = self._styles.index(self.prompt(style))
        _pin_threads()
        made = self._pipeline(
            [label], generator=_generator(seed), num_inference_steps=self.settings.steps
        )
        return made.images[0].convert("RGB")


class DiffusersEngine:
    """Any diffusers pipeline: conditioned by prompt or class label, whichever its call takes."""

    def __init__(
        self, location: Location, *, steps: int | None = None, device: str = "auto"
    ) -> None:
        import torch

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.float16 if device.startswith("cuda") else torch.float32
        self.facts = location.facts()
        self._pipeline: Any = load_pipeline(location.folder, dtype).to(device)
        self._pipeline.set_progress_bar_config(disable=True)
        call = inspect.signature(self._pipeline.__call__).parameters
        self._takes = set(call)
        self.settings = Settings(
            pipeline=type(self._pipeline).__name__,
            scheduler=type(self._pipeline.scheduler).__name__,
            steps=steps or _default_steps(call),
            dtype=str(dtype).removeprefix("torch."),
            device=device,
            conditioning=_conditioning(call),
        )

    def prompt(self, style: str) -> str:
        """Label and description of the style, or nothing for a pipeline that takes no condition."""
        known = {row["style"]: row for row in styles().iter_rows(named=True)}
        if style not in known:
            raise UnknownStyleError(style, list(known))
        if self.settings.conditioning == "none":
            return ""
        if self.settings.conditioning == "class":
            return style
        return f"{known[style]['label']}: {known[style]['description']}"

    def make(self, style: str, seed: int) -> "Image.Image":
        """The image of a style and a seed.

        Raises:
            GenerationError: The pipeline's own safety checker withheld the image.
        """
        prompt = self.prompt(style)
        _pin_threads()
        condition: dict[str, Any] = {
            "prompt": {"prompt": prompt},
            "class": {"class_labels": [style_names().index(style)]},
            "none": {},
        }[self.settings.conditioning]
        if "num_inference_steps" in self._takes:
            condition["num_inference_steps"] = self.settings.steps
        made = self._pipeline(**condition, generator=_generator(seed), output_type="pil")
        if any(getattr(made, "nsfw_content_detected", None) or []):
            message = (
                f"the safety checker of {self.facts.name} withheld style {style!r}, seed {seed}; "
                "use another --seed or --model"
            )
            raise GenerationError(message)
        return made.images[0].convert("RGB")


def _check_device(device: str) -> None:
    import torch

    if device in ("auto", "cpu") or (device.startswith("cuda") and torch.cuda.is_available()):
        return
    message = f"no device {device!r} here; use --device cpu or auto"
    raise UsageError(message)


def _pin_threads() -> None:
    """One thread and deterministic kernels: the number of threads decides the order of sums.

    Called before every image, since any other part of the process may have set it otherwise.
    """
    import torch

    torch.set_num_threads(1)
    # A kernel on CUDA that has no deterministic form warns instead of stopping the studio.
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())


def _generator(seed: int) -> Any:
    import torch

    if not 0 <= seed < 2**63:
        message = f"noise seed {seed} is out of range; it must be 0 or more and below 2^63"
        raise GenerationError(message)

    return torch.Generator("cpu").manual_seed(seed)


def _conditioning(call: Mapping[str, inspect.Parameter]) -> Conditioning:
    if "prompt" in call:
        return "prompt"
    return "class" if "class_labels" in call else "none"


def _default_steps(call: Mapping[str, inspect.Parameter]) -> int:
    """The pipeline's own default; pipelines of few steps (turbo, LCM) differ from the usual 50."""
    parameter = call.get("num_inference_steps")
    if parameter is None or not isinstance(parameter.default, int):
        return 1
    return parameter.default
