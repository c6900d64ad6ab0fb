"""What exercises and predictions are: questions, right answers, the usual wrong ones, hints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployworkbook.validation import check_choice, value_error


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that many give.

    Args:
        answer: It: a value, or a function like the reference.
        text: What went wrong, said to the learner.
    """

    answer: Any
    text: str


@dataclass(frozen=True)
class Exercise:
    """A question with one right answer: a number, an array, or a function.

    Args:
        id: The lesson's subject and its own name, such as ``losses.mean``.
        lesson: The notebook that asks it, such as ``02_loss_functions``.
        expected: What form the answer has, with its unit; never the answer itself.
        reference: The right answer.
        hints: One for each try, each saying more; the last is repeated.
        mistakes: Wrong answers that are recognised.
        cases: For a function: the arguments of each call that it is tried with.
        relative_tolerance: How far a number may be off, as a share of the right one.
        also_right: Other answers that are right too, such as another convention.
        time_limit_s: How long a function may take for one case, in seconds.

    Raises:
        ValueError: There is no hint, or a function has no cases, or a value has some.
    """

    id: str
    lesson: str
    expected: str
    reference: Any
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...] = ()
    cases: tuple[tuple[Any, ...], ...] = ()
    relative_tolerance: float = 1e-6
    also_right: tuple[Any, ...] = ()
    time_limit_s: float = 10.0

    def __post_init__(self) -> None:
        if not self.hints:
            raise value_error(self.id, received="no hints", expected="at least one")
        if callable(self.reference) != bool(self.cases):
            expected = "cases for a function, and none for a value"
            raise value_error(self.id, received=f"{len(self.cases)}", expected=expected)


@dataclass(frozen=True)
class GuessQuestion:
    """A question to guess at before the answer is shown.

    Args:
        id: The lesson's subject and its own name, such as ``losses.push``.
        lesson: The notebook that asks it.
        question: What to guess.
        choices: What can be guessed.
        answer: The right one of them.
        reason: Why, in a sentence.

    Raises:
        ValueError: The answer is not among the choices.
    """

    id: str
    lesson: str
    question: str
    choices: tuple[str, ...]
    answer: str
    reason: str

    def __post_init__(self) -> None:
        check_choice(self.id, self.answer, self.choices)
