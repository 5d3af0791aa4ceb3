"""The time, passed in wherever it matters."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time, UTC without a zone, as the store keeps it."""

    def __call__(self) -> datetime:
        """The time now."""
        ...


def utc_now() -> datetime:
    """The time now, UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)
