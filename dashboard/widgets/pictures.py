"""Pictures of works: read from disk, enlarged without blur, or missing without an error."""

from __future__ import annotations

import io
from pathlib import Path

import streamlit as st
from PIL import Image, UnidentifiedImageError

EDGE_PX = 256
"""Edge of a picture on the screen; the studio's are smaller and would be blurred by a browser."""


@st.cache_data(show_spinner=False, max_entries=512)
def _enlarged(path: str, modified_ns: int) -> bytes | None:
    try:
        with Image.open(path) as image:
            scale = max(EDGE_PX // max(image.size), 1)
            size = (image.width * scale, image.height * scale)
            large = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    except (OSError, UnidentifiedImageError):
        return None
    buffer = io.BytesIO()
    large.save(buffer, "PNG")
    return buffer.getvalue()


def picture(path: str | None, folder: Path) -> bytes | None:
    """The picture as PNG, at least EDGE_PX wide where it can be; None if it is not to be had.

    A relative path is looked for where the server was started, then beside the store.
    """
    for place in (Path(path), folder / path) if path else ():
        if place.is_file():
            return _enlarged(str(place), place.stat().st_mtime_ns)
    return None
