"""The networks."""

import numpy as np
import pytest

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.perceptron import forward
from deployworkbook.training.models import cnn, mlp
from deployworkbook.training.variant import Variant


@pytest.mark.parametrize(("hidden", "weights"), [(128, 101_770), (1, 784 + 1 + 10 + 10)])
def test_the_mlps_weights_are_counted_by_hand(hidden, weights):
    assert mlp(hidden_units=hidden).count_params() == weights


def test_the_mlp_computes_the_formula():
    model = mlp()
    images = np.random.default_rng(0).random((5, 28, 28), dtype=np.float32)
    ours = softmax(forward(model.get_weights(), images.reshape(5, -1))[-1])
    # Sums of 784 products in float32 against float64.
    np.testing.assert_allclose(model.predict(images, verbose=0), ours, atol=1e-6)


def test_the_cnn_outputs_distributions():
    images = np.random.default_rng(0).random((3, 28, 28), dtype=np.float32)
    np.testing.assert_allclose(cnn().predict(images, verbose=0).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("hidden", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError)])
def test_a_wrong_number_of_hidden_units_is_refused(hidden, error):
    with pytest.raises(error, match="hidden_units: expected"):
        mlp(hidden_units=hidden)


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "é"])
def test_a_variants_name_must_be_a_file_name(name):
    with pytest.raises(ValueError, match="letters"):
        Variant(name, model=object())


@pytest.mark.parametrize("forms", [{}, {"model": object(), "flatbuffer": b""}])
def test_a_variant_has_one_form(forms):
    with pytest.raises(ValueError, match="one of a Keras model, a LiteRT file, an ONNX file"):
        Variant("float32", **forms)
