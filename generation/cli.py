"""Commands of the studio: text to calls, no logic."""

import json
import os
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from contracts.gas import MAX_FEE_GWEI, MAX_FEE_HELP, MAX_GAS, MAX_GAS_HELP

StoreOption = Annotated[
    str,
    typer.Option("--store", envvar="RAISONNE_STORE", help="Store: a DuckDB file or DuckLake URL."),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        envvar="RAISONNE_MODEL",
        help="Model folder, or name of a diffusers pipeline on the hub; empty: the built-in model.",
    ),
]
StateDirOption = Annotated[
    Path,
    typer.Option("--state-dir", envvar="RAISONNE_STATE_DIR", help="Folder of deployed addresses."),
]
DeviceOption = Annotated[
    str, typer.Option(help="cpu, cuda, or auto: CUDA for pipelines where there is one.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
DEFAULT_RPC_URL = "http://127.0.0.1:8545"


def generate(
    *,
    store: StoreOption = "market.duckdb",
    model: ModelOption = "",
    out: Annotated[Path, typer.Option(help="Folder for images and manifests.")] = Path("works"),
    seed: Annotated[int, typer.Option(help="Seed; the same seed makes the same works.")] = 1,
    brief: Annotated[str | None, typer.Option(help="Brief to make; the newest if none.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Make at most so many works.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps; None: the model's own.")] = None,
    device: DeviceOption = "auto",
    mint: Annotated[bool, typer.Option("--mint/--no-mint", help="Mint and list them.")] = True,
    rpc_url: Annotated[
        str, typer.Option("--rpc-url", envvar="ETH_RPC_URL", help="HTTP address of the node.")
    ] = DEFAULT_RPC_URL,
    signer: Annotated[
        str | None,
        typer.Option(
            envvar="RAISONNE_SIGNER", help="Keystore file, or name of a variable with a key."
        ),
    ] = None,
    max_gas: Annotated[int, typer.Option(help=MAX_GAS_HELP, min=21_000)] = MAX_GAS,
    max_fee_gwei: Annotated[float, typer.Option(help=MAX_FEE_HELP, min=0.0)] = MAX_FEE_GWEI,
    state_dir: StateDirOption = Path(".raisonne"),
    as_json: JsonOption = False,
) -> None:
    """Make the works of the latest brief with their lineage, mint them and list them.

    Run again after an interruption, it makes the same works and mints what is missing.

    Example: raisonne generate --store market.duckdb --limit 4 --no-mint
    """
    from contracts.bindings import Contracts, GasCaps
    from data.store import Store
    from generation import run

    _pin_environment()
    from generation.engine import open_engine

    with Store.open(store) as opened:
        run.latest_brief(opened, brief)
        caps = GasCaps.of(max_gas, max_fee_gwei)
        chain = Contracts.connect(rpc_url, state_dir, signer or None, caps) if mint else None
        engine = open_engine(model, steps=steps, device=device, local_files_only=_is_offline())
        made = run.generate(
            opened,
            engine,
            seed=seed,
            out_dir=out,
            chain=chain,
            brief_id=brief,
            limit=limit,
        )
    works = made.works.join(made.minted, on="work_id", how="left").select(
        "work_id", "style", "title", "seed", "price_wei", "image_path", "token_id", "status"
    )
    if as_json:
        head = {"brief_id": made.brief_id, "run_id": made.run_id, "model": engine.facts.root}
        rows = works.cast({"price_wei": pl.String}).to_dicts()
        typer.echo(json.dumps({**head, "works": rows}))
        return
    _print_works(made.brief_id, works)


def verify(
    work: Annotated[str, typer.Argument(help="A work's PNG or manifest, or its id (0x…).")],
    *,
    store: StoreOption = "market.duckdb",
    model: Annotated[
        str | None, typer.Option(help="Model to run; the one the manifest names if none.")
    ] = None,
    rpc_url: Annotated[
        str | None,
        typer.Option("--rpc-url", help="Node to read the manifest word from; none: not checked."),
    ] = None,
    state_dir: StateDirOption = Path(".raisonne"),
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Check a work's lineage and say which assurance level holds (L0, L1, L2), and what failed.

    Example: raisonne verify works/brief-1/0x….png --rpc-url http://127.0.0.1:8545
    """
    _pin_environment()
    from generation.verify import verify_work

    path = _work_path(work, store)
    chain_manifest = _chain_manifest(path, rpc_url, state_dir) if rpc_url else None
    result = verify_work(path, model=model, chain_manifest=chain_manifest, device=device)
    if as_json:
        body = {"work_id": result.work_id, "level": result.level}
        typer.echo(json.dumps({**body, "checks": result.to_frame().to_dicts()}))
    else:
        marks = {True: "ok", False: "FAILED", None: "not evaluated"}
        for check in result.checks:
            typer.echo(f"{check.level}  {marks[check.passed]:<13}  {check.check}: {check.detail}")
        typer.echo(f"level {result.level or 'none'}: {result.work_id}")
    if result.failed:
        from generation.errors import ManifestError

        names = ", ".join(check.check for check in result.failed)
        message = (
            f"{path}: failed {names}; level {result.level or 'none'} holds. Restore the named "
            "files, or treat the work as not what its manifest says"
        )
        raise ManifestError(message)


def train(
    *,
    out: Annotated[Path, typer.Option(help="Folder for weights, config and recipe.")] = Path(
        __file__
    ).parent
    / "weights",
    steps: Annotated[
        int | None, typer.Option(min=1, help="Training steps; none: as the committed model.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, noise and art.")] = 11,
    work_dir: Annotated[Path, typer.Option("--work-dir", help="Folder of the checkpoint.")] = Path(
        ".raisonne/training"
    ),
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train the built-in model on procedural art; a stopped training resumes.

    Example: raisonne train --out /tmp/model --steps 200
    """
    from dataclasses import replace

    _pin_environment()
    from generation.train import TrainConfig, train_with_progress

    config = TrainConfig(seed=seed)
    if steps is not None:
        config = replace(config, cycles=(steps,))
    result = train_with_progress(out, config, work_dir=work_dir, device=device)
    typer.echo(f"{result.folder}: loss {result.loss:.4f} after {result.wall_s:.0f} s of training")


def _pin_environment() -> None:
    """Set before torch is imported: one OpenMP thread, and deterministic sums on CUDA."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def _is_offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")


def _work_path(work: str, store: str) -> Path:
    """The work's file: the argument itself, or what the store knows of that id."""
    if not work.startswith("0x") or Path(work).suffix:
        return Path(work)
    from data.store import Store
    from generation.run import find_work

    with Store.open(store, read_only=True) as opened:
        return find_work(opened, work)


def _chain_manifest(path: Path, rpc_url: str, state_dir: Path) -> str:
    from generation.manifest import read_manifest
    from generation.mint import read_chain_manifest

    manifest = read_manifest(path.with_suffix(".json"))
    return read_chain_manifest(rpc_url, state_dir, manifest.work.pixel_sha256)


def _print_works(brief_id: str, works: pl.DataFrame) -> None:
    from rich.console import Console
    from rich.table import Table

    from data.units import wei_to_eth

    shown = Table("style", "title", "price (ETH)", "token", "state", "image")
    for row in works.iter_rows(named=True):
        price = f"{wei_to_eth(int(row['price_wei'])):f}"
        token = row["token_id"] or "-"
        shown.add_row(
            row["style"], row["title"], price, token, row["status"] or "made", row["image_path"]
        )
    console = Console()
    console.print(shown)
    console.print(f"{works.height} works of brief {brief_id}")
