"""True demand: seasons, trends and fashions that a forecast can find."""

from datetime import date

import numpy as np
import pytest

from contracts.simulation.demand import demand_frame, price_index, true_demand
from data.styles import style_names

SEEDS = (1, 7, 23)


@pytest.fixture(scope="module")
def demand():
    return true_demand(7, 364)


def test_demand_is_positive_for_every_style_and_day(demand):
    assert demand.shape == (len(style_names()), 364)
    assert (demand > 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_longer_horizon_starts_with_the_shorter_one(seed):
    assert (true_demand(seed, 200)[:, :90] == true_demand(seed, 90)).all()


def test_another_seed_is_another_market():
    assert not np.allclose(true_demand(1, 30), true_demand(2, 30))


@pytest.mark.parametrize("seed", SEEDS)
def test_saturdays_sell_more_than_tuesdays_in_every_style(seed):
    weeks = true_demand(seed, 364).reshape(-1, 52, 7).mean(axis=1)
    assert (weeks[:, 5] > 1.15 * weeks[:, 1]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_styles_drift_apart(seed):
    halves = true_demand(seed, 364).reshape(-1, 2, 182).mean(axis=2)
    growth = halves[:, 1] / halves[:, 0]
    assert growth.min() < 0.95
    assert growth.max() > 1.2


@pytest.mark.parametrize("seed", SEEDS)
def test_some_style_takes_off_and_is_forgotten_again(seed):
    weekly = true_demand(seed, 364).reshape(-1, 52, 7).mean(axis=2)
    ratio = weekly / np.median(weekly, axis=1, keepdims=True)
    style, peak = np.unravel_index(ratio[:, 2:40].argmax(), (weekly.shape[0], 38))
    before, after = weekly[style, : peak + 2].min(), weekly[style, peak + 3 :].min()
    assert weekly[style, peak + 2] > 1.5 * before
    assert weekly[style, peak + 2] > 1.5 * after


def test_prices_follow_demand_late_and_damped():
    demand = np.ones((1, 60))
    demand[0, 30:] = 3.0
    index = price_index(demand)[0]
    assert index[29] == pytest.approx(1.0)
    assert 1.0 < index[30] < index[40] < index[59] < 3.0**0.5


def test_prices_do_not_know_the_future():
    demand = true_demand(7, 100)
    changed = demand.copy()
    changed[:, 60:] *= 10.0
    assert (price_index(demand)[:, :60] == price_index(changed)[:, :60]).all()


def test_frame_has_a_row_per_style_and_day(demand):
    frame = demand_frame(demand[:, :10])
    assert frame.columns == ["style", "day", "demand"]
    assert frame.height == 10 * len(style_names())
    assert frame["day"].min() == date(2026, 1, 5)
    row = frame.filter(style=style_names()[3], day=date(2026, 1, 7))
    assert row["demand"].item() == demand[3, 2]
