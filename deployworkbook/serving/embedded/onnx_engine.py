"""An ONNX file in memory: ``model.onnx`` in a version's folder, as OpenVINO Model Server takes it.

TensorFlow Serving doesn't read such files; this server does.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deployworkbook.runtimes.onnx import ERRORS, FILE_NAME, open_session
from deployworkbook.serving.api.arrays import dtype_of
from deployworkbook.serving.api.types import DEFAULT_SIGNATURE
from deployworkbook.serving.embedded.engine import Array, Tensor, predict_signature_of
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.serving.embedded.pieces import (
    MOST_PLANS,
    check_values,
    feeds_key,
    rows_at_a_time,
    run_in_pieces,
)

# Where ONNX Runtime's names and NumPy's differ.
_NAMES = {"float": "float32", "double": "float64"}


class ONNXEngine:
    """An ONNX file, run by ONNX Runtime; its session serves any number of threads.

    Args:
        path: The version's folder; weights in other files are read from there only.
        threads: Threads per run; 0 for one per core.

    Raises:
        ServingError: The file is missing or damaged, or can't be run.
    """

    runtime = "ONNX Runtime"

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        file = path / FILE_NAME
        try:
            self._session = open_session(file, threads=threads, keep_memory=False)
            inputs = {each.name: _tensor(each) for each in self._session.get_inputs()}
            outputs = {each.name: _tensor(each) for each in self._session.get_outputs()}
        except ValueError as error:
            raise invalid(f"{file}: {error}") from error
        self._tensors = {**inputs, **outputs}
        self._plans: dict[Hashable, int] = {}
        self.signatures = {
            DEFAULT_SIGNATURE: predict_signature_of(DEFAULT_SIGNATURE, inputs, outputs)
        }

    def run(self, feeds: Sequence[str], fetches: Sequence[str], arrays: list[Array]) -> list[Array]:
        """Run the file; see ``Engine``."""
        key = feeds_key(feeds, fetches, arrays)
        size = self._plans.get(key)
        if size is None:
            inputs = [self._tensors[feed] for feed in feeds]
            outputs = [self._tensors[fetch] for fetch in fetches]
            check_values(inputs, arrays)
            size = rows_at_a_time(arrays, inputs=inputs, outputs=outputs)
            if len(self._plans) < MOST_PLANS:
                self._plans[key] = size
        names = list(fetches)
        if not size:
            return self._run(names, feeds, arrays)
        return run_in_pieces(
            lambda some: self._run(names, feeds, some),
            arrays,
            size=size,
            outputs=[self._tensors[fetch] for fetch in fetches],
        )

    def close(self) -> None:
        """Free the session."""
        del self._session

    def _run(self, names: list[str], feeds: Sequence[str], arrays: list[Array]) -> list[Array]:
        given = {
            feed: _texts(array) if array.dtype.kind == "O" else array
            for feed, array in zip(feeds, arrays, strict=True)
        }
        try:
            results = self._session.run(names, given)
        except ERRORS as error:
            raise invalid(f"ONNX Runtime refuses these values: {error}") from error
        return [_as_array(result) for result in results]


def _tensor(declared: Any) -> Tensor:
    kind = declared.type.removeprefix("tensor(").removesuffix(")")
    name = _NAMES.get(kind, kind)
    try:
        dtype = np.dtype(object) if kind == "string" else dtype_of(name)
    except TypeError:
        raise ValueError(
            f"its {declared.name} is a {declared.type}, and only tensors can be served."
        ) from None
    # A size that is a name, or none, is any.
    shape = tuple(size if isinstance(size, int) else None for size in declared.shape)
    return Tensor(declared.name, dtype, shape)


def _texts(array: Array) -> Array:
    try:
        return np.array([text.decode() for text in array.ravel()], object).reshape(array.shape)
    except UnicodeDecodeError as error:
        raise ServingError(
            Code.INVALID_ARGUMENT, "A string isn't UTF-8, which ONNX Runtime takes"
        ) from error


def _as_array(result: Any) -> Array:
    array = np.asarray(result)
    if array.dtype.kind not in "OSU":
        return array
    texts = [text.encode() if isinstance(text, str) else text for text in array.ravel().tolist()]
    made = np.empty(len(texts), object)
    made[:] = texts
    return made.reshape(array.shape)
