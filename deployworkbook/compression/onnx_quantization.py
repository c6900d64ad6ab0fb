"""Post-training quantization for ONNX: int8 files that ONNX Runtime and OpenVINO run.

ONNX Runtime's quantizer rewrites a float32 graph. LiteRT's int8 files contain the same kind of
numbers, but in operations that ONNX doesn't have, so the model is quantized separately for each.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.compression.litert_quantization import calibration_note
from deployworkbook.telemetry import forbid
from deployworkbook.training.onnx_file import INPUT, to_onnx
from deployworkbook.training.variant import Variant
from deployworkbook.validation import check_choice

# Operations with weights. Softmax stays in float32: in steps of 1/256, small probabilities would
# become 0.
OPERATIONS = ["Conv", "Gemm", "MatMul"]


@dataclass(frozen=True)
class ONNXTechnique:
    """One way to store an ONNX model in int8.

    Args:
        what: Short description.
        calibrates: Whether it needs images, to find the range of the activations.
    """

    what: str
    calibrates: bool


TECHNIQUES: Mapping[str, ONNXTechnique] = {
    "onnx-int8-dynamic": ONNXTechnique(
        "weights in int8, activations by the range of the batch that is predicted", False
    ),
    "onnx-int8-static": ONNXTechnique(
        "weights and activations in int8, between quantizing and dequantizing operations", True
    ),
}


def quantize_onnx(
    model: Any,
    technique: str,
    *,
    images: NDArray[np.float32] | None = None,
) -> Variant:
    """Store a trained model's ONNX graph in int8, with a scale per unit of a layer.

    Args:
        model: A Keras model.
        technique: One of ``TECHNIQUES``.
        images: For ``"onnx-int8-static"``: training images, float32 of shape ``[n, 28, 28]``,
            whose activations set the ranges, from the smallest value to the largest.

    Returns:
        An ONNX file with the technique's name.

    Raises:
        ValueError: The technique is unknown, or the images are missing, misshapen or not needed.
    """
    chosen = TECHNIQUES[check_choice("technique", technique, TECHNIQUES)]
    note = calibration_note(technique, chosen.what, calibrates=chosen.calibrates, images=images)
    return Variant(technique, onnx=_quantized(to_onnx(model), images), note=note)


def _quantized(content: bytes, images: NDArray[np.float32] | None) -> bytes:
    # Imported here, because it takes half a second, and only after its usage reports are off.
    forbid()
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    settings: dict[str, Any] = {
        "op_types_to_quantize": OPERATIONS,
        "per_channel": True,
        "weight_type": quantization.QuantType.QInt8,
    }
    with tempfile.TemporaryDirectory() as folder:
        source, fused, target = (Path(folder) / f"{stage}.onnx" for stage in ("1", "2", "3"))
        source.write_bytes(content)
        # Adds the shapes, and fuses each product and its bias into one operation.
        quant_pre_process(source, fused, skip_symbolic_shape=True)
        if images is None:
            quantization.quantize_dynamic(fused, target, **settings)
        else:
            quantization.quantize_static(
                fused,
                target,
                _Images(images),
                quant_format=quantization.QuantFormat.QDQ,
                activation_type=quantization.QuantType.QInt8,
                **settings,
            )
        return target.read_bytes()


class _Images:
    """Gives the quantizer all images in one batch, so that their order does not matter."""

    def __init__(self, images: NDArray[np.float32]) -> None:
        self._batches = iter([{INPUT: images}])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next batch; ``None`` after the last."""
        return next(self._batches, None)
