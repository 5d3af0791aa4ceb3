"""The client against a small server that says exactly what each test needs."""

import asyncio
import json
import time
from contextlib import AsyncExitStack, suppress

import aiohttp
import pytest
from aiohttp import web

from data.errors import RetryableError, UpstreamError
from indexer.errors import (
    RangeTooWide,
    RpcError,
    SlowAnswer,
    TooManyBytes,
    TooManyResults,
    WrongChainError,
)
from indexer.rpc import Request, RpcClient, classify, mask_url
from indexer.transport import Timeouts
from tests.indexer.served import served


def first(trouble):
    """An answer that is `trouble` once, and sound afterwards."""
    replies = iter([trouble])

    def answer(calls):
        return next(replies, echo)(calls)

    return answer


def ask(answer, *methods, attempts=3, urls=None, **options):
    """Results of one batch of calls against `answer`; and the client."""
    options = {"attempts": attempts, "first_pause_s": 0.001, **options}

    async def run():
        async with served(answer) as url, aiohttp.ClientSession() as session:
            client = RpcClient(urls(url) if urls else [url], session, **options)
            return await client.batch([Request(method) for method in methods])

    return asyncio.run(run())


def echo(calls):
    return [{"jsonrpc": "2.0", "id": call["id"], "result": call["method"]} for call in calls]


def test_results_come_in_the_order_of_the_calls_whatever_the_answer_does():
    assert ask(lambda calls: echo(calls)[::-1], "a", "b", "c") == [b'"a"', b'"b"', b'"c"']


def test_null_is_a_result():
    assert ask(lambda calls: [{"id": 0, "result": None}], "a") == [b"null"]


def test_null_is_no_answer_of_a_method_that_always_has_a_result():
    null = first(lambda _: [{"id": 0, "result": None}])
    assert ask(null, "eth_chainId") == [b'"eth_chainId"']


def test_call_left_unanswered_is_asked_again():
    seen = []

    def forgetful(calls):
        seen.append(len(calls))
        return echo(calls)[: len(seen)]

    assert ask(forgetful, "a", "b") == [b'"a"', b'"b"']
    assert seen == [2, 2]


def at_most(calls_taken, refusal):
    """An answer to batches of at most so many calls, a refusal of larger ones; and all sizes."""
    sizes = []

    def answer(calls):
        sizes.append(len(calls))
        return echo(calls) if len(calls) <= calls_taken else refusal(calls)

    return answer, sizes


_REFUSALS = {
    "one error": lambda _: {"id": None, "error": {"code": -32600, "message": "batch too large"}},
    "an error for the first call": lambda _: [
        {"id": 0, "error": {"code": -32600, "message": "Batch size exceeds the limit"}}
    ],
    "dropped": lambda _: web.Response(status=502, text=""),
    "the first calls answered": lambda calls: echo(calls)[:1],
}


@pytest.mark.parametrize("refusal", _REFUSALS.values(), ids=_REFUSALS)
@pytest.mark.parametrize("most", [1, 2, 30])
def test_batches_become_as_small_as_the_node_takes_them(most, refusal):
    answer, sizes = at_most(most, refusal)
    methods = [f"m{i}" for i in range(100)]
    assert ask(answer, *methods) == [f'"{method}"'.encode() for method in methods]
    assert max(sizes[-4:]) <= most


def test_node_that_takes_large_batches_gets_them():
    answer, sizes = at_most(100, lambda _: web.Response(status=500))
    ask(answer, *"abcdefgh")
    assert sizes == [8]


def test_call_alone_is_not_sent_as_a_batch():
    bodies = []

    async def run():
        async def handle(request):
            bodies.append(await request.json())
            return web.json_response({"id": 0, "result": 1})

        async with served(lambda _: handle) as url, aiohttp.ClientSession() as session:
            return await RpcClient([url], session).call("a")

    assert asyncio.run(run()) == 1
    assert isinstance(bodies[0], dict)


