import hashlib

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn

from generation.fingerprint import dhash, hamming_distance, phash, pixel_sha256


def picture(seed=0, size=64):
    """A smooth random picture: a few low frequencies, as real images have."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)


def test_pixel_hash_is_sha256_over_shape_and_raw_bytes():
    image = Image.new("RGB", (2, 1), (1, 2, 3))
    assert pixel_sha256(image) == "0x" + hashlib.sha256(b"RGB 2 1\n\1\2\3\1\2\3").hexdigest()


def test_pixel_hash_survives_saving_and_notices_one_flipped_bit(tmp_path):
    image = picture()
    image.save(tmp_path / "a.png", compress_level=1)
    assert pixel_sha256(Image.open(tmp_path / "a.png")) == pixel_sha256(image)
    flipped = np.asarray(image).copy()
    flipped[5, 6, 1] ^= 1
    assert pixel_sha256(Image.fromarray(flipped)) != pixel_sha256(image)


def test_equal_bytes_of_another_shape_have_another_pixel_hash():
    wide, tall = Image.new("RGB", (4, 2)), Image.new("RGB", (2, 4))
    assert wide.tobytes() == tall.tobytes()
    assert pixel_sha256(wide) != pixel_sha256(tall)


def test_phash_agrees_with_scipys_dct():
    image = picture(3)
    grey = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.LANCZOS), dtype=float)
    low = dctn(grey, norm="ortho")[:8, :8]
    bits = (low > np.median(low.ravel()[1:])).ravel()
    assert phash(image) == f"{int(''.join('01'[b] for b in bits.astype(int)), 2):016x}"


def test_dhash_of_a_ramp_is_all_ones_and_of_its_mirror_all_zeros():
    ramp = Image.fromarray(np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1)))
    assert dhash(ramp) == "f" * 16
    assert dhash(ramp.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) == "0" * 16


@pytest.mark.parametrize("hashed", [phash, dhash])
def test_perceptual_hashes_stay_near_under_noise_and_far_between_pictures(hashed):
    image = picture(1)
    noise = np.random.default_rng(0).integers(-6, 7, (64, 64, 3))
    noisy = np.clip(np.asarray(image).astype(int) + noise, 0, 255).astype(np.uint8)
    assert hamming_distance(hashed(image), hashed(Image.fromarray(noisy))) <= 8
    assert hamming_distance(hashed(image), hashed(picture(2))) >= 16
