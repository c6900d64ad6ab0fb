"""Ways in which images can differ from those at release: turned, blurred, noisy, dimmed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.distributions import check_unit
from deployworkbook.validation import check_array, check_integer, check_number

Array = NDArray[np.float64]

# Pixels farther away than this many σ have no weight in a blur.
REACH = 4.0


def rotated(images: ArrayLike, degrees: float) -> Array:
    """Turn images about their centre, counterclockwise, with bilinear interpolation.

        pixel (y, x)  ←  (y', x') = centre + R (y - centre, x - centre)

    Args:
        images: Shape ``[n, height, width]``.
        degrees: Angle.

    Returns:
        The shape of ``images``; what comes from outside is 0.

    Raises:
        ValueError: There are not three axes, or the angle is not finite.

    >>> rotated([[[1.0, 2.0], [3.0, 4.0]]], 90.0).round(6)  # the right column becomes the top row
    array([[[2., 4.],
            [1., 3.]]])
    """
    x = check_array("images", images, ndim=3)
    turn = np.radians(check_number("degrees", degrees))
    height, width = x.shape[1:]
    down, right = np.indices((height, width), dtype=np.float64).reshape(2, -1)
    down, right = down - (height - 1) / 2, right - (width - 1) / 2
    from_y = np.cos(turn) * down + np.sin(turn) * right + (height - 1) / 2
    from_x = np.cos(turn) * right - np.sin(turn) * down + (width - 1) / 2
    # One more row and column of zeros on each side stand for all of the outside.
    framed = np.pad(x, ((0, 0), (1, 1), (1, 1))).reshape(len(x), -1)
    from_y, from_x = np.clip(from_y, -1, height) + 1, np.clip(from_x, -1, width) + 1
    top = np.minimum(from_y.astype(np.int64), height)
    left = np.minimum(from_x.astype(np.int64), width)
    low, far = from_y - top, from_x - left
    corner = top * (width + 2) + left
    result = np.zeros((len(x), height * width))
    for offset, weight in (
        (0, (1 - low) * (1 - far)),
        (1, (1 - low) * far),
        (width + 2, low * (1 - far)),
        (width + 3, low * far),
    ):
        result += weight * framed.take(corner + offset, axis=1)
    return result.reshape(x.shape)


def blurred(images: ArrayLike, sigma: float) -> Array:
    """Blur images by a Gaussian.

        result = G image Gᵀ,   G_ij ∝ e^(-(i - j)² / 2 σ²)

    Args:
        images: Shape ``[n, height, width]``.
        sigma: σ, in pixels, at least 0.

    Returns:
        The shape of ``images``; the outside counts as 0.

    Raises:
        ValueError: There are not three axes, or σ is negative.

    >>> blurred(np.eye(3)[None], 0.0)[0].tolist() == np.eye(3).tolist()
    True
    """
    x = check_array("images", images, ndim=3)
    width = check_number("sigma", sigma, 0)
    if width == 0:
        return x
    rows, columns = (_gaussian(size, width) for size in x.shape[1:])
    return np.asarray(rows @ x @ columns.T)


def noisy(images: ArrayLike, spread: float, *, seed: int = 0) -> Array:
    """Add normal noise to each pixel, and clip to 0 … 1.

    Args:
        images: Pixels in 0 … 1, any shape.
        spread: Standard deviation of the noise, at least 0.
        seed: Seed of the random numbers; the result depends on nothing else.

    Returns:
        The shape of ``images``.

    Raises:
        ValueError: A pixel is out of range, or the spread is negative.

    >>> noisy([0.0, 0.5, 1.0], 0.0).tolist()
    [0.0, 0.5, 1.0]
    """
    x = check_unit("images", images)
    width = check_number("spread", spread, 0)
    generator = np.random.default_rng(check_integer("seed", seed, 0))
    return np.clip(x + width * generator.standard_normal(x.shape), 0.0, 1.0)


def dimmed(images: ArrayLike, factor: float) -> Array:
    """Multiply all pixels by a factor.

    Args:
        images: Pixels in 0 … 1, any shape.
        factor: From 0 (black) to 1 (unchanged).

    Returns:
        The shape of ``images``.

    Raises:
        ValueError: A pixel or the factor is out of range.

    >>> dimmed([0.0, 1.0], 0.25).tolist()
    [0.0, 0.25]
    """
    return np.asarray(check_unit("images", images) * check_number("factor", factor, 0, 1))


def inverted(images: ArrayLike, share: float = 1.0) -> Array:
    """Exchange black and white.

        (1 - s) x + s (1 - x)

    Args:
        images: Pixels in 0 … 1, any shape.
        share: s, from 0 (unchanged) by 0.5 (all grey) to 1 (inverted).

    Returns:
        The shape of ``images``.

    Raises:
        ValueError: A pixel or the share is out of range.

    >>> inverted([0.0, 0.25]).tolist()
    [1.0, 0.75]
    """
    x = check_unit("images", images)
    s = check_number("share", share, 0, 1)
    return np.asarray((1.0 - s) * x + s * (1.0 - x))


def _gaussian(size: int, sigma: float) -> Array:
    distance = np.subtract.outer(np.arange(size), np.arange(size))
    reach = int(REACH * sigma + 0.5)
    whole = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2.0 * sigma**2)).sum()
    weights = np.exp(-(distance**2) / (2.0 * sigma**2)) / whole
    return np.where(np.abs(distance) <= reach, weights, 0.0)
