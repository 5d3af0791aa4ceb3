"""Procedurally generated training art: eight styles, one renderer each, drawn on the fly.

Every renderer maps (random numbers, palette) to pixels by closed formulas over the whole batch.
Edges are anti-aliased by their distance in pixels, so nothing is drawn larger and shrunk.
Coordinates run from -1 to 1 over the image's width and height.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import rfc8785
from numpy.typing import NDArray

from data.styles import style_names
from generation import palette
from generation.errors import UnknownStyleError

Floats = NDArray[np.floating]
Images = NDArray[np.uint8]
Span = tuple[float, float]

RECIPE_VERSION = "art/1"


@dataclass(frozen=True)
class ArtRecipe:
    """All that decides the pixels of the training art, with the spans its numbers are drawn from.

    Frequencies are bands or cells per unit of length (the image is 2 wide); angles in radians.
    """

    version: str = RECIPE_VERSION
    size: int = 64
    seed: int = 7
    centre: Span = (-0.35, 0.35)
    rings_frequency: Span = (2.5, 5.5)
    spirals_frequency: Span = (2.0, 4.5)
    spirals_arms: tuple[int, int] = (1, 3)
    stripes_frequency: Span = (2.5, 6.5)
    checks_frequency: Span = (2.0, 4.5)
    rays_wedges: tuple[int, int] = (5, 10)
    dots_frequency: Span = (1.8, 3.6)
    dots_radius: Span = (0.26, 0.42)
    waves_frequency: Span = (2.5, 5.5)
    waves_amplitude: Span = (0.12, 0.26)
    waves_length: Span = (0.7, 1.4)
    waves_tilt: Span = (-0.5, 0.5)
    mosaic_cells: tuple[int, int] = (4, 6)
    mosaic_grout: Span = (0.015, 0.035)
    light: Span = (0.0, 0.12)
    lightness: tuple[float, ...] = palette.LIGHTNESS
    lightness_jitter: float = palette.LIGHTNESS_JITTER
    chroma: Span = palette.CHROMA
    schemes: tuple[tuple[float, ...], ...] = palette.SCHEMES

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON values, with the list of styles it draws."""
        return {**asdict(self), "styles": style_names()}


@dataclass(frozen=True)
class Canvas:
    """One batch of one style: pixel coordinates, palettes and the generator to draw from."""

    x: Floats  # (1, size, size)
    y: Floats
    colours: Floats  # (n, 4, 3)
    rng: np.random.Generator
    pixel: float  # width of one pixel in coordinate units

    @property
    def count(self) -> int:
        """The number of images in the batch."""
        return len(self.colours)

    def uniform(self, span: Span) -> Floats:
        """One number per image, uniform in the span, shaped (n, 1, 1)."""
        low, high = span
        return (low + (high - low) * self.rng.random((self.count, 1, 1))).astype(self.x.dtype)

    def integers(self, low: int, high: int) -> NDArray[np.int64]:
        """One integer per image in low..high, both included, shaped (n, 1, 1)."""
        return self.rng.integers(low, high + 1, (self.count, 1, 1))

    def sign(self) -> Floats:
        """-1 or 1 per image, shaped (n, 1, 1)."""
        return (2 * self.integers(0, 1) - 1).astype(self.x.dtype)

    def around(self, centre: Span) -> tuple[Floats, Floats]:
        """Radius and angle of every pixel about a centre drawn per image."""
        dx = self.x - self.uniform(centre)
        dy = self.y - self.uniform(centre)
        return np.hypot(dx, dy), np.arctan2(dy, dx)

    def turned(self, angles: Span) -> tuple[Floats, Floats]:
        """Coordinates turned by an angle drawn per image."""
        angle = self.uniform(angles)
        cosine, sine = np.cos(angle), np.sin(angle)
        return self.x * cosine + self.y * sine, self.y * cosine - self.x * sine


Renderer = Callable[[ArtRecipe, Canvas], Floats]


def draw(recipe: ArtRecipe, classes: NDArray[np.integer], rng: np.random.Generator) -> Images:
    """Images of the given classes: (n, size, size, 3) RGB bytes.

    Raises:
        UnknownStyleError: A class has no renderer.
    """
    return np.rint(draw_floats(recipe, classes, rng, np.float64) * 255).astype(np.uint8)


def draw_floats(
    recipe: ArtRecipe,
    classes: NDArray[np.integer],
    rng: np.random.Generator,
    dtype: type[np.floating] = np.float32,
) -> Floats:
    """As `draw`, in 0..1 and of the given float type, for training."""
    axis = ((np.arange(recipe.size) + 0.5) * (2 / recipe.size) - 1).astype(dtype)
    pixels = np.empty((len(classes), recipe.size, recipe.size, 3), dtype=dtype)
    names = style_names()
    for index in np.unique(classes):
        where = np.flatnonzero(classes == index)
        canvas = Canvas(
            x=axis[None, None, :],
            y=axis[None, :, None],
            colours=palette.draw_palettes(len(where), rng).astype(dtype),
            rng=rng,
            pixel=2 / recipe.size,
        )
        pixels[where] = _lit(recipe, canvas, _renderer(names, int(index))(recipe, canvas))
    return pixels


