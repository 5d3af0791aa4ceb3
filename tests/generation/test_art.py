import dataclasses

import numpy as np
import pytest

from data.styles import style_names
from generation.art import RENDERERS, ArtRecipe, draw, draw_floats, recipe_digest
from generation.errors import UnknownStyleError
from generation.palette import draw_palettes, linear_rgb_from_oklch, srgb_from_oklch
from tests.generation.features import StyleClassifier

RECIPE = ArtRecipe()


def drawn(seed, per_style=2):
    classes = np.repeat(np.arange(len(style_names())), per_style)
    return draw(RECIPE, classes, np.random.default_rng(seed)), classes


def test_every_style_of_the_list_has_a_renderer_and_no_other():
    assert sorted(RENDERERS) == sorted(style_names())


def test_same_seed_draws_the_same_pixels():
    assert np.array_equal(drawn(1)[0], drawn(1)[0])


def test_another_seed_draws_other_pixels_for_every_style():
    first, second = drawn(1)[0], drawn(2)[0]
    differs = (first != second).reshape(len(first), -1).any(axis=1)
    assert differs.all()


def test_images_of_one_call_are_all_different():
    images, _ = drawn(3, per_style=4)
    assert len({image.tobytes() for image in images}) == len(images)


def test_images_are_bytes_of_the_recipes_size():
    images, _ = drawn(1, per_style=1)
    assert images.dtype == np.uint8
    assert images.shape == (8, 64, 64, 3)


def test_training_floats_are_the_drawn_bytes_up_to_float32():
    classes = np.arange(8)
    floats = draw_floats(RECIPE, classes, np.random.default_rng(5))
    images = draw(RECIPE, classes, np.random.default_rng(5))
    assert floats.dtype == np.float32
    assert np.abs(floats * 255 - images).max() < 0.6


def test_class_without_a_style_is_refused_with_the_known_ones():
    with pytest.raises(UnknownStyleError, match="use one of: rings"):
        draw(RECIPE, np.array([8]), np.random.default_rng(0))


def test_digest_is_stable_and_names_the_art_that_the_weights_were_trained_on():
    assert recipe_digest(RECIPE) == recipe_digest(ArtRecipe())
    assert recipe_digest(RECIPE).startswith("0x")
    assert len(recipe_digest(RECIPE)) == 66


@pytest.mark.parametrize("change", [{"seed": 8}, {"light": (0.0, 0.2)}, {"version": "art/2"}])
def test_digest_changes_with_the_recipe(change):
    assert recipe_digest(dataclasses.replace(RECIPE, **change)) != recipe_digest(RECIPE)


def test_digest_notices_a_changed_renderer_behind_the_same_words(monkeypatch):
    before = recipe_digest(RECIPE)
    monkeypatch.setitem(RENDERERS, "dots", RENDERERS["checks"])
    assert recipe_digest(RECIPE) != before


def test_styles_are_told_apart_by_features_that_know_nothing_of_the_renderers():
    images, classes = drawn(0, per_style=30)
    unseen, truth = drawn(1, per_style=12)
    predicted = StyleClassifier(images, classes).predict(unseen)
    assert (predicted == truth).mean() >= 0.9


def test_edges_are_antialiased():
    # A hard-edged checkerboard has its two colours only (times the light); a blended one has many
    # pixels strictly between them.
    recipe = dataclasses.replace(RECIPE, light=(0.0, 0.0))
    image = draw(recipe, np.array([style_names().index("checks")]), np.random.default_rng(2))[0]
    colours, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
    assert len(colours) > 50
    assert np.sort(counts)[-2:].sum() > 0.5 * 64 * 64


def test_palettes_fit_the_screen_and_figure_differs_from_ground_in_lightness():
    palettes = draw_palettes(500, np.random.default_rng(0))
    assert palettes.shape == (500, 4, 3)
    assert palettes.min() >= 0.0
    assert palettes.max() <= 1.0
    luma = palettes @ np.array([0.2126, 0.7152, 0.0722])
    assert np.abs(luma[:, 0] - luma[:, 1]).min() > 0.25


def test_oklch_agrees_with_known_colours():
    # Published OKLCH values of sRGB white and of pure red (CSS Color 4 examples).
    white = srgb_from_oklch(np.array(1.0), np.array(0.0), np.array(0.0))
    red = linear_rgb_from_oklch(np.array(0.6279554), np.array(0.2576833), np.radians(29.2338812))
    assert np.allclose(white, 1.0, atol=1e-3)
    assert np.allclose(red, [1.0, 0.0, 0.0], atol=2e-3)


def test_colour_outside_the_gamut_keeps_its_lightness_but_loses_chroma():
    wild = srgb_from_oklch(np.array([0.7]), np.array([0.5]), np.array([2.5]))
    linear = linear_rgb_from_oklch(np.array([0.7]), np.array([0.5]), np.array([2.5]))
    assert linear.min() < 0
    assert wild.min() >= 0
    assert wild.max() <= 1
