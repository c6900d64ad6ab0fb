from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from deployworkbook.formulas.descent import (
    State,
    adam,
    gradient_descent,
    momentum,
    nesterov,
    rmsprop,
)
from deployworkbook.formulas.surfaces import beale, rosenbrock
from deployworkbook.formulas.trajectories import trajectory
from deployworkbook.training.keras2 import keras, tf

# Keras keeps the learning rate, momentum and betas in float32. Settings that float32 holds exactly
# agree up to rounding in float64. Of the others, 0.9 has a relative error of 3e-8, and 1 - 0.999
# one of 1.3e-5, so that Adam's steps are off by 6e-6: over 100 steps of 2^-10 by 6e-7.
RATE = 2.0**-10
EXACT, ROUNDED = 1e-11, 1e-6
RULES = {
    "gradient descent": (gradient_descent, {}, lambda: keras.optimizers.SGD(RATE), EXACT),
    "momentum": (momentum, {}, lambda: keras.optimizers.SGD(RATE, 0.9), ROUNDED),
    "momentum 7/8": (
        momentum,
        {"momentum": 0.875},
        lambda: keras.optimizers.SGD(RATE, 0.875),
        EXACT,
    ),
    "nesterov": (nesterov, {}, lambda: keras.optimizers.SGD(RATE, 0.9, nesterov=True), ROUNDED),
    "nesterov 7/8": (
        nesterov,
        {"momentum": 0.875},
        lambda: keras.optimizers.SGD(RATE, 0.875, nesterov=True),
        EXACT,
    ),
    "rmsprop": (rmsprop, {}, lambda: keras.optimizers.RMSprop(RATE), EXACT),
    "rmsprop 1/2": (
        rmsprop,
        {"rho": 0.5, "epsilon": 0.1},
        lambda: keras.optimizers.RMSprop(RATE, rho=0.5, epsilon=0.1),
        EXACT,
    ),
    "adam": (adam, {}, lambda: keras.optimizers.Adam(RATE), ROUNDED),
    "adam 1/2": (
        adam,
        {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.1},
        lambda: keras.optimizers.Adam(RATE, beta_1=0.5, beta_2=0.75, epsilon=0.1),
        EXACT,
    ),
}


def keras_path(optimizer, gradient, start: np.ndarray, steps: int) -> np.ndarray:
    variable = tf.Variable(start)
    path = [start]
    for _ in range(steps):
        optimizer.apply_gradients([(tf.constant(gradient(variable.numpy())), variable)])
        path.append(variable.numpy())
    return np.stack(path)


@pytest.mark.parametrize("surface", [rosenbrock(), beale()], ids=lambda surface: surface.name)
@pytest.mark.parametrize("name", RULES)
def test_equal_keras_for_100_steps(name: str, surface) -> None:
    rule, settings, make_optimizer, tolerance = RULES[name]
    bound = partial(rule, learning_rate=RATE, **settings)
    walk = trajectory(bound, surface.gradient, surface.start, 100, loss=surface.loss)
    expected = keras_path(make_optimizer(), surface.gradient, surface.start, 100)
    np.testing.assert_allclose(walk.path, expected, rtol=0, atol=tolerance)


def test_momentum_by_hand() -> None:
    rule = partial(momentum, learning_rate=0.5, momentum=0.5)
    # v = -0.5 · 2 = -1, w = 4 - 1 = 3; v = 0.5 · -1 - 0.5 · 2 = -1.5, w = 3 - 1.5 = 1.5
    w, state = rule([4.0], [2.0], State())
    assert (w, state.direction) == (3.0, -1.0)
    w, state = rule(w, [2.0], state)
    assert (w, state.direction, state.step) == (1.5, -1.5, 2)


def test_nesterov_by_hand() -> None:
    # v = -1; w = 4 + 0.5 · -1 - 0.5 · 2 = 2.5
    w, state = nesterov([4.0], [2.0], State(), learning_rate=0.5, momentum=0.5)
    assert (w, state.direction) == (2.5, -1.0)


