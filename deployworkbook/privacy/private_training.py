"""Training that reveals little about any one image: DP-SGD, with its ε from the accountant."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from deployworkbook.formulas.descent import State, momentum
from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.formulas.privacy_accountant import noise_for_epsilon, training_epsilon
from deployworkbook.formulas.private_gradient import poisson_batch, private_gradients
from deployworkbook.formulas.shares import Share
from deployworkbook.privacy.kept import arrays_once, named, network_of
from deployworkbook.privacy.networks import (
    Weights,
    accuracy_of,
    as_vector,
    as_weights,
    initial_weights,
)
from deployworkbook.privacy.squares import for_pixels, in_squares
from deployworkbook.training.data import Dataset, Split
from deployworkbook.validation import check_integer, check_number
from deployworkbook.workspace.notices import Notice, notify

# How many models of a training are tested, to draw accuracy against ε.
CHECKPOINTS = 10


@dataclass(frozen=True)
class PrivateRecipe:
    """How a network is trained by DP-SGD.

    Args:
        epsilon: ε, above 0: how much the training may reveal about any one image, at most.
        delta: δ, in (0, 1): the probability with which it may reveal more.
        steps: Number of steps, at least 1. For an ε of 1 or less, fewer steps of larger batches
            are better: on MNIST 600 of 2,048 images.
        batch_size: Expected number of images per step, at least 1. If there are fewer than ten
            times as many images, a tenth of them.
        clip_norm: C, above 0: norm to which each image's gradient is clipped.
        learning_rate: η, above 0. The step is that of gradients divided by C.
        momentum: μ, from 0 to below 1.
        averaging: How slowly the average of the weights forgets, from 0 to below 1. It reveals
            nothing more, because it is computed from weights that are private already.
        hidden_units: Width of the hidden layer, at least 1.
        seed: Seed of weights, batches and noise. Whoever knows it can subtract the noise, so a
            real training keeps it secret.

    Raises:
        ValueError: A number is out of range.
    """

    epsilon: float = 3.0
    delta: float = 1e-5
    steps: int = 1000
    batch_size: int = 1024
    clip_norm: float = 1.0
    learning_rate: float = 0.5
    momentum: float = 0.9
    averaging: float = 0.98
    hidden_units: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        check_number("epsilon", self.epsilon, 0, open_low=True)
        check_number("delta", self.delta, 0, 1, open_low=True, open_high=True)
        check_integer("steps", self.steps, 1)
        check_integer("batch_size", self.batch_size, 1)
        check_number("clip_norm", self.clip_norm, 0, open_low=True)
        check_number("learning_rate", self.learning_rate, 0, open_low=True)
        check_number("momentum", self.momentum, 0, 1, open_high=True)
        check_number("averaging", self.averaging, 0, 1, open_high=True)
        check_integer("hidden_units", self.hidden_units, 1)
        check_integer("seed", self.seed, 0)

    def sampling_rate(self, examples: int) -> float:
        """Return q, the probability with which a step takes an image.

        Args:
            examples: Number of images to learn from.
        """
        return min(0.1, self.batch_size / examples)


@dataclass(frozen=True, eq=False)
class PrivateTraining:
    """A network trained by DP-SGD.

    Args:
        recipe: How it was trained.
        weights: As from Keras's ``get_weights``.
        noise_multiplier: σ, the noise's standard deviation divided by the clip norm.
        epsilon: ε of the whole training, by the accountant; at most the recipe's.
        accuracy: On the test set.
        steps: Numbers of steps after which it was tested on the validation set.
        spent: ε after those steps.
        validation_accuracy: Accuracy after those steps.
        cpu_seconds: Processor time of the training, when it was made.
    """

    recipe: PrivateRecipe
    weights: Weights
    noise_multiplier: float
    epsilon: float
    accuracy: Share
    steps: tuple[int, ...]
    spent: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    cpu_seconds: float


@dataclass(frozen=True, eq=False)
class PrivateTrainings:
    """The same training from several seeds.

    Args:
        trainings: One per seed.
    """

    trainings: tuple[PrivateTraining, ...]

    @cached_property
    def accuracies(self) -> NDArray[np.float64]:
        """Accuracies on the test set, one per seed."""
        return np.array([each.accuracy.value for each in self.trainings])

    @property
    def mean(self) -> float:
        """Mean accuracy on the test set."""
        return float(self.accuracies.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean over seeds."""
        return mean_interval(self.accuracies)


