"""`raisonne index --follow` as a process of its own on a local chain: blocks, reorgs, signals."""

import re
import signal
import statistics
import subprocess
import time
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from contracts.chain import free_port, local_chain
from tests.integration.emitter import Emitter
from tests.integration.harness import command, digest_of, environment, query, raisonne

pytestmark = pytest.mark.chain


@pytest.fixture
def chain(tmp_path):
    with local_chain(state_dir=tmp_path) as running:
        yield running


class Follower:
    """The process, asked through its port."""

    def __init__(self, process, port):
        self.process, self.port = process, port

    def metric(self, name):
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            found = re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE)
        return float(found.group(1)) if found else None

    def wait_for(self, number):
        self._until(lambda: self.metric("raisonne_last_synced_block") == number)

    def wait_until_ready(self):
        self._until(self._is_ready)

    def _is_ready(self):
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=5) as answer:
                return answer.status == 200
        except (URLError, OSError):
            return False

    def _until(self, is_so):
        deadline = time.monotonic() + 60
        while not is_so():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(60)
        return self.process.returncode


@contextmanager
def following(chain, store):
    port = free_port()
    arguments = command(
        "index", "--follow", "--rpc-url", chain.rpc_url, "--metrics-port", port, "--store", store
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(arguments, cwd=store.parent, env=environment(), **pipes) as process:
        try:
            yield Follower(process, port)
        finally:
            process.kill()


def test_a_follower_ends_with_the_tables_of_a_run_over_the_last_chain(tmp_path, chain):
    emitter, followed = Emitter(chain.rpc_url), tmp_path / "followed.duckdb"
    emitter.mint(0, 50)
    with following(chain, followed) as follower:
        follower.wait_until_ready()
        for step in range(6):
            emitter.mint(1_000 + 10 * step, 10)
        follower.wait_for(emitter.head())
        emitter.reorg(3)
        emitter.mint(5_000, 10)
        follower.wait_for(emitter.head())
        assert follower.metric("raisonne_reorgs_detected_total") == 1
        assert follower.metric("raisonne_websocket_connected") == 1
        assert follower.end(signal.SIGTERM) == 0
        assert "rolled back from block" in follower.process.stdout.read()
    whole = tmp_path / "whole.duckdb"
    done = raisonne("index", "--rpc-url", chain.rpc_url, "--store", whole, cwd=tmp_path)
    assert done.code == 0, done.err
    assert digest_of(followed) == digest_of(whole)
    tokens = query(followed, "SELECT count(*) FROM tokens").item()
    assert tokens == 50 + 3 * 10 + 10, "three of the six blocks were replaced by empty ones"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_stop_cleanly(tmp_path, chain, number):
    Emitter(chain.rpc_url).mint(0, 5)
    store = tmp_path / "market.duckdb"
    with following(chain, store) as follower:
        follower.wait_until_ready()
        assert follower.end(number) == 0
        assert "Traceback" not in follower.process.stderr.read()
    assert query(store, "SELECT count(*) FROM runs").item() == 1
    assert query(store, "SELECT count(*) FROM tokens").item() == 5


@pytest.mark.slow
def test_new_block_is_committed_with_links_within_a_second(tmp_path, chain, capsys):
    """On a store of 100,000 transfers; prints the quantiles that docs/operations.md tells."""
    emitter, store = Emitter(chain.rpc_url), tmp_path / "market.duckdb"
    for step in range(100):
        emitter.mint(1_000 * step, 1_000)
    with following(chain, store) as follower:
        follower.wait_until_ready()
        times_s = []
        for step in range(100):
            emitter.mint(1_000_000 + 20 * step, 20)
            mined = time.monotonic()
            follower.wait_for(emitter.head())
            times_s.append(time.monotonic() - mined)
            time.sleep(0.1)
        assert follower.end(signal.SIGTERM) == 0
    p50, p95 = statistics.median(times_s), statistics.quantiles(times_s, n=20)[-1]
    with capsys.disabled():
        print(f"\nblock to committed rows and links: p50 {p50:.3f} s, p95 {p95:.3f} s")
    assert query(store, "SELECT count(*) FROM tokens").item() == 102_000
    assert p50 < 1