def test_endpoint_that_becomes_another_chain_is_left_out():
    served_chain = iter(["0x1", "0x1", "0x5"])

    def node(calls):
        return [
            {"id": call["id"], "result": next(served_chain)}
            if call["method"] == "eth_chainId"
            else {"id": call["id"], "result": 0}
            for call in calls
        ]

    async def run():
        async with served(node) as url, aiohttp.ClientSession() as session:
            client = RpcClient([url], session, first_pause_s=0.001, chain_id=1)
            for _ in range(3):
                await client.ask([Request("eth_getLogs")], proves_chain=True)

    with pytest.raises(WrongChainError, match=r"serves chain 5 .*not 1"):
        asyncio.run(run())


@pytest.mark.parametrize(
    "trouble",
    [
        lambda _: web.Response(status=429, text="slow down"),
        lambda _: web.Response(status=503, text="<html>unavailable</html>"),
        lambda calls: [{"id": 0, "error": {"code": -32005, "message": "rate limit exceeded"}}],
        lambda _: {"id": None, "error": {"code": -32000, "message": "header not found"}},
        lambda _: web.Response(text='[{"id": 0, "resu'),
        lambda _: web.Response(text=""),
    ],
    ids=["429", "503", "throttled", "batch error", "truncated", "empty"],
)
def test_passing_trouble_is_survived_and_lasting_trouble_is_an_upstream_error(trouble):
    replies = iter([trouble, trouble])

    def once_troubled(calls):
        return next(replies, echo)(calls)

    assert ask(once_troubled, "a") == [b'"a"']
    with pytest.raises(UpstreamError, match=r"127\.0\.0\.1.*[39] attempts"):
        ask(trouble, "a")


def test_web_page_is_named_at_once_as_no_node():
    calls = []

    def page(asked):
        calls.append(asked)
        return web.Response(text="<!DOCTYPE html><html>Hello", content_type="text/html")

    with pytest.raises(UpstreamError, match=r"no JSON-RPC: '<!DOCTYPE html>.*check --rpc-url"):
        ask(page, "a")
    assert len(calls) == 1


def test_error_that_no_retry_cures_is_not_retried():
    calls = []

    def refuse(asked):
        calls.append(asked)
        return [{"id": 0, "error": {"code": -32601, "message": "method not found"}}]

    with pytest.raises(RpcError, match="method not found"):
        ask(refuse, "a")
    assert len(calls) == 1


def test_next_endpoint_takes_over():
    assert ask(echo, "a", urls=lambda good: ["http://127.0.0.1:9/", good]) == [b'"a"']


def test_unreachable_endpoint_is_named():
    with pytest.raises(UpstreamError, match=r"127\.0\.0\.1:9 did not answer"):
        ask(echo, "a", urls=lambda _: ["http://127.0.0.1:9/"])


def test_refused_connection_gives_up_fast():
    started = time.monotonic()
    with pytest.raises(UpstreamError, match=r"127\.0\.0\.1:9 .*refused.*3 attempts"):
        ask(echo, "a", attempts=5, first_pause_s=0.25, urls=lambda _: ["http://127.0.0.1:9/"])
    assert time.monotonic() - started < 1.5


def test_node_that_is_restarted_is_waited_for():
    """It has answered before, so that it is worth more attempts than a wrong address."""

    async def run():
        async with aiohttp.ClientSession() as session:
            async with served(echo) as url:
                client = RpcClient([url], session, first_pause_s=0.02)
                await client.batch([Request("a")])
            with pytest.raises(UpstreamError, match="5 attempts"):
                await client.batch([Request("a")])

    asyncio.run(run())


def test_another_endpoint_answers_what_the_first_refuses_for_good():
    asked = []

    def picky(calls):
        asked.append(calls[0]["method"])
        if len(asked) == 1:
            return [{"id": 0, "error": {"code": -32601, "message": "method not found"}}]
        return echo(calls)

    # Twice the same server: two endpoints of which the first one lacks the method.
    assert ask(picky, "a", urls=lambda url: [url, url]) == [b'"a"']
    assert asked == ["a", "a"]


