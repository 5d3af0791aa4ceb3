import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from data.errors import UsageError
from data.styles import style_names
from generation.engine import open_engine
from generation.errors import GenerationError, ModelCorruptError, ModelMissingError
from generation.fingerprint import pixel_sha256
from generation.model import CONFIG_NAME, RECIPE_NAME, WEIGHTS_DIR, WEIGHTS_NAME

ROOT = Path(__file__).parents[2]


@pytest.fixture
def model_copy(tmp_path):
    return Path(shutil.copytree(WEIGHTS_DIR, tmp_path / "model"))


def test_same_seed_makes_the_same_pixels_in_another_process_with_other_threads(quick_engine):
    here = pixel_sha256(quick_engine.make("waves", 5))
    code = (
        "from generation.engine import open_engine\n"
        "from generation.fingerprint import pixel_sha256\n"
        "print(pixel_sha256(open_engine(steps=2, device='cpu').make('waves', 5)))"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONPATH": str(ROOT)}
    there = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here


def test_pixels_do_not_depend_on_what_was_made_before_or_on_threads_set_elsewhere(quick_engine):
    alone = pixel_sha256(quick_engine.make("rings", 5))
    quick_engine.make("dots", 6)
    torch.set_num_threads(2)
    assert pixel_sha256(quick_engine.make("rings", 5)) == alone
    assert torch.get_num_threads() == 1


def test_other_seeds_and_other_styles_make_other_pixels(quick_engine):
    images = [quick_engine.make(style, seed) for style in ("rings", "dots") for seed in (1, 2)]
    assert len({pixel_sha256(image) for image in images}) == 4


def test_image_is_rgb_of_64_pixels_and_more_steps_change_it(quick_engine):
    image = quick_engine.make("checks", 1)
    assert (image.mode, image.size) == ("RGB", (64, 64))
    assert pixel_sha256(open_engine(steps=3).make("checks", 1)) != pixel_sha256(image)


def test_unknown_style_is_refused_with_the_known_ones(quick_engine):
    with pytest.raises(
        GenerationError, match="unknown style 'cubism'; use one of: rings"
    ) as caught:
        quick_engine.make("cubism", 1)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_seed_out_of_range_is_refused_with_the_range(quick_engine, seed):
    with pytest.raises(GenerationError, match="out of range"):
        quick_engine.make("rings", seed)


def test_copied_model_folder_makes_the_pixels_of_the_builtin_model(model_copy, quick_engine):
    engine = open_engine(str(model_copy), steps=2)
    assert engine.facts.root == quick_engine.facts.root
    assert pixel_sha256(engine.make("rings", 1)) == pixel_sha256(quick_engine.make("rings", 1))


def test_absent_folder_is_not_found():
    with pytest.raises(ModelMissingError, match=r"no model folder at /no/such; name a folder") as e:
        open_engine("/no/such")
    assert e.value.exit_code == 3


def test_name_that_is_neither_folder_nor_cached_pipeline_is_not_found_offline():
    with pytest.raises(ModelMissingError, match="no model 'nobody/nothing' among the local files"):
        open_engine("nobody/nothing", local_files_only=True)


def flip_byte(path):
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)


def declare(folder, name):
    """States the file's present digest in the recipe, as a forger would."""
    recipe = json.loads((folder / RECIPE_NAME).read_text())
    recipe["sha256"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / RECIPE_NAME).write_text(json.dumps(recipe))


@pytest.mark.parametrize("name", [WEIGHTS_NAME, CONFIG_NAME])
def test_changed_file_contradicts_the_recipe(model_copy, name):
    flip_byte(model_copy / name)
    with pytest.raises(ModelCorruptError, match=r"has SHA-256 0x\w+, its recipe says") as caught:
        open_engine(str(model_copy))
    assert str(model_copy / name) in str(caught.value)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("name", [WEIGHTS_NAME, CONFIG_NAME, RECIPE_NAME])
def test_missing_file_is_named(model_copy, name):
    (model_copy / name).unlink()
    with pytest.raises(ModelCorruptError, match=f"{name} is missing or unreadable"):
        open_engine(str(model_copy))


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"sha256": {"other": "00"}}'])
def test_unusable_recipe_is_named(model_copy, content):
    (model_copy / RECIPE_NAME).write_text(content)
    with pytest.raises(ModelCorruptError, match=r"recipe\.json"):
        open_engine(str(model_copy))


def test_truncated_weights_are_refused_even_where_the_recipe_agrees(model_copy):
    weights = model_copy / WEIGHTS_NAME
    weights.write_bytes(weights.read_bytes()[:1000])
    declare(model_copy, WEIGHTS_NAME)
    with pytest.raises(ModelCorruptError, match="cannot be loaded"):
        open_engine(str(model_copy))


def test_config_that_does_not_fit_the_weights_is_refused(model_copy):
    config = json.loads((model_copy / CONFIG_NAME).read_text())
    config["unet"]["num_class_embeds"] = 3
    (model_copy / CONFIG_NAME).write_text(json.dumps(config))
    declare(model_copy, CONFIG_NAME)
    with pytest.raises(ModelCorruptError, match="cannot be loaded"):
        open_engine(str(model_copy))


def test_errors_are_one_line(model_copy):
    config = json.loads((model_copy / CONFIG_NAME).read_text())
    config["unet"]["block_out_channels"] = [8, 8, 8]
    (model_copy / CONFIG_NAME).write_text(json.dumps(config))
    declare(model_copy, CONFIG_NAME)
    with pytest.raises(ModelCorruptError) as caught:
        open_engine(str(model_copy))
    assert "\n" not in str(caught.value)


def test_one_image_at_a_time_is_needed_because_batches_round_differently(quick_engine):
    # If this ever fails on a stack, batches have become safe there; nothing else would break.
    pipeline = quick_engine._pipeline
    seeds = [torch.Generator().manual_seed(seed) for seed in range(4)]
    together = pipeline([0] * 4, generator=seeds, num_inference_steps=2, output_type="np").images
    alone = pipeline(
        [0], generator=torch.Generator().manual_seed(0), num_inference_steps=2, output_type="np"
    ).images
    assert np.abs(together[0] - alone[0]).max() < 1e-3


def test_every_style_of_the_list_is_a_class_of_the_builtin_model(quick_engine):
    assert [quick_engine.prompt(style) for style in style_names()] == style_names()


def test_config_that_lacks_a_field_is_refused_by_its_name(model_copy):
    config = json.loads((model_copy / CONFIG_NAME).read_text())
    del config["sampling_steps"]
    (model_copy / CONFIG_NAME).write_text(json.dumps(config))
    declare(model_copy, CONFIG_NAME)
    with pytest.raises(ModelCorruptError, match=r"is no style config: .*sampling_steps"):
        open_engine(str(model_copy))


def test_device_that_is_not_here_is_refused_with_those_that_are():
    with pytest.raises(UsageError, match="no device 'abacus' here; use --device cpu or auto"):
        open_engine(device="abacus")
