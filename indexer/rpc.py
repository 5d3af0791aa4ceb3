"""JSON-RPC over HTTP: batches out, raw results back; patient with trouble that passes.

`transport` posts, `answers` reads, `endpoints` chooses, `rate` paces; here they are put together.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import aiohttp
import msgspec

from data.errors import RetryableError, UpstreamError
from indexer.answers import Request, classify, encode, read_results
from indexer.chains import chain_name
from indexer.endpoints import FIRST_REST_S, MAX_BATCH, Endpoint, EndpointPool
from indexer.errors import (
    BatchRefused,
    RpcError,
    SizeRefused,
    SlowAnswer,
    Throttled,
    UnknownBlock,
    Unreachable,
)
from indexer.transport import MAX_ANSWER_BYTES, Timeouts, mask_text, mask_url, post

__all__ = [
    "MAX_BATCH", "Reply", "Request", "RpcClient", "Traffic", "classify", "mask_text", "mask_url",
]  # fmt: skip

_ATTEMPTS = 5
_REFUSED_ATTEMPTS = 3  # where nothing listens, patience helps nobody
_SLOW_ATTEMPTS = 2  # a smaller call helps more than the same call again
_THROTTLED_ATTEMPTS = 3  # times as many: a node that throttles is alive
_LONGEST_PAUSE = 32  # times the first pause
_SUSPICIOUS_FAILURES = 2  # in a row; then the size of the batch may be the reason
_CHAIN_ID = Request("eth_chainId")


@dataclass
class Traffic:
    """What a client has sent and received so far."""

    requests: int = 0
    n_bytes: int = 0


@dataclass(frozen=True)
class Reply:
    """Raw results of a batch in the order of its requests, and who gave them.

    `is_whole` tells that one post held all of them, so that one backend answered.
    """

    results: list[bytes]
    endpoint: Endpoint
    n_bytes: int
    is_whole: bool = True


@dataclass
class _Patience:
    """Counts what went wrong with one batch, and says when it is enough.

    Where one endpoint has to answer, that it does not have a block is its answer.
    """

    attempts: int
    is_hopeless: Callable[[], bool]
    is_pinned: bool = False
    failed: int = 0
    throttled: int = 0
    slow: int = 0
    unreachable: int = 0

    def note(self, error: RetryableError) -> bool:
        """Whether another attempt is worth it after this error."""
        if isinstance(error, Throttled):
            self.throttled += 1
            return self.throttled < _THROTTLED_ATTEMPTS * self.attempts
        self.failed += 1
        self.slow += isinstance(error, SlowAnswer)
        self.unreachable += isinstance(error, Unreachable)
        if self.is_pinned and isinstance(error, UnknownBlock):
            return False
        if self.slow >= _SLOW_ATTEMPTS or self.failed >= self.attempts:
            return False
        return self.unreachable < _REFUSED_ATTEMPTS or not self.is_hopeless()

    @property
    def total(self) -> int:
        """Attempts made."""
        return self.failed + self.throttled


@dataclass
class RpcClient:
    """Calls one or several endpoints of the same chain; the quickest that works is asked.

    With `chain_id` every endpoint has to prove that it serves that chain before it is believed.
    """

    urls: Sequence[str]
    session: aiohttp.ClientSession
    attempts: int = _ATTEMPTS
    first_pause_s: float = FIRST_REST_S
    chain_id: int | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    max_answer_bytes: int = MAX_ANSWER_BYTES
    clock: Callable[[], float] = time.monotonic
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - not for secrets
    traffic: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        self.pool = EndpointPool(self.urls, self.random)
        self._last = self.pool.endpoints[0]

    @property
    def endpoint(self) -> str:
        """The endpoint asked last, masked."""
        return self._last.name

    async def call(self, method: str, *params: Any) -> Any:
        """The decoded result of one call; errors as `ask`."""
        (raw,) = await self.batch([Request(method, params)])
        return msgspec.json.decode(raw)

    async def batch(
        self, requests: Sequence[Request], *, proves_chain: bool = False
    ) -> list[bytes]:
        """Raw results of one JSON-RPC batch, in the order of the requests; all else as `ask`."""
        return (await self.ask(requests, proves_chain=proves_chain)).results

    async def ask(
        self,
        requests: Sequence[Request],
        *,
        prefer: Endpoint | None = None,
        only: Endpoint | None = None,
        avoid: Collection[str] = (),
        attempts: int | None = None,
        proves_chain: bool = False,
    ) -> Reply:
        """The reply to one JSON-RPC batch; one backend answers all of it.

        Retries what a later, equal call may survive, on another endpoint where there is one. An
        endpoint that takes smaller batches only gets such, down to single calls.

        Args:
            requests: the calls.
            prefer: the endpoint to begin with, where the call was made to its measure.
            only: the endpoint that has to answer; none takes its place, and that it does not have
                a block is an answer.
            avoid: names of endpoints that another should be asked instead of, if there is one.
            attempts: instead of the client's own, for a caller who knows better when to go on.
            proves_chain: ask for the chain id in the same batch; else only an endpoint that has
                not told it yet is asked.

        Raises:
            SizeRefused: the node wants less asked at once; `url` says which endpoint.
            SlowAnswer: the answer took too long, more than once.
            RpcError: the node answers with another error.
            WrongChainError: no endpoint serves `chain_id`.
            UpstreamError: no endpoint gave a usable answer; the message names the last reason.
        """
        asked = [only] if only else self.pool.endpoints
        patience = _Patience(
            attempts or self.attempts,
            lambda: not any(each.has_answered for each in asked),
            is_pinned=only is not None,
        )
        avoid = set(avoid)
        while True:
            endpoint = only or prefer or self.pool.pick(self.clock(), avoid)
            prefer = None
            try:
                return await self._attempt(endpoint, requests, patience, proves_chain)
            except BatchRefused:
                if not endpoint.narrow_batch(len(requests)):
                    raise
            except RetryableError as error:
                if _blames_batch(error, endpoint) and endpoint.narrow_batch(len(requests)):
                    continue
                if not patience.note(error):
                    # Single calls failed too: size was not the reason.
                    endpoint.max_batch = MAX_BATCH
                    if isinstance(error, SlowAnswer):
                        raise
                    message = f"{error} ({patience.total} attempts); check --rpc-url"
                    raise UpstreamError(message) from error
            except SizeRefused:
                raise
            except UpstreamError:
                # Another endpoint may have the method, the archive or the right to answer.
                avoid.add(endpoint.name)
                others = [] if only else self.pool.others(endpoint.name)
                if all(other.name in avoid for other in others):
                    raise

    async def _attempt(
        self,
        endpoint: Endpoint,
        requests: Sequence[Request],
        patience: _Patience,
        proves_chain: bool,
    ) -> Reply:
        self._last = endpoint
        await self._wait_for(endpoint, len(requests))
        sent_at_s = self.clock()
        endpoint.in_flight += 1
        try:
            if self.chain_id is None or (endpoint.serves_chain and not proves_chain):
                return await self._post_all(endpoint, requests)
            reply = await self._post_all(endpoint, [*requests, _CHAIN_ID])
            self._check_chain(endpoint, self.chain_id, reply.results.pop())
            return reply
        except Throttled as error:
            endpoint.has_answered = True
            pause_s = self.first_pause_s * min(2 ** min(patience.throttled, 16), _LONGEST_PAUSE)
            named_s = error.retry_after_s
            endpoint.bucket.complained(
                self.clock(),
                retry_after_s=pause_s if named_s is None else named_s,
                sent_at_s=sent_at_s,
            )
            raise
        except RpcError as error:
            endpoint.has_answered, endpoint.failures = True, 0
            if isinstance(error, SizeRefused):
                error.url = endpoint.url
            raise
        except UpstreamError as error:
            if isinstance(error, SlowAnswer):
                error.url = endpoint.url
            if patience.is_pinned and isinstance(error, UnknownBlock):
                # No reason to rest: others may ask it about blocks that it has.
                endpoint.has_answered, endpoint.failures = True, 0
                raise
            endpoint.failed(self.clock(), sent_at_s=sent_at_s, first_rest_s=self.first_pause_s)
            raise
        finally:
            endpoint.in_flight -= 1

    async def _wait_for(self, endpoint: Endpoint, calls: int) -> None:
        now_s = self.clock()
        wait_s = max(endpoint.bucket.reserve(calls, now_s), endpoint.rests_until_s - now_s)
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def _post(self, endpoint: Endpoint, requests: Sequence[Request]) -> Reply:
        http = await post(
            self.session,
            endpoint.url,
            encode(requests),
            timeouts=self.timeouts,
            max_bytes=self.max_answer_bytes,
        )
        self.traffic.requests += len(requests)
        self.traffic.n_bytes += len(http.body)
        results = read_results(http, requests, endpoint.name, datetime.now(UTC))
        endpoint.answered(http.first_byte_s)
        endpoint.bucket.succeeded(self.clock())
        return Reply(results, endpoint, len(http.body))

    async def _post_all(self, endpoint: Endpoint, requests: Sequence[Request]) -> Reply:
        """The replies to batches of the size that the endpoint takes, as one."""
        size = endpoint.max_batch
        parts = [requests[at : at + size] for at in range(0, len(requests), size)]
        replies = [await self._post(endpoint, part) for part in parts]
        results = [raw for reply in replies for raw in reply.results]
        n_bytes = sum(reply.n_bytes for reply in replies)
        return Reply(results, endpoint, n_bytes, is_whole=len(parts) == 1)

    @staticmethod
    def _check_chain(endpoint: Endpoint, wanted: int, answer: bytes) -> None:
        """Leaves out an endpoint that serves another chain: since the start, or all at once."""
        served = int(msgspec.json.decode(answer), 16)
        if served != wanted:
            endpoint.excluded = (
                f"{endpoint.name} serves chain {served} ({chain_name(served)}), not {wanted}; "
                "correct --chain or --rpc-url"
            )
            raise RetryableError(endpoint.excluded)
        endpoint.serves_chain = True


def _blames_batch(error: RetryableError, endpoint: Endpoint) -> bool:
    """Whether the size of the batch may be why an endpoint fails again and again."""
    is_other = isinstance(error, Throttled | SlowAnswer | Unreachable | UnknownBlock)
    return not is_other and not endpoint.excluded and endpoint.failures >= _SUSPICIOUS_FAILURES
