"""The local chain: anvil started, found and stopped.

One pid file per port, `<state_dir>/anvil-<port>.json`; only a process that is in such a file and
still is that anvil is ever stopped.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from contracts.addresses import DEFAULT_STATE_DIR
from contracts.errors import ChainError, RpcError
from contracts.rpc import Rpc

LOCAL_CHAIN_ID = 31_337
DEFAULT_PORT = 8_545
GENESIS_TIME = 1_767_571_200
"""Monday 2026-01-05T00:00:00Z: weeks of the simulated market start where ISO weeks do."""

GAS_LIMIT = 1_000_000_000
KEPT_STATES = 128
READY_S = 20.0
STOP_S = 10.0
NODE_MODULES = Path(__file__).parent / "node_modules"


@dataclass(frozen=True)
class LocalChain:
    """A running anvil."""

    pid: int
    port: int
    rpc_url: str


def up(
    port: int = DEFAULT_PORT,
    *,
    state_dir: Path = DEFAULT_STATE_DIR,
    timestamp: int = GENESIS_TIME,
    automine: bool = True,
    detach: bool = True,
    kept_states: int = KEPT_STATES,
) -> LocalChain:
    """Starts anvil and returns when it answers; the genesis block is at `timestamp` (Unix s).

    The chain can be called at its last `kept_states` blocks: each keeps 2 MB of memory on a young
    simulated market and 15 MB on one of two years. Without the limit anvil spills older ones to
    disk and leaves them there.

    With `detach` it outlives this process's terminal. It signs for any sender, and its ten funded
    accounts are the well-known ones: never for real money.

    Raises:
        ChainError: anvil is not installed, the port is taken, or it ends or hangs at the start.
    """
    binary = find_anvil()
    _refuse_taken_port(port, state_dir)
    state_dir.mkdir(parents=True, exist_ok=True)
    log = state_dir / f"anvil-{port}.log"
    command = [
        str(binary), "--port", str(port), "--host", "127.0.0.1", "--quiet",
        "--chain-id", str(LOCAL_CHAIN_ID), "--timestamp", str(timestamp),
        "--gas-limit", str(GAS_LIMIT), "--auto-impersonate", "--no-request-size-limit",
        "--prune-history", str(kept_states), *([] if automine else ["--no-mining"]),
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (a binary of our own node_modules, or of PATH)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=detach,
        )
    chain = LocalChain(process.pid, port, f"http://127.0.0.1:{port}")
    _pid_file(port, state_dir).write_text(json.dumps(asdict(chain)), encoding="utf-8")
    try:
        _wait_until_ready(process, chain, log)
    except BaseException:
        # Also when interrupted: a chain that nobody was told about is not left behind.
        process.kill()
        process.wait()
        _pid_file(port, state_dir).unlink(missing_ok=True)
        raise
    return chain


def down(port: int = DEFAULT_PORT, *, state_dir: Path = DEFAULT_STATE_DIR) -> int:
    """Stops the anvil that `up` started on a port and returns its pid.

    Raises:
        ChainError: none was started there, or it does not end.
    """
    chain = running(port, state_dir=state_dir)
    path = _pid_file(port, state_dir)
    if chain is None:
        path.unlink(missing_ok=True)
        message = f"no local chain of ours runs on port {port}; start one: raisonne chain up"
        raise ChainError(message)
    os.kill(chain.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while _is_our_anvil(chain.pid, port):
        if time.monotonic() > deadline:
            message = f"anvil (pid {chain.pid}) did not end within {STOP_S:.0f} s; end it by hand"
            raise ChainError(message)
        time.sleep(0.02)
    path.unlink(missing_ok=True)
    return chain.pid


def running(port: int = DEFAULT_PORT, *, state_dir: Path = DEFAULT_STATE_DIR) -> LocalChain | None:
    """Returns the anvil that `up` started on a port, if it still runs."""
    path = _pid_file(port, state_dir)
    try:
        chain = LocalChain(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return chain if _is_our_anvil(chain.pid, port) else None


@contextmanager
def local_chain(
    port: int | None = None,
    *,
    state_dir: Path,
    timestamp: int = GENESIS_TIME,
    kept_states: int = KEPT_STATES,
) -> Iterator[LocalChain]:
    """Runs a local chain for the length of a with block; without a port a free one is taken."""
    chain = up(
        port or free_port(), state_dir=state_dir, timestamp=timestamp, kept_states=kept_states
    )
    try:
        yield chain
    finally:
        if running(chain.port, state_dir=state_dir):
            down(chain.port, state_dir=state_dir)


def free_port() -> int:
    """Returns a TCP port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def find_anvil() -> Path:
    """Returns the anvil binary: of contracts/node_modules, else of PATH.

    Raises:
        ChainError: there is none; the message names the fix.
    """
    installed = sorted((NODE_MODULES / "@foundry-rs").glob("anvil-*/bin/anvil"))
    if installed:
        return installed[0]
    found = shutil.which("anvil")
    if found is None:
        message = f"anvil is neither in {NODE_MODULES} nor on PATH; run: make setup"
        raise ChainError(message)
    return Path(found)


def _pid_file(port: int, state_dir: Path) -> Path:
    return state_dir / f"anvil-{port}.json"


def _refuse_taken_port(port: int, state_dir: Path) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return
    ours = running(port, state_dir=state_dir)
    if ours:
        message = (
            f"port {port} is taken by pid {ours.pid}, our anvil; use it at {ours.rpc_url}, "
            f"or end it: raisonne chain down --port {port}"
        )
        raise ChainError(message)
    pid = _listener_pid(port)
    owner = f"pid {pid}" if pid else "another process"
    message = f"port {port} is taken by {owner}; choose another: raisonne chain up --port N"
    raise ChainError(message)


def _wait_until_ready(process: subprocess.Popen[bytes], chain: LocalChain, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    rpc = Rpc(chain.rpc_url, timeout_s=5.0)
    while time.monotonic() < deadline:
        if process.poll() is not None:
            tail = log.read_text(encoding="utf-8", errors="replace").strip()[-300:]
            message = f"anvil ended with {process.returncode} at the start: {tail or 'no output'}"
            raise ChainError(message)
        try:
            rpc.call("eth_chainId")
        except RpcError:
            time.sleep(0.03)
            continue
        rpc.close()
        return
    message = f"anvil did not answer on port {chain.port} within {READY_S:.0f} s; see {log}"
    raise ChainError(message)


def _is_our_anvil(pid: int, port: int) -> bool:
    """A pid may have been given to another program since: its command line must be the anvil's."""
    with suppress(ChildProcessError):
        # A child of this process stays a zombie until it is waited for.
        os.waitpid(pid, os.WNOHANG)
    shown = _command_line(pid)
    return "anvil" in shown and f"--port {port} " in f"{shown} "


def _command_line(pid: int) -> str:
    if Path("/proc/self").exists():
        try:
            return (Path("/proc") / str(pid) / "cmdline").read_text("utf-8").replace("\0", " ")
        except OSError:
            return ""
    return subprocess.run(  # noqa: S603 (fixed program, numeric argument)
        ["ps", "-o", "args=", "-p", str(pid)],  # noqa: S607 (ps is where the system keeps it)
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def _listener_pid(port: int) -> int | None:
    """The process that listens on a local TCP port, as far as Linux lets this user see it."""
    inodes: set[str] = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.is_file():
            continue
        for line in table.read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for link in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        try:
            if str(link.readlink()) in inodes:
                return int(link.parts[2])
        except OSError:
            continue
    return None
