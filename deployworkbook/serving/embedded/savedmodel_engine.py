"""A SavedModel in memory, run by TensorFlow: its graph, its variables and its signatures."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deployworkbook.serving.embedded.engine import Array, signature_of
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.protos import CallableOptions, tf

# How many compiled computations to keep; each output filter needs its own.
MOST_KEPT = 64


class SavedModelEngine:
    """A loaded SavedModel, run as TensorFlow Serving does: through a session.

    A session's callable has a tenth of the latency of a ``ConcreteFunction`` called from Python. It
    also runs signatures of TensorFlow 1, and frees all memory when it is closed.

    Args:
        path: The SavedModel's folder.
        tags: The tags of the graph to load.
        threads: Threads per operation; 0 for one per CPU.

    Raises:
        ServingError: The folder holds no such SavedModel.
    """

    runtime = "TF1"

    def __init__(self, path: Path, *, tags: Sequence[str] = ("serve",), threads: int = 0) -> None:
        self._lock = threading.Lock()
        self._callables: dict[tuple[Any, ...], Any] = {}
        graph = tf.Graph()
        config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads)
        self._session = tf.compat.v1.Session(graph=graph, config=config)
        try:
            with graph.as_default():
                meta = tf.compat.v1.saved_model.load(self._session, list(tags), str(path))
            self.signatures = {
                key: signature_of(key, definition)
                for key, definition in sorted(meta.signature_def.items())
            }
            self._prepare()
        except (
            Exception
        ) as error:  # a broken file can raise anything, and affects its own version only
            self._session.close()
            raise _load_error(error) from error

    def run(self, feeds: Sequence[str], fetches: Sequence[str], arrays: list[Array]) -> list[Array]:
        """Run the graph; see ``Engine``."""
        key = (tuple(feeds), tuple(fetches))
        try:
            call = self._callables.get(key) or self._callable(key)
            return [_as_array(result) for result in call(*arrays)]
        except tf.errors.OpError as error:
            raise ServingError(Code(error.error_code), error.message) from error

    def close(self) -> None:
        """Free the model; no request may be running."""
        with self._lock:
            self._callables.clear()
        self._session.close()

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


def _as_array(result: Any) -> Array:
    """Convert a result to an array; a scalar string arrives as bytes and stays an object.

    NumPy's bytes type would drop trailing zeros.
    """
    return np.array(result, object) if isinstance(result, bytes) else np.asarray(result)


def _load_error(error: Exception) -> ServingError:
    if isinstance(error, ServingError):
        return error
    if isinstance(error, tf.errors.OpError):
        return ServingError(Code(error.error_code), error.message)
    if isinstance(error, OSError | RuntimeError):  # no such file, or no graph of these tags
        return ServingError(Code.NOT_FOUND, str(error))
    return ServingError(Code.UNKNOWN, f"{type(error).__name__}: {error}")
