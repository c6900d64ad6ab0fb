"""Pruning by importance: the weights that matter least go, a few at a time, while the rest learns.

A magnitude is blind to the data: a pixel that is always black leaves its weights where chance put
them, and they stay. Fisher information sees that they never change a prediction.
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
        sparsity: Share of the weights that go, in [0, 1); biases all stay.
        criterion: What a weight matters by: ``"magnitude"``, ``"taylor"`` or ``"fisher"``.
        scope: Whether the share is that of all weights together, or of each layer.
        full: Share of the steps after which the sparsity is reached, on the cubic schedule.
        settled: Share of the steps after which the masks stand.
        every: Steps from one choice of masks to the next, at most.
        sample: Examples that a choice looks at.
        fade: By which share a pruned weight shrinks at each step; below 1 it may come back.

    Raises:
        TypeError: A value is of another type.
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
    """Score the weights of a perceptron.

    Args:
        model: Dense layers with ReLU, a softmax at the end.
        examples: What the data-dependent criteria look at, all of it.
        criterion: ``"magnitude"``, ``"taylor"`` or ``"fisher"``.

    Returns:
        For each kernel, an array of its shape.

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
    """Prune a perceptron while it learns on.

    Args:
        model: Dense layers with ReLU, a softmax at the end; not changed.
        examples: What it learns from, with or without a teacher's logits.
        pruning: What goes.
        settings: How it learns meanwhile.
        bits: Of the grid that its weights stay on; ``None`` for none.
        progress: A tqdm bar to move, one a step; by default one of its own.

    Returns:
        A new Keras model with at least the asked share of its kernels' weights exactly 0.

    Raises:
        ValueError: The model is no perceptron.
    """
    check_perceptron(model)
    training = Retraining(model, examples, settings=settings, fade=pruning.fade, bits=bits)
    chance = np.random.default_rng(settings.seed)
    # In a short training the choices come closer together, so that the last is in time.
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
                    # What is gone is gone, also where its score ties with that of a weight.
                    scores = [
                        np.where(mask, score, -1.0)
                        for mask, score in zip(masks, scores, strict=True)
                    ]
                masks = _masks(scores, float(share), pruning.scope)
                training.keep(masks)
            training.advance(min(every, training.steps - training.step), progress=bar)
    return training.result()


def sparsity_of(model: Any) -> float:
    """Share of the kernels' weights that are exactly 0.

    Args:
        model: A Keras model; biases don't count.
    """
    kernels = [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]
    nonzero = sum(map(np.count_nonzero, kernels))
    return 1.0 - nonzero / float(sum(kernel.size for kernel in kernels))


def check_perceptron(model: Any) -> None:
    """Refuse a model that is not of dense layers with ReLU and a softmax at the end.

    Raises:
        ValueError: It is not.
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
    """Score kernels that may hold more than the model computes with: what fades may come back."""
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