def recipe_digest(recipe: ArtRecipe, per_style: int = 4) -> str:
    """SHA-256 (0x…) over the canonical recipe and the pixels of a fixed sample of images.

    The words alone would not notice a changed renderer; the pixels alone would not name the spans.
    """
    digest = hashlib.sha256(rfc8785.dumps(recipe.to_dict()))
    classes = np.repeat(np.arange(len(style_names())), per_style)
    digest.update(draw(recipe, classes, np.random.default_rng(recipe.seed)).tobytes())
    return "0x" + digest.hexdigest()


def _renderer(names: list[str], index: int) -> Renderer:
    name = names[index] if 0 <= index < len(names) else f"class {index}"
    if name not in RENDERERS:
        raise UnknownStyleError(name, list(RENDERERS))
    return RENDERERS[name]


def _lit(recipe: ArtRecipe, canvas: Canvas, pixels: Floats) -> Floats:
    """The pixels under a soft light that comes from one side."""
    along, _ = canvas.turned((0.0, 2 * np.pi))
    lit = pixels * (1 + canvas.uniform(recipe.light) * along)[..., None]
    return np.clip(lit, 0.0, 1.0)


def _bands(canvas: Canvas, phase: Floats, slope: Floats, cycle: NDArray[np.int64]) -> Floats:
    """Bands that cycle through the first `cycle` colours, one band per unit of phase.

    `slope` is the phase's change per unit of length; over one pixel at a band's edge the two
    neighbours are blended by the share each covers.
    """
    edge = np.floor(phase + 0.5)
    width = np.maximum(slope * canvas.pixel, 1e-6)
    share = np.clip((phase - edge) / width + 0.5, 0.0, 1.0)[..., None]
    after = edge.astype(np.int64) % cycle
    before = (after - 1) % cycle
    row = np.arange(canvas.count)[:, None, None]
    colours = canvas.colours
    return colours[row, before] * (1 - share) + colours[row, after] * share


def _mix(canvas: Canvas, share: Floats, under: int = 0, over: int = 1) -> Floats:
    """Palette colour `over` painted on colour `under` with the given coverage."""
    colours = canvas.colours[:, None, None, :, :]
    return (
        colours[..., under, :] * (1 - share[..., None]) + colours[..., over, :] * share[..., None]
    )


def _rings(recipe: ArtRecipe, canvas: Canvas) -> Floats:
    radius, _ = canvas.around(recipe.centre)
    frequency = canvas.uniform(recipe.rings_frequency)
    phase = radius * frequency + canvas.uniform((0.0, 4.0))
    return _bands(canvas, phase, frequency, canvas.integers(2, 3))


def _spirals(recipe: ArtRecipe, canvas: Canvas) -> Floats:
    radius, angle = canvas.around(recipe.centre)
    frequency = canvas.uniform(recipe.spirals_frequency)
    cycle = canvas.integers(2, 3)
    # Whole cycles per turn, or the arms would break where the angle jumps.
    per_radian = cycle * canvas.integers(*recipe.spirals_arms) / (2 * np.pi)
    phase = radius * frequency + canvas.sign() * per_radian * angle + canvas.uniform((0.0, 4.0))
    slope = np.hypot(frequency, per_radian / np.maximum(radius, canvas.pixel))
    return _bands(canvas, phase.astype(canvas.x.dtype), slope.astype(canvas.x.dtype), cycle)


def _stripes(recipe: ArtRecipe, canvas: Canvas) -> Floats:
    along, _ = canvas.turned((0.0, np.pi))
    frequency = canvas.uniform(recipe.stripes_frequency)
    phase = along * frequency + canvas.uniform((0.0, 4.0))
    return _bands(canvas, phase, frequency, canvas.integers(2, 4))


def _checks(recipe: ArtRecipe, canvas: Canvas) -> Floats:
    along, across = canvas.turned((0.0, np.pi / 2))
    frequency = canvas.uniform(recipe.checks_frequency)
    width = frequency * canvas.pixel

    def square(position: Floats) -> Floats:
        phase = position * frequency + canvas.uniform((0.0, 2.0))
        edge = np.floor(phase + 0.5)
        side = 1 - 2 * (edge.astype(np.int64) % 2)
        return side * np.clip(2 * (phase - edge) / width, -1.0, 1.0)

    return _mix(canvas, (1 + square(along) * square(across)) / 2)


