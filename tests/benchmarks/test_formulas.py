"""The formulas against loops in plain Python, and against the library that does the same.

Each ratio is measured within its test, the two sides in turn, so that a busy machine slows both.
The limits leave each a factor of two at least.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from deployworkbook.formulas.clipping import mse_optimal_grid
from deployworkbook.formulas.descent import (
    State,
    adam,
    gradient_descent,
    momentum,
    nesterov,
    rmsprop,
)
from deployworkbook.formulas.importance import fisher
from deployworkbook.formulas.integer_inference import integer_matmul
from deployworkbook.formulas.losses import (
    categorical_cross_entropy_from_logits,
    categorical_cross_entropy_from_logits_gradient,
    mean_squared_error,
)
from deployworkbook.formulas.masks import global_masks
from deployworkbook.formulas.perceptron import loss_and_gradients
from deployworkbook.formulas.quantization import fake_quantize, make_grid
from deployworkbook.formulas.surfaces import rosenbrock
from deployworkbook.formulas.trajectories import sweep, trajectory
from deployworkbook.training.keras2 import keras, tf

pytestmark = pytest.mark.timing

RULES = {
    "gradient descent": (gradient_descent, keras.optimizers.SGD),
    "momentum": (momentum, partial(keras.optimizers.SGD, momentum=0.9)),
    "Nesterov": (nesterov, partial(keras.optimizers.SGD, momentum=0.9, nesterov=True)),
    "RMSProp": (rmsprop, keras.optimizers.RMSprop),
    "Adam": (adam, keras.optimizers.Adam),
}


@pytest.fixture(scope="module")
def logits() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(10_000, 10))


@pytest.fixture(scope="module")
def targets() -> np.ndarray:
    return np.eye(10)[np.random.default_rng(1).integers(0, 10, size=10_000)]


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    """As many as the article's first layer has."""
    return np.random.default_rng(0).normal(size=(784, 128))


def test_cross_entropy_against_loops(compare, logits, targets) -> None:
    few, few_targets = logits[:500].tolist(), targets[:500].tolist()

    def loops() -> list[float]:
        losses = []
        for row, target in zip(few, few_targets, strict=True):
            largest = max(row)
            total = math.log(sum(math.exp(z - largest) for z in row)) + largest
            losses.append(-sum(y * (z - total) for y, z in zip(target, row, strict=True)))
        return losses

    formula = partial(categorical_cross_entropy_from_logits, targets[:500], logits[:500])
    np.testing.assert_allclose(formula(), loops())
    assert compare(formula, loops, group="cross-entropy", against="loops") > 2


def test_cross_entropy_against_keras(compare, logits, targets) -> None:
    def library() -> np.ndarray:
        return keras.losses.categorical_crossentropy(targets, logits, from_logits=True).numpy()

    formula = partial(categorical_cross_entropy_from_logits, targets, logits)
    assert compare(formula, library, group="cross-entropy", against="Keras") > 1 / 4


def test_cross_entropy_gradient_against_keras(compare, logits, targets) -> None:
    variable = tf.constant(logits)

    def library() -> np.ndarray:
        with tf.GradientTape() as tape:
            tape.watch(variable)
            loss = keras.losses.categorical_crossentropy(targets, variable, from_logits=True)
        return tape.gradient(loss, variable).numpy()

    formula = partial(categorical_cross_entropy_from_logits_gradient, targets, logits)
    np.testing.assert_allclose(formula(), library(), atol=1e-12)
    assert compare(formula, library, group="cross-entropy gradient", against="Keras") > 1 / 4


def test_squared_error_against_loops(compare, logits, targets) -> None:
    few, few_targets = logits[:500].tolist(), targets[:500].tolist()

    def loops() -> list[float]:
        return [
            sum((y - p) ** 2 for y, p in zip(target, row, strict=True)) / len(row)
            for row, target in zip(few, few_targets, strict=True)
        ]

    formula = partial(mean_squared_error, targets[:500], logits[:500])
    np.testing.assert_allclose(formula(), loops())
    assert compare(formula, loops, group="squared error", against="loops") > 5


