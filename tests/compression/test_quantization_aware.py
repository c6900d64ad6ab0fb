"""Quantization-aware training: what the file holds is what training saw."""

import functools
import shutil
from dataclasses import replace

import numpy as np
import pytest

from deployworkbook.compression import quantization_aware as subject
from deployworkbook.compression.layers import dense_layers
from deployworkbook.compression.litert_quantization import quantize
from deployworkbook.compression.quantization_aware import LearnedStep, train_aware, train_aware_once
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.training.keras2 import tf

EPOCHS = 6


def accuracy(content, split):
    classes = LiteRTPredictor(content)(split.images).argmax(axis=1)
    return (classes == split.labels).mean()


def assert_same_weights(before, model):
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.fixture(scope="module")
def two_bits(model, digits, tmp_path_factory):
    """Two bits, learned once, and the folder that keeps them."""
    folder = tmp_path_factory.mktemp("aware")
    return train_aware_once(model, digits, folder=folder, bits=2, epochs=EPOCHS), folder


# Stored in as many bits, in 4 and in 8.
@pytest.fixture(scope="module", params=[2, 3, 6])
def aware(request, two_bits, model, digits):
    if request.param == 2:
        return 2, two_bits[0]
    before = [weight.copy() for weight in model.get_weights()]
    result = train_aware(model, digits, bits=request.param, epochs=1)
    assert_same_weights(before, model)
    return request.param, result


def test_the_files_weights_are_those_that_training_saw(aware):
    _, result = aware
    # The scale is read off float32 differences: at 31 steps that is off by 31 · 31 · 1e-7.
    assert result.distance < 1e-3


def test_the_integers_are_of_the_asked_width(aware):
    bits, result = aware
    for layer in dense_layers(result.variant.flatbuffer):
        assert layer.bits == next(width for width in (2, 4, 8) if width >= bits)
        assert np.abs(layer.weights).max() == 2 ** (bits - 1) - 1
        assert layer.weight_grid.scale.shape == (1, layer.weights.shape[1])


def test_the_note_says_if_integers_are_stored_wider(aware):
    bits, result = aware
    assert ("stored in" in result.variant.note) == (bits not in (2, 4))
    assert f"weights of {bits} bits" in result.variant.note


def test_training_recovers_what_rounding_lost(two_bits, model, digits):
    float32 = (model.predict(digits.test.images, verbose=0).argmax(1) == digits.test.labels).mean()
    rounded = accuracy(quantize(model, "int2").flatbuffer, digits.test)
    learned = accuracy(two_bits[0].variant.flatbuffer, digits.test)
    # A point is 3.6 of the 360 images; on the digits two bits lose about six points.
    assert rounded < float32 - 0.03
    assert learned > rounded + 0.03
    assert learned > float32 - 0.02


def test_eight_bits_become_a_file_that_computes_in_integers(model, digits):
    before = [weight.copy() for weight in model.get_weights()]
    result = train_aware(model, digits, bits=8, epochs=2)
    assert_same_weights(before, model)
    layers = dense_layers(result.variant.flatbuffer)
    assert {layer.weights.dtype for layer in layers} == {np.dtype(np.int8)}
    assert all(layer.input_grid and layer.output_grid for layer in layers)
    assert accuracy(result.variant.flatbuffer, digits.test) > 0.85
    assert result.distance is None


def test_a_seed_gives_the_same_file(two_bits, model, digits):
    again = train_aware(model, digits, bits=2, epochs=EPOCHS)
    for a, b in zip(
        dense_layers(two_bits[0].variant.flatbuffer),
        dense_layers(again.variant.flatbuffer),
        strict=True,
    ):
        np.testing.assert_array_equal(a.weights, b.weights)


def test_a_result_is_made_once_and_cached(two_bits, model, digits, tmp_path, monkeypatch):
    made, folder = two_bits
    kept = shutil.copytree(folder, tmp_path / "kept")
    asked = []

    @functools.wraps(train_aware)
    def note(*_, **options):
        asked.append(options)
        return made

    monkeypatch.setattr(subject, "train_aware", note)
    options = {"bits": 2, "epochs": EPOCHS}
    for _ in range(2):
        for more in ({}, {"seed": 1}):
            assert train_aware_once(model, digits, folder=kept, **options, **more) == made
    assert asked == [options | {"seed": 1}]
    names = [path.name for path in kept.iterdir() if path.is_dir()]
    assert len(names) == 2
    assert all(name.startswith("train_aware-digits-") for name in names)


def test_the_gradients_of_a_learned_step_by_hand():
    # Step 2, three bits: q = 3. 5 / 2 = 2.5 rounds to 2 within, 9 / 2 = 4.5 is clipped to 3.
    values, log_step = tf.Variable([[5.0], [9.0]]), tf.Variable([[np.log(2.0)]], dtype=tf.float32)
    with tf.GradientTape() as tape:
        rounded = LearnedStep(3)(values, True, {"log_step": log_step})
        total = tf.reduce_sum(rounded)
    by_values, by_log = tape.gradient(total, [values, log_step])
    np.testing.assert_allclose(rounded, [[4.0], [6.0]], rtol=1e-6)
    np.testing.assert_array_equal(by_values, [[1.0], [0.0]])
    # By s: (2 - 2.5) + 3; by log s that times s.
    np.testing.assert_allclose(by_log, [[2.0 * 2.5]], rtol=1e-6)


@pytest.mark.parametrize("change", [{"bits": 1}, {"bits": 9}, {"epochs": 0}, {"batch_size": 0}])
def test_wrong_settings_are_refused(model, digits, change):
    with pytest.raises(ValueError, match=next(iter(change))):
        train_aware(model, digits, **change)


@pytest.mark.mnist
def test_on_mnist_two_epochs_recover_two_bits(mnist, mnist_models):
    few = replace(mnist, train=mnist.train.take(20_000), validation=mnist.validation.take(1000))
    for seed, model in enumerate(mnist_models):
        result = train_aware(model, few, bits=2, epochs=2, seed=seed)
        assert accuracy(quantize(model, "int2").flatbuffer, mnist.test) < 0.7
        # Seen: 0.972 and 0.973, where float32 has 0.977.
        assert accuracy(result.variant.flatbuffer, mnist.test) >= 0.965
        assert len(result.variant.flatbuffer) < 31_000


@pytest.mark.report
@pytest.mark.mnist
def test_on_mnist_six_epochs_reach_97_percent_with_two_bits(mnist, mnist_models):
    for seed, model in enumerate(mnist_models):
        result = train_aware(model, mnist, bits=2, seed=seed)
        assert accuracy(result.variant.flatbuffer, mnist.test) >= 0.97
