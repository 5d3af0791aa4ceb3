"""The logs of one block that are too many for one answer: by topic, by address, by receipts."""

from collections.abc import Sequence

import msgspec

from data.errors import RetryableError, UpstreamError
from indexer.answers import block_request
from indexer.errors import SizeRefused
from indexer.filters import count_logs, halve, is_match
from indexer.pages import refuse_page
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


async def _ask(client: RpcClient, log_filter: LogFilter, number: int) -> Reply:
    block = hex(number)
    logs = Request("eth_getLogs", ({**log_filter, "fromBlock": block, "toBlock": block},))
    reply = await client.ask([logs, block_request(number)], proves_chain=True)
    if reply.endpoint.page:
        refuse_page(reply.endpoint, count_logs(reply.results[0]))
    return reply


async def _read_receipts(
    client: RpcClient, filters: Sequence[LogFilter], number: int, refusal: SizeRefused
) -> Reply:
    request = Request("eth_getBlockReceipts", (hex(number),))
    try:
        reply = await client.ask([request, block_request(number)], proves_chain=True)
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
