from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import BlockSyntaxError
from indexer.ranges import chunks, count_blocks, merge, parse_blocks, parse_range, subtract

HEAD = 20_000_000
ranges = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 40)).map(lambda pair: (pair[0], sum(pair))),
    max_size=12,
)


def blocks_of(some):
    return {block for start, end in some for block in range(start, end)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18M:18.1M", (18_000_000, 18_100_000)),
        ("100:+50", (100, 150)),
        ("5k:6K", (5_000, 6_000)),
        ("1_000:2_000", (1_000, 2_000)),
        (":-1000", (0, HEAD + 1 - 1000)),
        ("-1000:", (HEAD + 1 - 1000, HEAD + 1)),
        ("19M:", (19_000_000, HEAD + 1)),
        (":5", (0, 5)),
        ("7", (7, 8)),
        ("3:3", (3, 3)),
    ],
)
def test_block_syntax_is_half_open_as_in_cryo(text, expected):
    assert parse_range(text, HEAD) == expected


@pytest.mark.parametrize(
    "text", ["", "x", "5:x", "9:3", "1.5", "1.2345k:", "::", "0x10:0x20", "@no"]
)
def test_what_is_no_range_is_refused_with_the_text_and_an_example(text):
    with pytest.raises(BlockSyntaxError) as error:
        parse_blocks([text], HEAD)
    assert (text.lstrip("@") or "empty") in str(error.value)
    assert error.value.exit_code == 2


def test_ranges_are_read_from_a_file_with_comments(tmp_path):
    path = tmp_path / "blocks.txt"
    path.write_text("# two windows\n10:20\n30:40, 35:50 # overlap\n\n")
    assert parse_blocks([f"@{path}"], HEAD) == [(10, 20), (30, 50)]


def test_blocks_above_the_head_are_cut_off():
    assert parse_blocks(["90:200"], head=99) == [(90, 100)]
    assert parse_blocks(["100:200"], head=99) == []


@given(ranges, ranges)
def test_subtraction_is_that_of_sets(wanted, done):
    left = subtract(wanted, done)
    assert blocks_of(left) == blocks_of(wanted) - blocks_of(done)
    assert all(a[1] < b[0] for a, b in pairwise(left)), "sorted, apart, not touching"


@given(ranges)
def test_merge_keeps_the_blocks_and_counts_each_once(some):
    assert count_blocks(merge(some)) == len(blocks_of(some))


@given(ranges, st.integers(1, 50))
def test_chunks_cover_the_ranges_in_order_without_overlap(some, size):
    whole = merge(some)
    cut = list(chunks(whole, size))
    assert blocks_of(cut) == blocks_of(whole)
    assert count_blocks(cut) == count_blocks(whole)
    assert all(0 < end - start <= size for start, end in cut)
    assert cut == sorted(cut)
