"""Split examples at random so that each part has the same fraction of every class.

The split is that of scikit-learn's ``train_test_split(..., stratify=labels)``, down to the examples
chosen for a seed. Importing it there takes longer than all that a lesson does with its data.

Source: scikit-learn, ``StratifiedShuffleSplit``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from deployworkbook.validation import value_error

Indices = NDArray[np.int64]


def stratified_split(labels: Indices, fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Choose which examples are kept and which are taken, in increasing order.

    Args:
        labels: Class of each example, shape ``[n]``; at least two examples per class.
        fraction: Fraction of the examples to take, rounded up to a whole number of them.
        seed: Seed of the choice.

    Returns:
        Indices of the examples kept and of those taken.

    Raises:
        ValueError: A class has a single example, or a part would be smaller than the number of
            classes.

    >>> kept, taken = stratified_split(np.array([0, 0, 0, 0, 1, 1]), 0.34, seed=0)
    >>> kept.tolist(), taken.tolist()
    ([2, 3, 4], [0, 1, 5])
    """
    counts = np.unique(labels, return_counts=True)[1]
    take = math.ceil(fraction * len(labels))
    keep = len(labels) - take
    if min(take, keep) < len(counts) or counts.min() < 2:
        raise value_error(
            "fraction",
            received=f"{fraction:g}, which takes {take} of {len(labels)} examples",
            expected=f"two examples or more per class, and in either part at least {len(counts)}, "
            "the number of classes",
        )
    rng = np.random.RandomState(seed)  # scikit-learn's generator, for the same choice
    kept_counts = _share(counts, keep, rng)
    taken_counts = _share(counts - kept_counts, take, rng)
    by_class = np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])
    kept, taken = [], []
    for members, left, right in zip(by_class, kept_counts, taken_counts, strict=True):
        shuffled = members[rng.permutation(len(members))]
        kept.append(shuffled[:left])
        taken.append(shuffled[left : left + right])
    return np.sort(np.concatenate(kept)), np.sort(np.concatenate(taken))


def _share(counts: Indices, draws: int, rng: np.random.RandomState) -> Indices:
    """Share out a number of draws in proportion to the classes' counts.

    Each class gets its whole part; what is left goes to the largest remainders, and between equal
    ones chance decides.
    """
    exact = counts / counts.sum() * draws
    whole = np.floor(exact)
    remainder = exact - whole
    left = int(draws - whole.sum())
    for value in np.unique(remainder)[::-1]:
        if left == 0:
            break
        (equal,) = np.where(remainder == value)
        chosen = rng.choice(equal, size=min(len(equal), left), replace=False)
        whole[chosen] += 1
        left -= len(chosen)
    shares: Indices = whole.astype(np.int64)
    return shares