def test_null_for_what_must_exist_is_asked_of_another_endpoint():
    def null(calls):
        return [{"id": call["id"], "result": None} for call in calls]

    async def run(*answers):
        async with AsyncExitStack() as stack:
            urls = [await stack.enter_async_context(served(each)) for each in answers]
            session = await stack.enter_async_context(aiohttp.ClientSession())
            client = RpcClient(urls, session, first_pause_s=0.001)
            return await client.batch([Request("a"), Request("b", must_exist=True)])

    assert asyncio.run(run(null, echo)) == [b'"a"', b'"b"']
    with pytest.raises(UpstreamError, match="b is null: the node that answered is behind the tip"):
        asyncio.run(run(null, null))


def test_endpoint_of_another_chain_is_left_out():
    def of_chain(number):
        def answer(calls):
            return [
                {"id": c["id"], "result": hex(number) if c["method"] == "eth_chainId" else number}
                for c in calls
            ]

        return answer

    async def run(*chains):
        async with AsyncExitStack() as stack:
            urls = [await stack.enter_async_context(served(of_chain(n))) for n in chains]
            session = await stack.enter_async_context(aiohttp.ClientSession())
            client = RpcClient(urls, session, first_pause_s=0.001, chain_id=7)
            return [await client.call("a") for _ in range(5)]

    assert asyncio.run(run(5, 7, 6)) == [7] * 5
    with pytest.raises(WrongChainError, match=r"serves chain 5 .*, not 7; correct --chain"):
        asyncio.run(run(5, 6))


def test_only_the_named_endpoint_is_asked():
    async def run():
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(served(echo))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            client = RpcClient(["http://127.0.0.1:9/", url], session, first_pause_s=0.001)
            down, up = client.pool.endpoints
            assert (await client.ask([Request("a")], only=up)).endpoint is up
            assert (await client.ask([Request("a")], prefer=down)).endpoint is up
            with pytest.raises(UpstreamError, match="refused"):
                await client.ask([Request("a")], only=down)

    asyncio.run(run())


@pytest.mark.parametrize("is_pinned", [True, False])
def test_endpoint_without_a_block_is_waited_for_unless_it_alone_has_to_answer(is_pinned):
    """Where it alone is asked, that is its answer, and no reason to leave it alone."""
    asked = []

    def unknown(calls):
        asked.extend(calls)
        error = {"code": -32000, "message": "unknown block"}
        return [{"jsonrpc": "2.0", "id": call["id"], "error": error} for call in calls]

    async def run():
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(served(unknown))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            client = RpcClient([url], session, attempts=3, first_pause_s=0.001)
            (endpoint,) = client.pool.endpoints
            with pytest.raises(UpstreamError, match="unknown block"):
                await client.ask([Request("a")], only=endpoint if is_pinned else None)
            return endpoint.failures

    assert asyncio.run(run()) == (0 if is_pinned else 3)
    assert len(asked) == (1 if is_pinned else 3)


def never(_calls):
    async def answer(request):
        await asyncio.sleep(0.5)
        return web.Response()

    return answer


def dripping(_calls):
    async def answer(request):
        reply = web.StreamResponse()
        await reply.prepare(request)
        with suppress(ConnectionError):
            for _ in range(400):
                await reply.write(b" ")
                await asyncio.sleep(0.02)
        return reply

    return answer


def stuck(_calls):
    async def answer(request):
        reply = web.StreamResponse()
        await reply.prepare(request)
        await reply.write(b"[")
        await asyncio.sleep(0.5)
        return web.Response()

    return answer


@pytest.mark.parametrize(
    ("trouble", "timeouts"),
    [
        (never, Timeouts(first_byte_s=0.1)),
        (stuck, Timeouts(idle_s=0.1)),
        (dripping, Timeouts(idle_s=0.1, total_s=0.3)),
    ],
    ids=["no first byte", "stuck body", "dripping body"],
)
def test_slow_answer_is_cut_off_and_tried_again(trouble, timeouts):
    started = time.monotonic()
    assert ask(first(trouble), "a", timeouts=timeouts) == [b'"a"']
    with pytest.raises(SlowAnswer, match=r"127\.0\.0\.1:\d+ did not answer in time"):
        ask(trouble, "a", timeouts=timeouts)
    assert time.monotonic() - started < 3


