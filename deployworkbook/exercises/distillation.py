"""The exercises of lesson 07: temperature, the distillation loss, its gradient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake
from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.distillation import (
    distillation_gradient,
    distillation_loss,
    student_loss,
)

PAIRS = (
    (np.array([6.0, 2.0, -1.0]), np.array([3.0, 2.5, 0.0]), 4.0),
    (np.array([0.5, 3.0]), np.array([1.0, -1.0]), 2.0),
)
LESSONS_OF_TEACHERS = (
    (
        np.array([[1.0, 0.0], [0.5, 1.0]]),
        np.array([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
        *(2.0, 0.5, 3),
    ),
    (
        np.array([[0.2, 1.0, 0.0], [0.0, 0.5, 1.0], [1.0, 0.3, 0.6]]),
        np.array([[3.0, -1.0], [0.0, 2.0], [1.0, 0.5]]),
        *(4.0, 0.2, 2),
    ),
)
LABELLED = (
    (0, np.array([6.0, 2.0, -1.0]), np.array([3.0, 2.5, 0.0]), 4.0, 0.1),
    (1, np.array([0.5, 3.0]), np.array([1.0, -1.0]), 2.0, 0.25),
)


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    return float((p * np.log(p / q)).sum())


def _soft(teacher: NDArray[np.float64], student: NDArray[np.float64], temperature: float) -> float:
    return float(distillation_loss(teacher, student, temperature=temperature))


def _surprise(label: int, logits: NDArray[np.float64]) -> float:
    return -float(np.log(softmax(logits)[label]))


def _student(
    label: int,
    teacher: NDArray[np.float64],
    student: NDArray[np.float64],
    temperature: float,
    a: float,
) -> float:
    truth = np.eye(len(student))[label]
    return float(student_loss(truth, teacher, student, temperature=temperature, hard_weight=a))


def _descend(
    images: NDArray[np.float64],
    teacher: NDArray[np.float64],
    temperature: float,
    rate: float,
    steps: int,
) -> NDArray[np.float64]:
    """Train a student of one layer, without a bias, on the softened answers of a teacher."""
    weights = np.zeros((images.shape[1], teacher.shape[1]))
    for _ in range(steps):
        gradient = distillation_gradient(teacher, images @ weights, temperature=temperature)
        weights = weights - rate * images.T @ gradient / len(images)
    return weights


def _first_choices(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 for the largest logit of each row, and 0 for the others."""
    return np.asarray(np.eye(logits.shape[1])[logits.argmax(axis=1)])


