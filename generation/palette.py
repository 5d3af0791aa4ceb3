"""Colour palettes drawn in OKLCH, where equal steps look equal.

OKLab and its matrices: Björn Ottosson, "A perceptual color space for image processing" (2020).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

PALETTE_SIZE = 4

# Lightness of ground, figure, accent and mid: neighbours differ enough to be seen at one pixel.
LIGHTNESS = (0.30, 0.88, 0.66, 0.48)
LIGHTNESS_JITTER = 0.06
CHROMA = (0.05, 0.17)
# Hue distance from the base hue, in degrees, for ground, figure, accent and mid.
SCHEMES = (
    (0.0, 25.0, 50.0, 20.0),  # analogous
    (0.0, 30.0, 180.0, 15.0),  # complementary accent
    (0.0, 150.0, 210.0, 20.0),  # split complement
    (0.0, 120.0, 240.0, 120.0),  # triad
)

_OKLAB_TO_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LMS_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def linear_rgb_from_oklch(lightness: Floats, chroma: Floats, hue_rad: Floats) -> Floats:
    """Linear sRGB of OKLCH colours; values outside 0..1 are outside the screen's gamut.

    Shape: three arrays of one shape S in, one array of shape S + (3,) out.
    """
    lab = np.stack([lightness, chroma * np.cos(hue_rad), chroma * np.sin(hue_rad)], axis=-1)
    rgb: Floats = (lab @ _OKLAB_TO_LMS.T) ** 3 @ _LMS_TO_RGB.T
    return rgb


def srgb_from_oklch(lightness: Floats, chroma: Floats, hue_rad: Floats) -> Floats:
    """Gamma-encoded sRGB in 0..1; chroma is lowered until the colour fits the gamut.

    Lightness and hue are kept: clipping channels instead would shift both.
    """
    low = np.zeros_like(chroma)
    high = np.array(chroma, copy=True)
    fits = np.ones_like(chroma, dtype=bool)
    middle = high
    for _ in range(8):  # the first round tries the chroma itself, seven more halve the interval
        rgb = linear_rgb_from_oklch(lightness, middle, hue_rad)
        fits = ((rgb >= 0.0) & (rgb <= 1.0)).all(axis=-1)
        low = np.where(fits, middle, low)
        high = np.where(fits, high, middle)
        middle = (low + high) / 2
    linear = np.clip(linear_rgb_from_oklch(lightness, low, hue_rad), 0.0, 1.0)
    encoded = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    )
    return np.asarray(encoded)


def draw_palettes(count: int, rng: np.random.Generator) -> Floats:
    """Harmonious palettes: (count, 4, 3) sRGB in 0..1, as ground, figure, accent and mid.

    One base hue per palette, the others by one of four colour schemes; in half of the palettes
    ground and figure change places, so that dark on light is as common as light on dark.
    """
    offsets = np.radians(np.array(SCHEMES))[rng.integers(0, len(SCHEMES), count)]
    hue = rng.random((count, 1)) * 2 * np.pi + offsets
    lightness = np.array(LIGHTNESS) + LIGHTNESS_JITTER * (2 * rng.random((count, 4)) - 1)
    is_swapped = rng.random(count) < 0.5
    lightness[is_swapped] = lightness[is_swapped][:, [1, 0, 2, 3]]
    low, high = CHROMA
    chroma = low + (high - low) * rng.random((count, PALETTE_SIZE))
    return srgb_from_oklch(lightness, chroma, hue)
