"""The importance explorer: a criterion, a sparsity, and which weights of a first layer go."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.masks import mask_of_ranks, ranks
from deployworkbook.plots.importance import ImportanceResult, ImportanceView
from deployworkbook.validation import check_array, check_same_shape
from deployworkbook.widgets.controls import Choice, Slider
from deployworkbook.widgets.explorer import Explorer

PIXELS = 784


class Rankings:
    """A layer's weights, ranked by each criterion once: sorting takes longer than a picture.

    Args:
        weights: Of a first layer that sees 28×28 pixels, shape ``[784, units]``.
        scores: By the criterion's name, how much each weight matters, the shape of ``weights``.
        images: What the layer sees, shape ``[n, 28, 28]``; tells which pixels are always 0.

    Raises:
        ValueError: A shape differs.
    """

    def __init__(
        self, weights: ArrayLike, scores: Mapping[str, ArrayLike], images: ArrayLike
    ) -> None:
        self.weights = check_array("weights", weights, ndim=2)
        check_array("weights", self.weights.T, shape=(PIXELS,))
        self.scores = {name: check_array(name, score) for name, score in scores.items()}
        for name, score in self.scores.items():
            check_same_shape("weights", self.weights, name, score)
        seen = check_array("images", images, shape=(28, 28)).reshape(-1, PIXELS)
        self.ever_lit: NDArray[np.bool_] = (seen != 0).any(axis=0)
        self.ranked = lru_cache(maxsize=None)(self._rank)

    def _rank(self, criterion: str) -> NDArray[np.int64]:
        return ranks(self.scores[criterion])


def compute_importance(rankings: Rankings, *, criterion: str, sparsity: float) -> ImportanceResult:
    """Prune the least important weights of a layer.

    Args:
        rankings: The layer and its scores.
        criterion: One of their names.
        sparsity: The share of the weights that goes, from 0 to below 1.

    >>> weights = np.arange(1.0, 785.0).reshape(784, 1)
    >>> rankings = Rankings(weights, {"magnitude": weights}, np.ones((1, 28, 28)))
    >>> compute_importance(rankings, criterion="magnitude", sparsity=0.75).kept
    196
    """
    importance = rankings.scores[criterion]
    mask = mask_of_ranks(rankings.ranked(criterion), sparsity)
    total = float(importance.sum())
    return ImportanceResult(
        criterion=criterion,
        sparsity=sparsity,
        weights=rankings.weights,
        mask=mask,
        kept_importance=float(importance.sum(where=mask)) / total if total else 1.0,
        ever_lit=rankings.ever_lit,
    )


def importance_explorer(
    weights: ArrayLike, scores: Mapping[str, ArrayLike], images: ArrayLike
) -> Explorer[ImportanceResult]:
    """Make the explorer of importance.

    Args:
        weights: Of a first layer that sees 28×28 pixels, shape ``[784, units]``.
        scores: By the criterion's name, how much each weight matters, the shape of ``weights``.
        images: What the layer sees, shape ``[n, 28, 28]``; tells which pixels are always 0.

    Raises:
        ValueError: A shape differs.
    """
    rankings = Rankings(weights, scores, images)
    names = tuple(rankings.scores)
    controls = [
        Choice("criterion", "criterion", names, names[0]),
        Slider("sparsity", "sparsity", 0.0, 0.99, 0.01, 0.9),
    ]
    compute = partial(compute_importance, rankings)
    return Explorer(controls, compute, ImportanceView(rankings.weights))
