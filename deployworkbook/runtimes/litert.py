"""LiteRT, once TensorFlow Lite: small files, and an interpreter that starts without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ai_edge_litert
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from deployworkbook.runtimes.base import Artifact, check_images
from deployworkbook.runtimes.exporting import check_artifact, check_form, write_artifact
from deployworkbook.training.notes import LITERT_NOTE, held_back
from deployworkbook.training.variant import Variant
from deployworkbook.validation import check_integer

NAME = "litert"
FILE_NAME = "model.tflite"


class LiteRTRuntime:
    """Exports variants as ``.tflite`` files and runs them by LiteRT's interpreter.

    Args:
        threads: How many of the processor's cores a prediction may use.
    """

    name = NAME

    def __init__(self, threads: int = 1) -> None:
        self.threads = check_integer("threads", threads, 1)

    def export(self, variant: Variant, directory: Path) -> Artifact:
        """Write ``directory/<variant>.litert/model.tflite``; replace an earlier one.

        Args:
            variant: A LiteRT file, or a Keras model, which becomes one in float32.
            directory: Where to; made if missing.

        Raises:
            ValueError: The variant is an ONNX file, which cannot become a LiteRT file.
        """
        check_form(
            variant,
            "model",
            "flatbuffer",
            reason="LiteRT's converter reads Keras and TensorFlow, not ONNX.",
            remedy="Run it with the runtime 'onnx', or quantize the Keras model for LiteRT.",
        )
        content = variant.flatbuffer
        if content is None:
            # Not above: running a file needs no TensorFlow, and importing it takes seconds.
            from deployworkbook.training.flatbuffer import to_flatbuffer

            content = to_flatbuffer(variant.model)
        return write_artifact(
            variant,
            directory,
            runtime=NAME,
            write=lambda folder: (folder / FILE_NAME).write_bytes(content),
        )

    def load(self, artifact: Artifact) -> LiteRTPredictor:
        """Read an artifact of this runtime.

        Raises:
            FileNotFoundError: It is not there.
            ValueError: It is damaged, of another runtime, or takes no images.
        """
        check_artifact(artifact, NAME)
        path = artifact.path / FILE_NAME
        try:
            return LiteRTPredictor(path.read_bytes(), threads=self.threads)
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"{path} is not a LiteRT file that maps images to classes ({error}). "
                "Export it again."
            ) from error


class LiteRTPredictor:
    """A LiteRT file in memory; for one thread at a time, since it holds the last batch.

    Files of integer inputs and outputs are given and read by their own scale and zero point:
    q = clip(round(x / s) + z), p = s (q - z).

    Args:
        content: The file's bytes.
        threads: How many of the processor's cores a prediction may use.

    Raises:
        ValueError: The bytes are no LiteRT file, or it has more than one input or output.
        RuntimeError: The interpreter cannot prepare it.
    """

    runtime = NAME
    runtime_version = ai_edge_litert.__version__

    def __init__(self, content: bytes, *, threads: int = 1) -> None:
        if content[4:8] != b"TFL3":
            raise ValueError("it does not begin as one")
        self.threads = threads
        with held_back(LITERT_NOTE):
            self._interpreter = Interpreter(model_content=content, num_threads=threads)
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
        # Preparing for another size takes longer than predicting, so the last one is kept.
        self._batch_size = 0
        self._interpreter.resize_tensor_input(self._source, (batch_size, 28, 28))
        self._interpreter.allocate_tensors()
        self._batch_size = batch_size


class _Encoding:
    """Between float32 and the integers of a file's input or output."""

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
