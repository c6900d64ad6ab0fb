"""Against LiteRT: real files, real digits, every answer."""

from __future__ import annotations

import numpy as np
import pytest

from deployworkbook.compression.lean import lean_flatbuffer
from deployworkbook.compression.litert_quantization import calibration_images, quantize
from deployworkbook.edge.exporting import export_c
from deployworkbook.edge.micro_interpreter import obstacle, run_micro
from deployworkbook.edge.network import read_network
from deployworkbook.edge.program import to_pixels
from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.dynamic_quantization import dynamic_dense
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.training.fit import Recipe, train
from deployworkbook.training.keras2 import keras, set_seed
from deployworkbook.training.models import mlp
from deployworkbook.training.variant import Variant
from tests.edge.conftest import scores_in_numpy


@pytest.fixture(scope="module")
def model(digits):
    trained, _ = train(digits, Recipe(epochs=2))
    return trained


@pytest.fixture(scope="module")
def pixels(digits):
    return to_pixels(digits.test.images)


@pytest.fixture(scope="module")
def images(pixels):
    """The images as their bytes mean them."""
    return pixels.reshape(-1, 28, 28).astype(np.float32) / np.float32(255)


def test_int8_equals_litert_on_every_output(model, digits, pixels, images, run_c, tmp_path) -> None:
    variant = quantize(model, "int8-full", images=calibration_images(digits.train, count=100))
    project = export_c(variant, tmp_path / "c")
    scores, classes = run_c(project, pixels)
    expected = LiteRTPredictor(variant.flatbuffer)(images)
    np.testing.assert_array_equal(project.probabilities(scores), expected)
    np.testing.assert_array_equal(expected[np.arange(len(classes)), classes], expected.max(axis=1))


def test_rounded_twice_it_equals_tensorflow_lite_micro(
    model, digits, pixels, images, missing, tmp_path, run_c
) -> None:
    if reason := obstacle():
        missing(f"TensorFlow Lite Micro ({reason})")
    variant = quantize(model, "int8-full", images=calibration_images(digits.train, count=100))
    project = export_c(variant, tmp_path / "c", rounding="double")
    scores, _ = run_c(project, pixels)
    micro = run_micro(variant.flatbuffer, images)
    # Its probabilities are int8, in steps of 1/256 from -128.
    np.testing.assert_array_equal(project.probabilities(scores) * 256 - 128, micro.outputs)
    # Beside the image: hidden sums here, hidden activations and its notes there.
    assert project.buffer_bytes + project.pixels < micro.arena_bytes


@pytest.mark.parametrize("technique", ["float16", "int8-weights"])
def test_floats_are_near_litert(technique, model, pixels, images, run_c, tmp_path) -> None:
    """Where LiteRT computes in float32, so are those that the C code computes in whole numbers."""
    variant = quantize(model, technique)
    project = export_c(variant, tmp_path / "c")
    scores, _ = run_c(project, pixels)
    expected = LiteRTPredictor(variant.flatbuffer)(images)
    np.testing.assert_allclose(project.probabilities(scores), expected, atol=1e-3)


@pytest.mark.parametrize("technique", ["int8-dynamic", "int4", "int2", "lean int4"])
def test_all_that_differs_from_litert_is_its_rounding_of_activations(
    technique, model, pixels, images, run_c, tmp_path
) -> None:
    """The C code gives the scores of the stored weights, and LiteRT those of rounded inputs."""
    variant = (
        Variant("int4", flatbuffer=lean_flatbuffer(model, bits=4))
        if technique == "lean int4"
        else quantize(model, technique)
    )
    exact, rounded = scores_in_numpy(read_network(variant), images)
    litert = LiteRTPredictor(variant.flatbuffer)(images)
    # LiteRT divides in float32, so an activation between two steps now and then goes the other way.
    difference = np.abs(softmax(rounded) - litert).max(axis=1)
    assert difference.max() < 0.01
    assert np.mean(difference < 1e-5) > 0.7
    assert np.mean(np.abs(softmax(exact) - litert).max(axis=1) < 1e-5) < 0.1
    project = export_c(variant, tmp_path / "c")
    scores, classes = run_c(project, pixels)
    np.testing.assert_allclose(scores * project.score_step, exact, atol=1e-3)
    np.testing.assert_array_equal(classes, exact.argmax(axis=1))


def test_litert_rounds_to_both_sides_where_4_bit_weights_make_no_pairs(images) -> None:
    """An odd number of inputs goes to LiteRT's own kernels, which have no zero point."""
    set_seed(0)
    variant = quantize(mlp(hidden_units=33), "int4")
    first, last = read_network(variant).layers
    values = images.reshape(len(images), -1).astype(np.float64)
    values = dynamic_dense(values, first.weights, first.bias, scale=first.scale, relu=True)
    litert = LiteRTPredictor(variant.flatbuffer)(images)
    near = {}
    for scheme in ("symmetric", "asymmetric"):
        scores = dynamic_dense(values, last.weights, last.bias, scale=last.scale, scheme=scheme)
        near[scheme] = np.mean(np.abs(softmax(scores) - litert).max(axis=1) < 1e-5)
    assert near["symmetric"] > 0.7 > 0.1 > near["asymmetric"]


def test_keras_exports_as_float32(model, pixels, images, run_c, tmp_path) -> None:
    project = export_c(Variant("float32", model=model), tmp_path / "c")
    assert project.layouts == ("float32", "float32")
    scores, _ = run_c(project, pixels)
    expected = model.predict_on_batch(images)
    np.testing.assert_allclose(project.probabilities(scores), expected, atol=1e-5)


def test_other_operations_are_named(tmp_path) -> None:
    layers = [keras.layers.Reshape((28, 28, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten()]
    network = keras.Sequential([keras.layers.InputLayer((28, 28)), *layers, keras.layers.Dense(10)])
    with pytest.raises(ValueError, match="operation"):
        export_c(quantize(network, "float16"), tmp_path / "c")
    with pytest.raises(ValueError, match="TFL3"):
        export_c(Variant("wrong", flatbuffer=b"wrong file"), tmp_path / "c")
