"""Trains the built-in model on the procedural art: `python -m generation.train`.

A class-conditional UNet predicts the clean image from a noisy one (flow matching: the noisy image
is `(1 - t) * image + t * noise`) on 8x8 patches folded into channels, so that an image of 64x64
costs the UNet no more than one of 8x8. The art is drawn anew for every step, and every random
number follows from (seed, step): a training that was stopped and resumed ends in the same weights.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from data.progress import progress
from data.styles import style_names
from generation.art import ArtRecipe, draw_floats, recipe_digest
from generation.model import CONFIG_NAME, RECIPE_NAME, WEIGHTS_NAME

if TYPE_CHECKING:
    import torch

WORK_DIR = Path(".raisonne/training")
CHECKPOINT_NAME = "checkpoint.pt"
CHECKPOINT_EVERY_STEPS = 250

OnStep = Callable[[int, float], None]


@dataclass(frozen=True)
class TrainConfig:
    """All that decides the weights, the art's recipe included."""

    # Steps of each cosine of the learning rate; after the first it restarts lower (SGDR,
    # Loshchilov and Hutter 2017).
    cycles: tuple[int, ...] = (6_000, 3_000)
    restart_share: float = 0.6
    batch_size: int = 32
    seed: int = 11
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    weight_decay: float = 1e-2
    clip_norm: float = 1.0
    ema_decay: float = 0.999
    # t = sigmoid(N(mean, 1)): most effort goes where the image's structure is decided.
    time_mean: float = 0.7
    # The error of x0 is weighted as an error of velocity, (noisy - x0) / t, with t kept above this.
    time_floor: float = 0.1
    patch: int = 4
    channels: tuple[int, ...] = (64, 96, 128)
    sampling_steps: int = 25
    art: ArtRecipe = field(default_factory=ArtRecipe)

    @property
    def steps(self) -> int:
        """Steps of all cycles."""
        return sum(self.cycles)

    def rate_share(self, step: int) -> float:
        """Share of the learning rate at a step: warm-up, then half a cosine to 2 % per cycle."""
        start, peak = 0, 1.0
        for length in self.cycles:
            if step < start + length:
                cosine = 0.5 * (1 + math.cos(math.pi * (step - start) / length))
                warm = min(1.0, (step + 1) / self.warmup_steps)
                return peak * warm * (0.02 + 0.98 * cosine)
            start, peak = start + length, self.restart_share
        return 0.0


@dataclass(frozen=True)
class TrainResult:
    """Where a training ended: its folder, the mean loss of the last steps and the time it took."""

    folder: Path
    loss: float
    wall_s: float
    weights_sha256: str


def unet_config(config: TrainConfig) -> dict[str, Any]:
    """The arguments of diffusers' UNet2DModel for this training."""
    levels = len(config.channels)
    return {
        "sample_size": config.art.size // config.patch,
        "in_channels": 3 * config.patch**2,
        "out_channels": 3 * config.patch**2,
        "layers_per_block": 1,
        "block_out_channels": list(config.channels),
        "down_block_types": ["DownBlock2D"] * levels,
        "up_block_types": ["UpBlock2D"] * levels,
        "norm_num_groups": 8,
        "attention_head_dim": 32,
        "add_attention": False,
        "num_class_embeds": len(style_names()),
    }


def train(
    out_dir: Path,
    config: TrainConfig,
    *,
    work_dir: Path,
    device: str = "cpu",
    on_step: OnStep | None = None,
) -> TrainResult:
    """Trains, or resumes, a model and writes weights, config and recipe to `out_dir`.

    A checkpoint is kept in `work_dir`; one that belongs to another config is ignored.
    `on_step` is called after every step with the number of steps done and the step's loss.
    """
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(config.seed)
    trainer = _Trainer(config, torch.device(device))
    trainer.resume(work_dir / CHECKPOINT_NAME)
    while trainer.step < config.steps:
        loss = trainer.run_step()
        if on_step is not None:
            on_step(trainer.step, loss)
        if trainer.step % CHECKPOINT_EVERY_STEPS == 0 or trainer.step == config.steps:
            trainer.save(work_dir / CHECKPOINT_NAME)
    return write_model(out_dir, config, trainer)


