import json
import os
import socket
from pathlib import Path

import pytest

from contracts import chain
from contracts.errors import ChainError
from contracts.rpc import Rpc


@pytest.mark.chain
def test_genesis_is_at_the_time_asked_for(local):
    genesis = Rpc(local.rpc_url).call("eth_getBlockByNumber", ["0x0", False])
    assert int(genesis["timestamp"], 16) == chain.GENESIS_TIME


def test_default_genesis_is_a_monday_at_midnight():
    import datetime

    start = datetime.datetime.fromtimestamp(chain.GENESIS_TIME, datetime.UTC)
    assert start.isoformat() == "2026-01-05T00:00:00+00:00"
    assert start.isoweekday() == 1


@pytest.mark.chain
def test_chain_id_and_any_sender(local):
    rpc = Rpc(local.rpc_url)
    assert int(rpc.call("eth_chainId"), 16) == 31_337
    stranger = "0x" + "77" * 20
    rpc.call("anvil_setBalance", [stranger, hex(10**18)])
    sent = rpc.call("eth_sendTransaction", [{"from": stranger, "to": stranger, "value": "0x1"}])
    assert sent.startswith("0x")


@pytest.mark.chain
def test_taken_port_is_refused_and_our_anvil_named(local, state_dir):
    with pytest.raises(ChainError, match=f"pid {local.pid}, our anvil") as raised:
        chain.up(local.port, state_dir=state_dir)
    assert f"raisonne chain down --port {local.port}" in str(raised.value)
    assert chain.running(local.port, state_dir=state_dir) == local


def test_port_of_another_program_is_refused_with_its_pid(anvil, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ChainError, match=f"taken by pid {os.getpid()}; choose another"):
            chain.up(port, state_dir=tmp_path)
    assert list(tmp_path.glob("anvil-*.json")) == []


def _command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@pytest.mark.chain
def test_down_ends_what_up_started_and_only_once(anvil, tmp_path):
    started = chain.up(chain.free_port(), state_dir=tmp_path)
    assert chain.down(started.port, state_dir=tmp_path) == started.pid
    # Its pid is the evidence: the port may have gone to a neighbour of this test already. A process
    # that ended has no command line, and is gone once its parent, this test, has asked for it.
    assert _command_line(started.pid) == b""
    with pytest.raises(ChainError, match="raisonne chain up"):
        chain.down(started.port, state_dir=tmp_path)


def test_down_never_ends_a_process_that_is_not_our_anvil(tmp_path):
    """A pid file can outlive its anvil, and the pid can be given to anything: here to pytest."""
    stale = {"pid": os.getpid(), "port": 8_599, "rpc_url": "http://127.0.0.1:8599"}
    (tmp_path / "anvil-8599.json").write_text(json.dumps(stale))
    assert chain.running(8_599, state_dir=tmp_path) is None
    with pytest.raises(ChainError, match="no local chain of ours runs on port 8599"):
        chain.down(8_599, state_dir=tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_broken_pid_file_is_no_chain(tmp_path, content):
    (tmp_path / "anvil-8599.json").write_text(content)
    assert chain.running(8_599, state_dir=tmp_path) is None


def test_missing_anvil_is_one_line_with_the_fix(monkeypatch, tmp_path):
    monkeypatch.setattr(chain, "NODE_MODULES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChainError, match="run: make setup"):
        chain.find_anvil()


def test_anvil_that_ends_at_the_start_is_told_with_its_output(monkeypatch, tmp_path):
    binary = tmp_path / "anvil"
    binary.write_text("#!/bin/sh\necho no such flag\nexit 2\n")
    binary.chmod(0o755)
    monkeypatch.setattr(chain, "find_anvil", lambda: binary)
    port = chain.free_port()
    with pytest.raises(ChainError, match="ended with 2 at the start: no such flag"):
        chain.up(port, state_dir=tmp_path)
    assert not (tmp_path / f"anvil-{port}.json").exists()
