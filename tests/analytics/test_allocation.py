import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.allocation import share_works, spread_weights

VALUES = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=12)


@given(VALUES, st.sampled_from([0.0, 0.02, 0.1]), st.sampled_from([0.2, 0.4, 1.0]))
def test_weights_lie_on_the_simplex_between_their_bounds(values, low, high):
    weights = spread_weights(values, low, high)
    assert sum(weights) == pytest.approx(1)
    low, high = min(low, 1 / len(values)), max(high, 1 / len(values))
    positive = sum(value > 0 for value in values)
    for weight in weights:
        assert weight >= low - 1e-9
        if positive in (0, len(values)) or positive * high >= 1:
            assert weight <= high + 1e-9


@given(VALUES)
def test_a_higher_value_never_gets_a_lower_weight(values):
    weights = spread_weights(sorted(values), 0.02, 0.4)
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(weights))


def test_free_weights_are_in_proportion():
    assert spread_weights([1, 2, 1], 0.0, 1.0) == pytest.approx([0.25, 0.5, 0.25])


def test_a_capped_weight_leaves_the_rest_in_proportion():
    assert spread_weights([100, 2, 1], 0.0, 0.4) == pytest.approx([0.4, 0.4, 0.2])


def test_nothing_expected_means_equal_weights():
    assert spread_weights([0, 0, 0, 0], 0.02, 0.4) == [0.25] * 4


def test_no_items_have_no_weights():
    assert spread_weights([], 0.02, 0.4) == []


@given(VALUES, st.integers(0, 500))
def test_whole_works_add_up_and_stay_within_one_of_their_share(values, budget):
    weights = spread_weights(values, 0.0, 1.0)
    works = share_works(weights, budget)
    assert sum(works) == budget
    assert all(abs(n - w * budget) < 1 + 1e-6 for n, w in zip(works, weights, strict=True))


def test_ties_go_to_the_first():
    assert share_works([0.25] * 4, 6) == [2, 2, 1, 1]
