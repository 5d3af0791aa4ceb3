"""Refusals as nodes phrase them, and texts that only look like refusals."""

import re

import pytest

from indexer.limits import PHRASINGS, LimitKind, honoured, recognise


@pytest.mark.parametrize("phrasing", PHRASINGS, ids=lambda p: f"{p.provider} {p.kind}")
def test_quoted_refusal_is_recognised_by_its_own_phrasing(phrasing):
    refusal = recognise(phrasing.example)
    assert refusal is not None
    assert refusal.kind is phrasing.kind
    # Two threads may quote the same words; no looser phrasing may come before.
    assert refusal.phrasing.pattern == phrasing.pattern


@pytest.mark.parametrize("phrasing", PHRASINGS, ids=lambda p: f"{p.provider} {p.kind}")
def test_every_phrasing_names_the_thread_that_quotes_it(phrasing):
    assert re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", phrasing.source)


def test_there_are_at_least_twenty_different_phrasings_of_every_sort():
    assert len({phrasing.pattern.pattern for phrasing in PHRASINGS}) >= 20
    assert {phrasing.kind for phrasing in PHRASINGS} == set(LimitKind)


@pytest.mark.parametrize(
    ("text", "kind", "cap"),
    [
        ("query returned more than 10000 results", LimitKind.RESULTS, 10_000),
        ("Log response size exceeded ... with a cap of 10K logs in the", LimitKind.RESULTS, 10_000),
        ("query exceeds max results 20000, retry with the range 1-2", LimitKind.RESULTS, 20_000),
        ("Response size is larger than 150MB limit", LimitKind.BYTES, 150_000_000),
        ("Response is too big: Exceeded max limit of 1048576", LimitKind.BYTES, 1_048_576),
        ("1001 addresses specified in query, but only 1000 are allowed", LimitKind.CRITERIA, 1_000),
        ("eth_getLogs is limited to a 10,000 range", LimitKind.RANGE, 10_000),
        ("Query requested more than 10.000 blocks", LimitKind.RANGE, 10_000),
        ("range 9009594 is bigger than range limit 2000", LimitKind.RANGE, 2_000),
        ("block range too large, range: 99991, max: 3500", LimitKind.RANGE, 3_500),
        ("You can make eth_getLogs requests with up to a 2K block range.", LimitKind.RANGE, 2_000),
        ("block range too high", LimitKind.RANGE, None),
        ("block range is larger than max block range, block range = 51, max block range = 50",
         LimitKind.RANGE, 50),
    ],
)  # fmt: skip
def test_limit_that_the_text_names_is_read(text, kind, cap):
    refusal = recognise(text)
    assert (refusal.kind, refusal.cap) == (kind, cap)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("block range is too large, at most 7 blocks are allowed", LimitKind.RANGE),
        ("range limit exceeded", LimitKind.RANGE),
        ("requested range too large", LimitKind.RANGE),
        ("ranges over 10000 blocks are not supported on free plans", LimitKind.RANGE),
        ("too many logs requested", LimitKind.RESULTS),
        ("backend response too large", LimitKind.BYTES),
    ],
)
def test_refusal_nobody_quoted_yet_is_guessed(text, kind):
    refusal = recognise(text)
    assert refusal.kind is kind
    assert refusal.phrasing is None


@pytest.mark.parametrize(
    "text",
    [
        "rate limit exceeded",
        "over rate limit",
        "credits limited to 6000/sec",
        "daily request count exceeded, request rate limited",
        "Your app has exceeded its compute units per second capacity.",
        "exceeded project rate limit",
        "block range extends beyond current head block",
        "invalid block range params",
        "height 10004 must be less than or equal to the current blockchain height 9542",
        "jsonrpc - eth_newFilter(): from block is after to block",
        "header not found",
        "missing trie node",
        "execution reverted",
        "method not found",
        "query timeout",
        "request limit reached - reduce calls per second",
        "too many requests",
        "",
    ],
)
def test_text_that_only_resembles_a_refusal_is_none(text):
    assert recognise(text) is None


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        ("more than 10000 results. Try with this block range [0x64, 0x95].", (100, 149)),
        ("query exceeds max results 20000, retry with the range 100-149", (100, 149)),
        ("query returned more than 10000 results", None),
    ],
)
def test_suggested_range_is_read(text, suggested):
    assert recognise(text).suggested == suggested


def test_suggestion_inside_the_request_cuts_it_without_losing_a_block():
    assert honoured((100, 149), 100, 300) == [(100, 150), (150, 300)]
    assert honoured((120, 149), 100, 300) == [(100, 120), (120, 150), (150, 300)]
    assert honoured((299, 299), 100, 300) == [(100, 299), (299, 300)]


@pytest.mark.parametrize(
    "suggested",
    [(100, 299), (99, 120), (100, 300), (149, 100), (0, 5), (10**15, 10**15), None],
    ids=["the same", "below", "above", "inverted", "elsewhere", "far", "none"],
)
def test_suggestion_that_lies_or_does_not_help_is_ignored(suggested):
    assert honoured(suggested, 100, 300) is None
