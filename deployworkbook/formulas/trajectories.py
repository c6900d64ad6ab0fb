"""Repeated steps of a descent rule: a path of one array, or one step of all arrays of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.descent import Rule, State
from deployworkbook.validation import check_array, check_integer, check_number, value_error


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The path of a descent.

    Args:
        path: Starting point and the point after each step, shape ``[steps taken + 1, ...]``.
        losses: Loss at each point, shape ``[steps taken + 1]``.
        diverged: Whether the next point or its loss exceeds float64. The path ends before that, so
            all of it is finite.
    """

    path: NDArray[np.float64]
    losses: NDArray[np.float64]
    diverged: bool


def trajectory(
    rule: Rule,
    gradient: Callable[..., ArrayLike],
    start: ArrayLike,
    steps: int,
    *,
    loss: Callable[[NDArray[np.float64]], ArrayLike],
    batches: Iterable[NDArray[np.int64]] | None = None,
) -> Trajectory:
    """Descend from a starting point, one step of a rule at a time.

        w_(t+1), state = rule(w_t, ∇L(w_t), state)

    Args:
        rule: A rule from ``descent``, its settings bound by ``functools.partial``.
        gradient: ``gradient(w)``, or ``gradient(w, rows)`` where batches are given.
        start: w_0, any shape.
        steps: Number of steps to take, at least 0.
        loss: Maps all points, shape ``[steps + 1, ...]``, to their losses ``[steps + 1]``; over all
            examples, even where batches are given.
        batches: Row numbers for each step's gradient, from ``minibatches``.

    Returns:
        The path, which ends early if it diverges.

    Raises:
        ValueError: The start or its loss is not finite, or there are fewer batches than steps.

    >>> from functools import partial
    >>> from deployworkbook.formulas.descent import gradient_descent
    >>> rule = partial(gradient_descent, learning_rate=0.25)
    >>> walk = trajectory(rule, lambda w: 2 * w, [4.0], 3, loss=lambda w: (w**2).sum(axis=-1))
    >>> walk.path[:, 0], walk.losses
    (array([4. , 2. , 1. , 0.5]), array([16.  ,  4.  ,  1.  ,  0.25]))
    """
    path = _walk(rule, gradient, check_array("start", start), steps, batches)
    losses, beyond = _losses(loss, path, axes=path.ndim - 1)
    check_array("loss at the start", losses[0])
    taken = int(beyond.argmax()) if beyond.any() else len(path)
    return Trajectory(path[:taken], losses[:taken], taken < len(path))


def sweep(
    rule: Callable[..., Any],
    gradient: Callable[..., ArrayLike],
    start: ArrayLike,
    steps: int,
    *,
    learning_rates: ArrayLike,
    loss: Callable[[NDArray[np.float64]], ArrayLike],
    batches: Iterable[NDArray[np.int64]] | None = None,
) -> NDArray[np.float64]:
    """Descend from a starting point with many learning rates at once.

    Args:
        rule: A rule from ``descent``, all its settings bound except the learning rate.
        gradient: Maps points ``[rates, d]`` to gradients of the same shape; also takes rows if
            batches are given.
        start: w_0, shape ``[d]``.
        steps: Number of steps to take, at least 0.
        learning_rates: Learning rates, each above 0, shape ``[rates]``.
        loss: Maps points ``[steps + 1, rates, d]`` to losses ``[steps + 1, rates]``.
        batches: Row numbers for each step's gradient, the same for all rates.

    Returns:
        Losses, shape ``[steps + 1, rates]``; infinite from where a path exceeds float64.

    Raises:
        ValueError: The start is not finite, a rate is not above 0, or there are fewer batches
            than steps.

    >>> from deployworkbook.formulas.descent import gradient_descent
    >>> sweep(
    ...     gradient_descent, lambda w: 2 * w, [4.0], 1,
    ...     learning_rates=[0.25, 0.5, 1.0], loss=lambda w: (w**2).sum(axis=-1),
    ... )  # w = 4 - η · 8: 2, 0 and -4
    array([[16., 16., 16.],
           [ 4.,  0., 16.]])
    """
    rates = check_array("learning_rates", learning_rates, ndim=1)
    point = check_array("start", start, ndim=1)
    bound = partial(rule, learning_rate=rates[:, None])
    path = _walk(bound, gradient, np.tile(point, (len(rates), 1)), steps, batches)
    losses, beyond = _losses(loss, path, axes=1)
    return np.where(np.logical_or.accumulate(beyond), np.inf, losses)


