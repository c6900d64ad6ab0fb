"""TensorFlow Lite Micro: the interpreter that microcontrollers run LiteRT files with.

Its package runs on Linux only, and on this machine's processor; its answers and the memory that it
takes from its arena are those of a microcontroller, its time isn't.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.runtimes.base import UnavailableError, check_images
from deployworkbook.validation import value_error

# Enough for any form of the workbook's model; what it uses of it is what counts.
ARENA_BYTES = 4_000_000
_TOTAL = re.compile(r"Arena allocation total (\d+) bytes")


@dataclass(frozen=True, eq=False)
class MicroRun:
    """What TensorFlow Lite Micro answered, and the memory it took.

    Args:
        outputs: Its outputs in the file's own type, shape ``[n, classes]``.
        arena_bytes: RAM that it took from its arena: activations, and what it notes about tensors
            and operators. Its stack, code and weights come on top.
    """

    outputs: NDArray[Any]
    arena_bytes: int


def run_micro(content: bytes, images: NDArray[np.float32]) -> MicroRun:
    """Run a LiteRT file by TensorFlow Lite Micro, one image at a time.

    Args:
        content: The file's bytes.
        images: float32 in 0 … 1, shape ``[n, 28, 28]``.

    Raises:
        UnavailableError: It isn't installed, or doesn't exist for this system.
        ValueError: It is another file, or there is no kernel for something in it; the interpreter's
            own words are quoted.
    """
    check_images(images)
    reason = obstacle()
    if reason:
        raise UnavailableError(f"TensorFlow Lite Micro: {reason}")
    if content[4:8] != b"TFL3":
        received = f"{len(content)} bytes that begin with {content[:8]!r}"
        raise value_error("the LiteRT file", received=received, expected="a file of LiteRT")
    from tflite_micro import runtime

    with _said() as words:
        try:
            interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA_BYTES)
        except RuntimeError as error:
            raise _refused(words() or str(error)) from error
    encode = _encoder(interpreter.get_input_details(0))
    outputs = []
    with _said() as words:
        try:
            for image in images:
                interpreter.set_input(encode(image[None]), 0)
                interpreter.invoke()
                outputs.append(interpreter.get_output(0).copy())
        except (RuntimeError, ValueError) as error:
            raise _refused(words() or str(error)) from error
    with _said() as words:
        interpreter.print_allocations()
        found = _TOTAL.search(words())
    if found is None:
        raise RuntimeError("TensorFlow Lite Micro didn't say what its arena holds.")
    return MicroRun(np.concatenate(outputs), int(found[1]))


def obstacle() -> str:
    """Return why TensorFlow Lite Micro can't run here; an empty text if it can."""
    if find_spec("tflite_micro"):
        return ""
    if sys.platform != "linux":
        return "its package exists for Linux only. Everything else works without it."
    return "not installed. Install it: pip install tflite-micro"


def _encoder(details: dict[str, Any]) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    dtype, grid = np.dtype(details["dtype"]), details["quantization_parameters"]
    if dtype == np.float32:
        return lambda image: image
    scale, zero_point = np.float32(grid["scales"][0]), np.float32(grid["zero_points"][0])
    limits = np.iinfo(dtype)

    def integers(image: NDArray[np.float32]) -> NDArray[Any]:
        steps = np.rint(image / scale) + zero_point
        return np.asarray(np.clip(steps, limits.min, limits.max), dtype)

    return integers


def _refused(words: str) -> ValueError:
    return value_error(
        "the LiteRT file",
        received=f"one that TensorFlow Lite Micro refuses ({' '.join(words.split())})",
        expected="one whose operations it has",
        remedy="Quantize all of the model to int8, inputs and outputs too.",
    )


@contextmanager
def _said() -> Iterator[Callable[[], str]]:
    """Collect what the interpreter writes to the process's standard error."""
    sys.stderr.flush()
    with TemporaryFile() as file:
        before = os.dup(2)
        os.dup2(file.fileno(), 2)

        def words() -> str:
            file.seek(0)
            return file.read().decode(errors="replace")

        try:
            yield words
        finally:
            os.dup2(before, 2)
            os.close(before)
