"""Exercises of lesson 14 on what tokens cost: speed of a device, batch, and price."""

from __future__ import annotations

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

# Billions of weights, bits per weight, GB per second.
READINGS = ((8.0, 16.0, 320.0), (70.0, 4.5, 3350.0))
# TFLOP per second, GB per second, bits per weight.
DEVICES = ((120.0, 300.0, 16.0), (312.0, 2039.0, 4.5))
# USD per hour, tokens per second at most, fraction that is used.
PRICES = ((0.9, 500.0, 0.5), (6.88, 12_000.0, 0.25))

HOUR = 3600.0

EXERCISES = (
    Exercise(
        id="tokens.most_per_s",
        expected="a function of billions, weight_bits and gb_per_s that returns tokens per second",
        reference=lambda billions, weight_bits, gb_per_s: gb_per_s / (billions * weight_bits / 8),
        cases=READINGS,
        hints=(
            "How many gigabytes are the weights, and how often are they read?",
            "Each token needs all weights once: billions * weight_bits / 8 gigabytes.",
            "gb_per_s / (billions * weight_bits / 8)",
        ),
        mistakes=(
            Mistake(
                lambda billions, weight_bits, gb_per_s: gb_per_s / (billions * weight_bits),
                "The weights' size is in bits, and a byte has eight.",
            ),
            Mistake(
                lambda billions, weight_bits, gb_per_s: billions * weight_bits / 8 / gb_per_s,
                "Those are seconds per token.",
            ),
            Mistake(
                lambda billions, weight_bits, gb_per_s: gb_per_s / billions,
                "A weight doesn't have one byte, but weight_bits / 8 of them.",
            ),
            Mistake(
                lambda billions, weight_bits, gb_per_s: gb_per_s / (billions * weight_bits / 8) / 2,
                "You have counted two operations per weight. Reading is the limit here, and each "
                "weight is read once.",
            ),
            Mistake(
                lambda billions, weight_bits, gb_per_s: (
                    gb_per_s / (billions * 1e9 * weight_bits / 8)
                ),
                "Both are billions: of weights, and of bytes per second.",
            ),
        ),
    ),
    Exercise(
        id="tokens.saturating_batch",
        expected="a function of tflops, gb_per_s and weight_bits that returns a number of "
        "sequences",
        reference=lambda tflops, gb_per_s, weight_bits: (
            1000 * tflops * weight_bits / (16 * gb_per_s)
        ),
        cases=DEVICES,
        hints=(
            "With which batch does computing with a weight take as long as reading it?",
            "Reading a weight takes weight_bits / 8 / (gb_per_s * 1e9) seconds. Computing takes "
            "2 * batch / (tflops * 1e12) seconds.",
            "1000 * tflops * weight_bits / (16 * gb_per_s)",
        ),
        mistakes=(
            Mistake(
                lambda tflops, gb_per_s, weight_bits: 1000 * tflops * weight_bits / (8 * gb_per_s),
                "Each weight takes a multiplication and an addition for each sequence: two "
                "operations.",
            ),
            Mistake(
                lambda tflops, gb_per_s, weight_bits: tflops * weight_bits / (16 * gb_per_s),
                "A teraflop is 1,000 times a gigabyte's giga.",
            ),
            Mistake(
                lambda tflops, gb_per_s, weight_bits: 1000 * tflops * weight_bits / (2 * gb_per_s),
                "The weights' size is in bits, and a byte has eight.",
            ),
            Mistake(
                lambda tflops, gb_per_s, weight_bits: 1000 * tflops / gb_per_s,
                "That is the intensity at which both limits meet. How many sequences give it "
                "depends on the bits per weight.",
            ),
        ),
    ),
    Exercise(
        id="tokens.usd_per_million",
        expected="a function of usd_per_hour, tokens_per_s and used_share that returns USD",
        reference=lambda usd_per_hour, tokens_per_s, used_share: (
            1e6 * usd_per_hour / (HOUR * tokens_per_s * used_share)
        ),
        cases=PRICES,
        hints=(
            "How many tokens does the machine write in an hour, and what does the hour cost?",
            "tokens = 3600 * tokens_per_s * used_share. The hour is paid for, used or not.",
            "1e6 * usd_per_hour / (3600 * tokens_per_s * used_share)",
        ),
        mistakes=(
            Mistake(
                lambda usd_per_hour, tokens_per_s, used_share: (
                    1e6 * usd_per_hour / (HOUR * tokens_per_s)
                ),
                "That is the price on a machine that is always busy. You pay for the idle hours, "
                "too.",
            ),
            Mistake(
                lambda usd_per_hour, tokens_per_s, used_share: (
                    1e6 * usd_per_hour * used_share / (HOUR * tokens_per_s)
                ),
                "You have multiplied by the used fraction. A machine that is idle half of the time "
                "makes tokens dearer, not cheaper.",
            ),
            Mistake(
                lambda usd_per_hour, tokens_per_s, used_share: (
                    1e6 * usd_per_hour / (tokens_per_s * used_share)
                ),
                "The price is per hour, the speed per second.",
            ),
            Mistake(
                lambda usd_per_hour, tokens_per_s, used_share: (
                    usd_per_hour / (HOUR * tokens_per_s * used_share)
                ),
                "That is the price of one token.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="tokens.lengths",
        question="Suppose that all requests are there at the start, and all answers are equally "
        "long. What does continuous batching gain over static batching?",
        choices=("hardly anything", "about half as much again", "twice the throughput or more"),
        answer="hardly anything",
        reason="Static batching loses the slots whose answers have ended while a longer one goes "
        "on. With equal lengths, all slots become free at the same time.",
    ),
    GuessQuestion(
        id="tokens.bits",
        question="An A100 writes 256 answers of llama-3.1-8b at once. How much faster is it with "
        "weights of 4 bits than with 16, if kernels unpack them to 16 bits for computing?",
        choices=("about 3.5 times", "about twice", "hardly, or not at all"),
        answer="hardly, or not at all",
        reason="With so many sequences, the time goes into arithmetic and into the caches. The "
        "weights are read once for all of them, and computing in 16 bits takes as long as before.",
    ),
    GuessQuestion(
        id="tokens.api",
        question="A server of one's own has to be paid for around the clock. From how much traffic "
        "is it cheaper than the cheapest API in our catalogue, for llama-3.1-8b on an H100?",
        choices=(
            "from a few thousand tokens a day",
            "from a few million tokens a day",
            "only from billions of tokens a day, or never",
        ),
        answer="only from billions of tokens a day, or never",
        reason="An H100 costs about 165 USD a day. The API takes a few cents for a million tokens, "
        "so a day's rent buys billions of them, which is about what the device can serve at all.",
    ),
)
