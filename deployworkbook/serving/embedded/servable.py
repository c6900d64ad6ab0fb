"""One version of a model as requests use it: an engine, batched and timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from deployworkbook.serving.embedded.batches import Done
from deployworkbook.serving.embedded.batching import Batcher
from deployworkbook.serving.embedded.engine import Array, Engine, ServableSignature

__all__ = ["Servable", "ServableSignature"]


class Servable:
    """A loaded version.

    Args:
        name: The model's name.
        version: The version's number.
        engine: What runs it.
        batcher: Joins requests into batches; ``None`` for no batching.
        observe: Called after each run with the API, the engine's runtime and the duration in µs.
    """

    def __init__(
        self,
        name: str,
        version: int,
        engine: Engine,
        *,
        batcher: Batcher | None = None,
        observe: Callable[[str, str, float], None] = lambda api, runtime, microseconds: None,
    ) -> None:
        self.name = name
        self.version = version
        self.signatures = engine.signatures
        self._engine = engine
        self._batcher = batcher
        self._observe = observe
        self._identity = object()  # another version may get this one's id

    def run(
        self, api: str, feeds: Sequence[str], fetches: Sequence[str], arrays: list[Array]
    ) -> list[Array]:
        """Run the model.

        Args:
            api: The API's name, for the metrics.
            feeds: Names of the tensors to set, in the order of the arrays.
            fetches: Names of the tensors to return, possibly with repetitions.
            arrays: The values to set.

        Raises:
            ServingError: The model refuses the values; the message is the runtime's.
        """
        unique = tuple(dict.fromkeys(fetches))
        if self._batcher is None:
            results = self._run_now(api, feeds, unique, arrays)
        else:
            results = self._batcher.run(
                (self._identity, tuple(feeds), unique),
                arrays,
                run=lambda joined: self._run_now(api, feeds, unique, joined),
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

        def all_done(results: list[Array] | None, error: Exception | None) -> None:
            done(None if results is None else _repeated(results, unique, fetches), error)

        self._batcher.submit(
            (self._identity, tuple(feeds), unique),
            arrays,
            run=lambda joined: self._run_now(api, feeds, unique, joined),
            done=all_done,
        )

    def close(self) -> None:
        """Free the model; no request may be running."""
        self._engine.close()

    def _run_now(
        self, api: str, feeds: Sequence[str], fetches: Sequence[str], arrays: list[Array]
    ) -> list[Array]:
        started = time.perf_counter()
        results = self._engine.run(feeds, fetches, arrays)
        self._observe(api, self._engine.runtime, (time.perf_counter() - started) * 1e6)
        return results


def _repeated(results: list[Array], unique: Sequence[str], fetches: Sequence[str]) -> list[Array]:
    if len(unique) == len(fetches):
        return results
    by_name = dict(zip(unique, results, strict=True))
    return [by_name[fetch] for fetch in fetches]
