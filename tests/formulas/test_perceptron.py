from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from deployworkbook.formulas.descent import State, adam, gradient_descent
from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.perceptron import backward, forward, loss_and_gradients
from deployworkbook.formulas.trajectories import minibatches, step_all
from deployworkbook.training.keras2 import keras

WIDTHS = (5, 7, 4, 3)


@pytest.fixture
def parameters() -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [
        array
        for before, after in pairwise(WIDTHS)
        for array in (generator.normal(size=(before, after)), 0.1 * generator.normal(size=after))
    ]


@pytest.fixture
def examples() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    return generator.normal(size=(40, 5)), one_hot(generator.integers(0, 3, size=40), 3)


def test_forward_and_backward_by_hand() -> None:
    parameters = [[[2.0, -1.0]], [0.0, 1.0], [[1.0], [10.0]], [0.5]]
    # x = 3: sums 6 and -2, ReLU 6 and 0, logit 6 + 0 + 0.5
    seen = forward(parameters, [[3.0]])
    np.testing.assert_array_equal(seen[1], [[6.0, 0.0]])
    np.testing.assert_array_equal(seen[2], [[6.5]])
    # An error of 2 propagates back as 2 · 1 through the active unit, and not through the other.
    hidden, output = backward(parameters, seen, [[2.0]])
    np.testing.assert_array_equal(hidden, [[2.0, 0.0]])
    np.testing.assert_array_equal(output, [[2.0]])


def test_gradients_equal_differences(parameters, examples, numeric_gradient) -> None:
    _, gradients = loss_and_gradients(parameters, *examples)
    for index, gradient in enumerate(gradients):

        def loss(values, index=index):
            changed = [*parameters[:index], values, *parameters[index + 1 :]]
            return loss_and_gradients(changed, *examples)[0]

        np.testing.assert_allclose(gradient, numeric_gradient(loss, parameters[index]), atol=1e-8)


# Settings that are exact in float32, in which Keras keeps them.
BETAS = {"beta_1": 0.875, "beta_2": 1 - 2**-10}


@pytest.mark.parametrize(
    ("rule", "optimizer"),
    [
        (partial(gradient_descent, learning_rate=0.125), lambda: keras.optimizers.SGD(0.125)),
        (
            partial(adam, learning_rate=2**-7, **BETAS),
            lambda: keras.optimizers.Adam(2**-7, **BETAS),
        ),
    ],
    ids=["SGD", "Adam"],
)
def test_training_equals_keras_on_the_same_batches(rule, optimizer, parameters, examples) -> None:
    inputs, targets = examples
    layers = [keras.layers.InputLayer(WIDTHS[0], dtype="float64")]
    for width, activation in zip(WIDTHS[1:], ("relu", "relu", None), strict=True):
        layers.append(keras.layers.Dense(width, activation=activation, dtype="float64"))
    model = keras.Sequential(layers)
    model.set_weights(parameters)
    model.compile(optimizer(), keras.losses.CategoricalCrossentropy(from_logits=True))
    states = [State()] * len(parameters)
    for rows in minibatches(len(inputs), 16, epochs=5, seed=0):
        expected = model.train_on_batch(inputs[rows], targets[rows])
        loss, gradients = loss_and_gradients(parameters, inputs[rows], targets[rows])
        parameters, states = step_all(rule, parameters, gradients, states)
        assert loss == pytest.approx(expected, rel=1e-6)  # Keras returns float32
    for ours, theirs in zip(parameters, model.get_weights(), strict=True):
        # float64, but Keras averages losses in float32: gradients are off by up to 6e-8 of
        # themselves, in 15 steps of sizes up to 0.1.
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ([np.ones((2, 3))], "parameters: expected a kernel and a bias"),
        (
            [np.ones((2, 3)), np.ones(3), np.ones((3, 1))],
            "parameters: expected a kernel and a bias",
        ),
        ([np.ones((2, 3)), np.ones(2)], "bias: expected last axes"),
        ([np.ones((2, 3)), np.ones(3), np.ones((2, 1)), np.ones(1)], "kernel: expected last axes"),
    ],
)
def test_mismatched_parameters_are_refused(parameters, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        forward(parameters, np.ones((1, 2)))


def test_inputs_of_the_wrong_width_are_refused(parameters) -> None:
    with pytest.raises(ValueError, match="inputs: expected last axes"):
        forward(parameters, np.ones((1, 4)))


def test_float32_is_kept_only_where_it_is_asked_for(parameters, examples) -> None:
    single = [array.astype(np.float32) for array in parameters]
    inputs = examples[0].astype(np.float32)
    assert forward(single, inputs)[-1].dtype == np.float64
    seen = forward(single, inputs, keep_float32=True)
    errors = backward(single, seen, np.ones_like(seen[-1]), keep_float32=True)
    assert {array.dtype for array in (*seen, *errors)} == {np.dtype(np.float32)}
    np.testing.assert_allclose(seen[-1], forward(single, inputs)[-1], atol=1e-5)
