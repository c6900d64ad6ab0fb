from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployworkbook.formulas.descent import (
    State,
    adam,
    gradient_descent,
    momentum,
    nesterov,
    rmsprop,
)
from deployworkbook.formulas.surfaces import (
    beale,
    linear_regression,
    quadratic_bowl,
    rosenbrock,
    saddle,
)
from deployworkbook.formulas.trajectories import (
    critical_rate,
    minibatches,
    step_all,
    sweep,
    trajectory,
)


def descend(surface, rate: float, steps: int, **settings):
    rule = partial(gradient_descent, learning_rate=rate)
    return trajectory(rule, surface.gradient, surface.start, steps, loss=surface.loss, **settings)


def test_path_and_losses_by_hand() -> None:
    # x: 1 - 0.5 · 1 = 0.5; y: 1 - 0.5 · 2 = 0. L = ½ (x² + 2 y²)
    bowl = quadratic_bowl(2.0)
    rule = partial(gradient_descent, learning_rate=0.5)
    walk = trajectory(rule, bowl.gradient, [1.0, 1.0], 1, loss=bowl.loss)
    np.testing.assert_array_equal(walk.path, [[1.0, 1.0], [0.5, 0.0]])
    np.testing.assert_array_equal(walk.losses, [1.5, 0.125])
    assert not walk.diverged


@given(condition=st.floats(1.0, 1e3), share=st.floats(0.05, 0.99))
def test_a_bowl_is_descended_only_below_the_critical_rate(condition: float, share: float) -> None:
    bowl = quadratic_bowl(condition)
    critical = 2.0 / bowl.curvatures[1]
    # Each coordinate shrinks by 1 - η λ, of magnitude below 1; so the loss falls until it is 0.
    losses = descend(bowl, share * critical, 20).losses
    assert (np.diff(losses)[losses[:-1] > 0] < 0).all()
    # Above it the steep coordinate grows by |1 - η κ| = 2 / share - 1 > 1 each step.
    steep = descend(bowl, critical / share, 20).path[:, 1]
    np.testing.assert_allclose(np.abs(steep[1:] / steep[:-1]), 2.0 / share - 1.0)


@pytest.mark.parametrize("surface", [quadratic_bowl(10.0), saddle()], ids=lambda each: each.name)
def test_divergence_ends_the_path_while_it_is_finite(surface) -> None:
    walk = descend(surface, 100.0, 10_000)
    assert walk.diverged
    assert 1 < len(walk.path) == len(walk.losses) < 10_001
    assert np.isfinite(walk.path).all()
    assert np.isfinite(walk.losses).all()


@pytest.mark.parametrize("rule", [gradient_descent, momentum, nesterov, rmsprop, adam])
@pytest.mark.parametrize(
    "surface", [quadratic_bowl(10.0), rosenbrock(), beale()], ids=lambda each: each.name
)
def test_a_sweep_equals_one_trajectory_per_rate(surface, rule) -> None:
    rates = np.geomspace(1e-4, 100.0, 13)
    losses = sweep(
        rule, surface.gradient, surface.start, 60, learning_rates=rates, loss=surface.loss
    )
    assert losses.shape == (61, 13)
    for rate, column in zip(rates, losses.T, strict=True):
        bound = partial(rule, learning_rate=float(rate))
        walk = trajectory(bound, surface.gradient, surface.start, 60, loss=surface.loss)
        # A product of many rows may be summed in another order than that of one row.
        np.testing.assert_allclose(column[: len(walk.losses)], walk.losses, rtol=1e-6, atol=1e-12)
        assert np.isinf(column[len(walk.losses) :]).all()
        assert walk.diverged == np.isinf(column[-1])


def test_a_sweep_with_batches_equals_one_trajectory_per_rate() -> None:
    generator = np.random.default_rng(0)
    line = linear_regression(generator.normal(size=(20, 2)), generator.normal(size=20), name="")
    batches = list(minibatches(20, 4, epochs=2, seed=0))
    settings = {"loss": line.loss, "batches": batches}
    rates = [0.01, 0.1, 10.0]
    losses = sweep(
        gradient_descent, line.gradient, line.start, 10, learning_rates=rates, **settings
    )
    for rate, column in zip(rates, losses.T, strict=True):
        walk = descend(line, rate, 10, batches=batches)
        np.testing.assert_allclose(column, walk.losses, rtol=1e-9)


