"""Plain NumPy: weights in an ``.npz`` file, and matrix products. No framework is loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from deployworkbook.runtimes.base import Predictor, check_images
from deployworkbook.runtimes.exporting import FolderRuntime
from deployworkbook.training.variant import Variant
from deployworkbook.validation import value_error

NAME = "numpy"
FILE_NAME = "weights.npz"
PIXELS = 28 * 28

# Keras layers that do nothing while predicting.
_PASSIVE = {"InputLayer", "Flatten", "Dropout"}

Layer = tuple[NDArray[np.float32], NDArray[np.float32]]


class NumPyRuntime(FolderRuntime):
    """Exports dense networks as ``.npz`` files and runs them by matrix products.

    It takes Keras models of dense layers: ReLU in the hidden ones, softmax in the last.
    """

    name = NAME
    refusal = (
        "NumPy multiplies floats by a fast library, and integers one by one. "
        "Run it with the runtime 'litert' or 'onnx', whichever wrote it."
    )

    def _writer(self, variant: Variant) -> Callable[[Path], object]:
        arrays: dict[str, Any] = {}
        for number, (kernel, bias) in enumerate(dense_layers(variant), 1):
            arrays |= {f"kernel_{number}": kernel, f"bias_{number}": bias}
        return lambda folder: np.savez(folder / FILE_NAME, allow_pickle=False, **arrays)

    def _read(self, folder: Path) -> Predictor:
        with np.load(folder / FILE_NAME, allow_pickle=False) as arrays:
            count = len(arrays) // 2
            layers = [(arrays[f"kernel_{k}"], arrays[f"bias_{k}"]) for k in range(1, count + 1)]
        return NumPyPredictor(layers)


class NumPyPredictor:
    """A dense network in NumPy.

        h_0 = x,  h_l = max(h_(l-1) W_l + b_l, 0),  p = softmax(h_(L-1) W_L + b_L)

    Args:
        layers: W and b of each layer, float32, of shapes ``[in, out]`` and ``[out]``.

    Raises:
        ValueError: There is no layer, or shapes or types do not match.
    """

    runtime = NAME
    runtime_version = np.__version__

    def __init__(self, layers: Sequence[Layer]) -> None:
        width = PIXELS
        for kernel, bias in layers:
            if kernel.shape != (width, len(bias)) or bias.ndim != 1:
                raise ValueError(f"shapes {kernel.shape} and {bias.shape} after a width of {width}")
            if {kernel.dtype, bias.dtype} != {np.dtype(np.float32)}:
                raise ValueError(f"types {kernel.dtype} and {bias.dtype}")
            width = len(bias)
        if not layers:
            raise ValueError("it holds no layers")
        *self._hidden, self._last = layers

    @property
    def threads(self) -> int:
        """Threads that NumPy's matrix products may use now, as ``threadpoolctl`` has set them."""
        pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
        return max(pools, default=1)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map images ``[n, 28, 28]`` to probabilities ``[n, classes]``."""
        values = check_images(images).reshape(len(images), PIXELS)
        for kernel, bias in self._hidden:
            values = values @ kernel
            values += bias
            np.maximum(values, 0, out=values)
        kernel, bias = self._last
        logits = values @ kernel
        logits += bias
        # Subtract the largest, so that no exponential overflows.
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
        return logits


def dense_layers(variant: Variant) -> list[Layer]:
    """Return the matrices of a Keras model, if it is a dense network."""
    layers = [each for each in variant.model.layers if type(each).__name__ not in _PASSIVE]
    for place, layer in enumerate(layers, 1):
        wanted = "softmax" if place == len(layers) else "relu"
        found = _kind(layer)
        if found != f"Dense with {wanted}":
            raise value_error(
                f"layer {layer.name!r} of {variant.name}",
                received=found,
                expected=f"Dense with {wanted}",
                remedy="Take a runtime that has this layer, such as 'litert'.",
            )
    return [(layer.get_weights()[0], layer.get_weights()[1]) for layer in layers]


def _kind(layer: Any) -> str:
    config = layer.get_config()
    kind = type(layer).__name__
    if kind == "Dense" and not config["use_bias"]:
        return "Dense without a bias"
    return f"{kind} with {config['activation']}" if "activation" in config else kind
