import json
import shutil
from pathlib import Path

import polars as pl
import pytest
import rfc8785
from PIL import Image

from generation.errors import WorkMissingError
from generation.manifest import sha256_hex
from generation.model import RECIPE_NAME, WEIGHTS_DIR, WEIGHTS_NAME
from generation.verify import Check, reached_level, verify_work


def results(verification):
    return {check.check: check.passed for check in verification.checks}


def failed(verification):
    return [check.check for check in verification.failed]


def rewrite(path, *steps, value):
    """Changes one field and renames the work after its new hash, as a careful forger would."""
    whole = json.loads(path.read_bytes())
    part = whole
    for name in steps[:-1]:
        part = part[name]
    part[steps[-1]] = value
    raw = rfc8785.dumps(whole)
    forged = path.with_name(sha256_hex(raw) + ".json")
    forged.write_bytes(raw)
    shutil.copy(path.with_suffix(".png"), forged.with_suffix(".png"))
    return forged


def test_untouched_work_reaches_l2_by_manifest_and_by_image(work):
    result = verify_work(work)
    assert result.level == "L2"
    assert results(result) == {
        "manifest reads": True,
        "manifest hash is the file's name": True,
        "manifest hash is on chain": None,
        "pixels": True,
        "perceptual hashes": True,
        "weights": True,
        "training data": True,
        "prompt": True,
        "regeneration": True,
    }
    assert verify_work(work.with_suffix(".png")).level == "L2"


def test_word_on_chain_is_compared(work):
    assert verify_work(work, chain_manifest=work.stem).level == "L2"
    other = verify_work(work, chain_manifest="0x" + "11" * 32)
    assert (other.level, failed(other)) == (None, ["manifest hash is on chain"])
    none = verify_work(work, chain_manifest="0x" + "00" * 32)
    assert none.failed[0].detail == "no token has these pixels"


def test_manifest_with_a_changed_byte_reaches_no_level(work):
    work.write_bytes(work.read_bytes().replace(b'"mode":"RGB"', b'"mode": "RGB"'))
    result = verify_work(work)
    assert (result.level, failed(result)) == (None, ["manifest reads"])


def test_manifest_under_another_name_reaches_no_level(work):
    other = work.with_name("0x" + "22" * 32 + ".json")
    work.rename(other)
    work.with_suffix(".png").rename(other.with_suffix(".png"))
    result = verify_work(other)
    assert (result.level, failed(result)) == (None, ["manifest hash is the file's name"])


def test_flipped_pixel_leaves_l0(work):
    path = work.with_suffix(".png")
    image = Image.open(path)
    red, green, blue = image.getpixel((3, 4))
    image.putpixel((3, 4), (red ^ 1, green, blue))
    image.save(path)
    result = verify_work(work)
    assert (result.level, failed(result)) == ("L0", ["pixels"])


def test_resaved_png_with_the_same_pixels_still_reaches_l2(work):
    path = work.with_suffix(".png")
    Image.open(path).save(path, compress_level=0)
    assert verify_work(work).level == "L2"


@pytest.mark.parametrize("content", [None, b"no image"])
def test_missing_or_broken_image_leaves_l0(work, content):
    work.with_suffix(".png").unlink()
    if content is not None:
        work.with_suffix(".png").write_bytes(content)
    result = verify_work(work)
    assert (result.level, failed(result)) == ("L0", ["pixels"])


def test_changed_weights_leave_l0_and_cannot_regenerate(work, tmp_path):
    model = shutil.copytree(WEIGHTS_DIR, tmp_path / "model")
    raw = bytearray((model / WEIGHTS_NAME).read_bytes())
    raw[-1] ^= 1
    (model / WEIGHTS_NAME).write_bytes(raw)
    result = verify_work(work, model=str(model))
    assert (result.level, failed(result)) == ("L0", ["weights", "regeneration"])
    assert "its recipe says" in result.failed[0].detail


