"""Values of the answers: what is right, and what each mistake that is recognised returns.

The other tests judge an exercise by its own reference, so a slip in both would go unseen.
``answers.json`` holds, for each exercise, the right answer and then those of its mistakes in their
order, all for a function's first case; a mistake's for the first case that tells it from the right
answer. After a change of an exercise, write the new value there by hand.
"""

import copy
import json
from pathlib import Path

import numpy as np

from deployworkbook.exercises.registry import EXERCISES

VALUES = json.loads(Path(__file__).with_name("answers.json").read_text(encoding="utf-8"))


def answers_of(exercise, answer):
    """Return the values for all cases; of an exercise without cases, its one value."""
    if not callable(answer):
        return [answer]
    return [answer(*copy.deepcopy(case)) for case in exercise.cases]


def same(first, second):
    first, second = np.asarray(first, float), np.asarray(second, float)
    return first.shape == second.shape and np.allclose(first, second, rtol=1e-6, atol=1e-12)


def test_every_exercise_has_its_values():
    counts = {name: 1 + len(each.mistakes) for name, each in EXERCISES.items()}
    assert {name: len(values) for name, values in VALUES.items()} == counts


def test_right_answers_and_mistakes_return_their_values():
    for name, values in VALUES.items():
        exercise = EXERCISES[name]
        right = answers_of(exercise, exercise.reference)
        got = [right[0]]
        for mistake in exercise.mistakes:
            wrong = answers_of(exercise, mistake.answer)
            pairs = zip(wrong, right, strict=False)
            got.append(next((each for each, other in pairs if not same(each, other)), wrong[0]))
        for value, expected in zip(got, values, strict=True):
            np.testing.assert_allclose(
                np.asarray(value, float), expected, rtol=1e-6, atol=1e-12, err_msg=name
            )
