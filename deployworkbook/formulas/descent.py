"""Descent: update rules that turn a gradient into a step.

A rule is a pure function ``(parameters, gradient, state) -> (parameters, state)``: its memory is
the ``State``, and its settings are keyword arguments, which ``functools.partial`` binds.
Each rule equals the Keras 2 optimizer it names, even where that differs from the paper. A learning
rate is a number, or an array that broadcasts against the parameters, so that many points can take
a step at once, each with its own rate. Stochastic gradient descent is ``gradient_descent``
with the gradient of a mini-batch. ``trajectories`` repeats a rule's steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import (
    check_array,
    check_number,
    check_same_shape,
    describe,
    value_error,
)


@dataclass(frozen=True, eq=False)
class State:
    """A rule's memory from step to step; ``State()`` is the initial one.

    Args:
        step: Number of steps taken.
        direction: Momentum's velocity, or Adam's running mean of gradients; 0 or the shape of
            the parameters.
        mean_square: The running mean of squared gradients; 0 or the shape of the parameters.
    """

    step: int = 0
    direction: NDArray[np.float64] | float = 0.0
    mean_square: NDArray[np.float64] | float = 0.0


Rule = Callable[
    [NDArray[np.float64], NDArray[np.float64], State], tuple[NDArray[np.float64], State]
]


def gradient_descent(
    parameters: ArrayLike, gradient: ArrayLike, state: State, *, learning_rate: ArrayLike
) -> tuple[NDArray[np.float64], State]:
    """Step against the gradient (Keras: ``SGD(learning_rate)``).

        w ← w - η g

    Args:
        parameters: w, any shape.
        gradient: g, the shape of ``parameters``.
        state: Only its step count is used.
        learning_rate: η, above 0.

    Returns:
        The new parameters and state.

    Raises:
        ValueError: The shapes differ, or a setting is out of range.

    Source: A. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées",
    1847; on single examples: H. Robbins and S. Monro, "A stochastic approximation method", 1951.

    >>> gradient_descent([1.0], [2.0], State(), learning_rate=0.1)[0]
    array([0.8])
    """
    w, g = _arrays(parameters, gradient)
    eta = _rates(learning_rate)
    return w - eta * g, State(state.step + 1)


def momentum(
    parameters: ArrayLike,
    gradient: ArrayLike,
    state: State,
    *,
    learning_rate: ArrayLike,
    momentum: float = 0.9,
) -> tuple[NDArray[np.float64], State]:
    """Step along a decaying sum of past gradients (Keras: ``SGD(learning_rate, momentum)``).

        v ← μ v - η g
        w ← w + v

    Args:
        parameters: w, any shape.
        gradient: g, the shape of ``parameters``.
        state: Holds v as its direction.
        learning_rate: η, above 0. It is inside v, so changing η affects new gradients only.
        momentum: μ, from 0 to below 1.

    Returns:
        The new parameters and state.

    Raises:
        ValueError: The shapes differ, or a setting is out of range.

    Source: B. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.

    >>> w, state = momentum([1.0], [1.0], State(), learning_rate=0.1)
    >>> momentum(w, [0.0], state, learning_rate=0.1)[0].round(2)  # rolls on without a slope
    array([0.81])
    """
    w, g = _arrays(parameters, gradient)
    eta = _rates(learning_rate)
    mu = check_number("momentum", momentum, 0, 1, open_high=True)
    velocity = mu * state.direction - eta * g
    return w + velocity, State(state.step + 1, direction=velocity)


def nesterov(
    parameters: ArrayLike,
    gradient: ArrayLike,
    state: State,
    *,
    learning_rate: ArrayLike,
    momentum: float = 0.9,
) -> tuple[NDArray[np.float64], State]:
    """Step with momentum that looks ahead (Keras: ``SGD(learning_rate, momentum, nesterov=True)``).

        v ← μ v - η g
        w ← w + μ v - η g

    The paper takes the gradient at w + μ v, ahead of the parameters. Here, as in Keras, the stored
    parameters are already that point, so the gradient is taken at the parameters.

    Args:
        parameters: w, any shape.
        gradient: g, the shape of ``parameters``.
        state: Holds v as its direction.
        learning_rate: η, above 0.
        momentum: μ, from 0 to below 1.

    Returns:
        The new parameters and state.

    Raises:
        ValueError: The shapes differ, or a setting is out of range.

    Source: Y. Nesterov, 1983, in the form of I. Sutskever et al., "On the importance of
    initialization and momentum in deep learning", ICML 2013.

    >>> nesterov([1.0], [1.0], State(), learning_rate=0.1)[0].round(2)
    array([0.81])
    """
    w, g = _arrays(parameters, gradient)
    eta = _rates(learning_rate)
    mu = check_number("momentum", momentum, 0, 1, open_high=True)
    velocity = mu * state.direction - eta * g
    ahead = w + mu * velocity - eta * g
    return ahead, State(state.step + 1, direction=velocity)


def rmsprop(
    parameters: ArrayLike,
    gradient: ArrayLike,
    state: State,
    *,
    learning_rate: ArrayLike = 0.001,
    rho: float = 0.9,
    epsilon: float = 1e-7,
) -> tuple[NDArray[np.float64], State]:
    """Step with each gradient divided by its recent size (Keras: ``RMSprop(learning_rate, rho)``).

        s ← ρ s + (1 - ρ) g²
        w ← w - η g / √(s + ε)

    ε is under the root, as in Keras; others add it to the root. s starts at 0 without a bias
    correction, so the first steps are up to 1 / √(1 - ρ) times too long.

    Args:
        parameters: w, any shape.
        gradient: g, the shape of ``parameters``.
        state: Holds s as its mean square.
        learning_rate: η, above 0.
        rho: ρ, from 0 to below 1.
        epsilon: ε, above 0.

    Returns:
        The new parameters and state.

    Raises:
        ValueError: The shapes differ, or a setting is out of range.

    Source: G. Hinton, "Neural networks for machine learning", lecture 6e, 2012.

    >>> rmsprop([1.0], [100.0], State(), learning_rate=0.1)[0].round(4)  # 1 - 0.1 / √0.1
    array([0.6838])
    """
    w, g = _arrays(parameters, gradient)
    eta = _rates(learning_rate)
    decay = check_number("rho", rho, 0, 1, open_high=True)
    small = check_number("epsilon", epsilon, 0, open_low=True)
    mean_square = decay * state.mean_square + (1.0 - decay) * g**2
    stepped = w - eta * g / np.sqrt(mean_square + small)
    return stepped, State(state.step + 1, mean_square=mean_square)


def adam(
    parameters: ArrayLike,
    gradient: ArrayLike,
    state: State,
    *,
    learning_rate: ArrayLike = 0.001,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> tuple[NDArray[np.float64], State]:
    """Step by mean gradient over root mean square (Keras: ``Adam(learning_rate, beta_1, beta_2)``).

        m ← β₁ m + (1 - β₁) g
        s ← β₂ s + (1 - β₂) g²
        w ← w - η √(1 - β₂^t) / (1 - β₁^t) · m / (√s + ε)

    The factor after η corrects the bias from starting m and s at 0; t counts steps from 1. ε is
    added before that correction, as in Keras and at the end of the paper's section 2, not after it
    as in the paper's algorithm 1. (Keras rounds β₂ = 0.999 to float32, which changes its steps by
    6 millionths.)

    Args:
        parameters: w, any shape.
        gradient: g, the shape of ``parameters``.
        state: Holds t - 1, m as its direction, s as its mean square.
        learning_rate: η, above 0; roughly the step length in each parameter.
        beta_1: β₁, from 0 to below 1.
        beta_2: β₂, from 0 to below 1.
        epsilon: ε, above 0.

    Returns:
        The new parameters and state.

    Raises:
        ValueError: The shapes differ, or a setting is out of range.

    Source: D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    >>> adam([1.0, 1.0], [100.0, 0.01], State(), learning_rate=0.1)[0].round(3)
    array([0.9, 0.9])
    """
    w, g = _arrays(parameters, gradient)
    eta = _rates(learning_rate)
    first = check_number("beta_1", beta_1, 0, 1, open_high=True)
    second = check_number("beta_2", beta_2, 0, 1, open_high=True)
    small = check_number("epsilon", epsilon, 0, open_low=True)
    step = state.step + 1
    mean = first * state.direction + (1.0 - first) * g
    mean_square = second * state.mean_square + (1.0 - second) * g**2
    rate = eta * np.sqrt(1.0 - second**step) / (1.0 - first**step)
    stepped = w - rate * mean / (np.sqrt(mean_square) + small)
    return stepped, State(step, direction=mean, mean_square=mean_square)


def _arrays(
    parameters: ArrayLike, gradient: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # Not check_array: a diverging path passes through infinity, which ``trajectory`` handles.
    w, g = np.asarray(parameters, dtype=np.float64), np.asarray(gradient, dtype=np.float64)
    check_same_shape("parameters", w, "gradient", g)
    return w, g


def _rates(learning_rate: ArrayLike) -> float | NDArray[np.float64]:
    if isinstance(learning_rate, int | float):
        return check_number("learning_rate", learning_rate, 0, open_low=True)
    rates = check_array("learning_rate", learning_rate)
    if not (rates > 0).all():
        received = f"{describe(rates)}, smallest {rates.min():g}"
        raise value_error("learning_rate", received=received, expected="numbers above 0")
    return rates
