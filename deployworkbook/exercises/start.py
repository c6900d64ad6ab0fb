"""The exercise of lesson 00: how exercises work."""

from __future__ import annotations

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

EXERCISES = (
    Exercise(
        id="start.multiplications",
        expected="a whole number of multiplications",
        reference=128 * 10,
        hints=(
            "Each of the 10 results is a sum of 128 products.",
            "The first layer needs 784 · 128; use the second layer's sizes instead.",
            "It is 128 · 10.",
        ),
        mistakes=(
            Mistake(784 * 10, "The second layer sees the 128 hidden numbers, not the 784 pixels."),
            Mistake(784 * 128, "That is the first layer's number."),
            Mistake(128 + 10, "You have added the sizes: each result needs 128 products."),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="start.layer_time",
        question="How long does this machine need for the first layer of one image?",
        choices=("about a second", "about a millisecond", "a few microseconds"),
        answer="a few microseconds",
        reason="100,352 products are little work for a processor that does billions per second.",
    ),
)
