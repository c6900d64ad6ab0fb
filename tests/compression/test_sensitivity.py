"""Which layers bear rounding."""

import numpy as np
import pytest

from deployworkbook.compression.litert_quantization import quantize
from deployworkbook.compression.sensitivity import scan_sensitivity
from deployworkbook.plots.compression import sensitivity_picture
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.training.keras2 import keras


@pytest.fixture(scope="module")
def scan(model, digits):
    return scan_sensitivity(model, digits.validation, bits=(8, 2, 4))


def test_the_scan_has_a_row_per_layer_and_a_column_per_width(scan, model, digits):
    assert scan.bits == (2, 4, 8)
    assert scan.weights == (784 * 128, 128 * 10)
    assert scan.accuracy.shape == (2, 3)
    exact = model.predict(digits.validation.images, verbose=0).argmax(axis=1)
    assert scan.unrounded == (exact == digits.validation.labels).mean()


def test_a_model_of_one_layer_agrees_with_its_file(digits):
    inputs = keras.layers.Flatten(input_shape=(28, 28))
    model = keras.Sequential([inputs, keras.layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.train.images, digits.train.labels, epochs=3, verbose=0)
    scan = scan_sensitivity(model, digits.validation, bits=[4])
    predict = LiteRTPredictor(quantize(model, "int4").flatbuffer)
    classes = predict(digits.validation.images).argmax(axis=1)
    # The file rounds activations too; that may tip a picture that stands on the edge.
    images = len(digits.validation)
    assert scan.accuracy[0, 0] == pytest.approx(
        (classes == digits.validation.labels).mean(), abs=2.5 / images
    )


def test_two_bits_cost_accuracy_and_eight_do_not(scan):
    np.testing.assert_allclose(scan.accuracy[:, 2], scan.unrounded, atol=0.02)
    # Three of the 144 images.
    assert scan.accuracy[:, 0].min() < scan.unrounded - 0.02


def test_the_model_is_not_changed(model, digits):
    before = [weight.copy() for weight in model.get_weights()]
    scan_sensitivity(model, digits.validation, bits=[2])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("bits", [(), (1,), (17,)])
def test_invalid_widths_are_refused(model, digits, bits):
    with pytest.raises(ValueError, match="bits"):
        scan_sensitivity(model, digits.validation, bits=bits)


def test_a_model_without_kernels_is_refused(digits):
    with pytest.raises(ValueError, match="layer with a kernel"):
        scan_sensitivity(
            keras.Sequential([keras.layers.Flatten(input_shape=(28, 28))]), digits.validation
        )


def test_the_pictures_alternative_text_has_its_values(scan):
    picture = sensitivity_picture(scan)
    assert f"{scan.unrounded:.1%} with none" in picture.alt
    assert f"{scan.layers[0]} alone: {scan.accuracy[0, 0]:.1%} at 2 bits" in picture.alt
    (axes,) = picture.axes
    lost = 100 * (scan.unrounded - scan.accuracy[0])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), lost, rtol=1e-12)
    assert len(axes.get_legend().get_texts()) == 3
