import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.forecast.base import Scale, fill_forward

VALUES = st.lists(st.floats(0, 1e9), min_size=1, max_size=20).map(np.array)


@given(VALUES)
def test_the_scale_goes_there_and_back(values):
    scale = Scale.of(values)
    assert scale.back(scale.forward(values)) == pytest.approx(values, rel=1e-9, abs=1e-9)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=20).map(np.array))
def test_nothing_comes_back_negative_from_the_log_scale(path):
    assert (Scale.of(np.array([3.0, 5.0])).back(path) >= 0).all()


def test_small_prices_are_scaled_up_so_that_log1p_is_a_logarithm():
    prices = np.array([0.01, 0.02, 0.04])
    steps = np.diff(Scale.of(prices).forward(prices))
    assert steps[1] / steps[0] == pytest.approx(1, rel=0.1)


def test_counts_keep_their_unit():
    assert Scale.of(np.array([0.0, 2.0, 3.0])).unit == 1.0


def test_negative_values_are_left_as_they_are():
    values = np.array([-1.0, 2.0])
    assert Scale.of(values).forward(values).tolist() == [-1.0, 2.0]


def test_gaps_carry_the_last_value_and_the_start_the_first():
    nan = float("nan")
    assert fill_forward(np.array([nan, 2.0, nan, 5.0, nan])).tolist() == [2, 2, 2, 5, 5]


def test_nothing_observed_is_zero():
    assert fill_forward(np.array([float("nan")])).tolist() == [0.0]
