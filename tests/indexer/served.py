"""A small HTTP server that says exactly what a test needs."""

import json
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def served(answer):
    """A server whose replies `answer(calls)` gives: a web.Response, what to send as JSON, or an
    async function of the request that answers by itself. A call that came alone is a list of one,
    and so is the answer to it.
    """

    async def handle(request):
        body = json.loads(await request.read())
        is_alone = isinstance(body, dict)
        reply = answer([body] if is_alone else body)
        if is_alone and isinstance(reply, list) and len(reply) == 1:
            (reply,) = reply
        if callable(reply) and not isinstance(reply, web.Response):
            return await reply(request)
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
