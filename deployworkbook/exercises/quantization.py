"""The exercises of lesson 05 on grids: rounding, scales and zero points, and calibration."""

from __future__ import annotations

import numpy as np

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

ROUNDINGS = (
    (np.array([-1.0, -0.04, 0.0, 0.37, 2.0]), 0.1, -4, -8, 7),
    (np.array([0.5, 3.3]), 0.25, 3, -128, 127),
)
# The second and the third range exclude 0, so they must be widened first. In the first and the
# last, truncating gives another zero point than rounding, in either order of the steps.
RANGES = ((-1.0, 3.0, 8), (1.0, 3.0, 8), (-4.0, -1.0, 4), (-0.7, 3.0, 8))
KERNELS = (
    (np.array([[0.5, -20.0, 0.01], [-1.0, 10.0, 0.03]]), 8),
    (np.array([[0.2, 1.4], [0.1, -0.7], [-0.3, 0.0]]), 4),
)
ACTIVATIONS = (
    (np.array([-0.5, 0.25, 4.0]), np.array([-3.0, 0.0, 9.0])),
    (np.array([0.0, 1.5]), np.array([0.5, 2.0])),
)


def _scale(low: float, high: float, bits: int) -> float:
    return (max(high, 0) - min(low, 0)) / float(2**bits - 1)


def _steps_below_zero(low: float, high: float, bits: int) -> float:
    return -min(low, 0) / _scale(low, high, bits)


def _grid(low: float, high: float, bits: int) -> np.ndarray:
    lowest = -(2 ** (bits - 1))
    zero_point = np.rint(lowest + _steps_below_zero(low, high, bits))
    return np.array([_scale(low, high, bits), zero_point])


def _grid_of_unwidened_range(low: float, high: float, bits: int) -> np.ndarray:
    scale = (high - low) / (2**bits - 1)
    return np.array([scale, np.rint(-(2 ** (bits - 1)) - low / scale)])


def _grid_clipped_instead(low: float, high: float, bits: int) -> np.ndarray:
    scale, zero_point = _grid_of_unwidened_range(low, high, bits)
    lowest = -(2 ** (bits - 1))
    return np.array([scale, np.clip(zero_point, lowest, -lowest - 1)])


def _grid_cut_off(low: float, high: float, bits: int) -> np.ndarray:
    zero_point = np.trunc(-(2 ** (bits - 1)) + _steps_below_zero(low, high, bits))
    return np.array([_scale(low, high, bits), zero_point])


def _grid_of_whole_steps(low: float, high: float, bits: int) -> np.ndarray:
    zero_point = -(2 ** (bits - 1)) + np.trunc(_steps_below_zero(low, high, bits))
    return np.array([_scale(low, high, bits), zero_point])


def _grid_of_one_step_too_many(low: float, high: float, bits: int) -> np.ndarray:
    scale = (max(high, 0) - min(low, 0)) / 2**bits
    return np.array([scale, np.rint(-(2 ** (bits - 1)) - min(low, 0) / scale)])


