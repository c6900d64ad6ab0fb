"""Pruning by importance: prune the least important weights, a few at a time, while training.

Magnitude ignores the data: the weights of a pixel that is always black keep their random initial
values, so some of them survive. Fisher information shows that they never change a prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from deployworkbook.compression.retrain import Retraining, Settings
from deployworkbook.compression.training_set import Examples
from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.importance import fisher, magnitude, optimal_brain_damage, taylor
from deployworkbook.formulas.masks import cubic_sparsity, global_masks, layer_mask
from deployworkbook.formulas.perceptron import loss_and_gradients
from deployworkbook.training.keras2 import keras
from deployworkbook.validation import check_choice, check_integer, check_number, value_error

Criterion = Literal["magnitude", "taylor", "fisher"]
Scope = Literal["global", "layer"]
CRITERIA: tuple[Criterion, ...] = ("magnitude", "taylor", "fisher")
SCOPES: tuple[Scope, ...] = ("global", "layer")


@dataclass(frozen=True)
class Pruning:
    """What to prune, and how fast.

    Args:
        sparsity: Fraction of the weights to prune, in [0, 1); biases are never pruned.
        criterion: Importance criterion: ``"magnitude"``, ``"taylor"`` or ``"fisher"``.
        scope: Whether the fraction is of all weights together (``"global"``) or of each layer.
        full: Fraction of the steps after which the sparsity is reached, on the cubic schedule.
        settled: Fraction of the steps after which the masks no longer change.
        every: Maximum number of steps between two choices of masks.
        sample: Number of examples per choice.
        fade: Fraction by which a pruned weight shrinks per step; below 1 it may come back.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is out of range.

    Source: the schedule: M. Zhu and S. Gupta, 2017; weights that come back: Y. Guo, A. Yao and
    Y. Chen, "Dynamic network surgery for efficient DNNs", NIPS 2016.
    """

    sparsity: float = 0.95
    criterion: Criterion = "fisher"
    scope: Scope = "global"
    full: float = 0.6
    settled: float = 0.8
    every: int = 50
    sample: int = 1000
    fade: float = 1.0

    def __post_init__(self) -> None:
        check_number("sparsity", self.sparsity, 0, 1, open_high=True)
        check_choice("criterion", self.criterion, CRITERIA)
        check_choice("scope", self.scope, SCOPES)
        check_number("full", self.full, 0, 0.95, open_low=True)
        check_number("settled", self.settled, self.full, 0.95)
        check_integer("every", self.every, 1)
        check_integer("sample", self.sample, 1)
        check_number("fade", self.fade, 0, 1, open_low=True)


def importance(
    model: Any, examples: Examples, *, criterion: Criterion = "fisher"
) -> list[NDArray[np.float64]]:
    """Score the importance of a perceptron's weights.

    Args:
        model: Dense layers with ReLU, a softmax at the end.
        examples: Examples for the criteria that depend on data; all are used.
        criterion: ``"magnitude"``, ``"taylor"`` or ``"fisher"``.

    Returns:
        One array per kernel, in its shape.

    Raises:
        ValueError: The criterion is unknown, or the model is no perceptron.
    """
    check_perceptron(model)
    parameters = model.get_weights()
    return _scores(parameters, parameters[0::2], examples, criterion)


def prune(
    model: Any,
    examples: Examples,
    *,
    pruning: Pruning,
    settings: Settings,
    bits: int | None = None,
    progress: Any = None,
) -> Any:
    """Prune a perceptron while training it further.

    Args:
        model: Dense layers with ReLU, a softmax at the end; not changed.
        examples: Training examples, with or without a teacher's logits.
        pruning: What to prune, and how fast.
        settings: Training settings.
        bits: Bits of the grid that the weights stay on; ``None`` for no grid.
        progress: A tqdm bar to update per step; by default a new one.

    Returns:
        A new Keras model with at least the given fraction of its kernels' weights exactly 0.

    Raises:
        ValueError: The model is no perceptron.
    """
    check_perceptron(model)
    training = Retraining(model, examples, settings=settings, fade=pruning.fade, bits=bits)
    chance = np.random.default_rng(settings.seed)
    # In a short training, choose masks more often, so that the last choice comes in time.
    every = min(pruning.every, max(1, training.steps // 25))
    masks = [np.ones(kernel.shape, dtype=bool) for kernel in training.kernels]
    with tqdm(total=training.steps, unit="step", disable=progress is not None) as own:
        bar = own if progress is None else progress
        while training.step < training.steps:
            if training.step <= pruning.settled * training.steps + every:
                share = cubic_sparsity(
                    training.step,
                    begin=0,
                    end=pruning.full * training.steps,
                    final=pruning.sparsity,
                )
                seen = _draw(examples, pruning.sample, chance)
                scores = _scores(training.parameters, training.kernels, seen, pruning.criterion)
                if pruning.fade == 1.0:
                    # Pruned weights stay pruned, even if their score ties with a kept one's.
                    scores = [
                        np.where(mask, score, -1.0)
                        for mask, score in zip(masks, scores, strict=True)
                    ]
                masks = _masks(scores, float(share), pruning.scope)
                training.keep(masks)
            training.advance(min(every, training.steps - training.step), progress=bar)
    return training.result()


def sparsity_of(model: Any) -> float:
    """Return the fraction of the kernels' weights that is exactly 0.

    Args:
        model: A Keras model; biases don't count.
    """
    kernels = [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]
    nonzero = sum(map(np.count_nonzero, kernels))
    return 1.0 - nonzero / float(sum(kernel.size for kernel in kernels))


def check_perceptron(model: Any) -> None:
    """Raise an error for a model that isn't dense layers with ReLU and a softmax at the end.

    Raises:
        ValueError: The model has other layers or activations.
    """
    layers = [layer for layer in model.layers if layer.weights]
    activations = [getattr(layer, "activation", None) for layer in layers]
    wanted = [keras.activations.relu] * (len(layers) - 1) + [keras.activations.softmax]
    if activations != wanted or not all(isinstance(one, keras.layers.Dense) for one in layers):
        raise value_error(
            "model",
            received=", ".join(type(layer).__name__ for layer in model.layers),
            expected="dense layers with relu, the last with softmax",
        )


def _scores(
    parameters: Sequence[NDArray[np.float32]],
    kernels: Sequence[NDArray[np.float32]],
    examples: Examples,
    criterion: Criterion,
) -> list[NDArray[np.float64]]:
    """Score kernels, which include fading weights that the model no longer computes with."""
    check_choice("criterion", criterion, CRITERIA)
    if criterion == "magnitude":
        return [magnitude(kernel) for kernel in kernels]
    inputs = examples.images.reshape(len(examples.images), -1)
    if criterion == "fisher":
        information = fisher(parameters, inputs)[0::2]
        return [optimal_brain_damage(*pair) for pair in zip(kernels, information, strict=True)]
    targets = one_hot(examples.labels, parameters[-1].size)
    _, gradients = loss_and_gradients(parameters, inputs, targets)
    return [taylor(*pair) for pair in zip(kernels, gradients[0::2], strict=True)]


def _masks(
    scores: Sequence[NDArray[np.float64]], share: float, scope: Scope
) -> list[NDArray[np.bool_]]:
    if scope == "global":
        return global_masks(scores, share)
    return [layer_mask(score, share) for score in scores]


def _draw(examples: Examples, count: int, chance: np.random.Generator) -> Examples:
    size = min(count, len(examples.labels))
    chosen = chance.choice(len(examples.labels), size, replace=False)
    return Examples(examples.images[chosen], examples.labels[chosen])
