import dataclasses
import json

import pytest
from safetensors import safe_open

from generation import train as training
from generation.art import ArtRecipe, recipe_digest
from generation.engine import open_engine
from generation.train import TrainConfig, train

TINY = TrainConfig(cycles=(3, 2), batch_size=2, channels=(8, 16), warmup_steps=2, sampling_steps=2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    losses = []
    result = train(
        out / "model", TINY, work_dir=out / "work", on_step=lambda step, loss: losses.append(loss)
    )
    return result, losses


class StoppedError(Exception):
    pass


def test_training_writes_a_model_that_the_engine_opens(trained):
    result, losses = trained
    assert len(losses) == TINY.steps
    engine = open_engine(str(result.folder))
    assert engine.settings.steps == 2
    assert engine.make("rings", 1).size == (64, 64)


def test_stopped_training_resumes_to_the_same_weights(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_EVERY_STEPS", 2)

    def stop(step, loss):
        if step == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(tmp_path / "model", TINY, work_dir=tmp_path, on_step=stop)
    steps = []
    resumed = train(
        tmp_path / "model", TINY, work_dir=tmp_path, on_step=lambda step, loss: steps.append(step)
    )
    assert steps == [3, 4, 5]
    assert resumed.weights_sha256 == trained[0].weights_sha256


def test_checkpoint_of_another_config_is_not_resumed(trained, tmp_path):
    other = dataclasses.replace(TINY, seed=12)
    train(tmp_path / "model", other, work_dir=tmp_path)
    steps = []
    again = train(
        tmp_path / "model", TINY, work_dir=tmp_path, on_step=lambda step, loss: steps.append(step)
    )
    assert steps == [1, 2, 3, 4, 5]
    assert again.weights_sha256 == trained[0].weights_sha256


def test_recipe_tells_data_settings_versions_and_digests(trained):
    result, losses = trained
    recipe = json.loads((result.folder / "recipe.json").read_text())
    assert recipe["dataset_digest"] == recipe_digest(ArtRecipe())
    assert recipe["training"]["seed"] == TINY.seed
    assert recipe["images_seen"] == 10
    assert recipe["loss"] == pytest.approx(sum(losses) / 5, abs=1e-4)
    assert set(recipe["versions"]) == {"torch", "diffusers"}
    assert recipe["sha256"]["model.safetensors"] == result.weights_sha256


def test_weights_are_half_precision_and_as_many_as_the_recipe_says(trained):
    folder = trained[0].folder
    with safe_open(folder / "model.safetensors", "pt") as weights:
        tensors = [weights.get_tensor(name) for name in weights.keys()]  # noqa: SIM118
    recipe = json.loads((folder / "recipe.json").read_text())
    assert {str(tensor.dtype) for tensor in tensors} == {"torch.float16"}
    assert sum(tensor.numel() for tensor in tensors) == recipe["parameters"]


def test_learning_rate_warms_up_and_restarts_lower_with_each_cycle():
    config = dataclasses.replace(TINY, cycles=(100, 50), warmup_steps=10, restart_share=0.5)
    shares = [config.rate_share(step) for step in range(config.steps + 1)]
    assert shares[0] == pytest.approx(0.1)
    assert max(shares) == max(shares[9:12])
    assert shares[99] < 0.03
    assert shares[100] == pytest.approx(0.5)
    assert shares[149] < 0.02
    assert shares[150] == 0.0