EXERCISES = (
    Exercise(
        id="distillation.by_hand",
        expected="a probability between 0 and 1",
        reference=0.25,
        relative_tolerance=1e-3,
        hints=(
            "Dividing logits by T takes the T-th root of the ratio of two probabilities.",
            "81 to 1 becomes 3 to 1. Which share of the total is the 1?",
            "1 / (3 + 1)",
        ),
        mistakes=(
            Mistake(
                0.1,
                "That is T = 2: the square root of 81. At T = 4 it is the fourth root.",
            ),
            Mistake(1 / 3, "That is the ratio to the first class. Probabilities sum to 1."),
            Mistake(0.75, "That is the first class; the question asks for the second."),
            Mistake(
                1 / (1 + 81 / 4),
                "You have divided the ratio of the probabilities by T. Dividing the logits by T "
                "takes the T-th root of the ratio.",
            ),
        ),
    ),
    Exercise(
        id="distillation.soft_loss",
        expected="a function of teacher's logits, student's logits and T that returns nats",
        reference=_soft,
        cases=PAIRS,
        hints=(
            "Soften both sides with the same temperature. Then: how far is the student's "
            "distribution from the teacher's?",
            "KL is the sum of p · log(p / q), p the teacher's. A factor is still missing.",
            "T**2 * (p * np.log(p / q)).sum()",
        ),
        mistakes=(
            Mistake(
                lambda t, z, T: _soft(t, z, T) / T**2,
                "T² is missing: without it, the labels outweigh the teacher as T grows.",
            ),
            Mistake(
                lambda t, z, T: _soft(t, z, T) / T,
                "The factor is T², not T.",
            ),
            Mistake(
                lambda t, z, T: T**2 * _divergence(softmax(t / T), softmax(z)),
                "Only the teacher is softened. Divide the student's logits by the same "
                "temperature, or it would have to learn a soft answer at T = 1.",
            ),
            Mistake(
                lambda t, z, T: T**2 * _divergence(softmax(t), softmax(z / T)),
                "Only the student is softened; the teacher's second choices stay hidden.",
            ),
            Mistake(
                lambda t, z, T: _soft(z, t, T),
                "Teacher and student are swapped: the sum is weighted by the teacher's "
                "probabilities.",
            ),
            Mistake(
                lambda t, z, T: (
                    T**2 * _divergence(softmax(softmax(t) / T), softmax(softmax(z) / T))
                ),
                "You have divided probabilities by T. Divide the logits instead.",
            ),
            Mistake(
                lambda t, z, T: -(T**2) * float(softmax(t / T) @ np.log(softmax(z / T))),
                "That is the cross-entropy: its gradient is the same, but it is not 0 where the "
                "student agrees. The question asks for KL.",
            ),
        ),
    ),
    Exercise(
        id="distillation.gradient",
        expected="a function of teacher's logits, student's logits and T that returns an array",
        reference=lambda teacher, student, temperature: distillation_gradient(
            teacher, student, temperature=temperature
        ),
        cases=PAIRS,
        hints=(
            "With respect to z / T, KL's gradient is q - p, as for cross-entropy. Now the chain "
            "rule.",
            "The chain rule gives a factor 1 / T, and the loss has the factor T².",
            "T * (q - p), with both softened",
        ),
        mistakes=(
            Mistake(
                lambda t, z, T: T**2 * (softmax(z / T) - softmax(t / T)),
                "The chain rule is missing: the derivative of z / T with respect to z is 1 / T.",
            ),
            Mistake(
                lambda t, z, T: (softmax(z / T) - softmax(t / T)) / T,
                "That is the gradient of KL alone: the loss has the factor T².",
            ),
            Mistake(
                lambda t, z, T: softmax(z / T) - softmax(t / T),
                "That is the gradient with respect to z / T, without T². Two factors are missing.",
            ),
            Mistake(
                lambda t, z, T: T * (softmax(t / T) - softmax(z / T)),
                "The sign is wrong: where the student's probability is too high, its gradient is "
                "positive.",
            ),
            Mistake(
                lambda t, z, T: T * (softmax(z) - softmax(t)),
                "Both sides are softened in the loss, so they are softened in its gradient too.",
            ),
        ),
    ),
    Exercise(
        id="distillation.linear_student",
        expected="a function of images, teacher's logits, T, rate and steps that returns weights "
        "[inputs, classes]",
        reference=_descend,
        cases=LESSONS_OF_TEACHERS,
        hints=(
            "One step: compute the student's logits, the gradient of the loss with respect to "
            "them (exercise 3), and from it the gradient with respect to the weights.",
            "The logits are images @ weights, so the gradient with respect to the weights is "
            "images.T @ gradient, and the mean over the images divides it by their number.",
            "weights = np.zeros((images.shape[1], teacher.shape[1])). In each step: gradient = "
            "T * (q - p), with the softmax along axis 1; "
            "weights -= rate * images.T @ gradient / len(images)",
        ),
        mistakes=(
            Mistake(
                lambda x, t, T, rate, steps: _descend(x, t, T, rate * len(x), steps),
                "Your gradient is that of the sum over the images. For the mean, divide it by "
                "their number.",
            ),
            Mistake(
                lambda x, t, T, rate, steps: _descend(x, t, T, -rate, steps),
                "The steps go uphill: subtract the gradient.",
            ),
            Mistake(
                lambda x, t, T, rate, steps: _descend(x, t, T, rate / T, steps),
                "A factor T is missing: the gradient of the loss, with its T², is T (q - p).",
            ),
            Mistake(
                lambda x, t, T, rate, steps: _descend(x, t, T, rate * T, steps),
                "You have T² (q - p): the chain rule's 1 / T is missing.",
            ),
            Mistake(
                lambda x, t, T, rate, steps: _descend(x, t, 1.0, rate * T, steps),
                "Soften both sides: divide the logits of teacher and student by T before the "
                "softmax.",
            ),
            Mistake(
                lambda x, t, T, rate, steps: _descend(x, 1e6 * _first_choices(t), T, rate, steps),
                "That learns the teacher's first choices alone, as if they were labels. Learn all "
                "of its softened probabilities.",
            ),
            Mistake(
                lambda x, t, T, rate, steps: _descend(x, t, T, rate, 1),
                "You have taken a single step, or have returned from within the loop.",
            ),
        ),
    ),
    Exercise(
        id="distillation.student_loss",
        expected="a function of label, teacher's and student's logits, T and a that returns nats",
        reference=_student,
        cases=LABELLED,
        hints=(
            "Two losses, weighted by a and 1 - a. Which of them uses the label?",
            "The label's part is the cross-entropy at T = 1; the teacher's is your soft loss.",
            "a * -np.log(softmax(student)[label]) + (1 - a) * soft_loss(teacher, student, T)",
        ),
        mistakes=(
            Mistake(
                lambda y, t, z, T, a: (1 - a) * _surprise(y, z) + a * _soft(t, z, T),
                "The weights are swapped: a is the weight of the labels.",
            ),
            Mistake(
                lambda y, t, z, T, a: a * _surprise(y, z / T) + (1 - a) * _soft(t, z, T),
                "You have softened the label's part too. The model is deployed at T = 1, so it "
                "must be right there.",
            ),
            Mistake(
                lambda y, t, z, T, a: a * _surprise(y, z) + (1 - a) * _soft(t, z, T) / T**2,
                "T² is missing in the teacher's part.",
            ),
            Mistake(
                lambda y, t, z, T, a: _surprise(y, z) + _soft(t, z, T),
                "The weights a and 1 - a are missing.",
            ),
            Mistake(
                lambda y, t, z, T, a: a * _surprise(y, t) + (1 - a) * _soft(t, z, T),
                "You compare the label with the teacher's answer, but it is the student that "
                "learns.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="distillation.temperature",
        question="A teacher is 99.9 % sure of its first choice. You turn its temperature up, from "
        "1 to 4 and on to 20. What happens to the other nine classes?",
        choices=(
            "they become visible, in the order they had before",
            "they become visible, in a new order",
            "they all become equally likely at once",
        ),
        answer="they become visible, in the order they had before",
        reason="A higher temperature brings the probabilities closer together, but never changes "
        "their order. Only at very high temperatures do all classes look alike.",
    ),
    GuessQuestion(
        id="distillation.gradient",
        question="The temperature is high, and it doubles. What happens to the gradient of KL with "
        "respect to the student's logits?",
        choices=("it hardly changes", "it halves", "it falls to about a quarter"),
        answer="it falls to about a quarter",
        reason="One factor of 1 / T comes from the chain rule; the other comes from the softened "
        "distributions, whose difference shrinks by 1 / T too.",
    ),
)