@pytest.mark.parametrize("mu", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("rule", [momentum, nesterov])
def test_descent_diverges_above_the_critical_rate(rule, mu: float) -> None:
    bowl = quadratic_bowl(7.0)
    critical = critical_rate(bowl.curvatures[1], momentum=mu, look_ahead=rule is nesterov)
    below, above = sweep(
        partial(rule, momentum=mu),
        bowl.gradient,
        bowl.start,
        4000,
        learning_rates=[0.99 * critical, 1.01 * critical],
        loss=bowl.loss,
    ).T
    # A change of 1 % in the rate moves the largest root by at least 0.0005, and 0.9995^8000 (the
    # loss is a square) is a fiftieth.
    assert below[-1] < below[0] / 50
    assert above[-1] > above[0] * 50


def test_a_loss_must_return_one_number_per_point() -> None:
    rule = partial(gradient_descent, learning_rate=0.1)
    with pytest.raises(ValueError, match=r"loss: expected one per point, \(4,\)"):
        trajectory(rule, lambda w: w, [1.0], 3, loss=lambda w: (w**2).sum())


def test_batches_are_passed_to_the_gradient() -> None:
    seen = []

    def gradient(point, rows):
        seen.append(rows.tolist())
        return np.zeros_like(point)

    rule = partial(gradient_descent, learning_rate=0.1)
    batches = [np.array([0]), np.array([2, 1])]
    trajectory(rule, gradient, [0.0], 2, loss=lambda w: np.zeros(len(w)), batches=batches)
    assert seen == [[0], [2, 1]]


def test_too_few_batches_are_refused() -> None:
    line = linear_regression([[1.0], [2.0]], [1.0, 2.0], name="")
    with pytest.raises(ValueError, match=r"batches: expected at least 3.*Received: 2"):
        descend(line, 0.1, 3, batches=minibatches(2, 2, epochs=2, seed=0))


@pytest.mark.parametrize("start", [[np.nan], []])
def test_an_invalid_start_is_refused(start: list) -> None:
    with pytest.raises(ValueError, match="start"):
        trajectory(partial(adam), lambda w: w, start, 1, loss=lambda w: np.zeros(len(w)))


def test_a_batch_of_all_rows_is_gradient_descent() -> None:
    generator = np.random.default_rng(0)
    line = linear_regression(generator.normal(size=(20, 2)), generator.normal(size=20), name="")
    stochastic = descend(line, 0.1, 5, batches=minibatches(20, 20, epochs=5, seed=0))
    # The rows come in another order, so the sums are rounded differently.
    np.testing.assert_allclose(stochastic.path, descend(line, 0.1, 5).path, atol=1e-14)


@given(
    examples=st.integers(1, 40),
    size=st.integers(1, 40),
    epochs=st.integers(1, 3),
    seed=st.integers(0, 10),
)
def test_minibatches_draw_each_example_once_per_epoch(
    examples: int, size: int, epochs: int, seed: int
) -> None:
    size = min(size, examples)
    batches = list(minibatches(examples, size, epochs=epochs, seed=seed))
    drawn = np.concatenate(batches).reshape(epochs, examples)
    np.testing.assert_array_equal(np.sort(drawn, axis=1), [np.arange(examples)] * epochs)
    assert all(len(batch) == size for batch in batches[:-1] if examples % size == 0)
    again = minibatches(examples, size, epochs=epochs, seed=seed)
    assert all((one == other).all() for one, other in zip(batches, again, strict=True))


def test_minibatches_differ_by_epoch_and_seed() -> None:
    first, second = (list(minibatches(50, 50, epochs=2, seed=seed)) for seed in (0, 1))
    assert (first[0] != first[1]).any()
    assert (first[0] != second[0]).any()


def test_a_batch_means_variance_equals_the_formula() -> None:
    # All 6 · 5 · 4 / 6 = 20 batches of 3 of 6: (n - B) / (n - 1) = 0.6, so 0.6 σ² / 3.
    values = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    means = [
        values[batch].mean()
        for seed in range(4000)
        for batch in minibatches(6, 3, epochs=1, seed=seed)
    ]
    assert np.mean(means) == pytest.approx(values.mean())
    # 4000 draws estimate a variance to about √(2 / 4000) = 2 %; allow four times that.
    assert np.var(means) == pytest.approx(0.2 * values.var(), rel=0.09)


def test_step_all_steps_each_array_separately() -> None:
    rule = partial(momentum, learning_rate=0.1)
    parameters = [np.ones((2, 3)), np.zeros(3)]
    gradients = [np.full((2, 3), 2.0), np.ones(3)]
    states = [State()] * 2
    for _ in range(3):
        expected = [rule(*each) for each in zip(parameters, gradients, states, strict=True)]
        parameters, states = step_all(rule, parameters, gradients, states)
        for array, state, (wanted, wanted_state) in zip(parameters, states, expected, strict=True):
            np.testing.assert_array_equal(array, wanted)
            np.testing.assert_array_equal(state.direction, wanted_state.direction)
    assert [state.step for state in states] == [3, 3]


def test_step_all_refuses_a_missing_gradient() -> None:
    rule = partial(gradient_descent, learning_rate=0.1)
    with pytest.raises(ValueError, match="2 parameters, 1 gradients and 2 states"):
        step_all(rule, [np.ones(1)] * 2, [np.ones(1)], [State()] * 2)
