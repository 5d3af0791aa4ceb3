"""Commands of the indexer: text to calls, no logic."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from math import isinf
from pathlib import Path
from typing import Annotated, Any

import typer

DEFAULT_STORE = "market.duckdb"
DEFAULT_STATE_DIR = Path(".raisonne")
DEFAULT_MAX_RANGE = 100_000
DEFAULT_RPC_URL = "http://127.0.0.1:8545"

RpcUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--rpc-url",
        envvar="ETH_RPC_URL",
        help="HTTP address of a node; repeat it for several nodes of one chain.",
        show_default=DEFAULT_RPC_URL,
    ),
]
Blocks = Annotated[
    list[str] | None,
    typer.Option(
        "--blocks",
        help="Blocks, half-open: 18M:18.1M, 100:+50, :-1000 (all but the last 1000), -1000: "
        "(the last 1000), or @FILE; may be repeated. Default: all up to the head.",
    ),
]
MaxRange = Annotated[
    int,
    typer.Option(help="Most blocks in one request; fewer where they hold much.", min=1),
]
Chain = Annotated[
    str | None,
    typer.Option("--chain", help="Refuse an endpoint of another chain (name or id)."),
]
Protocols = Annotated[
    list[str] | None, typer.Option("--protocol", help="Only this protocol; may be repeated.")
]
Addresses = Annotated[
    list[str] | None,
    typer.Option("--address", help="Only logs of this contract; may be repeated."),
]
StateDir = Annotated[
    Path, typer.Option("--state-dir", help="Folder with the addresses of the local deployment.")
]
StoreUrl = Annotated[
    str,
    typer.Option(
        "--store", envvar="RAISONNE_STORE", help="Store: a DuckDB file or ducklake:postgres:DSN."
    ),
]
Metadata = Annotated[
    bool,
    typer.Option(
        "--metadata",
        help="Then fetch metadata and images of the tokens that lack them, from data: and https:,"
        " and through gateways from ipfs: and ar:. Without it nothing is fetched.",
    ),
]
MetadataAgain = Annotated[
    bool,
    typer.Option("--metadata-again", help="As --metadata, also of tokens that have it already."),
]
Archive = Annotated[
    str | None,
    typer.Option(
        "--archive-url",
        envvar="RAISONNE_ARCHIVE_URL",
        help="Node with the state of old blocks: contracts are asked there what royalty each sale"
        " owed (ERC-2981), where no event tells; after a load from a node, not with --follow.",
        show_default=False,
    ),
]
Media = Annotated[bool, typer.Option(help="Fetch images too, not only metadata.")]
IpfsGateway = Annotated[
    str | None,
    typer.Option(
        envvar="RAISONNE_IPFS_GATEWAY",
        help="Trustless IPFS gateway, http(s)://host[:port]; every block is checked by its CID.",
    ),
]
ArweaveGateway = Annotated[
    str | None,
    typer.Option(
        envvar="RAISONNE_ARWEAVE_GATEWAY",
        help="Arweave gateway, http(s)://host[:port]; what it sends is taken on its word.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def index(
    *,
    rpc_url: RpcUrls = None,
    blocks: Blocks = None,
    chain: Chain = None,
    protocol: Protocols = None,
    address: Addresses = None,
    max_range: MaxRange = DEFAULT_MAX_RANGE,
    verify: Annotated[
        str,
        typer.Option(
            help="How empty answers are checked: off; sample: 1 % of their blocks against the log"
            " bloom; full: every block without logs. Where a bloom allows logs, another endpoint"
            " or the block's receipts decide.",
        ),
    ] = "sample",
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 5 also if blocks stay unproven.")
    ] = False,
    prices: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet with columns currency (token, or eth), time (UTC), usd; a quote"
            " prices the sales of the two days after it."
        ),
    ] = None,
    funding: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet with columns address, first_funded_by"
            " and optionally block_number, block_time."
        ),
    ] = None,
    from_parquet: Annotated[
        Path | None,
        typer.Option(
            help="Read a folder of Parquet files instead of a node: cryo's logs and blocks (and"
            " transactions), or tables that `raisonne export` wrote.",
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Stay at the head until SIGINT or SIGTERM.")
    ] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            help="Serve /health, /ready and /metrics on this port of 127.0.0.1; 0 takes a free"
            " one.",
            min=0,
            max=65_535,
        ),
    ] = None,
    archive_url: Archive = None,
    metadata: Metadata = False,
    metadata_again: MetadataAgain = False,
    media: Media = True,
    ipfs_gateway: IpfsGateway = None,
    arweave_gateway: ArweaveGateway = None,
    store: StoreUrl = DEFAULT_STORE,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Json = False,
) -> None:
    """Index a chain into the store; run it again to continue where it ended.

    Example: raisonne index --rpc-url http://127.0.0.1:8545 --blocks 18M:18.1M
    """
    from data.errors import UsageError
    from data.ids import parse_address
    from data.store import Store
    from indexer.follow import follow as run_follow
    from indexer.parquet_run import index_parquet
    from indexer.run import IndexOptions
    from indexer.run import index as run_index
    from indexer.verify import parse_mode, require_complete

    options = IndexOptions(
        rpc_urls=urls_or_default(rpc_url),
        blocks=tuple(blocks or ()),
        chain=chain,
        protocols=tuple(protocol or ()),
        addresses=tuple(parse_address(text) for text in address or ()),
        max_range=max_range,
        verify=parse_mode(verify),
        prices=prices,
        funding=funding,
        state_dir=state_dir,
        metrics_port=metrics_port,
    )
    if follow and from_parquet is not None:
        message = "files have no new blocks: give --follow or --from-parquet, not both"
        raise UsageError(message)
    if metadata or metadata_again:
        if from_parquet is not None:
            message = "files cannot be asked for URIs: give --rpc-url with --metadata"
            raise UsageError(message)
        fetching = _metadata_options(state_dir, ipfs_gateway, arweave_gateway)
        fetching = replace(fetching, with_media=media, again=metadata_again)
        options = replace(options, metadata=fetching)
    with Store.open(store) as opened, _Reporter() as reporter:
        options = replace(options, archive_url=archive_url, on_read=reporter.reads)
        if options.metadata is not None and not follow:
            fetching = replace(options.metadata, on_progress=reporter.metadata)
            options = replace(options, metadata=fetching)
        if from_parquet is not None:
            summary = index_parquet(
                opened,
                from_parquet,
                options,
                reporter,
                on_notice=lambda notice: typer.echo(f"note: {notice}", err=True),
            )
        else:
            run = run_follow if follow else run_index
            summary = run(opened, options, reporter)
    verified = summary.verified
    if as_json:
        typer.echo(json.dumps(asdict(summary)))
        require_complete(verified.gaps, verified.unproven, strict=strict)
        return
    rows = ", ".join(f"{count:,} {name}" for name, count in sorted(summary.rows.items()) if count)
    typer.echo(
        f"chain {summary.chain_id}: {summary.blocks:,} new blocks up to {summary.head:,}, "
        f"{summary.logs:,} logs in {summary.elapsed_s:.1f} s" + (f" ({rows})" if rows else "")
    )
    for line in _left_out(summary):
        typer.echo(line)
    for first in summary.rolled_back_from:
        typer.echo(f"reorganised: rolled back from block {first:,}")
    if verified.reasked:
        typer.echo(
            f"verified: {verified.tested:,} blocks tested, {verified.reasked:,} asked again, "
            f"{verified.repaired:,} repaired, {verified.unproven:,} unproven"
        )
    for line in _asked_besides(summary):
        typer.echo(line)
    require_complete(verified.gaps, verified.unproven, strict=strict)


def _asked_besides(summary: Any) -> Iterator[str]:
    """What the passes after the load did."""
    if summary.royalty_reads is not None:
        reads = summary.royalty_reads
        yield f"royalties: {reads.asked:,} contracts asked, {reads.refused:,} refused"
    if summary.metadata is not None:
        yield from summary.metadata.lines()


def _left_out(summary: Any) -> Iterator[str]:
    """What the endpoint did not tell about transactions, and what that means."""
    if summary.untraced:
        yield (
            f"{summary.untraced:,} transactions could not be traced: money that only traces show "
            "stays unknown (`raisonne doctor` tells what an endpoint can do)"
        )
    if summary.without_transaction:
        yield (
            f"{summary.without_transaction:,} transactions or receipts were not to be had: rows "
            "that need them say so; try another --rpc-url with a new store"
        )


def _metadata_options(state_dir: Path, ipfs: str | None, arweave: str | None) -> Any:
    from indexer.metadata.gateways import Gateways, parse_gateway
    from indexer.metadata.options import MetadataOptions

    gateways = Gateways(
        ipfs=parse_gateway(ipfs, "--ipfs-gateway") if ipfs else None,
        arweave=parse_gateway(arweave, "--arweave-gateway") if arweave else None,
    )
    return MetadataOptions(cache_dir=state_dir / "metadata", gateways=gateways)


def urls_or_default(given: list[str] | None) -> tuple[str, ...]:
    """The endpoints that were given, or the local node."""
    return tuple(given or ()) or (DEFAULT_RPC_URL,)


class _Reporter:
    """Shows a bar once the run knows how many blocks it has to do."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._bar: Any = None

    def __enter__(self) -> "_Reporter":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, done: float, total: float, note: str) -> None:
        """Starts a bar when a plan is made (again), and advances it."""
        if done == 0:
            # Following has no end.
            is_endless = isinf(total)
            self._start("follow" if is_endless else "index", None if is_endless else total)
            return
        self._bar.advance(done, note=note)

    def reads(self, done: float, total: float, note: str) -> None:
        """The same for royalties that contracts are asked for."""
        if done == 0:
            self._start("royalties", total, unit="calls")
            return
        self._bar.advance(done, note=note)

    def metadata(self, done: float, total: float, note: str) -> None:
        """The same for tokens whose metadata is fetched."""
        if done == 0:
            self._start("metadata", total, unit="tokens")
            return
        self._bar.advance(done, note=note)

    def _start(self, task: str, total: float | None, unit: str = "blocks") -> None:
        from data.progress import progress

        self._stack.close()
        self._bar = self._stack.enter_context(progress(task, total=total, unit=unit))