def test_squared_error_against_keras(compare, logits, targets) -> None:
    def library() -> np.ndarray:
        return keras.losses.mean_squared_error(targets, logits).numpy()

    formula = partial(mean_squared_error, targets, logits)
    assert compare(formula, library, group="squared error", against="Keras") > 1 / 4


def test_adam_against_loops(compare, weights) -> None:
    parameters, gradient = weights.ravel()[:5000], weights.ravel()[5000:10_000]
    plain = list(zip(parameters.tolist(), gradient.tolist(), strict=True))

    def loops() -> list[float]:
        stepped = []
        for w, g in plain:
            mean, square = 0.1 * g, 0.001 * g * g
            rate = 0.001 * math.sqrt(1 - 0.999) / (1 - 0.9)
            stepped.append(w - rate * mean / (math.sqrt(square) + 1e-7))
        return stepped

    formula = partial(adam, parameters, gradient, State())
    np.testing.assert_allclose(formula()[0], loops())
    assert compare(formula, loops, group="Adam", against="loops") > 4


@pytest.mark.parametrize("name", RULES)
def test_rule_against_keras(compare, weights, name: str) -> None:
    rule, optimizer = RULES[name]
    variable, library_rule = tf.Variable(weights), optimizer(0.001)
    gradient = tf.constant(weights)

    def library() -> None:
        library_rule.apply_gradients([(gradient, variable)])

    formula = partial(rule, weights, weights, State(), learning_rate=0.001)
    assert compare(formula, library, group=name, against="Keras") > 2


def test_sweep_against_a_walk_for_each_rate(compare) -> None:
    surface, rates = rosenbrock(), np.geomspace(1e-4, 1e-2, 50)
    walk = {"gradient": surface.gradient, "start": surface.start, "steps": 50, "loss": surface.loss}

    def loops() -> np.ndarray:
        bound = [partial(momentum, learning_rate=float(rate)) for rate in rates]
        return np.stack([trajectory(rule, **walk).losses for rule in bound], axis=1)

    rates = rates[np.isfinite(sweep(momentum, learning_rates=rates, **walk)[-1])]  # of one length
    formula = partial(sweep, momentum, learning_rates=rates, **walk)
    np.testing.assert_allclose(formula(), loops(), rtol=1e-6)
    assert compare(formula, loops, group="sweep", against="single walks") > 5


def test_training_step_against_keras(compare, weights) -> None:
    generator = np.random.default_rng(0)
    parameters = [weights * 0.05, np.zeros(128), generator.normal(size=(128, 10)), np.zeros(10)]
    inputs = generator.normal(size=(32, 784))
    labels = np.eye(10)[generator.integers(0, 10, size=32)]
    layers = [keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10)]
    model = keras.Sequential([keras.layers.InputLayer(784), *layers])
    model.set_weights(parameters)
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    library = partial(model.train_on_batch, inputs, labels)
    formula = partial(loss_and_gradients, parameters, inputs, labels)
    assert compare(formula, library, group="training step", against="Keras") > 2


def test_fake_quantization_against_loops(compare, weights) -> None:
    grid = make_grid(-4.0, 4.0, bits=8, scheme="symmetric")
    scale, plain = float(grid.scale), weights.ravel()[:5000].tolist()

    def loops() -> list[float]:
        return [scale * min(max(round(w / scale), -127), 127) for w in plain]

    formula = partial(fake_quantize, weights.ravel()[:5000], grid)
    np.testing.assert_allclose(formula(), loops())
    assert compare(formula, loops, group="fake quantization", against="loops") > 5