class _Trainer:
    """The state of one training: network, moving average, optimiser, step and losses."""

    def __init__(self, config: TrainConfig, device: "torch.device") -> None:
        import torch
        from diffusers import UNet2DModel

        self.config = config
        self.device = device
        self.unet = UNet2DModel(**unet_config(config)).to(device)
        self.average = {k: v.detach().clone() for k, v in self.unet.state_dict().items()}
        self.optimiser = torch.optim.AdamW(
            self.unet.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.step = 0
        self.losses: list[float] = []
        self.wall_s = 0.0

    def run_step(self) -> float:
        """Trains on one batch and returns its loss."""
        import torch

        started = time.monotonic()
        images, noise, times, classes = self._batch()
        t = times[:, None, None, None]
        noisy = (1 - t) * images + t * noise
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * self.config.rate_share(self.step)
        with torch.autocast(self.device.type, torch.bfloat16):
            predicted = self.unet(noisy, times * 1000, classes).sample
        weight = 1 / t.clamp(min=self.config.time_floor) ** 2
        loss = (weight * (predicted.float() - images) ** 2).mean()
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.unet.parameters(), self.config.clip_norm)
        self.optimiser.step()
        self.step += 1
        self._update_average()
        self.losses.append(loss.item())
        self.wall_s += time.monotonic() - started
        return self.losses[-1]

    def _batch(self) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]":
        """Folded images in -1..1, noise, times in 0..1 and classes of the coming step."""
        import torch
        from torch.nn.functional import pixel_unshuffle

        config = self.config
        rng = np.random.default_rng([config.seed, self.step])
        classes = rng.integers(0, len(style_names()), config.batch_size)
        pixels = torch.from_numpy(draw_floats(config.art, classes, rng) * 2 - 1)
        images = pixel_unshuffle(pixels.permute(0, 3, 1, 2), config.patch)
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + self.step)
        noise = torch.randn(images.shape, generator=generator)
        spread = torch.randn(config.batch_size, generator=generator)
        times = torch.sigmoid(spread + config.time_mean)
        batch = (images, noise, times, torch.from_numpy(classes))
        images, noise, times, labels = (part.to(self.device) for part in batch)
        return images, noise, times, labels

    def _update_average(self) -> None:
        # The average follows closely at first, or it would remember the random start for long.
        decay = min(self.config.ema_decay, (self.step + 1) / (self.step + 10))
        for name, value in self.unet.state_dict().items():
            self.average[name].lerp_(value, 1 - decay)

    def save(self, path: Path) -> None:
        """Writes the checkpoint; a kill while writing leaves the one before."""
        import torch

        path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "config": json.dumps(asdict(self.config)),
            "unet": self.unet.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "losses": self.losses,
            "wall_s": self.wall_s,
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.replace(path)

    def resume(self, path: Path) -> None:
        """Continues from a checkpoint of the same config, where there is one."""
        import torch

        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["config"] != json.dumps(asdict(self.config)):
            return
        self.unet.load_state_dict(state["unet"])
        self.average = state["average"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.losses, self.wall_s = state["step"], state["losses"], state["wall_s"]


def write_model(out_dir: Path, config: TrainConfig, trainer: _Trainer) -> TrainResult:
    """Writes the averaged weights (fp16), the config and the recipe with all digests."""
    import diffusers
    import torch
    from safetensors.torch import save_file

    out_dir.mkdir(parents=True, exist_ok=True)
    weights = {name: value.half().cpu().contiguous() for name, value in trainer.average.items()}
    save_file(weights, out_dir / WEIGHTS_NAME)
    architecture = {
        "unet": unet_config(config),
        "patch": config.patch,
        "size": config.art.size,
        "sampling_steps": config.sampling_steps,
        "styles": style_names(),
    }
    _write_json(out_dir / CONFIG_NAME, architecture)
    loss = float(np.mean(trainer.losses[-200:]))
    digests = {
        name: hashlib.sha256((out_dir / name).read_bytes()).hexdigest()
        for name in (CONFIG_NAME, WEIGHTS_NAME)
    }
    options = asdict(config)
    del options["art"]
    recipe = {
        "dataset": config.art.to_dict(),
        "dataset_digest": recipe_digest(config.art),
        "training": options,
        "images_seen": config.steps * config.batch_size,
        "loss": round(loss, 5),
        "wall_s": round(trainer.wall_s, 1),
        "parameters": sum(value.numel() for value in weights.values()),
        "versions": {"torch": torch.__version__, "diffusers": diffusers.__version__},
        "sha256": digests,
    }
    _write_json(out_dir / RECIPE_NAME, recipe)
    return TrainResult(out_dir, loss, trainer.wall_s, digests[WEIGHTS_NAME])


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def train_with_progress(
    out_dir: Path, config: TrainConfig, *, work_dir: Path, device: str = "cpu"
) -> TrainResult:
    """As `train`, with a bar on stderr that shows time left and loss."""
    shown = 0
    with progress("train", total=config.steps, unit="steps") as bar:

        def on_step(step: int, loss: float) -> None:
            nonlocal shown
            bar.advance(step - shown, f"loss {loss:.4f}")
            shown = step

        return train(out_dir, config, work_dir=work_dir, device=device, on_step=on_step)


if __name__ == "__main__":
    from generation.cli import train as command

    typer.run(command)
