"""The token bucket in simulated time, and throttling in every disguise."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.limits import recognise
from indexer.rate import (
    CAP_PER_S,
    FLOOR_PER_S,
    MAX_PAUSE_S,
    Throttle,
    TokenBucket,
    retry_after,
    throttle_in_error,
    throttle_in_http,
)

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def start_times(bucket, gaps_s, calls=1):
    """When batches start that are asked for after each other, each `gap` after the last ask."""
    now_s, starts = 0.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        starts.append(now_s + bucket.reserve(calls, now_s))
    return starts


def test_bucket_is_free_until_somebody_complains():
    assert start_times(TokenBucket(), [0.01] * 100)[-1] == pytest.approx(1.0)


def test_complaint_halves_what_was_really_sent():
    bucket = TokenBucket()
    start_times(bucket, [0.01] * 100)
    bucket.complained(1.0)
    assert bucket.rate_per_s == pytest.approx(50, rel=0.05)
    for step in range(50):
        bucket.reserve(1, 1.0 + 0.02 * step)
    bucket.complained(2.0)
    assert bucket.rate_per_s == pytest.approx(25, rel=0.05)


def test_complaints_about_earlier_calls_slow_down_once():
    bucket = TokenBucket()
    start_times(bucket, [0.01] * 100)
    bucket.complained(1.0)
    for _ in range(8):
        bucket.complained(1.5, sent_at_s=0.9)
        assert bucket.rate_per_s == pytest.approx(50, rel=0.05)


def test_rate_never_falls_below_the_floor():
    bucket = TokenBucket()
    for second in range(100):
        bucket.reserve(1, second)
        bucket.complained(second)
    assert bucket.rate_per_s == FLOOR_PER_S


def test_rate_recovers_slowly_while_calls_wait_and_not_otherwise():
    bucket = TokenBucket(rate_per_s=10.0)
    bucket.succeeded(1.0)
    assert bucket.rate_per_s == 10.0, "nothing waited, so nothing was learned"
    now_s = 0.0
    for _ in range(300):
        now_s += bucket.reserve(1, now_s)
        bucket.succeeded(now_s)
    assert 12 < bucket.rate_per_s < 60


def test_bucket_finds_the_rate_of_a_node_and_stays_near_it():
    """A node that complains above 40 calls in any second, for five simulated minutes."""
    bucket, now_s, sent, served, refused = TokenBucket(), 0.0, [], 0, 0
    while now_s < 300:
        now_s += max(bucket.reserve(1, now_s), 0.001)
        sent = [at_s for at_s in sent if at_s > now_s - 1] + [now_s]
        if len(sent) > 40:
            refused += 1
            bucket.complained(now_s, sent_at_s=now_s)
        else:
            served += 1
            bucket.succeeded(now_s)
    assert served > 300 * 40 * 0.6
    assert refused < served * 0.02


def test_pause_holds_everything_back_until_it_ends():
    bucket = TokenBucket()
    bucket.complained(10.0, retry_after_s=7.0)
    assert bucket.reserve(1, 11.0) == pytest.approx(6.0)
    assert bucket.reserve(1, 20.0) == 0


def test_pause_is_bounded():
    bucket = TokenBucket()
    bucket.complained(0.0, retry_after_s=10**9)
    assert bucket.reserve(1, 0.0) == MAX_PAUSE_S


@settings(max_examples=150)
@given(
    st.floats(FLOOR_PER_S, CAP_PER_S),
    st.lists(st.floats(0, 3), min_size=1, max_size=60),
    st.integers(1, 30),
)
def test_rate_is_never_exceeded_in_any_window(rate_per_s, gaps_s, calls):
    bucket = TokenBucket(rate_per_s=rate_per_s)
    starts = start_times(bucket, gaps_s, calls)
    assert starts == sorted(starts)
    for i, first_s in enumerate(starts):
        for j in range(i, len(starts)):
            started = (j - i + 1) * calls
            window_s = starts[j] - first_s
            assert started <= rate_per_s * (window_s + 0.25) + calls + 1e-6


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(st.floats(0, 2), st.integers(1, 100), st.sampled_from(["", "slow", "pause"])),
        min_size=1,
        max_size=80,
    )
)
def test_bucket_never_stalls_for_ever(events):
    bucket, now_s = TokenBucket(), 0.0
    for gap_s, calls, verdict in events:
        now_s += gap_s
        wait_s = bucket.reserve(calls, now_s)
        assert 0 <= wait_s <= 100 / FLOOR_PER_S + MAX_PAUSE_S
        now_s += wait_s
        if verdict:
            bucket.complained(now_s, retry_after_s=10**6 if verdict == "pause" else None)
        else:
            bucket.succeeded(now_s)
        assert FLOOR_PER_S <= bucket.rate_per_s <= CAP_PER_S


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0), ("7", 7), ("1.5", 1.5), ("-3", 0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30), ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("soon", None), ("", None), ("inf", None), ("nan", None), (None, None),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_as_a_date(value, seconds):
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "headers", "body", "throttle"),
    [
        (429, {}, b"", Throttle()),
        (429, {"Retry-After": "3"}, b"<html>", Throttle(3.0)),
        (429, {"retry-after": "Thu, 01 Jan 2026 12:00:05 GMT"}, b"[]", Throttle(5.0)),
        (503, {"Retry-After": "2"}, b"", Throttle(2.0)),
        (200, {}, b"Too Many Requests", Throttle()),
        (200, {}, b"<html>error 1015: you are being rate limited", Throttle()),
        (503, {}, b"unavailable", None),
        (200, {}, b'[{"id": 0, "result": "rate limit"}]', None),
        (200, {}, b"<html>Hello", None),
        (200, {"Retry-After": "3"}, b"[]", None),
    ],
)
def test_throttling_in_http_is_recognised(status, headers, body, throttle):
    assert throttle_in_http(status, headers, body, NOW) == throttle


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (429, "Your app has exceeded its compute units per second capacity."),
        (-32005, "rate limit exceeded"),
        (-32005, "daily request count exceeded, request rate limited"),
        (-32005, "please wait"),
        (-32007, "50/second request limit reached - reduce calls per second"),
        (-32012, "credits limited to 6000/sec"),
        (-32016, "over rate limit"),
        (-32029, "try later"),
        (-32097, "try later"),
        (-32000, "429 Too Many Requests: {}"),
    ],
)
def test_throttling_in_an_error_is_recognised(code, message):
    assert throttle_in_error(code, message) == Throttle()
    assert recognise(message) is None, "and is no limit of the request"


@pytest.mark.parametrize(
    ("code", "message"),
    [(-32012, "requested range too large"), (-32000, "header not found"), (3, "reverted")],
)
def test_other_errors_are_no_throttling(code, message):
    assert throttle_in_error(code, message) is None


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        ({"rate": {"allowed_rps": 5, "backoff_seconds": 30, "current_rps": 5.2}}, 30),
        ({"rate": {"backoff_seconds": "soon"}}, None),
        ({"rate": 5}, None),
        ("see the dashboard", None),
        (None, None),
    ],
)
def test_pause_inside_an_error_is_read(data, seconds):
    throttle = throttle_in_error(-32005, "exceeded project rate limit", data)
    assert throttle == Throttle(seconds)
