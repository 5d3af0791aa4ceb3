"""Commands around an index: text to calls, no logic."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import IntegrityError, NotFoundError, UsageError
from indexer.cli import (
    DEFAULT_MAX_RANGE,
    DEFAULT_RPC_URL,
    DEFAULT_STATE_DIR,
    DEFAULT_STORE,
    Addresses,
    Blocks,
    Chain,
    Json,
    MaxRange,
    Protocols,
    RpcUrls,
    StateDir,
    StoreUrl,
    urls_or_default,
)

if TYPE_CHECKING:
    from data.store import Store
    from indexer.rebuild import Difference, OnProgress


def plan(
    *,
    rpc_url: RpcUrls = None,
    blocks: Blocks = None,
    chain: Chain = None,
    protocol: Protocols = None,
    address: Addresses = None,
    max_range: MaxRange = DEFAULT_MAX_RANGE,
    verify: Annotated[str, typer.Option(help="As for `index`: off, sample or full.")] = "sample",
    prices: Annotated[
        list[str] | None,
        typer.Option(
            "--credits",
            help="Price of a method at your provider, e.g. eth_getLogs=60; may be repeated.",
        ),
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Tell what `index` with the same options would do: ranges, requests, cost. Asks for no log.

    Example: raisonne plan --blocks 18M:18.1M --credits eth_getLogs=60
    """
    from data.ids import parse_address
    from indexer.plan import make_plan, plan_lines
    from indexer.run import IndexOptions
    from indexer.verify import parse_mode

    credits = dict(_price(text) for text in prices or ())
    options = IndexOptions(
        rpc_urls=urls_or_default(rpc_url),
        blocks=tuple(blocks or ()),
        chain=chain,
        protocols=tuple(protocol or ()),
        addresses=tuple(parse_address(text) for text in address or ()),
        max_range=max_range,
        verify=parse_mode(verify),
        state_dir=state_dir,
    )
    with _opened_if_there(store) as opened:
        found = make_plan(opened, options)
    if as_json:
        more = {"credits": found.credits(credits)} if credits else {}
        typer.echo(json.dumps(found.as_json() | more))
        return
    for line in plan_lines(found, credits):
        typer.echo(line)


def _price(text: str) -> tuple[str, float]:
    method, _, price = text.partition("=")
    try:
        return method, float(price)
    except ValueError as error:
        message = f"--credits {text!r} names no price; write METHOD=NUMBER, e.g. eth_getLogs=60"
        raise UsageError(message) from error


@contextmanager
def _opened_if_there(url: str) -> Iterator["Store | None"]:
    from data.store import Store

    try:
        store = Store.open(url, read_only=True)
    except NotFoundError:
        yield None
        return
    with store:
        yield store


def status(
    *,
    rpc_url: Annotated[
        list[str] | None,
        typer.Option("--rpc-url", help="Node to ask for the head; without it no node is asked."),
    ] = None,
    digest: Annotated[
        bool, typer.Option("--digest", help="Add the SHA-256 of each table of facts and links.")
    ] = False,
    store: StoreUrl = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Say what the store holds: rows, ranges, lag, gaps, quarantine and unbalanced sales.

    Example: raisonne status --digest --json
    """
    from data.store import Store
    from indexer.clock import utc_now
    from indexer.status import read_status, status_lines

    head = None
    if rpc_url:
        from indexer.plan import ask_head

        head = ask_head(rpc_url)
    with Store.open(store, read_only=True) as opened:
        found = read_status(opened, now=utc_now(), head=head, with_digest=digest)
    if as_json:
        typer.echo(json.dumps(found))
        return
    for line in status_lines(found):
        typer.echo(line)


def rebuild(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Compare only, write nothing; exit 5 on a difference.")
    ] = False,
    store: StoreUrl = DEFAULT_STORE,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Derive all facts and links again from the stored evidence, without a network.

    Example: raisonne rebuild --check
    """
    from data.store import Store
    from indexer import rebuild as engine

    with Store.open(store, read_only=check) as opened, _reporting("rebuild", "logs") as report:
        if check:
            found = engine.check(opened, state_dir=state_dir, on_progress=report)
        else:
            done = engine.rebuild(opened, state_dir=state_dir, on_progress=report)
    if check:
        _report_differences(found, as_json=as_json)
        return
    if as_json:
        typer.echo(json.dumps(asdict(done)))
        return
    typer.echo(
        f"{sum(done.rows.values()):,} rows of {len(done.rows)} tables from {done.logs:,} logs"
    )
    typer.echo(f"changed: {', '.join(done.changed) or 'nothing, every table is as it was'}")
    if done.changed:
        typer.echo("signals still rest on the old rows; run: raisonne analyze all", err=True)


def _report_differences(found: list["Difference"], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"differences": [asdict(each) for each in found]}, default=str))
    for each in [] if as_json else found:
        example = ", ".join(f"{name} {value}" for name, value in each.example.items())
        typer.echo(
            f"{each.table}: {each.missing:,} rows missing, {each.extra:,} too many ({example})"
        )
    if found:
        names = ", ".join(each.table for each in found)
        message = f"{names} differ from what they are derived from; run: raisonne rebuild"
        raise IntegrityError(message)
    if not as_json:
        typer.echo("every fact follows from the evidence, and every link from the facts")


def explain(
    transaction: Annotated[
        str, typer.Argument(help="Hash of a transaction or its beginning, or a sale_id.")
    ],
    *,
    store: StoreUrl = DEFAULT_STORE,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Say why the rows of a transaction look as they do, leg by leg.

    Example: raisonne explain 0xd7e72a37
    """
    from data.store import Store
    from indexer.explain import explain as explain_transaction

    with Store.open(store, read_only=True) as opened:
        found = explain_transaction(opened, transaction, state_dir=state_dir)
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in found]))
        return
    from rich.console import Console

    from indexer.explain_text import print_explanation

    for each in found:
        print_explanation(each, Console(highlight=False))


@contextmanager
def _reporting(task: str, unit: str) -> Iterator["OnProgress"]:
    """A bar that starts when the work says how much there is."""
    from contextlib import ExitStack

    from data.progress import Bar, progress

    with ExitStack() as stack:
        bars: list[Bar] = []

        def report(done: float, total: float, note: str) -> None:
            if not bars:
                bars.append(stack.enter_context(progress(task, total=total, unit=unit)))
            if done:
                bars[0].advance(done, note)

        yield report


def doctor(
    *,
    rpc_url: Annotated[
        str, typer.Option("--rpc-url", envvar="ETH_RPC_URL", help="Endpoint to probe.")
    ] = DEFAULT_RPC_URL,
    timeout: Annotated[float, typer.Option(help="Seconds that one call may take.", min=0.1)] = 10.0,
    as_json: Json = False,
) -> None:
    """Probe an endpoint: caps, depth, batches, honesty; and say how to index from it.

    Example: raisonne doctor --rpc-url http://127.0.0.1:8545
    """
    from indexer.doctor import diagnose

    if as_json:
        typer.echo(json.dumps(diagnose(rpc_url, timeout_s=timeout).as_json(), default=str))
        return
    from rich.console import Console

    from indexer.doctor_text import print_advice, print_finding

    console = Console(highlight=False)
    found = diagnose(
        rpc_url,
        timeout_s=timeout,
        on_finding=lambda name, finding: print_finding(name, finding, console),
    )
    print_advice(found, console)
