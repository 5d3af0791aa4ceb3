"""The command `audit`: text to calls, no logic."""

import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from indexer.chains import chain_name
from indexer.cli import (
    DEFAULT_RPC_URL,
    DEFAULT_STATE_DIR,
    DEFAULT_STORE,
    Json,
    StateDir,
    StoreUrl,
)

if TYPE_CHECKING:
    from indexer.audit import Certificate
    from indexer.audit_deep import DeepAudit

_MOST_FINDINGS = 10


def audit(
    *,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Compare stored logs with receipts whose root a node's header names."
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 5 also for unproven or unchecked blocks.")
    ] = False,
    rpc_url: Annotated[
        list[str] | None,
        typer.Option(
            "--rpc-url",
            envvar="ETH_RPC_URL",
            help="HTTP address of a node, for --deep; may be repeated.",
            show_default=DEFAULT_RPC_URL,
        ),
    ] = None,
    blocks: Annotated[
        list[str] | None,
        typer.Option("--blocks", help="Only these blocks, for --deep; as for `index`."),
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Print the certificate of completeness: what is covered, proven, re-asked, open.

    Example: raisonne audit --deep --rpc-url http://127.0.0.1:8545
    """
    from data.store import Store
    from indexer.audit import read_certificates, require_gapless

    with Store.open(store, read_only=True) as opened:
        certificates = read_certificates(opened)
        found = None
        if deep:
            urls = rpc_url or [DEFAULT_RPC_URL]
            found = _look_deep(opened, urls, blocks or [], state_dir)
    if as_json:
        content = {"certificates": [asdict(each) for each in certificates]}
        typer.echo(json.dumps(content | ({"deep": asdict(found)} if found else {})))
    else:
        lines = [line for each in certificates for line in _certificate_lines(each)]
        for line in lines or ["the store covers nothing; fill it with: raisonne index"]:
            typer.echo(line)
        for line in _deep_lines(found) if found else []:
            typer.echo(line)
    require_gapless(certificates, strict=strict)
    if found:
        found.require_sound(strict=strict)


def _look_deep(opened: Any, rpc_urls: list[str], blocks: list[str], state_dir: Path) -> "DeepAudit":
    from data.progress import progress
    from indexer.audit_deep import audit_deep

    with ExitStack() as stack:
        bars: list[Any] = []

        def report(done: float, total: float, note: str) -> None:
            if not bars:
                bars.append(stack.enter_context(progress("audit", total=total, unit="blocks")))
            if done:
                bars[0].advance(done, note=note)

        return audit_deep(opened, rpc_urls, blocks=blocks, state_dir=state_dir, on_progress=report)


def _certificate_lines(found: "Certificate") -> list[str]:
    name = chain_name(found.chain_id)
    what = ", ".join(found.protocols) or "protocols not recorded"
    where = f" of {len(found.addresses)} contracts" if found.addresses else ""
    by_evidence = ", ".join(f"{n:,} by {how}" for how, n in found.blocks_by_evidence.items())
    by_mode = ", ".join(f"{n:,} {mode}" for mode, n in found.blocks_by_mode.items())
    spans = _spans(found.ranges)
    lines = [
        f"chain {name}: {what}{where} (selection {found.selection[:10]})",
        f"{found.blocks_covered:>12,}  blocks covered ({spans}): {by_evidence}",
        f"{found.blocks_tested:>12,}  blocks tested (--verify: {by_mode})",
        f"{found.blocks_proven_empty:>12,}  proven empty of further logs",
        f"{found.blocks_reasked:>12,}  re-asked, {found.blocks_repaired:,} of them repaired",
        f"{found.unproven:>12,}  unproven",
        f"{found.gaps:>12,}  gaps",
    ]
    if found.holes:
        holes = sum(end - start for start, end in found.holes)
        lines.append(f"{holes:>12,}  blocks between ranges not asked for ({_spans(found.holes)})")
    for each in found.findings[:_MOST_FINDINGS]:
        span = f"{each.from_block}:{each.to_block}"
        lines.append(f"  {each.verdict} {span} at {each.endpoint}: {each.reason}")
    if len(found.findings) > _MOST_FINDINGS:
        lines.append(f"  and {len(found.findings) - _MOST_FINDINGS:,} more; --json lists them all")
    return lines


def _spans(ranges: list[tuple[int, int]]) -> str:
    named = [f"{start}:{end}" for start, end in ranges[:3]]
    return " ".join([*named, f"and {len(ranges) - 3:,} more"] if len(ranges) > 3 else named)


def _deep_lines(found: "DeepAudit") -> list[str]:
    lines = [
        f"receipts of chain {chain_name(found.chain_id)}:",
        f"{found.blocks:>12,}  blocks with stored logs",
        f"{found.roots_recomputed:>12,}  with the receipts root of their header",
        f"{found.headers_recomputed:>12,}  with a header of the stored hash besides",
        f"{found.logs_checked:>12,}  stored logs compared",
        f"{found.logs_missing:>12,}  missing",
        f"{found.logs_wrong:>12,}  not in the receipts",
    ]
    return lines + [f"{n:>12,}  not checked: {why}" for why, n in found.unchecked.items()]
