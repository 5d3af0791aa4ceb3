"""Answers that a node cut, without a word, at the size of a page.

A cut answer is as long as the longest that its endpoint ever gave. So whatever is that long is
asked for once more in two halves: more logs than in the whole give the cut away, and from then on
an answer of that length counts as a refusal (ethers.js#1389, hiero-json-rpc-relay#673).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.endpoints import Endpoint
from indexer.errors import TooManyResults
from indexer.filters import count_logs, halve
from indexer.ranges import BlockRange
from indexer.rpc import Request, RpcClient
from indexer.selection import LogFilter

_SHORTEST = 10
"""Logs of the smallest page that is thought of."""

_STEP = 25
"""Known pages are multiples of this, or powers of two."""


@dataclass(frozen=True)
class PageCheck:
    """Finds out cut answers; `is_thorough` suspects lengths that are no usual page too."""

    client: RpcClient
    is_thorough: bool = False

    async def confirm(
        self,
        endpoint: Endpoint,
        filters: Sequence[LogFilter],
        blocks: BlockRange,
        counts: Sequence[int],
    ) -> None:
        """Doubts the lengths of an endpoint's answers, one for each filter.

        Raises:
            TooManyResults: one of them was cut.
            UpstreamError: no endpoint answers.
        """
        for log_filter, count in zip(filters, counts, strict=True):
            refuse_page(endpoint, count)
            if self._is_suspicious(count, endpoint):
                await self._ask_halves(log_filter, blocks, count, endpoint)
            endpoint.longest = max(endpoint.longest, count)

    def refuse(self, endpoint: Endpoint, counts: Sequence[int]) -> None:
        """Doubts the lengths of answers without asking again.

        Raises:
            TooManyResults: one of them may have been cut.
        """
        for count in counts:
            refuse_page(endpoint, count)
            if self._is_suspicious(count, endpoint):
                raise _refusal(endpoint, count)

    def _is_suspicious(self, count: int, endpoint: Endpoint) -> bool:
        if count < max(_SHORTEST, endpoint.longest):
            return False
        return self.is_thorough or count % _STEP == 0 or count & (count - 1) == 0

    async def _ask_halves(
        self, log_filter: LogFilter, blocks: BlockRange, count: int, endpoint: Endpoint
    ) -> None:
        """Halves until the logs lie in both halves; of one block, the filter is halved."""
        parts = _halves(log_filter, blocks)
        if not parts:
            return
        requests = [_request(one, span) for one, span in parts]
        reply = await self.client.ask(requests, prefer=endpoint, proves_chain=True)
        counts = [count_logs(raw) for raw in reply.results]
        if sum(counts) > count:
            endpoint.page = min(count, endpoint.page or count)
            refuse_page(endpoint, count)
        if max(counts) == count:
            await self._ask_halves(*parts[counts.index(count)], count, endpoint)


def refuse_page(endpoint: Endpoint, count: int) -> None:
    """Takes an answer of the length of a page for a refusal.

    Raises:
        TooManyResults: the endpoint is known to cut its answers there.
    """
    if endpoint.page and count >= endpoint.page:
        raise _refusal(endpoint, endpoint.page)


def _refusal(endpoint: Endpoint, page: int) -> TooManyResults:
    error = TooManyResults(f"{endpoint.name} cuts its answers at {page:,} logs", page)
    error.url = endpoint.url
    return error


def _halves(log_filter: LogFilter, blocks: BlockRange) -> list[tuple[LogFilter, BlockRange]]:
    start, end = blocks
    middle = (start + end) // 2
    if middle > start:
        return [(log_filter, (start, middle)), (log_filter, (middle, end))]
    return [(half, blocks) for half in halve(log_filter)]


def _request(log_filter: LogFilter, blocks: BlockRange) -> Request:
    span = {"fromBlock": hex(blocks[0]), "toBlock": hex(blocks[1] - 1)}
    return Request("eth_getLogs", ({**log_filter, **span},))
