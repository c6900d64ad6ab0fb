"""Channels of zeros, as pruning leaves them: every quantized file still loads, and computes."""

import flatbuffers
import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert import schema_py_generated as schema

from deployworkbook.compression.channel_scales import _packed, _unpacked
from deployworkbook.compression.layers import dense_layers
from deployworkbook.compression.lean import grid_step, lean_flatbuffer
from deployworkbook.compression.litert_quantization import TECHNIQUES, apply_recipe, quantize
from deployworkbook.compression.onnx_quantization import TECHNIQUES as ONNX_TECHNIQUES
from deployworkbook.compression.onnx_quantization import quantize_onnx
from deployworkbook.compression.quantization_aware import STORED, AlgorithmName
from deployworkbook.compression.stored_integers import IntegerDense, with_stored_integers
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.training.flatbuffer import to_flatbuffer
from deployworkbook.training.keras2 import keras

SMALLEST_NORMAL = np.finfo(np.float32).tiny
INTEGERS = {name: each for name, each in TECHNIQUES.items() if name != "float16"}


def _set(kernel, index, value):
    kernel[index] = value


NEURON, ALL = (slice(None), 3), slice(None)
DAMAGES = {
    "none": lambda first, second: None,
    "a dead neuron": lambda first, second: _set(first, NEURON, 0),
    "a dead class": lambda first, second: _set(second, NEURON, 0),
    "a dead first layer": lambda first, second: _set(first, ALL, 0),
    "a dead last layer": lambda first, second: _set(second, ALL, 0),
    "a subnormal channel": lambda first, second: _set(first, NEURON, 1e-42),
    "a subnormal layer": lambda first, second: _set(first, ALL, 1e-42),
    "a channel of 1e-30": lambda first, second: _set(first, NEURON, 1e-30),
    "a constant channel": lambda first, second: _set(first, NEURON, 0.002),
}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((64, 28, 28), np.float32)


@pytest.fixture(scope="module")
def model():
    """A small perceptron; its biases are far from 0, so that losing one shows."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    made = keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    generator = np.random.default_rng(1)
    weights = made.get_weights()
    made.set_weights(
        [each if each.ndim == 2 else generator.normal(0, 0.3, each.shape) for each in weights]
    )
    return made


@pytest.fixture(scope="module")
def damaged(model):
    """Give the float32 file with changed kernels; converting each anew would take seconds."""
    original = to_flatbuffer(model)

    def damage(change):
        file = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(original, 0))
        kernels = [model.get_weights()[place].copy() for place in (0, 2)]
        change(*kernels)
        for kernel in kernels:
            shape = kernel.T.shape
            (tensor,) = (
                each
                for each in file.subgraphs[0].tensors
                if tuple(each.shape) == shape and file.buffers[each.buffer].data is not None
            )
            values = np.ascontiguousarray(kernel.T, np.float32).tobytes()
            file.buffers[tensor.buffer].data = np.frombuffer(values, np.uint8)
        builder = flatbuffers.Builder(1024)
        builder.Finish(file.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    return damage


def difference(content, images, expected):
    return float(np.abs(LiteRTPredictor(content)(images) - expected).max())


def quantized(content, images):
    return {
        name: quantize(content, name, images=images if each.calibrates else None).flatbuffer
        for name, each in INTEGERS.items()
    }


@pytest.fixture(scope="module")
def usual(damaged, images):
    """What each technique loses where every channel is alive."""
    content = damaged(DAMAGES["none"])
    expected = LiteRTPredictor(content)(images)
    files = quantized(content, images)
    return {name: difference(file, images, expected) for name, file in files.items()}


@pytest.mark.parametrize("damage", list(DAMAGES)[1:])
def test_a_model_with_dead_channels_loads_and_agrees_with_float32(damaged, images, usual, damage):
    content = damaged(DAMAGES[damage])
    expected = LiteRTPredictor(content)(images)
    for name, file in quantized(content, images).items():
        for layer in dense_layers(file):
            scale = layer.weight_grid.scale
            assert np.isfinite(scale).all(), name
            assert (scale >= SMALLEST_NORMAL).all(), name
        # No more is lost than in a model whose channels are all alive.
        assert difference(file, images, expected) < 2 * usual[name] + 0.003, name


@pytest.mark.parametrize("bits", [4, 2])
def test_weights_that_are_on_a_grid_may_have_dead_channels(damaged, images, bits):
    def on_a_grid(first, second):
        for kernel in (first, second):
            kernel[:] = np.clip(np.rint(kernel * 8) / 8, -0.125, 0.125)
        first[NEURON] = 0

    content = damaged(on_a_grid)
    rules = STORED[bits](algorithm_key=AlgorithmName.DEQUANTIZED_WEIGHT_RECOVERY)
    file = apply_recipe(content, rules)
    assert difference(file, images, LiteRTPredictor(content)(images)) < 0.02


def test_a_layer_without_biases_is_read_back(model, damaged, images):
    file = schema.ModelT.InitFromObj(
        schema.Model.GetRootAsModel(damaged(DAMAGES["a dead last layer"]), 0)
    )
    for operator in file.subgraphs[0].operators:
        if len(operator.inputs) == 3:  # as the converter writes biases that are all 0
            operator.inputs = [*operator.inputs[:2], -1]
    builder = flatbuffers.Builder(1024)
    builder.Finish(file.Pack(builder), b"TFL3")
    layers = dense_layers(bytes(builder.Output()))
    assert [len(layer.bias) for layer in layers] == [16, 10]
    assert [np.abs(layer.bias).max() for layer in layers] == [0, 0]


def test_other_formats_keep_usable_scales(model, images):
    weights = model.get_weights()
    copy = keras.models.clone_model(model)
    weights[0][:] = 1e-42
    weights[2][NEURON] = 0
    copy.set_weights(weights)
    expected = LiteRTPredictor(to_flatbuffer(copy))(images)
    assert difference(lean_flatbuffer(copy, bits=4), images, expected) < 0.02
    stored = with_stored_integers(copy).model
    scales = [each.scale.numpy() for each in stored.layers if isinstance(each, IntegerDense)]
    assert min(each.min() for each in scales) >= SMALLEST_NORMAL
    assert np.abs(stored(images).numpy() - expected).max() < 0.01
    for name, each in ONNX_TECHNIQUES.items():
        content = quantize_onnx(copy, name, images=images if each.calibrates else None).onnx
        session = onnxruntime.InferenceSession(content)
        (found,) = session.run(None, {session.get_inputs()[0].name: images})
        assert np.abs(found - expected).max() < 0.06
        for scale in onnx.load_from_string(content).graph.initializer:
            if scale.name.endswith("_scale"):
                assert (onnx.numpy_helper.to_array(scale) >= SMALLEST_NORMAL).all(), scale.name


@pytest.mark.parametrize("bits", [4, 8])
def test_a_step_is_never_subnormal(bits):
    assert grid_step(np.float32([1e-42, -3e-43, 0]), bits) == 1
    assert grid_step(np.zeros(3, np.float32), bits) == 1
    assert grid_step(np.float32([1e-30]), bits) >= SMALLEST_NORMAL


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("count", [1, 7, 8])
def test_packed_integers_are_unpacked_as_they_were(bits, count):
    low = -(2 ** (bits - 1))
    integers = np.random.default_rng(bits).integers(low, -low, count).astype(np.int8)
    packed = _packed(integers, bits)
    assert packed.dtype == np.uint8
    assert len(packed) == -(-count * bits // 8)
    np.testing.assert_array_equal(_unpacked(packed, bits, count), integers)
