"""The width controller against simulated nodes with caps it does not know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.limits import LimitKind
from indexer.width import FIRST_WIDTH, TARGET_BYTES, WidthController

LOG_BYTES = 700


class Node:
    """Refuses more than `max_blocks`, `max_logs` or `max_bytes`, and counts what it is asked."""

    def __init__(self, density, *, max_blocks=None, max_logs=None, max_bytes=None, told=True):
        self.density = density
        self.max_blocks, self.max_logs, self.max_bytes = max_blocks, max_logs, max_bytes
        self.told = told
        self.accepted: list[tuple[int, int]] = []
        self.refused = 0

    def drive(self, control, blocks, most=10**9):
        """Asks for `blocks` blocks as RpcSource does; returns the number of requests."""
        at = 0
        while at < blocks:
            width = control.propose(min(most, blocks - at))
            n_logs = sum(self.density(b) for b in range(at, at + width)) if width < 10**6 else 0
            n_bytes = n_logs * LOG_BYTES
            if self.max_blocks and width > self.max_blocks:
                self.refused += 1
                control.refuse_range(width, self.max_blocks if self.told else None)
            elif self.max_logs and n_logs > self.max_logs:
                self.refused += 1
                cap = self.max_logs if self.told else None
                control.refuse_density(width, LimitKind.RESULTS, cap)
            elif self.max_bytes and n_bytes > self.max_bytes:
                self.refused += 1
                control.refuse_density(width, LimitKind.BYTES, self.max_bytes)
            else:
                self.accepted.append((width, n_logs))
                control.answered(width, n_logs, n_bytes)
                at += width
        return len(self.accepted) + self.refused


def test_wide_empty_span_needs_few_requests():
    assert Node(lambda _: 0).drive(WidthController(), 100_000_000) < 25


def test_width_never_passes_the_most_that_is_allowed():
    node = Node(lambda _: 0)
    node.drive(WidthController(), 10_000, most=7)
    assert max(width for width, _ in node.accepted) == 7


def test_named_range_cap_is_learned_from_one_refusal():
    node = Node(lambda _: 0, max_blocks=500)
    control = WidthController(1_000)
    node.drive(control, 50_000)
    assert node.refused == 1
    assert {width for width, _ in node.accepted} == {500}


def test_unnamed_range_cap_is_found_by_halving_and_kept():
    node = Node(lambda _: 0, max_blocks=300, told=False)
    node.drive(WidthController(1_000), 50_000)
    assert node.refused == 2
    assert {width for width, _ in node.accepted} == {250}


@pytest.mark.parametrize(("cap", "ceiling"), [(1_000, 999), (5_000, 500), (0, 1)])
def test_cap_that_the_node_contradicts_still_narrows(cap, ceiling):
    control = WidthController(1_000)
    control.refuse_range(1_000, cap)
    assert control.propose(10**6) == ceiling


def test_ceiling_never_grows_back():
    control = WidthController()
    control.refuse_range(1_000, 10)
    control.refuse_range(1_000, 400)
    for _ in range(50):
        control.answered(10, 0, 100)
    assert control.propose(10**6) == 10


@pytest.mark.parametrize("told", [True, False], ids=["cap named", "cap not named"])
def test_result_cap_is_approached_with_few_refusals(told):
    node = Node(lambda _: 20, max_logs=10_000, told=told)
    requests = node.drive(WidthController(1_000), 100_000)
    steady = [logs for _, logs in node.accepted[5:-1]]
    assert node.refused <= requests * 0.12
    if told:
        assert all(4_000 <= logs <= 7_000 for logs in steady), "about 60 % of the cap"
    else:
        assert sum(steady) / len(steady) > 5_000


def test_byte_target_bounds_answers_where_the_node_has_no_cap():
    node = Node(lambda _: 200)
    node.drive(WidthController(), 20_000)
    sizes = [logs * LOG_BYTES for _, logs in node.accepted]
    assert max(sizes[1:]) <= TARGET_BYTES * 1.1
    assert sum(sizes[2:-1]) / len(sizes[2:-1]) > TARGET_BYTES * 0.7


def test_byte_cap_is_respected():
    node = Node(lambda _: 100, max_bytes=1_000_000)
    requests = node.drive(WidthController(), 5_000)
    assert node.refused < 10
    assert requests < 5_000 * 100 * LOG_BYTES / 1_000_000 * 3


def test_width_recovers_where_blocks_are_sparse_again():
    node = Node(lambda block: 100 if block < 2_000 else 0, max_logs=10_000)
    control = WidthController()
    node.drive(control, 1_000_000)
    dense = [width for width, logs in node.accepted if logs > 3_000]
    assert max(dense) <= 100
    assert node.accepted[-2][0] > 100_000
    assert len(node.accepted) < 75


def test_answers_asked_for_before_a_change_do_not_move_it_twice():
    control = WidthController()
    for _ in range(8):
        control.answered(FIRST_WIDTH, 0, 10)
    assert control.propose(10**6) == 2 * FIRST_WIDTH
    for _ in range(8):
        control.refuse_density(2 * FIRST_WIDTH, LimitKind.RESULTS)
    assert control.propose(10**6) == FIRST_WIDTH


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("answer"), st.integers(0, 10**6), st.integers(0, 10**9)),
            st.tuples(st.just("range"), st.none() | st.integers(0, 10**9), st.none()),
            st.tuples(st.just("density"), st.none() | st.integers(0, 10**9),
                      st.sampled_from([LimitKind.RESULTS, LimitKind.BYTES])),
        ),
        max_size=60,
    ),
    st.integers(1, 10**6),
)  # fmt: skip
def test_width_is_always_usable_and_refusals_always_narrow(events, most):
    control = WidthController()
    ceilings = []
    for what, first, second in events:
        width = control.propose(most)
        assert 1 <= width <= most
        if what == "answer":
            control.answered(width, first, second)
            continue
        if what == "range":
            control.refuse_range(width, first)
            ceilings.append(control.ceiling)
        else:
            control.refuse_density(width, second, first)
        assert control.propose(most) < width or width == 1
    assert ceilings == sorted(ceilings, reverse=True)
