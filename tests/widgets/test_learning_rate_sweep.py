"""The learning-rate sweep: final losses by rate."""

import numpy as np
import pytest

from deployworkbook.widgets.descent import compute_descent
from deployworkbook.widgets.landscapes import PATIENTS, REAL, RULES
from deployworkbook.widgets.learning_rate_sweep import (
    RATES,
    WITH_BOTTOM,
    compute_sweep,
    learning_rate_sweep_explorer,
)
from tests.controls import made_once

SETTINGS = {
    "surface": "bowl",
    "rule": "gradient descent",
    "learning_rate": 0.1,
    "momentum": 0.9,
    "condition_number": 10.0,
    "batch_size": PATIENTS,
    "steps": 50,
}


def test_gradient_descent_on_the_bowl_by_hand():
    # From (-4, 2), L = ½ (x² + 10 y²): n steps multiply x by (1 - η)ⁿ and y by (1 - 10 η)ⁿ.
    result = compute_sweep(**SETTINGS)
    expected = 8 * (1 - RATES) ** 100 + 20 * (1 - 10 * RATES) ** 100
    np.testing.assert_allclose(result.excess[-1], expected, rtol=1e-9)
    # Best where both shrink alike, at 2 / 11; a stop is within a fortieth of a decade of it.
    assert abs(np.log10(result.rates[result.best] / (2 / 11))) <= 1 / 40


@pytest.mark.parametrize("rule", ["gradient descent", "momentum", "Nesterov"])
@pytest.mark.parametrize("surface", ["bowl", REAL])
def test_exactly_the_rates_beyond_the_limit_diverge(surface, rule):
    result = compute_sweep(**SETTINGS | {"surface": surface, "rule": rule, "steps": 200})
    # Next to the limit 200 steps are too few to tell.
    assert result.diverges[1.2 * result.limit < RATES].all()
    assert not result.diverges[result.limit > RATES].any()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("surface", WITH_BOTTOM)
@pytest.mark.parametrize("batch_size", [16, PATIENTS])
def test_the_losses_equal_those_of_the_descent_explorer(surface, rule, batch_size):
    for rate in RATES[[0, 40, 80]]:
        settings = SETTINGS | {
            "surface": surface,
            "rule": rule,
            "learning_rate": float(rate),
            "batch_size": batch_size,
        }
        result = compute_sweep(**settings)
        walk = compute_descent(**settings, move_1=0, move_2=0)
        losses = result.excess[:, result.here]
        assert result.rates[result.here] == pytest.approx(rate)
        taken = len(walk.excess)
        # The sums over two parameters may be rounded otherwise, and chaos enlarges that.
        np.testing.assert_allclose(losses[:taken], walk.excess, rtol=1e-5, atol=1e-9)
        assert np.isinf(losses[taken:]).all()


def test_smaller_batches_need_smaller_rates_and_end_higher():
    explorer = made_once(learning_rate_sweep_explorer)()
    results = [explorer.set(surface=REAL, batch_size=size, steps=200) for size in (1, 16, PATIENTS)]
    bests = [result.rates[result.best] for result in results]
    left = [result.final[result.best] for result in results]
    assert bests == sorted(bests)
    assert bests[0] < bests[-1] / 4
    assert left == sorted(left, reverse=True)
    assert results[0].limit is None


def test_the_best_rate_of_an_elongated_bowl_is_just_below_its_limit():
    # The answer to a prediction of lesson 03.
    result = compute_sweep(**SETTINGS | {"condition_number": 100.0, "steps": 200})
    # Best at 2 / (1 + 100), 0.99 of the limit; the stops are 12 % apart.
    assert 0.88 < result.rates[result.best] / result.limit < 1
    half, tenth = (np.interp(result.limit / n, RATES, result.final) for n in (2, 10))
    assert result.final[result.best] < 0.1 * half < 0.1 * tenth


def test_divergence_is_shown_and_reported():
    explorer = made_once(learning_rate_sweep_explorer)()
    view = explorer._view
    explorer.set(learning_rate=0.25)
    assert "diverges" in view.picture.alt
    assert view._curve._word.get_text() == "Diverging: the loss grows."
    result = explorer.set(learning_rate=10.0, condition_number=1000.0)
    assert ("mean of the last 10 steps, at this rate", "beyond float64") in view.table(result)
    assert "beyond float64" in view._curve._word.get_text()
    for line in (view._final, view._here, view._diverged, view._curve._line):
        heights = line.get_ydata()
        assert len(heights)
        assert (heights >= view._axes.get_ylim()[0]).all()
        assert (heights <= view._axes.get_ylim()[1]).all()


def test_a_known_limit_is_marked_and_an_unknown_one_is_not():
    explorer = made_once(learning_rate_sweep_explorer)()
    explorer.set(condition_number=100.0)
    assert explorer._view._limit.get_xdata() == pytest.approx([0.02, 0.02])
    explorer.set(rule="Adam")
    assert len(explorer._view._limit.get_xdata()) == 0


def test_a_rate_between_two_stops_is_not_rounded():
    rate = 0.0123
    result = compute_sweep(**SETTINGS | {"learning_rate": rate})
    assert rate not in RATES
    assert result.rates[result.here] == rate
    np.testing.assert_allclose(
        result.excess[-1, result.here], 8 * (1 - rate) ** 100 + 20 * (1 - 10 * rate) ** 100
    )


def test_moving_the_rate_computes_no_path(monkeypatch):
    explorer = made_once(learning_rate_sweep_explorer)()

    def refuse(*arguments, **settings):
        raise AssertionError("a path was computed")

    monkeypatch.setattr("deployworkbook.widgets.learning_rate_sweep.sweep", refuse)
    for rate in RATES[::10]:
        explorer.set(learning_rate=float(rate))
    explorer.set(steps=37)
