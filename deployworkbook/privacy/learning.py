"""Ordinary training in NumPy: what shadow models, devices, thieves and students learn by.

An attack trains many small networks. Each takes seconds here, and needs no framework.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from deployworkbook.formulas.adversarial import fgsm
from deployworkbook.formulas.backpropagation import layer_gradients
from deployworkbook.formulas.descent import State, adam, momentum
from deployworkbook.formulas.distillation import student_gradient
from deployworkbook.formulas.losses import categorical_cross_entropy_from_logits_gradient
from deployworkbook.formulas.perceptron import backward, forward
from deployworkbook.formulas.schedules import cosine_decay
from deployworkbook.formulas.trajectories import minibatches
from deployworkbook.privacy.networks import (
    Floats,
    Weights,
    as_vector,
    as_weights,
    flat,
    initial_weights,
)
from deployworkbook.validation import check_choice, check_integer, check_number

T = TypeVar("T")
S = TypeVar("S")
Rule = Literal["momentum", "adam"]
RULES: tuple[Rule, ...] = ("momentum", "adam")

# Temperature and weight of the labels for students, as in ``compression.Settings``.
TEMPERATURE = 4.0
HARD_WEIGHT = 0.1


@dataclass(frozen=True)
class NetworkRecipe:
    """How an ordinary network is trained, with a learning rate that decays to 0.

    Args:
        hidden_units: Width of the hidden layer, at least 1.
        epochs: Passes over the examples, at least 1.
        batch_size: Images per step, at least 1.
        learning_rate: η of the first step, above 0.
        momentum: μ, from 0 to below 1; of ``"momentum"`` only.
        rule: ``"momentum"``, or ``"adam"``, by which a network learns more by heart.
        adversarial_radius: How far each batch's pixels are moved by FGSM before it is learned
            from, from 0 to 1; it rises from 0 during the first half. 0 for ordinary training.
        seed: Seed of the initial weights and of the order of the images.

    Raises:
        ValueError: A number is out of range.
    """

    hidden_units: int = 128
    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 0.05
    momentum: float = 0.9
    rule: Rule = "momentum"
    adversarial_radius: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_integer("hidden_units", self.hidden_units, 1)
        check_integer("epochs", self.epochs, 1)
        check_integer("batch_size", self.batch_size, 1)
        check_number("learning_rate", self.learning_rate, 0, open_low=True)
        check_number("momentum", self.momentum, 0, 1, open_high=True)
        check_choice("rule", self.rule, RULES)
        check_number("adversarial_radius", self.adversarial_radius, 0, 1)
        check_integer("seed", self.seed, 0)


def learn(
    images: Floats,
    targets: NDArray[np.float64],
    recipe: NetworkRecipe,
    *,
    start: Weights | None = None,
    masks: Sequence[NDArray[np.bool_]] | None = None,
    teacher_logits: NDArray[np.float64] | None = None,
) -> Weights:
    """Train a network.

    Args:
        images: Shape ``[n, 28, 28]``.
        targets: Distributions: labels as one-hot rows, or a model's answers, ``[n, classes]``.
        recipe: How.
        start: Weights to begin with; by default new ones of the recipe's seed.
        masks: Per weight array, where it may differ from 0.
        teacher_logits: A teacher's logits, for distillation, shape ``[n, classes]``.
    """
    generator = np.random.default_rng(recipe.seed)
    weights = initial_weights(recipe.hidden_units, generator) if start is None else start
    kept = 1.0 if masks is None else as_vector(masks)
    vector, state = as_vector(weights) * kept, State()
    rows, size = flat(images), min(recipe.batch_size, len(images))
    steps = recipe.epochs * -(-len(images) // size)
    rates = cosine_decay(np.arange(steps), steps, recipe.learning_rate)
    order = minibatches(len(images), size, epochs=recipe.epochs, seed=recipe.seed)
    radii = recipe.adversarial_radius * np.minimum(2.0 * np.arange(steps) / steps, 1.0)
    rule = adam if recipe.rule == "adam" else partial(momentum, momentum=recipe.momentum)
    # Products this thin gain nothing from several threads.
    with threadpool_limits(1):
        for batch, rate, radius in zip(order, rates, radii, strict=True):
            current = as_weights(vector, weights)
            seen, wanted = rows[batch], targets[batch]
            if radius:
                moved = fgsm(current, seen, wanted.argmax(axis=1), radius=float(radius))
                seen = moved.astype(np.float32)
            teacher = None if teacher_logits is None else teacher_logits[batch]
            slope = as_vector(gradients(current, seen, wanted, teacher)) * kept
            vector, state = rule(vector, slope, state, learning_rate=float(rate))
    return as_weights(vector, weights)


def gradients(
    weights: Weights,
    rows: Floats,
    targets: NDArray[np.float64],
    teacher: NDArray[np.float64] | None = None,
) -> list[NDArray[np.float64]]:
    """Compute a batch's mean gradients in float32, with labels alone or with a teacher too."""
    seen = forward(weights, rows, keep_float32=True)
    if teacher is None:
        error = categorical_cross_entropy_from_logits_gradient(targets, seen[-1])
    else:
        error = student_gradient(
            targets, teacher, seen[-1], temperature=TEMPERATURE, hard_weight=HARD_WEIGHT
        )
    errors = backward(weights, seen, error.astype(np.float32), keep_float32=True)
    found: list[NDArray[np.float64]] = []
    for values, delta in zip(seen[:-1], errors, strict=True):
        found += layer_gradients(values, delta, keep_float32=True)
    return found


def in_turns(function: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """Apply a function to all items, one per core at a time."""
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))
