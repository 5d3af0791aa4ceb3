"""The logs of one block that are too many for one answer: by topic, by address, by receipts."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from data.errors import RetryableError, UpstreamError
from indexer.errors import SizeRefused
from indexer.rpc import Reply, Request, RpcClient
from indexer.selection import LogFilter


async def ask_in_parts(client: RpcClient, filters: Sequence[LogFilter], number: int) -> list[Reply]:
    """Replies that together hold the logs of a block, the header last in each of them.

    Every refused filter is halved: its topics, then its addresses. Where one topic of one contract
    is still too much, the receipts of the whole block are read and filtered here.

    Raises:
        UpstreamError: the node refuses the receipts too; another may give the block.
    """
    replies: list[Reply] = []
    todo = list(filters)
    while todo:
        each = todo.pop()
        try:
            replies.append(await _ask(client, each, number))
        except SizeRefused as error:
            halves = halve(each)
            if not halves:
                return [await _read_receipts(client, filters, number, error)]
            todo += halves
    return replies


def halve(log_filter: LogFilter) -> list[LogFilter]:
    """Two filters that together match what the one does; none if it cannot be split.

    The alternatives of the first topic are split first, then the addresses.
    """
    first, *rest = log_filter.get("topics") or [None]
    if isinstance(first, list) and len(first) > 1:
        return [{**log_filter, "topics": [half, *rest]} for half in _halves(first)]
    address = log_filter.get("address")
    if isinstance(address, list) and len(address) > 1:
        return [{**log_filter, "address": half} for half in _halves(address)]
    return []


def is_match(log: Mapping[str, Any], log_filter: LogFilter) -> bool:
    """Whether a log is one that the filter asks for, as geth reads filters.

    A list of topics matches no log with fewer topics, even where it ends in wildcards.
    """
    addresses = _alternatives(log_filter.get("address"))
    if addresses and str(log["address"]).lower() not in addresses:
        return False
    topics = [str(topic).lower() for topic in log["topics"]]
    wanted = [_alternatives(one) for one in log_filter.get("topics") or []]
    if len(wanted) > len(topics):
        return False
    return all(not any_of or topics[place] in any_of for place, any_of in enumerate(wanted))


async def _ask(client: RpcClient, log_filter: LogFilter, number: int) -> Reply:
    block = hex(number)
    logs = Request("eth_getLogs", ({**log_filter, "fromBlock": block, "toBlock": block},))
    return await client.ask([logs, _header(number)])


async def _read_receipts(
    client: RpcClient, filters: Sequence[LogFilter], number: int, refusal: SizeRefused
) -> Reply:
    request = Request("eth_getBlockReceipts", (hex(number),))
    try:
        reply = await client.ask([request, _header(number)])
    except RetryableError:
        raise
    except UpstreamError as error:
        message = (
            f"block {number} alone is too much for the node ({refusal}), and it gives no receipts "
            f"of it ({error}); add another --rpc-url"
        )
        raise UpstreamError(message) from error
    try:
        receipts = msgspec.json.decode(reply.results[0])
        logs = [
            log
            for receipt in receipts
            for log in receipt["logs"]
            if any(is_match(log, each) for each in filters)
        ]
    except (TypeError, KeyError, msgspec.DecodeError) as error:
        message = f"receipts of block {number} are no receipts"
        raise RetryableError(message) from error
    return Reply([msgspec.json.encode(logs), reply.results[1]], reply.endpoint, reply.n_bytes)


def _header(number: int) -> Request:
    return Request("eth_getBlockByNumber", (hex(number), False))


def _halves(items: list[str]) -> tuple[list[str], list[str]]:
    middle = len(items) // 2
    return items[:middle], items[middle:]


def _alternatives(value: Any) -> frozenset[str]:
    """The lower-case alternatives of one place of a filter; none where anything matches."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return frozenset(str(each).lower() for each in values)
