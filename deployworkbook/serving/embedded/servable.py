"""One version of a model in memory: a SavedModel's graph, its variables and its signatures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.embedded.batches import Done
from deployworkbook.serving.embedded.batching import Batcher
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.protos import CallableOptions, tf

Array = NDArray[Any]
# How many compiled computations to keep; each output filter needs its own.
MOST_KEPT = 64


@dataclass(frozen=True)
class ServableSignature:
    """A signature in the form that requests are checked against.

    Args:
        name: Its key.
        definition: The ``SignatureDef``.
        inputs: Alias, name in the graph and data type of each input, sorted by alias.
        outputs: Name in the graph of each output, by alias.
    """

    name: str
    definition: Any
    inputs: tuple[tuple[str, str, int], ...]
    outputs: dict[str, str]


class Servable:
    """A loaded SavedModel, run as TensorFlow Serving does: through a session.

    A session's callable has a tenth of the latency of a ``ConcreteFunction`` called from Python. It
    also runs signatures of TensorFlow 1, and frees all memory when it is closed.

    Args:
        name: The model's name.
        version: The version's number.
        path: The SavedModel's folder.
        tags: The tags of the graph to load.
        threads: Threads per operation; 0 for one per CPU.
        batcher: Joins requests into batches; ``None`` for no batching.
        observe: Called after each run with the API and the duration in µs.

    Raises:
        ServingError: The folder holds no such SavedModel.
    """

    def __init__(
        self,
        name: str,
        version: int,
        path: Path,
        *,
        tags: Sequence[str] = ("serve",),
        threads: int = 0,
        batcher: Batcher | None = None,
        observe: Callable[[str, float], None] = lambda api, microseconds: None,
    ) -> None:
        self.name = name
        self.version = version
        self._batcher = batcher
        self._observe = observe
        self._identity = object()  # another version may get this one's id
        self._lock = threading.Lock()
        self._callables: dict[tuple[Any, ...], Any] = {}
        graph = tf.Graph()
        config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads)
        self._session = tf.compat.v1.Session(graph=graph, config=config)
        try:
            with graph.as_default():
                meta = tf.compat.v1.saved_model.load(self._session, list(tags), str(path))
            self.signatures = {
                key: _signature(key, definition)
                for key, definition in sorted(meta.signature_def.items())
            }
            self._prepare()
        except (
            Exception
        ) as error:  # a broken file can raise anything, and affects its own version only
            self._session.close()
            raise _load_error(error) from error

    def run(
        self, api: str, feeds: Sequence[str], fetches: Sequence[str], arrays: list[Array]
    ) -> list[Array]:
        """Run the graph.

        Args:
            api: The API's name, for the metrics.
            feeds: Names of the tensors to set, in the order of the arrays.
            fetches: Names of the tensors to return, possibly with repetitions.
            arrays: The values to set.

        Raises:
            ServingError: The graph refuses the values; the message is the operation's.
        """
        unique = tuple(dict.fromkeys(fetches))
        key = (tuple(feeds), unique)
        if self._batcher is None:
            results = self._run_now(api, key, arrays)
        else:
            results = self._batcher.run(
                (self._identity, key), arrays, run=lambda joined: self._run_now(api, key, joined)
            )
        return _repeated(results, unique, fetches)

    def submit(
        self,
        api: str,
        feeds: Sequence[str],
        fetches: Sequence[str],
        arrays: list[Array],
        done: Done,
    ) -> None:
        """Let arrays wait for a batch; the batcher's ``help`` must be called afterwards.

        Args:
            api: The API's name, for the metrics.
            feeds: Names of the tensors to set, in the order of the arrays.
            fetches: Names of the tensors to return, possibly with repetitions.
            arrays: The values to set.
            done: Gets the outputs or the error, on the thread that ran the batch.

        Raises:
            ServingError: The arrays can't wait.
        """
        if self._batcher is None:
            raise ValueError("There is no batching")
        unique = tuple(dict.fromkeys(fetches))
        key = (tuple(feeds), unique)

        def all_done(results: list[Array] | None, error: Exception | None) -> None:
            done(None if results is None else _repeated(results, unique, fetches), error)

        self._batcher.submit(
            (self._identity, key),
            arrays,
            run=lambda joined: self._run_now(api, key, joined),
            done=all_done,
        )

    def close(self) -> None:
        """Free the model; no request may be running."""
        with self._lock:
            self._callables.clear()
        self._session.close()

    def _run_now(self, api: str, key: tuple[Any, ...], arrays: list[Array]) -> list[Array]:
        try:
            call = self._callables.get(key) or self._callable(key)
            started = time.perf_counter()
            results = call(*arrays)
        except tf.errors.OpError as error:
            raise ServingError(Code(error.error_code), error.message) from error
        self._observe(api, (time.perf_counter() - started) * 1e6)
        return [_as_array(result) for result in results]

    def _callable(self, key: tuple[Any, ...]) -> Any:
        options = CallableOptions(feed=key[0], fetch=key[1])
        # Run on the request's thread: switching threads costs more than a small model.
        options.run_options.inter_op_thread_pool = -1
        with self._lock:
            made = self._session._make_callable_from_options(options)
            if len(self._callables) < MOST_KEPT:
                self._callables[key] = made
        return made

    def _prepare(self) -> None:
        """Compile the graph of each signature beforehand, which takes longer than a run."""
        for signature in self.signatures.values():
            feeds = tuple(feed for _, feed, _ in signature.inputs)
            fetches = tuple(dict.fromkeys(signature.outputs.values()))
            if all(feeds) and all(fetches) and fetches:
                try:
                    self._callable((feeds, fetches))
                except tf.errors.OpError:
                    continue  # others may work; a request for this one will get the error


def _repeated(results: list[Array], unique: Sequence[str], fetches: Sequence[str]) -> list[Array]:
    if len(unique) == len(fetches):
        return results
    by_name = dict(zip(unique, results, strict=True))
    return [by_name[fetch] for fetch in fetches]


def _as_array(result: Any) -> Array:
    """Convert a result to an array; a scalar string arrives as bytes and stays an object.

    NumPy's bytes type would drop trailing zeros.
    """
    return np.array(result, object) if isinstance(result, bytes) else np.asarray(result)


def _signature(key: str, definition: Any) -> ServableSignature:
    inputs = tuple(
        (alias, info.name, info.dtype) for alias, info in sorted(definition.inputs.items())
    )
    outputs = {alias: info.name for alias, info in sorted(definition.outputs.items())}
    return ServableSignature(key, definition, inputs, outputs)


def _load_error(error: Exception) -> ServingError:
    if isinstance(error, ServingError):
        return error
    if isinstance(error, tf.errors.OpError):
        return ServingError(Code(error.error_code), error.message)
    if isinstance(error, OSError | RuntimeError):  # no such file, or no graph of these tags
        return ServingError(Code.NOT_FOUND, str(error))
    return ServingError(Code.UNKNOWN, f"{type(error).__name__}: {error}")
