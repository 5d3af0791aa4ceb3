"""The one list of styles."""

from functools import cache
from pathlib import Path

import polars as pl

from data.errors import NotFoundError


@cache
def styles() -> pl.DataFrame:
    """The styles: class_index (int), style, label, description (text), sorted by class_index."""
    return pl.read_csv(Path(__file__).with_name("styles.csv")).sort("class_index")


def style_names() -> list[str]:
    """Names of the styles, by class index."""
    return styles()["style"].to_list()


def style_index(name: str) -> int:
    """Class index of a style.

    Raises:
        NotFoundError: no style has that name; the message lists the known ones.
    """
    names = style_names()
    if name not in names:
        message = f"style {name!r} is unknown; known styles: {', '.join(names)}"
        raise NotFoundError(message)
    return names.index(name)
