"""A small trained network as LiteRT files, written without TensorFlow."""

from itertools import pairwise

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from deployworkbook.formulas.perceptron import forward
from deployworkbook.training.litert_signature import _Builder as Builder
from deployworkbook.updates.retraining import Way, retrain

HIDDEN = 16
TYPES = schema.TensorType


class Writer:
    """Writes a network of dense layers: ``float32``, ``dynamic`` or ``full`` int8."""

    def __init__(self, parameters, form, ranges):
        self.form, self.ranges = form, ranges
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.subgraphs = 3, [self.graph]
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        for code in (schema.BuiltinOperator.FULLY_CONNECTED, schema.BuiltinOperator.RESHAPE):
            entry = schema.OperatorCodeT()
            entry.builtinCode = entry.deprecatedBuiltinCode = code
            entry.version = 3 if code == schema.BuiltinOperator.FULLY_CONNECTED else 1
            self.model.operatorCodes.append(entry)
        self.graph.tensors, self.graph.operators = [], []
        images = self.activation("images", (1, 28, 28), 0)
        shape = self.tensor("shape", np.array([-1, 784], np.int32), TYPES.INT32)
        flat = self.activation("flat", (1, 784), 0)
        self.operator(1, [images, shape], flat, schema.ReshapeOptionsT(), "ReshapeOptions")
        before = flat
        layers = list(zip(parameters[::2], parameters[1::2], strict=True))
        for number, (kernel, bias) in enumerate(layers, 1):
            weights, shift = self.weights(number, kernel.T, bias)
            after = self.activation(f"layer {number}", (1, len(bias)), number)
            options = schema.FullyConnectedOptionsT()
            last = number == len(layers)
            options.fusedActivationFunction = int(not last)  # ReLU
            self.operator(0, [before, weights, shift], after, options, "FullyConnectedOptions")
            before = after
        self.graph.inputs, self.graph.outputs = [images], [before]

    def grid(self, number):
        low, high = self.ranges[number]
        scale = (high - low) / 255
        return np.float32(scale), round(-128 - low / scale)

    def quantization(self, scale, zero, axis=0):
        made = schema.QuantizationParametersT()
        made.scale = np.atleast_1d(np.asarray(scale, np.float32))
        made.zeroPoint = np.atleast_1d(np.asarray(zero, np.int64)) * np.ones(made.scale.size, int)
        made.quantizedDimension = axis
        return made

    def tensor(self, name, content, kind, quantization=None, shape=None):
        made = schema.TensorT()
        made.name, made.type, made.quantization = name, kind, quantization
        made.shape = list(content.shape if shape is None else shape)
        if content is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(content.tobytes(), np.uint8)
            made.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        if shape is not None:
            made.shapeSignature = [-1, *shape[1:]]
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def activation(self, name, shape, number):
        if self.form != "full":
            return self.tensor(name, None, TYPES.FLOAT32, shape=shape)
        return self.tensor(
            name, None, TYPES.INT8, self.quantization(*self.grid(number)), shape=shape
        )

    def weights(self, number, kernel, bias):
        if self.form == "float32":
            return [
                self.tensor(f"{name} {number}", values.astype(np.float32), TYPES.FLOAT32)
                for name, values in (("kernel", kernel), ("bias", bias))
            ]
        scale = (np.abs(kernel).max(axis=1) / 127).astype(np.float32)
        integers = np.rint(kernel / scale.astype(np.float64)[:, None]).astype(np.int8)
        stored = self.tensor(f"kernel {number}", integers, TYPES.INT8, self.quantization(scale, 0))
        if self.form == "dynamic":
            shift = self.tensor(f"bias {number}", bias.astype(np.float32), TYPES.FLOAT32)
            return stored, shift
        steps = self.grid(number - 1)[0] * scale
        whole = np.rint(bias / steps.astype(np.float64)).astype(np.int32)
        shift = self.tensor(f"bias {number}", whole, TYPES.INT32, self.quantization(steps, 0))
        return stored, shift

    def operator(self, code, inputs, output, options, kind):
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = code, list(inputs), [output]
        made.builtinOptions = options
        made.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        self.graph.operators.append(made)

    def content(self):
        builder = Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


@pytest.fixture(scope="session")
def parameters(digits):
    """Weights of a network that knows the digits."""
    chance = np.random.default_rng(0)
    sizes = (784, HIDDEN, 10)
    start = [
        each
        for rows, columns in pairwise(sizes)
        for each in (chance.normal(0, 0.06, (rows, columns)), np.zeros(columns))
    ]
    way = Way("first training", epochs=6, batch_size=32, learning_rate=0.006)
    return retrain(start, way, digits.train, digits.train)


@pytest.fixture(scope="session")
def files(digits, parameters):
    """The network as LiteRT files, by form."""
    seen = forward(parameters, digits.train.images[:200].reshape(200, -1))
    ranges = [(min(0.0, values.min()), values.max()) for values in seen]
    return {
        form: Writer(parameters, form, ranges).content() for form in ("float32", "dynamic", "full")
    }
