"""Forecasts of a store: clean sales and median price per style and week, replaced as a whole."""

from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from analytics.errors import NotEnoughDataError
from analytics.forecast.base import Series
from analytics.forecast.engine import Forecasts, Refusal, Request, forecast_all
from analytics.forecast.series import read_series
from analytics.inputs import facts_digest
from data.schema import TABLES
from data.store import Store

HORIZON_WEEKS = 4
TARGETS = ("clean_sales", "median_price_eth")


@dataclass(frozen=True)
class ForecastSummary:
    """What a forecast run did: its id, series forecast, rows written, and refusals."""

    run_id: str
    n_series: int
    n_rows: int
    refusals: list[Refusal] = field(default_factory=list)


def forecast(
    store: Store,
    *,
    horizon_weeks: int = HORIZON_WEEKS,
    families: tuple[str, ...] | None = None,
    on_done: Callable[[str], None] = lambda _: None,
) -> ForecastSummary:
    """Replaces `forecasts` and `forecast_backtests` from `style_sales`; returns a summary.

    Per chain and style two weekly series: clean_sales (works) and median_price_eth (ETH). A
    series that is too short is refused, with the reason in the summary, and has no rows.

    Raises:
        NotEnoughDataError: there are no weekly sales by style at all.
        UnknownNameError: a model family is unknown.
    """
    weekly = store.read("style_sales")
    if weekly.is_empty():
        message = (
            "there are no sales by style and week to forecast; run `raisonne analyze styles`, "
            "after `raisonne index` where the store is empty"
        )
        raise NotEnoughDataError(message)
    request = Request(horizon_weeks, "week", families=families)
    found = {
        chain_id: forecast_all(weekly_series(rows, horizon_weeks), request, on_done)
        for (chain_id,), rows in weekly.group_by(["chain_id"], maintain_order=True)
    }
    refusals = [refusal for forecasts in found.values() for refusal in forecasts.refusals]
    with store.run(
        "forecast",
        data_digest=facts_digest(store),
        horizon_weeks=horizon_weeks,
        refused=[refusal.unique_id for refusal in refusals],
    ) as run:
        rows = _stack(found, "forecasts", run.run_id)
        tests = _stack(found, "forecast_backtests", run.run_id)
        with store.transaction() as transaction:
            transaction.replace("forecasts", rows)
            transaction.replace("forecast_backtests", tests)
    return ForecastSummary(run.run_id, rows["unique_id"].n_unique(), rows.height, refusals)


def weekly_series(style_sales: pl.DataFrame, horizon_weeks: int) -> list[Series]:
    """The series of one chain's `style_sales`: <style>/<target>, complete weeks only.

    A style's first week is left out too: it began somewhere inside it. A week without a clean
    sale has no price: it is not observed, which is not zero.
    """
    first = pl.col("week").min().over("style")
    weeks = style_sales.filter(pl.col("is_complete") & (pl.col("week") > first))
    if weeks.is_empty():
        return []
    long = weeks.unpivot(
        on=TARGETS, index=["style", "week"], variable_name="target", value_name="y"
    )
    named = long.select(
        unique_id=pl.col("style") + "/" + pl.col("target"),
        ds="week",
        y=pl.col("y").cast(pl.Float64),
    )
    return read_series(named, horizon_weeks, "W")


def _stack(found: dict[object, Forecasts], name: str, run_id: str) -> pl.DataFrame:
    frames = [TABLES[name].empty()]
    for chain_id, forecasts in found.items():
        rows = forecasts.forecasts if name == "forecasts" else forecasts.backtests
        if rows.is_empty():
            continue
        marked = rows.with_columns(chain_id=pl.lit(chain_id, dtype=pl.Int64), run_id=pl.lit(run_id))
        if name == "forecasts":
            parts = pl.col("unique_id").str.split("/")
            style = parts.list.head(parts.list.len() - 1).list.join("/")
            marked = marked.with_columns(style=style, target=parts.list.last())
        frames.append(marked.select(TABLES[name].column_names))
    return pl.concat(frames, how="vertical_relaxed").sort(TABLES[name].key)
