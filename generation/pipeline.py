"""The built-in model as a diffusers pipeline: class in, image out.

This module imports torch and diffusers: import it inside functions only.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers import (
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    ImagePipelineOutput,
    UNet2DModel,
)
from diffusers.utils.torch_utils import randn_tensor
from torch.nn.functional import pixel_shuffle


class StylePipeline(DiffusionPipeline):
    """Class-conditional flow matching on folded pixels.

    The UNet predicts the clean image; the scheduler wants the velocity, `(noisy - clean) / sigma`.
    """

    def __init__(
        self, unet: UNet2DModel, scheduler: FlowMatchEulerDiscreteScheduler, patch: int = 4
    ) -> None:
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)
        self.register_to_config(patch=patch)

    @torch.inference_mode()
    def __call__(
        self,
        class_labels: Sequence[int],
        generator: torch.Generator | list[torch.Generator] | None = None,
        num_inference_steps: int = 25,
        output_type: str = "pil",
    ) -> ImagePipelineOutput:
        """Images of the classes, one each; noise is drawn on the generator's device."""
        unet: Any = self.unet
        folded = (
            len(class_labels),
            unet.config.in_channels,
            unet.config.sample_size,
            unet.config.sample_size,
        )
        labels = torch.tensor(list(class_labels), device=self.device)
        sample = randn_tensor(folded, generator=generator, device=self.device, dtype=unet.dtype)
        self.scheduler.set_timesteps(
            sigmas=np.linspace(1.0, 1.0 / num_inference_steps, num_inference_steps).tolist(),
            device=self.device,
        )
        for sigma, time in zip(self.scheduler.sigmas, self.scheduler.timesteps, strict=False):
            clean = unet(sample, time.expand(len(labels)), labels).sample.clamp(-1, 1)
            velocity = (sample - clean) / sigma.to(sample.dtype)
            sample = self.scheduler.step(velocity, time, sample, return_dict=False)[0]
        pixels = pixel_shuffle(sample.float(), self.config["patch"]).clamp(-1, 1)
        images = ((pixels + 1) / 2).permute(0, 2, 3, 1).cpu().numpy()
        if output_type == "pil":
            images = self.numpy_to_pil(images)
        return ImagePipelineOutput(images=images)
