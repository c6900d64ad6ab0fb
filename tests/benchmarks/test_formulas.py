"""The formulas against loops in plain Python, and against the library that does the same.

Each ratio is measured within its test, the two sides in turn, so that a busy machine slows both.
The limits leave each a factor of two at least.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np
import pytest

from deployworkbook.formulas.clipping import mse_optimal_grid
from deployworkbook.formulas.descent import State, adam
from deployworkbook.formulas.importance import fisher
from deployworkbook.formulas.integer_inference import integer_matmul
from deployworkbook.formulas.losses import categorical_cross_entropy_from_logits
from deployworkbook.formulas.masks import global_masks
from deployworkbook.formulas.perceptron import loss_and_gradients
from deployworkbook.formulas.quantization import fake_quantize, make_grid
from deployworkbook.training.keras import keras, tf


def speed_ratio(fast: Callable[[], object], baseline: Callable[[], object], rounds: int) -> float:
    """How many times longer the baseline takes, by the shortest of interleaved runs."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for function, record in zip((fast, baseline), times, strict=True):
            start = perf_counter()
            function()
            record.append(perf_counter() - start)
    return min(times[1]) / min(times[0])


@pytest.fixture
def compare(benchmark):
    """Record a formula's time and its ratio to a named baseline; return the ratio."""

    def run(
        fast: Callable[[], object], baseline: Callable[[], object], *, group: str, against: str
    ) -> float:
        benchmark.group = group
        fast(), baseline()  # neither pays for its first call
        ratio = speed_ratio(fast, baseline, rounds=5)
        benchmark.extra_info[f"ratio to {against}"] = round(ratio, 3)
        benchmark.pedantic(fast, rounds=5)
        return ratio

    return run


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


def test_adam_against_keras(compare, weights) -> None:
    variable, optimizer = tf.Variable(weights), keras.optimizers.Adam()
    gradient = tf.constant(weights)

    def library() -> None:
        optimizer.apply_gradients([(gradient, variable)])

    formula = partial(adam, weights, weights, State())
    assert compare(formula, library, group="Adam", against="Keras") > 2


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
