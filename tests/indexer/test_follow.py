"""Following a chain: heads pushed or polled, reorgs, outages, stops."""

import asyncio
import threading
import time
from contextlib import contextmanager

import pytest
from aiohttp import web

from indexer.errors import DeepReorgError
from indexer.follow import follow_until
from indexer.heads import websocket_urls
from indexer.link import rebuild_links
from indexer.run import IndexOptions
from tests.faults import HttpError
from tests.forks import fork
from tests.indexer.test_reorg import FIRST, HEAD, assert_links_fit, serve, undisturbed
from tests.indexer.test_reorg import origin as origin  # noqa: PLC0414 - a fixture of that module

START = HEAD - 12


class Following:
    """`raisonne index --follow` in a thread of its own."""

    def __init__(self, store, node, **options):
        self.store, self.error, self.summary = store, None, None
        options = {"blocks": (f"{FIRST}:",), "verify": "off", **options}
        self._options = IndexOptions((node.url,), **options)
        self._thread = threading.Thread(target=self._run)
        self._loop, self._stop = None, None
        self._thread.start()

    def _run(self):
        try:
            asyncio.run(self._follow())
        except Exception as error:
            self.error = error

    async def _follow(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.summary = await follow_until(self._stop, self.store, self._options)

    def stop(self):
        if self._thread.is_alive() and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()

    def wait_for(self, sql, expected, seconds=60):
        """Waits until a query gives one value."""
        deadline = time.monotonic() + seconds
        while (found := self.store.query(sql).item()) != expected:
            assert self.error is None, self.error
            assert time.monotonic() < deadline, f"{sql}: {found}, not {expected}"
            time.sleep(0.02)

    def wait_for_tip(self, number, block_hash=None, seconds=60):
        """Waits until a block is the highest that is committed."""
        self.wait_for("SELECT max(to_block) - 1 FROM ranges", number, seconds)
        if block_hash is not None:
            self.wait_for(
                f"SELECT max(block_hash) FROM blocks WHERE block_number = {number}", block_hash
            )


@contextmanager
def following(store, node, **options):
    live = Following(store, node, **options)
    try:
        yield live
    finally:
        live.stop()
    assert live.error is None


def start(origin):
    """The chain before its last blocks."""
    chain = fork(origin, HEAD + 1)
    chain.head = START
    return chain


def test_new_blocks_end_in_the_tables_of_a_run_over_all(tmp_path, store, origin):
    with serve(start(origin)) as node, following(store, node) as live:
        live.wait_for_tip(START)
        for number in range(START + 1, HEAD + 1):
            node.advance(number)
            if number % 3:
                live.wait_for_tip(number)
        live.wait_for_tip(HEAD)
        assert_links_fit(store)
    assert live.summary.head == HEAD
    assert store.digest() == undisturbed(origin, tmp_path)
    assert store.query("SELECT count(*) FROM runs WHERE verb = 'index'").item() == 1


def test_links_are_committed_with_the_facts(store, origin):
    """A reader never sees a sale that is settled and not linked."""
    unlinked = "SELECT count(*) FROM settled_sales s ANTI JOIN sales USING (chain_id, sale_id)"
    with serve(start(origin)) as node, following(store, node) as live:
        live.wait_for_tip(START)
        live.wait_for(unlinked, 0)  # the backfill links at its end
        seen = []
        for number in range(START + 1, HEAD + 1):
            node.advance(number)
            for _ in range(5):
                seen.append(store.query(unlinked).item())
        live.wait_for_tip(HEAD)
    assert set(seen) == {0}


@pytest.mark.parametrize("depth", [1, 40])
def test_reorg_at_the_head_is_rolled_back_and_followed(tmp_path, store, origin, depth):
    forked = fork(origin, HEAD + 1 - depth, logs="moved")
    with serve(origin) as node, following(store, node) as live:
        live.wait_for_tip(HEAD)
        node.chain = forked
        live.wait_for_tip(HEAD, forked.hash(HEAD))
    assert live.summary.rolled_back_from == [HEAD + 1 - depth]
    assert store.digest() == undisturbed(forked, tmp_path)


def test_reorg_to_a_shorter_chain_that_grows_again(tmp_path, store, origin):
    shorter = fork(origin, HEAD - 5, logs="dropped", head=HEAD - 4)
    with serve(origin) as node, following(store, node) as live:
        live.wait_for_tip(HEAD)
        node.chain = shorter
        live.wait_for_tip(HEAD - 4)
        node.advance(HEAD)
        live.wait_for_tip(HEAD)
    assert store.digest() == undisturbed(shorter, tmp_path)


def test_reorg_deeper_than_the_window_ends_following(store, origin):
    with serve(origin) as node:
        live = Following(store, node)
        live.wait_for("SELECT count(*) > 0 FROM tokens", True)
        before = store.digest()
        node.chain = fork(origin, FIRST - 1)
        live._thread.join(20)
        live.stop()
    assert isinstance(live.error, DeepReorgError)
    assert store.digest() == before


def test_outage_is_waited_out(tmp_path, store, origin):
    def down(_method, _params, _result):
        raise HttpError(503)

    with serve(start(origin)) as node, following(store, node) as live:
        live.wait_for_tip(START)
        node.close_sockets()
        node.faults.append(down)
        node.advance(HEAD)
        time.sleep(1.5)
        assert store.query("SELECT max(to_block) - 1 FROM ranges").item() == START
        node.faults.clear()
        live.wait_for_tip(HEAD)
    assert store.digest() == undisturbed(origin, tmp_path)


def test_heads_are_polled_where_no_websocket_is_offered(store, origin):
    async def refuse(_request):
        raise web.HTTPNotFound

    node = serve(start(origin))
    node.server.handle_socket = refuse
    with node, following(store, node) as live:
        live.wait_for_tip(START)
        node.advance(START + 1)
        live.wait_for_tip(START + 1)
    assert node.calls["eth_subscribe"] == 0


def test_heads_are_pushed_where_a_websocket_is_offered(store, origin):
    with serve(start(origin)) as node, following(store, node) as live:
        live.wait_for_tip(START)
        _until(lambda: node.calls["eth_subscribe"] == 1)
        for number in range(START + 1, START + 3):  # the first asks what is final
            node.advance(number)
            live.wait_for_tip(number)
        asked = node.calls["eth_getBlockByNumber"]
        for number in range(START + 3, START + 6):
            node.advance(number)
            live.wait_for_tip(number)
        assert node.calls["eth_getBlockByNumber"] == asked, "a pushed head needs no question"


def test_subscription_that_falls_silent_is_noticed(store, origin, monkeypatch):
    monkeypatch.setattr("indexer.heads._PATIENCE_S", 0.3)
    monkeypatch.setattr("indexer.heads._PATIENCE_BLOCKS", 0)
    with serve(start(origin)) as node, following(store, node) as live:
        live.wait_for_tip(START)
        _until(lambda: node.calls["eth_subscribe"] == 1)
        node.server.is_mute = True
        node.advance(HEAD)
        live.wait_for_tip(HEAD)


def test_subscription_that_is_only_late_is_kept(store, origin, monkeypatch):
    monkeypatch.setattr("indexer.heads._PATIENCE_S", 0.3)
    monkeypatch.setattr("indexer.heads._PATIENCE_BLOCKS", 0)
    with serve(start(origin)) as node, following(store, node) as live:
        live.wait_for_tip(START)
        _until(lambda: node.calls["eth_subscribe"] == 1)
        node.server.is_mute = True
        node.advance(START + 1)
        live.wait_for_tip(START + 1)  # by asking
        node.server.is_mute = False
        for number in range(START + 2, START + 5):
            node.advance(number)
            live.wait_for_tip(number)
        assert len(node.server.subscriptions) == 1
    assert node.calls["eth_subscribe"] == 1


def test_stop_during_the_backfill_keeps_what_was_committed_and_links_it(store, origin):
    committed = "SELECT count(*) > 0 FROM ranges"
    with serve(origin, delay_s=0.05) as node:
        with following(store, node, max_range=5, concurrency=1) as live:
            live.wait_for(committed, expected=True)
        assert store.query("SELECT count(*) FROM ranges").item() < (HEAD - FIRST) // 5
    before = store.digest()
    rebuild_links(store)
    assert store.digest() == before


def _until(is_so, seconds=60):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_websocket_is_looked_for_where_providers_have_it():
    assert websocket_urls("https://eth.example/v3/key") == [
        "wss://eth.example/v3/key",
        "wss://eth.example/ws/v3/key",
    ]
    assert websocket_urls("http://user:word@node:8545")[-1] == "ws://user:word@node:8546"
