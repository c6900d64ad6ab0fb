"""Conversion to LiteRT: the file that LiteRT's own way through a SavedModel gives, sooner."""

import warnings

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from deployworkbook.compression.quantization_aware import toolkit
from deployworkbook.training import models
from deployworkbook.training.flatbuffer import to_flatbuffer
from deployworkbook.training.keras2 import keras, tf
from deployworkbook.training.litert_signature import read_signatures


@pytest.fixture(scope="module")
def aware():
    """A perceptron with fake quantizers."""
    return toolkit.quantize_model(models.mlp())


def litert_s_own(model):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Statistics for quantized inputs", UserWarning)
        return converter.convert()


def run(content, images):
    # The delegate would hide the tensors between two operations.
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=plain)
    predict = interpreter.get_signature_runner()
    ((name,), (answer,)) = interpreter.get_signature_list()["serving_default"].values()
    probabilities = predict(**{name: images})[answer]
    tensors = []
    for each in interpreter.get_tensor_details():
        grid = each["quantization_parameters"]
        numbers = (grid["scales"].tolist(), grid["zero_points"].tolist())
        tensors.append((each["dtype"], each["shape"].tolist(), *numbers))
    return name, answer, probabilities.tolist(), tensors


def test_integers_grids_and_answers_are_those_of_litert_s_own_way(aware, digits):
    images = digits.test.images[:5]
    assert run(to_flatbuffer(aware, quantizers=True), images) == run(litert_s_own(aware), images)


def test_weights_stay_float32_and_any_number_of_images_fits(digits):
    model = models.mlp()
    content = to_flatbuffer(model)
    (signature,) = read_signatures(content).values()
    (image,), (probabilities,) = signature.inputs.values(), signature.outputs.values()
    assert (image.shape, probabilities.shape) == ((None, 28, 28), (None, 10))
    assert len(content) > 4 * model.count_params()
    found = run(content, digits.test.images[:3])[2]
    np.testing.assert_allclose(found, model(digits.test.images[:3]), atol=1e-6)


def test_several_inputs_and_outputs_keep_their_names():
    left, right = keras.layers.Input(3, name="left"), keras.layers.Input(4, name="right")
    joined = keras.layers.Dense(2, name="joined")(keras.layers.concatenate([left, right]))
    model = keras.Model([right, left], [joined, keras.layers.Activation("relu", name="own")(left)])
    signature = read_signatures(to_flatbuffer(model))["serving_default"]
    assert {name: each.shape for name, each in signature.inputs.items()} == {
        "left": (None, 3),
        "right": (None, 4),
    }
    assert {name: each.shape for name, each in signature.outputs.items()} == {
        "joined": (None, 2),
        "own": (None, 3),
    }
