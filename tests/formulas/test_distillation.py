from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.distillation import (
    dark_knowledge,
    distillation_gradient,
    distillation_loss,
    softened_softmax,
    student_gradient,
    student_loss,
)
from deployworkbook.formulas.losses import categorical_cross_entropy_from_logits
from deployworkbook.training.keras2 import keras, tf

TEACHER, STUDENT = np.random.default_rng(0).normal(scale=3.0, size=(2, 5, 4))
LOGITS = arrays(np.float64, (2, 4), elements=st.floats(-30, 30))
TEMPERATURES = st.floats(0.5, 50)


def test_softening_by_hand() -> None:
    # √(1 : 4 : 25) = 1 : 2 : 5
    np.testing.assert_allclose(
        softened_softmax(np.log([1.0, 4.0, 25.0]), temperature=2.0), [0.125, 0.25, 0.625]
    )


def test_temperature_1_is_the_softmax() -> None:
    np.testing.assert_array_equal(softened_softmax(TEACHER, temperature=1.0), softmax(TEACHER))


@given(logits=LOGITS, temperatures=st.tuples(TEMPERATURES, TEMPERATURES).map(sorted))
def test_a_higher_temperature_evens_out_probabilities(logits, temperatures) -> None:
    cold, hot = (softened_softmax(logits, temperature=each) for each in temperatures)
    assert (hot.max(axis=-1) <= cold.max(axis=-1) + 1e-15).all()
    assert (hot.min(axis=-1) >= cold.min(axis=-1) - 1e-15).all()


def test_loss_by_hand() -> None:
    # p = (0.8, 0.2) and q = (0.5, 0.5) at T = 2: 4 (0.8 log 1.6 + 0.2 log 0.4)
    loss = distillation_loss([np.log(16.0), 0.0], [0.0, 0.0], temperature=2.0)
    assert loss == pytest.approx(4 * (0.8 * np.log(1.6) + 0.2 * np.log(0.4)))


@pytest.mark.parametrize("temperature", [1.0, 4.0, 20.0])
def test_equal_keras(temperature: float) -> None:
    divergence = keras.losses.kl_divergence(
        tf.nn.softmax(tf.constant(TEACHER) / temperature),
        tf.nn.softmax(tf.constant(STUDENT) / temperature),
    )
    # Keras clips probabilities below 1e-7, of which there are none here; float64 on both sides.
    np.testing.assert_allclose(
        distillation_loss(TEACHER, STUDENT, temperature=temperature),
        temperature**2 * divergence.numpy(),
        rtol=1e-10,
    )


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_gradients_equal_differences(temperature: float, numeric_gradient) -> None:
    expected = numeric_gradient(
        lambda z: distillation_loss(TEACHER, z, temperature=temperature), STUDENT
    )
    exact = distillation_gradient(TEACHER, STUDENT, temperature=temperature)
    np.testing.assert_allclose(exact, expected, atol=1e-8)
    targets = softmax(np.random.default_rng(1).normal(size=STUDENT.shape))
    settings = {"temperature": temperature, "hard_weight": 0.3}
    expected = numeric_gradient(lambda z: student_loss(targets, TEACHER, z, **settings), STUDENT)
    exact = student_gradient(targets, TEACHER, STUDENT, **settings)
    np.testing.assert_allclose(exact, expected, atol=1e-8)


@given(pair=st.tuples(LOGITS, LOGITS), temperature=TEMPERATURES, shift=st.floats(-10, 10))
def test_loss_is_least_where_the_student_agrees(pair, temperature: float, shift: float) -> None:
    teacher, student = pair
    # Sums of terms up to T² · 60 / T, rounded at 1e-16 of each.
    rounding = 1e-13 * temperature**2
    assert (distillation_loss(teacher, student, temperature=temperature) >= -rounding).all()
    agreed = distillation_loss(teacher, teacher + shift, temperature=temperature)
    np.testing.assert_allclose(agreed, 0.0, atol=rounding)


@given(students=arrays(np.float64, (2, 4), elements=st.floats(-30, 30)), share=st.floats(0, 1))
def test_loss_is_convex_in_the_students_logits(students, share: float) -> None:
    first, second = students
    between, *ends = (
        distillation_loss(TEACHER[0], logits, temperature=3.0)
        for logits in (share * first + (1 - share) * second, first, second)
    )
    assert between <= share * ends[0] + (1 - share) * ends[1] + 1e-11


def test_the_squared_temperature_keeps_the_gradients_size() -> None:
    # For large T it becomes (z - t) / classes, logits centred: Hinton et al., equation 4.
    teacher, student = (each - each.mean(axis=-1, keepdims=True) for each in (TEACHER, STUDENT))
    limit = (student - teacher) / 4
    for temperature, tolerance in ((1e2, 0.2), (1e4, 0.002)):  # the next order is 1 / T
        gradient = distillation_gradient(teacher, student, temperature=temperature)
        np.testing.assert_allclose(gradient, limit, atol=tolerance)


@pytest.mark.parametrize("hard_weight", [0.0, 1.0])
def test_hard_weight_of_0_or_1_leaves_a_single_term(hard_weight: float) -> None:
    targets = softmax(TEACHER[::-1])
    loss = student_loss(targets, TEACHER, STUDENT, temperature=4.0, hard_weight=hard_weight)
    alone = (
        categorical_cross_entropy_from_logits(targets, STUDENT)
        if hard_weight
        else distillation_loss(TEACHER, STUDENT, temperature=4.0)
    )
    np.testing.assert_array_equal(loss, alone)


def test_dark_knowledge_by_hand() -> None:
    # Wrong: 0.3 and 0.1, in shares ¾ and ¼: ¾ log2 (4/3) + ¼ log2 4 = 0.811278 bits
    known = dark_knowledge([[0.6, 0.3, 0.1], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0]], [0, 1, 0])
    np.testing.assert_allclose(known.share, [0.4, 0.0, 0.5])
    np.testing.assert_allclose(known.entropy_bits, [0.811278, 0.0, 0.0], atol=1e-6)


@given(logits=LOGITS, temperature=TEMPERATURES)
def test_dark_knowledge_is_bounded(logits, temperature: float) -> None:
    known = dark_knowledge(softened_softmax(logits, temperature=temperature), [0, 3])
    assert ((known.share >= 0) & (known.share <= 1)).all()
    # At most three wrong classes alike: log2 3 bits.
    assert ((known.entropy_bits >= 0) & (known.entropy_bits <= np.log2(3) + 1e-12)).all()


@pytest.mark.parametrize("temperature", [0.0, -1.0, np.inf])
def test_temperature_must_be_above_0(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature"):
        softened_softmax([0.0, 1.0], temperature=temperature)


def test_mismatched_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="student_logits: expected the shape"):
        distillation_loss([0.0, 1.0], [0.0, 1.0, 2.0], temperature=1.0)
    with pytest.raises(ValueError, match="hard_weight"):
        student_loss([0, 1], [0, 0], [0, 0], temperature=1.0, hard_weight=1.5)
    with pytest.raises(ValueError, match="one row per label"):
        dark_knowledge([[0.5, 0.5]], [0, 1])
    with pytest.raises(ValueError, match="at least two classes"):
        dark_knowledge([[1.0]], [0])
