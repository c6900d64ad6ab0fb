"""A LiteRT file in memory, once a TensorFlow Lite file: ``model.tflite`` in a version's folder."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deployworkbook.runtimes.litert import FILE_NAME, open_interpreter
from deployworkbook.serving.embedded.engine import Array, Tensor, predict_signature_of
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.serving.embedded.lending import Pool
from deployworkbook.serving.embedded.pieces import (
    MOST_PLANS,
    check_values,
    feeds_key,
    rows_at_a_time,
    run_in_pieces,
)
from deployworkbook.training.litert_signature import LiteRTTensor, read_signatures

log = logging.getLogger(__name__)

# How many examples run together. An interpreter keeps the memory of its largest batch.
MOST_ROWS = 256


class LiteRTEngine:
    """A LiteRT file, run by a few interpreters: each serves one thread at a time.

    Args:
        path: The version's folder.
        interpreters: How many interpreters there may be at most.
        threads: Threads per interpreter.

    Raises:
        ServingError: The file is missing, damaged, or needs what LiteRT lacks.
    """

    runtime = "LiteRT"

    def __init__(self, path: Path, *, interpreters: int = 1, threads: int = 1) -> None:
        self._threads = threads
        try:
            self._content = (path / FILE_NAME).read_bytes()
            signatures = read_signatures(self._content)
        except OSError as error:
            raise ServingError(Code.NOT_FOUND, str(error)) from error
        except ValueError as error:
            raise invalid(f"{path / FILE_NAME}: {error}") from error
        self._tensors: dict[str, tuple[Tensor, int]] = {}
        self._plans: dict[Hashable, tuple[list[int], list[int], int]] = {}
        self.signatures = {}
        for name, signature in sorted(signatures.items()):
            if signature.subgraph:
                said = "%s: signature %s isn't of the first subgraph, so it isn't served."
                log.warning(said, path / FILE_NAME, name)
                continue
            self.signatures[name] = predict_signature_of(
                name, self._named(signature.inputs), self._named(signature.outputs)
            )
        if not self.signatures:
            raise invalid(f"{path / FILE_NAME}: the file's first subgraph has no signature.")
        try:
            first = self._made()
            first.prepare()
        except (RuntimeError, ValueError) as error:
            raise invalid(f"{path / FILE_NAME}: LiteRT can't run it: {error}") from error
        self._pool = Pool(self._made, first, most=interpreters)

    def run(self, feeds: Sequence[str], fetches: Sequence[str], arrays: list[Array]) -> list[Array]:
        """Run the file; see ``Engine``."""
        key = feeds_key(feeds, fetches, arrays)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._planned(feeds, fetches, arrays)
            if len(self._plans) < MOST_PLANS:
                self._plans[key] = plan
        places, wanted, size = plan
        if not size:
            return self._run(places, wanted, arrays)
        return run_in_pieces(
            lambda some: self._run(places, wanted, some),
            arrays,
            size=size,
            outputs=[self._tensors[fetch][0] for fetch in fetches],
        )

    def close(self) -> None:
        """Free the interpreters."""
        self._pool.clear()

    def _planned(
        self, feeds: Sequence[str], fetches: Sequence[str], arrays: list[Array]
    ) -> tuple[list[int], list[int], int]:
        """Check the arrays; return where they go, what is wanted, and how many rows at a time."""
        sources = [self._tensors[feed] for feed in feeds]
        sinks = [self._tensors[fetch] for fetch in fetches]
        inputs = [tensor for tensor, _ in sources]
        check_values(inputs, arrays)
        outputs = [tensor for tensor, _ in sinks]
        size = rows_at_a_time(arrays, inputs=inputs, outputs=outputs, most=MOST_ROWS)
        return [index for _, index in sources], [index for _, index in sinks], size

    def _run(self, places: list[int], wanted: list[int], arrays: list[Array]) -> list[Array]:
        shapes = tuple([array.shape for array in arrays])
        interpreter = self._pool.take(shapes)
        try:
            results = interpreter.run(places, wanted, arrays, shapes)
        except (RuntimeError, ValueError) as error:
            # It may be left half prepared.
            self._pool.discard()
            raise invalid(f"LiteRT refuses these values: {error}") from error
        except BaseException:
            self._pool.discard()
            raise
        self._pool.give_back(interpreter)
        return results

    def _made(self) -> _Interpreter:
        return _Interpreter(self._content, self._threads)

    def _named(self, given: Any) -> dict[str, Tensor]:
        """Give each tensor a name of its own, by which ``run`` finds it."""
        named = {}
        for alias, tensor in given.items():
            made = Tensor(_name(alias, tensor, self._tensors), tensor.dtype, tensor.shape)
            self._tensors[made.name] = made, tensor.index
            named[alias] = made
        return named


class _Interpreter:
    """An interpreter, and the shapes it is prepared for."""

    def __init__(self, content: bytes, threads: int) -> None:
        self._interpreter = open_interpreter(content, threads=threads)
        self.shapes: tuple[tuple[int, ...], ...] = ()

    def prepare(self) -> None:
        """Allocate for the file's own shapes, which shows whether all operations are known."""
        self._interpreter.allocate_tensors()

    def run(
        self,
        places: list[int],
        wanted: list[int],
        arrays: list[Array],
        shapes: tuple[tuple[int, ...], ...],
    ) -> list[Array]:
        interpreter = self._interpreter
        if shapes != self.shapes:
            for place, shape in zip(places, shapes, strict=True):
                interpreter.resize_tensor_input(place, shape)
            interpreter.allocate_tensors()
            self.shapes = shapes
        for place, array in zip(places, arrays, strict=True):
            interpreter.set_tensor(place, array)
        interpreter.invoke()
        return [_as_array(interpreter.get_tensor(place)) for place in wanted]


def _name(alias: str, tensor: LiteRTTensor, taken: dict[str, tuple[Tensor, int]]) -> str:
    known = taken.get(tensor.name)
    free = known is None or known[1] == tensor.index
    return tensor.name if tensor.name and free else f"{alias}:{tensor.index}"


def _as_array(values: Any) -> Array:
    """Convert a result to an array; strings become objects, without lost zeros."""
    array = np.asarray(values)
    return array.astype(object) if array.dtype.kind in "SU" else array
