from datetime import date, datetime, timedelta

import polars as pl
import pytest

from analytics.errors import InputValueError
from analytics.forecast.series import parse_freq, read_series, step_name


def long(ds, y=None, name="a"):
    return pl.DataFrame({"unique_id": name, "ds": ds, "y": y or [1.0] * len(ds)})


def months(*numbers):
    return [date(2024, number, 1) for number in numbers]


def test_series_are_sorted_and_named():
    frame = pl.concat([long([2, 1], [20.0, 10.0], "b"), long([5, 6], name="a")])
    one, two = read_series(frame, 2)
    assert (one.unique_id, one.next_ds) == ("a", [7, 8])
    assert (two.unique_id, two.y.tolist(), two.next_ds) == ("b", [10.0, 20.0], [3, 4])


@pytest.mark.parametrize(
    ("ds", "freq", "ahead", "step"),
    [
        ([3, 4, 5], None, [6, 7], "step"),
        ([0, 10, 20], None, [30, 40], "step"),
        ([date(2024, 1, 1), date(2024, 1, 8)], None, [date(2024, 1, 15), date(2024, 1, 22)],
         "week"),
        (months(1, 2, 3, 4), None, months(5, 6), "month"),
        (months(1, 2), "MS", months(3, 4), "month"),
        ([date(2024, 1, 31), date(2024, 2, 29)], "ME", [date(2024, 3, 31), date(2024, 4, 30)],
         "month"),
        ([datetime(2024, 1, 1, 22), datetime(2024, 1, 1, 23)], "h",
         [datetime(2024, 1, 2, 0), datetime(2024, 1, 2, 1)], "hour"),
        ([datetime(2024, 1, 1), datetime(2024, 1, 1, 0, 15)], None,
         [datetime(2024, 1, 1, 0, 30), datetime(2024, 1, 1, 0, 45)], "step"),
        ([date(2024, 1, 1), date(2024, 1, 2)], None, [date(2024, 1, 3), date(2024, 1, 4)], "day"),
    ],
)  # fmt: skip
def test_labels_go_on_at_their_step(ds, freq, ahead, step):
    frame = long(ds)
    assert read_series(frame, 2, freq)[0].next_ds == ahead
    assert step_name(parse_freq(freq, frame)) == step


@pytest.mark.parametrize(
    ("ds", "message"),
    [
        ([1, 2, 2, 3], "series 'a': ds 2 occurs twice"),
        ([1, 2, 4, 5], "series 'a': ds 3 is missing at a step of 1"),
        ([date(2024, 1, 1) + timedelta(days=n) for n in (0, 1, 3, 4)], "ds 2024-01-03 is missing"),
    ],
)
def test_a_gap_or_a_double_is_named(ds, message):
    with pytest.raises(InputValueError, match=message):
        read_series(long(ds), 2)


@pytest.mark.parametrize("freq", ["W", "0", "x"])
def test_a_freq_that_does_not_fit_integers_says_what_does(freq):
    with pytest.raises(InputValueError, match="give a positive number such as 1"):
        read_series(long([1, 2, 3]), 2, freq)


def test_a_number_does_not_fit_dates():
    with pytest.raises(InputValueError, match="give h, D, W"):
        read_series(long(months(1, 2)), 2, "1")


def test_leading_periods_without_a_value_are_dropped_and_later_ones_kept():
    (series,) = read_series(long([1, 2, 3, 4], [None, 5.0, None, 7.0]), 1)
    assert series.ds == [2, 3, 4]
    assert series.filled().tolist() == [5.0, 5.0, 7.0]
