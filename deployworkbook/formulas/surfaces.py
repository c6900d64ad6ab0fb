"""Loss surfaces to descend: a loss over two or more parameters, with its exact gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_number, value_error


@dataclass(frozen=True, eq=False)
class Surface:
    """A loss surface to descend.

    Args:
        name: Name for titles.
        loss: Maps points ``[..., d]`` to losses ``[...]``.
        gradient: Maps points ``[..., d]`` to gradients of the same shape. For
            ``linear_regression`` it also takes row numbers, for the gradient of a batch.
        start: Starting point that shows the surface's character, shape ``[d]``.
        minimum: Lowest point, shape ``[d]``; ``None`` where the loss has no lower bound.
        limits: Lower and upper ends of each parameter's axis in a plot, shape ``[d, 2]``.
        curvatures: Smallest and largest eigenvalue of the Hessian, if it is the same everywhere.
            If both are above 0, gradient descent converges for learning rates below 2 divided by
            the largest; their ratio, the condition number, says how slowly.
    """

    name: str
    loss: Callable[[ArrayLike], NDArray[np.float64]]
    gradient: Callable[..., NDArray[np.float64]]
    start: NDArray[np.float64]
    minimum: NDArray[np.float64] | None
    limits: NDArray[np.float64]
    curvatures: tuple[float, float] | None = None


def quadratic_bowl(condition_number: float) -> Surface:
    """Build a valley whose walls are steeper than its floor.

        L = ½ (x² + κ y²),  ∇L = (x, κ y)

    Args:
        condition_number: κ, at least 1: how many times steeper the walls are.

    Raises:
        ValueError: κ is below 1.

    >>> bowl = quadratic_bowl(10.0)
    >>> float(bowl.loss([2.0, 1.0])), bowl.gradient([2.0, 1.0])
    (7.0, array([ 2., 10.]))
    """
    kappa = check_number("condition_number", condition_number, 1)
    return _quadratic(
        "Quadratic bowl",
        (1.0, kappa),
        start=np.array([-4.0, 2.0]),
        minimum=np.zeros(2),
        limits=np.array([[-5.0, 5.0], [-3.0, 3.0]]),
    )


def saddle() -> Surface:
    """Build a pass between two hills: its middle is flat, but not a minimum.

        L = ½ (x² - y²),  ∇L = (x, -y)

    >>> mountain_pass = saddle()
    >>> mountain_pass.gradient([[0.0, 0.0], [1.0, 1.0]])
    array([[ 0., -0.],
           [ 1., -1.]])
    """
    return _quadratic(
        "Saddle",
        (1.0, -1.0),
        start=np.array([-2.0, 0.01]),
        minimum=None,
        limits=np.array([[-3.0, 3.0], [-3.0, 3.0]]),
    )


def rosenbrock() -> Surface:
    """Build a bent, flat-floored valley.

        L = 100 (y - x²)² + (1 - x)²
        ∇L = (-400 x (y - x²) - 2 (1 - x), 200 (y - x²))

    Source: H. Rosenbrock, "An automatic method for finding the greatest or least value of a
    function", 1960.

    >>> valley = rosenbrock()
    >>> float(valley.loss([0.0, 0.0])), valley.gradient([0.0, 0.0])
    (1.0, array([-2.,  0.]))
    """

    def loss(points: ArrayLike) -> NDArray[np.float64]:
        x, y = _coordinates(points)
        return np.asarray(100.0 * (y - x**2) ** 2 + (1.0 - x) ** 2)

    def gradient(points: ArrayLike) -> NDArray[np.float64]:
        x, y = _coordinates(points)
        climb = y - x**2
        return np.stack([-400.0 * x * climb - 2.0 * (1.0 - x), 200.0 * climb], axis=-1)

    return Surface(
        name="Rosenbrock's valley",
        loss=loss,
        gradient=gradient,
        start=np.array([-1.2, 1.0]),
        minimum=np.ones(2),
        limits=np.array([[-2.0, 2.0], [-1.0, 3.0]]),
    )


def beale() -> Surface:
    """Build a plain between sharp peaks.

        L = Σ r_i²,  r_i = c_i - x (1 - y^i),  c = (1.5, 2.25, 2.625),  i = 1 … 3
        ∇L = Σ 2 r_i (-(1 - y^i), i x y^(i-1))

    Source: E. Beale, "On an iterative method for finding a local minimum of a function of more
    than one variable", 1958.

    >>> plain = beale()
    >>> float(plain.loss([0.0, 0.0])), float(plain.loss([3.0, 0.5]))
    (14.203125, 0.0)
    """
    constants, powers = np.array([1.5, 2.25, 2.625]), np.arange(4)

    def parts(points: ArrayLike) -> tuple[NDArray[np.float64], ...]:
        x, y = (values[..., None] for values in _coordinates(points))
        y_powers = y**powers
        shares = 1.0 - y_powers[..., 1:]
        return x, y_powers, shares, constants - x * shares

    def loss(points: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(np.square(parts(points)[-1]).sum(axis=-1))

    def gradient(points: ArrayLike) -> NDArray[np.float64]:
        x, y_powers, shares, residuals = parts(points)
        slopes_x, slopes_y = -shares, powers[1:] * x * y_powers[..., :-1]
        slopes = np.stack([slopes_x, slopes_y], axis=-2)
        return np.asarray(2.0 * (residuals[..., None, :] * slopes).sum(axis=-1))

    return Surface(
        name="Beale's function",
        loss=loss,
        gradient=gradient,
        start=np.array([1.0, 1.5]),
        minimum=np.array([3.0, 0.5]),
        limits=np.array([[-1.0, 4.5], [-2.0, 2.0]]),
    )


def linear_regression(inputs: ArrayLike, targets: ArrayLike, *, name: str) -> Surface:
    """Build the loss of a linear model on data.

        L = 1/n Σ (x_i · w - y_i)²,  ∇L = 2/n Xᵀ (X w - y)

    Its Hessian is H = 2/n Xᵀ X, so the data shape the valley. It is computed around the minimum w*,
    at a cost that does not depend on the number of rows:

        L = L(w*) + ½ (w - w*)ᵀ H (w - w*),  ∇L = H (w - w*)

    ``gradient(w, rows)`` is the gradient on those rows only, for stochastic gradient descent.

    Args:
        inputs: X, shape ``[n, d]``; a column of ones makes an intercept.
        targets: y, shape ``[n]``.
        name: Name for titles.

    Raises:
        ValueError: The shapes do not match, or the columns of ``inputs`` are linearly dependent, so
            that there is no single minimum.

    >>> line = linear_regression([[1.0, 0.0], [1.0, 1.0]], [1.0, 3.0], name="A line")
    >>> line.minimum.round(6), round(float(line.loss([0.0, 0.0])), 6)  # 1 + 2x; (1² + 3²) / 2
    (array([1., 2.]), 5.0)
    """
    X = check_array("inputs", inputs, ndim=2)
    count, width = X.shape
    y = check_array("targets", targets, ndim=1, shape=(count,))
    solution, _, rank, singular = np.linalg.lstsq(X, y, rcond=None)
    if rank < width:
        raise value_error(
            "inputs",
            received=f"{width} columns of rank {rank}",
            expected="linearly independent columns",
            remedy="Leave out a column, or add rows.",
        )
    minimum = solution.astype(np.float64)
    smallest, largest = (float(2.0 / count * value**2) for value in (singular[-1], singular[0]))
    hessian, lowest = 2.0 / count * X.T @ X, float(((X @ minimum - y) ** 2).mean())

    def loss(points: ArrayLike) -> NDArray[np.float64]:
        away = _points(points, width) - minimum
        return np.asarray(lowest + 0.5 * (away @ hessian * away).sum(axis=-1))

    def gradient(points: ArrayLike, rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        if rows is None:
            return np.asarray((_points(points, width) - minimum) @ hessian)
        residuals = _points(points, width) @ X[rows].T - y[rows]
        return np.asarray(2.0 / len(rows) * (residuals @ X[rows]))

    # At this distance from the minimum along each axis, the loss has risen by 4 times the targets'
    # variance: the plot shows both the bowl and its floor.
    variance = y.var() if y.var() > 0 else 1.0
    reach = np.sqrt(4.0 * variance / (X**2).mean(axis=0))
    return Surface(
        name=name,
        loss=loss,
        gradient=gradient,
        start=minimum - 0.8 * reach,
        minimum=minimum,
        limits=np.stack([minimum - reach, minimum + reach], axis=-1),
        curvatures=(smallest, largest),
    )


def _quadratic(
    name: str,
    weights: tuple[float, float],
    *,
    start: NDArray[np.float64],
    minimum: NDArray[np.float64] | None,
    limits: NDArray[np.float64],
) -> Surface:
    factors, curvatures = np.array(weights), (min(weights), max(weights))

    def loss(points: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(0.5 * (_points(points, 2) ** 2 @ factors))

    def gradient(points: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(factors * _points(points, 2))

    return Surface(name, loss, gradient, start, minimum, limits, curvatures)


def _points(points: ArrayLike, width: int) -> NDArray[np.float64]:
    # A diverging path may contain infinities, which lead to an infinite loss. A valid array skips
    # the check, because a path of two hundred steps comes here two hundred times.
    if isinstance(points, np.ndarray) and points.dtype == float and points.shape[-1:] == (width,):
        return points
    return check_array("points", points, shape=(width,), finite=False)


def _coordinates(points: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values = _points(points, 2)
    return values[..., 0], values[..., 1]
