"""Foreign text made harmless to show: no controls, no hidden or reordering characters.

U+202E in a name turns the rest of a line round, zero-width characters make two names look alike,
and control characters reach terminals. The document itself stays in the cache as it came.
"""

import unicodedata

MAX_TEXT = 1_000
"""Longer texts are cut, in characters."""

# General categories of Unicode: control, format (bidi marks, zero-width, tags), surrogate, private
# use, unassigned, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANKS = frozenset("\t\n\r\v\f\x85\u2028\u2029")
# Letters and marks that show as nothing: Hangul fillers, combining grapheme joiner, Khmer inherent
# vowels, Mongolian selectors, braille blank. Variation selectors only choose a glyph.
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0")
_MAX_MARKS = 4
"""Combining marks kept on one letter; a stack of them runs over neighbouring lines."""


def neutralise(text: str, most: int = MAX_TEXT) -> str:
    """The text in NFKC without hidden characters, single-spaced and cut to `most` characters.

    Line breaks and tabs become spaces; other controls, bidi and zero-width characters vanish.
    """
    # One character may become 18 under NFKC, and what is cut away needs no work.
    text = unicodedata.normalize("NFKC", text[: 4 * most].encode("utf-8", "replace").decode())
    kept: list[str] = []
    marks = 0
    for sign in text:
        if sign in _BLANKS:
            kept.append(" ")
            continue
        category = unicodedata.category(sign)
        if category in _HIDDEN or sign in _BLANK_LETTERS:
            continue
        marks = marks + 1 if category == "Mn" else 0
        if marks <= _MAX_MARKS:
            kept.append(sign)
    return " ".join("".join(kept).split())[:most].rstrip()
