"""The exercises of lesson 04 on backpropagation: its three steps, and a whole network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake
from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.backpropagation import hidden_error, layer_gradients
from deployworkbook.formulas.losses import categorical_cross_entropy_from_logits_gradient
from deployworkbook.formulas.perceptron import loss_and_gradients

Array = NDArray[np.float64]

TARGETS = (
    (np.array([[1.0, 0.0, -1.0], [0.5, 0.5, 2.0]]), np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])),
    (np.array([[0.0, 3.0]]), np.array([[1.0, 0.0]])),
)
# The first case is square, so that a kernel that isn't transposed fits, too.
ERRORS = (
    (
        np.array([[-0.5, 0.5], [0.2, -0.2]]),
        np.array([[1.0, -2.0], [0.5, 3.0]]),
        np.array([[2.0, 0.0], [0.5, 1.5]]),
    ),
    (np.array([[0.3, -0.1]]), np.array([[1.0, 2.0], [0.0, -1.0], [4.0, 1.0]]), np.ones((1, 3))),
)
INPUTS = (
    (np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[-1.0, 0.5], [0.2, 0.1]])),
    (np.array([[1.0, 2.0, 0.5]]), np.array([[0.4, -0.4]])),
)
NETWORKS = (
    (
        np.array([[1.0, -1.0], [0.5, 1.0], [-0.5, 0.25]]),
        np.array([0.1, -0.2]),
        np.array([[1.0, -0.5], [0.5, 2.0]]),
        np.array([0.0, 0.3]),
        np.array([[1.0, 2.0, 0.0], [2.0, 0.5, 1.0]]),
        np.array([[1.0, 0.0], [0.0, 1.0]]),
    ),
    (
        np.array([[0.3], [-0.6]]),
        np.array([0.5]),
        np.array([[1.0, 0.0, -1.0]]),
        np.array([0.1, 0.0, 0.0]),
        np.array([[1.0, 1.0], [-1.0, 2.0], [0.5, 0.0]]),
        np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    ),
)


def _first_kernel(
    w1: Array, b1: Array, w2: Array, b2: Array, inputs: Array, targets: Array
) -> Array:
    return loss_and_gradients([w1, b1, w2, b2], inputs, targets)[1][0]


def _unmasked(w1: Array, b1: Array, w2: Array, b2: Array, inputs: Array, targets: Array) -> Array:
    hidden = np.maximum(inputs @ w1 + b1, 0)
    error = softmax(hidden @ w2 + b2) - targets
    return inputs.T @ (error @ w2.T) / len(inputs)


def _without_relu(
    w1: Array, b1: Array, w2: Array, b2: Array, inputs: Array, targets: Array
) -> Array:
    hidden = inputs @ w1 + b1
    error = softmax(hidden @ w2 + b2) - targets
    return inputs.T @ ((error @ w2.T) * (hidden > 0)) / len(inputs)


def _without_targets(
    w1: Array, b1: Array, w2: Array, b2: Array, inputs: Array, targets: Array
) -> Array:
    hidden = np.maximum(inputs @ w1 + b1, 0)
    error = softmax(hidden @ w2 + b2)
    return inputs.T @ hidden_error(error, w2, hidden) / len(inputs)


EXERCISES = (
    Exercise(
        id="backpropagation.output_error",
        expected="a function of logits and targets that returns an array of their shape",
        reference=lambda logits, targets: categorical_cross_entropy_from_logits_gradient(
            targets, logits
        ),
        cases=TARGETS,
        hints=(
            "Turn each row of logits into probabilities first.",
            "The error is what the model says minus what it should have said, in each row.",
            "softmax(logits) - targets",
        ),
        mistakes=(
            Mistake(
                lambda logits, targets: targets - softmax(logits),
                "The sign is wrong: raising the logit of a wrong class raises the loss, so its "
                "error is positive.",
            ),
            Mistake(
                lambda logits, targets: softmax(logits),
                "The targets are missing. With the right answer known, a probability of 1 for it "
                "should leave no error.",
            ),
            Mistake(
                lambda logits, targets: logits - targets,
                "Logits aren't probabilities yet: apply the softmax first.",
            ),
            Mistake(
                lambda logits, targets: np.exp(logits) / np.exp(logits).sum() - targets,
                "Your probabilities sum to 1 over the whole batch. Each example, a row, needs its "
                "own sum (axis=-1, keepdims=True).",
            ),
        ),
    ),
    Exercise(
        id="backpropagation.hidden_error",
        expected="a function of error, kernel and hidden values that returns an array, a row per "
        "example and a column per hidden unit",
        reference=lambda error, kernel, hidden: hidden_error(error, kernel, hidden),
        cases=ERRORS,
        hints=(
            "A hidden unit's error is a sum over the outputs: weight to that output times its "
            "error. Which matrix product sums over outputs?",
            "Kernels have the shape [hidden units, outputs]; the sum over outputs needs the "
            "transpose.",
            "(error @ kernel.T) * (hidden > 0)",
        ),
        mistakes=(
            Mistake(
                lambda error, kernel, hidden: error @ kernel.T,
                "A unit that its ReLU has switched off passes no error on: where hidden is 0, so "
                "is its error.",
            ),
            Mistake(
                lambda error, kernel, hidden: (
                    (error @ (kernel if kernel.shape[0] == kernel.shape[1] else kernel.T))
                    * (hidden > 0)
                ),
                "Your kernel points forward. The error goes the other way, so transpose it: here "
                "the shapes fit only because the layer has as many inputs as outputs.",
            ),
            Mistake(
                lambda error, kernel, hidden: (error @ kernel.T) * hidden,
                "You multiply by the hidden values. The ReLU's slope is 1 where a unit is on and "
                "0 where it is off, however large its value.",
            ),
            Mistake(
                lambda error, kernel, hidden: np.maximum(error @ kernel.T, 0),
                "That switches off negative errors. It is the hidden value that decides, not the "
                "error's sign.",
            ),
        ),
    ),
    Exercise(
        id="backpropagation.kernel_gradient",
        expected="a function of a layer's inputs and error that returns an array, a row per input "
        "and a column per unit",
        reference=lambda inputs, error: layer_gradients(inputs, error)[0],
        cases=INPUTS,
        hints=(
            "In one example, the weight from input i to unit j has the gradient input i times "
            "error j. Which product gives all of them at once?",
            "Sum over the examples with a matrix product, then divide by their number.",
            "inputs.T @ error / len(inputs)",
        ),
        mistakes=(
            Mistake(
                lambda inputs, error: inputs.T @ error,
                "That is the sum over the batch. The loss is a mean over its examples, so divide "
                "by their number.",
            ),
            Mistake(
                lambda inputs, error: error.T @ inputs / len(inputs),
                "Right numbers, transposed: a gradient has the shape of its kernel, [inputs, "
                "units].",
            ),
            Mistake(
                lambda inputs, error: inputs.mean(axis=0)[:, None] * error.mean(axis=0),
                "You multiply two means. Multiply within each example first, then take the mean: "
                "otherwise one example's inputs meet another one's errors.",
            ),
        ),
    ),
    Exercise(
        id="backpropagation.network",
        expected="a function of w1, b1, w2, b2, inputs and targets that returns the gradient with "
        "respect to w1, an array of its shape",
        reference=_first_kernel,
        cases=NETWORKS,
        hints=(
            "Go forward first and keep what you will need: the hidden values and the logits.",
            "Then call your three functions in order: the output's error, the hidden units' "
            "error, and the gradient of the weights between inputs and hidden units.",
            "hidden = np.maximum(inputs @ w1 + b1, 0); the rest is kernel_gradient(inputs, "
            "hidden_error(output_error(hidden @ w2 + b2, targets), w2, hidden))",
        ),
        mistakes=(
            Mistake(
                _unmasked,
                "Some units are off in some examples, and your error passes through them "
                "nevertheless.",
            ),
            Mistake(
                _without_relu,
                "The forward pass has lost its ReLU: hidden values can't be negative.",
            ),
            Mistake(
                lambda w1, b1, w2, b2, inputs, targets: (
                    len(inputs) * _first_kernel(w1, b1, w2, b2, inputs, targets)
                ),
                "That is the sum over the batch, not the mean.",
            ),
            Mistake(
                _without_targets,
                "The targets don't enter: the output's error is the probabilities minus the "
                "targets.",
            ),
        ),
    ),
)

PREDICTIONS: tuple[GuessQuestion, ...] = ()
