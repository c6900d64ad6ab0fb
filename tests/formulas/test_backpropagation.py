"""Backpropagation by hand, against differences, and against TensorFlow."""

import numpy as np
import pytest

from deployworkbook.formulas.backpropagation import (
    central_differences,
    hidden_error,
    layer_gradients,
)
from deployworkbook.formulas.perceptron import loss_and_gradients
from deployworkbook.training.keras2 import tf
from tests.formulas.random_network import network

# Lesson 04's network, whose numbers are chosen to be computed by hand.
BY_HAND = [
    np.array([[1.0, 1.0], [0.5, -1.0]]),
    np.zeros(2),
    np.array([[1.0, -1.0], [0.5, 1.0]]),
    np.array([-2.0, 2.0]),
]


def by_tensorflow(parameters, inputs, targets):
    """Return the gradients of the mean cross-entropy that TensorFlow computes in float64."""
    variables = [tf.Variable(values, dtype=tf.float64) for values in parameters]
    with tf.GradientTape() as tape:
        values = tf.constant(inputs, tf.float64)
        for place in range(0, len(variables), 2):
            values = values @ variables[place] + variables[place + 1]
            if place + 2 < len(variables):
                values = tf.nn.relu(values)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, values))
    return [gradient.numpy() for gradient in tape.gradient(loss, variables)]


def test_the_network_of_lesson_04_by_hand():
    # x = (1, 2): sums (2, -1), h = (2, 0), logits (0, 0), p = (½, ½), target (1, 0)
    loss, gradients = loss_and_gradients(BY_HAND, [[1.0, 2.0]], [[1.0, 0.0]])
    assert loss == pytest.approx(np.log(2))
    expected = [
        [[-1.0, 0.0], [-2.0, 0.0]],  # x times (-1, 0)
        [-1.0, 0.0],
        [[-1.0, 1.0], [0.0, 0.0]],  # h times (-½, ½)
        [-0.5, 0.5],
    ]
    for gradient, values in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, values, atol=1e-15)


@pytest.mark.parametrize(
    ("widths", "count"), [((2, 2, 2), 1), ((2, 2, 2), 8), ((6, 5, 4, 3), 20)], ids=str
)
def test_gradients_equal_central_differences(widths, count):
    parameters, inputs, targets = network(widths, count)
    _, gradients = loss_and_gradients(parameters, inputs, targets)
    slopes = central_differences(
        lambda moved: loss_and_gradients(moved, inputs, targets)[0], parameters
    )
    for gradient, slope in zip(gradients, slopes, strict=True):
        np.testing.assert_allclose(gradient, slope, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("widths", "count"), [((2, 2, 2), 1), ((6, 5, 4, 3), 20), ((784, 128, 10), 32)], ids=str
)
def test_gradients_equal_tensorflow(widths, count):
    parameters, inputs, targets = network(widths, count)
    _, gradients = loss_and_gradients(parameters, inputs, targets)
    theirs = by_tensorflow(parameters, inputs, targets)
    for gradient, other in zip(gradients, theirs, strict=True):
        np.testing.assert_allclose(gradient, other, rtol=0, atol=1e-12)


def test_an_error_is_shared_by_weight_and_stops_at_units_that_are_off():
    # 2 · 3 + 1 · 4 = 10 for the first unit, 2 · 5 + 1 · 6 = 16 for the second
    kernel = [[3.0, 4.0], [5.0, 6.0]]
    np.testing.assert_array_equal(hidden_error([[2.0, 1.0]], kernel, [[1.0, 1.0]]), [[10, 16]])
    np.testing.assert_array_equal(hidden_error([[2.0, 1.0]], kernel, [[0.0, 1.0]]), [[0, 16]])


def test_gradients_of_a_batch_are_the_mean_of_its_examples():
    inputs, errors = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [-2.0]])
    kernel, bias = layer_gradients(inputs, errors)
    # (1 · 1 - 3 · 2) / 2 and (2 · 1 - 4 · 2) / 2; (1 - 2) / 2
    np.testing.assert_array_equal(kernel, [[-2.5], [-3.0]])
    np.testing.assert_array_equal(bias, [-0.5])


def test_central_differences_leave_the_parameters_as_they_were():
    values = np.array([1.0, -2.0])
    (slopes,) = central_differences(lambda moved: float((moved[0] ** 3).sum()), [values])
    np.testing.assert_allclose(slopes, [3.0, 12.0], atol=1e-9)
    np.testing.assert_array_equal(values, [1.0, -2.0])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: hidden_error(np.ones((1, 3)), np.ones((2, 2)), np.ones((1, 2))), "error: "),
        (lambda: hidden_error(np.ones((1, 2)), np.ones((3, 2)), np.ones((1, 2))), "kernel: "),
        (lambda: layer_gradients(np.ones((2, 3)), np.ones((1, 2))), "error: "),
        (lambda: central_differences(lambda _: 0.0, [1.0], step=0.0), "step: "),
    ],
)
def test_shapes_and_steps_that_do_not_fit_are_refused(call, text):
    with pytest.raises(ValueError, match=text):
        call()
