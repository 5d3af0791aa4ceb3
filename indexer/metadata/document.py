"""What a metadata document says, in the words that the store uses.

Shapes met in the wild (ERC-721, ERC-1155, Enjin, OpenSea, Decentraland and their many variants):
`attributes` or `traits` as a list of {trait_type, value}, as a list of texts, or as an object;
`properties` as an object of values or of {name, value}. The image is `image`, `image_url`,
`imageUrl` or the SVG text `image_data`.
"""

import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from indexer.metadata.text import neutralise

MAX_TRAITS = 256
MAX_TRAIT_TEXT = 256
_MAX_IMAGE_URI = 1 << 20
_LISTS = ("attributes", "traits", "properties")
_NAMES = ("trait_type", "traitType", "trait", "name", "key", "type")
_VALUES = ("value", "trait_value")
_IMAGES = ("image", "image_url", "imageUrl", "imageURI", "image_uri")


@dataclass(frozen=True)
class Document:
    """Name, style, traits and image of one token; all text but the image's URI is neutralised."""

    name: str | None
    style: str | None
    traits: tuple[tuple[str, str], ...]
    image: str | None


def read_document(value: Any) -> Document:
    """The document in a JSON value; fields that cannot be read are None, and never an error.

    The style is the field `style`, else the trait of that name, in lower case.
    """
    fields = value if isinstance(value, dict) else {}
    traits = _traits(fields)
    own = next((text for name, text in traits if name.lower() == "style"), None)
    style = _text(fields.get("style")) or own
    return Document(
        name=_text(fields.get("name")) or _text(fields.get("title")),
        style=style.lower() if style else None,
        traits=traits,
        image=_image(fields),
    )


def _text(value: object) -> str | None:
    return (neutralise(value) or None) if isinstance(value, str) else None


def _traits(fields: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    for key in _LISTS:
        found = _read_traits(fields.get(key))
        if found:
            return tuple(found)
    return ()


def _read_traits(value: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    entries = list(value.items()) if isinstance(value, dict) else value
    for entry in entries if isinstance(entries, list) else ():
        if len(found) == MAX_TRAITS:
            break
        trait = _named(*entry) if isinstance(entry, tuple) else _entry(entry)
        if trait is not None:
            found.append(trait)
    return found


def _entry(entry: Any) -> tuple[str, str] | None:
    """A trait out of a list: {trait_type, value}, or a text that stands for itself."""
    if not isinstance(entry, dict):
        text = _value(entry)
        return None if text is None else ("", text)
    name = next((entry[key] for key in _NAMES if isinstance(entry.get(key), str)), "")
    value = next((entry[key] for key in _VALUES if key in entry), None)
    return _named(name, value)


def _named(name: str, value: Any) -> tuple[str, str] | None:
    """A trait by name; the value may be wrapped once as {name, value}."""
    if isinstance(value, dict):
        value = next((value[key] for key in (*_VALUES, "description") if key in value), None)
    text = _value(value)
    return None if text is None else (neutralise(name, MAX_TRAIT_TEXT), text)


def _value(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        # 5 and 5.0 are one value of a trait.
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, int):
        return str(value)
    return (neutralise(value, MAX_TRAIT_TEXT) or None) if isinstance(value, str) else None


def _image(fields: dict[str, Any]) -> str | None:
    for key in _IMAGES:
        text = fields.get(key)
        if isinstance(text, str) and text.strip():
            # Longer ones are refused by their length, so the rest is of no interest.
            return text.strip()[: _MAX_IMAGE_URI + 1]
    drawn = fields.get("image_data")
    if isinstance(drawn, str) and drawn.strip():
        if drawn.strip().startswith("data:"):
            return drawn.strip()[: _MAX_IMAGE_URI + 1]
        return "data:image/svg+xml," + quote(drawn.strip()[:_MAX_IMAGE_URI])
    return None
