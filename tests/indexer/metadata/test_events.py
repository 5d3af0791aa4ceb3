import base64
import json
import subprocess
import sys

import polars as pl
import pytest

from indexer.metadata.events import read_metadata

MAX_URI_BYTES = 1 << 20


def read(uri):
    """Name and style."""
    return read_metadata(pl.DataFrame({"uri": [uri]}, schema={"uri": pl.String})).row(0)[:2]


def encoded(document):
    return (
        "data:application/json;base64," + base64.b64encode(json.dumps(document).encode()).decode()
    )


@pytest.mark.parametrize(
    "uri",
    [
        encoded({"name": "A", "style": "Neo  Rings"}),
        'data:application/json,{"name": "A", "style": "neo rings"}',
        "data:application/json;utf8,%7B%22name%22%3A%22A%22%2C%22style%22%3A%22neo%20rings%22%7D",
        encoded({"name": "A", "attributes": [{"trait_type": "Style", "value": "NEO RINGS"}]}),
    ],
)
def test_name_and_style_are_read_from_a_data_uri(uri):
    assert read(uri) == ("A", "neo rings")


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "",
        "https://example.org/1.json",
        "data:application/json",
        "data:application/json,",
        "data:application/json,[1,2]",
        "data:application/json,{broken",
        "data:application/json;base64,%%%",
        "data:application/json," + "[" * 100_000,
        'data:application/json,{"name": 5, "style": {"a": 1}}',
        'data:application/json,{"name": "", "attributes": "none"}',
        'data:application/json,{"name": "A", "name": "B"}',
        'data:application/json,{"attributes": [5, {"trait_type": "style"}]}',
        'data:application/json,{"name": "' + "x" * MAX_URI_BYTES + '"}',
    ],
)
def test_what_cannot_be_read_is_null_and_never_an_error(uri):
    assert read(uri) == (None, None)


def test_deep_nesting_cannot_end_the_process_where_the_recursion_limit_was_raised():
    script = (
        "import sys; sys.setrecursionlimit(10**9)\n"
        "from indexer.metadata.events import read_metadata\n"
        "import polars as pl\n"
        "uris = ['data:application/json,' + t for t in ('[' * 900_000, '{\"a\":' * 100_000)]\n"
        "assert read_metadata(pl.DataFrame({'uri': uris}))['name'].to_list() == [None, None]"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_brackets_inside_text_do_not_count_as_depth():
    assert read(encoded({"name": "[[[" * 200 + '"', "style": "dots"})) == (
        "[[[" * 200 + '"',
        "dots",
    )


def test_foreign_text_cannot_break_the_database(store):
    name, _ = read('data:application/json,{"name": "a\\ud800b\\u0000c<script>"}')
    assert "\x00" not in name
    assert store.query("SELECT ? AS name", [name]).item() == name


def test_long_text_is_cut():
    name, _ = read(encoded({"name": "x" * 5_000}))
    assert name == "x" * 1_000


def test_traits_are_kept_as_one_json_list():
    document = {"attributes": [{"trait_type": "Style", "value": "Dots"}, {"value": 7}]}
    frame = read_metadata(pl.DataFrame({"uri": [encoded(document), encoded({"name": "A"})]}))
    text, nothing = frame["traits"]
    assert json.loads(text) == [{"trait": "Style", "value": "Dots"}, {"trait": "", "value": "7"}]
    assert nothing is None
