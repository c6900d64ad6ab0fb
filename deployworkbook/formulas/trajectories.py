"""Walks with a rule of descent: one array along its path, or all arrays of a model by a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.descent import Rule, State
from deployworkbook.validation import check_array, check_integer, message


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A path of descent.

    Args:
        path: The start and the point after each step, shape ``[steps taken + 1, ...]``.
        losses: The loss at each of them, shape ``[steps taken + 1]``.
        diverged: Whether the next point, or its loss, is beyond float64. The path ends before it,
            so that all of it is finite.
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
    """Walk from a start, one step of a rule at a time.

        w_(t+1), state = rule(w_t, ∇L(w_t), state)

    Args:
        rule: A rule of ``descent``, its settings bound by ``functools.partial``.
        gradient: ``gradient(w)``, or ``gradient(w, rows)`` where batches are given.
        start: w_0, any shape.
        steps: How many steps to take, at least 0.
        loss: ``loss(w)``, a number; over all examples, also where batches are given.
        batches: Row numbers for each step's gradient, as :func:`minibatches` yields them.

    Returns:
        The path, which ends early where it diverges.

    Raises:
        ValueError: The start is not finite or its loss is not, or there are fewer batches than
            steps.

    >>> from functools import partial
    >>> from deployworkbook.formulas.descent import gradient_descent
    >>> rule = partial(gradient_descent, learning_rate=0.25)
    >>> walk = trajectory(rule, lambda w: 2 * w, [4.0], 3, loss=lambda w: (w**2).sum())
    >>> walk.path[:, 0], walk.losses
    (array([4. , 2. , 1. , 0.5]), array([16.  ,  4.  ,  1.  ,  0.25]))
    """
    point = check_array("start", start)
    count = check_integer("steps", steps, 0)
    rows = None if batches is None else iter(batches)
    path, losses, state = [point], [float(check_array("loss at the start", loss(point)))], State()
    diverged = False
    # Beyond float64 is where a divergent path is meant to go; it is reported, not warned of.
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(count):
            slope = gradient(point) if rows is None else gradient(point, _take(rows, step, count))
            point, state = rule(point, np.asarray(slope, dtype=np.float64), state)
            value = float(np.asarray(loss(point)))
            if not (np.isfinite(point).all() and np.isfinite(value)):
                diverged = True
                break
            path.append(point)
            losses.append(value)
    return Trajectory(np.stack(path), np.array(losses), diverged)


def minibatches(
    examples: int, batch_size: int, *, epochs: int, seed: int
) -> Iterator[NDArray[np.int64]]:
    """Draw each example once an epoch, in a new order each time.

    The mean gradient of a batch has the expectation of the full gradient, and a variance that
    falls with the batch's size:

        E[g_B] = g,  Var[g_B] = σ²/B · (n - B)/(n - 1)

    Args:
        examples: n, how many there are.
        batch_size: B, from 1 to ``examples``; an epoch's last batch may be smaller.
        epochs: How often each example is drawn, at least 1.
        seed: Of the order.

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
    """Take one step with each array of a model.

    Args:
        rule: A rule of ``descent``, its settings bound.
        parameters: The model's arrays, as Keras's ``get_weights`` returns them.
        gradients: Their gradients, in the same order and shapes.
        states: The state of each; ``[State()] * len(parameters)`` to begin with.

    Returns:
        The new arrays and states.

    Raises:
        ValueError: The three are not equally many, or shapes differ.

    >>> from functools import partial
    >>> from deployworkbook.formulas.descent import gradient_descent
    >>> rule = partial(gradient_descent, learning_rate=1.0)
    >>> step_all(rule, [np.ones(2), np.ones(1)], [np.ones(2), np.zeros(1)], [State()] * 2)[0]
    [array([0., 0.]), array([1.])]
    """
    if not len(parameters) == len(gradients) == len(states):
        raise ValueError(
            message(
                "step_all",
                received=f"{len(parameters)} parameters, {len(gradients)} gradients and "
                f"{len(states)} states",
                expected="as many of each",
            )
        )
    stepped = [rule(*each) for each in zip(parameters, gradients, states, strict=True)]
    return [values for values, _ in stepped], [state for _, state in stepped]


def _take(rows: Iterator[NDArray[np.int64]], step: int, steps: int) -> NDArray[np.int64]:
    batch = next(rows, None)
    if batch is None:
        raise ValueError(
            message(
                "batches",
                received=f"{step}",
                expected=f"at least {steps}, one a step",
                remedy="Draw more epochs.",
            )
        )
    return batch