EXERCISES = (
    Exercise(
        id="quantization.quantize",
        expected="a function of values, scale, zero point, low and high that returns an array",
        reference=lambda values, scale, zero_point, low, high: np.clip(
            np.rint(values / scale) + zero_point, low, high
        ),
        cases=ROUNDINGS,
        hints=(
            "Three steps in this order: divide and round, shift, clip.",
            "np.rint rounds, np.clip(numbers, low, high) clips.",
            "np.clip(np.rint(values / scale) + zero_point, low, high)",
        ),
        mistakes=(
            Mistake(
                lambda values, scale, zero_point, low, high: np.rint(values / scale) + zero_point,
                "Some of these don't fit: clip them to the lowest and the highest integer.",
            ),
            Mistake(
                lambda values, scale, zero_point, low, high: (
                    np.clip(np.rint(values / scale), low, high) + zero_point
                ),
                "You clip before adding the zero point, which moves values out of the range again.",
            ),
            Mistake(
                lambda values, scale, zero_point, low, high: np.clip(
                    np.trunc(values / scale) + zero_point, low, high
                ),
                "That truncates (so does a cast to int): the error is up to a whole step instead "
                "of half a step.",
            ),
            Mistake(
                lambda values, scale, zero_point, low, high: np.clip(
                    np.rint(values / scale), low, high
                ),
                "The zero point is missing.",
            ),
        ),
    ),
    Exercise(
        id="quantization.zero_point",
        expected="a function of low, high and bits that returns two numbers: the scale, and the "
        "integer that stands for 0",
        reference=_grid,
        cases=RANGES,
        hints=(
            "First widen the range to include 0. How many steps lie between the smallest and the "
            "largest of 2^b integers? One fewer than there are integers.",
            "The lower end of the range gets the lowest integer, -2^(b-1). 0 lies -low / scale "
            "steps above it.",
            "low, high = min(low, 0), max(high, 0); scale = (high - low) / (2**bits - 1); "
            "return scale, round(-(2 ** (bits - 1)) - low / scale)",
        ),
        mistakes=(
            Mistake(
                _grid_of_unwidened_range,
                "One of the ranges excludes 0, so its zero point lies beyond the integers. "
                "Widen the range to include 0 first, then compute both numbers.",
            ),
            Mistake(
                _grid_clipped_instead,
                "Clipping gives the right zero point, but the scale still belongs to a range "
                "without 0: all numbers would move. Widen the range first.",
            ),
            Mistake(
                _grid_cut_off,
                "You truncate (so does a cast to int), so 0 can be a whole step away from its "
                "integer. Round to the nearest.",
            ),
            Mistake(
                _grid_of_whole_steps,
                "You truncate the number of steps. Add first, then round to the nearest integer.",
            ),
            Mistake(
                lambda low, high, bits: np.array(
                    [_scale(low, high, bits), np.rint(_steps_below_zero(low, high, bits))]
                ),
                "That is right for integers that begin at 0. These begin at -2^(b-1).",
            ),
            Mistake(
                lambda low, high, bits: np.array(
                    [
                        _scale(low, high, bits),
                        np.rint(-(2 ** (bits - 1)) - _steps_below_zero(low, high, bits)),
                    ]
                ),
                "The sign is wrong: 0 lies above the lower end, so add steps to the lowest "
                "integer.",
            ),
            Mistake(
                _grid_of_one_step_too_many,
                "2 ** bits counts the integers; between them are 2 ** bits - 1 steps.",
            ),
            Mistake(
                lambda low, high, bits: _grid(low, high, bits)[1],
                "The zero point is right. Return the scale before it: `return scale, zero_point`.",
            ),
        ),
    ),
    Exercise(
        id="quantization.per_channel",
        expected="a function of kernel and bits that returns a scale per output",
        reference=lambda kernel, bits: np.abs(kernel).max(axis=0) / (2 ** (bits - 1) - 1),
        cases=KERNELS,
        hints=(
            "An output's channel is a column: all weights that lead to it.",
            "A symmetric grid has 2^(b-1) - 1 integers on either side of 0.",
            "np.abs(kernel).max(axis=0) / (2 ** (bits - 1) - 1)",
        ),
        mistakes=(
            Mistake(
                lambda kernel, bits: np.abs(kernel).max() / (2 ** (bits - 1) - 1),
                "That is one scale for the whole tensor; each channel should have its own.",
            ),
            Mistake(
                lambda kernel, bits: np.abs(kernel).max(axis=1) / (2 ** (bits - 1) - 1),
                "Those are the rows, one per input. A sum runs over the inputs, so it couldn't be "
                "scaled back by a single number.",
            ),
            Mistake(
                lambda kernel, bits: np.abs(kernel).max(axis=0) / 2 ** (bits - 1),
                "The largest weight would become 2^(b-1), one more than fits.",
            ),
            Mistake(
                lambda kernel, bits: kernel.max(axis=0) / (2 ** (bits - 1) - 1),
                "The largest magnitude counts, and that can be a negative weight.",
            ),
        ),
    ),
    Exercise(
        id="quantization.calibrate",
        expected="a function of two arrays of activations that returns the two ends of a range",
        reference=lambda train, test: np.array([train.min(), train.max()]),
        cases=ACTIVATIONS,
        hints=(
            "The range is fixed before the model meets its users. Which images do you have then?",
            "The test images stand for those of the users, so leave them alone.",
            "return train.min(), train.max()",
        ),
        mistakes=(
            Mistake(
                lambda train, test: np.array([test.min(), test.max()]),
                "That calibrates on the test set. Its accuracy is then too optimistic, because the "
                "grid was made for these very images.",
            ),
            Mistake(
                lambda train, test: np.array(
                    [min(train.min(), test.min()), max(train.max(), test.max())]
                ),
                "That includes the test set, which stands for images that don't exist yet.",
            ),
            Mistake(
                lambda train, test: np.array([-np.abs(train).max(), np.abs(train).max()]),
                "These activations are mostly positive. A symmetric range spends almost half of "
                "its integers on values that never occur.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="quantization.bit",
        question="You take one bit away from each weight. What happens to the signal-to-noise "
        "ratio of the rounded weights?",
        choices=("it falls by about 1 dB", "it falls by about 6 dB", "it halves"),
        answer="it falls by about 6 dB",
        reason="With half as many levels, they are twice as far apart, so the error doubles: a "
        "factor of 2 in amplitude is 6.02 dB.",
    ),
    GuessQuestion(
        id="quantization.break",
        question="The trained model is stored with 8, 4 and 2 bits per weight, without retraining. "
        "Where does its accuracy break down?",
        choices=("at 8 bits", "at 4 bits", "at 2 bits", "nowhere"),
        answer="at 2 bits",
        reason="With three levels, the outer ones at a channel's largest weight, nearly all "
        "weights round to 0. At 4 bits there are fifteen levels.",
    ),
)
