"""The committed model: its size, its digests, and whether one can tell what it draws."""

import hashlib
import json

import numpy as np
import pytest

from data.styles import style_names
from generation.art import ArtRecipe, draw, recipe_digest
from generation.engine import open_engine
from generation.model import RECIPE_NAME, WEIGHTS_DIR, WEIGHTS_NAME
from tests.generation.features import StyleClassifier, drawn_by_hand

RECIPE = json.loads((WEIGHTS_DIR / RECIPE_NAME).read_text())
PER_STYLE = 5


def test_weights_are_at_most_8_megabytes():
    assert (WEIGHTS_DIR / WEIGHTS_NAME).stat().st_size <= 8_000_000


@pytest.mark.parametrize("name", sorted(RECIPE["sha256"]))
def test_file_has_the_digest_of_the_recipe(name):
    assert hashlib.sha256((WEIGHTS_DIR / name).read_bytes()).hexdigest() == RECIPE["sha256"][name]


def test_training_data_is_what_this_code_draws_today():
    assert RECIPE["dataset_digest"] == recipe_digest(ArtRecipe())
    assert RECIPE["dataset"] == json.loads(json.dumps(ArtRecipe().to_dict()))


def test_generated_images_are_recognised_as_their_style():
    # The judge learns from procedural art alone, half of it bent as if drawn by hand: a style is
    # its pattern, not the ruler's precision.
    styles = np.arange(len(style_names()))
    classes = np.repeat(styles, 30)
    art = draw(ArtRecipe(), classes, np.random.default_rng(0))
    bent = drawn_by_hand(art, np.random.default_rng(2))
    judge = StyleClassifier(np.concatenate([art, bent]), np.concatenate([classes, classes]))
    engine = open_engine(device="cpu")
    made = [engine.make(name, seed) for name in style_names() for seed in range(PER_STYLE)]
    predicted = judge.predict(np.stack([np.asarray(image) for image in made]))
    right = predicted.reshape(-1, PER_STYLE) == styles[:, None]
    assert right.mean() >= 0.8, dict(zip(style_names(), right.mean(axis=1), strict=True))
