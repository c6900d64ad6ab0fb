"""Clustering: a few values shared by all weights of a layer; zeros stay 0.

A weight is then a short code, and a file with few different bytes zips well. k-means finds the
values among the nonzero weights, and training continues: all weights with one code move together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.compression.retrain import Retraining, Settings
from deployworkbook.compression.training_set import Examples
from deployworkbook.validation import check_integer


@dataclass(frozen=True)
class Clustering:
    """How many values a layer may have besides 0.

    Args:
        values: k, from 1 to 127, so that int8 has a number for each.
        seed: Seed of k-means's initial centres.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is out of range.

    Source: S. Han, H. Mao and W. Dally, "Deep compression", ICLR 2016.
    """

    values: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        check_integer("values", self.values, 1, 127)
        check_integer("seed", self.seed, 0, 2**32 - 1)


def codes_of(weights: NDArray[np.float32], *, values: int, seed: int = 0) -> NDArray[np.int64]:
    """Assign each nonzero weight to the nearest of a few centres.

    Args:
        weights: Any shape.
        values: Maximum number of centres; there are fewer if there are fewer different weights.
        seed: Seed of the initial centres.

    Returns:
        The shape of ``weights``: 0 where a weight is 0, else 1 up to the number of centres, in the
        order of their values.

    >>> codes_of(np.float32([0.0, 1.0, 1.1, -2.0]), values=2)
    array([0, 2, 2, 1])
    """
    # Imported here, because it takes a second and only clustering needs it.
    from sklearn.cluster import KMeans

    codes = np.zeros(weights.shape, dtype=np.int64)
    alive = weights != 0
    different = np.unique(weights[alive])
    if different.size:
        means = KMeans(
            min(check_integer("values", values, 1), different.size), n_init=4, random_state=seed
        ).fit(weights[alive].reshape(-1, 1).astype(np.float64))
        rank = means.cluster_centers_.ravel().argsort().argsort()
        codes[alive] = rank[means.labels_] + 1
    return codes


def cluster(
    model: Any,
    examples: Examples,
    *,
    clustering: Clustering,
    settings: Settings,
    progress: Any = None,
) -> Any:
    """Let the weights of each layer share a few values, and train the values.

    Args:
        model: A ``keras.Sequential`` that ends in a softmax; not changed.
        examples: Training examples, with or without a teacher's logits.
        clustering: Number of values.
        settings: Training settings.
        progress: A tqdm bar to update per step; by default a new one.

    Returns:
        A new Keras model; each kernel has at most the given number of values besides 0, and zeros
        where ``model`` has them.
    """
    kernels = [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]
    codes = [codes_of(kernel, values=clustering.values, seed=clustering.seed) for kernel in kernels]
    training = Retraining(model, examples, settings=settings, codes=codes)
    training.advance(progress=progress)
    return training.result()
