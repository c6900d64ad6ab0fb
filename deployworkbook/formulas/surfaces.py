"""Landscapes to descend: a loss over two parameters or more, with its exact gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_number, message


@dataclass(frozen=True, eq=False)
class Surface:
    """A loss to descend.

    Args:
        name: What it is called in a title.
        loss: Maps points ``[..., d]`` to losses ``[...]``.
        gradient: Maps points ``[..., d]`` to gradients of that shape. That of
            :func:`linear_regression` takes row numbers too, for the gradient of a batch.
        start: A point that shows the surface's character, shape ``[d]``.
        minimum: The lowest point, shape ``[d]``; ``None`` where the loss has no bound.
        limits: Lower and upper ends of the view of each parameter, shape ``[d, 2]``.
        curvatures: Smallest and largest eigenvalue of the Hessian, where that is the same
            everywhere. Where both are above 0, gradient descent converges for learning rates
            below 2 / the largest; how slowly, their ratio says: the condition number.
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
        condition_number: κ, at least 1: how many times steeper.

    Raises:
        ValueError: κ is below 1.

    >>> bowl = quadratic_bowl(10.0)
    >>> float(bowl.loss([2.0, 1.0])), bowl.gradient([2.0, 1.0])
    (7.0, array([ 2., 10.]))
    """
    kappa = check_number("condition_number", condition_number, 1)
    return _quadratic(
        f"Quadratic bowl, condition number {kappa:g}",
        (1.0, kappa),
        start=np.array([-4.0, 2.0]),
        minimum=np.zeros(2),
        limits=np.array([[-5.0, 5.0], [-3.0, 3.0]]),
    )


def saddle() -> Surface:
    """Build a pass between two hills: its middle is flat, and no minimum.

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
    constants = (1.5, 2.25, 2.625)

    def loss(points: ArrayLike) -> NDArray[np.float64]:
        x, y = _coordinates(points)
        residuals = [c - x * (1.0 - y**i) for i, c in enumerate(constants, start=1)]
        return np.asarray(np.square(residuals).sum(axis=0))

    def gradient(points: ArrayLike) -> NDArray[np.float64]:
        x, y = _coordinates(points)
        slope_x, slope_y = np.zeros_like(x), np.zeros_like(y)
        for i, c in enumerate(constants, start=1):
            residual = c - x * (1.0 - y**i)
            slope_x -= 2.0 * residual * (1.0 - y**i)
            slope_y += 2.0 * residual * i * x * y ** (i - 1)
        return np.stack([slope_x, slope_y], axis=-1)

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

    Its Hessian is 2/n Xᵀ X: the data make the valley. ``gradient(w, rows)`` is the gradient on
    some rows only, for stochastic gradient descent.

    Args:
        inputs: X, shape ``[n, d]``; a column of ones makes an intercept.
        targets: y, shape ``[n]``.
        name: What it is called in a title.

    Raises:
        ValueError: The shapes do not fit, or columns of ``inputs`` depend on each other, so that
            there is no single minimum.

    >>> line = linear_regression([[1.0, 0.0], [1.0, 1.0]], [1.0, 3.0], name="A line")
    >>> line.minimum.round(6), float(line.loss([0.0, 0.0]))  # 1 + 2x; (1² + 3²) / 2
    (array([1., 2.]), 5.0)
    """
    X = check_array("inputs", inputs, ndim=2)
    count, width = X.shape
    y = check_array("targets", targets, ndim=1, shape=(count,))
    solution, _, rank, singular = np.linalg.lstsq(X, y, rcond=None)
    if rank < width:
        raise ValueError(
            message(
                "inputs",
                received=f"{width} columns of rank {rank}",
                expected="columns that do not depend on each other",
                remedy="Leave out a column, or bring more rows.",
            )
        )
    minimum = solution.astype(np.float64)
    smallest, largest = (float(2.0 / count * value**2) for value in (singular[-1], singular[0]))

    def loss(points: ArrayLike) -> NDArray[np.float64]:
        residuals = _points(points, width) @ X.T - y
        return np.asarray((residuals**2).mean(axis=-1))

    def gradient(points: ArrayLike, rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        chosen_X, chosen_y = (X, y) if rows is None else (X[rows], y[rows])
        residuals = _points(points, width) @ chosen_X.T - chosen_y
        return np.asarray(2.0 / len(chosen_y) * (residuals @ chosen_X))

    # This far from the minimum, along each axis, the loss has risen by 4 times the variance of the
    # targets: a view that shows both the bowl and its floor.
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
    def loss(points: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(0.5 * (_points(points, 2) ** 2 @ np.array(weights)))

    def gradient(points: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(np.array(weights) * _points(points, 2))

    curvatures = (min(weights), max(weights))
    return Surface(name, loss, gradient, start, minimum, limits, curvatures)


def _points(points: ArrayLike, width: int) -> NDArray[np.float64]:
    # A diverging path may hold infinities: they pass, and make an infinite loss.
    return check_array("points", points, shape=(width,), finite=False)


def _coordinates(points: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values = _points(points, 2)
    return values[..., 0], values[..., 1]
