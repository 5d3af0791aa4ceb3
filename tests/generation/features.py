"""Hand-made features of images, independent of the model, to tell styles apart."""

import numpy as np
from PIL import Image


def style_features(images):
    """Features (n, k) of RGB images (n, 64, 64, 3): texture, symmetry and colour-free structure."""
    grey = images.astype(np.float64) @ [0.299, 0.587, 0.114]
    # Sharpness is no style: everything is judged through the same soft lens.
    grey = np.fft.ifft2(np.fft.fft2(grey) * _lens(sigma=1.2)).real
    grey = grey - grey.mean(axis=(1, 2), keepdims=True)
    grey /= grey.std(axis=(1, 2), keepdims=True) + 1e-6
    return np.concatenate([_orientation(grey), _polar(grey), _spectrum(grey)], axis=1)


def _lens(sigma):
    frequency = np.fft.fftfreq(64)
    one = np.exp(-2 * (np.pi * sigma * frequency) ** 2)
    return one[:, None] * one


def _orientation(grey):
    """How far edges share one direction (k=2) or two crossing ones (k=4), whole and by block."""
    dy, dx = np.gradient(grey, axis=(1, 2))
    weight = np.hypot(dx, dy)
    rows = []
    for k in (2, 4):
        wave = weight * np.exp(1j * k * np.arctan2(dy, dx))
        total = weight.sum(axis=(1, 2)) + 1e-9
        rows.append(np.abs(wave.sum(axis=(1, 2))) / total)
        blocks = wave.reshape(-1, 4, 16, 4, 16).sum(axis=(2, 4))
        sums = weight.reshape(-1, 4, 16, 4, 16).sum(axis=(2, 4)) + 1e-9
        rows.append((np.abs(blocks) / sums).mean(axis=(1, 2)))
    return np.stack(rows, axis=1)


def _polar(grey):
    """How radial and how tangential the edges are about the centre that fits best."""
    dy, dx = np.gradient(grey, axis=(1, 2))
    weight = np.hypot(dx, dy)
    total = weight.sum(axis=(1, 2)) + 1e-9
    radial, tangential, twist = [], [], []
    axis = np.arange(64) - 31.5
    for cx in np.linspace(-12, 12, 7):
        for cy in np.linspace(-12, 12, 7):
            x, y = axis[None, None, :] - cx, axis[None, :, None] - cy
            r = np.hypot(x, y) + 1e-9
            along = np.abs(dx * x + dy * y) / r
            across = np.abs(dy * x - dx * y) / r
            radial.append(along.sum(axis=(1, 2)) / total)
            tangential.append(across.sum(axis=(1, 2)) / total)
            signed = (dx * x + dy * y) * (dy * x - dx * y) / r**2 / (weight + 1e-9)
            twist.append(np.abs(signed.sum(axis=(1, 2))) / total)
    return np.stack(
        [np.max(radial, axis=0), np.max(tangential, axis=0), np.max(twist, axis=0)], axis=1
    )


def _spectrum(grey):
    """Share of the spectrum in its four strongest pairs of frequencies, and its spread."""
    power = np.abs(np.fft.fft2(grey * np.hanning(64)[:, None] * np.hanning(64))) ** 2
    flat = np.sort(power.reshape(len(grey), -1), axis=1)[:, ::-1]
    flat /= flat.sum(axis=1, keepdims=True)
    shares = np.stack([flat[:, :2].sum(1), flat[:, :6].sum(1), flat[:, :20].sum(1)], axis=1)
    skew = (grey**3).mean(axis=(1, 2))
    return np.column_stack([shares, np.abs(skew)])


def drawn_by_hand(images, rng, amplitude=2.0):
    """The images bent by a smooth random field of up to about `amplitude` pixels."""
    rows, columns = np.mgrid[0:64, 0:64]
    bent = np.empty_like(images)
    for place, image in enumerate(images):
        field = [
            np.asarray(Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC))
            for coarse in rng.uniform(-amplitude, amplitude, (2, 6, 6)).astype(np.float32)
        ]
        y = np.clip(np.rint(rows + field[0]), 0, 63).astype(int)
        x = np.clip(np.rint(columns + field[1]), 0, 63).astype(int)
        bent[place] = image[y, x]
    return bent


class StyleClassifier:
    """Nearest style centroid in the metric of the pooled covariance, fitted on labelled images."""

    def __init__(self, images, classes):
        features = style_features(images)
        self.labels = np.unique(classes)
        self.centroids = np.stack([features[classes == k].mean(axis=0) for k in self.labels])
        spread = sum(np.cov(features[classes == k].T) for k in self.labels) / len(self.labels)
        ridge = 1e-3 * np.diag(features.var(axis=0))
        self.metric = np.linalg.inv(spread + ridge)

    def predict(self, images):
        apart = style_features(images)[:, None] - self.centroids
        distance = np.einsum("nki,ij,nkj->nk", apart, self.metric, apart)
        return self.labels[distance.argmin(axis=1)]
