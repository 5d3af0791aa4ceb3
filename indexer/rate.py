"""How fast to ask: a bucket that learns from throttling, and throttling in its disguises."""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

FLOOR_PER_S = 2.0
"""Calls a second that are always allowed, however often a node complains."""

CAP_PER_S = 5_000.0
"""Calls a second that are never exceeded; more than any node answers one client."""

MAX_PAUSE_S = 60.0
"""Longest pause that a node can ask for; with several endpoints another one works meanwhile."""

_DECREASE = 0.5
_INCREASE = 0.03  # of the rate, for every second at the limit without a complaint
_INCREASE_PER_S = 1.0  # besides, so that a low rate recovers too
_FIRST_GUESS_PER_S = 20.0  # free plans of large providers allow about so many
_BURST_S = 0.25  # of the rate may go out at once
_OBSERVED_S = 1.0


@dataclass
class TokenBucket:
    """Spaces calls to one endpoint; time is passed in, in seconds of any steady clock.

    Free until the first complaint. Then the rate falls to half of what went out in the last second
    (not below 20, since a single call says little), halves once a second while complaints go on,
    and rises slowly while calls wait for it. A pause (Retry-After) holds everything until it ends.

    For any window of T seconds in which the rate is constant, at most rate * (T + burst) calls
    start, plus one batch; a wait never exceeds the calls in line over the floor, plus one pause.
    """

    floor_per_s: float = FLOOR_PER_S
    cap_per_s: float = CAP_PER_S
    rate_per_s: float = CAP_PER_S
    _free_at_s: float = float("-inf")
    _paused_until_s: float = float("-inf")
    _changed_at_s: float = float("-inf")
    _limited_since_s: float | None = None
    _recent: deque[tuple[float, int]] = field(default_factory=deque)

    def reserve(self, calls: int, now_s: float) -> float:
        """Seconds to wait before a batch of so many calls may start; it counts as started."""
        start_s = max(now_s, self._free_at_s - _BURST_S, self._paused_until_s)
        # An idle time is no credit: the line starts at the present, less the burst.
        self._free_at_s = max(self._free_at_s, start_s) + calls / self.rate_per_s
        self._remember(start_s, calls)
        if start_s > now_s and self._limited_since_s is None:
            self._limited_since_s = now_s
        return start_s - now_s

    def delay(self, now_s: float) -> float:
        """Seconds that the next batch would have to wait."""
        return max(0.0, self._free_at_s - _BURST_S - now_s, self._paused_until_s - now_s)

    def complained(
        self, now_s: float, *, retry_after_s: float | None = None, sent_at_s: float | None = None
    ) -> None:
        """Slows down; complaints about calls sent until a second after the last slowing do not.

        A node's own window still holds what was sent before; the pause that they name counts.
        """
        if retry_after_s is not None:
            pause_s = min(max(retry_after_s, 0.0), MAX_PAUSE_S)
            self._paused_until_s = max(self._paused_until_s, now_s + pause_s)
        sent_at_s = now_s if sent_at_s is None else sent_at_s
        if sent_at_s < self._changed_at_s + _OBSERVED_S:
            return
        observed = sum(n for at_s, n in self._recent if at_s > now_s - _OBSERVED_S)
        observed_per_s = max(observed / _OBSERVED_S, 2 * _FIRST_GUESS_PER_S)
        self.rate_per_s = max(self.floor_per_s, min(self.rate_per_s, observed_per_s) * _DECREASE)
        self._changed_at_s = now_s
        self._limited_since_s = None

    def succeeded(self, now_s: float) -> None:
        """Speeds up a little, if calls have been waiting for this bucket without a complaint."""
        if self._limited_since_s is None:
            return
        elapsed_s = min(now_s - self._limited_since_s, 1.0)
        if elapsed_s <= 0:
            return
        faster = self.rate_per_s * (1 + _INCREASE * elapsed_s) + _INCREASE_PER_S * elapsed_s
        self.rate_per_s = min(self.cap_per_s, faster)
        self._limited_since_s = now_s if self._free_at_s - _BURST_S > now_s else None

    def _remember(self, at_s: float, calls: int) -> None:
        self._recent.append((at_s, calls))
        while self._recent and self._recent[0][0] <= at_s - 2 * _OBSERVED_S:
            self._recent.popleft()


@dataclass(frozen=True)
class Throttle:
    """That a node asked to slow down, and for how long, if it said so."""

    retry_after_s: float | None = None


_HTTP_STATUS = frozenset({420, 429})

# Codes that mean nothing else; -32005 (EIP-1474: limit exceeded) is also a result cap.
_CODES = frozenset({429, -32007, -32016, -32029, -32097})
_AMBIGUOUS_CODE = -32005

_TEXT = re.compile(
    r"too many requests|rate.?limit|throttl"
    r"|compute units per second"  # Alchemy, latticexyz/mud#1522
    r"|credits limited to|requests? limit reached|per second limit exceeded"  # latticexyz/mud#1522
    r"|daily request count exceeded"  # Infura, blockscout/blockscout#7339
    r"|exceeded project rate limit"  # Infura, status-im/status-go#4807
    r"|over (?:the )?rate limit"  # Base, base/node#368
    r"|exceeded the rps limit|quota|capacity exceeded|slow down",
    re.IGNORECASE,
)


def throttle_in_http(
    status: int, headers: Mapping[str, str], body_start: bytes, now: datetime
) -> Throttle | None:
    """Throttling told by status, by a Retry-After of an unavailable node, or by a plain text."""
    named = {name.lower(): value for name, value in headers.items()}
    retry_after_s = retry_after(named.get("retry-after"), now)
    if status in _HTTP_STATUS or (status == 503 and retry_after_s is not None):
        return Throttle(retry_after_s)
    text = body_start.decode("utf-8", "replace")
    if not text.lstrip().startswith(("{", "[")) and _TEXT.search(text):
        return Throttle(retry_after_s)
    return None


def throttle_in_error(code: int, message: str, data: Any = None) -> Throttle | None:
    """Throttling told by a JSON-RPC error; to be asked after `limits.recognise`."""
    if code in _CODES or _TEXT.search(message) or code == _AMBIGUOUS_CODE:
        return Throttle(_backoff(data))
    return None


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for: a number or a date; None for anything else."""
    if value is None:
        return None
    try:
        return max(float(value), 0.0) if float(value) < float("inf") else None
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - now).total_seconds(), 0.0)


def _backoff(data: Any) -> float | None:
    """Infura puts it into the error: data.rate.backoff_seconds (status-im/status-go#4807)."""
    rate = data.get("rate") if isinstance(data, dict) else None
    seconds = rate.get("backoff_seconds") if isinstance(rate, dict) else None
    return float(seconds) if isinstance(seconds, int | float) and seconds >= 0 else None
