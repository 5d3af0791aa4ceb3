"""An event loop whose clock runs fast, so that pauses and timeouts of a minute take seconds.

Only what the loop measures is hurried: `asyncio.sleep` and the timeouts of aiohttp. The node of the
tests runs in another thread with a loop of its own, at the pace of the clock on the wall.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Iterator
from contextlib import contextmanager

SPEED = 20


class _Selector(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / SPEED)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__(_Selector())

    def time(self) -> float:
        return super().time() * SPEED


class _Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return _Loop()


@contextmanager
def hurried() -> Iterator[None]:
    """Loops that are made meanwhile wait 20 times shorter."""
    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(_Policy())
    try:
        yield
    finally:
        asyncio.set_event_loop_policy(before)
