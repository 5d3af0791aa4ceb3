"""The brief: how many works of which style, at what price, and why.

A budget of works is spread over the styles by the value their forecasts promise, with a floor so
that no style is forgotten and a cap so that no forecast is believed too much.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from analytics.allocation import share_works, spread_weights
from analytics.errors import NoForecastError, UnknownNameError
from analytics.inputs import facts_digest
from data.store import Store
from data.styles import style_names
from data.units import eth_to_wei

BUDGET_WORKS = 12
MIN_SHARE = 0.05
MAX_SHARE = 0.4
MAX_TIMES_EQUAL = 2.0
"""Where styles are few, one may take this many times an equal share."""
_PRICE_DIGITS = 3


@dataclass(frozen=True)
class Outlook:
    """What is known of one style: forecasts over the horizon, floor and signals.

    expected_sales with lo_80 and hi_80: clean sales over `weeks`; price_eth: median price
    forecast or None; floor_eth: realised floor or None; skill: against seasonal naive.
    """

    style: str
    weeks: int
    expected_sales: float
    lo_80: float
    hi_80: float
    model: str
    skill: float | None
    n_windows: int
    price_eth: float | None
    floor_eth: float | None
    momentum: float | None

    @property
    def asking_price_eth(self) -> float | None:
        """The forecast median price, but not under the realised floor; None without either."""
        known = [price for price in (self.price_eth, self.floor_eth) if price and price > 0]
        return max(known) if known else None

    @property
    def value_eth(self) -> float:
        """Clean sales expected times the price asked."""
        return self.expected_sales * (self.asking_price_eth or 0.0)


def write_brief(
    store: Store,
    *,
    budget_works: int = BUDGET_WORKS,
    chain_id: int | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> pl.DataFrame:
    """Writes the brief of a chain's forecasts into `briefs`, and returns its lines.

    `chain_id` may be left out where one chain has forecasts. The brief_id is a digest of the
    lines: the same forecasts give the same brief, which is then not written twice.

    Raises:
        NoForecastError: there is no forecast of a style that the studio can make and price.
        UnknownNameError: the chain has no forecasts, or several have and none was named.
    """
    forecasts = store.read("forecasts").filter("selected")
    chain = _choose_chain(forecasts, chain_id)
    outlooks = style_outlooks(
        *(
            frame.filter(pl.col("chain_id") == chain)
            for frame in (
                forecasts,
                store.read("forecast_backtests").filter("selected"),
                store.read("floors"),
                store.read("styles"),
            )
        )
    )
    lines = brief_lines(outlooks, budget_works)
    if not lines:
        message = (
            "no style has both a forecast of clean sales and a price; index more history, then "
            "run `raisonne analyze all` and `raisonne forecast`"
        )
        raise NoForecastError(message)
    brief_id = "brief-" + _digest(chain, lines)
    with store.run(
        "brief", data_digest=facts_digest(store), brief_id=brief_id, budget_works=budget_works
    ) as run:
        created_at = clock().astimezone(UTC).replace(tzinfo=None)
        rows = [
            {
                "brief_id": brief_id,
                "line": number,
                "created_at": created_at,
                "chain_id": chain,
                **line,
                "run_id": run.run_id,
            }
            for number, line in enumerate(lines)
        ]
        store.append("briefs", pl.DataFrame(rows, schema_overrides={"price_wei": pl.Decimal(38)}))
    return store.read("briefs").filter(pl.col("brief_id") == brief_id)


def style_outlooks(
    forecasts: pl.DataFrame, backtests: pl.DataFrame, floors: pl.DataFrame, styles: pl.DataFrame
) -> list[Outlook]:
    """One outlook per style of the studio that has a sales forecast, in the order of the styles.

    Each frame is of one chain, with selected models only. Bounds of the sum over the weeks are
    sums of the weekly bounds: as if all weeks erred together, which is the careful side.
    """
    tests = {row["unique_id"]: row for row in backtests.iter_rows(named=True)}
    momentum = dict(styles.select("style", "momentum").iter_rows())
    of_styles = floors.filter(pl.col("scope") == "style").sort("day")
    floor = dict(of_styles.select("scope_id", "realised_floor_eth").iter_rows())
    outlooks = []
    for style in style_names():
        sales = forecasts.filter(pl.col("unique_id") == f"{style}/clean_sales")
        prices = forecasts.filter(pl.col("unique_id") == f"{style}/median_price_eth")
        if sales.is_empty():
            continue
        test = tests.get(f"{style}/clean_sales", {})
        price = prices["median"].median()
        outlooks.append(
            Outlook(
                style=style,
                weeks=sales.height,
                expected_sales=float(sales["median"].sum()),
                lo_80=float(sales["lo_80"].sum()),
                hi_80=float(sales["hi_80"].sum()),
                model=sales["model"][0],
                skill=test.get("skill"),
                n_windows=test.get("n_windows") or 0,
                price_eth=price if isinstance(price, float) else None,
                floor_eth=floor.get(style),
                momentum=momentum.get(style),
            )
        )
    return outlooks


def brief_lines(outlooks: list[Outlook], budget_works: int) -> list[dict[str, Any]]:
    """The lines: style, works, price_wei (exact), expected_sales, lo_80, hi_80, model, reason.

    Styles without a price are left out, as are those that get no work. Sorted by works, then by
    the order of the outlooks.
    """
    priced = [outlook for outlook in outlooks if outlook.asking_price_eth is not None]
    cap = max(MAX_SHARE, MAX_TIMES_EQUAL / max(len(priced), 1))
    weights = spread_weights([outlook.value_eth for outlook in priced], MIN_SHARE, cap)
    works = share_works(weights, budget_works)
    lines = [
        {
            "style": outlook.style,
            "works": count,
            "price_wei": price_to_wei(outlook.asking_price_eth or 0.0),
            "expected_sales": outlook.expected_sales,
            "lo_80": outlook.lo_80,
            "hi_80": outlook.hi_80,
            "model": outlook.model,
            "reason": reason(outlook, count),
        }
        for outlook, count in zip(priced, works, strict=True)
        if count > 0
    ]
    return sorted(lines, key=lambda line: -int(str(line["works"])))


def price_to_wei(price_eth: float) -> int:
    """Exact wei of a price rounded to three significant digits."""
    exact = Decimal(repr(price_eth))
    finest = max(exact.adjusted() - _PRICE_DIGITS + 1, -18)
    rounded = exact.quantize(Decimal(1).scaleb(finest))
    return eth_to_wei(rounded)


def reason(outlook: Outlook, works: int) -> str:
    """Why a line stands in the brief: forecast, interval, model, skill, price and momentum."""
    sales = (
        f"{works} of {outlook.style}: {outlook.expected_sales:.1f} clean sales forecast over "
        f"{outlook.weeks} weeks (80 % interval {outlook.lo_80:.1f} to {outlook.hi_80:.1f}) by "
        f"{outlook.model}"
    )
    if outlook.skill is not None:
        better = "less" if outlook.skill >= 0 else "more"
        sales += (
            f", which erred {abs(outlook.skill):.0%} {better} than seasonal naive over "
            f"{outlook.n_windows} past windows"
        )
    parts = []
    if outlook.price_eth:
        parts.append(f"forecast median price {outlook.price_eth:.3g} ETH")
    if outlook.floor_eth:
        parts.append(f"realised floor {outlook.floor_eth:.3g} ETH")
    if outlook.momentum is not None:
        parts.append(
            f"its share of sales in the last 4 weeks is {outlook.momentum:.2f} times that of the "
            "12 before"
        )
    return f"{sales}; {', '.join(parts)}."


def _choose_chain(forecasts: pl.DataFrame, chain_id: int | None) -> int:
    known: list[int] = forecasts["chain_id"].unique().sort().to_list()
    if not known:
        message = (
            "there are no forecasts to write a brief from; run `raisonne analyze all` and "
            "`raisonne forecast` first (a style needs at least ten complete weeks)"
        )
        raise NoForecastError(message)
    wanted = known[0] if chain_id is None and len(known) == 1 else chain_id
    if wanted is None or wanted not in known:
        named = "several chains" if wanted is None else str(wanted)
        raise UnknownNameError.among(named, [str(chain) for chain in known], kind="--chain-id")
    return wanted


def _digest(chain_id: int, lines: list[dict[str, Any]]) -> str:
    text = json.dumps([chain_id, lines], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
