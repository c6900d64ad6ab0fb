"""The loop by which compressed models learn again."""

import functools
import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from deployworkbook.compression import stepping
from deployworkbook.compression.augmentation import (
    Augmentation,
    _turned,
    augment,
    augmentation_matrices,
)
from deployworkbook.compression.lean import grid_step
from deployworkbook.compression.retrain import Retraining, Settings
from deployworkbook.compression.training_set import Examples
from deployworkbook.formulas.distillation import student_loss
from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.perceptron import forward
from deployworkbook.training.keras2 import keras, set_seed
from deployworkbook.training.models import mlp


def kernels(model):
    return model.get_weights()[0::2]


def halves(model):
    """Masks that keep a random half."""
    chance = np.random.default_rng(0)
    return [chance.random(kernel.shape) < 0.5 for kernel in kernels(model)]


def test_the_steps_equal_those_of_keras(digits):
    # The whole set in one batch, so that no order matters.
    set_seed(0)
    start = mlp(hidden_units=16, dropout=0.0)
    size = len(digits.train)
    settings = Settings(epochs=5, batch_size=size, learning_rate=0.01, decay="constant")
    training = Retraining(
        start, Examples(digits.train.images, digits.train.labels), settings=settings
    )
    training.advance()
    theirs = keras.models.clone_model(start)
    theirs.set_weights(start.get_weights())
    theirs.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    theirs.fit(digits.train.images, digits.train.labels, batch_size=size, epochs=5, verbose=0)
    for ours, keras_s in zip(training.result().get_weights(), theirs.get_weights(), strict=True):
        # Each step moves a weight by up to 0.01, whatever its gradient's size; where that is
        # near float32's rounding, the order of sums decides a small part of it.
        np.testing.assert_allclose(ours, keras_s, atol=1e-4)


def test_the_loss_equals_the_formula(model, digits):
    few = digits.train.take(64)
    teacher = np.random.default_rng(0).normal(size=(1, 64, 10)).astype(np.float32)
    settings = Settings(epochs=1, batch_size=64, temperature=3.0, hard_weight=0.3)
    training = Retraining(
        model, Examples(few.images, few.labels, (Augmentation(),), teacher), settings=settings
    )
    logits = forward(model.get_weights(), few.images.reshape(64, -1))[-1]
    expected = student_loss(
        one_hot(few.labels, 10), teacher[0], logits, temperature=3.0, hard_weight=0.3
    ).mean()
    # float32 against float64.
    assert training.advance() == pytest.approx(expected, rel=1e-5)


def test_each_step_is_shown_and_the_given_model_is_not_changed(model, examples, short, capsys):
    before = [values.copy() for values in model.get_weights()]
    training = Retraining(model, examples, settings=short)
    training.keep(halves(model))
    training.advance()
    assert "22/22" in capsys.readouterr().err
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert training.result().layers[-1].activation is keras.activations.softmax


@pytest.mark.parametrize(
    ("fade", "comes_back"), [(1.0, False), (0.01, True)], ids=["pruned", "fading"]
)
def test_a_mask_holds_after_each_step_and_fading_weights_can_come_back(
    model, examples, short, fade, comes_back
):
    training = Retraining(model, examples, settings=short, fade=fade)
    masks = halves(model)
    training.keep(masks)
    for _ in range(5):
        training.advance(1)
        for kernel, mask in zip(kernels(training.result()), masks, strict=True):
            assert not kernel[~mask].any()
            assert kernel[mask].all()
    training.keep([np.zeros_like(mask) for mask in masks])
    training.advance(3)
    assert any(kernel.any() for kernel in training.kernels) == comes_back


@pytest.mark.parametrize("bits", [2, 8])
def test_kernels_stay_on_their_grid_and_zeros_stay_zero(model, examples, short, bits):
    training = Retraining(model, examples, settings=short, bits=bits)
    masks = halves(model)
    training.keep(masks)
    training.advance(5)
    for kernel, mask in zip(kernels(training.result()), masks, strict=True):
        assert not kernel[~mask].any()
        steps = kernel / grid_step(kernel, bits)
        # A product in float32 is off by a ten-millionth of at most 127.
        np.testing.assert_allclose(steps, np.round(steps), atol=1e-4)
        assert np.abs(steps).max() <= 2 ** (bits - 1) - 1 + 1e-4


def test_weights_that_share_a_value_move_together(model, examples, short):
    codes = [
        np.random.default_rng(1).integers(0, 5, size=kernel.shape) for kernel in kernels(model)
    ]
    training = Retraining(model, examples, settings=short, codes=codes)
    before = kernels(training.result())
    training.advance(5)
    for old, new, code in zip(before, kernels(training.result()), codes, strict=True):
        assert not new[code == 0].any()
        for value in range(1, 5):
            assert len(np.unique(new[code == value])) == 1
            assert new[code == value][0] != old[code == value][0]