def test_weights_changed_together_with_their_recipe_differ_from_the_manifest(work, tmp_path):
    model = shutil.copytree(WEIGHTS_DIR, tmp_path / "model")
    raw = bytearray((model / WEIGHTS_NAME).read_bytes())
    raw[-1] ^= 0x40
    (model / WEIGHTS_NAME).write_bytes(raw)
    recipe = json.loads((model / RECIPE_NAME).read_text())
    recipe["sha256"][WEIGHTS_NAME] = sha256_hex(bytes(raw))[2:]
    (model / RECIPE_NAME).write_text(json.dumps(recipe))
    result = verify_work(work, model=str(model))
    assert "weights" in failed(result)
    assert f"differing: {WEIGHTS_NAME}" in result.failed[0].detail


def test_changed_data_recipe_leaves_l0(work, tmp_path):
    model = shutil.copytree(WEIGHTS_DIR, tmp_path / "model")
    recipe = json.loads((model / RECIPE_NAME).read_text())
    recipe["dataset"]["light"] = [0.0, 0.5]
    (model / RECIPE_NAME).write_text(json.dumps(recipe))
    result = verify_work(work, model=str(model))
    assert (result.level, failed(result)) == ("L0", ["training data"])
    recipe["dataset"]["light"] = "bright"
    (model / RECIPE_NAME).write_text(json.dumps(recipe))
    assert "cannot be read" in verify_work(work, model=str(model)).failed[0].detail


def test_wrong_seed_leaves_l1_and_names_the_distance(work):
    forged = rewrite(work, "process", "seed", value="12345")
    result = verify_work(forged)
    assert (result.level, failed(result)) == ("L1", ["regeneration"])
    assert "stack: the same" in result.failed[0].detail


def test_wrong_style_leaves_l1_and_an_unknown_one_is_named(work):
    assert verify_work(rewrite(work, "work", "style", value="dots")).level == "L1"
    result = verify_work(rewrite(work, "work", "style", value="cubism"))
    assert "unknown style 'cubism'" in result.failed[0].detail


def test_stack_of_another_machine_is_named_where_the_pixels_differ(work):
    other = rewrite(work, "process", "environment", "torch", value="1.0")
    other = rewrite(other, "process", "seed", value="7")
    assert "torch 1.0 there" in verify_work(other).failed[0].detail


def test_changed_prompt_breaks_its_commitment(work):
    result = verify_work(rewrite(work, "process", "prompt", "text", value="dots"))
    assert (result.level, failed(result)) == ("L0", ["prompt"])


def test_hidden_prompt_is_not_evaluated_and_decides_nothing(work):
    hidden = rewrite(work, "process", "prompt", "text", value=None)
    result = verify_work(hidden)
    assert results(result)["prompt"] is None
    assert result.level == "L2"


def test_wrong_perceptual_hash_leaves_l0(work):
    result = verify_work(rewrite(work, "work", "phash", value="0" * 16))
    assert (result.level, failed(result)) == ("L0", ["perceptual hashes"])


def test_model_that_is_not_here_is_a_failed_check_not_a_crash(work):
    result = verify_work(work, model="/no/such/model")
    assert (result.level, failed(result)) == ("L0", ["weights", "regeneration"])


def test_absent_work_is_not_found(tmp_path):
    with pytest.raises(WorkMissingError, match="no manifest at"):
        verify_work(tmp_path / "none.png")


def test_checks_are_rows_of_a_frame(work):
    frame = verify_work(work).to_frame()
    assert frame.columns == ["check", "level", "passed", "detail"]
    assert frame.filter(pl.col("passed").is_null())["check"].to_list() == [
        "manifest hash is on chain"
    ]


def checks(**passed):
    return [Check(level, level, value, "") for level, value in passed.items()]


def test_level_needs_every_level_below():
    assert reached_level(checks(L0=True, L1=True, L2=True)) == "L2"
    assert reached_level(checks(L0=True, L1=False, L2=True)) == "L0"
    assert reached_level(checks(L0=False, L1=True, L2=True)) is None
    assert reached_level(checks(L0=True, L1=True, L2=None)) == "L1"
    assert reached_level([]) is None


def test_manifest_names_the_model_to_run(work):
    assert json.loads(Path(work).read_bytes())["model"]["name"] == "builtin"
