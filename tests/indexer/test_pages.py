"""Answers cut at the size of a page, without an error."""

import asyncio

import aiohttp
import pytest

from indexer.errors import TooManyResults
from indexer.pages import PageCheck
from indexer.rpc import RpcClient
from tests.indexer.served import served

FILTER = {"topics": [["0xa", "0xb"]]}


class CuttingNode:
    """One log of topic 0xa and one of 0xb in every place of `blocks`; answers end at `page`."""

    def __init__(self, blocks, page):
        self.blocks, self.page, self.calls = blocks, page, 0

    def __call__(self, calls):
        return [{"jsonrpc": "2.0", "id": call["id"], "result": self.logs(call)} for call in calls]

    def logs(self, call):
        self.calls += 1
        (asked,) = call["params"]
        first, last = int(asked["fromBlock"], 16), int(asked["toBlock"], 16)
        found = [
            {"topics": [topic]}
            for block in self.blocks
            if first <= block <= last
            for topic in asked["topics"][0]
        ]
        return found[: self.page]


def confirm(node, blocks, *, is_thorough=True, times=1):
    """The endpoint after its answer over `blocks` was doubted."""

    async def run():
        async with served(node) as url, aiohttp.ClientSession() as session:
            client = RpcClient([url], session, first_pause_s=0.001)
            (endpoint,) = client.pool.endpoints
            span = {"fromBlock": hex(blocks[0]), "toBlock": hex(blocks[1] - 1)}
            count = len(node.logs({"params": [{**FILTER, **span}]}))
            node.calls = 0
            check = PageCheck(client, is_thorough=is_thorough)
            for _ in range(times):
                await check.confirm(endpoint, [FILTER], blocks, [count])
            return endpoint

    return asyncio.run(run())


@pytest.mark.parametrize(
    "blocks",
    [range(100), [0] * 50, [63] * 50, [63] * 13],
    ids=["all over", "in the first block", "in one block", "one topic beyond the page"],
)
def test_cut_answer_is_found_out(blocks):
    with pytest.raises(TooManyResults, match="at 25 logs") as caught:
        confirm(CuttingNode(blocks, page=25), (0, 64))
    assert caught.value.limit == 25


def test_whole_answer_is_believed_after_two_halves():
    node = CuttingNode(range(64), page=10_000)
    endpoint = confirm(node, (0, 64))
    assert endpoint.page is None
    assert endpoint.longest == 128
    assert node.calls == 2


def test_shorter_answer_than_an_earlier_one_is_not_doubted():
    async def run():
        async with aiohttp.ClientSession() as session:
            client = RpcClient(["http://nobody.example"], session)
            (endpoint,) = client.pool.endpoints
            endpoint.longest = 1_000
            await PageCheck(client, is_thorough=True).confirm(endpoint, [FILTER], (0, 9), [999])

    asyncio.run(run())


def test_only_a_thorough_check_doubts_lengths_that_are_no_usual_page():
    node = CuttingNode(range(64), page=27)
    assert confirm(node, (0, 64), is_thorough=False).longest == 27
    assert node.calls == 0
    with pytest.raises(TooManyResults):
        confirm(node, (0, 64), is_thorough=True)


def test_few_logs_are_no_page():
    node = CuttingNode([3], page=10_000)
    confirm(node, (0, 64))
    assert node.calls == 0
