"""The importance explorer: a criterion, a sparsity, and the first layer's pruned weights."""

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
    """A layer's weights, ranked once per criterion, because sorting takes longer than drawing.

    Its arguments are those of ``importance_explorer``.
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
        criterion: Name of the criterion.
        sparsity: Fraction of the weights to prune, from 0 to below 1.

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
    """Make the importance explorer.

    Args:
        weights: Weights of a first layer with 28×28 inputs, shape ``[784, units]``.
        scores: Importance of each weight by the criterion's name, the shape of ``weights``.
        images: Inputs of the layer, shape ``[n, 28, 28]``, to find the pixels that are always 0.

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
