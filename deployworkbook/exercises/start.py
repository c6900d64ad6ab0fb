"""The exercise and the guess of lesson 00: how they work."""

from __future__ import annotations

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

EXERCISES = (
    Exercise(
        id="start.multiplications",
        expected="a whole number of multiplications",
        reference=32 * 10,
        hints=(
            "Each of the 10 scores is a sum of 32 products.",
            "The first layer needs 64 · 32; use the second layer's sizes instead.",
            "32 * 10",
        ),
        mistakes=(
            Mistake(64 * 10, "The second layer sees the 32 hidden numbers, not the 64 pixels."),
            Mistake(64 * 32, "That is the first layer's number."),
            Mistake(32 + 10, "You have added the sizes: each score needs 32 products."),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="start.dominant",
        question="Your network answers 100 requests per second, all month. What is the largest "
        "part of its cost?",
        choices=("compute", "storage", "network", "maintenance"),
        answer="maintenance",
        reason="Two small machines serve it easily, and there is little data. One day of an "
        "engineer's work costs more than such machines do in a month.",
    ),
)
