"""Post-training quantization: real files, whose integers are those of the formulas."""

import itertools

import numpy as np
import pytest

from deployworkbook.compression.layers import dense_layers, output_grid
from deployworkbook.compression.litert_quantization import TECHNIQUES, calibration_images, quantize
from deployworkbook.formulas.clipping import fit_grid
from deployworkbook.formulas.integer_inference import integer_dense
from deployworkbook.formulas.integer_softmax import integer_softmax
from deployworkbook.formulas.quantization import quantize as to_integers
from deployworkbook.formulas.quantization_error import quantization_error
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.training.flatbuffer import to_flatbuffer
from deployworkbook.training.keras2 import copy_model

MIN_MAX = ["int8-weights", "int8-dynamic", "int8-full", "int4", "int2"]


@pytest.fixture(scope="module")
def float32(model):
    return to_flatbuffer(model)


@pytest.fixture(scope="module")
def files(float32, digits):
    images = calibration_images(digits.train, count=200)
    return {
        name: quantize(float32, name, images=images if each.calibrates else None).flatbuffer
        for name, each in TECHNIQUES.items()
    }


def accuracy(content, split):
    classes = LiteRTPredictor(content)(split.images).argmax(axis=1)
    return (classes == split.labels).mean()


def kernels_of(model):
    return [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]


@pytest.mark.parametrize(
    ("name", "smaller"),
    [("float16", 1.95), ("int8-weights", 3.7), ("int8-full", 3.7), ("int4", 7), ("int2", 13)],
)
def test_files_shrink_as_their_weights_do(files, float32, name, smaller):
    # Biases, scales and names keep it from being 2, 4, 8 and 16 times.
    assert smaller < len(float32) / len(files[name]) < 32 / TECHNIQUES[name].bits


@pytest.mark.parametrize("name", TECHNIQUES)
def test_accuracy_falls_only_as_far_as_the_bits_explain(files, float32, digits, name):
    lost = accuracy(float32, digits.test) - accuracy(files[name], digits.test)
    allowed = {16: 0.003, 8: 0.01, 4: 0.03}
    # Two bits without learning lose about six points here, and forty on MNIST.
    assert lost <= allowed.get(TECHNIQUES[name].bits, 0.15)


@pytest.mark.parametrize("name", MIN_MAX)
def test_the_files_integers_are_those_of_the_formula(files, model, name):
    for layer, kernel in zip(dense_layers(files[name]), kernels_of(model), strict=True):
        grid = fit_grid(kernel, bits=TECHNIQUES[name].bits, scheme="symmetric", axis=1)
        assert layer.bits == TECHNIQUES[name].bits
        np.testing.assert_allclose(layer.weight_grid.scale, grid.scale, rtol=1e-6)
        ours, theirs = to_integers(kernel, grid).astype(int), layer.weights.astype(int)
        # The library divides in float32: where that makes a half, the integers differ by one.
        assert np.abs(ours - theirs).max() <= 1
        assert (ours != theirs).mean() < 1e-3


def test_more_bits_never_raise_the_error_of_the_weights(files, model):
    errors = {
        name: [
            quantization_error(kernel, layer.kernel).mean_squared
            for layer, kernel in zip(dense_layers(files[name]), kernels_of(model), strict=True)
        ]
        for name in ("int2", "int4", "int8-dynamic", "float16")
    }
    for fewer, more in itertools.pairwise(errors):
        assert all(a > b for a, b in zip(errors[fewer], errors[more], strict=True))


def test_clipping_lowers_the_error_of_two_bits(files, model):
    for plain, clipped, kernel in zip(
        dense_layers(files["int2"]),
        dense_layers(files["int2-clipped"]),
        kernels_of(model),
        strict=True,
    ):
        assert (
            quantization_error(kernel, clipped.kernel).mean_squared
            < quantization_error(kernel, plain.kernel).mean_squared
        )


@pytest.fixture(scope="module")
def pruned(model):
    """A copy with few weights: its kernels, and its file."""
    rng = np.random.default_rng(0)
    few = [weight * (rng.random(weight.shape) < 0.1) for weight in model.get_weights()]
    copy = copy_model(model, few)
    return kernels_of(copy), to_flatbuffer(copy)


@pytest.mark.parametrize("name", TECHNIQUES)
def test_zeros_stay_zero(pruned, digits, name):
    kernels, float32 = pruned
    images = digits.train.images[:50] if TECHNIQUES[name].calibrates else None
    content = quantize(float32, name, images=images).flatbuffer
    for layer, kernel in zip(dense_layers(content), kernels, strict=True):
        assert (layer.weights[kernel == 0] == 0).all()
        # A channel's largest weight is never rounded away.
        assert (layer.weights != 0).any()


