"""`/health`, `/ready` and `/metrics` while an indexer runs."""

import asyncio
import json
import socket
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from data.errors import UsageError
from indexer.metrics import Metrics
from indexer.server import Readiness, serve
from tests.faults import HttpError
from tests.indexer.test_follow import START, _until, following, start
from tests.indexer.test_reorg import HEAD
from tests.indexer.test_reorg import origin as origin  # noqa: PLC0414 - a fixture of that module
from tests.indexer.test_reorg import serve as serve_node


def get(port, path):
    """Status and body."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("readiness", "is_ready"),
    [
        (Readiness(backfilled=True, answered=True, behind=0), True),
        (Readiness(backfilled=True, answered=True, behind=5), True),
        (Readiness(backfilled=True, answered=True, behind=6), False),
        (Readiness(backfilled=False, answered=True, behind=0), False),
        (Readiness(backfilled=True, answered=False, behind=0), False),
        (Readiness(backfilled=True, answered=True, behind=None), False),
    ],
)
def test_ready_is_caught_up_and_health_is_alive(readiness, is_ready):
    async def ask():
        async with serve(0, Metrics(), readiness) as port:
            return [await asyncio.to_thread(get, port, path) for path in ("/ready", "/health")]

    (status, text), (health, _) = asyncio.run(ask())
    assert status == (200 if is_ready else 503)
    assert json.loads(text)["ready"] is is_ready
    assert health == 200


def test_port_that_is_taken_is_a_usage_error():
    async def serve_twice():
        async with serve(0, Metrics(), Readiness()) as port, serve(port, Metrics(), Readiness()):
            pass

    with pytest.raises(UsageError, match="--metrics-port"):
        asyncio.run(serve_twice())


def test_only_this_machine_is_served():
    async def addresses():
        async with serve(0, Metrics(), Readiness()) as port:
            with socket.socket() as other:
                # An address of this machine that is not the loopback's first.
                return other.connect_ex(("127.0.0.2", port))

    assert asyncio.run(addresses()) != 0


def test_follower_is_ready_when_caught_up_and_not_in_an_outage(store, origin):
    def down(_method, _params, _result):
        raise HttpError(503)

    port = free_port()
    with serve_node(start(origin)) as node, following(store, node, metrics_port=port) as live:
        live.wait_for_tip(START)
        _until(lambda: get(port, "/ready")[0] == 200)
        node.advance(HEAD)
        live.wait_for_tip(HEAD)
        # Rows are committed before the gauges tell of them.
        synced = f"raisonne_last_synced_block {HEAD:.1f}"
        _until(lambda: synced in get(port, "/metrics")[1].splitlines())
        _, text = get(port, "/metrics")
        assert "raisonne_ready 1.0" in text.splitlines()
        assert 'method="eth_getLogs",status="ok"' in text
        node.faults.append(down)
        node.close_sockets()
        _until(lambda: get(port, "/ready")[0] == 503)
        assert get(port, "/health")[0] == 200
        node.faults.clear()
        _until(lambda: get(port, "/ready")[0] == 200)
        _until(lambda: "raisonne_websocket_connected 1.0" in get(port, "/metrics")[1], 15)
    with pytest.raises(OSError, match="refused"):
        get(port, "/health")
