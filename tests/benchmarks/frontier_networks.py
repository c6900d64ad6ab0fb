"""The images and networks of the reports on compression: kept on disk, weighed and tested."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deployworkbook.compression import distill
from deployworkbook.compression.augmentation import augment, augmentation_matrices
from deployworkbook.compression.coded_file import encode_network
from deployworkbook.compression.lean import lean_flatbuffer
from deployworkbook.runtimes.benchmarking import compressed_bytes
from deployworkbook.runtimes.litert import LiteRTRuntime
from deployworkbook.training.keras2 import keras, tf
from deployworkbook.training.variant import Variant
from tests.benchmarks.frontier_training import forward, integer_network


def moved_images(images: np.ndarray) -> np.ndarray:
    """Each movement of all images, uint8."""
    whole = np.empty((len(distill.AUGMENTATIONS), len(images), 784), np.uint8)
    for move, matrix in enumerate(augmentation_matrices(distill.AUGMENTATIONS, (28, 28))):
        for start in range(0, len(images), 6000):
            few = tf.constant(images[start : start + 6000])
            grey = augment(few, tf.constant(matrix)).numpy()
            whole[move, start : start + 6000] = np.rint(255 * grey).reshape(len(few), 784)
    return whole.reshape(-1, 784)


def kept(path: Path, make) -> dict[str, np.ndarray]:
    """Arrays from a file, or made now and written whole."""
    if not path.exists():
        part = path.with_suffix(".part.npz")
        np.savez(part, **make())
        part.replace(path)
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def accuracy(parameters, split) -> float:
    """Share of the images that NumPy's float32 classifies rightly."""
    logits = forward(parameters, split.images.reshape(len(split), 784))[1]
    return float((logits.argmax(axis=1) == split.labels).mean())


def without_idle_units(parameters: list[np.ndarray]) -> list[np.ndarray]:
    """Drop hidden units that are always 0, or that nothing listens to."""
    slim = list(parameters)
    for place in range(0, len(slim) - 2, 2):
        fed = (slim[place] != 0).any(axis=0) | (slim[place + 1] > 0)
        heard = (slim[place + 2] != 0).any(axis=1)
        stays = fed & heard
        slim[place], slim[place + 1] = slim[place][:, stays], slim[place + 1][stays]
        slim[place + 2] = slim[place + 2][stays]
    return slim


def keras_model(parameters: list[np.ndarray]):
    """The same network for LiteRT."""
    widths = [bias.size for bias in parameters[1::2]]
    dense = [keras.layers.Dense(width, activation="relu") for width in widths[:-1]]
    last = keras.layers.Dense(widths[-1], activation="softmax")
    model = keras.Sequential([keras.layers.Flatten(input_shape=(28, 28)), *dense, last])
    model.set_weights(parameters)
    return model


def sizes_of(parameters, steps, place: Path) -> dict[str, int]:
    """Bytes of a network's LiteRT file, raw and zipped, and of the coded file."""
    variant, sizes = Variant("float32", model=keras_model(parameters)), {}
    if len(steps):
        layers = integer_network(parameters, steps)
        exact = [array for layer in layers for array in (layer.kernel, layer.bias)]
        content = lean_flatbuffer(keras_model(exact), bits=4)
        variant = Variant("small", flatbuffer=content)
        sizes["coded"] = len(encode_network(layers))
    artifact = LiteRTRuntime().export(variant, place)
    return sizes | {"raw": artifact.size_bytes, "zipped": compressed_bytes(artifact)}


def rounded_biases(parameters, steps) -> list[np.ndarray]:
    """What is stored: with biases as multiples of a power of two."""
    layers = integer_network(parameters, steps)
    return [array for layer in layers for array in (layer.kernel, layer.bias)]
