"""ONNX Runtime: a small library that runs files that any framework can write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deployworkbook.runtimes.base import Predictor, check_images
from deployworkbook.runtimes.exporting import FolderRuntime
from deployworkbook.telemetry import forbid
from deployworkbook.training.variant import Variant
from deployworkbook.validation import check_integer, value_error

forbid()
import onnxruntime  # noqa: E402 (only after its usage reports are off)
from onnxruntime.capi import onnxruntime_pybind11_state as native  # noqa: E402

NAME = "onnx"
FILE_NAME = "model.onnx"
PROVIDER = "CPUExecutionProvider"

# Write only fatal errors to the error stream; those are raised as well.
_FATAL = 4

# Without VNNI instructions, x64 processors add two products of 8 bits in 16 bits, where a large sum
# is cut off and probabilities change by up to 0.06. This makes ONNX Runtime use exact additions
# there, which are at most a fifth slower; processors with VNNI are not affected.
_EXACT_INTEGERS = ("session.x64quantprecision", "1")

# What ONNX Runtime raises for a file or for values that it refuses.
ERRORS = (
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.NoSuchFile,
    native.NotImplemented,
    native.RuntimeException,
)


class ONNXRuntime(FolderRuntime):
    """Exports variants as ``.onnx`` files and runs them with ONNX Runtime on the processor.

    It takes ONNX files, and Keras models, which it converts to float32 files.

    Args:
        threads: Threads per prediction.
    """

    name = NAME
    accepts = ("model", "onnx")
    refusal = (
        "ONNX Runtime reads no LiteRT files. "
        "Run it with the runtime 'litert', or quantize the Keras model for ONNX."
    )

    def __init__(self, threads: int = 1) -> None:
        self.threads = check_integer("threads", threads, 1)

    def _writer(self, variant: Variant) -> Callable[[Path], object]:
        content = onnx_of(variant)
        return lambda folder: (folder / FILE_NAME).write_bytes(content)

    def _read(self, folder: Path) -> Predictor:
        path = folder / FILE_NAME
        try:
            return ONNXPredictor(path.read_bytes(), threads=self.threads)
        except ValueError as error:
            raise ValueError(f"{path}: {error} Export it again.") from error


class ONNXPredictor:
    """An ONNX file in memory; any number of threads may call it at once.

    Args:
        content: The file's bytes.
        threads: Threads per prediction.

    Raises:
        ValueError: The bytes are not an ONNX file, or it does not map images to classes.
    """

    runtime = NAME
    runtime_version = onnxruntime.__version__

    def __init__(self, content: bytes, *, threads: int = 1) -> None:
        self.threads = threads
        self._session = open_session(content, threads=threads)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        found = [(each.type, each.shape[1:]) for each in (*inputs, *outputs)]
        if found[:1] != [("tensor(float)", [28, 28])] or len(found) != 2 or len(found[1][1]) != 1:
            raise value_error(
                "inputs and outputs",
                received=", ".join(f"{kind} {shape}" for kind, shape in found) or "none",
                expected="float32 images [n, 28, 28] and float32 probabilities [n, classes]",
            )
        self._input, self._output = inputs[0].name, [outputs[0].name]

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map images ``[n, 28, 28]`` to probabilities ``[n, classes]``."""
        result: NDArray[np.float32]
        (result,) = self._session.run(self._output, {self._input: check_images(images)})
        return result


def open_session(
    source: bytes | Path, *, threads: int, keep_memory: bool = True
) -> onnxruntime.InferenceSession:
    """Open an ONNX file with ONNX Runtime, on the processor.

    Nothing in it can run code: custom operations are refused, and weights are read from the file's
    own folder only.

    Args:
        source: The file's bytes, or its path, beside which its weights may lie.
        threads: Threads per prediction; 0 for one per core.
        keep_memory: Whether to keep the memory of the largest batch for the next one.

    Raises:
        ValueError: It is not an ONNX file, or can't be run.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = keep_memory
    options.log_severity_level = _FATAL
    options.add_session_config_entry(*_EXACT_INTEGERS)
    given = source if isinstance(source, bytes) else str(source)
    try:
        return onnxruntime.InferenceSession(given, options, providers=[PROVIDER])
    except ERRORS as error:
        raise ValueError(f"it is not an ONNX file that can be run ({error}).") from error


def onnx_of(variant: Variant) -> bytes:
    """Return a variant's ONNX file; convert a Keras model."""
    if variant.onnx is not None:
        return variant.onnx
    # Imported here: importing TensorFlow takes seconds, and running a file doesn't need it.
    from deployworkbook.training.onnx_file import to_onnx

    return to_onnx(variant.model)
