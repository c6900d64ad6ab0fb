"""Distillation: a small model learns from a large one's probabilities of all classes.

At temperature T the logits are divided by T before the softmax: the higher T, the more visible
the wrong classes become.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.activations import log_softmax, softmax
from deployworkbook.formulas.distributions import check_distribution
from deployworkbook.formulas.losses import (
    categorical_cross_entropy_from_logits,
    categorical_cross_entropy_from_logits_gradient,
)
from deployworkbook.validation import (
    check_array,
    check_labels,
    check_number,
    check_same_shape,
    value_error,
)


@dataclass(frozen=True, eq=False)
class DarkKnowledge:
    """The information in a prediction about the wrong classes.

    Args:
        share: Total probability of the wrong classes, in 0 … 1, shape ``[n]``.
        entropy_bits: Entropy of the wrong classes among themselves, from 0 (a single one has all
            the probability) to log2(classes - 1) (all equally likely), shape ``[n]``.
    """

    share: NDArray[np.float64]
    entropy_bits: NDArray[np.float64]


def softened_softmax(logits: ArrayLike, *, temperature: float) -> NDArray[np.float64]:
    """Return the class probabilities at a temperature.

        p_k = e^(z_k / T) / Σ e^(z_j / T)

    Args:
        logits: z, shape ``[..., classes]``.
        temperature: T, above 0; 1 is the plain softmax, and a high T makes classes more alike.

    Returns:
        The shape of ``logits``.

    Raises:
        ValueError: ``temperature`` is not above 0.

    Source: G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network",
    2015.

    >>> softened_softmax([np.log(16), 0.0], temperature=2.0)  # √16 : 1
    array([0.8, 0.2])
    """
    return softmax(check_array("logits", logits) / _temperature(temperature))


def distillation_loss(
    teacher_logits: ArrayLike, student_logits: ArrayLike, *, temperature: float
) -> NDArray[np.float64]:
    """Return the divergence of the student's softened probabilities from the teacher's, in nats.

        L = T² Σ p_k log(p_k / q_k),  p = softmax(t / T),  q = softmax(z / T)

    The divergence falls as 1 / T²; the factor T² keeps its weight relative to another loss. It
    differs from the paper's cross-entropy only by the teacher's entropy, which is a constant.

    Args:
        teacher_logits: t, shape ``[..., classes]``.
        student_logits: z, the shape of ``teacher_logits``.
        temperature: T, above 0.

    Returns:
        Shape ``[...]``; 0 where the student agrees with the teacher.

    Raises:
        ValueError: The shapes differ, or ``temperature`` is not above 0.

    Source: G. Hinton et al., 2015.

    >>> float(distillation_loss([3.0, 1.0], [5.0, 3.0], temperature=4.0))  # the same but for +2
    0.0
    """
    teacher, student = _pair(teacher_logits, student_logits)
    T = _temperature(temperature)
    log_p, log_q = log_softmax(teacher / T), log_softmax(student / T)
    return np.asarray(T**2 * (np.exp(log_p) * (log_p - log_q)).sum(axis=-1))


def distillation_gradient(
    teacher_logits: ArrayLike, student_logits: ArrayLike, *, temperature: float
) -> NDArray[np.float64]:
    """Compute the gradient of ``distillation_loss`` with respect to the student's logits.

        ∂L/∂z_k = T (q_k - p_k)  →  (z_k - t_k) / classes  for large T and logits of mean 0

    The arguments are those of the loss.

    Args:
        teacher_logits: t, shape ``[..., classes]``.
        student_logits: z, the shape of ``teacher_logits``.
        temperature: T, above 0.

    Returns:
        The shape of ``student_logits``; each row sums to 0.

    >>> distillation_gradient([np.log(16), 0.0], [0.0, 0.0], temperature=2.0)  # 2 (0.5 - 0.8)
    array([-0.6,  0.6])
    """
    teacher, student = _pair(teacher_logits, student_logits)
    T = _temperature(temperature)
    return T * (softmax(student / T) - softmax(teacher / T))


def student_loss(
    targets: ArrayLike,
    teacher_logits: ArrayLike,
    student_logits: ArrayLike,
    *,
    temperature: float,
    hard_weight: float,
) -> NDArray[np.float64]:
    """Return the loss that a student is trained on: a mix of the labels' and the teacher's.

        L = a · cross-entropy(y, softmax(z)) + (1 - a) · distillation loss

    Args:
        targets: y, distributions, shape ``[..., classes]``.
        teacher_logits: The shape of ``targets``.
        student_logits: z, the shape of ``targets``.
        temperature: Temperature of the second term, above 0.
        hard_weight: a, from 0 (the teacher alone) to 1 (the labels alone).

    Returns:
        Shape ``[...]``.

    Raises:
        ValueError: The shapes differ, targets are not distributions, or a number is out of range.

    Source: G. Hinton et al., 2015.

    >>> float(student_loss([1, 0], [2, 0], [2, 0], temperature=4.0, hard_weight=0.5).round(4))
    0.0635
    """
    share = check_number("hard_weight", hard_weight, 0, 1)
    hard = categorical_cross_entropy_from_logits(targets, student_logits)
    soft = distillation_loss(teacher_logits, student_logits, temperature=temperature)
    return np.asarray(share * hard + (1.0 - share) * soft)


def student_gradient(
    targets: ArrayLike,
    teacher_logits: ArrayLike,
    student_logits: ArrayLike,
    *,
    temperature: float,
    hard_weight: float,
) -> NDArray[np.float64]:
    """Compute the gradient of ``student_loss`` with respect to the student's logits.

        ∂L/∂z = a (softmax(z) - y) + (1 - a) T (q - p)

    The arguments are those of the loss.

    Args:
        targets: y, distributions, shape ``[..., classes]``.
        teacher_logits: t, the shape of ``targets``.
        student_logits: z, the shape of ``targets``.
        temperature: T, above 0.
        hard_weight: a, from 0 (the teacher alone) to 1 (the labels alone).

    Returns:
        The shape of ``student_logits``; each row sums to 0.

    >>> student_gradient([1, 0], [0, 0], [0, 0], temperature=4.0, hard_weight=0.5)
    array([-0.25,  0.25])
    """
    share = check_number("hard_weight", hard_weight, 0, 1)
    hard = categorical_cross_entropy_from_logits_gradient(targets, student_logits)
    soft = distillation_gradient(teacher_logits, student_logits, temperature=temperature)
    return share * hard + (1.0 - share) * soft


def dark_knowledge(probabilities: ArrayLike, labels: ArrayLike) -> DarkKnowledge:
    """Measure what a teacher tells beyond the label: how likely it finds each wrong class.

        share = 1 - p_y,  entropy = -Σ_(k≠y) r_k log2 r_k,  r_k = p_k / share

    Args:
        probabilities: p, shape ``[n, classes]``, at least two classes.
        labels: y, shape ``[n]``.

    Returns:
        Share and entropy per example; the entropy is 0 where the share is 0.

    Raises:
        TypeError: The labels are not whole numbers.
        ValueError: The shapes do not fit, a label is out of range, or the rows are not
            distributions.

    >>> known = dark_knowledge([[0.8, 0.1, 0.1]], [0])
    >>> known.share.round(4), known.entropy_bits.round(4)  # two wrong classes alike: one bit
    (array([0.2]), array([1.]))
    """
    chances = check_distribution(
        "probabilities", check_array("probabilities", probabilities, ndim=2)
    )
    count, classes = chances.shape
    right = check_labels("labels", labels, classes)
    if classes < 2 or len(right) != count:
        raise value_error(
            "probabilities",
            received=f"shape {chances.shape} for {len(right)} labels",
            expected="one row per label, with at least two classes",
        )
    wrong = chances.copy()
    wrong[np.arange(count), right] = 0.0
    share = wrong.sum(axis=-1)
    among = np.divide(wrong, share[:, None], where=wrong > 0, out=np.zeros_like(wrong))
    bits = np.log2(among, where=among > 0, out=np.zeros_like(among))
    # 0 - x, because the entropy of a single class would print as -0.
    return DarkKnowledge(share, 0.0 - (among * bits).sum(axis=-1))


def _temperature(temperature: float) -> float:
    return check_number("temperature", temperature, 0, open_low=True)


def _pair(
    teacher_logits: ArrayLike, student_logits: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    teacher = check_array("teacher_logits", teacher_logits, shape=(None,))
    student = check_array("student_logits", student_logits, shape=(None,))
    check_same_shape("teacher_logits", teacher, "student_logits", student)
    return teacher, student
