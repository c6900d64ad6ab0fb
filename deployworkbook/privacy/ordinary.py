"""Networks that the lesson attacks when no deployed model is at hand, trained once."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.shares import Share
from deployworkbook.privacy.kept import arrays_once, named, network_of
from deployworkbook.privacy.learning import NetworkRecipe, learn
from deployworkbook.privacy.networks import Weights, accuracy_of
from deployworkbook.training.data import Dataset
from deployworkbook.training.mnist import CLASSES
from deployworkbook.workspace.notices import Notice, notify


@dataclass(frozen=True, eq=False)
class OrdinaryTraining:
    """A network trained without privacy.

    Args:
        recipe: How.
        weights: As from Keras's ``get_weights``.
        accuracy: On the test set.
        cpu_seconds: Processor time of the training, when it was made.
    """

    recipe: NetworkRecipe
    weights: Weights
    accuracy: Share
    cpu_seconds: float


def train_network(
    data: Dataset,
    recipe: NetworkRecipe | None = None,
    *,
    images: int | None = None,
    folder: Path | None = None,
    notice: Notice = notify,
) -> OrdinaryTraining:
    """Return an ordinary network of NumPy's: from the cache, or trained now and cached.

    Args:
        data: Its training set is learned from.
        recipe: How; ``NetworkRecipe(adversarial_radius=0.1)`` makes one that resists small changes
            of the pixels.
        images: Number of images to learn from, the first ones; by default all.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.
    """
    chosen = recipe or NetworkRecipe()
    train = data.train if images is None else data.train.take(images)

    def make() -> tuple[dict[str, Any], dict[str, Any]]:
        start = time.process_time()
        weights = learn(train.images, one_hot(train.labels, CLASSES), chosen)
        seconds = time.process_time() - start
        correct = accuracy_of(weights, data.test).count
        return named("network", weights), {"correct": correct, "cpu_seconds": seconds}

    arrays, record = arrays_once(
        f"network-{data.name}",
        {"recipe": asdict(chosen), "data": data.fingerprint, "images": len(train)},
        make,
        code=sys.modules[__name__],
        folder=folder,
        notice=notice,
    )
    accuracy = Share(record["correct"], len(data.test))
    return OrdinaryTraining(chosen, network_of(arrays, "network"), accuracy, record["cpu_seconds"])