def test_integer_inference_in_numpy_is_that_of_litert_bit_for_bit(files, digits):
    content = files["int8-full"]
    images = np.concatenate([digits.train.images, digits.test.images])
    layers = dense_layers(content)
    values = to_integers(images, layers[0].input_grid).reshape(len(images), -1)
    for layer in layers:
        values = integer_dense(
            values,
            layer.weights,
            layer.bias,
            input_grid=layer.input_grid,
            weight_grid=layer.weight_grid,
            output_grid=layer.output_grid,
            rounding="float32",
            relu=layer.relu,
        )
    ours = integer_softmax(
        values, logit_grid=layers[-1].output_grid, output_grid=output_grid(content)
    )
    theirs = LiteRTPredictor(content)(images)
    np.testing.assert_array_equal(ours, np.rint(theirs * 256) - 128)
    assert len(np.unique(ours)) > 100


def test_the_integers_of_an_input_are_the_pixels(files):
    # Images cover 0 … 1: 256 steps of 1/255 from -128 on.
    grid = dense_layers(files["int8-full"])[0].input_grid
    assert grid.scale == pytest.approx(1 / 255)
    assert grid.zero_point == -128


def test_the_order_of_the_images_does_not_matter(float32, digits):
    images = calibration_images(digits.train, count=50)
    first = quantize(float32, "int8-full", images=images)
    assert first.flatbuffer == quantize(float32, "int8-full", images=images[::-1].copy()).flatbuffer
    assert first.note.endswith("calibrated on 50 images")


def test_calibration_images_are_training_images_and_repeatable(digits):
    drawn = calibration_images(digits.train, count=60, seed=1)
    assert drawn.shape == (60, 28, 28)
    np.testing.assert_array_equal(drawn, calibration_images(digits.train, count=60, seed=1))
    assert (drawn != calibration_images(digits.train, count=60, seed=2)).any()
    known = {image.tobytes() for image in digits.train.images}
    assert all(image.tobytes() in known for image in drawn)
    with pytest.raises(ValueError, match="count"):
        calibration_images(digits.train, count=len(digits.train) + 1)


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (None, "calibration_images"),
        (np.zeros((0, 28, 28), np.float32), "n at least 1"),
        (np.zeros((5, 784), np.float32), "float32 of shape"),
        (np.zeros((5, 28, 28)), "float32 of shape"),
    ],
)
def test_calibration_refuses_other_arrays(float32, images, text):
    with pytest.raises(ValueError, match=text):
        quantize(float32, "int8-full", images=images)


def test_unneeded_images_are_refused(float32, digits):
    with pytest.raises(ValueError, match="does not calibrate"):
        quantize(float32, "int4", images=digits.train.images)


def test_an_unknown_technique_lists_the_known_ones(float32):
    with pytest.raises(ValueError, match="'int8-full'"):
        quantize(float32, "int5")


def test_quantizing_prints_nothing(float32, digits, capfd):
    quantize(float32, "int8-full", images=digits.train.images[:10])
    assert capfd.readouterr() == ("", "")


def test_convolutions_are_quantized_too(convolutions, digits):
    float32 = to_flatbuffer(convolutions)
    content = quantize(float32, "int8-full", images=digits.train.images[:100]).flatbuffer
    assert len(content) < 0.5 * len(float32)
    keras = convolutions.predict(digits.test.images, verbose=0).argmax(axis=1)
    assert (LiteRTPredictor(content)(digits.test.images).argmax(axis=1) == keras).mean() > 0.95


@pytest.mark.mnist
def test_on_mnist_int8_loses_a_tenth_of_a_point_and_int4_four(mnist, mnist_models):
    lost = {"int8-dynamic": [], "int8-full": [], "int4": []}
    images = calibration_images(mnist.train)
    for model in mnist_models:
        content = to_flatbuffer(model)
        before = accuracy(content, mnist.test)
        for name, losses in lost.items():
            asked = images if TECHNIQUES[name].calibrates else None
            after = accuracy(quantize(content, name, images=asked).flatbuffer, mnist.test)
            losses.append(100 * (before - after))
    assert np.mean(lost["int8-dynamic"]) <= 0.1
    assert np.mean(lost["int8-full"]) <= 0.1
    assert np.mean(lost["int4"]) <= 0.4
