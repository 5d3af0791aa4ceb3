"""Asking again while answers contradict themselves."""

import asyncio

import pytest

from data.errors import RetryableError, UpstreamError
from indexer.errors import RpcError, SlowAnswer
from indexer.patience import steadily


def run(errors, **options):
    """The result of an act that fails with these errors first, and how often it was tried."""
    left, tried = list(errors), []

    async def act():
        tried.append(1)
        if left:
            raise left.pop(0)
        return "done"

    options = {"attempts": 3, "first_pause_s": 0.001, **options}
    return asyncio.run(steadily(act, (5, 9), lambda: "node.example", **options)), len(tried)


def test_contradiction_is_asked_again():
    assert run([RetryableError("odd"), RetryableError("odd")]) == ("done", 3)


def test_lasting_contradiction_is_an_upstream_error_that_names_blocks_and_reason():
    with pytest.raises(UpstreamError, match=r"node\.example, blocks 5:9: odd \(3 attempts\)"):
        run([RetryableError("odd")] * 3)


def test_error_that_no_retry_cures_is_raised_at_once():
    with pytest.raises(RpcError):
        run([RpcError("no")])


def test_slow_answer_is_passed_on_only_where_a_smaller_question_helps():
    assert run([SlowAnswer("late")]) == ("done", 2)
    with pytest.raises(SlowAnswer):
        run([SlowAnswer("late")], passes_slow=True)
