"""OpenVINO: models compiled for the processor that they run on, in a precision of your choice."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deployworkbook.runtimes.base import Artifact, Predictor, UnavailableError, check_images
from deployworkbook.runtimes.exporting import FolderRuntime
from deployworkbook.runtimes.onnx import onnx_of
from deployworkbook.telemetry import forbid
from deployworkbook.training.variant import Variant
from deployworkbook.validation import check_choice, check_integer, value_error

forbid()
import openvino  # noqa: E402 (only after its usage reports are off)

NAME = "openvino"
FILE_NAME = "model.xml"
DEVICE = "CPU"

Precision = Literal["f32", "bf16"]

# The runtime's name for each precision, as in the ledger.
NAMES: dict[Precision, str] = {"f32": NAME, "bf16": f"{NAME}-bf16"}


class OpenVINORuntime(FolderRuntime):
    """Exports variants in OpenVINO's own format and runs them on the processor.

    It takes Keras models, ONNX files, and LiteRT files whose operations OpenVINO knows. Weights are
    stored as they are; by default, OpenVINO would round them to 16 bits. And it would compute in
    bfloat16 if the processor can: float32's eight bits of exponent, and seven of its 23 bits of
    fraction. Here the precision is always explicit.

    Args:
        threads: Threads per prediction.
        precision: ``"f32"``, or ``"bf16"`` on processors that have it. Integers stay integers.
    """

    accepts = ("model", "onnx", "flatbuffer")

    def __init__(self, threads: int = 1, *, precision: Precision = "f32") -> None:
        self.threads = check_integer("threads", threads, 1)
        self.precision = check_choice("precision", precision, NAMES)
        self.name = NAMES[self.precision]

    def load(self, artifact: Artifact) -> Predictor:
        """Read an artifact of this runtime, and compile it for this processor.

        Raises:
            FileNotFoundError: It is not there.
            ValueError: It is damaged, of another runtime, or doesn't map images to classes.
            UnavailableError: This processor has no bfloat16.
        """
        if self.precision == "bf16" and (reason := bfloat16_obstacle()):
            raise UnavailableError(f"{self.name}: {reason}")
        return super().load(artifact)

    def _writer(self, variant: Variant) -> Callable[[Path], object]:
        model = _converted(variant)
        return lambda folder: openvino.save_model(model, folder / FILE_NAME, compress_to_fp16=False)

    def _read(self, folder: Path) -> Predictor:
        path = folder / FILE_NAME
        try:
            model = openvino.Core().read_model(path)
        except RuntimeError as error:
            raise ValueError(
                f"{path} is not a model of OpenVINO ({_gist(error)}). Export it again."
            ) from error
        return OpenVINOPredictor(model, threads=self.threads, precision=self.precision)


class OpenVINOPredictor:
    """A compiled model. Call it from one thread at a time, because it keeps the last batch.

    Args:
        model: Result of ``openvino.Core().read_model``.
        threads: Threads per prediction.
        precision: Floating-point format that it computes in.

    Raises:
        ValueError: It does not map images to classes.
    """

    runtime_version = openvino.__version__.split("-")[0]

    def __init__(self, model: Any, *, threads: int = 1, precision: Precision = "f32") -> None:
        self.runtime = NAMES[precision]
        self.threads = threads
        _check_ends(model)
        self._compiled = _compile(model, threads, precision)
        self._request = self._compiled.create_infer_request()

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map images ``[n, 28, 28]`` to probabilities ``[n, classes]``."""
        # Share the array's memory, which takes half as long as copying it.
        values = np.require(check_images(images), requirements=["C", "W"])
        self._request.set_input_tensor(openvino.Tensor(values, shared_memory=True))
        self._request.infer()
        result: NDArray[np.float32] = self._request.get_output_tensor().data.copy()
        return result


def compile_onnx(source: bytes | Path, *, threads: int) -> Any:
    """Read an ONNX file of any inputs and outputs, and compile it in float32.

    Args:
        source: The file's bytes, or its path.
        threads: Threads per call; 0 for one per core.

    Raises:
        ValueError: OpenVINO can't read it, or doesn't know one of its operators.
    """
    given = source if isinstance(source, bytes) else str(source)
    try:
        return _compile(openvino.Core().read_model(given), threads, "f32")
    except RuntimeError as error:
        raise ValueError(f"it is not an ONNX file that can be run ({_gist(error)}).") from error


def _compile(model: Any, threads: int, precision: Precision) -> Any:
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        # One prediction at a time, on all of the threads.
        "NUM_STREAMS": 1,
    }
    return openvino.Core().compile_model(model, DEVICE, settings)


def bfloat16_obstacle() -> str:
    """Return why this processor cannot compute in bfloat16; an empty text if it can."""
    if "BF16" in openvino.Core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES"):
        return ""
    return (
        "this processor has no bfloat16 (AVX-512 BF16 or AMX). Take the runtime 'openvino', "
        "which computes in float32."
    )


def _converted(variant: Variant) -> Any:
    """Convert a variant to OpenVINO's model.

    Raises:
        ValueError: It is a LiteRT file that OpenVINO cannot read.
    """
    if variant.flatbuffer is None:
        return openvino.Core().read_model(onnx_of(variant))
    try:
        with tempfile.TemporaryDirectory() as folder:
            # OpenVINO recognises a LiteRT file by its name.
            path = Path(folder) / "model.tflite"
            path.write_bytes(variant.flatbuffer)
            model = openvino.Core().read_model(path)
            # A copy, because the file with the weights is about to be deleted.
            model = model.clone()
        _check_ends(model)
    except (RuntimeError, ValueError) as error:
        raise value_error(
            variant.name,
            received=f"a LiteRT file that OpenVINO cannot read ({_gist(error)})",
            expected="a Keras model, an ONNX file or a LiteRT file of known operations",
            remedy="Run it with the runtime 'litert', or quantize the Keras model for ONNX.",
        ) from error
    return model


def _check_ends(model: Any) -> None:
    """Raise an error if a model does not map float32 images to float32 probabilities."""
    ends = [*model.inputs, *model.outputs]
    found = [
        f"{end.element_type.to_string()} {end.get_partial_shape().to_string()}" for end in ends
    ]
    fits = len(model.inputs) == 1 == len(model.outputs) and [
        (end.element_type.to_string(), end.get_partial_shape().rank.get_length()) for end in ends
    ] == [("f32", 3), ("f32", 2)]
    if not fits or not model.inputs[0].get_partial_shape().compatible(
        openvino.PartialShape([-1, 28, 28])
    ):
        raise value_error(
            "inputs and outputs",
            received=", ".join(found) or "none",
            expected="float32 images [n, 28, 28] and float32 probabilities [n, classes]",
        )


def _gist(error: Exception) -> str:
    """Return the last line of OpenVINO's error; the others point into its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].removesuffix(".") if lines else type(error).__name__
