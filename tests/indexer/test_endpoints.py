"""Choice among endpoints, in simulated time."""

from random import Random

import pytest

from indexer.endpoints import EXPLORATION, LONGEST_REST_S, EndpointPool
from indexer.errors import WrongChainError


class Never(Random):
    """Chance that never explores."""

    def random(self):
        return 1.0


def pool_of(*names, random=None):
    pool = EndpointPool([f"http://{name}.example" for name in names], random or Never())
    return pool, dict(zip(names, pool.endpoints, strict=True))


def test_every_endpoint_is_tried_once_before_the_quickest_is_preferred():
    pool, by_name = pool_of("slow", "quick")
    order = []
    for _ in range(4):
        endpoint = pool.pick(0.0)
        order.append(endpoint)
        endpoint.answered(0.5 if endpoint is by_name["slow"] else 0.1)
    slow, quick = by_name["slow"], by_name["quick"]
    assert order == [slow, quick, quick, quick]


def test_unknown_endpoint_is_tried_by_one_call_at_a_time():
    pool, by_name = pool_of("known", "unknown")
    by_name["known"].answered(0.1)
    assert pool.pick(0.0) is by_name["unknown"]
    by_name["unknown"].in_flight = 1
    assert pool.pick(0.0) is by_name["known"]


def test_quick_endpoint_that_becomes_slow_is_left():
    pool, by_name = pool_of("first", "second")
    by_name["first"].answered(0.1)
    by_name["second"].answered(0.2)
    for _ in range(2):
        assert pool.pick(0.0) is by_name["first"]
        by_name["first"].answered(0.5)
    assert pool.pick(0.0) is by_name["second"]


def test_busy_endpoint_shares_its_work():
    pool, by_name = pool_of("first", "second")
    by_name["first"].answered(0.1)
    by_name["second"].answered(0.15)
    assert pool.pick(0.0) is by_name["first"]
    by_name["first"].in_flight = 2
    assert pool.pick(0.0) is by_name["second"]


def test_failed_endpoint_rests_longer_each_time_and_comes_back():
    pool, by_name = pool_of("broken", "sound")
    broken, sound = by_name["broken"], by_name["sound"]
    sound.answered(0.1)
    rests_s, now_s = [], 0.0
    for _ in range(12):
        broken.failed(now_s, sent_at_s=now_s)
        assert pool.pick(now_s) is sound
        rests_s.append(broken.delay(now_s))
        now_s += rests_s[-1]
    assert rests_s[:4] == [0.25, 0.5, 1.0, 2.0]
    assert rests_s[-1] == LONGEST_REST_S
    assert pool.pick(now_s) is broken, "it is not known to be slow"
    broken.answered(0.01)
    broken.failed(now_s, sent_at_s=now_s)
    assert broken.delay(now_s) == 0.25, "an answer makes good for all failures"


def test_calls_that_fail_together_count_as_one_failure():
    _, by_name = pool_of("only")
    for _ in range(8):
        by_name["only"].failed(10.0, sent_at_s=9.0)
    assert by_name["only"].delay(10.0) == 0.25


def test_throttled_endpoint_is_passed_over_while_it_pauses():
    pool, by_name = pool_of("first", "second")
    by_name["first"].answered(0.1)
    by_name["second"].answered(0.2)
    by_name["first"].bucket.complained(0.0, retry_after_s=5.0)
    assert pool.pick(1.0) is by_name["second"]
    assert pool.pick(6.0) is by_name["first"]


def test_where_all_rest_the_first_to_wake_is_chosen():
    pool, by_name = pool_of("first", "second")
    by_name["first"].failed(1.0, sent_at_s=1.0)
    by_name["second"].failed(0.9, sent_at_s=0.9)
    assert pool.pick(1.0) is by_name["second"]


def test_a_small_share_of_calls_explores():
    pool, by_name = pool_of("first", "second", "resting", random=Random(5))
    by_name["first"].answered(0.1)
    by_name["second"].answered(0.9)
    by_name["resting"].failed(0.0, sent_at_s=0.0)
    picks = [pool.pick(0.0) for _ in range(4_000)]
    share = picks.count(by_name["second"]) / len(picks)
    assert EXPLORATION * 0.6 < share < EXPLORATION * 1.4
    assert by_name["resting"] not in picks


def test_avoided_endpoint_is_asked_only_where_there_is_no_other():
    pool, by_name = pool_of("first", "second")
    assert pool.pick(0.0, avoid=[by_name["first"].name]) is by_name["second"]
    assert pool.others(by_name["first"].name) == [by_name["second"]]
    alone, only = pool_of("only")
    assert alone.pick(0.0, avoid=[only["only"].name]) is only["only"]
    assert alone.others(only["only"].name) == []


def test_excluded_endpoint_is_never_asked_and_the_last_one_says_why():
    pool, by_name = pool_of("first", "second")
    by_name["first"].excluded = "first serves chain 5"
    assert {pool.pick(float(second)) for second in range(20)} == {by_name["second"]}
    by_name["second"].excluded = "second serves chain 6"
    with pytest.raises(WrongChainError, match="chain 5; second serves chain 6"):
        pool.pick(0.0)


def test_endpoints_that_look_alike_without_their_secrets_get_different_names():
    pool = EndpointPool(
        ["https://n.example/k1", "https://n.example/k2", "http://o.example"], Never()
    )
    names = [endpoint.name for endpoint in pool.endpoints]
    assert names == ["https://n.example/*** #1", "https://n.example/*** #2", "http://o.example"]
