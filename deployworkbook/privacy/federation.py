"""Federated averaging: devices that keep their images train one network together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.federated import (
    FLOAT_BITS,
    dirichlet_split,
    federated_mean,
    rounded_update,
    update_bytes,
)
from deployworkbook.formulas.shares import Share
from deployworkbook.privacy.kept import arrays_once, named, network_of
from deployworkbook.privacy.learning import NetworkRecipe, in_turns, learn
from deployworkbook.privacy.networks import Weights, accuracy_of, initial_weights
from deployworkbook.training.data import Dataset, Split
from deployworkbook.training.mnist import CLASSES
from deployworkbook.validation import check_choice, check_integer, check_number
from deployworkbook.workspace.notices import Notice, notify


@dataclass(frozen=True)
class FederationRecipe:
    """How devices train together.

    Args:
        clients: Number of devices that have images, at least 1.
        per_round: Number of them asked in each round, from 1 to ``clients``.
        rounds: Number of rounds, at least 1.
        local_epochs: Passes over a device's images per round, at least 1.
        batch_size: Images per step on a device, at least 1.
        learning_rate: η on the devices, above 0.
        concentration: α of the Dirichlet distribution by which each class is divided among the
            devices, above 0: 0.1 gives each mostly one to three classes. ``None`` divides all
            images at random.
        drop_out: Probability that a device that was asked never answers, from 0 to below 1.
        hidden_units: Width of the network's hidden layer, at least 1.
        bits: Bits per number on the way to the server: 32, or 8 for rounded changes.
        seed: Seed of everything.

    Raises:
        ValueError: A number is out of range.
    """

    clients: int = 50
    per_round: int = 10
    rounds: int = 20
    local_epochs: int = 1
    batch_size: int = 32
    learning_rate: float = 0.1
    concentration: float | None = None
    drop_out: float = 0.0
    hidden_units: int = 128
    bits: int = FLOAT_BITS
    seed: int = 0

    def __post_init__(self) -> None:
        check_integer("clients", self.clients, 1)
        check_integer("per_round", self.per_round, 1, self.clients)
        check_integer("rounds", self.rounds, 1)
        check_integer("local_epochs", self.local_epochs, 1)
        check_integer("batch_size", self.batch_size, 1)
        check_number("learning_rate", self.learning_rate, 0, open_low=True)
        if self.concentration is not None:
            check_number("concentration", self.concentration, 0, open_low=True)
        check_number("drop_out", self.drop_out, 0, 1, open_high=True)
        check_integer("hidden_units", self.hidden_units, 1)
        check_choice("bits", self.bits, (8, FLOAT_BITS))
        check_integer("seed", self.seed, 0)


@dataclass(frozen=True, eq=False)
class Federation:
    """A network trained by devices, round by round.

    Args:
        recipe: How.
        weights: The network after the last round.
        accuracies: On the test set, after each round.
        answered: Number of devices that answered in each round.
        bytes_down: Bytes sent to devices in each round: a model to each that was asked.
        bytes_up: Bytes sent by devices in each round: an update from each that answered.
        class_shares: For each device, the share of its most frequent class.
    """

    recipe: FederationRecipe
    weights: Weights
    accuracies: tuple[Share, ...]
    answered: tuple[int, ...]
    bytes_down: NDArray[np.int64]
    bytes_up: NDArray[np.int64]
    class_shares: NDArray[np.float64]

    @property
    def accuracy(self) -> Share:
        """Accuracy after the last round."""
        return self.accuracies[-1]

    @cached_property
    def bytes_sent(self) -> NDArray[np.int64]:
        """All bytes in both directions up to and including each round."""
        return np.cumsum(self.bytes_down + self.bytes_up)

    def rounds_until(self, accuracy: float) -> int | None:
        """Return after how many rounds an accuracy is first reached; ``None`` if never.

        Args:
            accuracy: From 0 to 1.
        """
        wanted = check_number("accuracy", accuracy, 0, 1)
        reached = [each.value >= wanted for each in self.accuracies]
        return reached.index(True) + 1 if any(reached) else None


def federate(
    data: Dataset,
    recipe: FederationRecipe | None = None,
    *,
    folder: Path | None = None,
    notice: Notice = notify,
) -> Federation:
    """Train a network by federated averaging: from the cache, or now and cached.

    Args:
        data: Its training images are divided among the devices.
        recipe: How; by default 50 devices with images of all classes.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.

    Raises:
        ValueError: There are fewer images than devices.
    """
    chosen = recipe or FederationRecipe()
    parts = _divided(data.train, chosen)

    def make() -> tuple[dict[str, NDArray[np.float32]], dict[str, object]]:
        weights, correct, answered = _train(data, parts, chosen)
        return named("network", weights), {"correct": correct, "answered": answered}

    arrays, record = arrays_once(
        f"federated-{data.name}",
        {"recipe": asdict(chosen), "data": data.fingerprint},
        make,
        code=sys.modules[__name__],
        folder=folder,
        notice=notice,
    )
    weights = network_of(arrays, "network")
    shapes = [each.shape for each in weights]
    down = np.full(chosen.rounds, chosen.per_round * update_bytes(shapes))
    up = np.array(record["answered"]) * update_bytes(shapes, bits=chosen.bits)
    counts = (np.bincount(data.train.labels[rows]) for rows in parts)
    return Federation(
        recipe=chosen,
        weights=weights,
        accuracies=tuple(Share(each, len(data.test)) for each in record["correct"]),
        answered=tuple(record["answered"]),
        bytes_down=down,
        bytes_up=up,
        class_shares=np.array([count.max() / count.sum() for count in counts]),
    )


def _divided(train: Split, recipe: FederationRecipe) -> list[NDArray[np.int64]]:
    if recipe.concentration is not None:
        return dirichlet_split(
            train.labels,
            recipe.clients,
            concentration=recipe.concentration,
            seed=recipe.seed,
        )
    clients = check_integer("clients", recipe.clients, 1, len(train))
    order = np.random.default_rng(recipe.seed).permutation(len(train))
    return [np.sort(rows) for rows in np.array_split(order, clients)]


def _train(
    data: Dataset, parts: Sequence[NDArray[np.int64]], recipe: FederationRecipe
) -> tuple[Weights, list[int], list[int]]:
    generator = np.random.default_rng(recipe.seed)
    weights = initial_weights(recipe.hidden_units, generator)
    correct, answered = [], []
    for number in range(recipe.rounds):
        asked = generator.choice(recipe.clients, recipe.per_round, replace=False)
        present = asked[generator.random(recipe.per_round) >= recipe.drop_out]
        base, seed = weights, recipe.rounds * recipe.seed + number

        def change(
            client: int, base: Weights = base, seed: int = seed
        ) -> list[NDArray[np.float64]]:
            return _client_change(data.train, parts[client], base, recipe, seed)

        changes = in_turns(change, present.tolist())
        if changes:
            mean = federated_mean(changes, [len(parts[client]) for client in present])
            pairs = zip(base, mean, strict=True)
            weights = [(old + move).astype(np.float32) for old, move in pairs]
        correct.append(accuracy_of(weights, data.test).count)
        answered.append(len(present))
    return weights, correct, answered


def _client_change(
    train: Split,
    rows: NDArray[np.int64],
    weights: Weights,
    recipe: FederationRecipe,
    seed: int,
) -> list[NDArray[np.float64]]:
    """Train on one device's images; return the change of the weights as the server reads it."""
    local = NetworkRecipe(
        epochs=recipe.local_epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        momentum=0.0,
        seed=seed,
    )
    targets = one_hot(train.labels[rows], CLASSES)
    after = learn(train.images[rows], targets, local, start=weights)
    pairs = zip(after, weights, strict=True)
    moved = [new.astype(np.float64) - old for new, old in pairs]
    return moved if recipe.bits == FLOAT_BITS else rounded_update(moved, bits=recipe.bits)
