"""LiteRT, formerly TensorFlow Lite: small files, and an interpreter without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ai_edge_litert
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from deployworkbook.runtimes.base import Predictor, check_images
from deployworkbook.runtimes.exporting import FolderRuntime
from deployworkbook.training.notes import LITERT_NOTE, held_back
from deployworkbook.training.variant import Variant
from deployworkbook.validation import check_integer

NAME = "litert"
FILE_NAME = "model.tflite"


class LiteRTRuntime(FolderRuntime):
    """Exports variants as ``.tflite`` files and runs them with LiteRT's interpreter.

    It takes LiteRT files, and Keras models, which it converts to float32 files.

    Args:
        threads: Threads per prediction.
    """

    name = NAME
    accepts = ("model", "flatbuffer")
    refusal = (
        "LiteRT's converter reads Keras and TensorFlow, not ONNX. "
        "Run it with the runtime 'onnx', or quantize the Keras model for LiteRT."
    )

    def __init__(self, threads: int = 1) -> None:
        self.threads = check_integer("threads", threads, 1)

    def _writer(self, variant: Variant) -> Callable[[Path], object]:
        content = variant.flatbuffer
        if content is None:
            # Imported here: importing TensorFlow takes seconds, and running a file doesn't need it.
            from deployworkbook.training.flatbuffer import to_flatbuffer

            content = to_flatbuffer(variant.model)
        return lambda folder: (folder / FILE_NAME).write_bytes(content)

    def _read(self, folder: Path) -> Predictor:
        path = folder / FILE_NAME
        try:
            return LiteRTPredictor(path.read_bytes(), threads=self.threads)
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"{path} is not a LiteRT file that maps images to classes ({error}). "
                "Export it again."
            ) from error


class LiteRTPredictor:
    """A LiteRT file in memory. Call it from one thread at a time, because it keeps the last batch.

    Integer inputs and outputs are converted with their own scale and zero point:
    q = clip(round(x / s) + z), p = s (q - z).

    Args:
        content: The file's bytes.
        threads: Threads per prediction.

    Raises:
        ValueError: The bytes are not a LiteRT file, or it has more than one input or output.
        RuntimeError: The interpreter cannot prepare it.
    """

    runtime = NAME
    runtime_version = ai_edge_litert.__version__

    def __init__(self, content: bytes, *, threads: int = 1) -> None:
        self.threads = threads
        with held_back(LITERT_NOTE):
            self._interpreter = open_interpreter(content, threads=threads)
            (source,) = self._interpreter.get_input_details()
            (sink,) = self._interpreter.get_output_details()
            self._source, self._sink = source["index"], sink["index"]
            self._resize(1)
        self._encode = _Encoding(source) if source["dtype"] != np.float32 else None
        self._decode = _Encoding(sink) if sink["dtype"] != np.float32 else None

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map images ``[n, 28, 28]`` to probabilities ``[n, classes]``."""
        values = check_images(images)
        if len(values) != self._batch_size:
            self._resize(len(values))
        if self._encode is not None:
            values = self._encode.integers(values)
        self._interpreter.set_tensor(self._source, values)
        self._interpreter.invoke()
        result = self._interpreter.get_tensor(self._sink)
        return result if self._decode is None else self._decode.numbers(result)

    def _resize(self, batch_size: int) -> None:
        # Keep the last size, because preparing for another one takes longer than predicting.
        self._batch_size = 0
        self._interpreter.resize_tensor_input(self._source, (batch_size, 28, 28))
        self._interpreter.allocate_tensors()
        self._batch_size = batch_size


def open_interpreter(content: bytes, *, threads: int) -> Interpreter:
    """Open a LiteRT file; the interpreter isn't prepared yet.

    Custom operations and weights in other files are refused, because neither is the file's own.

    Args:
        content: The file's bytes.
        threads: Threads per prediction.

    Raises:
        ValueError: The bytes are not a LiteRT file, or damaged.
    """
    if content[4:8] != b"TFL3":
        raise ValueError("it does not begin like one")
    return Interpreter(model_content=content, num_threads=threads)


class _Encoding:
    """Converts between float32 and the integers of a file's input or output."""

    def __init__(self, details: dict[str, Any]) -> None:
        scale, zero_point = details["quantization"]
        self._type = details["dtype"]
        self._scale, self._zero_point = np.float32(scale), np.float32(zero_point)
        self._range = np.iinfo(self._type)

    def integers(self, values: NDArray[np.float32]) -> NDArray[Any]:
        steps = values / self._scale
        np.rint(steps, out=steps)
        steps += self._zero_point
        np.clip(steps, self._range.min, self._range.max, out=steps)
        return steps.astype(self._type)

    def numbers(self, integers: NDArray[Any]) -> NDArray[np.float32]:
        return (integers.astype(np.float32) - self._zero_point) * self._scale
