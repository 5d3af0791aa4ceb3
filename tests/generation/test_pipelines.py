"""Foreign diffusers pipelines: tiny ones, randomly initialised here and saved as anyone would."""

import json

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMPipeline,
    DDIMScheduler,
    DiTPipeline,
    DiTTransformer2DModel,
    StableDiffusionPipeline,
    UNet2DConditionModel,
    UNet2DModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from generation.engine import open_engine
from generation.errors import ModelCorruptError, UnknownStyleError
from generation.fingerprint import pixel_sha256
from generation.studio import generate_brief
from generation.verify import verify_work
from tests.generation.conftest import BRIEF, NOW


def tiny_vae():
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        latent_channels=4,
    )


@pytest.fixture(scope="module")
def prompt_pipeline(tmp_path_factory):
    """A text-to-image pipeline with a tokenizer of single letters."""
    folder = tmp_path_factory.mktemp("text-to-image")
    letters = "abcdefghijklmnopqrstuvwxyz:-."
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + "</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=32
    )
    torch.manual_seed(0)
    encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(words),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=32,
            bos_token_id=0,
            eos_token_id=1,
        )
    )
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=16,
        attention_head_dim=4,
    )
    StableDiffusionPipeline(
        vae=tiny_vae(),
        text_encoder=encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "saved")
    return folder / "saved"


@pytest.fixture(scope="module")
def class_pipeline(tmp_path_factory):
    torch.manual_seed(0)
    transformer = DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        sample_size=8,
        patch_size=2,
        num_embeds_ada_norm=1_000,  # the pipeline's own label of 'no class' is 1000
    )
    folder = tmp_path_factory.mktemp("class")
    DiTPipeline(transformer, tiny_vae(), DDIMScheduler()).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def free_pipeline(tmp_path_factory):
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=16,
        block_out_channels=(8, 8),
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
        layers_per_block=1,
        norm_num_groups=4,
    )
    folder = tmp_path_factory.mktemp("free")
    DDIMPipeline(unet, DDIMScheduler()).save_pretrained(folder)
    return folder


def opened(folder):
    return open_engine(str(folder), steps=2, device="cpu", local_files_only=True)


def test_text_pipeline_is_prompted_with_label_and_description(prompt_pipeline):
    engine = opened(prompt_pipeline)
    assert engine.settings.conditioning == "prompt"
    assert engine.settings.pipeline == "StableDiffusionPipeline"
    assert engine.prompt("rings") == "Rings: Concentric rings around one centre"
    first = pixel_sha256(engine.make("rings", 3))
    assert pixel_sha256(opened(prompt_pipeline).make("rings", 3)) == first
    assert pixel_sha256(engine.make("mosaic", 3)) != first


def test_class_pipeline_is_given_the_class_index(class_pipeline):
    engine = opened(class_pipeline)
    assert engine.settings.conditioning == "class"
    first = pixel_sha256(engine.make("rings", 3))
    assert pixel_sha256(engine.make("rings", 3)) == first
    assert pixel_sha256(engine.make("mosaic", 3)) != first


def test_pipeline_without_a_condition_says_so_and_has_an_empty_prompt(free_pipeline):
    engine = opened(free_pipeline)
    assert engine.settings.conditioning == "none"
    assert engine.prompt("rings") == ""
    assert engine.make("rings", 3).size == (16, 16)


def test_steps_default_to_the_pipelines_own(free_pipeline):
    assert open_engine(str(free_pipeline)).settings.steps == 50
    assert opened(free_pipeline).settings.steps == 2


def test_style_outside_the_list_is_refused_by_pipelines_too(prompt_pipeline):
    with pytest.raises(UnknownStyleError, match="unknown style 'cubism'"):
        opened(prompt_pipeline).make("cubism", 1)


def test_weights_are_part_of_the_model_digest(free_pipeline):
    parts = opened(free_pipeline).facts.parts
    assert "unet/diffusion_pytorch_model.safetensors" in parts
    assert "model_index.json" in parts


def test_folder_with_a_broken_part_is_corrupt(free_pipeline, tmp_path):
    (tmp_path / "model_index.json").write_text((free_pipeline / "model_index.json").read_text())
    with pytest.raises(ModelCorruptError, match="cannot be loaded") as caught:
        opened(tmp_path)
    assert caught.value.exit_code == 5


def test_works_of_a_foreign_pipeline_reach_l2_and_own_up_to_unknown_data(prompt_pipeline, tmp_path):
    works = generate_brief(BRIEF[1:], opened(prompt_pipeline), tmp_path, seed=1, created_at=NOW)
    path = tmp_path / "brief-1" / f"{works['work_id'][0]}.json"
    result = verify_work(path, device="cpu")
    assert result.level == "L2", result.failed
    data = next(check for check in result.checks if check.check == "training data")
    assert (data.passed, data.detail) == (None, "data is unknown")
    assert works["dataset_digest"][0] is None
