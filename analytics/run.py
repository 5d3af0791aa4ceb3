"""Signals of a store: read the facts, compute, replace the tables together with their run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from analytics.brief import write_brief
from analytics.enrich import with_style, with_unit_price, with_verdict
from analytics.errors import UnknownNameError
from analytics.floors import realised_floors
from analytics.forecast.run import forecast
from analytics.inputs import facts_digest, index_times
from analytics.royalties import royalty_by_artist, royalty_rates
from analytics.styles import Market, style_sales, style_signals
from analytics.wash.score import Evidence, Mode, flag_wash_trades, merge_flags
from data.schema import TABLES
from data.store import Store

__all__ = ["ANALYSES", "AnalysisSummary", "analyze", "forecast", "write_brief"]

ANALYSES: dict[str, tuple[str, ...]] = {
    "wash": ("wash_flags",),
    "floor": ("floors",),
    "styles": ("style_sales", "styles"),
    "royalties": ("royalty_rates", "royalty_by_artist"),
}
"""Analyses by name, and the tables that each replaces."""
_TRADE_NAMES = {"sale_id": "trade_id"}
_ON_FLAGS = frozenset({"wash", "floor", "styles"})


@dataclass(frozen=True)
class AnalysisSummary:
    """What an analysis wrote: its run and the rows per table."""

    run_id: str
    rows: dict[str, int]


def analyze(
    store: Store,
    names: Iterable[str],
    *,
    mode: Mode = "full",
    as_of: datetime | None = None,
    on_done: Callable[[str], None] = lambda _: None,
) -> AnalysisSummary:
    """Replaces the tables of the named analyses (`all` for every one); returns rows per table.

    Floors and styles rest on wash verdicts, which are computed anew from the same facts;
    royalties do not. Mode `incremental` looks at the last 7 days and puts those flags over the
    stored ones.

    Raises:
        UnknownNameError: an analysis has no such name; the message lists the known ones.
    """
    wanted = resolve_names(names)
    with store.run(
        "analyze", data_digest=facts_digest(store), analyses=list(wanted), mode=mode
    ) as run:
        written: dict[str, int] = {}
        with store.transaction() as transaction:
            for name, frame in _signals(store, wanted, mode, as_of):
                marked = frame.with_columns(run_id=pl.lit(run.run_id))
                written[name] = transaction.replace(name, marked)
                on_done(name)
        run.details["rows"] = written
    return AnalysisSummary(run.run_id, written)


def resolve_names(names: Iterable[str]) -> tuple[str, ...]:
    """The analyses that the names stand for, in the order they are computed.

    Raises:
        UnknownNameError: a name is none of them; the message lists the known ones.
    """
    given = list(names)
    for name in given:
        if name != "all" and name not in ANALYSES:
            raise UnknownNameError.among(name, [*ANALYSES, "all"], kind="analysis")
    return tuple(name for name in ANALYSES if name in given or "all" in given)


def store_flags(store: Store, mode: Mode = "full", as_of: datetime | None = None) -> pl.DataFrame:
    """Wash flags of a store's sales, as `wash_flags` has them but for the run.

    An empty `funding` table means that nothing is known of funding: rule 4 is NULL. The store
    has no flash loans, so rule 5 is NULL. In incremental mode the stored flags are kept for
    older sales.
    """
    funding = store.read("funding")
    evidence = Evidence(None if funding.is_empty() else funding, store.read("labels"))
    trades = store.read("sales").rename(_TRADE_NAMES)
    flags = flag_wash_trades(trades, evidence, mode=mode, as_of=as_of).rename(
        {"trade_id": "sale_id", "counter_trade_ids": "counter_sale_ids"}
    )
    if mode == "full":
        return flags
    stored = store.read("wash_flags")
    known = stored.join(
        trades.select("chain_id", sale_id="trade_id"), on=["chain_id", "sale_id"], how="semi"
    )
    return merge_flags(known, flags, key="sale_id")


def _signals(
    store: Store, wanted: tuple[str, ...], mode: Mode, as_of: datetime | None
) -> Iterator[tuple[str, pl.DataFrame]]:
    if _ON_FLAGS & set(wanted):
        yield from _flagged_signals(store, wanted, store_flags(store, mode, as_of))
    if "royalties" in wanted:
        ledger = store.read("royalty_ledger")
        yield "royalty_rates", royalty_rates(store.read("sales"), ledger)
        yield "royalty_by_artist", royalty_by_artist(ledger)


def _flagged_signals(
    store: Store, wanted: tuple[str, ...], flags: pl.DataFrame
) -> Iterator[tuple[str, pl.DataFrame]]:
    if "wash" in wanted:
        yield "wash_flags", flags.select(_without_run("wash_flags"))
    if not {"floor", "styles"} & set(wanted):
        return
    tokens = store.read("tokens")
    sales = with_style(with_verdict(store.read("sales"), flags), tokens)
    times = index_times(store)
    if "floor" in wanted:
        yield "floors", floors_until(with_unit_price(sales), times)
    if "styles" in wanted:
        market = Market(sales, tokens, store.read("listings"), times)
        weekly = style_sales(market)
        yield "style_sales", weekly
        yield "styles", style_signals(market, weekly)


def floors_until(sales: pl.DataFrame, times: pl.DataFrame) -> pl.DataFrame:
    """Realised floors of every chain, up to the last day of its index."""
    last_days = dict(times.select("chain_id", pl.col("indexed_to").dt.date()).iter_rows())
    frames = [
        realised_floors(rows, last_day=last_days.get(chain_id))
        for (chain_id,), rows in sales.group_by(["chain_id"], maintain_order=True)
    ]
    empty = TABLES["floors"].empty().select(_without_run("floors"))
    return pl.concat([empty, *frames])


def _without_run(name: str) -> list[str]:
    return [column for column in TABLES[name].column_names if column != "run_id"]