def critical_rate(curvature: float, *, momentum: float = 0.0, look_ahead: bool = False) -> float:
    """Return the learning rate from which momentum diverges on a quadratic bowl.

        η = 2 (1 + μ) / λ,  with Nesterov's look ahead  η = 2 (1 + μ) / ((1 + 2 μ) λ)

    At that rate a root of the characteristic polynomial along the steepest direction,
    z² - (1 + μ - η λ) z + μ or z² - (1 + μ) (1 - η λ) z + μ (1 - η λ), is -1. Without
    momentum it is gradient descent's 2 / λ.

    Args:
        curvature: λ, the largest curvature, above 0.
        momentum: μ, from 0 to below 1.
        look_ahead: Whether the rule is Nesterov's.

    Raises:
        ValueError: A number is out of range.

    >>> critical_rate(10.0), round(critical_rate(10.0, momentum=0.9), 6)
    (0.2, 0.38)
    """
    steepest = check_number("curvature", curvature, 0, open_low=True)
    mu = check_number("momentum", momentum, 0, 1, open_high=True)
    return 2.0 * (1.0 + mu) / (steepest * (1.0 + 2.0 * mu if look_ahead else 1.0))


def minibatches(
    examples: int, batch_size: int, *, epochs: int, seed: int
) -> Iterator[NDArray[np.int64]]:
    """Draw each example once per epoch, in a new order each time.

    A batch's mean gradient has the full gradient as its expectation, and a variance that falls
    with the batch size:

        E[g_B] = g,  Var[g_B] = σ²/B · (n - B)/(n - 1)

    Args:
        examples: n, number of examples.
        batch_size: B, from 1 to ``examples``; an epoch's last batch may be smaller.
        epochs: Number of epochs, at least 1.
        seed: Seed of the order.

    Yields:
        Row numbers, shape ``[batch_size]``.

    Raises:
        ValueError: A number is out of range.

    >>> [batch.tolist() for batch in minibatches(5, 2, epochs=1, seed=0)]
    [[2, 4], [3, 0], [1]]
    """
    count = check_integer("examples", examples, 1)
    size = check_integer("batch_size", batch_size, 1, count)
    generator = np.random.default_rng(check_integer("seed", seed, 0))
    for _ in range(check_integer("epochs", epochs, 1)):
        order = generator.permutation(count)
        for first in range(0, count, size):
            yield order[first : first + size]


def step_all(
    rule: Rule,
    parameters: Sequence[NDArray[np.float64]],
    gradients: Sequence[NDArray[np.float64]],
    states: Sequence[State],
) -> tuple[list[NDArray[np.float64]], list[State]]:
    """Take one step of a rule with each array of a model.

    Args:
        rule: A rule from ``descent``, its settings bound.
        parameters: The model's arrays, as Keras's ``get_weights`` returns them.
        gradients: Their gradients, in the same order and shapes.
        states: Their states; ``[State()] * len(parameters)`` at the start.

    Returns:
        The new arrays and states.

    Raises:
        ValueError: The three differ in length or shapes.

    >>> from functools import partial
    >>> from deployworkbook.formulas.descent import gradient_descent
    >>> rule = partial(gradient_descent, learning_rate=1.0)
    >>> step_all(rule, [np.ones(2), np.ones(1)], [np.ones(2), np.zeros(1)], [State()] * 2)[0]
    [array([0., 0.]), array([1.])]
    """
    if not len(parameters) == len(gradients) == len(states):
        raise value_error(
            "step_all",
            received=f"{len(parameters)} parameters, {len(gradients)} gradients and "
            f"{len(states)} states",
            expected="the same number of each",
        )
    stepped = [rule(*each) for each in zip(parameters, gradients, states, strict=True)]
    return [values for values, _ in stepped], [state for _, state in stepped]


def _walk(
    rule: Rule,
    gradient: Callable[..., ArrayLike],
    start: NDArray[np.float64],
    steps: int,
    batches: Iterable[NDArray[np.int64]] | None,
) -> NDArray[np.float64]:
    """Return all points of a path, including those that exceed float64."""
    count = check_integer("steps", steps, 0)
    rows = None if batches is None else iter(batches)
    path = np.empty((count + 1, *start.shape))
    path[0], point, state = start, start, State()
    # A diverging path exceeds float64 by design; the caller reports it, so no warning is needed.
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(count):
            slope = gradient(point) if rows is None else gradient(point, _take(rows, step, count))
            point, state = rule(point, np.asarray(slope, dtype=np.float64), state)
            path[step + 1] = point
    return path


def _losses(
    loss: Callable[[NDArray[np.float64]], ArrayLike], path: NDArray[np.float64], *, axes: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the losses of points, and which of the points or their losses exceed float64."""
    shape = path.shape[: path.ndim - axes]
    with np.errstate(over="ignore", invalid="ignore"):
        losses = np.asarray(loss(path), dtype=np.float64)
    if losses.shape != shape:
        received = f"losses of shape {losses.shape}"
        raise value_error("loss", received=received, expected=f"one per point, {shape}")
    is_finite = np.isfinite(path).all(axis=tuple(range(len(shape), path.ndim)))
    return losses, ~(is_finite & np.isfinite(losses))


def _take(rows: Iterator[NDArray[np.int64]], step: int, steps: int) -> NDArray[np.int64]:
    batch = next(rows, None)
    if batch is None:
        raise value_error(
            "batches",
            received=f"{step}",
            expected=f"at least {steps}, one per step",
            remedy="Draw more epochs.",
        )
    return batch
