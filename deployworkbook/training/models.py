"""The workbook's networks: the MLP that is deployed, and a small CNN that teaches it."""

from __future__ import annotations

from typing import Any

from deployworkbook.training.keras2 import keras
from deployworkbook.training.mnist import CLASSES
from deployworkbook.validation import check_integer, check_number


def mlp(*, hidden_units: int = 128, dropout: float = 0.2) -> Any:
    """Build the multilayer perceptron that the workbook deploys.

        p = softmax(W₂ᵀ relu(W₁ᵀ x + b₁) + b₂),   x ∈ R⁷⁸⁴

    Args:
        hidden_units: Width of the hidden layer.
        dropout: Fraction of the hidden units that each training step leaves out, in [0, 1).

    Returns:
        A ``keras.Sequential`` from ``[n, 28, 28]`` to probabilities ``[n, 10]``; with the
        defaults it has 784 · 128 + 128 + 128 · 10 + 10 = 101,770 weights.

    >>> mlp().count_params()
    101770
    """
    units = check_integer("hidden_units", hidden_units, 1)
    rate = check_number("dropout", dropout, 0, 1, open_high=True)
    return keras.Sequential(
        [
            keras.layers.Flatten(input_shape=(28, 28)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(rate),
            keras.layers.Dense(CLASSES, activation="softmax"),
        ],
        name="mlp",
    )


def cnn() -> Any:
    """Build a small convolutional network, which is better than the MLP and slower: its teacher.

    Returns:
        A ``keras.Sequential`` from ``[n, 28, 28]`` to probabilities ``[n, 10]``.

    >>> cnn().output_shape
    (None, 10)
    """
    return keras.Sequential(
        [
            keras.layers.Reshape((28, 28, 1), input_shape=(28, 28)),
            keras.layers.Conv2D(16, 5, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(CLASSES, activation="softmax"),
        ],
        name="cnn",
    )