def test_fake_quantization_against_tensorflow(compare, weights) -> None:
    grid = make_grid(-4.0, 4.0, bits=8, scheme="asymmetric")
    values = weights.astype(np.float32)

    def library() -> np.ndarray:
        return tf.quantization.fake_quant_with_min_max_vars(values, -4.0, 4.0).numpy()

    formula = partial(fake_quantize, weights, grid)
    assert compare(formula, library, group="fake quantization", against="TensorFlow") > 1 / 10


def test_optimal_clipping_against_one_rounding(compare, weights) -> None:
    # At 8 bits it tries 96 scales.
    grid = make_grid(-4.0, 4.0, bits=8, scheme="symmetric")
    search = partial(mse_optimal_grid, weights, bits=8, scheme="symmetric")
    one = partial(fake_quantize, weights, grid)
    assert compare(search, one, group="optimal clipping", against="one rounding") > 1 / 300


def test_integer_matmul_against_loops(compare) -> None:
    left, right = np.random.default_rng(0).integers(-128, 128, size=(2, 48, 48))
    rows, columns = left.tolist(), right.T.tolist()

    def loops() -> list[list[int]]:
        return [
            [sum(x * w for x, w in zip(row, column, strict=True)) for column in columns]
            for row in rows
        ]

    formula = partial(integer_matmul, left, right)
    np.testing.assert_array_equal(formula(), loops())
    assert compare(formula, loops, group="integer matmul", against="loops") > 10


def test_integer_matmul_against_numpy_s_integers(compare) -> None:
    left, right = np.random.default_rng(0).integers(-128, 128, size=(2, 256, 256))
    formula = partial(integer_matmul, left, right)
    assert compare(formula, lambda: left @ right, group="integer matmul", against="NumPy") > 2


def test_fisher_against_single_gradients(compare, weights) -> None:
    generator = np.random.default_rng(0)
    parameters = [weights[:64] * 0.1, np.zeros(128), generator.normal(size=(128, 10)), np.zeros(10)]
    inputs, labels = generator.normal(size=(200, 64)), generator.integers(0, 10, size=200)
    rows = np.eye(10)[labels]

    def loops() -> np.ndarray:
        total = np.zeros_like(parameters[0])
        for x, y in zip(inputs, rows, strict=True):
            total += loss_and_gradients(parameters, x[None], y[None])[1][0] ** 2
        return total / len(inputs)

    formula = partial(fisher, parameters, inputs, labels)
    np.testing.assert_allclose(formula()[0], loops())
    assert compare(formula, loops, group="Fisher information", against="single gradients") > 5


def test_fisher_against_tensorflow(compare, weights) -> None:
    generator = np.random.default_rng(0)
    parameters = [weights[:64] * 0.1, np.zeros(128), generator.normal(size=(128, 10)), np.zeros(10)]
    inputs, labels = generator.normal(size=(100, 64)), generator.integers(0, 10, size=100)
    variables = [tf.Variable(each) for each in parameters]

    def library() -> np.ndarray:
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(inputs @ variables[0] + variables[1])
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels, hidden @ variables[2] + variables[3]
            )
        by_example = tape.jacobian(losses, variables[0])
        return tf.reduce_mean(by_example**2, axis=0).numpy()

    formula = partial(fisher, parameters, inputs, labels)
    np.testing.assert_allclose(formula()[0], library(), rtol=1e-9, atol=1e-15)
    assert compare(formula, library, group="Fisher information", against="TensorFlow") > 2


def test_global_mask_against_sorted_lists(compare, weights) -> None:
    scores = np.abs(weights).ravel()
    plain = scores.tolist()

    def loops() -> list[bool]:
        order = sorted(range(len(plain)), key=plain.__getitem__)
        dropped = set(order[: round(0.9 * len(plain))])
        return [index not in dropped for index in range(len(plain))]

    formula = partial(global_masks, [scores], 0.9)
    np.testing.assert_array_equal(formula()[0], loops())
    assert compare(formula, loops, group="global mask", against="sorted lists") > 1
