"""Images of strangers: looked at under caps, and drawn anew small. Runs in the subprocess only."""

import io
import warnings
from dataclasses import dataclass
from typing import Any

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


class HostileImageError(ValueError):
    """Raised when an image passes a cap or cannot be decoded; `code` says which."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Picture:
    """Size and frames of an image, and a PNG of its first frame without any metadata."""

    width: int
    height: int
    n_frames: int
    thumbnail: bytes


def load_decoders() -> None:
    """Decodes a small image of each format, so that all code for it is loaded before forks."""
    from PIL import Image

    for name in _FORMATS:
        for mode in ("RGB", "P", "LA"):
            sample = io.BytesIO()
            is_jpeg = name == "JPEG"
            Image.new("L" if is_jpeg else mode, (2, 2)).save(sample, name)
            read_picture(sample.getvalue(), max_pixels=4, max_frames=1, thumbnail_px=1)


def read_picture(raw: bytes, *, max_pixels: int, max_frames: int, thumbnail_px: int) -> Picture:
    """Size, frames and thumbnail of a PNG, JPEG, GIF or WebP.

    The size is taken from the header and checked before one pixel is decoded.

    Raises:
        HostileImageError: too many pixels or frames, or a damaged file.
    """
    from PIL import Image

    # Pillow itself only warns up to twice its limit.
    warnings.simplefilter("error")
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        with Image.open(io.BytesIO(raw), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise _too_many(width * height, max_pixels)
            n_frames = _count_frames(image, max_frames)
            thumbnail = _draw(image, thumbnail_px)
    except HostileImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        message = f"an image of more than {max_pixels:,} pixels, which is the limit"
        raise HostileImageError(message, "too-many-pixels") from error
    except MemoryError as error:
        message = "decoding takes too much memory"
        raise HostileImageError(message, "decoder-limit") from error
    except Exception as error:
        # Pillow's decoders raise almost anything on damaged files.
        message = f"the image cannot be decoded: {type(error).__name__}: {str(error)[:120]}"
        raise HostileImageError(message, "damaged-image") from error
    return Picture(width, height, n_frames, thumbnail)


def _too_many(pixels: int, most: int) -> HostileImageError:
    message = f"an image of {pixels:,} pixels; {most:,} is the limit"
    return HostileImageError(message, "too-many-pixels")


def _count_frames(image: Any, most: int) -> int:
    """Frames of an image; a GIF tells them only by being walked through, so that stops early."""
    count = 1
    if not getattr(image, "is_animated", False):
        return count
    try:
        while True:
            image.seek(count)
            count += 1
            if count > most:
                message = f"more than {most:,} frames"
                raise HostileImageError(message, "too-many-frames")
    except EOFError:
        image.seek(0)
    return count


def _draw(image: Any, most_px: int) -> bytes:
    image.draft("RGB", (most_px, most_px))
    image.load()
    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    small = image.convert("RGBA" if has_alpha else "RGB")
    small.thumbnail((most_px, most_px))
    small.info.clear()
    out = io.BytesIO()
    small.save(out, "PNG")
    return out.getvalue()