def test_nesterov_is_momentum_with_the_gradient_taken_ahead() -> None:
    surface, mu, eta = rosenbrock(), 0.9, RATE
    behind, velocity = surface.start, np.zeros(2)
    ahead, state = surface.start, State()
    for _ in range(50):
        velocity = mu * velocity - eta * surface.gradient(behind + mu * velocity)  # the paper's
        behind = behind + velocity
        ahead, state = nesterov(
            ahead, surface.gradient(ahead), state, learning_rate=eta, momentum=mu
        )
        np.testing.assert_allclose(ahead, behind + mu * velocity, atol=1e-12)


def test_adam_by_hand() -> None:
    rule = partial(adam, learning_rate=0.1, beta_1=0.5, beta_2=0.75, epsilon=1e-12)
    # Step 1: m = 0.5 g, s = 0.25 g², corrected g and g²: a step of 0.1 against the sign.
    w, state = rule([1.0], [3.0], State())
    assert w == pytest.approx(0.9)
    # Step 2, g = 0: m = 0.75, s = 1.6875; corrected by 1 - 0.5² and 1 - 0.75²: 1 and 3.857
    w, _ = rule(w, [0.0], state)
    assert w == pytest.approx(0.9 - 0.1 * 1.0 / np.sqrt(1.6875 / 0.4375))


def test_rmsprop_by_hand() -> None:
    # s = 0.75 · 0 + 0.25 · 4² = 4; 1 - 0.5 · 4 / √(4 + 0)
    w, state = rmsprop([1.0], [4.0], State(), learning_rate=0.5, rho=0.75, epsilon=1e-12)
    assert (w, state.mean_square) == (pytest.approx(0.0), 4.0)


@pytest.mark.parametrize("rule", [rmsprop, adam])
def test_steps_ignore_the_scale_of_the_gradient(rule) -> None:
    small, large = (rule([0.0], [g], State(), learning_rate=0.1)[0] for g in (1.0, 1e6))
    np.testing.assert_allclose(small, large, rtol=1e-5)  # but for epsilon, 1e-7 beside 0.1 · 1


@pytest.mark.parametrize("rule", [gradient_descent, momentum, nesterov, rmsprop, adam])
class TestEveryRule:
    def test_does_not_modify_its_arguments(self, rule) -> None:
        w, g = np.ones(3), np.full(3, 2.0)
        _, state = rule(w, g, State(), learning_rate=0.1)
        before = state
        rule(w, g, state, learning_rate=0.1)
        assert (w == 1).all()
        assert (g == 2).all()
        assert state is before
        assert state.step == 1

    def test_works_elementwise(self, rule) -> None:
        w, g = np.random.default_rng(0).normal(size=(2, 3, 2))
        whole, _ = rule(w, g, State(), learning_rate=0.1)
        for index in np.ndindex(w.shape):
            single, _ = rule(w[index], g[index], State(), learning_rate=0.1)
            assert single == whole[index]

    def test_each_point_of_a_batch_may_have_its_own_rate(self, rule) -> None:
        w, g = np.random.default_rng(0).normal(size=(2, 3, 2))
        rates = np.array([[0.01], [0.1], [1.0]])
        whole, _ = rule(w, g, State(), learning_rate=rates)
        for index, rate in enumerate(rates[:, 0]):
            single, _ = rule(w[index], g[index], State(), learning_rate=float(rate))
            np.testing.assert_array_equal(single, whole[index])

    @pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.array([0.1, 0.0]), [np.nan, 0.1]])
    def test_refuses_a_rate_that_is_not_above_0(self, rule, rate) -> None:
        with pytest.raises(ValueError, match="learning_rate"):
            rule([1.0], [1.0], State(), learning_rate=rate)

    def test_refuses_a_gradient_of_another_shape(self, rule) -> None:
        with pytest.raises(ValueError, match="gradient: expected the shape of parameters"):
            rule(np.ones((2, 1)), np.ones(2), State(), learning_rate=0.1)
