"""Ways to go on learning when the images have changed, in NumPy.

Each way starts from the deployed weights, or from nothing, and learns from new labelled images,
with or without some of the old ones. What it then gets wrong of the old images, it has forgotten.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from deployworkbook.formulas.descent import State, adam
from deployworkbook.formulas.perceptron import forward, loss_and_gradients
from deployworkbook.formulas.trajectories import minibatches, step_all
from deployworkbook.training.data import Split
from deployworkbook.training.mnist import CLASSES
from deployworkbook.validation import check_integer, check_number

Parameters = list[NDArray[np.float64]]

# Old images are many: new ones repeat, at most so often in an epoch, to be no small minority.
MOST_REPEATS = 10


@dataclass(frozen=True)
class Way:
    """A way to update a model.

    Args:
        name: Its name in tables.
        is_partial: Whether only the output layer learns.
        replayed: How many old training images it learns from beside the new ones; ``None`` for all.
        from_scratch: Whether it starts from random weights instead of the deployed ones.
        epochs: Number of epochs.
        batch_size: Images per step, at least 1.
        learning_rate: Adam's, above 0.
    """

    name: str
    is_partial: bool = False
    replayed: int | None = 0
    from_scratch: bool = False
    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 0.001

    def __post_init__(self) -> None:
        check_integer("epochs", self.epochs, 1)
        check_integer("batch_size", self.batch_size, 1)
        check_number("learning_rate", self.learning_rate, 0, open_low=True)
        if self.replayed is not None:
            check_integer("replayed", self.replayed, 0)


SCRATCH = Way(
    "from scratch",
    replayed=None,
    from_scratch=True,
    epochs=2,
    batch_size=256,
    learning_rate=0.002,
)
WAYS = (
    Way("all weights"),
    Way("all weights, replay", replayed=1000),
    Way("output layer", is_partial=True),
    SCRATCH,
)


def retrain(
    parameters: Sequence[NDArray[np.floating]], way: Way, new: Split, old: Split, *, seed: int = 0
) -> Parameters:
    """Update a network's weights for new images.

    Args:
        parameters: W_1, b_1, … W_L, b_L of the deployed network.
        way: How.
        new: New labelled images.
        old: The training images of the deployed network, to replay.
        seed: Seed of the order, of the choice of replayed images, and of random weights.

    Returns:
        The weights, in the same order and shapes.

    Raises:
        ValueError: Shapes or numbers don't fit.
    """
    start = [np.asarray(each, np.float64) for each in parameters]
    chance = np.random.default_rng(check_integer("seed", seed, 0))
    images, labels = _examples(way, new, old, chance)
    if way.from_scratch:
        start = [_drawn(each.shape, chance) for each in start]
    if not way.is_partial:
        return _descend(start, images, labels, way, seed)
    # The layers below stay, so that their outputs are computed once.
    below = forward(start, images)[-2]
    return [*start[:-2], *_descend(start[-2:], below, labels, way, seed)]


def _examples(
    way: Way, new: Split, old: Split, chance: np.random.Generator
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    images, labels = new.images.reshape(len(new), -1), new.labels
    if way.replayed == 0:
        return images, labels
    count = len(old) if way.replayed is None else min(way.replayed, len(old))
    rows = np.sort(chance.choice(len(old), count, replace=False))
    again = np.arange(min(max(len(new), count), MOST_REPEATS * len(new))) % len(new)
    both = np.concatenate([images[again], old.images[rows].reshape(count, -1)])
    return both, np.concatenate([labels[again], old.labels[rows]])


def _descend(
    parameters: Parameters,
    inputs: NDArray[np.floating],
    labels: NDArray[np.int64],
    way: Way,
    seed: int,
) -> Parameters:
    targets = np.eye(CLASSES)
    rule = partial(adam, learning_rate=way.learning_rate)
    states = [State()] * len(parameters)
    size = min(way.batch_size, len(labels))
    # Products this thin gain nothing from several threads.
    with threadpool_limits(1):
        for rows in minibatches(len(labels), size, epochs=way.epochs, seed=seed):
            _, gradients = loss_and_gradients(parameters, inputs[rows], targets[labels[rows]])
            parameters, states = step_all(rule, parameters, gradients, states)
    return parameters


def _drawn(shape: tuple[int, ...], chance: np.random.Generator) -> NDArray[np.float64]:
    """Draw a kernel as Keras does (Glorot and Bengio, 2010); a bias begins at 0."""
    if len(shape) == 1:
        return np.zeros(shape)
    reach = math.sqrt(6 / sum(shape))
    return chance.uniform(-reach, reach, shape)