def test_slow_body_that_goes_on_is_read_to_its_end():
    def slowly(calls):
        async def answer(request):
            reply = web.StreamResponse()
            await reply.prepare(request)
            for part in json.dumps(echo(calls)).encode().partition(b"result"):
                await reply.write(part)
                await asyncio.sleep(0.08)
            return reply

        return answer

    assert ask(slowly, "a", timeouts=Timeouts(idle_s=0.15, total_s=5)) == [b'"a"']


def test_answer_beyond_the_ceiling_of_bytes_is_refused_by_us():
    def large(calls):
        return [{"id": 0, "result": "x" * 100_000}]

    assert len(ask(large, "a")[0]) == 100_002
    with pytest.raises(TooManyBytes, match="more than 50,000 bytes") as caught:
        ask(large, "a", max_answer_bytes=50_000)
    assert caught.value.limit == 50_000


def test_named_pause_is_kept():
    started = time.monotonic()
    throttling = first(lambda _: web.Response(status=429, headers={"Retry-After": "0.4"}))
    assert ask(throttling, "a") == [b'"a"']
    assert 0.4 <= time.monotonic() - started < 1.5


def test_throttled_endpoint_leaves_the_work_to_another():
    async def run():
        def throttling(_calls):
            return web.Response(status=429, headers={"Retry-After": "30"})

        async with AsyncExitStack() as stack:
            urls = [await stack.enter_async_context(served(a)) for a in (throttling, echo)]
            session = await stack.enter_async_context(aiohttp.ClientSession())
            client = RpcClient(urls, session)
            started = time.monotonic()
            for _ in range(20):
                assert await client.batch([Request("a")]) == [b'"a"']
            return time.monotonic() - started

    assert asyncio.run(run()) < 5


def test_refusal_names_the_endpoint_but_not_in_its_text():
    def refuse(calls):
        return [{"id": 0, "error": {"code": -32005, "message": "more than 5 results"}}]

    with pytest.raises(TooManyResults) as caught:
        ask(refuse, "eth_getLogs", urls=lambda url: [url + "?key=secret"])
    assert caught.value.url.endswith("?key=secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "kind"), [("eth_getLogs", TooManyResults), ("eth_blockNumber", RetryableError)]
)
def test_same_words_refuse_logs_but_throttle_other_calls(method, kind):
    assert isinstance(classify("limit exceeded", "node", code=-32005, method=method), kind)


def test_reason_in_the_data_of_an_error_is_read():
    data = {"error_id": "4e", "payload": "range 9009594 is bigger than range limit 2000"}
    error = classify("invalid params", "node", code=-32602, data=data)
    assert isinstance(error, RangeTooWide)
    assert error.limit == 2_000


@pytest.mark.parametrize(
    ("message", "limit"),
    [
        ("eth_getLogs block range too large, range: 20000, max: 10000", 10_000),
        ("exceed maximum block range: 50000", 50_000),
        ("eth_getLogs is limited to a 10,000 range", 10_000),
        ("You can make eth_getLogs requests with up to a 2K block range.", 2_000),
        ("block range is too wide", None),
        ("block range is too large, at most 7 blocks are allowed", 7),
    ],
)
def test_refusal_of_the_range_is_told_with_its_limit(message, limit):
    error = classify(message, "node")
    assert isinstance(error, RangeTooWide)
    assert error.limit == limit


@pytest.mark.parametrize(
    "message",
    [
        "query returned more than 10000 results",
        "Log response size exceeded.",
        "response size is larger than 150MB limit",
        "too many logs requested",
        "query exceeds max results 20000, retry with the range 1-2",
        "limit exceeded",
    ],
)
def test_refusal_of_the_size_is_told(message):
    assert isinstance(classify(message, "node"), TooManyResults)


@pytest.mark.parametrize(
    "message", ["Too many requests", "request timed out", "rate limit exceeded", "backend is busy"]
)
def test_throttling_is_retryable(message):
    assert isinstance(classify(message, "node"), RetryableError)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("https://node.example/v3/0123456789", "https://node.example/***"),
        ("https://user:secret@node.example", "https://node.example/***"),
        ("https://node.example/?key=secret", "https://node.example/***"),
        ("nonsense", "***"),
        ("http://node.example:notaport/x", "***"),
    ],
)
def test_secrets_in_a_url_are_masked(url, masked):
    assert mask_url(url) == masked
