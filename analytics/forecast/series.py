"""From tables to series: what the next periods are called, and which step lies between them."""

import re
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from analytics.errors import InputValueError
from analytics.forecast.base import Series

_UNITS = {
    "min": "m", "t": "m", "h": "h", "d": "d", "w": "w", "m": "mo", "ms": "mo", "me": "mo",
    "q": "q", "qs": "q", "qe": "q", "y": "y", "ys": "y", "ye": "y", "a": "y",
}  # fmt: skip
_STEPS = {"1h": "hour", "1d": "day", "7d": "week", "1w": "week", "1mo": "month", "1q": "quarter"}
_FREQ = re.compile(r"^(\d*)([A-Za-z]+)(-[A-Za-z]+)?$")


def read_series(frame: pl.DataFrame, horizon: int, freq: str | None = None) -> list[Series]:
    """The series of a long frame (unique_id, ds, y), sorted by unique_id, with labels ahead.

    `ds` holds dates, times or integers, one step apart; y may be NULL (not observed). `freq` is
    the step: a number for integers, else as pandas writes it (h, D, W, MS, QS, 15min); without
    it, the commonest distance. Leading unobserved values are dropped.

    Raises:
        InputValueError: a label occurs twice, a step is missing, or the freq does not fit.
    """
    ordered = frame.sort("unique_id", "ds")
    step = parse_freq(freq, ordered)
    series = []
    for (unique_id,), rows in ordered.group_by(["unique_id"], maintain_order=True):
        y = rows["y"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        seen = np.flatnonzero(~np.isnan(y))
        start = int(seen[0]) if seen.size else 0
        labels = rows["ds"]
        _check_steps(str(unique_id), labels, step)
        ahead = _shift(labels, labels[-1], step, horizon)
        series.append(Series(str(unique_id), labels.to_list()[start:], y[start:].copy(), ahead))
    return series


def parse_freq(freq: str | None, ordered: pl.DataFrame) -> str:
    """The step as polars writes it (`1w`, `1mo`; digits alone for integers).

    Raises:
        InputValueError: the text is no step, or does not fit the type of ds.
    """
    is_integer = ordered["ds"].dtype.is_integer()
    if freq is None:
        return _commonest_step(ordered, is_integer=is_integer)
    if is_integer and freq.isdecimal() and int(freq) > 0:
        return freq
    match = _FREQ.match(freq)
    unit = _UNITS.get(match.group(2).lower()) if match else None
    if is_integer or match is None or unit is None:
        expected = "a positive number such as 1" if is_integer else "h, D, W, MS, QS or 15min"
        message = f"freq {freq!r} does not fit ds of type {ordered['ds'].dtype}; give {expected}"
        raise InputValueError(message)
    return f"{match.group(1) or 1}{unit}"


def step_name(step: str) -> str:
    """The name of a step in the table of seasons: hour, day, week, month, quarter or step."""
    return _STEPS.get(step, "step")


def _commonest_step(ordered: pl.DataFrame, *, is_integer: bool) -> str:
    gaps = ordered.select(gap=pl.col("ds").diff().over("unique_id")).drop_nulls()["gap"]
    if gaps.is_empty():
        return "1" if is_integer else "1d"
    gap = gaps.mode().sort()[0]
    if is_integer:
        return str(max(int(gap), 1))
    seconds = int(gap.total_seconds())
    days = seconds / 86_400
    for low, high, step in ((28, 31, "1mo"), (90, 92, "1q"), (365, 366, "1y")):
        if low <= days <= high and days % 7:
            return step
    if days == 28:
        return "1mo" if gaps.n_unique() > 1 else "28d"
    return f"{seconds // 86_400}d" if seconds % 86_400 == 0 else f"{max(seconds, 1)}s"


def _shift(labels: pl.Series, start: Any, step: str, count: int) -> list[Any]:
    """The `count` labels after `start`; ends of months stay ends of months."""
    if labels.dtype.is_integer():
        return [int(start) + int(step) * ahead for ahead in range(1, count + 1)]
    size, unit = re.match(r"(\d+)(\w+)", step).groups()  # type: ignore[union-attr]
    offsets = [f"{int(size) * ahead}{unit}" for ahead in range(1, count + 1)]
    origins = pl.Series("origin", [start] * count, dtype=labels.dtype)
    table = pl.DataFrame({"origin": origins, "offset": pl.Series(offsets, dtype=pl.String)})
    shifted = table.select(pl.col("origin").dt.offset_by(pl.col("offset"))).to_series()
    if unit in ("mo", "q", "y") and count and _is_month_end(origins[:1]):
        shifted = shifted.dt.month_end()
    return shifted.to_list()


def _is_month_end(label: pl.Series) -> bool:
    return bool((label.dt.month_end() == label)[0])


def _check_steps(unique_id: str, labels: pl.Series, step: str) -> None:
    expected = [labels[0], *_shift(labels, labels[0], step, len(labels) - 1)]
    for found, wanted in zip(labels.to_list(), expected, strict=True):
        if found == wanted:
            continue
        kind = "occurs twice or is out of step" if _before(found, wanted) else "is missing"
        label = found if _before(found, wanted) else wanted
        message = (
            f"series {unique_id!r}: ds {label} {kind} at a step of {step}; give one row per "
            "period (y may be empty where nothing was observed), or name the step with --freq"
        )
        raise InputValueError(message)


def _before(left: date | datetime | int, right: date | datetime | int) -> bool:
    return left < right  # type: ignore[operator]
