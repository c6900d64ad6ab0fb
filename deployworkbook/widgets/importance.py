"""The importance explorer: a criterion, a sparsity, and which weights of a first layer go."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.masks import layer_mask
from deployworkbook.plots.importance import ImportanceResult, ImportanceView
from deployworkbook.validation import check_array, check_same_shape
from deployworkbook.widgets.controls import Choice, Slider
from deployworkbook.widgets.explorer import Explorer

PIXELS = 784


def compute_importance(
    weights: NDArray[np.float64],
    scores: Mapping[str, NDArray[np.float64]],
    ever_lit: NDArray[np.bool_],
    *,
    criterion: str,
    sparsity: float,
) -> ImportanceResult:
    """Prune the least important weights of a layer.

    Args:
        weights: Shape ``[784, units]``.
        scores: By the criterion's name, how much each weight matters, the shape of ``weights``.
        ever_lit: Which pixels are not 0 in some image, shape ``[784]``.
        criterion: One of the names.
        sparsity: The share of the weights that goes, from 0 to below 1.

    >>> weights = np.arange(1.0, 785.0).reshape(784, 1)
    >>> lit = np.ones(784, bool)
    >>> compute_importance(
    ...     weights, {"magnitude": weights}, lit, criterion="magnitude", sparsity=0.75
    ... ).kept
    196
    """
    importance = scores[criterion]
    mask = layer_mask(importance, sparsity)
    total = float(importance.sum())
    return ImportanceResult(
        criterion=criterion,
        sparsity=sparsity,
        weights=weights,
        mask=mask,
        kept_importance=float(importance[mask].sum()) / total if total else 1.0,
        ever_lit=ever_lit,
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
    layer = check_array("weights", weights, ndim=2)
    check_array("weights", layer.T, shape=(PIXELS,))
    checked = {name: check_array(name, score) for name, score in scores.items()}
    for name, score in checked.items():
        check_same_shape("weights", layer, name, score)
    seen = check_array("images", images, shape=(28, 28)).reshape(-1, PIXELS)
    names = tuple(checked)
    controls = [
        Choice("criterion", "criterion", names, names[0]),
        Slider("sparsity", "sparsity", 0.0, 0.99, 0.01, 0.9),
    ]
    compute = partial(compute_importance, layer, checked, (seen != 0).any(axis=0))
    return Explorer(controls, compute, ImportanceView(layer))
