from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deployworkbook.formulas import losses
from deployworkbook.formulas.activations import softmax, softmax_gradient
from deployworkbook.formulas.distributions import one_hot
from deployworkbook.training.keras2 import keras, tf

ROWS, CLASSES = 6, 4
PAIRS = [
    (losses.mean_squared_error, losses.mean_squared_error_gradient),
    (
        losses.categorical_cross_entropy_from_logits,
        losses.categorical_cross_entropy_from_logits_gradient,
    ),
]
FROM_PROBABILITIES = [losses.binary_cross_entropy, losses.categorical_cross_entropy]


@pytest.fixture(scope="module")
def soft_targets() -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(CLASSES), size=ROWS)


@pytest.fixture(scope="module")
def predictions() -> np.ndarray:
    # Probabilities away from 0 and 1, where differences of 1e-5 stay inside; they serve as logits.
    return 0.1 + 0.8 * np.random.default_rng(1).dirichlet(np.ones(CLASSES), size=ROWS)


def test_by_hand() -> None:
    # ((0.5 - 1)² + (0.25 - 0)²) / 2 = (0.25 + 0.0625) / 2
    assert losses.mean_squared_error([1.0, 0.0], [0.5, 0.25]) == 0.15625
    # -(log 0.5 + log 0.75) / 2, the second prediction being 0.25 for a no
    expected = -(np.log(0.5) + np.log(0.75)) / 2
    assert losses.binary_cross_entropy([1.0, 0.0], [0.5, 0.25]) == pytest.approx(expected)
    # -0.5 log 0.25 - 0.5 log 0.5 = 1.5 log 2
    soft = losses.categorical_cross_entropy([0.5, 0.5, 0.0], [0.25, 0.5, 0.25])
    assert soft == pytest.approx(1.5 * np.log(2))


@pytest.mark.parametrize(("loss", "gradient"), PAIRS)
def test_gradients_equal_differences(
    loss, gradient, soft_targets, predictions, numeric_gradient
) -> None:
    expected = numeric_gradient(lambda p: loss(soft_targets, p), predictions)
    # Near p = 0.1 the third derivative is 2 / p³ = 2000, so h²/6 · 2000 = 3e-8.
    np.testing.assert_allclose(gradient(soft_targets, predictions), expected, atol=1e-7)


@pytest.mark.parametrize("loss", [loss for loss, _ in PAIRS] + FROM_PROBABILITIES)
def test_leading_axes_of_a_loss_are_examples(loss, soft_targets, predictions) -> None:
    whole = loss(soft_targets.reshape(2, 3, CLASSES), predictions.reshape(2, 3, CLASSES))
    assert whole.shape == (2, 3)
    np.testing.assert_array_equal(whole.ravel(), loss(soft_targets, predictions))


@pytest.mark.parametrize("gradient", [gradient for _, gradient in PAIRS])
def test_leading_axes_of_a_gradient_are_examples(gradient, soft_targets, predictions) -> None:
    slopes = gradient(soft_targets.reshape(2, 3, CLASSES), predictions.reshape(2, 3, CLASSES))
    np.testing.assert_array_equal(
        slopes.reshape(ROWS, CLASSES), gradient(soft_targets, predictions)
    )


def test_logits_and_probabilities_agree(soft_targets) -> None:
    logits = np.random.default_rng(2).normal(scale=3.0, size=soft_targets.shape)
    np.testing.assert_allclose(
        losses.categorical_cross_entropy_from_logits(soft_targets, logits),
        losses.categorical_cross_entropy(soft_targets, softmax(logits)),
        rtol=1e-13,
    )


def test_chain_rule_through_softmax_leaves_p_minus_y(soft_targets) -> None:
    logits = np.random.default_rng(3).normal(size=soft_targets.shape)
    # ∂L/∂p_k = -y_k / p_k
    np.testing.assert_allclose(
        softmax_gradient(logits, -soft_targets / softmax(logits)),
        losses.categorical_cross_entropy_from_logits_gradient(soft_targets, logits),
        atol=1e-14,
    )


@pytest.mark.parametrize("logit", [1e4, -1e4])
def test_loss_is_finite_at_extreme_logits(logit: float) -> None:
    # Right: no loss. Wrong: the difference of the logits, in nats.
    right = max(logit, 0.0), max(-logit, 0.0)
    target = [[1.0, 0.0], [0.0, 1.0]]
    both = losses.categorical_cross_entropy_from_logits(target, [[logit, 0.0]] * 2)
    np.testing.assert_array_equal(both, right[::-1])
    slopes = losses.categorical_cross_entropy_from_logits_gradient(target, [[logit, 0.0]] * 2)
    assert np.isfinite(slopes).all()
    assert np.abs(slopes).max() <= 1


def test_certain_predictions_cost_infinity_if_wrong_and_0_if_right() -> None:
    assert losses.categorical_cross_entropy([0, 1], [1.0, 0.0]) == np.inf
    assert losses.categorical_cross_entropy([0, 1], [0.0, 1.0]) == 0
    assert losses.binary_cross_entropy([1.0], [0.0]) == np.inf
    assert losses.binary_cross_entropy([1.0, 0.0], [1.0, 0.0]) == 0