def _rays(recipe: ArtRecipe, canvas: Canvas) -> Floats:
    radius, angle = canvas.around(recipe.centre)
    per_radian = 2 * canvas.integers(*recipe.rays_wedges) / (2 * np.pi)
    phase = (angle * per_radian + canvas.uniform((0.0, 2.0))).astype(canvas.x.dtype)
    slope = (per_radian / np.maximum(radius, canvas.pixel)).astype(canvas.x.dtype)
    wedges = _bands(canvas, phase, slope, np.full((canvas.count, 1, 1), 2))
    # The point itself is a small disc: wedges narrower than a pixel only blur.
    disc = np.clip((canvas.uniform((0.10, 0.20)) - radius) / canvas.pixel + 0.5, 0.0, 1.0)[
        ..., None
    ]
    return wedges * (1 - disc) + canvas.colours[:, None, None, 2] * disc


def _dots(recipe: ArtRecipe, canvas: Canvas) -> Floats:
    along, across = canvas.turned((0.0, np.pi / 2))
    frequency = canvas.uniform(recipe.dots_frequency)
    v = across * frequency + canvas.uniform((0.0, 1.0))
    row = np.floor(v)
    # Every other row is shifted by half a cell in half of the images.
    shift = 0.5 * canvas.integers(0, 1) * (row.astype(np.int64) % 2)
    u = along * frequency + canvas.uniform((0.0, 1.0)) + shift.astype(canvas.x.dtype)
    distance = np.hypot(u - np.floor(u) - 0.5, v - row - 0.5)
    radius = canvas.uniform(recipe.dots_radius)
    share = np.clip((radius - distance) / (frequency * canvas.pixel) + 0.5, 0.0, 1.0)
    return _mix(canvas, share)


def _waves(recipe: ArtRecipe, canvas: Canvas) -> Floats:
    along, across = canvas.turned(recipe.waves_tilt)
    frequency = canvas.uniform(recipe.waves_frequency)
    amplitude = canvas.uniform(recipe.waves_amplitude)
    wave_number = 2 * np.pi / canvas.uniform(recipe.waves_length)
    swing = wave_number * along + canvas.uniform((0.0, 2 * np.pi))
    phase = (across + amplitude * np.sin(swing)) * frequency + canvas.uniform((0.0, 4.0))
    slope = frequency * np.hypot(1.0, amplitude * wave_number * np.cos(swing))
    return _bands(canvas, phase, slope, canvas.integers(2, 4))


def _mosaic(recipe: ArtRecipe, canvas: Canvas) -> Floats:
    # One site per square of a jittered grid one square wider than the image on every side; an
    # image with fewer cells simply spreads its grid, so that the batch keeps one shape.
    low, high = recipe.mosaic_cells
    side = high + 2
    spacing = 2 / canvas.integers(low, high).astype(canvas.x.dtype)
    grid = np.arange(side, dtype=canvas.x.dtype) - side / 2 + 0.5
    jitter = 0.76 * (canvas.rng.random((2, canvas.count, side, side)) - 0.5)
    site_x = ((grid[None, None, :] + jitter[0]) * spacing).reshape(canvas.count, -1)
    site_y = ((grid[None, :, None] + jitter[1]) * spacing).reshape(canvas.count, -1)
    nearest, border = _voronoi(canvas, site_x, site_y)
    tint = canvas.rng.integers(1, palette.PALETTE_SIZE, site_x.shape)
    row = np.arange(canvas.count)[:, None, None]
    cells = canvas.colours[row, tint[row, nearest]]
    grout = canvas.uniform(recipe.mosaic_grout)
    share = np.clip((grout - border) / canvas.pixel + 0.5, 0.0, 1.0)[..., None]
    return cells * (1 - share) + canvas.colours[:, None, None, 0] * share


def _voronoi(canvas: Canvas, site_x: Floats, site_y: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The nearest site of every pixel and the pixel's distance to that cell's border."""
    x, y = canvas.x[..., None], canvas.y[..., None]
    sites_x, sites_y = site_x[:, None, None, :], site_y[:, None, None, :]
    squares = (x - sites_x) ** 2 + (y - sites_y) ** 2
    order = np.argpartition(squares, 1, axis=-1)[..., :2]
    row = np.arange(canvas.count)[:, None, None]
    first, second = order[..., 0], order[..., 1]
    gap = np.take_along_axis(squares, order, axis=-1)
    # argpartition puts the smallest first, the second smallest second.
    apart = np.hypot(
        site_x[row, first] - site_x[row, second], site_y[row, first] - site_y[row, second]
    )
    return first, (gap[..., 1] - gap[..., 0]) / (2 * apart)


RENDERERS: dict[str, Renderer] = {
    "rings": _rings,
    "spirals": _spirals,
    "stripes": _stripes,
    "checks": _checks,
    "rays": _rays,
    "dots": _dots,
    "waves": _waves,
    "mosaic": _mosaic,
}
