"""An int8 model as a SavedModel."""

import numpy as np
import pytest

from deployworkbook.compression.simulate import rounded
from deployworkbook.compression.stored_integers import IntegerDense, with_stored_integers
from deployworkbook.runtimes.savedmodel import SavedModelRuntime
from deployworkbook.training.keras2 import keras
from deployworkbook.training.models import cnn
from deployworkbook.training.variant import Variant


def test_the_predictions_equal_those_of_rounded_weights(model, digits):
    images = digits.test.images
    stored = with_stored_integers(model).model.predict(images, verbose=0)
    expected = rounded(model, bits=8).predict(images, verbose=0)
    # Sums are scaled instead of weights: the same up to the rounding of float32.
    np.testing.assert_allclose(stored, expected, atol=1e-5)
    assert np.abs(stored - model.predict(images, verbose=0)).max() > 1e-5


def test_kernels_are_integers_and_the_given_model_is_not_changed(model):
    before = model.get_weights()
    copy = with_stored_integers(model).model
    kernels = [layer.kernel for layer in copy.layers if isinstance(layer, IntegerDense)]
    assert [kernel.dtype.name for kernel in kernels] == ["int8", "int8"]
    assert all(np.abs(kernel.numpy()).max() == 127 for kernel in kernels)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_savedmodel_takes_a_quarter_of_the_bytes_and_answers_the_same(model, digits, tmp_path):
    runtime = SavedModelRuntime()
    variant = with_stored_integers(model)
    whole = runtime.export(Variant("float32", model), tmp_path)
    small = runtime.export(variant, tmp_path)
    weights = [
        next(path.stat().st_size for path in artifact.files if ".data-" in path.name)
        for artifact in (whole, small)
    ]
    # 101,632 weights of 4 bytes and of 1; 138 biases, 138 scales, and what TensorFlow notes.
    assert weights[1] < 0.27 * weights[0]
    images = digits.test.images[:50]
    np.testing.assert_allclose(
        runtime.load(small)(images), variant.model.predict(images, verbose=0), atol=1e-6
    )


def test_an_integer_layer_is_rebuilt_from_its_config():
    layer = IntegerDense(3, activation="relu", name="here")
    again = IntegerDense.from_config(layer.get_config())
    assert (again.units, again.activation, again.name) == (3, keras.activations.relu, "here")


def test_other_networks_are_refused():
    with pytest.raises(ValueError, match="expected"):
        with_stored_integers(cnn())
