"""Exercises of lesson 13 on what the C code computes: 16-bit sums, multipliers, gaps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

# Pixels and 4-bit weights of one output: below int16's end, above it, below its other end, and a
# sum that leaves int16 on the way and comes back.
SUMS = (
    ([255, 10, 0], [-7, 3, 5]),
    ([255] * 20, [7] * 20),
    ([255] * 30, [-7] * 30),
    ([255] * 30, [7] * 20 + [-7] * 10),
)
# A ratio, and the bits of the multiplier. The last one rounds up to a number that doesn't fit.
RATIOS = ((0.3125, 3), (0.01, 8), (0.0371, 15), (0.999, 4))
# Weights of one output, and the longest gap.
ROWS = (
    ([0, 0, 0, 5, 0, -7, 1, 0], 255),
    ([0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, -1], 3),
    ([4, 0, 0, 0, 0, 0, 0, 6], 7),
)


def _int16(number: int) -> int:
    """Return what 16 bits with a sign keep of a number."""
    return (number + 2**15) % 2**16 - 2**15


def _int16_sum(pixels: Sequence[int], weights: Sequence[int]) -> int:
    return _int16(_exact(pixels, weights))


def _exact(pixels: Sequence[int], weights: Sequence[int]) -> int:
    return sum(x * w for x, w in zip(pixels, weights, strict=True))


def _clipped(number: int) -> int:
    return min(max(number, -(2**15)), 2**15 - 1)


def _clipped_on_the_way(pixels: Sequence[int], weights: Sequence[int]) -> int:
    total = 0
    for x, w in zip(pixels, weights, strict=True):
        total = _clipped(total + x * w)
    return total


def _multiplier(ratio: float, bits: int) -> list[int]:
    """Return the largest multiplier of so many bits whose quotient by a power of 2 is the ratio."""
    shift = 0
    while round(ratio * 2 ** (shift + 1)) < 2**bits:
        shift += 1
    return [round(ratio * 2**shift), shift]


def _rounded_down(ratio: float, bits: int) -> list[int]:
    shift = _multiplier(ratio, bits)[1]
    return [int(ratio * 2**shift), shift]


def _without_carry(ratio: float, bits: int) -> list[int]:
    shift = 0
    while ratio * 2 ** (shift + 1) < 2**bits:
        shift += 1
    return [round(ratio * 2**shift), shift]


def _gaps(weights: Sequence[int], longest: int) -> list[list[int]]:
    pairs, place = [], 0
    for index, weight in enumerate(weights):
        if weight:
            while index - place > longest:
                pairs.append([longest, 0])
                place += longest
            pairs.append([index - place, weight])
            place = index
    return pairs


def _zeros_between(weights: Sequence[int], longest: int) -> list[list[int]]:
    """Count the zeros before each weight instead of how far to go on."""
    pairs, zeros = [], 0
    for weight in weights:
        if not weight:
            zeros += 1
            continue
        while zeros > longest:
            pairs.append([longest, 0])
            zeros -= longest
        pairs.append([zeros, weight])
        zeros = 0
    return pairs


def _between(weights: Sequence[int], longest: int, *, often: bool = True) -> list[list[int]]:
    """Count the pixels between two entries, before the first weight from the first pixel on."""
    pairs, place = [], 0
    for index, weight in enumerate(weights):
        if weight:
            gap = index - place - 1
            while often and gap > longest:
                pairs.append([longest, 0])
                gap -= longest
            pairs.append([gap, weight])
            place = index
    return pairs


def _cut_once(weights: Sequence[int], longest: int) -> list[list[int]]:
    """Cut a gap that is too long once, though what is left may still be too long."""
    pairs: list[list[int]] = []
    for gap, weight in _gaps(weights, len(weights)):
        if gap > longest:
            pairs.append([longest, 0])
        pairs.append([gap - longest if gap > longest else gap, weight])
    return pairs


def _places(weights: Sequence[int], longest: int) -> list[list[int]]:
    return [[index, weight] for index, weight in enumerate(weights) if weight]


EXERCISES = (
    Exercise(
        id="edge.int16_sum",
        expected="a function of pixels and weights (lists) that returns a whole number from "
        "-32,768 to 32,767",
        reference=_int16_sum,
        cases=SUMS,
        hints=(
            "Add up the products without a limit first. What do 16 bits keep of that number?",
            "After 32,767 comes -32,768, so the numbers repeat every 2^16. Python's % gives a "
            "remainder from 0 on.",
            "total = sum(x * w for x, w in zip(pixels, weights)); "
            "return (total + 2**15) % 2**16 - 2**15",
        ),
        mistakes=(
            Mistake(
                _exact,
                "That is the sum that nothing limits. In 16 bits, 32,768 becomes -32,768.",
            ),
            Mistake(
                lambda pixels, weights: _clipped(_exact(pixels, weights)),
                "You clip to the ends of int16. The chip doesn't: the number goes on at the other "
                "end.",
            ),
            Mistake(
                _clipped_on_the_way,
                "You clip after each product. The chip doesn't clip: the number goes on at the "
                "other end.",
            ),
            Mistake(
                lambda pixels, weights: _exact(pixels, weights) % 2**16,
                "That is uint16, from 0 to 65,535. In int16, numbers from 32,768 on are negative.",
            ),
        ),
    ),
    Exercise(
        id="edge.safe_terms",
        expected="a whole number of weights",
        reference=18,
        hints=(
            "How large is a product at most? How many of them stay at or below 32,767?",
            "A product is at most 255 · 7 = 1,785.",
            "32767 // 1785",
        ),
        mistakes=(
            Mistake(32_767 / 1785, "Weights come whole, so round down."),
            Mistake(19, "You have rounded up: 19 · 1,785 is 33,915."),
            Mistake(36, "That is for uint16. The sum can be negative, so a bit is the sign."),
            Mistake(
                128, "You have left out the weights: a product is up to seven times the pixel."
            ),
        ),
    ),
    Exercise(
        id="edge.multiplier",
        expected="a function of ratio and bits that returns two whole numbers: multiplier, shift",
        reference=_multiplier,
        cases=RATIOS,
        hints=(
            "For a given shift, the best multiplier is round(ratio * 2**shift). Which shift makes "
            "it as large as the bits allow?",
            "Begin with a shift of 0, and raise it as long as the next multiplier still fits: it "
            "must stay below 2**bits after rounding.",
            "while round(ratio * 2 ** (shift + 1)) < 2**bits: shift += 1; "
            "return round(ratio * 2**shift), shift",
        ),
        mistakes=(
            Mistake(
                _without_carry,
                "One multiplier doesn't fit: rounding has lifted it to 2**bits. Test it after "
                "rounding.",
            ),
            Mistake(
                _rounded_down,
                "Your multiplier is rounded down. The nearest whole number halves the largest "
                "error.",
            ),
            Mistake(
                lambda ratio, bits: [round(ratio * 2**bits), bits],
                "You always shift by the number of bits. A small ratio then gets a small "
                "multiplier, and so a large rounding error. Shift further.",
            ),
            Mistake(
                lambda ratio, bits: [
                    round(ratio * 2 ** (_multiplier(ratio, bits)[1] + 1)),
                    _multiplier(ratio, bits)[1] + 1,
                ],
                "Your shift is too far by one: the multiplier needs one bit more than there are.",
            ),
            Mistake(
                lambda ratio, bits: _multiplier(ratio, bits)[::-1],
                "You have swapped the two: return the multiplier first, then the shift.",
            ),
        ),
    ),
    Exercise(
        id="edge.gaps",
        expected="a function of weights (a list) and longest that returns a list of pairs "
        "[gap, weight]",
        reference=_gaps,
        cases=ROWS,
        hints=(
            "Keep the place of the last entry, at first 0. For each weight that isn't 0, the gap "
            "is its index minus that place.",
            "As long as the gap is longer than allowed, write [longest, 0] and move the place on "
            "by longest. Then write the rest of the gap with the weight.",
            "for index, weight in enumerate(weights): if weight: while index - place > longest: "
            "pairs.append([longest, 0]); place += longest; then "
            "pairs.append([index - place, weight]); place = index",
        ),
        mistakes=(
            Mistake(
                _places,
                "Those are places, counted from the start of the row. A gap counts from the entry "
                "before, so that it fits in a byte.",
            ),
            Mistake(
                lambda weights, longest: _gaps(weights, len(weights)),
                "One of your gaps is longer than allowed. Cut it with entries [longest, 0].",
            ),
            Mistake(
                _zeros_between,
                "You count the zeros before each weight. The gap is how far to go on: to the next "
                "neighbour it is 1.",
            ),
            Mistake(
                _between,
                "Your gaps are too short by one. A gap is the distance to the next entry, not the "
                "number of pixels between, and the first one counts from the first pixel.",
            ),
            Mistake(
                partial(_between, often=False),
                "Your gaps are too short by one, and one of them is longer than allowed. A gap is "
                "the distance to the next entry; cut a long one with entries [longest, 0].",
            ),
            Mistake(
                _cut_once,
                "You cut a long gap once. What is left can still be too long: cut as often as it "
                "takes.",
            ),
            Mistake(
                lambda weights, longest: [pair for pair in _gaps(weights, longest) if pair[1] != 0],
                "The entries that cut a long gap are missing. Without [longest, 0], the reader "
                "ends up at another pixel.",
            ),
        ),
    ),
)

PREDICTIONS: tuple[GuessQuestion, ...] = ()
