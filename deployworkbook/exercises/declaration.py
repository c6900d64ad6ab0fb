"""Types of exercises and predictions: questions, answers, common mistakes and hints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployworkbook.validation import check_choice, value_error


@dataclass(frozen=True)
class Mistake:
    """A common wrong answer.

    Args:
        answer: The wrong answer: a value, or a function like the reference.
        text: Explanation for the learner.
    """

    answer: Any
    text: str


# The notebook that asks the questions of each subject.
LESSONS = {
    "start": "00_start_here",
    "costs": "01_deployment_cost",
    "losses": "02_loss_functions",
    "descent": "03_gradient_descent",
    "backpropagation": "04_training",
    "training": "04_training",
    "quantization": "05_quantization",
    "importance": "06_pruning",
    "pruning": "06_pruning",
    "distillation": "07_distillation",
    "pipeline": "08_compression_pipeline",
    "runtimes": "09_runtimes",
    "serving": "10_tf_serving",
    "monitoring": "11_monitoring",
    "plan": "12_deployment_plan",
    "edge": "13_edge_devices",
    "tokens": "14_larger_models",
    "updates": "15_trends_and_challenges",
    "privacy": "15_trends_and_challenges",
    "attacks": "15_trends_and_challenges",
}


class _Asked:
    """What its lesson asks; the identifier begins with the lesson's subject."""

    id: str

    @property
    def lesson(self) -> str:
        """The notebook that asks it, such as ``02_loss_functions``."""
        return LESSONS[self.id.partition(".")[0]]


@dataclass(frozen=True)
class Exercise(_Asked):
    """A question with one right answer: a number, an array, or a function.

    Args:
        id: The lesson's subject and its own name, such as ``losses.mean``.
        expected: Form of the answer, with its unit; never the answer itself.
        reference: The right answer.
        hints: One hint per try, increasingly detailed; the last is repeated.
        mistakes: Wrong answers to recognise.
        cases: For a function, the arguments of each test call.
        relative_tolerance: Largest relative error of a number.
        also_right: Other right answers, such as another convention.
        time_limit_s: Time limit of a function per case, in seconds.

    Raises:
        ValueError: There is no hint, or a function has no cases, or a value has some.
    """

    id: str
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
class GuessQuestion(_Asked):
    """A question to guess before the answer is shown.

    Args:
        id: The lesson's subject and its own name, such as ``losses.push``.
        question: Question.
        choices: Possible answers.
        answer: The right one.
        reason: Explanation of the answer.

    Raises:
        ValueError: The answer is not among the choices.
    """

    id: str
    question: str
    choices: tuple[str, ...]
    answer: str
    reason: str

    def __post_init__(self) -> None:
        check_choice(self.id, self.answer, self.choices)
