"""New weights in an old LiteRT file: every other byte stays where it was.

A converter may order a new file differently, and a quantizer finds new scales, with which every
integer of a layer changes. Then a patch is hardly smaller than the file. Written into the old file,
on the old scales, weights that were not trained keep their bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_choice, describe, value_error

Scales = Literal["old", "new"]
MOST = 127
SMALLEST = float(np.finfo(np.float32).tiny)


def with_weights(
    content: bytes, parameters: Sequence[ArrayLike], *, scales: Scales = "old"
) -> bytes:
    """Write weights and biases into a LiteRT file of dense layers.

        q = clip(round(w / s), -127, 127),   new scales: s = max |w| / 127 per output

    Args:
        content: The file: float32, or int8 with a scale per output or tensor.
        parameters: W_1, b_1, … W_L, b_L as Keras's ``get_weights`` returns them, in real numbers.
        scales: ``"old"`` keeps the file's scales, and clips what exceeds them; ``"new"`` fits them
            to the new weights, as quantizing again would. Activations keep their ranges.

    Returns:
        A file of the same size.

    Raises:
        ValueError: The file has other layers or types, or shapes differ.
    """
    check_choice("scales", scales, ("old", "new"))
    # The views that the reader returns are of these bytes, so that writing to them is enough.
    result = bytearray(content)
    model = schema.Model.GetRootAs(result)
    layers = _layers(model)
    if len(parameters) != 2 * len(layers):
        raise value_error(
            "parameters",
            received=f"{len(parameters)} arrays",
            expected=f"{2 * len(layers)}, a kernel and a bias for each of the file's layers",
        )
    for number, (source, weights, bias) in enumerate(layers):
        kernel = check_array("kernel", parameters[2 * number], ndim=2)
        shift = check_array("bias", parameters[2 * number + 1], ndim=1)
        _write_kernel(model, weights, kernel.T, scales)
        _write_bias(model, source, weights, bias, shift)
    return bytes(result)


def _layers(model: Any) -> list[tuple[Any, Any, Any]]:
    """Return each dense layer's tensors: its input, its weights, and its bias or ``None``."""
    graph = model.Subgraphs(0)
    found = []
    for place in range(graph.OperatorsLength()):
        operator = graph.Operators(place)
        code = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        if code != schema.BuiltinOperator.FULLY_CONNECTED:
            continue
        indices = operator.InputsAsNumpy().tolist()
        source, weights, *rest = (graph.Tensors(index) if index >= 0 else None for index in indices)
        found.append((source, weights, rest[0] if rest else None))
    return found


def _write_kernel(model: Any, tensor: Any, values: NDArray[np.float64], scales: Scales) -> None:
    stored = _stored(model, tensor, values.shape, "weights")
    if tensor.Type() == schema.TensorType.FLOAT32:
        stored.view(np.float32)[:] = values.astype(np.float32).ravel()
        return
    if tensor.Type() != schema.TensorType.INT8 or tensor.Quantization() is None:
        raise _unsupported("weights of another type")
    scale = tensor.Quantization().ScaleAsNumpy()
    if scales == "new":
        widest = np.abs(values).max(axis=1) if scale.size > 1 else np.abs(values).max()
        # A channel of zeros keeps a scale that can be divided by.
        scale[:] = np.maximum(widest / MOST, SMALLEST)
    steps = scale.astype(np.float64).reshape(-1, 1)
    integers = np.clip(np.rint(values / steps), -MOST, MOST).astype(np.int8)
    stored.view(np.int8)[:] = integers.ravel()


def _write_bias(
    model: Any, source: Any, weights: Any, tensor: Any, values: NDArray[np.float64]
) -> None:
    if tensor is None:
        if values.any():
            raise _unsupported("a layer without a bias, for which the new weights have one")
        return
    stored = _stored(model, tensor, values.shape, "bias")
    if tensor.Type() == schema.TensorType.FLOAT32:
        stored.view(np.float32)[:] = values.astype(np.float32)
        return
    if tensor.Type() != schema.TensorType.INT32 or source.Quantization() is None:
        raise _unsupported("a bias of another type")
    scale = tensor.Quantization().ScaleAsNumpy()
    scale[:] = source.Quantization().ScaleAsNumpy()[0] * weights.Quantization().ScaleAsNumpy()
    most = 2**31 - 1
    integers = np.clip(np.rint(values / scale.astype(np.float64)), -most, most)
    stored.view(np.int32)[:] = integers.astype(np.int32)


def _stored(model: Any, tensor: Any, shape: tuple[int, ...], what: str) -> NDArray[np.uint8]:
    """Return a tensor's bytes in the file, to write to."""
    own = tuple(tensor.ShapeAsNumpy().tolist())
    if own != shape:
        # The file's kernels are transposed.
        raise value_error(
            what, received=f"shape {shape[::-1]}", expected=f"the file's, {own[::-1]}"
        )
    stored = model.Buffers(tensor.Buffer()).DataAsNumpy()
    if not isinstance(stored, np.ndarray):
        raise value_error(what, received=describe(stored), expected="numbers kept in the file")
    return stored


def _unsupported(what: str) -> ValueError:
    return value_error(
        "content",
        received=f"a file with {what}",
        expected="dense layers in float32 or int8",
        remedy="Quantize the new model instead; the patch will be larger.",
    )
