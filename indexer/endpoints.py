"""Several endpoints of one chain: the quickest is asked, the others stand by and are tried."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from random import Random

from indexer.errors import WrongChainError
from indexer.rate import TokenBucket
from indexer.transport import mask_url
from indexer.width import WidthController

MAX_BATCH = 100
"""Requests in one HTTP post; larger batches are refused by common nodes."""

EXPLORATION = 0.05
"""Share of calls that go to another endpoint than the best, to notice when it becomes better."""

FIRST_REST_S = 0.25
LONGEST_REST_S = 30.0
"""An endpoint that fails rests so long at least and at most; each failure in a row doubles it."""

_UNKNOWN_S = 1.0
_WEIGHT = 0.2  # of the newest latency in the moving average


@dataclass(eq=False)
class Endpoint:
    """One URL, and what is known about it. `name` is the URL without its secrets."""

    url: str
    name: str
    bucket: TokenBucket = field(default_factory=TokenBucket)
    widths: dict[str, WidthController] = field(default_factory=dict)
    latency_s: float | None = None
    in_flight: int = 0
    max_batch: int = MAX_BATCH
    failures: int = 0
    failed_at_s: float = float("-inf")
    rests_until_s: float = float("-inf")
    has_answered: bool = False
    serves_chain: bool = False
    odd_answers: int = 0
    longest: int = 0
    page: int | None = None
    excluded: str = ""

    def width_of(self, selection: str) -> WidthController:
        """The width of requests for the logs of a selection, given by its digest."""
        return self.widths.setdefault(selection, WidthController())

    def delay(self, now_s: float) -> float:
        """Seconds until it may be asked: it rests after failures, and is paused by throttling."""
        return max(0.0, self.rests_until_s - now_s, self.bucket.delay(now_s))

    def cost(self, now_s: float) -> float:
        """Seconds until an answer is expected; an unknown endpoint is tried, by one call."""
        if self.latency_s is None:
            return self.delay(now_s) + _UNKNOWN_S * self.in_flight
        return self.delay(now_s) + self.latency_s * (1 + self.in_flight)

    def narrow_batch(self, calls: int) -> bool:
        """Takes smaller batches after one of so many calls failed; whether they can be smaller."""
        size = min(calls, self.max_batch)
        self.max_batch = max(1, size // 4)
        return size > 1

    def answered(self, latency_s: float) -> None:
        """Notes an answer that came after so many seconds."""
        self.has_answered, self.failures = True, 0
        self.rests_until_s = float("-inf")
        known_s = latency_s if self.latency_s is None else self.latency_s
        self.latency_s = known_s + _WEIGHT * (latency_s - known_s)

    def failed(self, now_s: float, *, sent_at_s: float, first_rest_s: float = FIRST_REST_S) -> None:
        """Lets it rest, for longer with each failure in a row; calls sent together fail once."""
        if sent_at_s < self.failed_at_s:
            return
        self.failed_at_s = now_s
        self.failures += 1
        # 2 ** 16 first rests are longer than any rest.
        rest_s = first_rest_s * 2 ** min(self.failures - 1, 16)
        self.rests_until_s = now_s + min(rest_s, LONGEST_REST_S)


class EndpointPool:
    """Chooses among endpoints; time and chance are passed in."""

    def __init__(self, urls: Sequence[str], random: Random) -> None:
        self._random = random
        self.endpoints = [Endpoint(url, name) for url, name in zip(urls, _names(urls), strict=True)]

    def pick(self, now_s: float, avoid: Collection[str] = ()) -> Endpoint:
        """The endpoint expected to answer first; now and then another one that could answer now.

        Args:
            now_s: the present.
            avoid: names of endpoints that another should be asked instead of, if there is one.

        Raises:
            WrongChainError: every endpoint turned out to serve another chain.
        """
        usable = self._usable(avoid)
        best = min(usable, key=lambda endpoint: endpoint.cost(now_s))
        ready = [each for each in usable if each is not best and each.delay(now_s) == 0]
        if ready and self._random.random() < EXPLORATION:
            return self._random.choice(ready)
        return best

    def best(self, now_s: float) -> Endpoint:
        """The endpoint expected to answer first, whether or not it may be asked."""
        return min(self.endpoints, key=lambda each: (bool(each.excluded), each.cost(now_s)))

    def at(self, url: str) -> Endpoint | None:
        """The endpoint of a URL."""
        return next((each for each in self.endpoints if each.url == url), None)

    def _usable(self, avoid: Collection[str] = ()) -> list[Endpoint]:
        usable = [endpoint for endpoint in self.endpoints if not endpoint.excluded]
        if not usable:
            raise WrongChainError("; ".join(each.excluded for each in self.endpoints))
        return [each for each in usable if each.name not in avoid] or usable

    def others(self, name: str) -> list[Endpoint]:
        """The endpoints that may be asked besides the named one."""
        return [each for each in self.endpoints if each.name != name and not each.excluded]


def _names(urls: Sequence[str]) -> list[str]:
    """Masked URLs, numbered where they would be the same."""
    masked = [mask_url(url) for url in urls]
    return [
        name if masked.count(name) == 1 else f"{name} #{masked[: i + 1].count(name)}"
        for i, name in enumerate(masked)
    ]