@given(
    logits=arrays(np.float64, (2, CLASSES), elements=st.floats(-50, 50)),
    label=st.integers(0, CLASSES - 1),
    share=st.floats(0, 1),
)
def test_cross_entropy_is_convex_in_logits(logits: np.ndarray, label: int, share: float) -> None:
    loss = losses.categorical_cross_entropy_from_logits
    target = one_hot([label], CLASSES)[0]
    first, second = logits
    between = loss(target, share * first + (1 - share) * second)
    chord = share * loss(target, first) + (1 - share) * loss(target, second)
    assert between <= chord + 1e-12  # losses up to 200, rounded at 1e-14 each


def test_squared_error_behind_a_softmax_is_not_convex() -> None:
    # This is why classifiers are trained with cross-entropy: far on the wrong side the slope
    # vanishes.
    logits = np.array([[-12.0, 0.0], [-8.0, 0.0], [-4.0, 0.0]])
    first = np.tile([1.0, 0.0], (3, 1))
    squared = losses.mean_squared_error(first, softmax(logits))
    entropy = losses.categorical_cross_entropy_from_logits(first, logits)
    assert squared[1] > (squared[0] + squared[2]) / 2
    assert entropy[1] <= (entropy[0] + entropy[2]) / 2


def keras_gradient(loss, targets: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    variable = tf.constant(predictions)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        value = loss(tf.constant(targets), variable)
    return tape.gradient(value, variable).numpy()


@pytest.fixture
def exact_keras():
    """Remove the 1e-7 that Keras adds to probabilities inside its logarithms."""
    before = keras.backend.epsilon()
    keras.backend.set_epsilon(1e-15)
    yield
    keras.backend.set_epsilon(before)


KERAS = [
    (*PAIRS[0], lambda y, p: keras.losses.mean_squared_error(y, p)),
    (*PAIRS[1], lambda y, p: keras.losses.categorical_crossentropy(y, p, from_logits=True)),
]


@pytest.mark.parametrize(("loss", "gradient", "reference"), KERAS)
def test_equal_keras(loss, gradient, reference, soft_targets) -> None:
    chances = 0.02 + 0.92 * np.random.default_rng(4).dirichlet(np.ones(CLASSES), size=ROWS)
    # float64 on both sides: all that remains is rounding, in slopes up to 1 / 0.02.
    expected = reference(tf.constant(soft_targets), tf.constant(chances)).numpy()
    np.testing.assert_allclose(loss(soft_targets, chances), expected, atol=1e-11)
    slopes = keras_gradient(reference, soft_targets, chances)
    np.testing.assert_allclose(gradient(soft_targets, chances), slopes, atol=1e-11)


@pytest.mark.usefixtures("exact_keras")
@pytest.mark.parametrize(
    ("loss", "reference"),
    list(
        zip(
            FROM_PROBABILITIES,
            (keras.losses.binary_crossentropy, keras.losses.categorical_crossentropy),
            strict=True,
        )
    ),
)
def test_losses_from_probabilities_equal_keras(loss, reference, soft_targets) -> None:
    # Keras divides the probabilities by their sum, so these sum to 1.
    chances = softmax(np.random.default_rng(4).normal(size=soft_targets.shape))
    expected = reference(tf.constant(soft_targets), tf.constant(chances)).numpy()
    np.testing.assert_allclose(loss(soft_targets, chances), expected, atol=1e-11)


def test_cross_entropy_equals_keras_at_extreme_logits() -> None:
    loss, gradient, reference = KERAS[1]
    targets = one_hot([0, 1, 2, 3], CLASSES)
    logits = np.random.default_rng(5).uniform(-1e4, 1e4, size=targets.shape)
    expected = reference(tf.constant(targets), tf.constant(logits)).numpy()
    np.testing.assert_allclose(loss(targets, logits), expected, rtol=1e-12)
    slopes = keras_gradient(reference, targets, logits)
    np.testing.assert_allclose(gradient(targets, logits), slopes, atol=1e-12)


def test_error_for_logits_names_the_loss_for_logits() -> None:
    with pytest.raises(ValueError, match=r"from -1 to 2.*_from_logits"):
        losses.categorical_cross_entropy([1, 0], [2.0, -1.0])


def test_error_for_labels_names_one_hot() -> None:
    with pytest.raises(ValueError, match="targets"):
        losses.categorical_cross_entropy([3, 1], [0.5, 0.5])
    with pytest.raises(ValueError, match="one_hot"):
        losses.categorical_cross_entropy_from_logits([1, 1], [0.5, 0.5])


@pytest.mark.parametrize(
    "function", [*FROM_PROBABILITIES, *(each for pair in PAIRS for each in pair)]
)
def test_different_shapes_are_refused(function) -> None:
    with pytest.raises(ValueError, match="expected the shape of targets"):
        function([[1.0, 0.0]], [1.0, 0.0])
