"""Distillation: the teacher, its logits, its students."""

from unittest.mock import Mock

import numpy as np
import pytest

from deployworkbook.compression import distill
from deployworkbook.compression.augmentation import Augmentation
from deployworkbook.compression.distill import learn_from, logits_of, student, teacher
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.training_set import Examples
from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.perceptron import forward
from deployworkbook.training.keras2 import set_seed
from deployworkbook.training.models import cnn

QUICK = Settings(epochs=1, dropout=True)
MOVED = (Augmentation(), Augmentation(right=1))


def test_a_teacher_is_trained_once(digits, tmp_path, monkeypatch):
    asked = []

    def quick(model, examples, *, settings):
        asked.append(settings)
        return Mock(steps=1, **{"result.return_value": model})

    monkeypatch.setattr(distill, "Retraining", quick)
    first = teacher(digits, settings=QUICK, folder=tmp_path)
    second = teacher(digits, settings=QUICK, folder=tmp_path)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert asked == [QUICK]
    assert len(list(tmp_path.glob("teacher-digits-*"))) == 1
    longer = Settings(epochs=2, dropout=True)
    teacher(digits, settings=longer, folder=tmp_path)
    assert asked == [QUICK, longer]
    assert len(list(tmp_path.glob("teacher-digits-*"))) == 2


def test_logits_give_the_models_probabilities(model, digits):
    images = digits.test.images
    logits = logits_of(model, images, augmentations=MOVED)
    assert logits.shape == (2, len(images), 10)
    expected = forward(model.get_weights(), images.reshape(len(images), -1))[-1]
    # Sums of 784 products in float32 against float64.
    np.testing.assert_allclose(logits[0], expected, atol=1e-4)
    np.testing.assert_allclose(softmax(logits[0]), model.predict(images, verbose=0), atol=1e-5)
    right = np.roll(images, 1, axis=2)
    right[:, :, 0] = 0
    moved = forward(model.get_weights(), right.reshape(len(images), -1))[-1]
    np.testing.assert_allclose(logits[1], moved, atol=1e-4)


def test_litert_gives_the_same_logits_as_tensorflow(digits, monkeypatch):
    images = digits.test.images[:300]
    set_seed(0)
    convolutions = cnn()
    # As large as those of a trained one.
    convolutions.set_weights([2 * weight for weight in convolutions.get_weights()])
    ours = logits_of(convolutions, images, augmentations=MOVED)
    assert 5 < np.abs(ours).max() < 50
    monkeypatch.setattr(distill, "MANY", 1)
    # Sums of up to 800 products in float32, in another order.
    np.testing.assert_allclose(
        logits_of(convolutions, images, augmentations=MOVED), ours, atol=1e-3
    )


def test_logits_are_computed_once(model, digits, tmp_path):
    first = learn_from(digits, model, augmentations=MOVED, folder=tmp_path)
    made = [path.name for path in tmp_path.glob("logits-*")]
    second = learn_from(digits, model, augmentations=MOVED, folder=tmp_path)
    assert [path.name for path in tmp_path.glob("logits-*")] == made
    np.testing.assert_array_equal(first.teacher_logits, second.teacher_logits)
    assert first.augmentations == MOVED


def test_a_student_learns_to_agree_with_its_teacher(model, digits, tmp_path):
    examples = learn_from(digits, model, folder=tmp_path)
    settings = Settings(epochs=40, learning_rate=0.01, temperature=2.0, hard_weight=0.0)
    few = student(examples, settings=settings, hidden_units=16)
    theirs, ours = (
        each.predict(digits.test.images, verbose=0).argmax(axis=1) for each in (model, few)
    )
    assert few.layers[1].units == 16
    assert (ours == theirs).mean() > 0.9


def test_a_seed_gives_the_same_student(digits):
    examples = Examples(digits.train.images, digits.train.labels)
    first, second, other = (
        student(examples, settings=Settings(epochs=1, seed=seed), hidden_units=8)
        for seed in (0, 0, 1)
    )
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


@pytest.mark.report
@pytest.mark.mnist
def test_on_the_real_mnist_the_teacher_is_right_in_99_percent(mnist, mnist_workspace):
    master = teacher(mnist, folder=mnist_workspace.models)
    guesses = master.predict(mnist.test.images, batch_size=1000, verbose=0).argmax(axis=1)
    assert (guesses == mnist.test.labels).mean() >= 0.99
