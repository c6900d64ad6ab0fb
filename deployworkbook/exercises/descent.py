"""The exercises of lesson 03: steps of descent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

STEPS = ((np.array([1.0, -2.0]), np.array([0.5, 4.0]), 0.1), (np.array([3.0]), np.array([-1.0]), 2))
MOMENTA = (
    (np.array([0.2, -0.1]), np.array([1.0, 2.0]), 0.1, 0.9),
    (np.array([1.0]), np.array([-3.0]), 0.5, 0.5),
)
BOWLS = (
    (np.array([1.0, 10.0]), np.array([-4.0, 2.0]), 0.1),
    (np.array([2.0]), np.array([4.0]), 0.25),
    (np.array([1.0, 50.0]), np.array([1.0, 1.0]), 0.03),
)
MEANS = ((np.array([0.1, -0.02]), 0.9, 1), (np.array([0.5]), 0.99, 10))


def _steps_until(
    curvatures: NDArray[np.float64],
    start: NDArray[np.float64],
    rate: float,
    *,
    power: int = 2,
    first: int = 0,
) -> int:
    """Count steps until Σ c |θ|^power has fallen to a thousandth."""
    place, steps = start, first
    weights = curvatures if power == 2 else np.ones_like(curvatures)
    goal = (weights * np.abs(start) ** power).sum() / 1000
    while (weights * np.abs(place) ** power).sum() > goal:
        place, steps = place - rate * curvatures * place, steps + 1
    return steps


EXERCISES = (
    Exercise(
        id="descent.step",
        expected="a function of parameters, gradient and learning rate that returns an array",
        reference=lambda parameters, gradient, rate: parameters - rate * gradient,
        cases=STEPS,
        hints=(
            "The gradient points where the loss grows fastest. You want the other way.",
            "parameters - rate * gradient",
        ),
        mistakes=(
            Mistake(
                lambda parameters, gradient, rate: parameters + rate * gradient,
                "That climbs: the gradient points uphill.",
            ),
            Mistake(
                lambda parameters, gradient, rate: parameters - gradient,
                "The learning rate is missing.",
            ),
            Mistake(
                lambda parameters, gradient, rate: -rate * gradient,
                "That is only the step. Add it to the parameters.",
            ),
        ),
    ),
    Exercise(
        id="descent.velocity",
        expected="a function of velocity, gradient, rate and momentum that returns an array",
        reference=lambda velocity, gradient, rate, momentum: momentum * velocity - rate * gradient,
        cases=MOMENTA,
        hints=(
            "Keep a fraction of the old velocity, and add this step's push downhill.",
            "momentum * velocity - rate * gradient",
        ),
        mistakes=(
            Mistake(
                lambda velocity, gradient, rate, momentum: momentum * velocity + rate * gradient,
                "The push has the wrong sign: it goes uphill.",
            ),
            Mistake(
                lambda velocity, gradient, rate, momentum: velocity - rate * gradient,
                "Nothing slows the velocity down: multiply the old one by the momentum.",
            ),
            Mistake(
                lambda velocity, gradient, rate, momentum: (
                    momentum * velocity - (1 - momentum) * rate * gradient
                ),
                "That is a running mean. This rule doesn't multiply the push by 1 - momentum.",
            ),
        ),
    ),
    Exercise(
        id="descent.bias_correction",
        expected="a function of the running mean, beta and the step (from 1) that returns an array",
        reference=lambda mean, beta, step: mean / (1 - beta**step),
        cases=MEANS,
        hints=(
            "After one step the mean is (1 - beta) times the gradient. How do you get the gradient "
            "back?",
            "After t steps the weights of all gradients sum to 1 - beta to the power of t.",
            "mean / (1 - beta**step)",
        ),
        mistakes=(
            Mistake(
                lambda mean, beta, step: mean / (1 - beta),
                "That is right for the first step only: beta must be raised to the power of the "
                "step.",
            ),
            Mistake(
                lambda mean, beta, step: mean * (1 - beta**step),
                "That makes it smaller, but it is already too small.",
            ),
            Mistake(
                lambda mean, beta, step: mean / (1 - beta ** (step + 1)),
                "Steps count from 1 here: the first one is already in the mean.",
            ),
        ),
    ),
    Exercise(
        id="descent.largest_rate",
        expected="a learning rate",
        reference=2 / 50,
        relative_tolerance=0.01,
        hints=(
            "In the steepest direction a step multiplies the distance by 1 - rate · curvature.",
            "That stays between -1 and 1 as long as rate · curvature is below 2.",
            "2 / 50",
        ),
        mistakes=(
            Mistake(
                1 / 50,
                "At that rate the steepest direction reaches the bottom in one step; you can "
                "go further before it diverges.",
            ),
            Mistake(
                2.0,
                "That would work for the flattest direction, whose curvature is 1. The "
                "steepest one sets the limit.",
            ),
            Mistake(50 / 2, "Your fraction is upside down."),
        ),
    ),
    Exercise(
        id="descent.steps_needed",
        expected="a function of curvatures, start and rate that returns a whole number of steps",
        reference=lambda curvatures, start, rate: _steps_until(curvatures, start, rate),
        cases=BOWLS,
        hints=(
            "Compute the loss at the start, and keep it. Then step in a loop, and count.",
            "The gradient of ½ c θ² is c θ, in each direction with its own c. NumPy does all "
            "directions at once: curvatures * place.",
            "while loss(place) > loss(start) / 1000: take a step, and add 1 to the count",
        ),
        mistakes=(
            Mistake(
                lambda curvatures, start, rate: _steps_until(curvatures, start, rate, first=1),
                "One too many: the start is no step. Begin to count at 0.",
            ),
            Mistake(
                lambda curvatures, start, rate: _steps_until(curvatures, start, rate, power=1),
                "You wait until the distance is a thousandth. The loss falls with its square, so "
                "it is there earlier.",
            ),
            Mistake(
                lambda curvatures, start, rate: _steps_until(
                    np.full_like(curvatures, curvatures.max()), start, rate
                ),
                "You use one curvature for all directions, but each has its own.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="descent.one_step",
        question="You start at θ = 4 on the loss θ². With which learning rate does the very first "
        "step reach the bottom?",
        choices=("0.25", "0.5", "0.75", "with none: it only comes closer"),
        answer="0.5",
        reason="The slope at 4 is 8, and the bottom is 4 away: 0.5 · 8 = 4. From any other start "
        "it is the same, as the slope is always twice the distance.",
    ),
    GuessQuestion(
        id="descent.fewer_steps",
        question="On a bowl with the condition number 100, which rule needs fewer steps to a "
        "thousandth of the loss, each at its best learning rate?",
        choices=("gradient descent", "momentum", "both about the same"),
        answer="momentum",
        reason="The steepest direction limits the learning rate of both. Gradient descent then "
        "crawls along the flattest one, where momentum gathers speed.",
    ),
    GuessQuestion(
        id="descent.best_rate",
        question="On a bowl with the condition number 100 gradient descent diverges from some "
        "learning rate on. Which rate has the lowest loss after 200 steps?",
        choices=("just below that limit", "half of it", "a tenth of it"),
        answer="just below that limit",
        reason="The flattest direction needs long steps. At the best rate it converges as fast as "
        "the steepest one, which jumps from wall to wall.",
    ),
    GuessQuestion(
        id="descent.single_examples",
        question="Each step now follows the gradient of a single patient instead of all 442, and "
        "the learning rate stays the same, far below the limit. Where does the path end?",
        choices=(
            "at the lowest point, later",
            "nowhere: it wanders around the lowest point",
            "at another point",
        ),
        answer="nowhere: it wanders around the lowest point",
        reason="At the lowest point the gradients of all patients cancel, but a single patient's "
        "gradient isn't 0. With larger batches or smaller rates it wanders less.",
    ),
    GuessQuestion(
        id="descent.equal_work",
        question="With either batch size you look at each patient five times, at the best learning "
        "rate. Which gets lower: five steps on all 442 patients, or 70 steps on batches of 32?",
        choices=(
            "five exact steps",
            "70 noisy steps",
            "both about the same, as the work is the same",
        ),
        answer="70 noisy steps",
        reason="Far from the bottom a batch of 32 points nearly the same way as all patients, for "
        "a fourteenth of the work. Only close to the bottom does its noise matter.",
    ),
)
