"""`/health`, `/ready` and `/metrics` of a running indexer, on the loopback interface."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from data.errors import UsageError
from indexer.metrics import CONTENT_TYPE, Metrics

HOST = "127.0.0.1"


@dataclass
class Readiness:
    """How far the store is behind its chain, for `/ready`.

    It is ready once the backfill is done and it is at most `most_behind` blocks behind the head.
    An endpoint that does not answer makes it unready: nobody knows the head then.
    """

    most_behind: int = 5
    backfilled: bool = False
    answered: bool = False
    behind: int | None = None

    @property
    def is_ready(self) -> bool:
        """Whether readers may take the store for the chain's present."""
        known = self.behind is not None and self.behind <= self.most_behind
        return self.backfilled and self.answered and known

    def report(self) -> dict[str, object]:
        """What `/ready` answers."""
        return {
            "ready": self.is_ready,
            "backfilled": self.backfilled,
            "endpoint_answers": self.answered,
            "blocks_behind": self.behind,
            "most_behind": self.most_behind,
        }


@asynccontextmanager
async def serve(port: int | None, metrics: Metrics, readiness: Readiness) -> AsyncIterator[int]:
    """Serves while entered, and yields the port (a free one for 0); nothing is served for None.

    Raises:
        UsageError: the port is taken.
    """
    if port is None:
        yield -1
        return
    runner = web.AppRunner(_application(metrics, readiness), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            message = f"port {port} of {HOST} cannot be used ({error.strerror}); "
            message += "give --metrics-port another one"
            raise UsageError(message) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _application(metrics: Metrics, readiness: Readiness) -> web.Application:
    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"status": "up"})

    async def ready(_request: web.Request) -> web.Response:
        return web.json_response(readiness.report(), status=200 if readiness.is_ready else 503)

    async def expose(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.expose(), headers={"content-type": CONTENT_TYPE})

    app = web.Application()
    app.add_routes(
        [web.get("/health", health), web.get("/ready", ready), web.get("/metrics", expose)]
    )
    return app
