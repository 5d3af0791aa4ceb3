"""The client against a small server that says exactly what each test needs."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from data.errors import RetryableError, UpstreamError
from indexer.errors import RangeTooWide, RpcError, TooManyResults
from indexer.rpc import Request, RpcClient, classify, mask_url


@asynccontextmanager
async def served(answer):
    """A server whose replies `answer(calls)` gives: a web.Response, or what to send as JSON."""

    async def handle(request):
        reply = answer(json.loads(await request.read()))
        return reply if isinstance(reply, web.Response) else web.json_response(reply)

    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


def ask(answer, *methods, attempts=3, urls=None):
    """Results of one batch of calls against `answer`; and the client."""

    async def run():
        async with served(answer) as url, aiohttp.ClientSession() as session:
            client = RpcClient(
                urls(url) if urls else [url], session, attempts=attempts, first_pause_s=0.001
            )
            return await client.batch([Request(method) for method in methods])

    return asyncio.run(run())


def echo(calls):
    return [{"jsonrpc": "2.0", "id": call["id"], "result": call["method"]} for call in calls]


def test_results_come_in_the_order_of_the_calls_whatever_the_answer_does():
    assert ask(lambda calls: echo(calls)[::-1], "a", "b", "c") == [b'"a"', b'"b"', b'"c"']


def test_null_is_a_result():
    assert ask(lambda calls: [{"id": 0, "result": None}], "a") == [b"null"]


def test_call_left_unanswered_is_asked_again():
    seen = []

    def forgetful(calls):
        seen.append(len(calls))
        return echo(calls)[: len(seen)]

    assert ask(forgetful, "a", "b") == [b'"a"', b'"b"']
    assert seen == [2, 2]


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
    with pytest.raises(UpstreamError, match=r"127\.0\.0\.1.*3 attempts"):
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
