"""Prune whole neurons: a column of one matrix and a row of the next, so both shrink.

Single zeros make a file zip better but not run faster, because the kernels multiply by them; a
smaller matrix does both.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.compression.pruning import check_perceptron, importance
from deployworkbook.compression.retrain import Retraining, Settings
from deployworkbook.compression.training_set import Examples
from deployworkbook.formulas.masks import neuron_mask
from deployworkbook.training.keras2 import keras
from deployworkbook.validation import check_number, value_error


def prune_neurons(
    model: Any,
    examples: Examples,
    *,
    share: float,
    settings: Settings,
) -> Any:
    """Prune the least important hidden neurons by Fisher information, and train the others further.

    A neuron's importance is the sum of the importances of its incoming weights.

    Args:
        model: Dense layers with ReLU, a softmax at the end; not changed.
        examples: Examples for the importance and for the training.
        share: Fraction of each hidden layer's neurons to prune, in [0, 1).
        settings: Training settings.

    Returns:
        A new Keras model with fewer neurons.
    """
    check_number("share", share, 0, 1, open_high=True)
    scores = importance(model, examples)
    kept = [np.asarray(neuron_mask(score, share).all(axis=0)) for score in scores[:-1]]
    training = Retraining(shrink(model, kept), examples, settings=settings)
    training.advance()
    return training.result()


def shrink(model: Any, kept: Sequence[NDArray[np.bool_]]) -> Any:
    """Build the smaller model that computes what ``model`` does with some neurons held at 0.

    Args:
        model: Dense layers with ReLU, a softmax at the end; not changed.
        kept: For each hidden layer, True for neurons to keep, at least one.

    Raises:
        ValueError: A length is wrong, or a layer would lose all its neurons.
    """
    check_perceptron(model)
    parameters = model.get_weights()
    widths = [bias.size for bias in parameters[1:-2:2]]
    if [len(each) for each in kept] != widths or not all(np.any(each) for each in kept):
        received = [f"{np.sum(each)} of {len(each)}" for each in kept]
        expected = f"at least one True per hidden layer of {widths} neurons"
        raise value_error("kept", received=f"{received}", expected=expected)
    # All pixels and all classes stay.
    sides = [np.ones(len(parameters[0]), bool), *kept, np.ones(parameters[-1].size, bool)]
    smaller = []
    for index, (before, after) in enumerate(pairwise(sides)):
        smaller += [parameters[2 * index][before][:, after], parameters[2 * index + 1][after]]
    return _with_parameters(model, smaller)


def without_idle_neurons(model: Any) -> Any:
    """Remove neurons that have no effect, once many of their weights are 0.

    A neuron without outgoing weights is removed. One without incoming weights always outputs
    relu(b): this is added to the next layer's biases, and the neuron is removed too.

    Args:
        model: Dense layers with ReLU, a softmax at the end; not changed.
    """
    check_perceptron(model)
    parameters = [values.copy() for values in model.get_weights()]
    kept = []
    for index in range(0, len(parameters) - 2, 2):
        kernel, bias, following = parameters[index : index + 3]
        reached, heard = kernel.any(axis=0), following.any(axis=1)
        parameters[index + 3] += np.where(reached, 0, np.maximum(bias, 0)) @ following
        alive = reached & heard
        # Keep one neuron per layer, because a matrix has at least one column.
        alive[0] |= not alive.any()
        kept.append(alive)
        following[~reached] = 0
    return shrink(_with_parameters(model, parameters), kept)


def _with_parameters(model: Any, parameters: Sequence[NDArray[np.float32]]) -> Any:
    config = model.get_config()
    widths = iter(bias.size for bias in parameters[1::2])
    for layer in config["layers"]:
        if layer["class_name"] == "Dense":
            layer["config"]["units"] = next(widths)
    copy = keras.Sequential.from_config(config)
    copy.set_weights(parameters)
    return copy
