"""The exercises of lesson 13: fixed point, gaps, what fits into flash, radio and updates."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
# Flash and code in bytes, bytes per weight: 8 KiB with dense int4, with 2.5 % of the weights at a
# byte and a half; 32 KiB with int8.
MEMORIES = ((8192, 700, 0.5), (8192, 700, 0.0375), (32_768, 900, 1.0))
PIXELS, CLASSES, BIAS_BYTES = 784, 10, 2
# Bytes, bits per second, the radio's mA, the core's MHz and mA.
RADIOS = ((784.0, 5470.0, 28.0, 64.0, 6.4), (1.0, 250.0, 28.0, 80.0, 6.32))


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


def _places(weights: Sequence[int], longest: int) -> list[list[int]]:
    return [[index, weight] for index, weight in enumerate(weights) if weight]


def _units(flash_bytes: float, code_bytes: float, bytes_per_weight: float) -> float:
    """Return how many hidden units fit, not rounded."""
    rest = flash_bytes - code_bytes - BIAS_BYTES * CLASSES
    return rest / ((PIXELS + CLASSES) * bytes_per_weight + BIAS_BYTES)


def _cycles(
    payload_bytes: float, bits_per_s: float, radio_ma: float, clock_mhz: float, core_ma: float
) -> float:
    return 8 * payload_bytes / bits_per_s * radio_ma / core_ma * 1e6 * clock_mhz


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
                lambda weights, longest: [pair for pair in _gaps(weights, longest) if pair[1] != 0],
                "The entries that cut a long gap are missing. Without [longest, 0], the reader "
                "ends up at another pixel.",
            ),
        ),
    ),
    Exercise(
        id="edge.hidden_units",
        expected="a function of flash_bytes, code_bytes and bytes_per_weight that returns a whole "
        "number",
        reference=lambda flash_bytes, code_bytes, bytes_per_weight: math.floor(
            _units(flash_bytes, code_bytes, bytes_per_weight)
        ),
        cases=MEMORIES,
        hints=(
            "How many weights does one more hidden unit bring, before it and behind it?",
            "A unit brings 784 + 10 weights and a bias of 2 bytes. The ten classes have biases, "
            "too: 20 bytes, however many units there are.",
            "int((flash_bytes - code_bytes - 20) // (794 * bytes_per_weight + 2))",
        ),
        mistakes=(
            Mistake(
                lambda flash_bytes, code_bytes, bytes_per_weight: _units(
                    flash_bytes, code_bytes, bytes_per_weight
                ),
                "Units come whole: round down.",
            ),
            Mistake(
                lambda flash_bytes, code_bytes, bytes_per_weight: math.ceil(
                    _units(flash_bytes, code_bytes, bytes_per_weight)
                ),
                "You have rounded up, so the last unit doesn't fit any more.",
            ),
            Mistake(
                lambda flash_bytes, code_bytes, bytes_per_weight: math.floor(
                    _units(flash_bytes, 0, bytes_per_weight)
                ),
                "The code needs flash, too.",
            ),
            Mistake(
                lambda flash_bytes, code_bytes, bytes_per_weight: math.floor(
                    (flash_bytes - code_bytes) / (PIXELS * bytes_per_weight)
                ),
                "You have counted the weights from the pixels only. Each unit also has a weight to "
                "each of the ten classes, and a bias.",
            ),
            Mistake(
                lambda flash_bytes, code_bytes, bytes_per_weight: math.floor(
                    (flash_bytes - code_bytes) / ((PIXELS + CLASSES) * bytes_per_weight)
                ),
                "The biases are missing: 2 bytes for each hidden unit and for each class.",
            ),
        ),
    ),
    Exercise(
        id="edge.radio",
        expected="a function of payload_bytes, bits_per_s, radio_ma, clock_mhz and core_ma that "
        "returns a number of cycles",
        reference=_cycles,
        cases=RADIOS,
        hints=(
            "How long is the message on the air? For how long could the core run on the charge "
            "that the radio takes in that time?",
            "seconds = 8 * payload_bytes / bits_per_s. Charge is current times time, so the core "
            "runs radio_ma / core_ma times as long.",
            "8 * payload_bytes / bits_per_s * radio_ma / core_ma * 1e6 * clock_mhz",
        ),
        mistakes=(
            Mistake(
                lambda payload, rate, radio, clock, core: (
                    _cycles(payload, rate, radio, clock, core) / 8
                ),
                "The rate counts bits, and a byte has eight.",
            ),
            Mistake(
                lambda payload, rate, radio, clock, core: (
                    _cycles(payload, rate, radio, clock, core) / 1e6
                ),
                "Those are millions of cycles: a MHz is a million cycles per second.",
            ),
            Mistake(
                lambda payload, rate, radio, clock, core: _cycles(
                    payload, rate, core, clock, radio
                ),
                "The currents are the wrong way round. The radio takes more, so the core can run "
                "for longer.",
            ),
            Mistake(
                lambda payload, rate, radio, clock, core: _cycles(payload, rate, 1, clock, 1),
                "Those are the cycles in the time on the air. The radio takes more current than "
                "the core, so its charge lasts the core for longer.",
            ),
        ),
    ),
    Exercise(
        id="edge.air_time",
        expected="a number of minutes",
        reference=8 * 5000 / 5470 / 0.01 / 60,
        relative_tolerance=1e-3,
        hints=(
            "How many bits are that, and how long are they on the air?",
            "7.31 seconds on the air. They may be 1 % of the time.",
            "8 * 5000 / 5470 / 0.01 / 60",
        ),
        mistakes=(
            Mistake(
                8 * 5000 / 5470 / 60,
                "That is the time on the air. The sender may use only 1 % of the time, so it has "
                "to pause.",
            ),
            Mistake(8 * 5000 / 5470 / 0.01, "Those are seconds."),
            Mistake(5000 / 5470 / 0.01 / 60, "The rate counts bits, and a byte has eight."),
            Mistake(
                8 * 5000 / 5470 * 0.01 / 60,
                "You have multiplied by 1 %. To pause makes it longer, so divide.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="edge.fits",
        question="A chip for little more than a dollar has 64 KiB of flash and 8 KiB of RAM. Which "
        "of these forms of our network with 128 hidden units fit into it: float32, int8, int4?",
        choices=("all three", "int8 and int4", "only int4", "none of them"),
        answer="only int4",
        reason="The network has 101,632 weights. They take 407 kB in float32, 102 kB in int8 and "
        "51 kB in int4, and the chip has 66 kB.",
    ),
    GuessQuestion(
        id="edge.floats",
        question="This chip has no circuit for floating point. How many instructions does the "
        "float32 form need for an image, compared with the int8 form?",
        choices=("about as many", "about 3 times as many", "about 20 times as many"),
        answer="about 20 times as many",
        reason="Each multiplication and each addition of two floats is a call of a function with "
        "dozens of instructions. Two whole numbers take one.",
    ),
    GuessQuestion(
        id="edge.zeros",
        question="On the chip, the sparse form needs several times fewer instructions if it is "
        "stored with gaps rather than dense in int8. How much faster is it on this computer?",
        choices=("forty times", "several times, as on the chip", "hardly, or not at all"),
        answer="hardly, or not at all",
        reason="This computer multiplies many neighbouring weights with one instruction, if they "
        "are stored side by side. With gaps it takes them one at a time.",
    ),
    GuessQuestion(
        id="edge.radio",
        question="A sensor sends its image of 784 bytes by a LoRa radio. Or it computes the answer "
        "and sends that. How much energy does sending the image take, compared with computing?",
        choices=("a hundredth", "about as much", "more than a hundred times as much"),
        answer="more than a hundred times as much",
        reason="The image is on the air for over a second, at a current larger than the core's. "
        "The core has its answer after some milliseconds.",
    ),
    GuessQuestion(
        id="edge.update",
        question="A fleet of 10,000 devices gets a new model of a few kilobytes each month, over "
        "LTE-M at ten cents per megabyte. What is most of the bill?",
        choices=("sending the bytes", "people", "both are about equal"),
        answer="people",
        reason="Ten thousand files of a few kilobytes are tens of megabytes, for a few dollars. "
        "But engineers prepare each update and watch it, and a few devices stay dead until "
        "somebody goes there.",
    ),
)
