"""Networks drawn by chance, and a model in C as this machine runs it."""

from __future__ import annotations

import ctypes
from itertools import pairwise

import numpy as np
import pytest

from deployworkbook.edge.compiling import Build, compile_c
from deployworkbook.edge.network import Network
from deployworkbook.edge.project import CProject
from deployworkbook.edge.stored_layers import StoredLayer
from deployworkbook.edge.tables import C_TYPES
from deployworkbook.formulas.dynamic_quantization import dynamic_dense
from deployworkbook.formulas.quantization import Grid


def grid(scale: float, zero_point: int) -> Grid:
    return Grid(np.float64(np.float32(scale)), np.int64(zero_point), -128, 127)


class Networks:
    """Draws networks of each arithmetic."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def float32(self, sizes, sparsity: float = 0.0) -> Network:
        layers = []
        for inputs, outputs in pairwise(sizes):
            weights = self.random.normal(0, inputs**-0.5, (inputs, outputs))
            weights *= self.random.random(weights.shape) >= sparsity
            layers.append(StoredLayer(weights.astype(np.float32), self._biases(outputs)))
        return Network(tuple(layers))

    def stored(self, sizes, sparsity: float = 0.0, bits: int = 4, per_output=False) -> Network:
        layers = []
        for inputs, outputs in pairwise(sizes):
            scale = self.random.uniform(0.05, 0.3, outputs if per_output else 1)
            layers.append(
                StoredLayer(
                    self._integers(inputs, outputs, bits, sparsity),
                    self._biases(outputs),
                    scale.astype(np.float32),
                )
            )
        return Network(tuple(layers))

    def int8(self, sizes, sparsity: float = 0.0, input_scale=1 / 255, input_zero=-128) -> Network:
        layers = []
        first = source = grid(input_scale, input_zero)
        for number, (inputs, outputs) in enumerate(pairwise(sizes)):
            weights = self._integers(inputs, outputs, 8, sparsity)
            scale = self.random.uniform(1e-3, 5e-3, outputs).astype(np.float32)
            bias = self.random.integers(-5000, 5000, outputs).astype(np.int32)
            last = number == len(sizes) - 2
            target = grid(self.random.uniform(0.02, 0.2), int(self.random.integers(-128, 100)))
            target = target if last else grid(target.scale.item(), -128)
            layers.append(StoredLayer(weights, bias, scale, target))
            source = target
        assert source is layers[-1].output_grid
        return Network(tuple(layers), first)

    def pixels(self, count: int, images: int = 50):
        drawn = self.random.integers(0, 256, (images, count), np.uint8)
        return np.where(self.random.random(drawn.shape) < 0.7, np.uint8(0), drawn)

    def _integers(self, inputs, outputs, bits, sparsity):
        highest = 2 ** (bits - 1) - 1
        weights = self.random.integers(-highest, highest + 1, (inputs, outputs))
        return (weights * (self.random.random(weights.shape) >= sparsity)).astype(np.int8)

    def _biases(self, outputs):
        return self.random.normal(0, 0.5, outputs).astype(np.float32)


def scores_in_numpy(network: Network, images):
    """Return the scores of stored weights, and those with inputs rounded as LiteRT rounds them."""
    exact = rounded = images.reshape(len(images), -1).astype(np.float64)
    for layer in network.layers:
        relu, scale = layer is not network.layers[-1], layer.scale.astype(np.float64)
        # LiteRT's fast kernels want 4-bit weights in pairs; the others have no zero point.
        is_odd = len(layer.weights) % 2 and np.abs(layer.weights).max() < 8
        how = {"relu": relu, "scheme": "symmetric" if is_odd else "asymmetric"}
        rounded = dynamic_dense(rounded, layer.weights, layer.bias, scale=scale, **how)
        exact = exact @ (layer.weights * scale) + layer.bias
        exact = np.maximum(exact, 0) if relu else exact
    return exact, rounded


@pytest.fixture
def networks():
    return Networks(0)


def c_scores(build: Build, project: CProject, pixels):
    """Scores and classes of images, computed by a library of this machine."""
    library = ctypes.CDLL(str(build.path.resolve()))
    scores = np.empty((len(pixels), project.classes), C_TYPES[project.score_type])
    classes = []
    for image, row in zip(np.ascontiguousarray(pixels), scores, strict=True):
        source = image.ctypes.data_as(ctypes.c_void_p)
        library.model_scores(source, row.ctypes.data_as(ctypes.c_void_p))
        classes.append(library.model_classify(source))
    return scores, np.array(classes)


@pytest.fixture
def run_c():
    """Compile a project for this machine, with warnings as errors, and compute scores."""

    def run(project, pixels, optimize="-O2"):
        build = compile_c(project, "host", optimize=optimize, options=["-Werror"])
        return c_scores(build, project, pixels)

    return run
