"""Commands of the local chain: text to calls, no logic."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contracts.addresses import DEFAULT_STATE_DIR
from contracts.chain import DEFAULT_PORT, GENESIS_TIME
from contracts.config import SIGNER_VARIABLE
from contracts.gas import MAX_FEE_GWEI, MAX_FEE_HELP, MAX_GAS, MAX_GAS_HELP
from data.errors import UsageError

if TYPE_CHECKING:
    from contracts.deploy import Deployment

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Local chain: up, down, deploy, simulate."
)

DEFAULT_RPC_URL = f"http://127.0.0.1:{DEFAULT_PORT}"

Port = Annotated[int, typer.Option(help="TCP port on 127.0.0.1.", min=1, max=65_535)]
RpcUrl = Annotated[
    str, typer.Option("--rpc-url", envvar="ETH_RPC_URL", help="HTTP address of the node.")
]
StateDir = Annotated[
    Path, typer.Option("--state-dir", help="Folder of pid files and deployed addresses.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


@app.command("up")
def chain_up(
    *,
    port: Port = DEFAULT_PORT,
    detach: Annotated[
        bool, typer.Option("--detach", help="Leave it running and return at once.")
    ] = False,
    timestamp: Annotated[
        int, typer.Option(help="Time of the genesis block, in Unix seconds.", min=0)
    ] = GENESIS_TIME,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Start a local chain (anvil, chain id 31337); without --detach it ends with Ctrl-C.

    Example: raisonne chain up --detach --port 8545
    """
    from contracts import chain

    started = chain.up(port, state_dir=state_dir, timestamp=timestamp, detach=detach)
    try:
        line = f"local chain {chain.LOCAL_CHAIN_ID} at {started.rpc_url} (pid {started.pid})"
        typer.echo(json.dumps(asdict(started)) if as_json else line)
        while not detach and chain.running(port, state_dir=state_dir):
            time.sleep(0.5)
    except KeyboardInterrupt:
        # The terminal's Ctrl-C reached anvil too; only what is left of it is ended.
        if chain.running(port, state_dir=state_dir):
            chain.down(port, state_dir=state_dir)


@app.command("down")
def chain_down(
    port: Port = DEFAULT_PORT, state_dir: StateDir = DEFAULT_STATE_DIR, as_json: Json = False
) -> None:
    """Stop the local chain that `chain up` started on a port.

    Example: raisonne chain down --port 8545
    """
    from contracts import chain

    pid = chain.down(port, state_dir=state_dir)
    typer.echo(json.dumps({"port": port, "pid": pid}) if as_json else f"ended pid {pid}")


@app.command("deploy")
def chain_deploy(
    *,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    signer: Annotated[
        str | None,
        typer.Option(
            envvar=SIGNER_VARIABLE,
            help="Keystore file or name of an environment variable, never a key. "
            "On chain 31337 the node's first account is used without it.",
        ),
    ] = None,
    fee_recipient: Annotated[
        str | None, typer.Option(help="Who gets the platform fee; the treasury if not given.")
    ] = None,
    fee_bps: Annotated[
        int | None,
        typer.Option(help="Platform fee, 1 = 0.01 %; 250 if not given.", min=0, max=500),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE of contracts/plan.py, such as delay_s=86400."),
    ] = None,
    max_gas: Annotated[int, typer.Option(help=MAX_GAS_HELP, min=21_000)] = MAX_GAS,
    max_fee_gwei: Annotated[float, typer.Option(help=MAX_FEE_HELP, min=0.0)] = MAX_FEE_GWEI,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Deploy the contracts, or find them where they already are, and check their code.

    A deployment that was stopped goes on. Example: raisonne chain deploy --signer STUDIO_KEY
    """
    from contracts.deploy import bring_up
    from contracts.gas import GasCaps

    done = bring_up(
        rpc_url,
        state_dir,
        signer or None,
        settings={"fee_recipient": fee_recipient, "fee_bps": fee_bps, **_pairs(settings or [])},
        caps=GasCaps.of(max_gas, max_fee_gwei),
        on_contract=lambda name: typer.echo(f"deploying {name}", err=True),
    )
    if as_json:
        rows = [asdict(each) for each in done.contracts]
        _show({**asdict(done.addresses), "contracts": rows, "remaining": done.remaining}, True)
        return
    _print_deployment(done)


@app.command("simulate")
def chain_simulate(
    *,
    days: Annotated[int, typer.Option(help="Length of the simulated history.", min=1)] = 180,
    seed: Annotated[int, typer.Option(help="Same seed, same market.", min=0)] = 7,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Let simulated artists, collectors, flippers and wash rings trade on the local chain.

    Writes what truly happened to .raisonne/31337/truth/. Example: raisonne chain simulate --days 30
    """
    from contracts.simulation.run import simulate

    _show(simulate(rpc_url, days=days, seed=seed, state_dir=state_dir), as_json)


def _show(values: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(values, default=str))
        return
    width = max(map(len, values), default=0)
    for name, value in values.items():
        typer.echo(f"{name:<{width}}  {value}")


def _pairs(texts: list[str]) -> dict[str, int | str]:
    """NAME=VALUE as a dictionary, whole numbers as such."""
    found: dict[str, int | str] = {}
    for text in texts:
        name, is_pair, value = text.partition("=")
        if not is_pair:
            message = f"--set {text} has no value; write --set NAME=VALUE"
            raise UsageError(message)
        found[name] = int(value) if value.isdigit() else value
    return found


def _print_deployment(done: "Deployment") -> None:
    """The contracts as a table, and below it what is left for people to do."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("contract", box=box.SIMPLE_HEAD)
    # An address that is cut helps nobody, however narrow the terminal.
    table.add_column("address", min_width=42, no_wrap=True)
    table.add_column("code", no_wrap=True)
    for column in ("block", "gas"):
        table.add_column(column, justify="right")
    for each in done.contracts:
        code = "as committed, new" if each.is_new else "as committed"
        numbers = ("-" if n is None else f"{n:,}" for n in (each.block, each.gas))
        table.add_row(each.contract, each.address, code, *numbers)
    Console(width=max(110, Console().width), highlight=False).print(table)
    made = sum(each.is_new for each in done.contracts)
    gas = sum(each.gas or 0 for each in done.contracts if each.is_new)
    state = f"{made} deployed for {gas:,} gas" if made else "everything is in place"
    typer.echo(f"chain {done.addresses.chain_id}: {len(done.contracts)} contracts, {state}")
    for step in done.remaining:
        typer.echo(f"still to do: {step}")
