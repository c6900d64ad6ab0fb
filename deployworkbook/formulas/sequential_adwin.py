"""ADWIN: compare the older part of a stream with the newer one, at every cut that it remembers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_integer

Array = NDArray[np.float64]

# Buckets of each size that are kept before two are joined, and the smallest part compared.
BUCKETS = 5
SHORTEST = 5
# No comparison before there are more values than these.
GRACE = 10


def adwin(values: ArrayLike, *, interval: int = 32) -> Array:
    """Return how surprising the most surprising cut of the stream is, up to each value.

        |x̄_old - x̄_new| = √(2 v d / m) + 2 d / 3 m,   1/m = 1/(n_old - 4) + 1/(n_new - 4)
        evidence = -ln δ = max over cuts of d - ln(2 ln t)

    The first equation is Bernstein's bound, solved for d; v is the variance of the t values so
    far. ADWIN with confidence parameter δ alarms when the evidence exceeds -ln δ, then starts
    anew. It keeps sums in buckets of 1, 2, 4, … values, at most five of each size, so that cuts
    are dense among the newest values and sparse among the oldest.

    Args:
        values: x, shape ``[..., n]``, one stream along the last axis.
        interval: Number of values between two comparisons, at least 1.

    Returns:
        -ln δ of the smallest δ that would alarm, the shape of ``values``; -inf where nothing is
        compared. It doesn't depend on δ up to the first alarm.

    Raises:
        TypeError: ``interval`` is not a whole number.
        ValueError: A value is not finite.

    Source: A. Bifet and R. Gavaldà, "Learning from time-changing data with adaptive windowing",
    SIAM Conference on Data Mining, 2007.

    >>> stream = np.repeat([0.0, 1.0], 64)  # a jump after 64 values
    >>> evidence = adwin(stream)
    >>> int(np.argmax(evidence > -np.log(0.002))) + 1  # δ = 0.002: found 32 values later
    96
    """
    x = check_array("values", values)
    step = check_integer("interval", interval, 1)
    length = x.shape[-1]
    # Sums of centred values lose fewer digits.
    centred = x - x.mean(axis=-1, keepdims=True)
    sums = np.concatenate([np.zeros((*x.shape[:-1], 1)), np.cumsum(centred, axis=-1)], axis=-1)
    squares = np.cumsum(centred**2, axis=-1)
    evidence = np.full(x.shape, -np.inf)
    for t, cuts in _remembered_cuts(length, step):
        total = sums[..., t, None]
        variance = np.maximum(squares[..., t - 1, None] / t - (total / t) ** 2, 0.0)
        old = sums[..., cuts]
        gap = np.abs(old / cuts - (total - old) / (t - cuts))
        harmonic = 1.0 / (cuts - SHORTEST + 1.0) + 1.0 / (t - cuts - SHORTEST + 1.0)
        # A quadratic equation in √d; this form of its root loses no digits.
        linear = np.sqrt(2.0 * harmonic * variance)
        root = (
            2.0 * gap / np.maximum(linear + np.sqrt(linear**2 + 8.0 / 3.0 * harmonic * gap), 1e-300)
        )
        evidence[..., t - 1] = (root**2).max(axis=-1) - np.log(2.0 * np.log(t))
    return evidence


def _remembered_cuts(length: int, interval: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield when ADWIN compares, and where its buckets then meet: how many values are older."""
    counts = [0]
    for t in range(1, length + 1):
        counts[0] += 1
        size = 0
        while counts[size] > BUCKETS:
            if size + 1 == len(counts):
                counts.append(0)
            counts[size] -= 2
            counts[size + 1] += 1
            size += 1
        if t % interval or t <= GRACE:
            continue
        sizes = np.repeat(2 ** np.arange(len(counts))[::-1], counts[::-1])
        cuts = np.cumsum(sizes)[:-1]
        yield t, cuts[(cuts >= SHORTEST) & (t - cuts >= SHORTEST)]
