"""Exercises of lesson 13 on devices: what fits into flash, radio and updates."""

from __future__ import annotations

import math

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

# Flash and code in bytes, bytes per weight: 8 KiB with dense int4, with 2.5 % of the weights at a
# byte and a half; 32 KiB with int8, where the classes' biases decide about the last unit.
MEMORIES = ((8192, 700, 0.5), (8192, 700, 0.0375), (32_768, 928, 1.0))
PIXELS, CLASSES, BIAS_BYTES = 784, 10, 2
# Bytes, bits per second, the radio's mA, the core's MHz and mA.
RADIOS = ((784.0, 5470.0, 28.0, 64.0, 6.4), (1.0, 250.0, 28.0, 80.0, 6.32))


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
            Mistake(
                lambda flash_bytes, code_bytes, bytes_per_weight: math.floor(
                    (flash_bytes - code_bytes)
                    / ((PIXELS + CLASSES) * bytes_per_weight + BIAS_BYTES)
                ),
                "The biases of the ten classes are missing. Those 20 bytes can be what the last "
                "unit lacks.",
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
        "51 kB in int4, and the chip has 64 · 1,024 bytes, which is 66 kB.",
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
        choices=(
            "as many times as it has fewer weights",
            "several times, as on the chip",
            "hardly, or not at all",
        ),
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
