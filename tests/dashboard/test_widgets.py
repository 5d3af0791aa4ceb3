"""Exports, formats and text made harmless."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import theme
from dashboard.settings import store_url
from dashboard.widgets.block import exact
from dashboard.widgets.exports import FORMULA_STARTS, csv_bytes, parquet_bytes

WEI = 123_456_789_012_345_678_901_234_567


@pytest.fixture
def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "token_id": ["1" * 78, "2"],
            "price_wei": pl.Series([WEI, None], dtype=pl.Decimal(38, 0)),
            "weekly": [[1.5, 2.0], []],
        }
    )


@pytest.mark.parametrize("text", ["=SUM(A1)", "+1", "-2+3", "@x", "\tx", "\rx"])
def test_csv_cell_that_could_be_a_formula_is_defused(text):
    read = pl.read_csv(io.BytesIO(csv_bytes(pl.DataFrame({"name": [text]}))))
    assert read["name"].item() == f"'{text}"


@given(st.text(max_size=20))
def test_no_csv_text_starts_like_a_formula_and_others_are_kept(text):
    cell = pl.read_csv(
        io.BytesIO(csv_bytes(pl.DataFrame({"name": [text], "end": ["z"]}))), infer_schema=False
    )["name"].item()
    if text.startswith(FORMULA_STARTS):
        assert cell == f"'{text}"
    else:
        assert (cell or "") == text


def test_numbers_stay_exact_in_both_formats(frame):
    csv = pl.read_csv(io.BytesIO(csv_bytes(frame)), infer_schema=False)
    assert csv["price_wei"].to_list() == [str(WEI), None]
    assert csv["token_id"].to_list() == frame["token_id"].to_list()
    parquet = pl.read_parquet(io.BytesIO(parquet_bytes(frame)))
    assert parquet["price_wei"][0] == Decimal(WEI)
    assert parquet.schema == frame.schema


def test_negative_numbers_are_no_formulas():
    assert csv_bytes(pl.DataFrame({"n": [-5]})) == b"n\n-5\n"


def test_amounts_on_the_screen_are_text(frame):
    assert exact(frame)["price_wei"].to_list() == [str(WEI), None]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0001, "0.000100"),
        (0.0861, "0.0861"),
        (1.234, "1.23"),
        (51.83, "51.8"),
        (1234.5, "1,234"),
        (None, "–"),
        (float("nan"), "–"),
        (1e-9, "0.00000000100"),
    ],
)
def test_numbers_have_three_digits_and_never_an_exponent(value, text):
    assert theme.number(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.431, "43 %"), (0.0123, "1.2 %"), (0, "0 %"), (None, "–")]
)
def test_shares_are_percentages(share, text):
    assert theme.percent(share) == text


def test_ages_are_told_in_their_largest_unit():
    spans = [timedelta(minutes=3), timedelta(hours=5), timedelta(days=12), timedelta(seconds=-9)]
    assert [theme.age(span) for span in spans] == ["3 min", "5 h", "12 d", "0 min"]


@pytest.mark.parametrize("text", ["<b>x</b>", "[a](b)", "$x$", ":red[x]", "`x`", "# h", "a_b_c"])
def test_markup_in_foreign_text_is_escaped(text):
    escaped = theme.plain(text)
    assert escaped != text
    for place, letter in enumerate(escaped):
        if letter in "<[`#_$:":
            assert escaped[place - 1] == "\\"


def test_chart_text_holds_no_tags_and_no_line_breaks():
    assert theme.chart_text("<a href='x'>y</a>\nz") == "&lt;a href='x'&gt;y&lt;/a&gt; z"


def test_styles_have_distinct_colours_and_strangers_are_grey():
    from data.styles import style_names

    colours = [theme.style_color(name) for name in style_names()]
    assert len(set(colours)) == len(colours) == 8
    assert theme.style_color("nobody's style") == theme.CATEGORICAL[-1]


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        (["--store", "a.duckdb"], {"RAISONNE_STORE": "b.duckdb"}, "a.duckdb"),
        (["--store=a.duckdb"], {}, "a.duckdb"),
        ([], {"RAISONNE_STORE": "b.duckdb"}, "b.duckdb"),
        ([], {}, "market.duckdb"),
        (["--store"], {}, "market.duckdb"),
    ],
)
def test_flag_goes_before_environment_before_default(arguments, environment, expected):
    assert store_url(arguments, environment) == expected
