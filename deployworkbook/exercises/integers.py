"""The exercises of lesson 05 on computing with integers only: a sum, and a whole layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

# Inputs, kernel, bias, the input's zero point, multiplier, shift, the output's zero point.
# By hand: sums of 30 and -22; and 880, -830 and 153, of which two don't fit into int8 later.
INTEGER_LAYERS = (
    (np.array([5, -3]), np.array([[3, -2], [1, 4]]), np.array([2, -8]), -4, 5, 4, 10),
    (
        np.array([100, -50, 20]),
        np.array([[7, -7, 1], [2, -3, -1], [5, -5, 0]]),
        np.array([40, -30, 3]),
        *(-10, 3, 4, -20),
    ),
)


def _steps(
    sums: NDArray[np.int64], multiplier: int, shift: int, *, half: bool = True
) -> NDArray[np.int64]:
    """Multiply sums by the ratio in fixed point, rounding to the nearest or down."""
    return np.asarray((sums * multiplier + half * (1 << shift - 1)) >> shift)


def _int8(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.clip(values, -128, 127)


def _integer_layer(
    inputs: NDArray[np.int64],
    weights: NDArray[np.int64],
    bias: NDArray[np.int64],
    input_zero: int,
    multiplier: int,
    shift: int,
    output_zero: int,
) -> NDArray[np.int64]:
    sums = (inputs - input_zero) @ weights + bias
    return _int8(_steps(sums, multiplier, shift) + output_zero)


EXERCISES = (
    Exercise(
        id="quantization.sum",
        expected="a whole number, the sum in int32",
        # (10 + 5) · 3 + (-20 + 5) · 4 + 7 = 45 - 60 + 7
        reference=-8,
        hints=(
            "First subtract the input's zero point from each input.",
            "(10 - -5) * 3 + (-20 - -5) * 4 + 7",
        ),
        mistakes=(
            Mistake(-43, "You left out the input's zero point: 10 stands for 10 - (-5)."),
            Mistake(-15, "The bias is missing."),
            Mistake(-78, "The zero point has the wrong sign: subtracting -5 adds 5."),
        ),
    ),
    Exercise(
        id="quantization.integer_layer",
        expected="a function of inputs, weights, bias, the input's zero point, multiplier, shift "
        "and the output's zero point that returns one integer per output",
        reference=_integer_layer,
        cases=INTEGER_LAYERS,
        hints=(
            "Follow the three steps of the 2 × 2 layer: the sum; the ratio, by a multiplication "
            "and a shift; the output's zero point and the clip.",
            "sums = (inputs - input_zero) @ weights + bias. Shifting right by n bits rounds down, "
            "so add half of 2^n first: 1 << (shift - 1).",
            "steps = (sums * multiplier + (1 << (shift - 1))) >> shift; "
            "return np.clip(steps + output_zero, -128, 127)",
        ),
        mistakes=(
            Mistake(
                lambda x, w, b, z_x, q, n, z_y: _int8(
                    _steps((x - z_x) @ w + b, q, n, half=False) + z_y
                ),
                "A shift alone rounds down. Add half of 2^shift before you shift.",
            ),
            Mistake(
                lambda x, w, b, z_x, q, n, z_y: _integer_layer(x, w, b, 0, q, n, z_y),
                "You left out the input's zero point: subtract it from each input first.",
            ),
            Mistake(
                lambda x, w, b, z_x, q, n, z_y: _integer_layer(x, w, b, -z_x, q, n, z_y),
                "The input's zero point has the wrong sign: subtract it.",
            ),
            Mistake(
                lambda x, w, b, z_x, q, n, z_y: _integer_layer(x, w, 0 * b, z_x, q, n, z_y),
                "The bias is missing. It counts the same steps as the sum, so just add it.",
            ),
            Mistake(
                lambda x, w, b, z_x, q, n, z_y: _int8(_steps((x - z_x) @ w, q, n) + b + z_y),
                "You add the bias after the ratio. It counts steps of the sum, so add it there.",
            ),
            Mistake(
                lambda x, w, b, z_x, q, n, z_y: _steps((x - z_x) @ w + b, q, n) + z_y,
                "Some outputs don't fit into int8: clip them to -128 … 127.",
            ),
            Mistake(
                lambda x, w, b, z_x, q, n, z_y: _integer_layer(x, w, b, z_x, q, n, 0),
                "The output's zero point is missing.",
            ),
            Mistake(
                lambda x, w, b, z_x, q, n, z_y: _int8(_steps((x - z_x) @ w + b, q, n)) + z_y,
                "You clip before adding the zero point, which moves values out of the range again.",
            ),
            Mistake(
                lambda x, w, b, z_x, q, n, z_y: _integer_layer(x, w.T, b, z_x, q, n, z_y),
                "The weights are [inputs, outputs], so the inputs go on the left: inputs @ "
                "weights.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="quantization.faster",
        question="Which of these files answers faster than the float32 one?",
        choices=(
            "weights in float16",
            "weights in int8, turned into float32 to compute",
            "weights and sums in integers",
        ),
        answer="weights and sums in integers",
        reason="The other two are only smaller on disk: their weights become float32 again before "
        "the same multiplications.",
    ),
)