def test_masks_with_shared_values_are_refused(model, examples, short):
    codes = [np.ones(kernel.shape, dtype=np.int64) for kernel in kernels(model)]
    training = Retraining(model, examples, settings=short, codes=codes)
    with pytest.raises(ValueError, match="one or the other"):
        training.keep(halves(model))


def test_weights_do_not_depend_on_how_the_steps_are_divided(model, examples):
    moved = replace(examples, augmentations=(Augmentation(), Augmentation(right=1)))
    settings = Settings(epochs=2, dropout=False)
    whole = Retraining(model, moved, settings=settings)
    whole.advance()
    parts = Retraining(model, moved, settings=settings)
    while parts.step < parts.steps:
        parts.advance(min(7, parts.steps - parts.step))
    other = Retraining(model, moved, settings=replace(settings, seed=1))
    other.advance()
    for a, b, c in zip(whole.parameters, parts.parameters, other.parameters, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_cosine_decay_ends_at_rest(model, examples):
    training = Retraining(model, examples, settings=Settings(epochs=2, learning_rate=0.01))
    first = training.parameters[0]
    training.advance(1)
    second = training.parameters[0]
    training.advance(training.steps - 2)
    before = training.parameters[0]
    training.advance(1)
    moved, at_last = np.abs(second - first).max(), np.abs(training.parameters[0] - before).max()
    # The last of 22 steps has η (1 + cos(21π/22)) / 2 = 0.005 η.
    assert at_last < 0.05 * moved


def test_more_steps_than_are_left_are_refused(model, examples, short):
    training = Retraining(model, examples, settings=short)
    with pytest.raises(ValueError, match="from 0 to 22"):
        training.advance(23)


class Sizes:
    """A bar that notes how many steps each call took."""

    def __init__(self):
        self.sizes = []

    def update(self, size):
        self.sizes.append(size)


def test_a_call_takes_fewer_steps_if_they_are_slow(model, examples, short, monkeypatch):
    """So Ctrl-C and Cancel never wait for many slow steps."""
    training = Retraining(model, examples, settings=short)
    for seconds_per_call, sizes in ((2.0, [5, 1, 1, 1]), (0.01, [1, 2, 4, 7])):
        ticks, bar = itertools.count(0.0, seconds_per_call), Sizes()
        clock = SimpleNamespace(perf_counter=functools.partial(next, ticks))
        monkeypatch.setattr(stepping, "time", clock)
        training.advance(sum(sizes), progress=bar)
        assert bar.sizes == sizes


def test_augmentations_move_images_as_given():
    image = np.zeros((1, 28, 28), np.float32)
    image[0, 10, 12] = 1.0
    for view, place in [
        (Augmentation(right=2), (10, 14)),
        (Augmentation(down=-3), (7, 12)),
        (Augmentation(right=-1, down=1), (11, 11)),
    ]:
        (matrix,) = augmentation_matrices([view], (28, 28))
        assert np.argwhere(augment(image, matrix).numpy()[0] > 0.5).tolist() == [list(place)]


@pytest.mark.parametrize(("right", "down"), [(0, 0), (8, 0), (-8, 8), (0, -8), (-3, 5)])
def test_a_shift_gives_the_pixels_that_interpolation_gives(digits, right, down):
    (matrix,) = augmentation_matrices([Augmentation(right=right, down=down)], (28, 28))
    images = digits.train.images[:20]
    np.testing.assert_array_equal(augment(images, matrix), _turned(images, matrix))


def test_rotations_are_counterclockwise():
    image = np.zeros((1, 28, 28), np.float32)
    image[0, 13:15, 20:24] = 1.0  # to the right of the middle
    (matrix,) = augmentation_matrices([Augmentation(turn_degrees=45)], (28, 28))
    turned = augment(image, matrix).numpy()[0]
    rows, columns = np.indices(turned.shape)
    weight = turned.sum()
    # Of the middle (13.5, 13.5), it is now up and to the right.
    assert (rows * turned).sum() / weight < 12
    assert (columns * turned).sum() / weight > 15


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"epochs": 0}, ValueError),
        ({"batch_size": 1.5}, TypeError),
        ({"learning_rate": 0}, ValueError),
        ({"decay": "linear"}, ValueError),
        ({"temperature": 0}, ValueError),
        ({"hard_weight": 1.1}, ValueError),
        ({"seed": -1}, ValueError),
    ],
)
def test_wrong_settings_are_refused(change, error):
    with pytest.raises(error, match="expected"):
        Settings(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"augmentations": ()},
        {"labels": np.zeros(3, np.int64)},
        {"teacher_logits": np.zeros((2, 1293, 10), np.float32)},
    ],
)
def test_mismatched_examples_are_refused(examples, change):
    with pytest.raises(ValueError, match="expected"):
        replace(examples, **change)


def test_a_model_without_softmax_is_refused(examples, short):
    linear = keras.Sequential([keras.layers.Flatten(input_shape=(28, 28)), keras.layers.Dense(10)])
    with pytest.raises(ValueError, match="softmax"):
        Retraining(linear, examples, settings=short)
