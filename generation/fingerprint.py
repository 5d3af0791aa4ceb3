"""Fingerprints of decoded pixels: an exact hash and two perceptual ones.

A PNG file has no lasting hash (re-saving or signing changes it), its decoded pixels have.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HASH_SIDE = 8
DCT_SIDE = 32


def pixel_sha256(image: Image.Image) -> str:
    """SHA-256 (0x…) over mode, width, height and the raw bytes of the pixels.

    The first line, e.g. `RGB 64 64`, keeps two images of other shapes but equal bytes apart.
    """
    header = f"{image.mode} {image.width} {image.height}\n".encode()
    return "0x" + hashlib.sha256(header + image.tobytes()).hexdigest()


def phash(image: Image.Image) -> str:
    """64-bit perceptual hash, 16 hex digits: low DCT frequencies of a 32x32 grey image.

    Bit set: the coefficient is above the median of the 63 that are not the mean (Zauner 2010,
    "Implementation and Benchmarking of Perceptual Image Hash Functions", section 3.2.1).
    """
    basis = _dct_basis(DCT_SIDE)[:HASH_SIDE]
    low = basis @ _grey(image, DCT_SIDE, DCT_SIDE) @ basis.T
    median = np.median(low.ravel()[1:])
    return _hex(low > median)


def dhash(image: Image.Image) -> str:
    """64-bit gradient hash, 16 hex digits: each of 9x8 grey pixels against its right neighbour."""
    grey = _grey(image, HASH_SIDE + 1, HASH_SIDE)
    return _hex(grey[:, 1:] > grey[:, :-1])


def hamming_distance(first: str, second: str) -> int:
    """Bits in which two hex hashes differ."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


def _grey(image: Image.Image, width: int, height: int) -> NDArray[np.float64]:
    small = image.convert("L").resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(small, dtype=np.float64)


def _dct_basis(size: int) -> NDArray[np.float64]:
    """Rows of the orthogonal DCT-II of a length."""
    place = (np.arange(size) + 0.5) * np.pi / size
    basis = np.cos(np.arange(size)[:, None] * place) * np.sqrt(2 / size)
    basis[0] /= np.sqrt(2)
    return basis


def _hex(bits: NDArray[np.bool_]) -> str:
    return np.packbits(bits.ravel()).tobytes().hex()
