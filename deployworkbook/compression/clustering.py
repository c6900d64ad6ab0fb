"""Clustering: few values, shared by all weights of a layer; what is 0 stays 0.

A weight is then a short code, and a file of equal bytes zips. Values are found by k-means of the
weights that are not 0, and learn on: all weights of a code move together.
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
    """How many values a layer may have beside 0.

    Args:
        values: k, from 1 to 127, so that int8 has a number for each.
        seed: Of k-means's first centres.

    Raises:
        TypeError: A value is of another type.
        ValueError: A value is out of range.

    Source: S. Han, H. Mao and W. Dally, "Deep compression", ICLR 2016.
    """

    values: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        check_integer("values", self.values, 1, 127)
        check_integer("seed", self.seed, 0, 2**32 - 1)


def codes_of(weights: NDArray[np.float32], *, values: int, seed: int = 0) -> NDArray[np.int64]:
    """Assign each weight that is not 0 to the nearest of a few centres.

    Args:
        weights: Any shape.
        values: Centres, at most; there are fewer where there are fewer different weights.
        seed: Of the first centres.

    Returns:
        The shape of ``weights``: 0 where a weight is 0, else from 1 up to the number of centres,
        in the order of their values.

    >>> codes_of(np.float32([0.0, 1.0, 1.1, -2.0]), values=2)
    array([0, 2, 2, 1])
    """
    # Imported here: it takes a second, and only clustering needs it.
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
    """Let the weights of each layer share a few values, and the values learn.

    Args:
        model: A ``keras.Sequential`` that ends in a softmax; not changed.
        examples: What the values learn from, with or without a teacher's logits.
        clustering: How many values.
        settings: How they learn.
        progress: A tqdm bar to move, one a step; by default one of its own.

    Returns:
        A new Keras model; each kernel has at most the asked number of values beside 0, and its
        zeros where ``model`` has them.
    """
    kernels = [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]
    codes = [codes_of(kernel, values=clustering.values, seed=clustering.seed) for kernel in kernels]
    training = Retraining(model, examples, settings=settings, codes=codes)
    training.advance(progress=progress)
    return training.result()
