"""A client whose predictions are counted by version, logged, and checked for drift."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.monitoring.drift_watch import DriftWatch
from deployworkbook.monitoring.exporter import Exporter
from deployworkbook.monitoring.recorder import Note, Recorder
from deployworkbook.monitoring.records import RequestLog
from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.api.types import ModelMetadata, ModelSpec, Prediction, VersionStatus
from deployworkbook.serving.client.base import Client, Inputs
from deployworkbook.serving.client.errors import RequestError


class WatchedClient(Client):
    """Do what a client does, and watch it.

    Answered requests are counted and logged a moment later, by a thread; failed ones at once.

    A canary router takes it like any client, and its two versions are then told apart: the version
    that answers is in the answer. Over REST it is the version or label that was asked for.

    Args:
        client: The client; closed with this one.
        exporter: Counts requests, latencies and classes by version.
        log: Gets a record of each request.
        drift: Looks at inputs and outputs.
    """

    def __init__(
        self,
        client: Client,
        *,
        exporter: Exporter | None = None,
        log: RequestLog | None = None,
        drift: DriftWatch | None = None,
    ) -> None:
        super().__init__(client.address, deadline_s=client.deadline_s)
        self.has_types = client.has_types
        self._client = client
        self._recorder = Recorder(exporter=exporter, log=log, drift=drift)
        self._keeps_inputs = drift is not None
        # A request's ID is this client's name and a number.
        self._name, self._numbers = uuid.uuid4().hex[:8], itertools.count(1)

    def predict(
        self,
        inputs: Inputs,
        *,
        model: str,
        version: int | None = None,
        label: str | None = None,
        signature: str | None = None,
        deadline_s: float | None = None,
    ) -> Prediction:
        """Ask a model for a prediction; see ``Client.predict``.

        Args:
            inputs: Arrays by input name, or the array of the only input.
            model: The model's name on the server.
            version: The version's number.
            label: A version's label, instead of its number.
            signature: The signature to call.
            deadline_s: How long this call may take.
        """
        asked: dict[str, Any] = {"version": version, "label": label, "signature": signature}
        started = time.perf_counter()
        try:
            found = self._client.predict(inputs, model=model, deadline_s=deadline_s, **asked)
        except RequestError as error:
            taken_s = time.perf_counter() - started
            named = label if version is None else version
            which = "newest" if named is None else named
            self._note(model, which, taken_s, error.code, said=error.said)
            # Who handles the error, or dies of it, finds it in the log.
            self.flush()
            raise
        taken_s = time.perf_counter() - started
        answered_by = found.version if found.version is not None else label or "newest"
        scores = _probabilities(found)
        images = None
        if self._keeps_inputs and scores is not None:
            # A copy: its owner may reuse the array.
            images = np.array(_first(inputs))
        self._note(model, answered_by, taken_s, Code.OK, inputs=images, scores=scores)
        return found

    def flush(self) -> None:
        """Count, log and check all requests so far; a thread does it several times a second."""
        self._recorder.flush()

    def close(self) -> None:
        """Close the client, after all its requests are counted."""
        self._recorder.close()
        self._client.close()

    def _note(
        self, model: str, version: int | str, taken_s: float, code: Code, **more: Any
    ) -> None:
        request_id = f"{self._name}-{next(self._numbers)}"
        self._recorder.add(Note(request_id, model, version, time.time(), taken_s, code, **more))

    def _predict(
        self, spec: ModelSpec, arrays: Mapping[str, NDArray[Any]], until: float
    ) -> Prediction:
        return self._client._predict(spec, arrays, until)

    def _metadata(self, spec: ModelSpec, until: float) -> ModelMetadata:
        return self._client._metadata(spec, until)

    def _status(self, spec: ModelSpec, until: float) -> list[VersionStatus]:
        return self._client._status(spec, until)


def _first(inputs: Inputs) -> Any:
    return next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs


def _probabilities(found: Prediction) -> NDArray[Any] | None:
    """Return the probabilities of an answer's classes, if that is what it holds."""
    if len(found.outputs) != 1:
        return None
    output = found.output
    return (
        output if output.ndim == 2 and output.shape[-1] > 1 and output.dtype.kind == "f" else None
    )