def train_privately(
    data: Dataset,
    recipe: PrivateRecipe | None = None,
    *,
    folder: Path | None = None,
    notice: Notice = notify,
) -> PrivateTraining:
    """Return a network trained by DP-SGD: from the cache, or trained now and cached.

    Args:
        data: Its training set is protected. Its validation set and test set only measure, and
            images that measure are not protected.
        recipe: How; by default ε = 3.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.

    Raises:
        ValueError: No noise keeps within the recipe's ε.
    """
    chosen = recipe or PrivateRecipe()
    rate = chosen.sampling_rate(len(data.train))

    def make() -> tuple[dict[str, Any], dict[str, Any]]:
        start = time.process_time()
        checkpoints = learn_privately(data.train, chosen)
        seconds = time.process_time() - start
        measured = [accuracy_of(each, data.validation).value for _, each in checkpoints]
        last = checkpoints[-1][1]
        record = {
            "steps": [step for step, _ in checkpoints],
            "validation_accuracy": measured,
            "correct": accuracy_of(last, data.test).count,
            "cpu_seconds": seconds,
        }
        return named("network", last), record

    settings = {"recipe": asdict(chosen), "data": data.fingerprint}
    arrays, record = arrays_once(
        f"private-{data.name}",
        settings,
        make,
        code=sys.modules[__name__],
        folder=folder,
        notice=notice,
    )
    sigma = noise_of(chosen, len(data.train))
    steps = tuple(record["steps"])
    spent = tuple(
        training_epsilon(sigma, sampling_rate=rate, steps=step, delta=chosen.delta)
        for step in steps
    )
    return PrivateTraining(
        recipe=chosen,
        weights=network_of(arrays, "network"),
        noise_multiplier=sigma,
        epsilon=spent[-1],
        accuracy=Share(record["correct"], len(data.test)),
        steps=steps,
        spent=spent,
        validation_accuracy=tuple(record["validation_accuracy"]),
        cpu_seconds=record["cpu_seconds"],
    )


def compare_private_seeds(
    data: Dataset,
    recipe: PrivateRecipe | None = None,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    folder: Path | None = None,
) -> PrivateTrainings:
    """Train from several seeds, for an interval of the accuracy.

    Args:
        data: As for ``train_privately``.
        recipe: How; its seed is replaced.
        seeds: At least two.
        folder: Folder of the cache; by default the workspace's ``models``.
    """
    chosen = recipe or PrivateRecipe()
    return PrivateTrainings(
        tuple(train_privately(data, replace(chosen, seed=seed), folder=folder) for seed in seeds)
    )


def noise_of(recipe: PrivateRecipe, examples: int) -> float:
    """Return the noise multiplier that keeps a recipe within its ε."""
    return noise_for_epsilon(
        recipe.epsilon,
        sampling_rate=recipe.sampling_rate(examples),
        steps=recipe.steps,
        delta=recipe.delta,
    )


def learn_privately(train: Split, recipe: PrivateRecipe) -> list[tuple[int, Weights]]:
    """Train by DP-SGD; return the averaged weights after some steps, and after the last."""
    count = len(train)
    rate, sigma = recipe.sampling_rate(count), noise_of(recipe, count)
    rows = in_squares(train.images)
    targets = one_hot(train.labels, int(train.labels.max()) + 1)
    generator = np.random.default_rng(recipe.seed)
    weights = initial_weights(recipe.hidden_units, generator, inputs=rows.shape[1])
    # Nothing is known yet, so let the first answers be even: no gradients are spent on unlearning.
    weights[-2][:] = 0.0
    vector, state = as_vector(weights), State()
    average = vector
    stops = {round(recipe.steps * part / CHECKPOINTS) for part in range(1, CHECKPOINTS + 1)}
    checkpoints = []
    with threadpool_limits(1):
        for step in range(1, recipe.steps + 1):
            batch = poisson_batch(count, rate, seed=generator)
            noisy = private_gradients(
                as_weights(vector, weights),
                rows[batch],
                targets[batch],
                clip_norm=recipe.clip_norm,
                noise_multiplier=sigma,
                batch_size=rate * count,
                seed=generator,
            )
            slope = as_vector(noisy) / recipe.clip_norm
            rule = {"learning_rate": recipe.learning_rate, "momentum": recipe.momentum}
            vector, state = momentum(vector, slope, state, **rule)
            # Forget the first steps sooner: they are far from the end.
            kept = min(recipe.averaging, step / (step + 10.0))
            average = kept * average + (1.0 - kept) * vector
            if step in stops:
                checkpoints.append((step, for_pixels(as_weights(average, weights))))
    return checkpoints
