"""Foreign text is harmless to show, and honest text stays as it is."""

import pytest

from indexer.metadata.text import neutralise


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202egpj.exe", "agpj.exe"),
        ("\u2066left\u2069 \u200fright", "left right"),
        ("pay\u200bpal\ufeff", "paypal"),
        ("one\r\ntwo\tthree\x1b[2J", "one two three[2J"),
        ("\x00\x07bell", "bell"),
        ("tag\U000e0041\U000e007f", "tag"),
        ("\u3164\u115f\u2800", ""),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("\ud800lone", "?lone"),
        ("\ue000private", "private"),
    ],
)
def test_hidden_and_reordering_characters_vanish(text, shown):
    assert neutralise(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Dots No. 7",
        "Ünïcode",
        "北京 2008",
        "שלום",
        "नमस्ते",
        "e\u0301".replace("e\u0301", "é"),
        "🎨 #1",
    ],
)
def test_honest_text_stays(text):
    assert neutralise(text) == text


def test_stacks_of_marks_are_cut_and_ordinary_ones_kept():
    assert neutralise("Z" + "\u0335" * 100) == "Z" + "\u0335" * 4
    assert neutralise("प्रि") == "प्रि"


def test_length_is_bounded_also_where_one_character_becomes_many():
    assert len(neutralise("\ufdfa" * 10_000)) <= 1_000
    assert neutralise("x" * 2_000, 5) == "xxxxx"
