"""Asking again while answers contradict themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from data.errors import RetryableError, UpstreamError
from indexer.errors import SlowAnswer
from indexer.ranges import BlockRange

_T = TypeVar("_T")


async def steadily(
    act: Callable[[], Awaitable[_T]],
    blocks: BlockRange,
    endpoint: Callable[[], str],
    *,
    attempts: int,
    first_pause_s: float,
    passes_slow: bool = False,
) -> _T:
    """The result of an act that may contradict itself; each pause is twice the last.

    Args:
        act: what to do, again and again.
        blocks: what it is about, for the message.
        endpoint: names who answered.
        attempts: at most.
        first_pause_s: before the second attempt.
        passes_slow: whether a smaller question helps more than the same again.

    Raises:
        SlowAnswer: at once, if so.
        UpstreamError: after the last attempt, with the last reason.
    """
    for attempt in range(1, attempts + 1):
        try:
            return await act()
        except RetryableError as error:
            if passes_slow and isinstance(error, SlowAnswer):
                raise
            if attempt == attempts:
                message = (
                    f"{endpoint()}, blocks {blocks[0]}:{blocks[1]}: {error} "
                    f"({attempt} attempts); try again later or another --rpc-url"
                )
                raise UpstreamError(message) from error
        await asyncio.sleep(first_pause_s * 2 ** (attempt - 1))
    raise AssertionError
