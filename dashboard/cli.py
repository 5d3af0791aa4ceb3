"""Command of the dashboard: checks the store, then serves it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from dashboard.errors import PortBusyError, ServerError

HOST = "127.0.0.1"
PORT = 8501
START_LIMIT_S = 60.0
_APP = Path(__file__).with_name("app.py")
_LOOK = _APP.parent.parent / ".streamlit" / "config.toml"


def dashboard(
    *,
    store: Annotated[
        str,
        typer.Option("--store", envvar="RAISONNE_STORE", help="Store: a DuckDB file or URL."),
    ] = "market.duckdb",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = PORT,
    host: Annotated[str, typer.Option(help="Address to listen on; only this machine.")] = HOST,
    headless: Annotated[
        bool, typer.Option("--headless/--browser", help="Do not open a browser window.")
    ] = True,
) -> None:
    """Serve the dashboard of a store until it is interrupted.

    Example: raisonne dashboard --store .raisonne/demo/market.duckdb --port 8502
    """
    check_store(store)
    with serving(store, port, host=host, headless=headless) as process:
        code = wait(process, f"dashboard: {address(port, host)} (store {store}; Ctrl+C stops it)")
    if code:
        message = f"the dashboard of {store} ended with code {code}; its log above says why"
        raise ServerError(message)


def wait(process: subprocess.Popen[bytes], announcement: str) -> int:
    """Says that the server is up and waits for its end, which Ctrl+C brings about.

    Returns:
        The exit code of the server, 0 when it was interrupted.
    """
    try:
        # Told in here: whoever reads the line may interrupt the very next moment.
        typer.echo(announcement)
        return process.wait()
    except KeyboardInterrupt:
        return 0


@contextmanager
def serving(
    store: str, port: int = PORT, *, host: str = HOST, headless: bool = True
) -> Iterator[subprocess.Popen[bytes]]:
    """As `serve`, for the length of a with block: however it ends, the server ends too."""
    process = serve(store, port, host=host, headless=headless)
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a server that `serve` started, by force if it does not listen."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def check_store(store: str) -> None:
    """Opens and closes the store, so that a bad one is told before a server starts.

    Raises:
        RaisonneError: the store is missing, busy, or of another version.
    """
    from data.store import Store

    Store.open(store, read_only=True).close()


def address(port: int, host: str = HOST) -> str:
    """The address to open in a browser."""
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '') else host}:{port}"  # noqa: S104


def serve(
    store: str, port: int = PORT, *, host: str = HOST, headless: bool = True, quiet: bool = True
) -> subprocess.Popen[bytes]:
    """Starts the dashboard as a child process and returns it once it answers.

    Raises:
        PortBusyError: something listens on the port already.
        ServerError: the server ended, or did not answer within START_LIMIT_S.
    """
    if _is_taken(port, host):
        message = f"port {port} is in use; name another one with --port"
        raise PortBusyError(message)
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own script
        command(store, port, host=host, headless=headless),
        stdout=subprocess.DEVNULL if quiet else None,
        stdin=subprocess.DEVNULL,
    )
    try:
        _await_start(process, port, host)
    except BaseException:
        stop(process)
        raise
    return process


def _await_start(process: subprocess.Popen[bytes], port: int, host: str) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not _is_up(port, host):
        if process.poll() is not None:
            message = f"the dashboard ended with code {process.returncode} before it answered"
            raise ServerError(message)
        if time.monotonic() > deadline:
            message = f"the dashboard did not answer on port {port} within {START_LIMIT_S:.0f} s"
            raise ServerError(message)
        time.sleep(0.1)


def command(store: str, port: int, *, host: str = HOST, headless: bool = True) -> list[str]:
    """The command line of the server; the theme comes along from wherever it is started."""
    options = {
        "server.port": str(port),
        "server.address": host,
        "server.headless": str(headless).lower(),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "logger.level": "warning",
        "runner.magicEnabled": "false",
        "client.showErrorDetails": "none",
    }
    if _LOOK.is_file() and not Path(".streamlit/config.toml").is_file():
        options["theme.base"] = str(_LOOK)
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(_APP), *flags, "--", "--store", store]


def _is_up(port: int, host: str) -> bool:
    """Whether the dashboard answers."""
    try:
        with urllib.request.urlopen(f"{address(port, host)}/_stcore/health", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def _is_taken(port: int, host: str) -> bool:
    """Whether anything listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1" if host in ("0.0.0.0", "") else host, port)) == 0  # noqa: S104
