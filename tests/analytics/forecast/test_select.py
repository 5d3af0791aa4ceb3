import numpy as np
import pytest

from analytics.forecast.backtest import Backtest, Setting, backtest
from analytics.forecast.base import Scale
from analytics.forecast.engine import Request, forecast_one
from analytics.forecast.naive import NaiveFamily
from analytics.forecast.select import Score, score_models, select_model
from tests.analytics.forecast.cases import random_walk, seasonal, weekly


def score(model, mae, win_rate=1.0):
    return Score(model, mae, 1.0, 0.0, win_rate, 0.8, 0.95, beats_naive=True)


def chosen(y, families=("stats",)):
    rows, _ = forecast_one(weekly(y), Request(4, "week", families=families))
    return rows.filter("selected")


def test_the_best_challenger_ships():
    scores = [score("naive", 10), score("seasonal_naive", 9), score("a", 5), score("b", 4)]
    assert select_model(scores) == "b"


def test_a_challenger_that_beats_one_naive_alone_does_not():
    assert select_model([score("naive", 5), score("seasonal_naive", 9), score("a", 6)]) == "naive"
    scores = [score("naive", 9), score("seasonal_naive", 5), score("a", 6)]
    assert select_model(scores) == "seasonal_naive"


def test_a_challenger_that_is_better_by_a_hair_does_not():
    assert select_model([score("naive", 10), score("a", 9.6)]) == "naive"
    assert select_model([score("naive", 10), score("a", 9.4)]) == "a"


def test_a_challenger_that_wins_seldom_does_not():
    assert select_model([score("naive", 10), score("a", 5, win_rate=0.4)]) == "naive"


def test_seasonal_naive_must_clearly_beat_naive_too():
    assert select_model([score("naive", 10), score("seasonal_naive", 9.8)]) == "naive"


def test_a_tie_goes_to_the_first():
    assert select_model([score("naive", 10), score("a", 5), score("b", 5)]) == "a"


def test_the_seasonal_model_is_chosen_on_a_seasonal_series():
    names = [chosen(seasonal(seed, 40), families=())["model"][0] for seed in range(20)]
    assert names.count("seasonal_naive") == 20


def test_with_all_models_a_seasonal_series_is_forecast_with_its_season():
    season = 40 + 30 * np.sin(2 * np.pi * np.arange(40, 44) / 4)
    for seed in range(3):
        path = chosen(seasonal(seed, 40))
        assert path["model"][0] != "naive"
        assert path["median"].to_numpy() == pytest.approx(season, abs=20)


def test_naive_is_chosen_on_most_random_walks():
    names = [chosen(random_walk(seed, 40))["model"][0] for seed in range(12)]
    assert names.count("naive") >= 7


def test_scores_equal_their_definitions():
    y = random_walk(4, 26)
    past = backtest(y, Setting([NaiveFamily((4,))], 4, "week"), naive_season=4)
    scores = {one.model: one for one in score_models(past, Scale.of(y))}
    naive_errors, seasonal_errors, scaled = [], [], []
    for origin in past.origins:
        outcome = y[origin : origin + 4]
        naive_errors.append(np.mean(np.abs(outcome - y[origin - 1])))
        seasonal_errors.append(np.mean(np.abs(outcome - y[origin - 4 : origin])))
        scaled.append(naive_errors[-1] / np.mean(np.abs(y[4:origin] - y[: origin - 4])))
    naive = scores["naive"]
    assert naive.mae == pytest.approx(np.mean(naive_errors))
    assert naive.mase == pytest.approx(np.mean(scaled))
    assert naive.skill == pytest.approx(1 - np.mean(naive_errors) / np.mean(seasonal_errors))
    assert naive.beats_naive == (np.mean(naive_errors) < np.mean(seasonal_errors))
    assert scores["seasonal_naive"].skill == 0


def test_coverage_is_judged_by_bands_made_from_other_periods():
    outcomes = np.full((10, 1), 10.0)
    paths = np.full((10, 1), 10.0)
    paths[-1] = 20.0  # an error that its own window must not have taught
    both = {"naive": paths, "seasonal_naive": paths}
    past = Backtest(tuple(range(20, 30)), outcomes, both, np.ones(10))
    found = score_models(past, Scale(1.0, is_log=True))[0]
    assert (found.coverage_80, found.coverage_95) == (0.9, 0.9)


def test_coverage_is_unknown_where_too_few_errors_are_left():
    outcomes = np.full((2, 4), 10.0)
    both = {"naive": outcomes, "seasonal_naive": outcomes}
    past = Backtest((20, 21), outcomes, both, np.ones(2))
    assert np.isnan(score_models(past, Scale(1.0, is_log=True))[0].coverage_80)
